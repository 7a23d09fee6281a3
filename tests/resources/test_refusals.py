"""Invalid values are refused before anything is sent; the error names the argument."""

from __future__ import annotations

import asyncio
import datetime as dt
from functools import reduce
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.colours import RUN, connect, got, scripted

from replicate import Client, DefaultHttpxClient, FileOutput, Replicate, paginate
from replicate._compat import version1
from replicate.local import server
from replicate.resources.webhooks import Webhooks

NAN = float("nan")
CIRCLE: dict[str, Any] = {}
CIRCLE["a"] = CIRCLE
Call = tuple[str, tuple[Any, ...], dict[str, Any], type[Exception], str]

FILES: list[Call] = [
    ("files.create", (b"a",), {"content_type": 5}, TypeError, "^content_type must be a str, not int"),
    ("files.create", (b"a",), {"content_type": "a/b\r\nX: y"}, ValueError, "^content_type holds a character that no"),
    ("files.create", (b"a",), {"type": "a/\u0142"}, ValueError, "^content_type holds a character that no header"),
    ("files.create", (b"a",), {"filename": 5}, TypeError, "^filename must be a str, not int"),
    ("files.create", (("a", b"a", "png\n"),), {}, ValueError, "^content_type holds a character that no header"),
    ("files.create", (b"a",), {"metadata": {"a": [NAN]}}, ValueError, r"^metadata\['a'\]\[0\] is nan, which JSON"),
    ("files.create", (b"a",), {"metadata": {"a": {1}}}, TypeError, r"^metadata\['a'\] is set, which JSON"),
    ("files.create", (b"a",), {"metadata": CIRCLE}, ValueError, "^metadata contains itself"),
    ("files.create", ("",), {}, ValueError, "^file must be a path, not an empty text"),
    ("files.create", ("https://files.test/a",), {}, ValueError, "^file must be a path, not a URL"),
    ("files.create", (Path(__file__).parent,), {}, IsADirectoryError, "^file must be a file, and .* is a directory"),
    *(
        (
            "files.download",
            ("x",),
            {"expiry": 1, "owner": "o", "signature": "s", **wrong},
            TypeError,
            f"^{next(iter(wrong))} must be a str, a number or a date, not ",
        )
        for wrong in ({"expiry": b"1"}, {"owner": {}}, {"signature": []})
    ),
]
LINK: dict[str, Any] = {"expiry": 1, "owner": "o", "signature": "s"}
OWNED: dict[str, Any] = {"model_owner": "o", "model_name": "n"}
DEPLOYED: dict[str, Any] = {"deployment_owner": "o", "deployment_name": "n"}
NAMED = {*OWNED, *DEPLOYED, "file_id", "version_id"}
IDS: list[Call] = [
    *(
        call
        for name, word in (
            ("predictions.get", "prediction_id"),
            ("predictions.cancel", "prediction_id"),
            ("predictions.wait", "prediction_id"),
            ("trainings.get", "training_id"),
            ("files.delete", "file_id"),
            ("collections.get", "collection_slug"),
        )
        for call in (
            (name, ("",), {}, ValueError, f"^Expected a non-empty value for `{word}` but received ''"),
            (name, (" ",), {}, ValueError, f"^Expected a non-empty value for `{word}` but received ' '"),
            (name, (None,), {}, ValueError, f"^Expected a non-empty value for `{word}` but received None"),
            (name, (None,), {}, TypeError, f"^Expected a non-empty value for `{word}` but received None"),
            (name, ("..",), {}, ValueError, f"^{word} must name something, not '..'"),
            (name, (True,), {}, TypeError, f"^{word} must be a str, not bool"),
            (name, ("https://replicate.com/p/x",), {}, ValueError, f"^{word} must be an identifier, without slashes"),
        )
    ),
    *(
        (name, (), {**words, word: ""}, ValueError, f"^Expected a non-empty value for `{word}` but received ''")
        for name, words in (
            ("files.download", {"file_id": "x", **LINK}),
            *((name, OWNED) for name in ("models.get", "models.update", "models.delete", "models.readme.get")),
            *((name, OWNED) for name in ("models.examples.list", "models.versions.list", "models.predictions.create")),
            *((name, {**OWNED, "version_id": "v"}) for name in ("models.versions.get", "models.versions.delete")),
            *((f"deployments.{name}", DEPLOYED) for name in ("get", "update", "delete", "predictions.create")),
            ("trainings.create", {**OWNED, "version_id": "v", "input": {}, "destination": "o/n"}),
        )
        for word in words
        if word in NAMED
    ),
    ("models.get", ("o", 5.5), {}, TypeError, "^model_name must be a str, not float"),
    ("models.get", ("o/n", "n"), {}, ValueError, "^model_owner must be an identifier.*not 'o/n'"),
    ("models.versions.get", ("o/n", 5.5), {}, TypeError, "^version_id must be a str, not float"),
    ("search", (None,), {}, TypeError, "^query is missing"),
    ("search", ({},), {}, TypeError, "^query must be a str, a number or a date, not dict"),
    ("models.search", (5,), {}, TypeError, "^query must be a str, not int"),
]
FIELDS: list[Call] = [
    ("models.update", ("o/n",), {"description": b"x"}, TypeError, "^description is bytes, which JSON cannot express"),
    ("models.create", ("o", {1}), {"hardware": "cpu", "visibility": "x"}, TypeError, "^name is set, which JSON cannot"),
    ("deployments.update", ("o/n",), {"hardware": NAN}, ValueError, "^hardware is nan, which JSON cannot express"),
    ("models.list", (), {"sort_by": ["a"]}, TypeError, "^sort_by must be a str, a number or a date, not list"),
    ("trainings.create", ("o/n:v", [], "o/n"), {}, TypeError, "^input is missing: it must map .*: str, list, str$"),
    ("trainings.create", (), {"input": None}, TypeError, "^input is missing: it must map .* to values$"),
    (
        "predictions.list",
        (),
        {"created_before": b"x"},
        TypeError,
        "^created_before must be a str.*not bytes",
    ),
    ("predictions.create", ("v", {}), {"file_encoding_strategy": []}, ValueError, "^file_encoding_strategy must be"),
    ("use", ("o/n",), {"streaming": "yes"}, TypeError, "^streaming must be True or False, not str"),
]
POSITIONS: list[Call] = [
    ("deployments.create", ("x",), {}, TypeError, r"^create\(\) takes no argument by position.* as name=, model=, "),
    ("post", ("/x", {}), {}, TypeError, r"^post\(\) takes url by position, not 2 of them: .*json="),
    (
        "stream",
        ("o/n", {}, False, 1),
        {},
        TypeError,
        r"^stream\(\) takes ref, input, use_file_output by position, not 4",
    ),
    ("run", ("o/n",), {"text": "x"}, TypeError, r"'text'; what is for the model goes into input=\{'text': ...\}; it"),
    ("stream", ("o/n",), {"width": 1}, TypeError, r"goes into input=\{'width': ...\}; did you mean 'wait'"),
    ("run", (), {"model": "o/n"}, TypeError, "'model'; did you mean 'ref'"),
    ("predictions.create", ("v",), {"prompt": ""}, TypeError, r"goes into input=\{'prompt': ...\}; it takes version"),
]
LOW: list[Call] = [
    ("get", (5,), {}, TypeError, "^url must be a str, not int"),
    ("get", ("",), {}, ValueError, "^url must not be empty"),
    ("request", ("/account", "GET"), {}, ValueError, "^method must be one of HTTP, such as 'GET', not '/account'"),
    ("request", (None, "/account"), {}, TypeError, "^method must be a str, not NoneType"),
    ("post", ("/x",), {"json": {"a": [1, {"b": NAN}]}}, ValueError, r"^json\['a'\]\[1\]\['b'\] is nan"),
    ("post", ("/x",), {"body": {"a": b"x"}}, TypeError, r"^body\['a'\] is bytes, which JSON cannot express"),
    ("post", ("/x",), {"json": {(1,): 2}}, TypeError, r"^json has the key \(1,\); keys must be str"),
    ("post", ("/x",), {"json": CIRCLE}, ValueError, "^json contains itself"),
    ("post", ("/x",), {"files": 5}, TypeError, "^files must map names to files, not be int"),
    ("post", ("/x",), {"files": {"a": 5}}, TypeError, "^a must be an open binary file or bytes, not int"),
    ("post", ("/x",), {"files": {5: b"x"}}, TypeError, "^the name of a file must be a str, not int"),
    *(
        ("get", ("/x",), {name: "a=b"}, TypeError, f"^{name} must map names to values, not be str")
        for name in ("params", "headers", "options")
    ),
    ("get", ("/x",), {"params": {"a": {"b": 1}}}, TypeError, r"^params\['a'\] must be a str.*not dict"),
    ("get", ("/x",), {"extra_query": {"a": b"x"}}, TypeError, r"^extra_query\['a'\] must be a str.*not bytes"),
    ("get", ("/x",), {"headers": {5: "x"}}, TypeError, "^the name of a header must be a str, not int"),
]
EXCLUSIVE = "^`default_{0}` and `set_default_{0}` arguments are mutually exclusive"
CLIENTS: list[Call] = [
    ("with_options", (), {"default_headers": 5}, TypeError, "^default_headers must map names to values, not be int"),
    ("with_options", (), {"set_default_query": 5}, TypeError, "^set_default_query must map names to values"),
    ("with_options", (), {"poll_interval": "x"}, TypeError, "^poll_interval must be a number of seconds"),
    ("with_options", (), {"base_url": 5}, TypeError, "^base_url must be a str or an httpx.URL, not int"),
    ("with_options", (), {"http_client": 5}, TypeError, "^Invalid `http_client` argument.*as http_client, not int"),
    ("with_options", (), {"default_headers": {}, "set_default_headers": {}}, ValueError, EXCLUSIVE.format("headers")),
    ("with_options", (), {"default_query": {}, "set_default_query": {}}, ValueError, EXCLUSIVE.format("query")),
    ("get", ("/x",), {"max_retries": None}, TypeError, "^max_retries cannot be None"),
]


@pytest.mark.parametrize(
    ("name", "args", "words", "error", "says"), [*FILES, *IDS, *FIELDS, *POSITIONS, *LOW, *CLIENTS], ids=repr
)
async def test_an_invalid_argument_is_refused(
    colour: str, name: str, args: Any, words: Any, error: type[Exception], says: str
) -> None:
    """The error names the argument and the expected value, and nothing is sent."""
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json={"id": "x", "results": []})

    client = scripted(colour, answer)
    with pytest.raises(error, match=says):
        await got(reduce(getattr, name.split("."), client)(*args, **words))
    assert asked == []


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ({"default_query": 5}, "^default_query must map"),
        ({"default_query": {"a": {1}}}, r"^default_query\['a'\] must be a str.*not set"),
        ({"default_headers": 5}, "^default_headers must map"),
        ({"base_url": 5}, "^base_url must be a str"),
        ({"poll_interval": True}, "^poll_interval must be a number"),
        ({"http_client": 5}, "http_client, not int"),
        ({"max_retries": None}, "^max_retries cannot be None"),
    ],
)
@pytest.mark.parametrize("colour", list(RUN))
def test_invalid_settings(colour: str, words: Any, says: str) -> None:
    """An invalid setting is refused by name, both at construction and on assignment."""
    with pytest.raises(TypeError, match=says):
        connect(colour, **words)
    if "http_client" not in words:
        client = connect(colour)
        [(name, value)] = words.items()
        with pytest.raises(TypeError, match=says):
            setattr(client, name, value)


async def test_unusual_valid_values_are_sent(colour: str) -> None:
    """Times of any kind, types with parameters, any JSON keys, and members that only the API knows are sent."""
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json={"id": "x", "results": []})

    client = scripted(colour, answer)
    for moment in (None, "2025-01-01", "2025-01-01T00:00:00Z", dt.date(2025, 1, 1), dt.datetime.now()):  # noqa: DTZ005 - a naive one
        await got(client.predictions.list(created_after=moment))
    await got(client.files.create(b"a", content_type="text/plain; charset=utf-8", metadata={"a": [None, (1, 2.5)]}))
    await got(client.post("/x", json={1: True, None: "a"}))
    await got(client.models.update("o/n", extra_body={"new": 1}))
    assert len(asked) == 8
    assert asked[-1].read() == b'{"new":1}'


def test_clients_that_share_connections_are_closed_together() -> None:
    """Closing a client closes those that share its connections, but not one with another `http_client`."""
    client = Replicate(bearer_token="t")
    shared, apart = client.with_options(timeout=5), client.with_options(http_client=DefaultHttpxClient())
    shared.close()
    assert client.is_closed()
    assert not apart.is_closed()
    apart.close()


async def test_invalid_file_urls_and_paths(colour: str) -> None:
    """The URL of an output must be text, and its path must name a file, a folder or an open file."""
    wrong: Any = 5
    with pytest.raises(TypeError, match=r"^url must be a str, not int"):
        FileOutput(wrong)
    output = FileOutput("data:,a", connect(colour))
    for path in (5, None):
        with pytest.raises(TypeError, match=r"^path must be a str, a path or a file opened in binary mode, not"):
            await got(output.save(path))  # type: ignore[arg-type]  # on purpose
    with pytest.raises(ValueError, match=r"^path must name a file or a folder, not be empty"):
        await got(output.save(""))


def test_values_of_the_wrong_kind() -> None:
    """A wrong list method, wrong headers and wrong models of a server are refused by name."""
    wrong: Any = 5
    with pytest.raises(TypeError, match=r"^list_method must be a method, such as client.predictions.list, not int"):
        next(paginate(wrong))
    with pytest.raises(TypeError, match=r"^headers must be a mapping, or pairs of names and values, not int"):
        Webhooks.validate(headers=wrong, body="x", secret="whsec_AAAA")
    with pytest.raises(TypeError, match=r"^headers must map names to values, not be int"):
        Client("t", headers=wrong)
    with pytest.raises(TypeError, match=r'^models must map "owner/name" to functions, not be int'):
        server(models=wrong)


def picture() -> bytes:
    """Draw nothing."""
    return b"\x89PNG"


def test_version_1s_run_takes_a_third_position() -> None:
    """`run` and `async_run` of version 1's module take `use_file_output` by position."""
    plain: Any = False
    with server(models={"me/picture": picture}) as here, here.client() as client:
        for run in (version1.run, lambda *told: asyncio.run(version1.async_run(*told))):
            assert isinstance(run(client, "me/picture", {}, plain), str)
            assert isinstance(run(client, "me/picture", {}), FileOutput)
