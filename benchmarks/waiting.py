"""The cost of waiting for a model: requests, and the delay from its end until the result arrives, in virtual time."""

from __future__ import annotations

import subprocess
from itertools import pairwise
from statistics import median

from clients import OURS, V1, V2, Client
from virtual import PRELUDE, WaitedClock

from replicate.local import Model, server

JOBS = (0.2, 5.0, 70.0)
"""Seconds that the model takes."""
CALLS = 20
"""Calls of each measurement, after one that is not counted, in which the client learns about the model."""
NO_RESULT = 3
"""The exit status of a program whose call returned something other than the result."""
PROGRAM = (
    PRELUDE
    + """
import replicate
{before}
for _ in range(int(os.environ["CALLS"])):
    if {call} != "HELLO":
        raise SystemExit({no_result})
    tell("returned")
"""
)
RUN = 'replicate.run("bench/slow", input={"text": "hello"}'
WAYS = (
    (OURS, "run", "", f"{RUN})"),
    (V1, "run", "", f"{RUN})"),
    (V2, "run", "", f"{RUN})"),
    (OURS, "use", 'slow = replicate.use("bench/slow")', 'slow(text="hello")'),
    (V2, "use", 'slow = replicate.use("bench/slow")', 'slow(text="hello")'),
    (OURS, "run, wait=False", "", f"{RUN}, wait=False)"),
    (V1, "run, wait=False", "", f"{RUN}, wait=False)"),
    (V2, "run, wait=False", "", f"{RUN}, wait=False)"),
)


def report() -> str:
    """Measure every job in every way; return a Markdown table."""
    lines = [
        "| job | call | client | requests, median | most | seconds late, median | most |",
        "| ---: | --- | --- | ---: | ---: | ---: | ---: |",
    ]
    for seconds in JOBS:
        for client, name, before, call in WAYS:
            program = PROGRAM.format(before=before, call=call, no_result=NO_RESULT)
            calls = measure(client, program, seconds)
            lines.append(f"| {seconds:g} s | `{name}` | {client.name} | {figures(calls)} |")
    return "\n".join(lines)


def figures(calls: list[tuple[int, float]] | None) -> str:
    """Return the last columns of a row: the requests of each call, and the seconds that it was late."""
    if calls is None:
        return "no result | – | – | –"
    requests, late = zip(*calls, strict=True)
    return f"{median(requests):g} | {max(requests)} | {median(late):.2f} | {max(late):.2f}"


def measure(client: Client, program: str, seconds: float) -> list[tuple[int, float]] | None:
    """Run a program against its own server; return the requests of each call and the seconds that it was late."""
    jobs = [seconds * (0.95 + 0.1 * number / CALLS) for number in range(CALLS + 1)]
    clock = WaitedClock(jobs)
    with (
        server(models={"bench/slow": Model(clock.model, official=True)}, clock=clock) as srv,
        clock.reachable() as port,
    ):
        clock.server = srv
        settings = client.settings(srv.base_url, srv.token, CLOCK=port, CALLS=str(len(jobs)))
        process = subprocess.run(client.command(program), env=settings, stdin=subprocess.DEVNULL, check=False)
        clock.release()
        if process.returncode == NO_RESULT:
            return None
        process.check_returncode()
    return [(after[0] - before[0], after[1]) for before, after in pairwise(clock.returns)]
