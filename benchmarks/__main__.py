"""Compare this client with its peers and write the results to docs/benchmarks.md: run `scripts/bench.sh`."""

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

Written by `./scripts/bench.sh` on {day}: {python} on {system} {machine}, {cores} cores. Each client is installed from a
wheel, in its own environment, with compiled bytecode, and talks to one local server (`replicate.local`) on the same
machine. "Raw httpx" runs in this client's environment.

## Start

Times of whole processes, in {rounds} rounds of all of them in turn. "get" is one `predictions.get`; the program asserts
that the prediction has succeeded. The ratios are ratios of medians. The last two columns compare with raw httpx doing
the same. The server speaks plain HTTP. Raw httpx and the published clients load the TLS certificates anyway; this
client loads them when they are first needed. "With certificates" is this client when it is made to load them at once.

{startup}
## Requests

The number of requests of one call of a model: the first call of a process, each later call, and the first call of a
later process that has the disk cache of an earlier one. The model answers at once. 1.x has no `use()`, and the
published clients run community models by version only. Once this client knows that a version makes its output item by
item, it yields the items as they are made. That takes a stream of events, and a poll of the prediction at the end.

{traffic}

## Waiting

The cost of a call while its model runs: {calls} calls in one process, after one that is not counted, in which the
client learns about the model. The jobs take the given time, plus or minus up to 5 %. The time is virtual for all
clients: it passes only while a client sleeps or the server holds its answer. So "late", the time from the end of the
model until the client has the result, is pure waiting, without the computing time of the machine. 1.x has no `use()`.
"No result" means that the call returned something else before its model had ended. `run`, and `use` of this client, let
the server hold its answer, and poll after that. `wait=False`, and `use` of 2.x, only poll: this client after a tenth of
the time waited so far, between 0.1 and 2 seconds, the others every half second.

{waiting}

The delay of the first token of a stream, in real time, from the moment at which the model made it: {tokens_calls} calls
of each client, in processes in turn. `use` is `use(…, streaming=True)`. 2.x does not read event streams; it polls.

{tokens}

## Events

`prediction.stream()` reads a stream of {events_many} events, which a minimal server writes as fast as it can. Raw httpx
only splits the same bytes into lines; 0.50 is half of its speed. 2.x does not read event streams. The figures are the
shortest times of five processes in turn, each warmed up by one stream: other work of the machine, including the server,
can only make a time longer. The number of events in one HTTP chunk matters most: a server that sends each event as it
happens sends one or a few in a chunk.

{events}

## Many at once

One asynchronous client in one event loop makes the given number of `predictions.get` calls at once; the program asserts
that the prediction has succeeded. Raw httpx gets and parses the same JSON. The server answers after 50 ms and does
nothing else. The times are per call: medians of three processes in turn, each warmed up by one round. httpx's own pool
examines every connection for every request; this client gives each concurrent request its own pool.

{many}

## Warm calls

A `run()` whose create returns the output, `predictions.get`, and a page of {pages_items} predictions, by raw httpx with
`json.loads` and by this client. The program reads the output, or the id and the status of each prediction. Both run in
one process, in turn, {pages_requests} times each. The figures are medians of CPU time, from the median one of
{pages_rounds} processes. An object keeps the JSON of the response, and parses a field when it is read.

{pages}

## Crossings

What a warm call passes through in `replicate/`: files, functions, and how often it is called or resumed from one
top-level folder or module into another. The fewer, the less there is to read to follow the call.

{crossings}

## Files

A download of {files_size:,} MiB from the local server, which runs in its own process, to the disk, including `fsync`.
The clients run in processes in turn. This client uses `save()`; the published clients use `read()` and write a file.
Memory is the peak of the process, minus the peak of the same process without the transfer. The disk and other work of
the machine can only make a transfer slower, so the best of at least {files_rounds} rounds is compared. While it misses
the goal, more rounds are run, up to {files_most}. The program asserts that this client reaches {files_throughput} of
raw httpx's throughput and takes at most {files_memory} MiB.

{files}

An upload of the same file to the local server, with the same goals. The program compares the digest. It sends the form
of `files.create` by `client.post("/files", files=…)`, because `files.create` refuses files over 100 MiB, the limit of
the files API. The server is configured to accept the file, and does more work for it than any client.

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
    """Rewrite a section of the page."""
    found = section.search(TEXT)
    assert found  # noqa: S101 - for type checkers
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(section.sub(lambda _: found[0].format(**results), page, count=1), encoding="utf-8")


def warm() -> dict[str, Any]:
    """Measure warm calls; return the values for their section."""
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
