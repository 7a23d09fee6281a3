"""Work that grows with its input grows in proportion: counted in operations, not in seconds."""

from __future__ import annotations

import hashlib
import json
from itertools import chain
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.sample_models import prediction
from support.sessions import scripted

import replicate
from replicate import FileOutput, ModelError, Prediction, ServerSentEvent
from replicate._dual.drive import drive
from replicate._files import atomic_write, fetch, filenames
from replicate._files.filenames import distinct
from replicate._http.error_responses import excerpt
from replicate._jobs import follow
from replicate._jobs.output_files import Files
from replicate._wording import LONGEST_TEXT, harmless

if TYPE_CHECKING:
    from pathlib import Path

MANY = 1000
NAMES = {
    "the same": lambda: ["out.png"] * MANY,
    "without an extension": lambda: ["out"] * MANY,
    "taken numbers": lambda: chain((f"out-{number}.png" for number in range(2, MANY)), ["OUT.png"] * MANY),
    "several extensions": lambda: ["out", "out.png", "out-2", "out.jpg", "out-2.png"] * (MANY // 5),
    "many extensions": lambda: chain(["out"] * MANY, (f"out.{number}x" for number in range(MANY))),
}


@pytest.mark.parametrize("kind", NAMES)
def test_names_are_numbered_in_a_few_steps(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """The number of a name is found without trying all numbers before it."""
    tried = 0

    def counted(stem: str, number: int) -> str:
        nonlocal tried
        tried += 1
        return numbered(stem, number)

    numbered = filenames.numbered
    monkeypatch.setattr(filenames, "numbered", counted)
    made = [*distinct(NAMES[kind]())]
    assert len({name.casefold() for name in made}) == len(made)
    assert tried < 12 * len(made)


def test_a_folder_is_listed_once_for_all_items(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Items that are saved as they arrive do not list the folder each time, nor compare with all before them."""
    listed, saved = list[Any](), list[str]()

    async def save(url: str, _session: Any, _folder: Path, named: Any, *_: Any) -> None:
        saved.append(named("image/png"))

    def names_in(folder: Path) -> list[str]:
        listed.append(folder)
        return ["p1-OUT.png"]

    monkeypatch.setattr(fetch, "save_to", save)
    monkeypatch.setattr(atomic_write, "names_in", names_in)
    monkeypatch.setattr(FileOutput, "__eq__", lambda *_: pytest.fail("it was compared"))
    files = Files[Any](replicate.Replicate(bearer_token="r8_a")._session, tmp_path)
    job: Any = SimpleNamespace(id="p1")
    for number in (0, 1, 2, 1, 3):
        files(f"https://files.test/{number}/out.png")
        drive(files.save(job))
    assert listed == [tmp_path]
    assert saved == ["p1-out-2.png", "p1-out-3.png", "p1-out-4.png", "p1-out-5.png"]


def test_a_data_uri_is_hashed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of a data URI are read without hashing all of it each time. Files that differ anywhere stay apart."""
    hashed = 0

    def counted(content: bytes) -> Any:
        nonlocal hashed
        hashed += len(content)
        return sha256(content)

    sha256 = hashlib.sha256
    monkeypatch.setattr(fetch.hashlib, "sha256", counted)
    session, _ = scripted()
    one, other = (FileOutput[Any](f"data:,{'x' * 1_000_000}{middle}{'x' * 1_000_000}", session) for middle in "ab")
    assert [one.read(3) for _ in range(3)] == [b"xxx"] * 3
    assert hashed < 6 * 2.5 * fetch.LONG
    one.seek(1_000_000)
    other.seek(1_000_000)
    assert (one.read(1), other.read(1)) == (b"a", b"b")


def test_a_repeated_text_is_passed_over_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream repeats the text that the prediction had before. It is compared piece by piece, and never copied."""
    sliced = 0

    class Counted(str):
        __slots__ = ()

        def __getitem__(self, key: Any) -> Counted:
            nonlocal sliced
            found = Counted(str.__getitem__(self, key))
            sliced += len(found)
            return found

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/stream"):
            lines = "".join(f"event: output\nid: {number}\ndata: {text}\n\n" for number, text in enumerate(texts))
            return httpx.Response(200, content=f"{lines}event: done\ndata: {{}}\n\n")
        status = "processing" if request.method == "POST" else "succeeded"
        urls = {"stream": "https://api.example.test/v1/stream"}
        return httpx.Response(200, json={"id": "p1", "status": status, "input": {}, "output": texts, "urls": urls})

    texts = [f"word{number}" for number in range(MANY)]
    whole = follow.text_of
    monkeypatch.setattr(follow, "text_of", lambda output: Counted(whole(output)))
    http = httpx.Client(transport=httpx.MockTransport(answer))
    client: Any = replicate.Replicate(bearer_token="r8_a", base_url="https://api.example.test/v1", http_client=http)
    job = client.predictions.create(version="v", input={})
    assert [*job.output_iterator()] == texts
    assert sliced < 2 * len("".join(texts))


def test_a_very_long_error_is_cut() -> None:
    """An error shows at most a million characters of a text, and cuts it first. Its fields have all of it."""
    text = "\x07" * (2 * LONGEST_TEXT)
    error = ModelError(Prediction.from_dict(prediction("failed", error=text)))
    assert str(error) == r"\x07" * LONGEST_TEXT + "…"
    assert error.detail == error.prediction.error == text
    assert harmless("a" * LONGEST_TEXT) == "a" * LONGEST_TEXT


@given(st.text(st.sampled_from("ab \n\t\x1c\x85\u2003")), st.integers(0, 9))
def test_an_excerpt_is_the_beginning_of_all_words(text: str, limit: int) -> None:
    """An excerpt reads no more words than it shows, and is the same as if it did."""
    words = " ".join(text.split())
    assert excerpt(text, limit) == (f"{words[:limit]}…" if len(words) > limit else words or "no details were given")


def test_the_repr_of_an_event_is_short() -> None:
    """The repr of an event shows the beginning of long data, such as a picture."""
    assert len(repr(ServerSentEvent("output", "x" * 1_000_000))) < 1100
    assert repr(ServerSentEvent("output", "x")) == "ServerSentEvent(event='output', data='x', id=None)"
    assert json.loads(json.dumps(ServerSentEvent("output", "x" * 2000))) == "x" * 2000
