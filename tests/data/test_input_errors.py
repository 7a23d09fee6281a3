"""Input files that cannot be read: an InputError that handlers of Python's own file errors catch too."""

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
    """The part of a session that inspecting an input needs."""

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
def test_a_path_that_is_not_a_file(path: Path, kind: type[Exception], says: str) -> None:
    """The error names the input, and is both an InputError and the built-in error."""
    with pytest.raises(kind, match=says) as caught:
        looked_into(path)
    assert isinstance(caught.value, InputError)
    assert isinstance(caught.value, ReplicateException)
    assert not isinstance(caught.value, ReplicateError)


@pytest.mark.parametrize("error", [PermissionError(13, "Permission denied", "a.png"), OSError(5, "I/O error", "a.png")])
def test_errors_of_the_system_name_the_input(error: OSError) -> None:
    """The error has the system's message, which names the file, and the name of the input."""
    with (
        pytest.raises(type(error), match=r"input\['image'\] cannot be read: .*: 'a\.png'") as caught,
        mistakes("input['image']"),
    ):
        raise error
    assert isinstance(caught.value, InputError)


@pytest.mark.parametrize("kind", KINDS)
def test_they_can_be_pickled(kind: type[Exception]) -> None:
    """The error classes can be pickled."""
    error = pickle.loads(pickle.dumps(kind("no file")))
    assert (type(error), str(error)) == (kind, "no file")
