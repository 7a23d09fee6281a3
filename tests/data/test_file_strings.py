"""Strings of `prediction.output` that are files: ordinary strings that also have all file methods."""

from __future__ import annotations

import copy
import inspect
import json
import os
import pickle
from collections.abc import AsyncIterable

import pytest

from replicate import FileOutput
from replicate._inputs.encode import Inputs
from replicate._outputs.file_string import FileString
from replicate._outputs.output_list import OutputList

URL = "https://replicate.delivery/x/out.png"


def test_it_is_a_string_and_a_file_output() -> None:
    """It is an instance of both classes, and has every method of FileOutput."""
    file = FileString(URL)
    assert isinstance(file, str)
    assert isinstance(file, FileOutput)
    public = {name for name in dir(FileOutput) if not name.startswith("_")}
    assert public <= {*dir(file)}
    assert file.name == "out.png"


@pytest.mark.parametrize(
    "same",
    [str, os.fspath, lambda file: file.url, lambda file: f"{file}", "".join,
     lambda file: json.loads(json.dumps(file)), lambda file: json.loads(json.dumps({file: 1})).popitem()[0],
     lambda file: file + "", lambda file: file[:]],
)  # fmt: skip
def test_it_is_its_url(same: object) -> None:
    """As text, path, JSON, joined and sliced it is its URL, as a plain `str`."""
    assert callable(same)
    assert same(FileString(URL)) == URL


def test_it_compares_as_a_string() -> None:
    """Equality, hash and order are those of its text."""
    assert FileString(URL) == URL
    assert hash(FileString(URL)) == hash(URL)
    assert {URL: 1}[FileString(URL)] == 1
    assert sorted([FileString("https://b"), "https://a"]) == ["https://a", "https://b"]
    assert repr(FileString(URL)) == repr(URL)
    assert FileString(URL) == FileOutput(URL)


@pytest.mark.parametrize("twin", [copy.copy, copy.deepcopy, lambda file: pickle.loads(pickle.dumps(file))])
def test_it_can_be_copied_and_pickled(twin: object) -> None:
    """Copies and pickles have the same class."""
    assert callable(twin)
    made = twin(FileString(URL))
    assert type(made) is FileString
    assert made == URL


def test_it_is_not_an_asynchronous_iterator() -> None:
    """Frameworks that check for `__aiter__` treat it as text."""
    assert not isinstance(FileString(URL), AsyncIterable)
    assert not inspect.isasyncgen(FileString(URL))


def test_it_is_passed_on_as_its_url() -> None:
    """As an input it is sent as text, and the file is not read."""
    inputs = Inputs({"image": FileString(URL), "more": [FileString(URL)]})
    assert inputs._plan == {"image": URL, "more": [URL]}
    assert OutputList([FileString(URL)]).text is None
