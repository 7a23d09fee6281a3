"""Model descriptions on the disk: private, bounded, and harmless if something is wrong with them."""

from __future__ import annotations

import json
import os
import stat
import sys
from pathlib import Path
from typing import Any

import pytest

from replicate._models import disk_cache
from replicate._models.disk_cache import FEWER, LATEST_LIVES, MOST_FILES, DescriptionCache, Latest, folder_of

API = "https://api.replicate.com/v1"
SCHEMA = {"components": {"schemas": {"Input": {"properties": {"text": {"type": "string"}}}}}}
posix = pytest.mark.skipif(sys.platform == "win32", reason="modes are POSIX's")


@pytest.fixture(name="folder")
def not_there_yet(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "replicate"


def latest(**members: Any) -> Latest:
    return Latest(**{"version": "v1", "official": None, "named": None, "moment": disk_cache.now(), **members})


def cache(folder: Path, base_url: str = API, token: str | None = "r8_token") -> DescriptionCache:
    return DescriptionCache(folder, base_url, token)


def test_cached_descriptions_survive_the_process(folder: Path) -> None:
    """Another cache with the same token finds a schema and the latest version."""
    cache(folder).keep_schema("v1", SCHEMA)
    kept = latest(official=True, named="v1-deployed")
    cache(folder).keep_latest("me/model", kept)
    assert cache(folder).schema("v1") == SCHEMA
    assert cache(folder).latest("me/model") == kept


@pytest.mark.parametrize(("base_url", "token"), [("http://127.0.0.1:1/v1", "r8_token"), (API, "r8_other"), (API, None)])
def test_another_account_finds_nothing(folder: Path, base_url: str, token: str | None) -> None:
    """The key includes the API's address and the token."""
    cache(folder).keep_schema("v1", SCHEMA)
    cache(folder).keep_latest("me/model", latest(official=None))
    other = cache(folder, base_url, token)
    assert other.schema("v1") is None
    assert other.latest("me/model") is None


def test_the_token_is_not_stored(folder: Path) -> None:
    """Neither file names nor contents hold the token, or a hash of it that could be computed elsewhere."""
    for where in (folder, folder.with_name("other")):
        cache(where).keep_schema("v1", SCHEMA)
    assert b"r8_token" not in b"".join(path.read_bytes() for path in folder.iterdir())
    names = [{path.name for path in where.glob("*.json")} for where in (folder, folder.with_name("other"))]
    assert len(names[0]) == 1
    assert names[0].isdisjoint(names[1])


@posix
def test_it_is_private(folder: Path) -> None:
    """Only the user can access the folder and its files."""
    cache(folder).keep_schema("v1", SCHEMA)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_the_latest_version_is_fresh_for_an_hour(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A latest version is not fresh after an hour, or if the clock was set back."""
    cache(folder).keep_latest("me/model", latest(official=False))
    now = disk_cache.now()
    for moment in (now + LATEST_LIVES + 1, now - 60):
        monkeypatch.setattr(disk_cache, "now", lambda moment=moment: moment)
        found = cache(folder).latest("me/model")
        assert found is not None
        assert not found.fresh


def only_file(folder: Path) -> Path:
    [path] = folder.glob("*.json")
    return path


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 100_000, b'{"version": "v2", "openapi_schema": {}}',
     b'{"version": "v1", "openapi_schema": 7}', b'{"openapi_schema": {}}'],
)  # fmt: skip
def test_a_corrupt_file_is_ignored(folder: Path, content: bytes) -> None:
    """A file that is not a valid description is ignored, and the next write replaces it."""
    cache(folder).keep_schema("v1", SCHEMA)
    only_file(folder).write_bytes(content)
    assert cache(folder).schema("v1") is None
    cache(folder).keep_schema("v1", SCHEMA)
    assert cache(folder).schema("v1") == SCHEMA


@pytest.mark.parametrize(
    "odd",
    [
        {"moment": "now"},
        {"version": 7},
        {"version": None},
        {"official": "yes"},
        {"moment": None},
        {"named": 7},
        {"moment": 10**400},
        {"moment": -1},
        {"version": "\ud800"},
    ],
)
def test_members_of_unexpected_types_are_ignored(folder: Path, odd: dict[str, Any]) -> None:
    """A description with members of unexpected types is ignored."""
    cache(folder).keep_latest("me/model", latest(official=True))
    path = only_file(folder)
    path.write_text(json.dumps({**json.loads(path.read_text()), **odd}))
    assert cache(folder).latest("me/model") is None


@posix
@pytest.mark.parametrize("what", ["folder", "key", "file"])
def test_a_file_that_others_can_write_is_ignored(folder: Path, what: str) -> None:
    """A folder, key or file that others can write is not trusted."""
    cache(folder).keep_schema("v1", SCHEMA)
    {"folder": folder, "key": folder / "key", "file": only_file(folder)}[what].chmod(0o777)
    assert cache(folder).schema("v1") is None


@posix
def test_a_link_is_not_followed(folder: Path, tmp_path: Path) -> None:
    """A symbolic link in place of a file is ignored."""
    cache(folder).keep_schema("v1", SCHEMA)
    path, elsewhere = only_file(folder), tmp_path / "elsewhere"
    path.rename(elsewhere)
    path.symlink_to(elsewhere)
    assert cache(folder).schema("v1") is None


@pytest.mark.parametrize("key", [b"", b"short", b"x" * 33])
def test_an_invalid_key_is_replaced(folder: Path, key: bytes) -> None:
    """A key of the wrong length, for example from a full disk, is replaced; earlier descriptions are lost."""
    folder.mkdir(mode=0o700, parents=True)
    (folder / "key").write_bytes(key)
    assert cache(folder).schema("v1") is None
    cache(folder).keep_schema("v1", SCHEMA)
    assert cache(folder).schema("v1") == SCHEMA


def test_an_endless_key_is_ignored(folder: Path) -> None:
    """A key file of a huge size is not read."""
    cache(folder).keep_schema("v1", SCHEMA)
    with (folder / "key").open("wb") as file:
        file.truncate(2**40)
    assert cache(folder).schema("v1") is None


def test_an_unusable_folder_is_ignored(tmp_path: Path) -> None:
    """If a file is in place of the folder, nothing is stored, and nothing is raised."""
    (tmp_path / "cache").write_text("")
    cache(tmp_path / "cache").keep_schema("v1", SCHEMA)
    cache(tmp_path / "cache" / "deeper").keep_latest("me/model", latest(official=True))
    assert cache(tmp_path / "cache").schema("v1") is None


def test_the_number_of_files_is_bounded(folder: Path) -> None:
    """The oldest files are removed first."""
    cache(folder).keep_schema("v0", SCHEMA)
    for number in range(MOST_FILES):
        path = folder / f"{number}.json"
        path.write_text("{}")
        os.utime(path, (number, number))
    cache(folder).keep_schema("v1", SCHEMA)
    left = [*folder.glob("*.json")]
    assert len(left) == FEWER
    assert cache(folder).schema("v1") == SCHEMA
    assert not (folder / "0.json").exists()


def test_a_description_that_is_too_long_is_not_stored(folder: Path) -> None:
    """A description that is too long is not written."""
    cache(folder).keep_schema("v1", {"long": "x" * disk_cache.LONGEST})
    assert not folder.exists() or not [*folder.glob("*.json")]


@pytest.mark.parametrize("schema", [{"odd": object()}, {"odd": {1}}])
def test_a_description_that_is_not_json_is_not_stored(folder: Path, schema: Any) -> None:
    """A schema that cannot be written as JSON is not stored, and nothing is raised."""
    cache(folder).keep_schema("v1", schema)
    assert cache(folder).schema("v1") is None


def test_the_environment_names_the_folder(tmp_path: Path) -> None:
    """REPLICATE_CACHE_DIR names the folder; if empty, it disables the cache. The default is the user's cache folder."""
    assert folder_of({"REPLICATE_CACHE_DIR": str(tmp_path)}) == tmp_path
    assert folder_of({"REPLICATE_CACHE_DIR": ""}) is None
    assert folder_of({"REPLICATE_CACHE_DIR": "  "}) is None
    if sys.platform == "linux":
        assert folder_of({"XDG_CACHE_HOME": str(tmp_path)}) == tmp_path / "replicate"
        assert folder_of({"XDG_CACHE_HOME": "relative"}) == Path.home() / ".cache" / "replicate"
        assert folder_of({}) == Path.home() / ".cache" / "replicate"
