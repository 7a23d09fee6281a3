"""Throughput and memory of a download of one gibibyte, compared with raw httpx and the published clients.

This package's server runs in its own process. Every program writes the file to its own folder on the disk, and waits
until it is stored (`fsync`).
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from clients import OURS, RAW, V1, V2, Client

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import TypeAlias

    Programs: TypeAlias = Sequence[tuple[Client, str, str]]

MEBIBYTE = 1 << 20
SIZE = 1024
"""Mebibytes."""
ROUNDS, MOST_ROUNDS = 9, 18
"""How often this client and raw httpx run. Other work of the machine can only make a transfer slower, so the best times
count. If they miss the goal, more rounds may find a quiet moment for either."""
PEERS_ROUNDS = 2
"""How often the published clients run. Nothing is asserted about them."""
MOST_MEMORY = 16
"""Mebibytes that a process with the transfer may take more than the same process without it."""
LEAST_THROUGHPUT = 0.95
"""The goal, as a fraction of raw httpx's throughput."""

PEAK = """
import re
def peak():  # of this program: what `getrusage` gives is at least what its parent had
    with open("/proc/self/status") as status:
        return int(re.search(r"VmHWM:\\s*(\\d+) kB", status.read())[1]) / 1024
"""
"""The peak memory of a program so far, in mebibytes."""
_MEASURE = (
    PEAK
    + """
import json, os, time
url, target = os.environ["FILE"], os.environ["TARGET"]
def measure(save):
    begun = time.perf_counter()
    if target:
        save(url, target)
        assert os.path.getsize(target) == int(os.environ["SIZE"])
    print(json.dumps([time.perf_counter() - begun, peak()]))
def synced(chunks):
    with open(target, "wb") as file:
        for chunk in chunks:
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
"""
)
_RAW = """
import httpx
client = httpx.Client(timeout=60)
client.get(os.environ["SMALL"])
def save(url, target):
    with client.stream("GET", url) as answer:
        synced(answer.iter_bytes())
measure(save)
"""
_OURS = """
import replicate
client = replicate.Replicate()
replicate.FileOutput(os.environ["SMALL"], client).save(os.environ["BESIDE"])
measure(lambda url, target: replicate.FileOutput(url, client).save(target))
"""
_OURS_ASYNC = """
import asyncio, replicate
async def main(url, target):
    async with replicate.AsyncReplicate() as client:
        await replicate.FileOutput(os.environ["SMALL"], client).save(os.environ["BESIDE"])
        if target:
            await replicate.FileOutput(url, client).save(target)
asyncio.run(main(os.environ["SMALL"], ""))
measure(lambda url, target: asyncio.run(main(url, target)))
"""
_RAW_ASYNC = """
import asyncio, httpx
async def main(url, target):
    async with httpx.AsyncClient(timeout=60) as client:
        await client.get(os.environ["SMALL"])
        if not target:
            return
        async with client.stream("GET", url) as answer:
            with open(target, "wb") as file:
                async for chunk in answer.aiter_bytes():
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
asyncio.run(main(os.environ["SMALL"], ""))
measure(lambda url, target: asyncio.run(main(url, target)))
"""
_PEER = """
import replicate
from {home} import FileOutput
client = replicate.Client()
FileOutput(os.environ["SMALL"], client).read()
measure(lambda url, target: synced([FileOutput(url, client).read()]))
"""

PROGRAMS: Programs = (
    (RAW, "", _RAW),
    (OURS, "", _OURS),
    (RAW, " asynchronous", _RAW_ASYNC),
    (OURS, " asynchronous", _OURS_ASYNC),
    (V1, "", _PEER.format(home="replicate.helpers")),
    (V2, "", _PEER.format(home="replicate")),
)
"""The programs to measure; each one of this client follows the one that it is compared with."""

_SERVER = """
import os, sys
from pathlib import Path
from replicate.local import Model, server
source, small = Path(sys.argv[1]), Path(sys.argv[1] + ".small")
small.write_bytes(b"small")
with source.open("wb") as file:
    block = os.urandom(1 << 20)
    for _ in range(int(sys.argv[2])):
        file.write(block)
def give() -> list[Path]:
    return [source, small]
with server(models={"bench/give": Model(give, official=True)}) as srv, srv.client() as client:
    print(srv.base_url, srv.token, *client.predictions.create("bench/give", wait=True).output, flush=True)
    sys.stdin.read()
"""


class Found(NamedTuple):
    """The figures of one process."""

    seconds: float
    memory: float
    """The peak memory, in mebibytes."""


def report(rounds: int = ROUNDS, size: int = SIZE) -> str:
    """Run every program in turn, several times; return a Markdown table. Add missed goals to MISSED."""
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder), size) as places:
        found = measured(PROGRAMS, lambda client, program: run(client, program, places, size), rounds)
        idle = [run(client, program, {**places, "TARGET": ""}, size) for client, _, program in PROGRAMS]
    return table(PROGRAMS, found, idle, size)


def measured(programs: Programs, measure: Callable[[Client, str], Found], rounds: int) -> list[list[Found]]:
    """Run the programs in turn, repeatedly."""
    found: list[list[Found]] = [[] for _ in programs]
    for done in range(1, MOST_ROUNDS + 1):
        for number, (client, _, program) in enumerate(programs):
            if done <= PEERS_ROUNDS or client in (RAW, OURS):
                found[number].append(measure(client, program))
        reached = (
            throughput(programs, found, number) >= LEAST_THROUGHPUT
            for number, (client, _, _) in enumerate(programs)
            if client is OURS
        )
        if done >= rounds and all(reached):
            break
    return found


def throughput(programs: Programs, found: Sequence[Sequence[Found]], number: int) -> float:
    """Divide a program's best by that of raw httpx, which is the first program, or the third if asynchronous."""
    raw = found[2 if programs[number][1] else 0]
    return min(each.seconds for each in raw) / min(each.seconds for each in found[number])


def table(programs: Programs, found: Sequence[Sequence[Found]], idle: Sequence[Found], size: int) -> str:
    """Return a table of the programs' figures for so many mebibytes, and check this client's goals."""
    lines = [
        "| | MiB/s, best | median | × raw httpx, best | MiB of memory for the transfer | rounds |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for number, (client, way, _) in enumerate(programs):
        seconds = sorted(each.seconds for each in found[number])
        faster = throughput(programs, found, number)
        more = max(each.memory for each in found[number]) - idle[number].memory
        lines.append(
            f"| {client.name}{way} | {size / seconds[0]:.0f} | {size / seconds[len(seconds) // 2]:.0f} "
            f"| {faster:.2f} | {more:.1f} | {len(seconds)} |"
        )
        if client is OURS:
            check(f"{client.name}{way}", faster, more)
    return "\n".join(lines)


MISSED: list[str] = []
"""The goals that this client has missed."""


def check(name: str, throughput: float, memory: float) -> None:
    """Check this client's goals; add the missed ones to MISSED."""
    if throughput < LEAST_THROUGHPUT:
        MISSED.append(f"{name} has {throughput:.3f}× the throughput of raw httpx; at least {LEAST_THROUGHPUT}×")
    if memory > MOST_MEMORY:
        MISSED.append(f"{name} takes {memory:.1f} MiB for the transfer; at most {MOST_MEMORY}")


def run(client: Client, program: str, places: dict[str, str], size: int) -> Found:
    """Run a program, and remove the files that it has written."""
    settings = {**places, "SIZE": str(size * MEBIBYTE)}
    found = Found(*client.measured(_MEASURE + program, places["BASE"], places["TOKEN"], **settings))
    for name in ("TARGET", "BESIDE"):
        if places[name]:
            Path(places[name]).unlink(missing_ok=True)
    return found


@contextmanager
def serving(folder: Path, size: int) -> Iterator[dict[str, str]]:
    """Run the server in its own process; yield the environment variables of the programs."""
    command = [sys.executable, "-c", _SERVER, str(folder / "source"), str(size)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout  # noqa: S101 - for type checkers
        base, token, large, small = process.stdout.readline().split()
        places = {"BASE": base, "TOKEN": token, "FILE": large, "SMALL": small}
        yield {**places, "TARGET": os.fspath(folder / "target"), "BESIDE": os.fspath(folder / "small")}
    finally:
        process.communicate()
