"""Inputs as JSON: plain values, and values that cannot be sent. Files are in test_file_inputs.py."""

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
    """Encode a value that must not need a request."""
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
    """A JSON value is sent unchanged."""
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
    """Encoding changes no JSON value."""
    assert plain(value) == value


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_nan_and_infinity_are_refused(number: float) -> None:
    """NaN and infinity are refused before anything is sent; the error names the input."""
    with pytest.raises(ValueError, match=re.escape("input['a'][1]['b'] is ")):
        plain({"a": [0, {"b": number}]})


@pytest.mark.parametrize("value", [object(), 1j, int, len])
def test_a_value_that_cannot_be_sent_is_refused(value: Any) -> None:
    """A value of an unknown type is refused; the error names the input and the accepted types."""
    with pytest.raises(TypeError, match=re.escape("input['a'] is ") + r".* cannot be sent: use str, .*pathlib\.Path"):
        plain({"a": value})


def test_keys_must_be_text() -> None:
    """A key that is not a str is refused, and not converted."""
    with pytest.raises(TypeError, match=re.escape("input['a'] has the key 1; keys must be str")):
        plain({"a": {1: 2}})


def test_a_circular_value_is_refused() -> None:
    """A value that contains itself is refused with an error that says so."""
    circle: list[Any] = []
    circle.append({"again": circle})
    with pytest.raises(ValueError, match="input contains itself"):
        plain({"a": circle})


@pytest.mark.parametrize("wrap", [lambda value: [value, "a"], lambda value: {"a": value}], ids=["lists", "objects"])
def test_a_deeply_nested_value_is_refused(wrap: Any) -> None:
    """A value that is nested too deeply for Python gives the same error, wherever the recursion fails."""
    value: Any = 1
    refused: list[bool] = []
    for _ in range(90):
        for _ in range(10):
            value = wrap(value)
        try:
            plain({"a": value})
            refused.append(False)
        except ValueError as error:
            assert str(error) == "input contains itself, or is nested too deeply to be sent"  # noqa: PT017 - it need not raise
            refused.append(True)
    assert refused == sorted(refused)
    assert {*refused} == {False, True}


@pytest.mark.parametrize("sign", [1, -1])
def test_a_huge_int_in_a_list_is_refused(sign: int) -> None:
    """An int with more digits than Python writes is refused, and the error gives its index; a shorter one is sent."""
    with pytest.raises(ValueError, match=re.escape("input['a'][1] is an int of more than 4300 digits")):
        plain({"a": [1, sign * 10**5000, True]})
    longest = sign * 10**4000
    assert plain({"a": [1, longest, True]}) == {"a": [1, longest, True]}
