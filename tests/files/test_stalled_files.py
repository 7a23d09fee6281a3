"""Files whose data never comes, or is never taken: the call ends in time, and disturbs nothing else."""

from __future__ import annotations

import hashlib
import io
import os
import select
import subprocess
import sys
import threading
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from support.colours import RUN
from support.file_models import MODELS

from replicate import APITimeoutError, AsyncReplicate, FileOutput
from replicate._files.cache import BLOCK
from replicate._http.connections import threads
from replicate._http.connections.stalling import may_stall
from replicate.local import server as local_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from replicate.local import Server

    Run = Callable[[Any], Any]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with local_server(MODELS) as srv:
        yield srv


@pytest.fixture(params=[name for name in RUN if name != "blocking"])
def run(request: pytest.FixtureRequest) -> Run:
    return RUN[request.param]


@pytest.fixture(autouse=True)
def _own_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give each test its own threads: those of the one before may still be stalled."""
    monkeypatch.setattr(threads, "outside", threads.Workers(float("inf")))


@pytest.fixture
def client(server: Server) -> AsyncReplicate:
    return AsyncReplicate(bearer_token=server.token, base_url=server.base_url)


@pytest.fixture
def pipe() -> Iterator[tuple[io.BufferedReader, io.FileIO]]:
    """Yield the two ends of a pipe."""
    reading, writing = os.pipe()
    with open(reading, "rb") as reader, open(writing, "wb", 0) as writer:  # noqa: PTH123 - descriptors, not paths
        yield reader, writer


class Stalled:
    """An open file that can be rewound, and whose content does not come after so many reads."""

    def __init__(self, content: bytes, reads: int) -> None:
        self.file = io.BytesIO(content)
        self.seek, self.tell = self.file.seek, self.file.tell
        self.left, self.begun, self.let = reads, threading.Event(), threading.Event()

    def read(self, size: int = -1) -> bytes:
        self.left -= 1
        if self.left < 0:
            self.begun.set()
            self.let.wait()
        return self.file.read(size)


class Unusual(io.BytesIO):
    """A file in memory that might wait for anything in a method of its own."""


def busy() -> int:
    """Return the number of threads that do something that may stall."""
    return threads.outside._threads - threads.outside._idle


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that a thread does."""
    with anyio.fail_after(20):
        while not condition():  # noqa: ASYNC110 - it comes true in another thread
            await anyio.sleep(0.001)


def test_what_may_stall(tmp_path: Path, pipe: tuple[io.BufferedReader, io.FileIO]) -> None:
    """Only open files on a disk, paths and data in memory certainly give their content."""
    path = tmp_path / "a"
    path.write_bytes(b"a")
    with path.open("rb") as file, path.open("rb", 0) as raw, path.open("r+b") as both, path.open("ab") as writing:
        for each in (path, b"", bytearray(), io.BytesIO(), file, raw, both, writing):
            assert not may_stall(each), each
        with path.open("rb") as closed:
            pass
        with open("/dev/null", "rb") as device:  # noqa: PTH123 - as a caller may write it
            for each in (*pipe, device, closed, Unusual(), Stalled(b"", 0), object()):
                assert may_stall(each), each


def test_stalled_pipes_do_not_disturb_others(run: Run, client: AsyncReplicate, tmp_path: Path) -> None:
    """While 45 pipes give no data, other files are read, uploaded and saved. Then the pipes are read to their ends."""
    path, pipes = tmp_path / "a.bin", [os.pipe() for _ in range(45)]
    path.write_bytes(b"ordinary")
    results: list[str] = []

    async def send(reading: int) -> None:
        with open(reading, "rb") as file:  # noqa: ASYNC230 - a descriptor
            results.append(await client.run("me/digest", input={"file": file}))

    async def main() -> None:
        async with anyio.create_task_group() as group:
            for reading, _ in pipes:
                group.start_soon(send, reading)
            await until(lambda: busy() == 45)
            assert await client.run("me/digest", input={"file": path}) == hashlib.sha256(b"ordinary").hexdigest()
            assert (await client.files.create(path)).size == len(b"ordinary")
            assert await FileOutput("data:,saved", client).save(tmp_path / "b.txt") == tmp_path / "b.txt"
            for _, writing in pipes:
                with open(writing, "wb") as file:  # noqa: ASYNC230, PTH123 - a descriptor
                    file.write(b"late")

    run(main())
    assert results == [hashlib.sha256(b"late").hexdigest()] * 45


@pytest.mark.parametrize("way", ["run", "upload", "custom"])
def test_the_deadline_of_a_call(
    run: Run, client: AsyncReplicate, server: Server, way: str, pipe: tuple[io.BufferedReader, io.FileIO]
) -> None:
    """A call whose input never comes ends at its deadline; nothing was started."""
    reader, _ = pipe
    file: Any = Stalled(bytes(300_000), 1) if way == "custom" else reader
    options: Any = {} if way == "run" else {"file_encoding_strategy": "url"}
    before = len(server.requests)

    async def main() -> None:
        with (
            anyio.fail_after(20),
            pytest.raises(APITimeoutError, match=r"^The time was up while input\['file'\] was") as caught,
        ):
            await client.run("me/digest", input={"file": file}, timeout=0.1, **options)
        assert not caught.value.sent

    run(main())
    assert not [each for each in server.requests[before:] if each.method == "POST"]
    if way == "custom":
        file.let.set()


def test_a_canceled_call_leaves_the_pipe(
    run: Run, client: AsyncReplicate, pipe: tuple[io.BufferedReader, io.FileIO]
) -> None:
    """A call that is canceled ends at once. It does not keep the pipe from being closed, and takes none of its data."""
    reader, writer = pipe

    async def main() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(partial(client.run, "me/digest", input={"file": reader}))
            await until(lambda: busy() == 1)
            group.cancel_scope.cancel()

    run(main())
    writer.write(b"for others")
    writer.close()
    assert reader.read() == b"for others"


@pytest.mark.parametrize("progress", [None, lambda *_: None])
def test_an_upload_that_stalls(run: Run, client: AsyncReplicate, progress: Any) -> None:
    """An upload whose file stalls on the way ends as soon as it is canceled, and reads no further."""
    file = Stalled(bytes(3 * 2**20), 2)

    async def main() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(partial(client.files.create, file, progress=progress))
            await until(file.begun.is_set)
            group.cancel_scope.cancel()

    run(main())
    left = file.left
    file.let.set()
    run(until(lambda: busy() == 0))
    assert left == file.left


def test_saving_into_a_pipe_that_nobody_reads(
    run: Run, client: AsyncReplicate, pipe: tuple[io.BufferedReader, io.FileIO]
) -> None:
    """Saving into a pipe that takes no more ends as soon as it is canceled. Nothing more is written afterwards."""
    reader, writer = pipe

    async def main() -> None:
        output = FileOutput("data:," + "x" * 3_000_000, client)
        async with anyio.create_task_group() as group:
            group.start_soon(output.save, writer)
            await until(lambda: bool(select.select([reader], [], [], 0)[0]))
            group.cancel_scope.cancel()

    run(main())
    assert len(reader.read(BLOCK)) == BLOCK  # which was being written
    run(until(lambda: busy() == 0))
    writer.close()
    assert reader.read() == b""


PROGRAM = """
import asyncio, logging, sys
import replicate

logging.getLogger("asyncio").setLevel("ERROR")  # not a word of what is merely slow

async def main():
    client = replicate.AsyncReplicate(bearer_token="x", base_url="http://127.0.0.1:9")
    tasks = [asyncio.ensure_future(client.run("me/a", input={"file": sys.stdin.buffer})) for _ in range(3)]
    await asyncio.sleep(0.1)
    tasks[0].cancel()
    with __import__("contextlib").suppress(TimeoutError):
        await asyncio.wait_for(tasks[1], 0.1)
    print("left")

asyncio.run(main())
"""


def test_a_program_exits_although_its_input_stalls() -> None:
    """A program whose standard input never comes exits, and complains about nothing."""
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", PROGRAM]
    streams: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, text=True, **streams) as program:
        assert program.stdout
        assert program.stderr
        assert program.wait(60) == 0
        assert (program.stdout.read(), program.stderr.read()) == ("left\n", "")
