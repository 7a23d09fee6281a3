"""Data URIs are decoded in pieces with the same result as at once, whatever they contain."""

from __future__ import annotations

import base64
import tracemalloc
from contextlib import suppress
from typing import Any
from urllib.parse import quote_from_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.colours import got
from support.sessions import Hasty, HastyAsync, config

from replicate import FileOutput
from replicate._files import cache as copies
from replicate._files import data_uri
from replicate._http.session import Session
from replicate.exceptions import FileTooLargeError, ReplicateError


def output(uri: str, *, blocking: bool = True) -> FileOutput[Any]:
    session: Session[Any] = Session(config(), Hasty() if blocking else HastyAsync())
    return FileOutput(uri, session)


@given(st.binary(), st.integers(3, 9), st.sampled_from(["", "\n", " \t", "%0A"]), st.booleans())
def test_base64_in_pieces(content: bytes, size: int, blank: str, padded: bool) -> None:  # noqa: FBT001
    """Base64 is decoded wherever it is cut, with white space or without, padded or not."""
    text = base64.b64encode(content).decode()
    text = blank.join(text if padded else text.rstrip("="))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data_uri, "PIECE", size)
        assert data_uri.data_of(f"data:image/png;base64,{text}") == content


@given(st.binary(), st.integers(3, 9))
def test_percent_encoding_in_pieces(content: bytes, size: int) -> None:
    """Percent-encoding is decoded wherever it is cut."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data_uri, "PIECE", size)
        assert data_uri.data_of(f"data:,{quote_from_bytes(content)}") == content
        assert data_uri.data_of("data:," + "".join(f"%{byte:02X}" for byte in content)) == content


@given(st.text(), st.integers(3, 9))
def test_any_text_is_decoded_or_refused(text: str, size: int) -> None:
    """Any text after `data:` is decoded, or raises a ReplicateError."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data_uri, "PIECE", size)
        for uri in (f"data:{text}", f"data:;base64,{text}"):
            with suppress(ReplicateError):
                assert isinstance(data_uri.data_of(uri), bytes)


@pytest.mark.parametrize("text", ["YQ==YQ==", "YQ==\nYQ", "Y=Q"])
@pytest.mark.parametrize("size", [3, 4, 100])
def test_padding_is_at_the_end_only(text: str, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Text after padding is an error, wherever it is cut."""
    monkeypatch.setattr(data_uri, "PIECE", size)
    with pytest.raises(ReplicateError, match="is not valid base64"):
        data_uri.data_of(f"data:;base64,{text}")


@pytest.mark.parametrize(
    ("uri", "kind", "size", "name"),
    [
        ("data:image/png;base64,iVBORw==", "image/png", 4, "output.png"),
        ("DATA:Text/CSV;charset=utf-8,a%20b", "text/csv", 3, "output.csv"),
        ("data:,abc", None, 3, "output"),
        ("data:;charset=x,abc", None, 3, "output"),
    ],
)
async def test_the_type_size_and_name(blocking: Any, uri: str, kind: str | None, size: int, name: str) -> None:
    """A data URI has its type and size, and never expires."""
    one = output(uri, **blocking)
    assert await got(one.info()) == (kind, size)
    assert (one.content_type, one.size, one.name, one.expires_at) == (kind, size, name, None)
    assert await got(one.as_data_uri()) == uri


async def test_a_data_uri_may_be_too_long(blocking: Any, cache: Any) -> None:
    """`max_bytes` limits the decoded size of a data URI, not its length."""
    one = output("data:," + "%41" * 10, **blocking)
    assert await got(one.read(max_bytes=10)) == b"A" * 10
    other = output("data:," + "%41" * 11, **blocking)
    with pytest.raises(FileTooLargeError, match=r"data:,%41.*… has more than max_bytes=10 bytes"):
        await got(other.read(max_bytes=10))
    assert not [path for path in cache.rglob("*") if path.is_file()]  # a data URI needs no copy


def test_a_long_data_uri_is_not_kept() -> None:
    """The process does not keep a long data URI after its output is gone."""
    uri = "data:," + "x" * 1000
    one = output(uri)
    assert one.read(3) == output(uri).read(3) == b"xxx"
    assert not [key for key in copies.cache._copies if len(key) > 100]


def test_decoding_takes_little_memory() -> None:
    """Data is decoded in pieces: percent-encoding at once would take twenty times its size."""
    uri = "data:," + "%41" * 4_000_000
    tracemalloc.start()
    try:
        assert sum(map(len, data_uri.pieces(uri))) == 4_000_000
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < len(uri)
