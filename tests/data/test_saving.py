"""Files that models make, on disk: saved completely or not at all, and cached privately."""

from __future__ import annotations

import errno
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
from replicate._dual.drive import drive
from replicate._files import atomic_write
from replicate._files import cache as copies
from replicate._files.data_uri import data_of
from replicate._http.connections.transport import BlockingTransport
from replicate._http.session import Session
from replicate.exceptions import APIConnectionError, NotFoundError, ReplicateError


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# ---- saving


def test_saving_to_a_path(host: Host, tmp_path: Path) -> None:
    """`save` writes to a path, given as str or Path, replaces an existing file, and returns the path."""
    target = tmp_path / "kept.bin"
    target.write_bytes(b"old")
    with target.open("rb") as before:
        assert host.output().save(target) == target
        assert before.read() == b"old"  # replaced, not overwritten
    assert host.output().save(str(target)) == target
    assert target.read_bytes() == CONTENT
    assert names(tmp_path) == ["kept.bin"]


def test_saving_to_a_folder(host: Host, tmp_path: Path) -> None:
    """In a folder it is saved under its own name, and never outside the folder, whatever the URL says."""
    folder = tmp_path / "folder"
    folder.mkdir()
    assert host.output("/a/pic.png").save(folder) == folder / "pic.png"
    assert host.output("/a/..%2F..%2Fevil.png").save(folder) == folder / "evil.png"
    assert host.output("/a/%2e%2e").save(folder) == folder / "output"
    assert names(folder) == ["evil.png", "output", "pic.png"]
    assert names(tmp_path) == ["folder"]


def test_nothing_in_a_folder_is_overwritten(host: Host, tmp_path: Path) -> None:
    """If another file has the name, the name gets a number; saving the same file again returns its first path."""
    (tmp_path / "pic.png").write_bytes(b"another one's")
    first = host.output("/a/pic.png")
    assert first.save(tmp_path) == tmp_path / "pic-2.png"
    assert host.output("/b/pic.png").save(tmp_path) == tmp_path / "pic-3.png"
    assert first.save(tmp_path / "mine.png") == tmp_path / "mine.png"
    assert host.output("/c/new.png").save(tmp_path) == host.output("/c/new.png").save(tmp_path) == tmp_path / "new.png"
    assert (tmp_path / "pic.png").read_bytes() == b"another one's"
    assert names(tmp_path) == ["mine.png", "new.png", "pic-2.png", "pic-3.png", "pic.png"]
    assert first.save(tmp_path) == tmp_path / "pic-2.png"
    (tmp_path / "pic-2.png").write_bytes(b"changed since")
    assert first.save(tmp_path).name == "pic-4.png"


@pytest.mark.parametrize("links", [True, False])
def test_a_name_that_is_taken(links: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: FBT001
    """A name that is taken, also by a broken link or in upper case, gets the first free number."""
    if not links:

        def refused(*_: object) -> None:
            raise PermissionError

        monkeypatch.setattr(Path, "hardlink_to", refused)
    (tmp_path / "a.tar.gz").touch()
    (tmp_path / "a.tar-2.gz").symlink_to(tmp_path / "nowhere")
    (tmp_path / "A.tar-3.gz").touch()
    for name, wanted in (("a.tar.gz", "a.tar-4.gz"), ("a.tar.gz", "a.tar-5.gz"), ("b", "b"), ("b", "b-2")):
        part = tmp_path / "part"
        part.write_text(wanted)
        assert atomic_write.numbered_name(part, tmp_path / name).name == wanted
        assert (tmp_path / wanted).read_text() == wanted
        assert not part.exists()


def test_two_processes_overwrite_nothing(tmp_path: Path) -> None:
    """Processes that save under one name at the same time each get a file of their own."""
    program = (
        "import sys, replicate\n"
        "sys.stdin.readline()\n"
        "print(*[replicate.FileOutput(f'data:,{sys.argv[1]}-{n}').save(sys.argv[2]) for n in range(50)], sep='\\n')"
    )
    started = [
        subprocess.Popen(
            [sys.executable, "-c", program, name, str(tmp_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in "abc"
    ]
    for each in started:
        each.stdin.write("\n")  # type: ignore[union-attr]
        each.stdin.flush()  # type: ignore[union-attr]
    paths = [path for each in started for path in each.communicate()[0].split()]
    assert len({*paths}) == len(names(tmp_path)) == 150
    assert len({Path(path).read_text() for path in paths}) == 150


@pytest.mark.skipif(not Path("/dev/stdout").is_symlink(), reason="there is no such link")
def test_a_link_to_an_open_file(tmp_path: Path) -> None:
    """A link to a file that a process has open is refused, since replacing it would lose the file or the link."""
    with (tmp_path / "standard").open("wb") as file:
        path = f"/proc/self/fd/{file.fileno()}"
        with pytest.raises(ValueError, match="which is no file: open it, and pass the open file"):
            FileOutput("data:,a").save(path)
    program = "import replicate; replicate.FileOutput('data:,a').save('/dev/stdout')"
    with (tmp_path / "standard").open("wb") as file:
        command = [sys.executable, "-c", program]
        told = subprocess.run(command, stdout=file, stderr=subprocess.PIPE, check=False)
    assert b"path is /dev/stdout, which is no file" in told.stderr
    told = subprocess.run(["/bin/sh", "-c", 'exec "$0" "$@" >&-', *command], stderr=subprocess.PIPE, check=False)
    assert b"path is /dev/stdout, which is no file" in told.stderr
    assert Path("/dev/stdout").is_symlink()


def test_saving_to_an_open_file(host: Host) -> None:
    """The whole content is written to an open file, whatever the output's position; the file stays open."""
    output, file = host.output(), io.BytesIO(b"")
    output.read(10)
    assert output.save(file) is None
    assert file.getvalue() == CONTENT
    assert output.tell() == 10


def test_an_open_file_with_partial_writes(host: Host) -> None:
    """A raw file that accepts only part of a block gets the rest later; one that accepts nothing is an error."""

    class Slow(io.RawIOBase):
        content, most = b"", 1000

        def write(self, block: Any) -> int:
            self.content += bytes(block[: self.most])
            return len(block[: self.most])

    slow = Slow()
    host.output().save(slow)  # type: ignore[arg-type]  # as raw files are
    assert slow.content == CONTENT
    Slow.most = 0
    with pytest.raises(BlockingIOError, match="takes no more now"):
        host.output().save(slow)  # type: ignore[arg-type]


def test_an_open_file_whose_write_returns_no_number(host: Host) -> None:
    """The result of `write` counts as the number of bytes written only if it is an int, and not a bool."""

    class Silent:
        content = b""

        def write(self, block: Any) -> bool:
            self.content += bytes(block)
            return True

    silent = Silent()
    host.output().save(silent)  # type: ignore[arg-type]  # it has only `write`
    assert silent.content == CONTENT


def test_an_asynchronous_open_file(host: Host) -> None:
    """A file of an asynchronous library is refused before the download; the error says what to do instead."""

    class Awaited:
        async def write(self, block: bytes) -> int:
            return len(block)

    class Later:
        def __await__(self) -> Any:
            return iter(())

    class Wrapped:
        def write(self, block: bytes) -> Later:
            del block
            return Later()

    with pytest.raises(TypeError, match=r"await file\.write\(await output\.read\(\)\)"):
        host.output().save(Awaited())  # type: ignore[arg-type]
    assert host.connections == 0
    with pytest.raises(TypeError, match="is awaited"):  # noticed late, but nothing is lost
        host.output().save(Wrapped())  # type: ignore[arg-type]


def test_a_copy_that_is_replaced_while_it_is_used(host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that has replaced a saved copy is never read as the output, however late that happens."""
    whole = copies.Copy.whole

    def late(copy: copies.Copy) -> bool:
        found = whole(copy)
        other = tmp_path / "other"
        other.write_bytes(b"another one's")
        other.replace(tmp_path / "latest.bin")
        return found

    for way in ("read", "save", "iterate", "readinto", "transfer"):
        output = host.output(f"/{way}.bin")
        output.save(tmp_path / "latest.bin")
        with monkeypatch.context() as patch:
            patch.setattr(copies.Copy, "whole", late)
            match way:
                case "read":
                    content = output.read()
                case "save":
                    content = output.save(tmp_path / "again.bin").read_bytes()
                case "iterate":
                    content = b"".join(output)
                case "readinto":
                    content = output.readall()[: len(CONTENT)]
                case _:
                    file = io.BytesIO()
                    output.save(file)
                    content = file.getvalue()
        assert content == CONTENT, way


def test_copies_are_bounded(host: Host, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If much has been read, only the latest files are cached; others are downloaded again on demand."""
    monkeypatch.setattr(copies, "ROOM", 2 * len(CONTENT))
    for name in "abcd":
        assert host.output(f"/{name}").read() == CONTENT
    assert len([path for path in cache.rglob("*") if path.is_file()]) == 2
    assert host.output("/d").read() == host.output("/a").read() == CONTENT
    assert host.connections == 5
    monkeypatch.setattr(copies, "REMEMBERED", 3)
    for name in "efgh":
        host.output(f"/{name}").info()
    assert len(copies.cache._infos) == 3


def test_unfinished_saves_are_removed_at_exit(tmp_path: Path) -> None:
    """A daemon thread that is still saving when Python exits leaves no file."""
    program = (
        "import sys, threading, replicate\n"
        "begun = threading.Event()\n"
        "def tell(*_): begun.set(); threading.Event().wait()\n"
        "save = lambda: replicate.FileOutput('data:,' + 'a' * 200_000).save(sys.argv[1], progress=tell)\n"
        "threading.Thread(target=save, daemon=True).start()\n"
        "begun.wait()\n"
        "import pathlib; assert [*pathlib.Path(sys.argv[1]).iterdir()]"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=True, timeout=30)
    assert names(tmp_path) == []


def test_a_saved_file_is_on_the_disk_before_it_is_renamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Writing to the disk starts with each block, so that the final wait is short. Cached copies are not waited for.

    The test checks the order of the calls for the file.
    """
    monkeypatch.setattr(atomic_write, "BLOCK", 100_000)
    blocks: list[tuple[int, int]] = []  # however much of the content comes at once
    seen: list[str] = []

    def begun(number: int, offset: int, length: int, advice: int) -> None:
        if length >= 100_000:  # the rest may still be in the file's buffer
            assert os.fstat(number).st_size == offset + length
        blocks.append((offset, length))
        seen.append("begun")
        raise OSError("it is a hint")

    def waited(number: int) -> None:
        assert names(tmp_path)[0].endswith(".part")
        seen.append(f"waited for {os.fstat(number).st_size}")

    monkeypatch.setattr(os, "posix_fadvise", begun, raising=False)
    monkeypatch.setattr(os, "fsync", waited)
    with hosted(answer("200 OK", CONTENT)) as host:
        output = host.output()
        output.save(tmp_path / "a")
        *whole, (_, rest) = blocks
        assert [offset for offset, _ in blocks] == [
            sum(size for _, size in blocks[:each]) for each in range(len(blocks))
        ]
        assert whole
        assert all(length >= 100_000 for _, length in whole)
        assert rest < 100_000
        assert seen == ["begun"] * len(blocks) + [f"waited for {len(CONTENT)}"]
        seen.clear()
        assert host.output("/other").read() == CONTENT
        assert seen == []


def test_memory_for_small_chunks_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that comes byte by byte needs no more memory than any other: the number of waiting chunks is bounded."""
    monkeypatch.setattr(atomic_write, "MANY", 10)
    most = 0

    async def write() -> None:
        nonlocal most
        async with atomic_write.writing(tmp_path, BlockingTransport(), lasting=True) as part:
            for at in range(101):
                await part.write(at, b"x")
                most = max(most, len(vars(part)["_waiting"]))
            await part.become(tmp_path / "a")

    drive(write())
    assert (tmp_path / "a").read_bytes() == b"x" * 101
    assert most < 10


def test_a_saved_file_that_is_removed_at_once(host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A saved file may be taken away as soon as it exists: it counts as saved."""
    become = atomic_write.Part.become

    async def taken(self: atomic_write.Part, *wanted: Any, **options: Any) -> Path:
        place = await become(self, *wanted, **options)
        place.unlink()
        return place

    monkeypatch.setattr(atomic_write.Part, "become", taken)
    output = host.output()
    assert output.save(tmp_path) == tmp_path / "out.bin"
    assert output.save(tmp_path / "b.bin") == tmp_path / "b.bin"
    monkeypatch.undo()
    assert output.read() == CONTENT


def test_a_copy_that_cannot_be_opened(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process with too many open files gets an error, and does not hang."""
    output = host.output()
    output.read()

    def full(*_: object) -> Any:
        raise OSError(errno.EMFILE, "Too many open files")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", full)
        with pytest.raises(OSError, match="Too many open files"):
            output.read()
    assert output.read() == CONTENT
    assert host.connections == 1


def test_an_interrupt_while_a_file_is_created(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file is registered for removal before it is created; one that cannot be created is not."""

    def interrupted(path: Path, *_: object) -> Any:
        assert path in atomic_write.unfinished
        path.touch()
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", interrupted)
        with pytest.raises(KeyboardInterrupt):
            atomic_write.Part(tmp_path, BlockingTransport(), lasting=True)
    assert len(names(tmp_path)) == 1
    atomic_write.discard_all()
    assert names(tmp_path) == []
    atomic_write.unfinished.clear()
    with pytest.raises(FileNotFoundError):
        atomic_write.Part(tmp_path / "missing", BlockingTransport(), lasting=True)
    assert not atomic_write.unfinished


def test_saving_where_there_is_no_folder(host: Host, tmp_path: Path) -> None:
    """A missing folder is reported by name, before anything is downloaded."""
    with pytest.raises(FileNotFoundError, match=r"there is no folder .*missing to save to"):
        host.output().save(tmp_path / "missing" / "a.bin")
    assert host.connections == 0


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_permissions_follow_the_umask(umask: int, mode: int, host: Host, tmp_path: Path) -> None:
    """A saved file has the permissions of a new file, or those of the file that it replaces."""
    before = os.umask(umask)
    try:
        saved = host.output().save(tmp_path / "a.bin")
        assert stat.S_IMODE(saved.stat().st_mode) == mode
        saved.chmod(0o640)
        assert stat.S_IMODE(host.output("/other").save(saved).stat().st_mode) == 0o640
    finally:
        os.umask(before)


CUT = answer("200 OK", CONTENT[:1000], f"Content-Length: {len(CONTENT)}")


def test_a_download_that_breaks_off_leaves_nothing(tmp_path: Path, cache: Path) -> None:
    """A truncated download is an error, leaves no file, and does not affect the next attempt."""
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


def test_a_file_that_does_not_exist_any_more() -> None:
    """A file that does not exist any more is a NotFoundError."""
    said = r"404 Not Found from GET /x/out\.bin: <Error>NoSuchKey"
    with hosted(answer("404 Not Found", b"<Error>NoSuchKey")) as host, pytest.raises(NotFoundError, match=said):
        host.output().read()


def test_an_interrupted_save_leaves_nothing(host: Host, tmp_path: Path) -> None:
    """An interrupt while writing leaves neither a partial nor a temporary file."""

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
def test_data_uris_need_no_request(uri: str, content: bytes) -> None:
    """The content of a data URI, in base64 or percent-encoded, is decoded without a request."""
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
    """An invalid data URI raises an error, and is not read as something else."""
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
    """Downloads are in a folder that only the user can read; the process removes it at exit, a forked child not."""
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-c", SCRIPT], capture_output=True, text=True, timeout=60, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    folder = Path(ended.stdout.strip())
    assert folder.name.startswith("replicate-")
    assert not folder.exists()


def test_an_unpickled_output_uses_the_default_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """An output from a pickle has no client, and uses the default one."""
    import replicate

    client = replicate.Client("t", transport=httpx.MockTransport(lambda request: httpx.Response(200, content=b"abc")))
    monkeypatch.setitem(vars(replicate), "default_client", client)
    output = pickle.loads(pickle.dumps(FileOutput[Any]("https://files.test/a.bin")))
    assert output.read() == b"abc"
    client.close()
