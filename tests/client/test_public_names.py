"""The names that `import replicate` offers, the cost of the import, and the client behind the module's functions."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from support.colours import connect

import replicate
from replicate.resources.predictions import Predictions


def python(code: str, *options: str, **environment: str) -> str:
    """Run code in a new process and return its output."""
    ran = subprocess.run(
        [sys.executable, "-W", "error", *options, "-c", code],
        env={"PYTHONPATH": ":".join(filter(None, sys.path)), "PATH": "", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


def test_importing_loads_next_to_nothing() -> None:
    """`import replicate` loads no other modules, of its own or of others."""
    script = "import sys; before = set(sys.modules); import replicate; print(*sorted(set(sys.modules) - before))"
    assert python(script) == "replicate"


def test_every_name_exists() -> None:
    """Each name of `__all__` can be imported, in any order, and is in `dir`."""
    for name in replicate.__all__:
        assert getattr(replicate, name) is not None
        assert name in dir(replicate)
    assert sorted(set(replicate.__all__)) == sorted(replicate.__all__)


def test_importing_everything() -> None:
    """`from replicate import *` imports all public names."""
    names = python("from replicate import *; import replicate; print(set(replicate.__all__) <= set(dir()))")
    assert names == "True"


def test_classes_are_public() -> None:
    """The classes of `exceptions` and `client` are public, and `replicate` exports the same objects."""
    from replicate import client, exceptions

    errors = {name for name, value in vars(exceptions).items() if isinstance(value, type)}
    assert errors <= set(replicate.__all__)
    assert {"AsyncReplicate", "Client", "Replicate"} <= set(replicate.__all__)
    assert client.Client is replicate.Client


def test_an_unknown_name() -> None:
    """An unknown name raises AttributeError, as in any module."""
    with pytest.raises(AttributeError, match="module 'replicate' has no attribute 'nonsense'"):
        replicate.nonsense  # noqa: B018
    assert not hasattr(replicate, "__wrapped__")


@pytest.mark.parametrize("submodule", ["local", "exceptions", "client", "resources.predictions", "_flows.run"])
def test_submodules_do_not_shadow_names(submodule: str) -> None:
    """Importing a submodule does not replace the package's functions and namespaces of similar names."""
    script = (
        f"import replicate.{submodule}, replicate; from replicate import run, stream, use, models, predictions, files;"
        "print(callable(replicate.run), callable(replicate.stream), callable(replicate.use),"
        "type(replicate.models).__name__, type(replicate.predictions).__name__, type(replicate.files).__name__)"
    )
    assert python(script) == "True True True Models Predictions Files"


def test_the_module_acts_on_one_client(server: Any) -> None:
    """The module's functions and namespaces share one client, made on first use from the environment."""
    script = """
import sys, replicate
assert "httpx" not in sys.modules
print(replicate.run("me/official", input={"text": "a"}), replicate.use("me/official")(text="b"))
print("".join(replicate.stream("me/official", input={"text": "c"})))
print(replicate.models.get("me/official").id)
made = replicate.predictions.create("me/official", {"text": "d"}, wait=True)
print(replicate.predictions.get(made.id).output, replicate.files.create(b"abc").size)
assert replicate.predictions is replicate.default_client.predictions
"""
    settings = {"REPLICATE_API_TOKEN": server.token, "REPLICATE_BASE_URL": server.base_url.removesuffix("/v1")}
    assert python(script, **settings).split("\n") == ["A! B!", "C!", "me/official", "D! 3"]


def test_getting_a_prediction_loads_no_code_for_creates(server: Any) -> None:
    """Getting a prediction does not load the code that creates predictions and encodes their inputs."""
    with server.client() as client:
        made = client.predictions.create("me/official", {"text": "d"}, wait=True)
    script = f"""
import sys, replicate
print(replicate.predictions.get({made.id!r}).status)
print(*[name for name in sys.modules if name in ("replicate._jobs.create", "replicate._inputs.encode")])
"""
    settings = {"REPLICATE_API_TOKEN": server.token, "REPLICATE_BASE_URL": server.base_url}
    assert python(script, **settings) == "succeeded"


@pytest.mark.parametrize("call", ["run({})", "stream({})", "predictions.create(model={}).stream()"])
def test_what_handles_files_is_loaded_with_the_first_file(server: Any, call: str) -> None:
    """A text is run and streamed without it."""
    script = f"""
import sys, replicate
def files():
    return [name for name in sys.modules if name.startswith("replicate.") and vars(sys.modules[name]).get("Download")]
for _ in replicate.{call.format("'me/official'")}: pass
print(files())
print([str(event.event) for event in replicate.stream("me/link")], bool(files()))
"""
    settings = {"REPLICATE_API_TOKEN": server.token, "REPLICATE_BASE_URL": server.base_url}
    assert python(script, **settings).splitlines() == ["[]", "['output', 'done'] True"]


def test_a_token_may_be_set_after_the_import(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The import and the first access need no token. The first request does."""
    script = """
import os, replicate
run = replicate.run
try:
    run("me/official")
except replicate.AuthenticationError as error:
    print("Set the environment variable REPLICATE_API_TOKEN" in str(error))
os.environ["REPLICATE_API_TOKEN"] = os.environ["LATER"]
print(run("me/official"))
"""
    assert python(script, REPLICATE_BASE_URL=server.base_url, LATER=server.token).split() == ["True", "HI!"]


def test_an_asynchronous_function_of_the_module(server: Any) -> None:
    """A function of `replicate.use(…, use_async=True)` is awaited, in any number of event loops."""
    script = """
import asyncio, replicate
shout = replicate.use("me/official", use_async=True)
async def main():
    return await asyncio.gather(shout(text="a"), shout(text="b"))
print(asyncio.run(main()), asyncio.run(main()))
"""
    settings = {"REPLICATE_API_TOKEN": server.token, "REPLICATE_BASE_URL": server.base_url}
    assert python(script, **settings) == "['A!', 'B!'] ['A!', 'B!']"


def test_the_default_client_can_be_replaced(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The module's functions use a client that is assigned to `replicate.default_client`."""
    with connect("blocking", bearer_token=server.token, base_url=server.base_url) as client:
        monkeypatch.setattr(replicate, "default_client", client, raising=False)
        assert replicate.run("me/official", input={"text": "a"}) == "A!"
        assert isinstance(replicate.predictions, Predictions)


def test_snippets_of_version_1(server: Any) -> None:
    """Code for version 1 runs unchanged."""
    script = """
import replicate
from replicate.client import Client
from replicate.exceptions import ModelError, ReplicateError

print(replicate.run("me/official", {"text": "a"}))
model = replicate.models.get("me/community")
version = model.latest_version
prediction = replicate.predictions.create(version=version, input={"text": "b"})
prediction.wait()
print(prediction.status, prediction.output, prediction.metrics["predict_time"] >= 0, prediction.urls["get"][:4])
prediction.reload()
for event in replicate.stream("me/words", input={"text": "c d"}):
    print(str(event), end="")
print()
client = Client(api_token=replicate.default_client._session.config.credentials.token())
for word in client.run("me/words", input={"text": "e f"}):
    print(word, end="")
print()
try:
    replicate.run("me/broken", input={})
except ModelError as error:
    print(error.prediction.status, error, isinstance(error, ReplicateError))
print(len(list(replicate.predictions.list())) > 3)
print(replicate.models.versions.list("me", "community")[0].id == version.id)
client.close()
"""
    settings = {"REPLICATE_API_TOKEN": server.token, "REPLICATE_BASE_URL": server.base_url}
    assert python(script, **settings).split("\n") == [
        "A!", "succeeded B! True http", "c d ", "e f ", "failed CUDA out of memory False", "True",
        "True",
    ]  # fmt: skip
