"""Inputs that are files, and cannot be read: an InputError that Python's own handlers for files catch, too."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest

from replicate import InputError, ReplicateError, ReplicateException
from replicate._dual.drive import drive
from replicate._http.connections.transport import BlockingTransport
from replicate._inputs.encode import Inputs
from replicate._inputs.errors import KINDS, mistakes


class Here:
    """What an input needs of a session to be looked into."""

    transport = BlockingTransport()


def looked_into(value: Any) -> None:
    inputs = Inputs({"image": value})
    drive(inputs.sent(Here()))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("path", "kind", "says"),
    [
        (Path("nope.png"), FileNotFoundError, r"input\['image'\]: there is no file nope\.png"),
        (Path(), IsADirectoryError, r"input\['image'\] must be a file, and \. is a directory"),
    ],
)
def test_what_is_no_file(path: Path, kind: type[Exception], says: str) -> None:
    """The error names the input; it is one of this package, an InputError, and what Python has for it."""
    with pytest.raises(kind, match=says) as caught:
        looked_into(path)
    assert isinstance(caught.value, InputError)
    assert isinstance(caught.value, ReplicateException)
    assert not isinstance(caught.value, ReplicateError)


@pytest.mark.parametrize("error", [PermissionError(13, "Permission denied", "a.png"), OSError(5, "I/O error", "a.png")])
def test_what_the_system_refuses_is_named(error: OSError) -> None:
    """What the system says names the file, and the error which input that is."""
    with (
        pytest.raises(type(error), match=r"input\['image'\] cannot be read: .*: 'a\.png'") as caught,
        mistakes("input['image']"),
    ):
        raise error
    assert isinstance(caught.value, InputError)


@pytest.mark.parametrize("kind", KINDS)
def test_they_travel(kind: type[Exception]) -> None:
    """They can be pickled."""
    error = pickle.loads(pickle.dumps(kind("no file")))
    assert (type(error), str(error)) == (kind, "no file")
