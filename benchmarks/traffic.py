"""How many requests a call of a model takes, the first time in a process and later, counted by the server."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator  # noqa: TC003 - the server reads the models' annotations
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

from clients import OURS, V1, V2, Client

from replicate.local import Model
from replicate.local import server as local_server

if TYPE_CHECKING:
    from collections.abc import Mapping

    from replicate.local import Server

PROGRAM = """
import os, replicate
call = {call}
for _ in range(int(os.environ["CALLS"])):
    output = call()
    assert (output if isinstance(output, str) else "".join(output)) == os.environ["OUTPUT"], output
"""
RUN = PROGRAM.format(call='lambda: replicate.run(os.environ["MODEL"], input={})')
USE = PROGRAM.format(call='replicate.use(os.environ["MODEL"])')


def shout() -> str:
    """Return a text at once."""
    return "HELLO"


def pieces() -> Iterator[str]:
    """Yield a text in pieces."""
    yield from ("HEL", "LO")


MODELS: Mapping[str, Model] = {
    "bench/official": Model(shout, official=True),
    "bench/official-pieces": Model(pieces, official=True),
    "bench/community": Model(shout),
    "bench/community-pieces": Model(pieces),
}


class Case(NamedTuple):
    """A call and its client; a model named with ":" is run by its version."""

    call: str
    program: str
    model: str
    clients: tuple[Client, ...] = (OURS, V1, V2)


CASES = (
    Case('`run("owner/name")`, official', RUN, "bench/official"),
    Case('`run("owner/name")`, official, a list', RUN, "bench/official-pieces"),
    Case('`run("owner/name:version")`', RUN, "bench/community:"),
    Case('`run("owner/name:version")`, item by item', RUN, "bench/community-pieces:"),
    Case('`run("owner/name")`, community', RUN, "bench/community", (OURS,)),
    Case('`use("owner/name")()`, official', USE, "bench/official", (OURS, V2)),
    Case('`use("owner/name")()`, community', USE, "bench/community", (OURS, V2)),
)


def report() -> str:
    """Count the requests of each client and kind of call; return a Markdown table."""
    lines = ["| call | client | first | next | first in a new process |", "| --- | --- | ---: | ---: | ---: |"]
    with local_server(models=MODELS) as server:
        lines += [row(server, case, client) for case in CASES for client in case.clients]
    return "\n".join(lines)


def row(server: Server, case: Case, client: Client) -> str:
    """Count the requests of one process that makes one call, of one that makes two, and of a third like the first.

    The first two share nothing; the third has the disk cache of the first.
    """
    with TemporaryDirectory() as kept, TemporaryDirectory() as other:
        first = count(server, case, client, 1, kept)
        both = count(server, case, client, 2, other)
        again = count(server, case, client, 1, kept)
    return f"| {case.call} | {client.name} | {first} | {both - first} | {again} |"


def count(server: Server, case: Case, client: Client, calls: int, cache: str) -> int:
    """Run a process that makes a call so many times; return the number of its requests."""
    before, model = len(server.requests), case.model
    if model.endswith(":"):
        with server.client() as local:
            model += str(local.models.versions.list(model.removesuffix(":"))[0].id)
        before = len(server.requests)
    environment = client.settings(
        server.base_url, server.token, MODEL=model, CALLS=str(calls), OUTPUT="HELLO", REPLICATE_CACHE_DIR=cache
    )
    subprocess.run(client.command(case.program), env=environment, check=True, stdin=subprocess.DEVNULL)
    return len(server.requests) - before
