"""Odd logs, from a model or from the API, never make a call fail."""

from __future__ import annotations

import io
import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator  # noqa: TC003 - the server reads the models' signatures
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from support.colours import Clock, collect, got, leaves_streams, scripted
from support.faults import Faults, answer
from support.sample_models import Script, model, prediction, version_of

from replicate import ModelError
from replicate.local import Model
from replicate.local import server as local_server

if TYPE_CHECKING:
    from replicate.local import Server

pytestmark = leaves_streams

NINES = "9" * 5000
LOGS = {
    "many digits": f"{NINES}%|###| {NINES}/{NINES}",
    "many digits in a count": f"50%|###| {NINES}/{NINES}",
    "400 percent": "400%|###| 4/1",
    "line feeds": "\n" * 20_000,
    "a long line": "50%|" + "| " * 200_000,
    "escapes": "\x1b[2J\x1b]0;title\x07\r\0\x9b 50%|\x1b[31m#\x1b[0m| 1/2 \u202e",
    "half a pair": " 50%|#\u0661| \u0661/\u0662",
}
WAYS = ["run", "version", "use", "stream", "use streaming"]


def told(name: str) -> str:
    """Print some logs, and give a text."""
    print("  10%|#  | 1/10 [00:01]")  # noqa: T201 - printed into the log
    print(LOGS[name])  # noqa: T201
    return "done"


def words(name: str) -> Iterator[str]:
    """Print some logs while there is output."""
    yield "do"
    print(LOGS[name])  # noqa: T201
    yield "ne"


def fail(name: str) -> str:
    """Print some logs, and fail with them."""
    print(LOGS[name])  # noqa: T201
    raise RuntimeError(LOGS[name][:100_000])


@pytest.fixture(scope="module")
def place() -> Iterator[Server]:
    models = {"me/told": Model(told, official=True), "me/words": Model(words, official=True)}
    with local_server({**models, "me/community": words, "me/fail": Model(fail, official=True)}) as srv:
        yield srv


async def called(client: Any, srv: Server, way: str, **options: Any) -> str:
    """Run a model in one of several ways and return its output."""
    given = {"name": options.pop("name")}
    match way:
        case "run":
            return str(await got(client.run("me/told", given, **options)))
        case "version":
            source = await got(client.run(version_of(srv, "me/community"), given, **options))
        case "use":
            return str(await got(client.use("me/told", **options)(**given)))
        case "use streaming":
            source = await got(client.use("me/words", streaming=True, **options)(**given))
        case _:
            source = client.stream("me/words", given, **options)
    return "".join(map(str, await collect(source)))


@pytest.mark.parametrize(("way", "kind"), [*((way, "lines") for way in WAYS), ("run", "a bar"), ("stream", "a bar")])
@pytest.mark.parametrize("name", LOGS)
async def test_odd_logs_do_not_fail_a_call(
    clients: Any, place: Server, name: str, way: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A call that shows progress succeeds and cancels nothing, whatever the model prints."""
    if kind == "lines":
        monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    stderr, before, asked = io.StringIO(), len(place.predictions), len(place.requests)
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", stderr)
        assert await called(clients(place), place, way, name=name, progress=True) == "done"
    # The model runs in this process. Its prints go to the logs, so stderr holds only what the client shows.
    assert stderr.getvalue().replace("\r", "").replace("\n", "").isprintable()
    assert "succeeded" in stderr.getvalue()
    assert [run.status for run in [*place.predictions][before:]] == ["succeeded"]
    assert not [request for request in place.requests[asked:] if request.path.endswith("/cancel")]


@pytest.mark.parametrize("name", LOGS)
async def test_a_failure_with_odd_logs(clients: Any, place: Server, name: str) -> None:
    """The error of a model with odd logs, and its prediction, can be shown on a terminal."""
    with pytest.raises(ModelError) as raised:
        await got(clients(place).run("me/fail", {"name": name}, progress=True))
    for text in (str(raised.value), raised.value.message, *raised.value.__notes__):
        assert text.replace("\n", "").replace("\t", "").isprintable()
    assert sum(map(len, raised.value.__notes__)) < 6000
    assert raised.value.prediction._repr_mimebundle_()


@pytest.mark.parametrize("logs", [5, ["a"], {"a": "b"}, True], ids=repr)
@pytest.mark.parametrize("way", ["run", "wait", "logs"])
async def test_logs_that_are_no_text(colour: str, way: str, logs: Any) -> None:
    """Logs that are no text show no progress, and are passed on as they are."""
    states = [prediction("processing", logs=logs), prediction("succeeded", logs=logs, output="done")]
    script = Script(model=[model()], create=[prediction(logs=logs)], get=states, cancel=[prediction("canceled")])
    client = scripted(colour, script)
    Clock(client)
    seen: list[Any] = []
    options: Any = {"progress": True, "on_update": lambda run: seen.append(run.logs)}
    if way == "run":
        assert await got(client.run("me/model", {}, **options)) == "done"
    elif way == "wait":
        assert (await got(client.predictions.wait("p1", **options))).output == "done"
    else:
        assert await collect((await got(client.predictions.create("v", {}))).follow_logs()) == [str(logs)]
    assert all(each == logs for each in seen)
    assert not any(each.endswith("/cancel") for each in script.asked)


@pytest.mark.parametrize("way", ["stream", "use"])
async def test_a_stream_with_a_huge_reconnection_time(clients: Any, way: str) -> None:
    """A reconnection time of 5,000 digits is ignored: the stream is read to its end, and nothing is canceled."""

    def answered(request: bytes) -> bytes:
        line = request.partition(b"\r\n")[0]
        if line.startswith(b"GET /stream"):
            events = f"retry: {NINES}\n\nevent: output\nid: 1\ndata: done\n\nevent: done\nid: 2\ndata: {{}}\n\n"
            return answer("200 OK", events.encode(), "Content-Type: text/event-stream")
        if b"/models/me/model HTTP" in line:
            shape = {"type": "array", "items": {"type": "string"}, "x-cog-array-type": "iterator"}
            return answer(body=json.dumps(model(output=shape)).encode())
        urls = {"stream": f"{server.origin}/stream"}
        run = prediction("starting" if line.startswith(b"POST") else "succeeded", urls=urls)
        return answer("201 Created" if line.startswith(b"POST") else "200 OK", json.dumps(run).encode())

    with Faults(answered) as server:
        client = clients(bearer_token="t", base_url=server.base_url)
        if way == "stream":
            source = client.stream("me/model", {}, progress=True)
        else:
            source = await got(client.use("me/model", streaming=True, progress=True)())
        assert "".join(map(str, await collect(source))) == "done"
        assert not [request for request in server.requests if b"/cancel" in request]


# ---- log records of this package


class Refusing(logging.Handler):
    """Raises like a handler whose stream is closed while stderr is closed, too."""

    def emit(self, record: logging.LogRecord) -> None:
        if "cancel" in record.getMessage():
            raise ValueError("I/O operation on closed file.")


@pytest.mark.parametrize("works", [False, True])
async def test_a_log_that_fails_does_not_replace_an_error(
    colour: str, monkeypatch: pytest.MonkeyPatch, *, works: bool
) -> None:
    """The error that ends a call is raised even if a log handler fails on the record of the cancellation."""
    logger = logging.getLogger("replicate")
    monkeypatch.setattr(logger, "handlers", [Refusing()])
    monkeypatch.setattr(logger, "level", logging.DEBUG)
    monkeypatch.setattr(logger, "propagate", False)

    def end(_: Any) -> None:
        raise KeyboardInterrupt

    canceled = prediction("canceled") if works else httpx.Response(404, json={"detail": "not here"})
    script = Script(create=[prediction()], cancel=[canceled])
    client = scripted(colour, script)
    Clock(client)
    with pytest.raises(KeyboardInterrupt):
        await got(client.run("me/model", {}, on_update=end))
    assert script.asked[-1].endswith("/cancel")


PROGRAM = """
import asyncio, sys
import replicate

sys.stderr.close()
if sys.argv[1] == "blocking":
    said = replicate.run("me/told", input={"name": "escapes"}, progress=True)
else:
    said = asyncio.run(replicate.AsyncReplicate().run("me/told", input={"name": "escapes"}, progress=True))
print(said)
"""


@pytest.mark.parametrize("log", ["debug", ""])
@pytest.mark.parametrize("tqdm", [False, True])
@pytest.mark.parametrize("kind", ["blocking", "asyncio"])
def test_a_program_whose_stderr_is_closed(place: Server, kind: str, log: str, *, tqdm: bool) -> None:
    """A program with a closed stderr, such as a daemon, can use progress, logs and warnings, which go nowhere."""
    environment = {**os.environ, "REPLICATE_API_TOKEN": place.token, "REPLICATE_BASE_URL": place.base_url}
    program = PROGRAM if tqdm else f"import sys\nsys.modules['tqdm.auto'] = None\n{PROGRAM}"
    command = [sys.executable, "-c", program, kind]
    before = len(place.predictions)
    ended = subprocess.run(
        command, env={**environment, "REPLICATE_LOG": log}, capture_output=True, text=True, timeout=60, check=False
    )
    assert (ended.returncode, ended.stdout) == (0, "done\n")
    assert [run.status for run in [*place.predictions][before:]] == ["succeeded"]
