"""Inputs as JSON: what is plain, and what cannot be sent. Files are in test_file_inputs.py."""

from __future__ import annotations

import collections
import enum
import re
import types
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.sessions import scripted

from replicate._dual.drive import drive
from replicate._inputs.encode import Inputs


def plain(value: Any) -> Any:
    """Encode a value that needs no request."""
    session, transport = scripted()
    made = drive(Inputs(value).sent(session))
    assert transport.requests == []
    return made


class Size(enum.StrEnum):
    SMALL = "small"


class Count(enum.IntEnum):
    TWO = 2


@pytest.mark.parametrize(
    "value", [None, True, 0, -7, 1.5, "", "text", "https://files.test/a.png", [], {}, {"a": [1, {"b": None}]}]
)
def test_plain_values_stay(value: Any) -> None:
    """What is JSON already is sent as it is."""
    assert plain(value) == value


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ((1, (2,)), [1, [2]]),
        ({3}, [3]),
        (frozenset({"a"}), ["a"]),
        pytest.param((number for number in range(3)), [0, 1, 2], id="a generator"),
        (range(2), [0, 1]),
        ({"a": 1}.keys(), ["a"]),
        (collections.deque([1]), [1]),
        (collections.OrderedDict(a=1), {"a": 1}),
        (types.MappingProxyType({"a": (1,)}), {"a": [1]}),
        (Size.SMALL, "small"),
        (Count.TWO, 2),
    ],
    ids=repr,
)
def test_collections_become_lists_and_objects(value: Any, expected: Any) -> None:
    """Any iterable is sent as a list, any mapping as an object."""
    assert plain(value) == expected


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_any_json_stays(value: Any) -> None:
    """No JSON value is changed, and encoding it twice is encoding it once."""
    assert plain(value) == value


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_a_number_that_json_cannot_express_names_its_key(number: float) -> None:
    """NaN and infinity are refused before anything is sent, by the name of the input."""
    with pytest.raises(ValueError, match=re.escape("input['a'][1]['b'] is ")):
        plain({"a": [0, {"b": number}]})


@pytest.mark.parametrize("value", [object(), 1j, int, len])
def test_what_cannot_be_sent_names_its_key(value: Any) -> None:
    """What is neither plain nor a file is refused, by the name of the input and what is accepted."""
    with pytest.raises(TypeError, match=re.escape("input['a'] is ") + r".* cannot be sent: use str, .*pathlib\.Path"):
        plain({"a": value})


def test_keys_must_be_text() -> None:
    """A key that is no str is refused, and not turned into one."""
    with pytest.raises(TypeError, match=re.escape("input['a'] has the key 1; keys must be str")):
        plain({"a": {1: 2}})


def test_what_contains_itself_is_refused() -> None:
    """A value without an end gives an error that says so."""
    circle: list[Any] = []
    circle.append({"again": circle})
    with pytest.raises(ValueError, match="input contains itself"):
        plain({"a": circle})


@pytest.mark.parametrize("wrap", [lambda value: [value, "a"], lambda value: {"a": value}], ids=["lists", "objects"])
def test_what_is_nested_too_deeply_is_refused(wrap: Any) -> None:
    """A value that is nested more deeply than Python can follow gives the same, wherever that shows."""
    value: Any = 1
    refused: list[bool] = []
    for _ in range(90):
        for _ in range(10):
            value = wrap(value)
        try:
            plain({"a": value})
            refused.append(False)
        except ValueError as error:
            assert str(error) == "input contains itself, or is nested too deeply to be sent"  # noqa: PT017 - if at all
            refused.append(True)
    assert refused == sorted(refused)
    assert {*refused} == {False, True}


@pytest.mark.parametrize("sign", [1, -1])
def test_an_int_among_many_that_cannot_be_written_names_its_key(sign: int) -> None:
    """An int of more digits than Python writes is refused in a list too, by its place; one of fewer is sent."""
    with pytest.raises(ValueError, match=re.escape("input['a'][1] is an int of more than 4300 digits")):
        plain({"a": [1, sign * 10**5000, True]})
    longest = sign * 10**4000
    assert plain({"a": [1, longest, True]}) == {"a": [1, longest, True]}
