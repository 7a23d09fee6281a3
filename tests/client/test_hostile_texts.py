"""Whoever sends control characters, people see them escaped. Fields and data keep what came."""

from __future__ import annotations

import io
import json
import logging
import pickle
import sys
import traceback
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from support.colours import Clock, collect, connect, got, leaves_streams, scripted
from support.faults import Faults, answer
from support.sample_models import Script, model, prediction

from replicate import (
    APIStatusError,
    Client,
    FileOutput,
    InputError,
    ModelError,
    OutputList,
    Page,
    Prediction,
    ReplicateException,
)
from replicate.exceptions import RunError, SaveError

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = leaves_streams

EVIL = "\x1b]0;t\x07\x00\r\x7f\x9b2J\x85\u061c\u200b\u200f\u202e\u2066\ufeff\u2028\u2029\ud800"
NAME = EVIL.replace("\0", "")
"""What can be the name of a file or an environment variable's value, apart from the surrogate."""
SHOWN = r"\x1b]0;t\x07"
STREAM = "https://stream.replicate.com/v1/streams/x"


def is_readable(text: str) -> bool:
    """Return whether a text can be printed, and cannot control a terminal."""
    return text.replace("\n", "").replace("\t", "").isprintable()


def said(error: BaseException) -> list[str]:
    """Return all texts of an error and of those that led to it, as Python prints them."""
    texts = [str(error), repr(error), *getattr(error, "__notes__", ()), "".join(traceback.format_exception(error))]
    if isinstance(error, ReplicateException):
        texts += [error.message, error.hint or ""]
    return texts


def problem(status: int, **members: Any) -> httpx.Response:
    return httpx.Response(status, content=json.dumps(members))


def job(status: str, **members: Any) -> dict[str, Any]:
    """Return a prediction whose texts are all hostile."""
    urls = {"get": "https://api.replicate.com/v1/predictions/p1", "web": EVIL, **members.pop("urls", {})}
    return prediction(
        status, **{"id": EVIL, "logs": f"{EVIL}\n{EVIL}", "error": EVIL, "model": EVIL, "urls": urls, **members}
    )


def as_json(body: Any) -> httpx.Response:
    return httpx.Response(200, content=json.dumps(body))


# ---- what the API and models say

ANSWERS: dict[str, dict[str, list[Any]]] = {
    "a problem": {"create": [problem(422, title=EVIL, detail=f"{EVIL}\n{EVIL}", type=EVIL, instance=EVIL)]},
    "fields": {"create": [problem(422, detail=[{"loc": ["body", EVIL], "msg": EVIL}], invalid_fields=[EVIL])]},
    "no problem document": {"create": [httpx.Response(403, content=EVIL.encode("utf-8", "replace"))]},
    "another page": {"create": [httpx.Response(200, content=EVIL.encode("utf-8", "replace"))]},
    "no object": {"create": [as_json([EVIL])]},
    "a redirect": {"create": [httpx.Response(307, headers={"location": b"https://other.example/\x9b?q"})]},
    "headers": {"create": [httpx.Response(429, headers={"x-request-id": b"\x9b2J", "retry-after": b"\x9b"}, json={})]},
    "a failure": {"create": [as_json(job("failed"))]},
    "a cancellation": {"create": [as_json(job("canceled", error=None))]},
    "a removal": {"create": [as_json(job("succeeded", data_removed=True, error=None))]},
    "no end": {kind: [as_json(job(EVIL, id=NAME[:-1]))] for kind in ("create", "get", "cancel")},
    "two that may be it": {
        "create": [problem(500, detail=EVIL)],
        "list": [
            as_json({"results": [job("starting", id=f"{EVIL}{n}", created_at="2100-01-01T00:00:00Z") for n in "ab"]})
        ],
    },
}


@pytest.mark.parametrize("name", ANSWERS)
async def test_errors_of_the_api_and_of_models(colour: str, name: str) -> None:
    """Texts, notes, hints and tracebacks are safe to print; the fields hold what came, also after a pickle."""
    client = scripted(colour, Script(**ANSWERS[name]), max_retries=0)
    Clock(client)
    with pytest.raises(ReplicateException) as caught:
        await got(client.run("me/model", {}, timeout=30))
    error = caught.value
    for text in [*said(error), *said(pickle.loads(pickle.dumps(error)))]:
        assert is_readable(text)
    if isinstance(error, APIStatusError) and name == "a problem":
        assert (error.title, error.detail) == (EVIL, f"{EVIL}\n{EVIL}".strip())
        assert f"title: {SHOWN}" in str(error)
        assert json.loads(error.response.content)["detail"] == f"{EVIL}\n{EVIL}"  # type: ignore[union-attr]
    if isinstance(error, ModelError) and error.prediction.error:
        assert error.prediction.error == error.detail == EVIL
        assert str(error).startswith(SHOWN)
        assert any(note.startswith(f"last logs:\n  {SHOWN}") for note in error.__notes__)


async def test_an_error_over_a_socket(colour: str) -> None:
    """A reason phrase, headers and a body with control characters are shown escaped."""
    body = json.dumps({"title": EVIL, "detail": EVIL}).encode()
    headers = ["X-Request-Id: \x9b2J", "Retry-After: \x9b1", "Content-Type: \x9b"]
    with Faults(answer("402 Pay\x9b2J", body, *headers)) as server:
        client = connect(colour, base_url=server.base_url)
        with pytest.raises(APIStatusError) as caught:
            await got(client.account.get())
        await got(client.close())
    assert all(map(is_readable, said(caught.value)))
    assert "\x9b" in str(caught.value.request_id)


@pytest.mark.parametrize("status", ["failed", "succeeded"])
async def test_streams(colour: str, status: str) -> None:
    """An error event is shown escaped; what a stream yields is not changed."""
    events = f"event: output\nid: \x1b1\ndata: {NAME[:5]}\n\nevent: error\ndata: \x1b[2J\u202e\n\n"

    def answered(request: httpx.Request) -> httpx.Response:
        if request.url.host == "stream.replicate.com":
            return httpx.Response(200, headers={"content-type": "text/event-stream"}, content=events.encode())
        now = "starting" if request.method == "POST" else status
        return as_json(job(now, id="p1", error=EVIL if now == "failed" else None, urls={"stream": STREAM}))

    client = scripted(colour, answered)
    Clock(client)
    items: list[Any] = []
    with pytest.raises(RunError) as caught:
        await collect(client.stream("me/model", {}, timeout=30), into=items)
    assert items[0] == NAME[:5]
    assert all(map(is_readable, said(caught.value)))
    assert (SHOWN if status == "failed" else r"\x1b[2J") in str(caught.value)
    assert all(map(is_readable, map(repr, items)))


# ---- what the caller says


def missing(place: Path) -> str:
    return str(place / NAME.replace("\ud800", ""))


MISTAKES: dict[str, Callable[[Any, Path], Any]] = {
    "a reference": lambda client, _: client.run(EVIL, {}),
    "a model of two parts": lambda client, _: client.models.get(f"a/{EVIL}:b"),
    "an id": lambda client, _: client.predictions.get(f"../{EVIL}"),
    "an input": lambda client, _: client.run("a/b", {EVIL: object()}),
    "an inner input": lambda client, _: client.run("a/b", {"a": [{EVIL: {1}}, {EVIL: object()}]}),
    "a surrogate": lambda client, _: client.run("a/b", {"a": EVIL}),
    "a missing file": lambda client, place: client.run("a/b", {"a": Path(missing(place))}),
    "a file to upload": lambda client, place: client.files.create(missing(place)),
    "a folder to upload": lambda client, place: client.files.create(place),
    "a media type": lambda client, _: client.files.create(b"a", content_type=EVIL),
    "a file's name": lambda client, _: client.post("/files", files={EVIL: (EVIL, b"a", EVIL)}),
    "a part": lambda client, _: client.post("/files", files={EVIL: 5}),
    "a part's path": lambda client, place: client.post("/files", files={EVIL: place}),
    "metadata": lambda client, _: client.files.create(b"a", metadata={EVIL: object()}),
    "a keyword": lambda client, _: client.run("a/b", {}, **{EVIL: 1}),
    "a header's name": lambda client, _: client.account.get(extra_headers={EVIL: "a"}),
    "a header's value": lambda client, _: client.account.get(extra_headers={"A": EVIL}),
    "a header's bytes": lambda client, _: client.account.get(extra_headers={"A": b"a\r\nb"}),
    "Prefer": lambda client, _: client.predictions.create("a/b", {}, prefer=EVIL),
    "Cancel-After": lambda client, _: client.predictions.create("a/b", {}, cancel_after=EVIL),
    "a timeout": lambda client, _: client.run("a/b", {}, timeout=EVIL),
    "a cursor": lambda client, _: client.predictions.list(EVIL),
    "a URL": lambda client, _: client.get(f"http://a{EVIL}/"),
    "a method": lambda client, _: client.request(EVIL, "/a"),
    "a body": lambda client, _: client.post("/a", json={EVIL: {1}}),
    "a strategy": lambda client, _: client.run("a/b", {}, file_encoding_strategy=EVIL),
    "a file's URL": lambda client, _: FileOutput(f"x:{EVIL}", client._session).read(),
    "a file's path": lambda client, _: FileOutput("data:,a", client._session).save(missing(Path("/\x1b\u202e"))),
    "a folder": lambda client, place: client.save_all([], place / "\x1b" / "file"),
    "webhook-timestamp": lambda client, _: client.webhooks.validate(
        headers={"webhook-id": EVIL, "webhook-timestamp": EVIL, "webhook-signature": EVIL}, body=EVIL, secret="whsec_YQ"
    ),
    "a webhook's secret": lambda client, _: client.webhooks.sign(EVIL, EVIL),
    "a webhook's body": lambda client, _: client.webhooks.unwrap(
        {"headers": {}, "body": EVIL, "isBase64Encoded": True}
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
async def test_errors_about_what_the_caller_says(colour: str, name: str, tmp_path: Path) -> None:
    """Every mistake is refused before anything is sent, with a text that can be printed."""
    (tmp_path / "\x1b").write_text("a file")
    asked: list[Any] = []
    client = scripted(colour, lambda request: asked.append(request) or problem(500))  # type: ignore[func-returns-value]
    with pytest.raises((ReplicateException, TypeError, ValueError, OSError, AttributeError)) as caught:
        await got(MISTAKES[name](client, tmp_path))
    for text in said(caught.value):
        assert is_readable(text), text
    assert asked == []


HEADERS: dict[str, Callable[[Any, Any], Any]] = {
    "a constructor": lambda client, given: type(client)(bearer_token="t", default_headers=given),
    "version 1's constructor": lambda _, given: Client(api_token="t", headers=given),
    "a copy": lambda client, given: client.copy(default_headers=given),
    "another copy": lambda client, given: client.with_options(set_default_headers=given),
    "an attribute": lambda client, given: setattr(client, "default_headers", given),
    "a call": lambda client, given: client.predictions.create("a/b", {}, extra_headers=given),
    "a list": lambda client, given: client.predictions.list(extra_headers=given),
    "a request": lambda client, given: client.get("/account", headers=given),
    "version 2's options": lambda client, given: client.get("/account", options={"headers": given}),
}


@pytest.mark.parametrize("name", HEADERS)
async def test_headers(colour: str, name: str) -> None:
    """A header that cannot be sent is refused at once, by its name. Its value may be a secret, and is not shown."""
    asked: list[httpx.Request] = []

    def answered(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return as_json({"results": [], **prediction("succeeded")})

    for value in (
        "r8_secret\r\nA: b",
        "r8_secret\0",
        "r8_secret\x1b",
        b"r8_secret\n",
        b"r8_secret\x7f",
        "r8_secret\ud800",
    ):
        with pytest.raises(ValueError, match=r"^the header 'X-Key' ") as caught:
            await got(HEADERS[name](scripted(colour, answered), {"X-Key": value}))
        assert "r8_secret" not in "".join(said(caught.value)[:2])
    for key in ("X-Key\r\nA", "X\0", "\x1b[2J", "X-\u202e", "", "X Y", b"X-Key"):
        with pytest.raises((TypeError, ValueError), match="name of a header") as caught:
            await got(HEADERS[name](scripted(colour, answered), {key: "a"}))
        assert all(map(is_readable, said(caught.value)))
    assert asked == []
    await got(HEADERS[name](scripted(colour, answered), {"X-Key": b"bytes", "X-Other": "caf\xe9"}))  # can be sent
    assert all(request.headers["x-key"] == "bytes" for request in asked)


# ---- what the program shows


def logged(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the lines of the log. Arguments are safe, too."""
    assert all(str(record.args).isprintable() for record in caplog.records)
    return [record.getMessage() for record in caplog.records]


class Raising:
    """An observer and an `on_update` that raise."""

    def started(self, _: Any) -> None:
        raise RuntimeError(f"{EVIL}\nobserved")


@pytest.mark.parametrize("kind", ["lines", "a bar"])
async def test_logs_and_progress(
    colour: str, kind: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every line of the log, and of the progress, is one line, and readable."""
    if kind == "lines":
        monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    stderr = io.StringIO()
    states = [
        as_json(job(state, id=f"{NAME[:-1]}\n", error=None, output="done")) for state in (f"{EVIL}\na", "succeeded")
    ]
    script = Script(create=[as_json(job(f"{EVIL}\n", id=f"{NAME[:-1]}\n", urls={"web": f"{EVIL}\n"}))], get=states)
    client = scripted(colour, script, observers=[Raising()])
    Clock(client)
    with monkeypatch.context() as patch, caplog.at_level(logging.DEBUG, "replicate"):
        patch.setattr(sys, "stderr", stderr)
        assert await got(client.run("me/model", {}, progress=True)) == "done"
    shown = stderr.getvalue()
    shown.encode()
    assert SHOWN in shown
    assert shown.replace("\r" if kind == "a bar" else "", "").replace("\n", "").isprintable()
    lines = logged(caplog)
    assert any(f"prediction {SHOWN}" in line and " started: " in line for line in lines)
    assert any("observed" in line for line in lines)
    assert all(line.isprintable() for line in lines)


@pytest.mark.parametrize("level", ["debug", "info", "warning"])
def test_whatever_is_logged(level: str, caplog: pytest.LogCaptureFixture) -> None:
    """A message is one line, whatever its arguments are."""
    from replicate._http import log

    write = getattr(log, level)
    with caplog.at_level(logging.DEBUG, "replicate"):
        write("%s|%r|%.1f|%d", EVIL, [EVIL], 1.25, 3)
        write("%s|%s", RuntimeError(f"{EVIL}\nb"), None)
    lines = logged(caplog)
    assert len(lines) == 2
    assert all(line.isprintable() for line in lines)
    assert lines[0].startswith(SHOWN)
    assert lines[0].endswith("|1.2|3")
    assert lines[1].endswith(r"\nb|None")


async def test_warnings(colour: str) -> None:
    """A warning of an unknown input shows the names of the caller and of the model's author escaped."""
    known = model()
    schemas = known["latest_version"]["openapi_schema"]["components"]["schemas"]
    schemas["Input"] = {"type": "object", "properties": {f"{NAME[:-1]}b": {"type": "string"}}}
    client = scripted(
        colour, Script(model=[as_json(known)], create=[as_json(job("succeeded", id="p1", output="a", error=None))])
    )
    await got(client.use("me/model").openapi_schema())
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        await got(client.run("me/model", {f"{NAME[:-1]}\n": "a"}))
        await got(client.run("me/model", {"other": "a"}))
    assert len(caught) == 2
    for warning in caught:
        assert is_readable(str(warning.message))
        assert Path(warning.filename).is_relative_to(Path(__file__).parents[1])  # it points at the caller
    assert SHOWN in str(caught[1].message)
    with pytest.raises(InputError) as refused:
        await got(client.use("me/model")(**{NAME[:-1]: "a"}))
    assert all(map(is_readable, said(refused.value)))


def request() -> object:
    return connect("blocking").account.get()


VARIABLES: dict[str, Callable[[], object]] = {
    "REPLICATE_BASE_URL": lambda: connect("blocking"),
    "REPLICATE_POLL_INTERVAL": lambda: scripted("blocking", Script(create=[prediction()])).run("a/b"),
    "HTTPS_PROXY": request,
    "SSL_CERT_FILE": request,
}


@pytest.mark.parametrize("name", VARIABLES)
def test_variables(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error about an environment variable can be printed, whatever its value is."""
    monkeypatch.setenv(name, NAME.replace("\ud800", "\udcff"))
    with pytest.raises(ReplicateException, match=name) as caught:
        VARIABLES[name]()
    assert all(map(is_readable, said(caught.value)))


def test_notebooks() -> None:
    """What a notebook shows can be saved, and holds no control character: also not in links and attributes."""
    run: Any = Prediction.from_dict(job("failed", output=[EVIL, {EVIL: EVIL}], input={EVIL: EVIL}))
    page: Any = Page(results=[run])
    link: Any = FileOutput(f"https://replicate.delivery/\u202e{NAME}.png", connect("blocking")._session)
    texts: Any = OutputList([EVIL, EVIL])
    for shown in (run, page, link, texts):
        bundle = shown._repr_mimebundle_()
        assert bundle, shown
        for text in bundle.values():
            text.encode()
            assert is_readable(text), text
        assert "<a" not in bundle["text/html"]
    assert run.logs == f"{EVIL}\n{EVIL}"


# ---- reprs


def test_reprs() -> None:
    """The repr of any object shows control characters escaped, in the names of unknown fields too."""
    run: Any = Prediction.from_dict(job(EVIL, **{EVIL: EVIL}, metrics={EVIL: 1}, urls={EVIL: EVIL}))
    for shown in (run, run.urls, run.metrics, OutputList([EVIL]), FileOutput(f"https://a/{EVIL}"), Page(results=[run])):
        assert repr(shown).isprintable()
    assert r"'\x1b" in repr(run)
    assert run.id == EVIL


@pytest.mark.parametrize("kind", [SaveError, RunError, InputError, ReplicateException])
def test_errors_made_by_hand(kind: type[ReplicateException]) -> None:
    """An error's text, hint and notes are escaped whoever makes it; ordinary texts stay as they are."""
    error = kind(EVIL, hint=EVIL, detail=EVIL)
    error.add_note(EVIL)
    assert all(map(is_readable, said(error)))
    assert error.detail == EVIL
    ordinary = "Das ist \xa0schön: 東京\u3000🎉, C:\\a\\x1b\n\ta"
    assert str(kind(ordinary)) == kind(ordinary).message == ordinary
    cause = RuntimeError(EVIL)
    cause.add_note(EVIL)
    assert all(map(is_readable, [str(RunError.of(cause, None)), *RunError.of(cause, None).__notes__]))
