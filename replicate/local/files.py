"""The files of a server: uploads of users, and outputs of models, which anybody who knows the URL may fetch."""

from __future__ import annotations

import base64
import hashlib
import hmac
import mimetypes
import secrets
import shutil
import uuid
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import quote, unquote, urlsplit

from replicate.local.clock import stamp

if TYPE_CHECKING:
    from pathlib import Path

    from replicate.local.clock import Clock
    from replicate.local.store import Place, Store

_CHUNK = 1 << 20
LIFETIME = timedelta(hours=24)
"""Of an upload."""
DELIVERY_LIFETIME = timedelta(hours=1)
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_MAGIC = {
    b"\x89PNG\r\n\x1a\n": ".png",
    b"\xff\xd8\xff": ".jpg",
    b"GIF8": ".gif",
    b"%PDF": ".pdf",
    b"PK\x03\x04": ".zip",
    b"OggS": ".ogg",
    b"ID3": ".mp3",
    b"fLaC": ".flac",
    b"\x1a\x45\xdf\xa3": ".webm",
}
_RIFF = {b"WEBP": ".webp", b"WAVE": ".wav"}
_TYPES = {".webp": "image/webp", ".webm": "video/webm", ".ogg": "audio/ogg", ".flac": "audio/flac", ".wav": "audio/wav"}


def is_loopback(host: str) -> bool:
    """Return whether a host name is a loopback name or address."""
    return host in _LOOPBACK or host.endswith(".localhost")


class Files:
    """Uploads and output files in one folder; records of the uploads in the store."""

    def __init__(self, folder: Path, store: Store, clock: Clock, owner: str) -> None:
        folder = folder.resolve()
        self._uploads, self._deliveries = folder / "uploads", folder / "deliveries"
        self._store, self._clock, self._owner = store, clock, owner
        self._key = secrets.token_bytes(32)
        for place in (self._uploads, self._deliveries):
            place.mkdir(parents=True, exist_ok=True)

    def upload(self, content: BinaryIO, name: str, media_type: str, metadata: dict[str, Any]) -> dict[str, Any]:
        """Store an uploaded file and return its record."""
        identifier = base64.urlsafe_b64encode(str(uuid.uuid4()).encode()).decode()
        path = self._uploads / identifier
        sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
        with path.open("wb") as copy:
            while chunk := content.read(_CHUNK):
                copy.write(chunk)
                sha256.update(chunk)
                md5.update(chunk)
        now = self._clock.now()
        record = {
            "id": identifier,
            "name": name,
            "content_type": media_type,
            "size": path.stat().st_size,
            "etag": md5.hexdigest(),
            "checksums": {"sha256": sha256.hexdigest(), "md5": md5.hexdigest()},
            "metadata": metadata,
            "created_at": stamp(now),
            "expires_at": stamp(now + LIFETIME),
        }
        self._store.keep("file", identifier, record)
        return record

    def record(self, identifier: str) -> dict[str, Any] | None:
        """Return the record of an upload that has not expired."""
        record = self._store.record("file", identifier)
        return record if record and not self.expired(record) else None

    def page(self, place: Place, limit: int) -> list[tuple[int, dict[str, Any]]]:
        """Return the records of uploads with their numbers, newest first."""
        return self._store.records("file", place, limit)

    def expired(self, record: dict[str, Any]) -> bool:
        """Return whether a file has expired."""
        return datetime.fromisoformat(record["expires_at"]) <= self._clock.now()

    def uploaded(self, identifier: str) -> Path | None:
        """Return the path of an upload's content."""
        return self._uploads / identifier if self.record(identifier) else None

    def delete(self, identifier: str) -> bool:
        """Delete an upload; return False if there is none."""
        path = self.uploaded(identifier)
        if path:
            self._store.discard("file", identifier)
            path.unlink(missing_ok=True)
        return path is not None

    def sign(self, identifier: str, expiry: int) -> str:
        """Return the signature that allows anybody to download an upload until `expiry`, in seconds since the epoch."""
        message = f"{self._owner} {identifier} {expiry}".encode()
        return base64.b64encode(hmac.digest(self._key, message, "sha256")).decode()

    def signed(self, identifier: str, owner: str, expiry: str, signature: str) -> bool:
        """Return whether the signature of a download is valid and has not expired."""
        if owner != self._owner or not expiry.isdecimal():
            return False
        genuine = hmac.compare_digest(self.sign(identifier, int(expiry)).encode(), signature.encode())
        return genuine and int(expiry) > self._clock.now().timestamp()

    def deliver(self, value: Path | bytes, origin: str) -> str:
        """Store an output file of a model and return its URL."""
        folder = self._deliveries / secrets.token_hex(20)
        folder.mkdir()
        if isinstance(value, bytes):
            path = folder / f"output{_suffix(value)}"
            path.write_bytes(value)
        else:
            path = folder / value.name
            shutil.copyfile(value, path)
        self._store.keep("delivery", folder.name, {"expires_at": stamp(self._clock.now() + DELIVERY_LIFETIME)})
        return f"{origin}/delivery/{folder.name}/{quote(path.name)}"

    def delivered(self, folder: str, name: str) -> Path | None:
        """Return the path of an output file, which is removed after an hour."""
        try:
            path = (self._deliveries / folder / name).resolve()
            if path.parent.parent != self._deliveries or not path.is_file():
                return None
        except (OSError, ValueError):  # no file can have this name
            return None
        record = self._store.record("delivery", folder)
        if record and self.expired(record):
            path.unlink(missing_ok=True)
            return None
        return path

    def behind(self, url: str) -> tuple[Path, str] | None:
        """Return the local file behind one of this server's own URLs, and its name."""
        parts = urlsplit(url)
        if not is_loopback(parts.hostname or ""):
            return None
        match unquote(parts.path).removeprefix("/v1").strip("/").split("/"):
            case ["files", identifier] | ["files", identifier, "download"]:
                record = self.record(identifier)
                return (self._uploads / identifier, record["name"]) if record else None
            case ["delivery", folder, name]:
                path = self.delivered(folder, name)
                return (path, name) if path else None
            case _:
                return None


def media_type(path: Path) -> str:
    """Return the media type of a file, by its name, or else by its first bytes."""
    guessed = _TYPES.get(path.suffix.lower()) or mimetypes.guess_type(path.name)[0]
    if not guessed:
        with path.open("rb") as file:
            suffix = _suffix(file.read(16))
        guessed = _TYPES.get(suffix) or mimetypes.types_map.get(suffix)
    return guessed or "application/octet-stream"


def sendable(kind: str) -> str:
    """Return a media type if a header can carry it, and otherwise that of unknown content."""
    return kind if kind.isascii() and kind.isprintable() else "application/octet-stream"


def _suffix(content: bytes) -> str:
    if content[:4] == b"RIFF":
        return _RIFF.get(content[8:12], ".bin")
    if content[4:8] == b"ftyp":
        return ".mp4"
    return next((suffix for magic, suffix in _MAGIC.items() if content.startswith(magic)), ".bin")
