"""Throughput and memory of an upload of one gibibyte, compared with raw httpx and the published clients.

The files API accepts 100 MiB, and `files.create` refuses more. So this package's server, in its own process, is
configured to accept the file, and this client uses `client.post("/files", files=…)`, which sends the same form. Every
program checks the digest that the server returns. It sends a small file first, so that all code is loaded.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from clients import OURS, RAW, V1, V2, Client
from files import MEBIBYTE, PEAK, ROUNDS, SIZE, Found, measured, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from files import Programs

MEMORY = Path("/dev/shm")  # noqa: S108 - for the server's files, to leave out the speed of a disk
"""A file system in memory, where there is one."""

_MEASURE = (
    PEAK
    + """
import asyncio, json, os, time
base, authorization = os.environ["REPLICATE_BASE_URL"], {"Authorization": "Bearer " + os.environ["REPLICATE_API_TOKEN"]}
def measure(send):
    for path in os.environ["SMALL"], os.environ["FILE"]:
        with open(path, "rb") as file:
            begun = time.perf_counter()
            digest = send(file)
            seconds = time.perf_counter() - begun
    assert digest == os.environ["DIGEST"], digest
    print(json.dumps([seconds, peak()]))
"""
)
_RAW = """
import httpx
def send(file):
    with httpx.Client(headers=authorization, timeout=120) as client:
        return client.post(base + "/files", files={"content": file}).json()["checksums"]["sha256"]
measure(send)
"""
_RAW_ASYNC = """
import httpx
async def main(file):
    async with httpx.AsyncClient(headers=authorization, timeout=120) as client:
        return (await client.post(base + "/files", files={"content": file})).json()["checksums"]["sha256"]
measure(lambda file: asyncio.run(main(file)))
"""
_OURS = """
import replicate
def send(file):
    with replicate.Replicate(timeout=120) as client:
        return client.post("/files", files={"content": file}).json()["checksums"]["sha256"]
measure(send)
"""
_OURS_ASYNC = """
import replicate
async def main(file):
    async with replicate.AsyncReplicate(timeout=120) as client:
        return (await client.post("/files", files={"content": file})).json()["checksums"]["sha256"]
measure(lambda file: asyncio.run(main(file)))
"""
_V1 = """
import replicate
measure(lambda file: replicate.Client(timeout=120).files.create(file).checksums["sha256"])
"""
_V2 = """
import replicate
measure(lambda file: replicate.Replicate(timeout=120).files.create(content=file).checksums.sha256)
"""

PROGRAMS: Programs = (
    (RAW, "", _RAW),
    (OURS, "", _OURS),
    (RAW, " asynchronous", _RAW_ASYNC),
    (OURS, " asynchronous", _OURS_ASYNC),
    (V1, "", _V1),
    (V2, "", _V2),
)
"""The programs to measure; each one of this client follows the one that it is compared with."""

_SERVER = """
import sys
from replicate.local import server
from replicate.local.routes import files
files._LARGEST = 1 << 40
with server(models={}) as srv, srv.client() as client:
    print(srv.base_url, srv.token, flush=True)
    for line in sys.stdin:
        for file in list(client.files.list()):
            client.files.delete(file)
        print("deleted", flush=True)
"""


def report(rounds: int = ROUNDS, size: int = SIZE) -> str:
    """Run every program in turn, several times; return a Markdown table. Add missed goals to `files.MISSED`."""
    with tempfile.TemporaryDirectory() as folder, serving() as process:
        base, token = output_of(process).split()
        small, large = (filled(Path(folder), amount) for amount in (1, size))

        def measure(client: Client, program: str, file: tuple[Path, str] = large) -> Found:
            files = {"SMALL": str(small[0]), "FILE": str(file[0]), "DIGEST": file[1]}
            try:
                return Found(*client.measured(_MEASURE + program, base, token, **files))
            finally:
                ask_to_delete(process)

        idle = [measure(client, program, small) for client, _, program in PROGRAMS]
        found = measured(PROGRAMS, measure, rounds)
    return table(PROGRAMS, found, idle, size)


def filled(folder: Path, size: int) -> tuple[Path, str]:
    """Make a file of so many mebibytes; return its path and its digest."""
    path, sha256 = folder / str(size), hashlib.sha256()
    with path.open("wb") as file:
        for number in range(size):
            block = hashlib.shake_128(b"%d" % number).digest(MEBIBYTE)
            file.write(block)
            sha256.update(block)
    return path, sha256.hexdigest()


@contextmanager
def serving() -> Iterator[subprocess.Popen[str]]:
    """Run the server in its own process, which deletes the uploads on request."""
    command = [sys.executable, "-c", _SERVER]
    place = {"TMPDIR": str(MEMORY)} if MEMORY.is_dir() else {}
    process = subprocess.Popen(
        command, env={**os.environ, **place}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        process.communicate()


def ask_to_delete(process: subprocess.Popen[str]) -> None:
    """Make the server delete the uploads."""
    assert process.stdin  # noqa: S101 - for type checkers
    process.stdin.write("\n")
    process.stdin.flush()
    output_of(process)


def output_of(process: subprocess.Popen[str]) -> str:
    """Read one line of output."""
    assert process.stdout  # noqa: S101 - for type checkers
    return process.stdout.readline()


if __name__ == "__main__":
    print(report())
