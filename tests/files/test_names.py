"""File names are chosen by whoever made the URL, and are made harmless."""

from __future__ import annotations

import unicodedata
from pathlib import Path, PureWindowsPath
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support.colours import got
from support.faults import answer
from support.hosts import hosted

from replicate import FileOutput
from replicate._files.filenames import distinct, file_name

if TYPE_CHECKING:
    from collections.abc import Iterable

DEVICES = ("con", "prn", "aux", "nul", "com1", "lpt9", "conin$")
TRICKS = st.sampled_from(
    [*"/\\.:~- \0\n\t\u202e\u2066\uff0f\uff3c\u2024\u2025\u0301\u200b|<>*?\"'%$", "CON", "aux", "."]
)
HARMFUL = st.one_of(st.text(), st.lists(st.one_of(TRICKS, st.text(max_size=3)), max_size=12).map("".join))


def is_harmless(name: str) -> bool:
    """Return whether a name is that of one visible file in the folder, on every system."""
    stem = name.partition(".")[0].strip().casefold()
    return (
        bool(name)
        and Path("folder", name).resolve().parent == Path("folder").resolve()
        and PureWindowsPath(name).name == name
        and stem not in {*DEVICES, "conout"}
        and not name.startswith((".", "-", " "))
        and not name.endswith((".", " "))
        and not set(name) & set('/\\\0\n:*?"<>|~')
        and not any(unicodedata.category(character).startswith("C") for character in name)
        and unicodedata.normalize("NFC", name) == name
        and len(name.encode()) <= 255
    )


@given(HARMFUL, st.booleans())
@example("aux.txt", False)  # noqa: FBT003
@example("CON .png", False)  # noqa: FBT003
@example("COM¹", False)  # noqa: FBT003
@example("\uff0e\uff0e\uff0f\uff0e\uff0e\uff0fetc", False)  # noqa: FBT003
@example("photo\u202egpj.exe", True)  # noqa: FBT003
@example("-.bash_profile", False)  # noqa: FBT003
@example("x" * 149 + "/aux." + "y" * 146, False)  # noqa: FBT003
def test_no_url_has_a_harmful_name(text: str, quoted: bool) -> None:  # noqa: FBT001
    """The name from any URL is that of one visible file in its folder, on every system."""
    url = "https://files.test/" + (quote(text, errors="replace") if quoted else text)
    for name in (file_name(text), FileOutput[Any](url).name):
        assert is_harmless(name), name


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("aux.txt", "_aux.txt"),
        ("NUL", "_NUL"),
        ("Lpt1.tar.gz", "_Lpt1.tar.gz"),
        ("auxiliary.txt", "auxiliary.txt"),
        ("console", "console"),
        ("a.png. .", "a.png"),
        ("-rf", "rf"),
        ("photo\u202egpj.exe", "photo_gpj.exe"),
        ("a\uff0fb\uff3cc.png", "c.png"),
        ("\uff0e\uff0e", "output"),
        ("e\u0301.png", "é.png"),
        ("x\u0316\u0317\u0318.png", "x___.png"),
        ("\uff21\uff22\uff23.png", "ABC.png"),
        ("\udc80.png", "_.png"),
    ],
)
def test_tricks_leave_plain_names(path: str, name: str) -> None:
    """Devices, trailing dots, reversed text, look-alikes and combining characters are reduced to plain names."""
    assert file_name(path) == name


@pytest.mark.parametrize(
    ("path", "kind", "name"),
    [
        ("/a/out", "image/png", "out.png"),
        ("/a/out", "image/jpeg; quality=9", "out.jpg"),
        ("/a/out.webp", "image/png", "out.webp"),
        ("/a/v1.2", "audio/wav", "v1.2.wav"),
        ("/a/", "video/mp4", "output.mp4"),
        ("/a/out", "application/octet-stream", "out"),
        ("/a/out", "nonsense", "out"),
        ("/a/..%2Fout", "text/plain", "out.txt"),
    ],
)
async def test_a_missing_extension(blocking: Any, path: str, kind: str, name: str, tmp_path: Path) -> None:
    """A name without an extension gets that of the content type, once this is known. Other names stay."""
    with hosted(answer("200 OK", b"x", f"Content-Type: {kind}")) as host:
        output = host.output(path, **blocking)
        before = output.name
        assert await got(output.save(tmp_path)) == tmp_path / name
        assert output.name == name
        assert name.startswith(before)


async def test_a_name_that_was_given_stays(blocking: Any, tmp_path: Path) -> None:
    """`save("picture")` writes to "picture", whatever the type."""
    with hosted(answer("200 OK", b"x", "Content-Type: image/png")) as host:
        assert await got(host.output(**blocking).save(tmp_path / "picture")) == tmp_path / "picture"


@pytest.mark.parametrize(
    ("names", "made"),
    [
        (["a.png", "a.png", "a.png"], ["a.png", "a-2.png", "a-3.png"]),
        (["a.png", "A.PNG"], ["a.png", "A-2.PNG"]),
        (["a.png", "a-2.png", "a.png"], ["a.png", "a-2.png", "a-3.png"]),
        (["a", "a"], ["a", "a-2"]),
        (["a", "a.png"], ["a", "a-2.png"]),
        (["a.png", "a"], ["a.png", "a-2"]),
        (["a.png", "a.jpg"], ["a.png", "a.jpg"]),
    ],
)
def test_equal_names_are_numbered(names: list[str], made: list[str]) -> None:
    """Files of the same name are numbered from the second on, ignoring case."""
    assert [*distinct(names)] == made


@given(st.lists(st.sampled_from(["a", "A", "a-2", "a.png", "a-2.png", "A.PNG", "a-2-2.png", "b.", ".b"])))
def test_numbered_names_differ(names: list[str]) -> None:
    """Numbered names differ, even if any extension is added to those without one."""

    def spelt(made: Iterable[str]) -> list[str]:
        return [name.casefold() if name.casefold().endswith(".png") else f"{name.casefold()}.png" for name in made]

    made = spelt(distinct(names))
    assert len({*made}) == len(made)
