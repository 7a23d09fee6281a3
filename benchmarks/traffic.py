"""How many requests a call of a model costs, the first time in a process and from then on, counted by the server."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from clients import OURS, V1, V2, Client

if TYPE_CHECKING:
    from replicate.local import Server


def report(server: Server, models: dict[str, dict[Client, str]]) -> str:
    """Count against a server, for kinds of models and the reference by which each client runs one; return a table."""
    lines = [
        f"| {client.name} | {kind} | {first} | {second - first} |"
        for kind, references in models.items()
        for client in (OURS, V1, V2)
        for first, second in [(count(server, client, references[client], calls) for calls in (1, 2))]
    ]
    return "\n".join(
        ("| client | model | requests of the first call | of the next |", "| --- | --- | ---: | ---: |", *lines)
    )


def count(server: Server, client: Client, model: str, calls: int) -> int:
    """Run a process that calls a model so many times, and count its requests."""
    before = len(server.requests)
    settings = client.settings(server.base_url, server.token, MODEL=model, CALLS=str(calls))
    subprocess.run(client.command(client.run), env=settings, check=True, stdin=subprocess.DEVNULL)
    return len(server.requests) - before
