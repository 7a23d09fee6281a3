"""If a process is killed while it saves, the target is the whole new file or the old one."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from replicate.local import Model
from replicate.local import server as local_server

SIZE = 8_000_000
ROUNDS = 8
SEED = 7

PROGRAM = """
import asyncio, sys, replicate
url, target, colour = sys.argv[1:]
sys.stdout.write("go")
sys.stdout.flush()
def told(done, total):
    sys.stdout.write(".")
    sys.stdout.flush()
while True:
    if colour == "blocking":
        with replicate.Replicate() as client:
            replicate.FileOutput(url, client).save(target, progress=told)
    else:
        async def main():
            async with replicate.AsyncReplicate() as client:
                await replicate.FileOutput(url, client).save(target, progress=told)
        asyncio.run(main())
    replicate._files.cache.cache.forget()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
@pytest.mark.parametrize(("colour", "before"), [("blocking", None), ("asyncio", b"what was there")])
def test_a_killed_process_leaves_no_partial_file(colour: str, before: bytes | None, tmp_path: Path) -> None:
    """SIGKILL at a random moment of `save` leaves the whole new file at the target, or what was there before."""
    content = random.Random(SEED).randbytes(SIZE)
    source, target = tmp_path / "source.bin", tmp_path / "there" / "target.bin"
    source.write_bytes(content)
    target.parent.mkdir()

    moments = random.Random(SEED)
    with local_server({"me/give": Model(give, official=True)}) as srv, srv.client() as client:
        url = client.run("me/give", {"path": str(source)}).url
        settings = {**os.environ, "REPLICATE_API_TOKEN": srv.token, "REPLICATE_BASE_URL": srv.base_url}
        command = [sys.executable, "-c", PROGRAM, url, str(target), colour]
        for _ in range(ROUNDS):
            target.unlink(missing_ok=True)
            if before is not None:
                target.write_bytes(before)
            with subprocess.Popen(command, env=settings, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL) as process:
                assert process.stdout
                process.stdout.read(moments.randrange(2, 2 + 2 * SIZE // 65536))
                process.send_signal(signal.SIGKILL)
            assert found(target) in (hashlib.sha256(content).digest(), before and hashlib.sha256(before).digest())
            for path in target.parent.iterdir():  # the remaining partial files are hidden
                assert path == target or (path.name.startswith(".") and path.suffix == ".part")


def give(path: str) -> Path:
    return Path(path)


def found(target: Path) -> bytes | None:
    return hashlib.sha256(target.read_bytes()).digest() if target.exists() else None
