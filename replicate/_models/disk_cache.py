"""Descriptions of models on disk, which spare a new process the requests of an earlier one.

They are in a private folder of the user. Nothing here raises: if anything is wrong with the folder or with a file,
nothing is known. A file's name is a keyed hash of the API's URL, the token, and the version id or model name. The token
itself is not stored.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import stat
import sys
import tempfile
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from replicate._http.secrecy.hiding import Sealed, opened
from replicate._json import is_object, parse
from replicate._models.descriptions import LATEST_LIVES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from replicate._http.session import Session

VARIABLE = "REPLICATE_CACHE_DIR"
MOST_FILES, FEWER = 500, 400
"""Maximum number of files, and how many of the newest are kept when there are more."""
LONGEST = 4 * 2**20
"""Maximum size of a file in bytes."""
KEY, ENDING = "key", ".json"
KEY_SIZE = 32
"""Bytes."""


class Latest(NamedTuple):
    """A model's latest version."""

    version: str
    official: bool | None
    named: str | None
    """The name that responses use for it, if it is another one."""
    moment: float
    """Since when that is known, in seconds since 1970; 0 if it was withdrawn."""

    @property
    def fresh(self) -> bool:
        """Whether it is recent enough to be used."""
        return 0 <= now() - self.moment < LATEST_LIVES

    def checked(self) -> Latest:
        """Return it if its members are valid. Raises TypeError."""
        kinds = (str, bool | None, str | None, float | int)
        if not all(isinstance(value, kind) for value, kind in zip(self, kinds, strict=True)):
            raise TypeError("a member is of another type")
        if not self.version.isascii() or not 0 <= self.moment < 2**40:
            raise TypeError("a member is none")
        return self


class DescriptionCache:
    """What one account knows of the models of one API, in a folder that processes share."""

    def __init__(self, folder: Path, base_url: str, token: Sealed[str] | str | None) -> None:
        self._folder, self._base_url, self._token = folder, base_url, Sealed((opened(token) or "").encode())

    def schema(self, version: str) -> Mapping[str, Any] | None:
        """Return the schema of a version."""
        schema = self._read("version", version).get("openapi_schema")
        return schema if is_object(schema) else None

    def keep_schema(self, version: str, schema: Mapping[str, Any]) -> None:
        """Store the schema of a version. It never changes."""
        self._write("version", version, {"openapi_schema": schema})

    def latest(self, model: str) -> Latest | None:
        """Return what is stored of a model's latest version."""
        found = self._read("model", model)
        try:
            return Latest(**{name: found[name] for name in Latest._fields}).checked()
        except (KeyError, TypeError):
            return None

    def keep_latest(self, model: str, latest: Latest) -> None:
        """Store a model's latest version."""
        self._write("model", model, latest._asdict())

    def _path(self, kind: str, name: str) -> Path | None:
        """Return the path of a file, or None if the folder has no key yet."""
        key = key_in(self._folder)
        if key is None:
            return None
        named = f"{self._base_url}\0{kind}\0{name}\0".encode() + self._token.open()
        return self._folder / (hashlib.blake2b(named, key=key, digest_size=24).hexdigest() + ENDING)

    def _read(self, kind: str, name: str) -> Mapping[str, Any]:
        try:
            path = self._path(kind, name)
            if path is None or not is_private(path, stat.S_ISREG) or path.stat().st_size > LONGEST:
                return {}
            found = parse(path.read_bytes())
        except (OSError, ValueError):
            return {}
        return found if is_object(found) and found.get(kind) == name else {}

    def _write(self, kind: str, name: str, content: Mapping[str, Any]) -> None:
        with suppress(OSError, ValueError, TypeError, RecursionError):
            text = json.dumps({kind: name, **content}).encode()
            if len(text) > LONGEST or not made_ready(self._folder) or (path := self._path(kind, name)) is None:
                return
            replace(path, text)
            tidy(self._folder)


def of(session: Session[Any]) -> DescriptionCache | None:
    """Return the cache of a session's account, or None if caching is off."""
    try:
        folder, token = folder_of(os.environ), session.config.credentials.secret()
    except Exception:  # noqa: BLE001 - no home, or a token function fails: the next request reports it
        return None
    return None if folder is None else DescriptionCache(folder, str(session.config.base_url), token)


def folder_of(environment: Mapping[str, str]) -> Path | None:
    """Return the folder in REPLICATE_CACHE_DIR, or else the default one in the user's cache folder."""
    given = environment.get(VARIABLE)
    if given is not None:
        return Path(given).absolute() if given.strip() else None
    home = Path.home()
    if not home.is_absolute():
        return None
    if sys.platform == "win32":
        return Path(environment.get("LOCALAPPDATA") or home / "AppData" / "Local") / "replicate" / "Cache"
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "replicate"
    base = Path(environment.get("XDG_CACHE_HOME") or home / ".cache")
    return (base if base.is_absolute() else home / ".cache") / "replicate"


def made_ready(folder: Path) -> bool:
    """Create the folder and its key if needed. Returns False if others can write there."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not is_private(folder, stat.S_ISDIR):
        return False
    if key_in(folder) is None and not is_others(folder / KEY):
        replace(folder / KEY, secrets.token_bytes(KEY_SIZE))
    return key_in(folder) is not None


def key_in(folder: Path) -> bytes | None:
    """Return the folder's key, if it has one and only this user can write it."""
    path = folder / KEY
    try:
        if not is_private(folder, stat.S_ISDIR) or not is_private(path, stat.S_ISREG):
            return None
        return path.read_bytes() if path.stat().st_size == KEY_SIZE else None
    except OSError:
        return None


def is_others(path: Path) -> bool:
    """Return whether a path exists that must be neither trusted nor replaced."""
    try:
        return not is_private(path, stat.S_ISREG)
    except FileNotFoundError:
        return False


def is_private(path: Path, kind: Any) -> bool:
    """Return whether a path is of a kind, belongs to this user, and is writable by nobody else."""
    found = path.lstat()
    if not kind(found.st_mode):
        return False
    if sys.platform == "win32":  # the user's folder is private there
        return True
    return found.st_uid == os.getuid() and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def replace(path: Path, content: bytes) -> None:
    """Write a file atomically, replacing an old one."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".")  # readable by this user only
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.replace(name, path)  # noqa: PTH105 - a str
    finally:
        with suppress(FileNotFoundError):
            os.unlink(name)  # noqa: PTH108 - likewise


def now() -> float:
    """Return the seconds since 1970, a clock that all processes share."""
    return datetime.now(UTC).timestamp()


def tidy(folder: Path) -> None:
    """Remove the oldest files if there are too many."""
    files = [entry for entry in os.scandir(folder) if entry.name.endswith(ENDING)]
    if len(files) <= MOST_FILES:
        return
    files.sort(key=lambda entry: entry.stat().st_mtime)
    for entry in files[:-FEWER]:
        with suppress(OSError):
            os.unlink(entry.path)  # noqa: PTH108 - likewise
