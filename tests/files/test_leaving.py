"""Downloads that are left early: by cancellation, by closing an iterator, and in a forked child."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from contextlib import aclosing, closing
from threading import Event
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from support.colours import got, leaves_streams
from support.faults import answer
from support.hosts import CONTENT, hosted

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = leaves_streams

LONG = CONTENT * 10


def files(*folders: Path) -> list[Path]:
    return [path for folder in folders for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize("way", ["save", "read"])
async def test_a_canceled_task_leaves_nothing(colour: str, way: str, tmp_path: Path, cache: Path) -> None:
    """A task that is canceled during a download leaves no file, and the next download is complete."""
    if colour == "blocking":
        return
    held = Event()
    broken = answer("200 OK", LONG[:-1], f"Content-Length: {len(LONG)}")
    with hosted(broken, lambda _: answer("200 OK", LONG) if held.wait(20) else b"") as host:
        output = host.output(blocking=False, max_retries=5)
        async with anyio.create_task_group() as group:
            group.start_soon(*([output.save, tmp_path / "a.bin"] if way == "save" else [output.read]))
            while host.connections < 2:
                await anyio.lowlevel.checkpoint()
            assert len(files(tmp_path, cache)) == 1
            group.cancel_scope.cancel()
        held.set()
        assert files(tmp_path, cache) == []
        assert await output.aread() == LONG


async def test_an_iteration_that_is_left_leaves_nothing(colour: str, blocking: Any, cache: Path) -> None:
    """An iteration that is left early leaves no copy, as the content is incomplete."""
    with hosted(answer("200 OK", LONG)) as host:
        output = host.output(**blocking)
        if colour == "blocking":
            with closing(iter(output)) as chunks:
                next(chunks)
                assert len(files(cache)) == 1
        else:
            async with aclosing(aiter(output)) as later:
                await anext(later)
                assert len(files(cache)) == 1
        assert files(cache) == []
        await got(output.read(0))
        assert host.connections == 2


def test_a_task_that_is_canceled_while_a_thread_writes(tmp_path: Path) -> None:
    """A task that asyncio cancels while a thread writes leaves no file, either."""
    held = Event()

    async def main(host: Any) -> None:
        task = asyncio.create_task(host.output(blocking=False).save(tmp_path / "a.bin", progress=lambda *_: held.set()))
        while not held.is_set():  # noqa: ASYNC110 - set in another thread
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with hosted(answer("200 OK", LONG)) as host:
        asyncio.run(main(host))
    assert files(tmp_path) == []


FORK = """
import os, sys
from replicate import FileOutput, Replicate
client = Replicate(bearer_token="t")
path = os.fspath(FileOutput("data:text/plain,hello", client))
child = os.fork()
if child == 0:
    other = os.fspath(FileOutput("data:text/plain,hello", client))
    assert os.path.dirname(os.path.dirname(other)) != os.path.dirname(os.path.dirname(path))
    print(os.path.dirname(os.path.dirname(other)), flush=True)
    sys.exit()
assert os.waitpid(child, 0)[1] == 0
assert os.path.exists(path)
import multiprocessing
def work():
    print(os.path.dirname(os.path.dirname(os.fspath(FileOutput("data:,1", client)))), flush=True)
process = multiprocessing.get_context("fork").Process(target=work)
process.start()
process.join()
assert process.exitcode == 0
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
def test_each_process_has_a_cache_of_its_own() -> None:
    """A child of a fork, direct or by multiprocessing, has its own cache folder, which is removed with it."""
    from pathlib import Path

    command = [sys.executable, "-W", "error", "-c", FORK]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    folders = [Path(line) for line in ended.stdout.splitlines()]
    assert len(folders) == 2
    assert [folder for folder in folders if folder.exists()] == []
