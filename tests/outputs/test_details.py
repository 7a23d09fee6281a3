"""Details that the table of outputs does not show: the `Prefer` headers, and what outputs can do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from outputs.kinds import KINDS, Kind, client_of, version_of
from support.colours import collect, got

from replicate import FileOutput, OutputIterator, OutputList

if TYPE_CHECKING:
    from replicate.local import Server

KNOWN = {kind.name: kind for kind in KINDS}


def preferences(server: Server, before: int) -> list[str | None]:
    """Return the `Prefer` headers of the creates after a number of requests."""
    return [each.headers.get("prefer") for each in server.requests[before:] if each.method == "POST"]


@pytest.mark.parametrize(
    ("options", "sent"),
    [
        ({"wait": 5}, "wait=5"),
        ({"wait": True}, "wait"),
        ({"wait": False}, None),
        ({"prefer": "wait=7"}, "wait=7"),
        ({"prefer": "respond-async"}, "respond-async"),
    ],
)
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.name in ("pieces", "words", "files")])
@pytest.mark.parametrize("by", ["name", "version"])
async def test_an_explicit_wait_is_sent(
    server: Server, colour: str, by: str, kind: Kind, options: dict[str, Any], sent: str | None
) -> None:
    """An explicit wait is sent unchanged, also for iterators, the first time and once they are known."""
    ref = version_of(server, kind) if by == "version" else f"me/{kind.name}"
    client, before = client_of(server, colour), len(server.requests)
    for _ in range(2):
        output = await got(client.run(ref, **options))
        assert isinstance(output, OutputIterator if by == "version" else OutputList)
        assert len(await collect(output) if by == "version" else output) == 2
    assert preferences(server, before) == [sent, sent]
    await got(client.close())


async def test_the_api_waits_unless_an_iterator_is_known(server: Server, colour: str) -> None:
    """By name, the API is always asked to wait. By version, only until the version is known as an iterator."""
    client, before = client_of(server, colour), len(server.requests)
    version = version_of(server, KNOWN["pieces"])
    for _ in range(2):
        await got(client.run("me/pieces"))
        assert str(await collect(await got(client.run(version)))) == "['one ', 'two']"
    assert preferences(server, before) == ["wait", "wait", "wait", None]
    await got(client.close())


@pytest.mark.parametrize("model", ["file-in-a-uri", "data"])
async def test_a_small_data_uri_is_one_chunk(server: Server, colour: str, model: str) -> None:
    """A data URI is iterated as one chunk, as in version 1."""
    client = client_of(server, colour)
    output = await got(client.run(f"me/{model}"))
    assert isinstance(output, FileOutput)
    assert await collect(output) == [b"hello"]
    await got(client.close())


@pytest.mark.parametrize("model", ["pieces", "words"])
async def test_lists_and_iterators_form_one_text(server: Server, colour: str, model: str) -> None:
    """The pieces form one text, in a list and in an iterator."""
    client = client_of(server, colour)
    listed = await got(client.run(f"me/{model}"))
    iterator = await got(client.run(version_of(server, KNOWN[model])))
    items = await collect(iterator)
    assert str(iterator) == str(listed) == "".join(items)
    assert listed + "!" == str(iterator) + "!"
    assert iterator.prediction.output == listed
    await got(client.close())


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
async def test_plain_urls_in_the_place_of_files(server: Server, colour: str, kind: Kind) -> None:
    """`use_file_output=False` returns the API's output, by name and by version."""
    client = client_of(server, colour)
    for ref in (f"me/{kind.name}", version_of(server, kind)):
        output = await got(client.run(ref, use_file_output=False))
        iterator = isinstance(output, OutputIterator)
        plain = await collect(output) if iterator else output
        assert "FileOutput" not in repr(plain)
        if iterator:
            assert plain == output.prediction.output
    await got(client.close())
