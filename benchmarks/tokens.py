"""The delay from a model's first token until a stream yields it, in real time: client and server share a clock."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator  # noqa: TC003 - the server reads what `clock` returns
from statistics import median

from clients import OURS, V1, V2, Client

from replicate.local import Model, server

PAUSES = (0.45, 0.55, 0.65, 0.75, 0.85)
"""Seconds before the first token; they vary, so that no polling interval always fits."""
ROUNDS = 3
AFTERWARDS = 0.3
"""Seconds between the first token and the last."""
_MEASURE = """
import json, os, time
pauses, late = json.loads(os.environ["PAUSES"]), []
for pause in pauses[:1] + pauses:
    for token in start(pause):
        if text := str(token):
            late.append((time.time() - float(text)) * 1000)
            break
print(json.dumps(late[1:]))
"""
_STREAM = """
import replicate
def start(pause):
    return replicate.stream("bench/clock", input={"pause": pause})
"""
_USE = """
import replicate
clock = replicate.use("bench/clock", streaming=True)
def start(pause):
    return clock(pause=pause)
"""
PROGRAMS = ((OURS, "stream", _STREAM), (V1, "stream", _STREAM), (OURS, "use", _USE), (V2, "use", _USE))


def clock(pause: float) -> Iterator[str]:
    """Yield the time after a pause, and more text later."""
    time.sleep(pause)
    yield repr(time.time())
    time.sleep(AFTERWARDS)
    yield "0"


def report() -> str:
    """Run every program in turn, several times; return a Markdown table."""
    found: dict[tuple[Client, str], list[float]] = {(client, name): [] for client, name, _ in PROGRAMS}
    with server(models={"bench/clock": Model(clock, official=True)}) as srv:
        for _ in range(ROUNDS):
            for client, name, program in PROGRAMS:
                settings = client.settings(srv.base_url, srv.token, PAUSES=json.dumps(PAUSES))
                command = client.command(program + _MEASURE)
                answer = subprocess.run(
                    command, env=settings, check=True, stdin=subprocess.DEVNULL, capture_output=True
                )
                found[client, name] += json.loads(answer.stdout)
    ours = {name: median(times) for (client, name), times in found.items() if client is OURS}
    rows = [
        f"| `{name}` | {client.name} | {median(times):.1f} | {max(times):.1f} | {median(times) / ours[name]:.1f} |"
        for (client, name), times in found.items()
    ]
    head = ("| call | client | ms late, median | most | × this client |", "| --- | --- | ---: | ---: | ---: |")
    return "\n".join((*head, *rows))
