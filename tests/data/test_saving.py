"""Files that models make, on disk: saved whole or not at all, and cached privately."""

from __future__ import annotations

import io
import os
import pickle
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.faults import answer
from support.hosts import CONTENT, Host, hosted
from support.sessions import Hasty, config

from replicate import FileOutput
from replicate._core.session import Session
from replicate._data import disk
from replicate._data.data_uri import data_of
from replicate.exceptions import APIConnectionError, NotFoundError, ReplicateError


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# ---- saving


def test_saving_to_a_path(host: Host, tmp_path: Path) -> None:
    """`save` writes to a path, given as str or Path, replaces what is there, and gives the path."""
    target = tmp_path / "kept.bin"
    target.write_bytes(b"old")
    with target.open("rb") as before:
        assert host.output().save(target) == target
        assert before.read() == b"old"  # replaced as a whole, not overwritten
    assert host.output().save(str(target)) == target
    assert target.read_bytes() == CONTENT
    assert names(tmp_path) == ["kept.bin"]


def test_saving_to_a_folder(host: Host, tmp_path: Path) -> None:
    """In a folder it is saved under its own name, and nowhere else, whatever the URL says."""
    folder = tmp_path / "folder"
    folder.mkdir()
    assert host.output("/a/pic.png").save(folder) == folder / "pic.png"
    assert host.output("/a/..%2F..%2Fevil.png").save(folder) == folder / "evil.png"
    assert host.output("/a/%2e%2e").save(folder) == folder / "output"
    assert names(folder) == ["evil.png", "output", "pic.png"]
    assert names(tmp_path) == ["folder"]


def test_nothing_in_a_folder_is_overwritten(host: Host, tmp_path: Path) -> None:
    """Where another file has its name it gets a number; where it lies there itself, it stays one file."""
    (tmp_path / "pic.png").write_bytes(b"another one's")
    first = host.output("/a/pic.png")
    assert first.save(tmp_path) == tmp_path / "pic-2.png"
    assert host.output("/b/pic.png").save(tmp_path) == tmp_path / "pic-3.png"
    assert first.save(tmp_path / "mine.png") == tmp_path / "mine.png"
    assert host.output("/c/new.png").save(tmp_path) == host.output("/c/new.png").save(tmp_path) == tmp_path / "new.png"
    assert (tmp_path / "pic.png").read_bytes() == b"another one's"
    assert names(tmp_path) == ["mine.png", "new.png", "pic-2.png", "pic-3.png", "pic.png"]
    assert disk.reserved == {}


def test_vacant_places(tmp_path: Path) -> None:
    """A name that is taken, by a broken link or by who is just saving, gets the first number that is free."""
    (tmp_path / "a.tar.gz").touch()
    (tmp_path / "a.tar-2.gz").symlink_to(tmp_path / "nowhere")
    with disk.vacant(tmp_path, "a.tar.gz") as one, disk.vacant(tmp_path, "a.tar.gz") as two:
        assert [one.name, two.name] == ["a.tar-3.gz", "a.tar-4.gz"]
    with disk.vacant(tmp_path, "a.tar.gz") as again, disk.vacant(tmp_path, "b") as other:
        assert [again.name, other.name] == ["a.tar-3.gz", "b"]


@pytest.mark.skipif(not Path("/dev/stdout").is_symlink(), reason="there is no such link")
def test_what_stands_for_an_open_file(tmp_path: Path) -> None:
    """A link to what a process has open is refused: what was moved to its place would be lost, or the link."""
    with (tmp_path / "standard").open("wb") as file:
        path = f"/proc/self/fd/{file.fileno()}"
        with pytest.raises(ValueError, match="which is no file: open it, and pass the open file"):
            FileOutput("data:,a").save(path)
    program = "import replicate; replicate.FileOutput('data:,a').save('/dev/stdout')"
    with (tmp_path / "standard").open("wb") as file:
        command = [sys.executable, "-c", program]
        told = subprocess.run(command, stdout=file, stderr=subprocess.PIPE, check=False)
    assert b"path is /dev/stdout, which is no file" in told.stderr
    assert Path("/dev/stdout").is_symlink()


def test_saving_to_an_open_file(host: Host) -> None:
    """Into an open file the whole content is written, wherever the output stands; the file stays open."""
    output, file = host.output(), io.BytesIO(b"")
    output.read(10)
    assert output.save(file) is None
    assert file.getvalue() == CONTENT
    assert output.tell() == 10


def test_saving_where_there_is_no_folder(host: Host, tmp_path: Path) -> None:
    """A missing folder is reported by its name, before anything is downloaded."""
    with pytest.raises(FileNotFoundError, match=r"there is no folder .*missing to save to"):
        host.output().save(tmp_path / "missing" / "a.bin")
    assert host.connections == 0


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_permissions_follow_the_umask(umask: int, mode: int, host: Host, tmp_path: Path) -> None:
    """A saved file has the permissions of any new file."""
    before = os.umask(umask)
    try:
        saved = host.output().save(tmp_path / "a.bin")
    finally:
        os.umask(before)
    assert stat.S_IMODE(saved.stat().st_mode) == mode


CUT = answer("200 OK", CONTENT[:1000], f"Content-Length: {len(CONTENT)}")


def test_a_download_that_breaks_off_leaves_nothing(tmp_path: Path, cache: Path) -> None:
    """A truncated download is an error, leaves no file anywhere, and does not spoil the next attempt."""
    target = tmp_path / "a.bin"
    target.write_bytes(b"old")
    with hosted(CUT, CUT, CUT, CUT, answer("200 OK", CONTENT)) as host:
        output = host.output()
        with pytest.raises(APIConnectionError, match=r"broke off at GET /x/out\.bin"):
            output.save(target)
        assert host.connections == 2
        with pytest.raises(APIConnectionError):
            output.read()
        assert target.read_bytes() == b"old"
        assert names(tmp_path) == ["a.bin"]
        assert [path for path in cache.rglob("*") if path.is_file()] == []
        assert output.read() == CONTENT


def test_a_file_that_is_gone() -> None:
    """A file that is not there any more is a NotFoundError."""
    said = r"404 Not Found from GET /x/out\.bin: <Error>NoSuchKey"
    with hosted(answer("404 Not Found", b"<Error>NoSuchKey")) as host, pytest.raises(NotFoundError, match=said):
        host.output().read()


def test_an_interrupted_save_leaves_nothing(host: Host, tmp_path: Path) -> None:
    """Whatever interrupts writing, there is no half file, and no temporary one."""

    def interrupt(done: int, _total: int | None) -> None:
        assert len(names(tmp_path)) == 1
        if done > 1000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        host.output().save(tmp_path / "a.bin", progress=interrupt)
    assert names(tmp_path) == []


# ---- data URIs


@pytest.mark.parametrize(
    ("uri", "content"),
    [
        ("data:image/png;base64,iVBORw==", b"\x89PNG"),
        ("data:image/png;base64,iVBORw", b"\x89PNG"),
        ("data:image/png;BASE64,iVBORw%3D%3D", b"\x89PNG"),
        ("data:image/png;base64,iVB\r\n ORw==\n", b"\x89PNG"),
        ("data:text/plain;charset=utf-8;base64,w6k=", "é".encode()),
        ("data:;base64,", b""),
        ("data:,a%20b%C3%A9,c", "a bé,c".encode()),
        ("data:text/plain,base64,x", b"base64,x"),
        ("data:,é", "é".encode()),
    ],
)
def test_data_uris_are_decoded_here(uri: str, content: bytes) -> None:
    """The content of a data URI, in base64 or percent-encoded, needs no request."""
    output = FileOutput[Any](uri, Session(config(), Hasty()))
    assert data_of(uri) == output.read() == b"".join(output) == content


@pytest.mark.parametrize(
    "uri",
    [
        "data:image/png;base64",
        "data:",
        "data:;base64,A",
        "data:;base64,iVBO-w__",
        "data:;base64,a=bc",
        "data:;base64,é",
    ],
)
def test_a_malformed_data_uri_is_an_error(uri: str) -> None:
    """What is not valid raises, and is not read as something else."""
    with pytest.raises(ReplicateError, match="This data URI"):
        data_of(uri)


# ---- on disk


SCRIPT = """
import os, stat, sys
from pathlib import Path
from replicate import FileOutput, Replicate
output = FileOutput("data:text/plain,hello", Replicate(bearer_token="t")._session)
path = Path(output)
assert path.read_text() == "hello"
assert path.name == "output.txt"
folder = path.parent.parent
assert stat.S_IMODE(folder.stat().st_mode) == 0o700
if os.fork() == 0:
    sys.exit()
assert os.wait()[1] == 0
assert path.exists()
print(folder)
"""


def test_the_cache_is_private_and_removed_at_exit() -> None:
    """Downloads lie in a folder of the process that nobody else can read; it goes with the process, not with a fork."""
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-c", SCRIPT], capture_output=True, text=True, timeout=60, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    folder = Path(ended.stdout.strip())
    assert folder.name.startswith("replicate-")
    assert not folder.exists()


def test_an_unpickled_output_reads_by_the_default_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """An output from a pickle has no client, and acts through the default one."""
    import replicate

    client = replicate.Client("t", transport=httpx.MockTransport(lambda request: httpx.Response(200, content=b"abc")))
    monkeypatch.setitem(vars(replicate), "default_client", client)
    output = pickle.loads(pickle.dumps(FileOutput[Any]("https://files.test/a.bin")))
    assert output.read() == b"abc"
    client.close()
