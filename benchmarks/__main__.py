"""Measure this client beside its peers and write what was found to docs/benchmarks.md: run `scripts/bench.sh`."""

from __future__ import annotations

import argparse
import os
import platform
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import crossings
import events
import files
import files_up
import many
import pages
import startup
import tokens
import traffic
import waiting

from replicate.local import Model, server

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
TEXT = """\
# Benchmarks

Written by `./scripts/bench.sh` on {day}: {python} on {system} {machine}, {cores} cores. Every client is a wheel in an
environment of its own, compiled, and talks to one local server (`replicate.local`) on the same machine. "raw httpx"
runs in this client's environment.

## Start

Whole processes, {rounds} rounds of all of them in turn. "get" is one `predictions.get`, asserted to be of a succeeded
prediction. The ratios are of medians; the last two columns compare with raw httpx doing the same. The server speaks
plain HTTP: raw httpx loads the certificates for TLS all the same, as do the published clients, and this client puts
that off until something needs them. "With certificates" is this client made to load them at once.

{startup}
## Requests

What one call of a model costs, in requests: the first call of a process, each one after that, and the first call of
a process that comes after another one, whose disk cache it has. The model answers at once. 1.x has no `use()`, and the
published clients run community models by their version only. Once this client knows that a version makes its output
item by item, it gives the items as they are made: by a stream of events, and a look at the prediction at the end.

{traffic}

## Waiting

What a call costs while its model runs, after a first one that learns about the model: {calls} calls in one process,
whose jobs take the given time, more or less by up to a twentieth. The time is virtual, for all clients alike: it passes
only where a client sleeps or has the server hold its answer, so that "late", from the end of the model to the result in
hand, is what a client waits in vain, without the machine's own share. `use()` is not in 1.x. "No result" is a call that
returned something else, before its model had ended. `run`, and `use` of this client, have the server hold its answer
and poll from then on; `wait=False`, and `use` of 2.x, only poll: this client after a tenth of the time waited so far,
within 0.1 and 2 seconds, the others every half second.

{waiting}

The first token of a stream comes in real time, measured from the moment at which the model made it: {tokens_calls}
calls of each, in processes in turn. `use` is `use(…, streaming=True)`; 2.x does not read streams of events, it polls.

{tokens}

## Events

A stream of {events_many} events, which a server of a few lines writes as fast as it can, read by
`prediction.stream()`. Raw httpx splits the same bytes into lines, and does no more; half of its speed is 0.50. 2.x
does not read streams of events. The least of five processes in turn, each warmed up by one stream: whatever else the
machine is busy with, as the server, makes a time longer and never shorter. How many events come in one chunk of HTTP
matters most: a server that sends each as it happens sends one or a few.

{events}

## Many at once

One asynchronous client, one event loop, and `predictions.get` so many times at once, asserted to be of a succeeded
prediction; raw httpx gets the same and parses it. The server answers after 50 ms and does nothing else. The times are
for one call: medians of three processes in turn, each warmed up by one round. httpx's own pool looks at every
connection for every request; this client gives each request under way a pool of its own.

{many}

## Warm calls

`predictions.get`, and a page of {pages_items} predictions, the id and the status of each read, by raw httpx and
`json.loads` and by `client.predictions`: in one process, in turn, {pages_requests} times each; medians of CPU time, and
of {pages_rounds} processes the one in the middle. An object keeps the JSON of the answer, and reads a field when it is
asked for.

{pages}

## Crossings

What a warm call passes through in `replicate/`: files, functions, and how often it is called or resumed from one
top-level folder or module into another. The fewer, the less there is to read to follow the call.

{crossings}

## Files

A file of {files_size:,} MiB, from the local server in a process of its own to the disk, `fsync` included, in
processes in turn; `save()`, or what the published clients have, `read()` and a file. Memory is what the process takes
at most, less the same without the transfer. The machine's disk and its other work make times vary, and only ever
longer: the best of at least {files_rounds} rounds is compared; while it misses the goal there are more, up to
{files_most}. It is asserted that this client has {files_throughput} of raw httpx's throughput, and takes
{files_memory} MiB at most.

{files}

The same file on its way up, to where the local server keeps it, the digest compared, held to the same: the form that
`files.create` sends, by `client.post("/files", files=…)`, for `files.create` refuses what is larger than the files API
takes, 100 MiB. The server is told to take it, and does more with it than any client.

{files_up}
"""


REQUESTS = re.compile(r"(?:## Requests\n.*?)?(?=## Waiting)", re.DOTALL)
WARM = re.compile(r"(?:## Warm calls\n.*?)?(?=## (?:Crossings|Files))", re.DOTALL)
CROSSINGS = re.compile(r"(?:## Crossings\n.*?)?(?=## Files)", re.DOTALL)
LEFT_OUT = "*Not measured in this run.*"


def shout(text: str) -> str:
    """Say it louder."""
    return text.upper()


def rewrite(section: re.Pattern[str], **results: Any) -> None:
    """Write a section of the page anew."""
    found = section.search(TEXT)
    assert found  # noqa: S101 - for type checkers
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(section.sub(lambda _: found[0].format(**results), page, count=1), encoding="utf-8")


def warm() -> dict[str, Any]:
    """Measure warm calls, for their section."""
    sizes = {"pages_items": pages.ITEMS, "pages_requests": pages.REQUESTS, "pages_rounds": pages.ROUNDS}
    return {"pages": pages.report(), **sizes}


def main() -> None:
    """Measure everything and write the page."""
    parser = argparse.ArgumentParser(prog="bench.sh", description=__doc__)
    parser.add_argument("--rounds", type=int, default=25, help="how often to run each process (25)")
    parser.add_argument("--requests", action="store_true", help="only count requests, and write that section anew")
    parser.add_argument("--warm", action="store_true", help="only measure warm calls, and write that section anew")
    parser.add_argument("--crossings", action="store_true", help="only count crossings, and write that section anew")
    parser.add_argument("--without-files", action="store_true", help="leave out files, which take the longest")
    options = parser.parse_args()
    rounds, with_files = options.rounds, not options.without_files

    if options.requests:
        rewrite(REQUESTS, traffic=traffic.report())
        return
    if options.warm:
        rewrite(WARM, **warm())
        return
    if options.crossings:
        rewrite(CROSSINGS, crossings=crossings.report())
        return
    counted = traffic.report()
    with server(models={"bench/shout": Model(shout, official=True)}) as srv, srv.client() as client:
        prediction = client.predictions.create("bench/shout", input={"text": "hello"}, wait=True)
        timed = startup.report(srv, prediction.id, rounds)

    text = TEXT.format(
        files=files.report() if with_files else LEFT_OUT,
        files_up=files_up.report() if with_files else LEFT_OUT,
        calls=waiting.CALLS,
        waiting=waiting.report(),
        tokens_calls=len(tokens.PAUSES) * tokens.ROUNDS,
        tokens=tokens.report(),
        events_many=f"{events.EVENTS:,}",
        events=events.report(),
        many=many.report(),
        **warm(),
        crossings=crossings.report(),
        files_size=files.SIZE,
        files_rounds=files.ROUNDS,
        files_throughput=files.LEAST_THROUGHPUT,
        files_memory=files.MOST_MEMORY,
        files_most=files.MOST_ROUNDS,
        day=f"{datetime.now(UTC):%Y-%m-%d}",
        python=f"{platform.python_implementation()} {platform.python_version()}",
        system=platform.system(),
        machine=platform.machine(),
        cores=os.cpu_count(),
        rounds=rounds,
        startup=timed,
        traffic=counted,
    )
    PAGE.write_text(text, encoding="utf-8")
    print(text)
    if files.MISSED:
        raise AssertionError("; ".join(files.MISSED))


main()
