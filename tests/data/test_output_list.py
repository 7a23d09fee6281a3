"""Outputs that are lists, and also texts if they hold the pieces of a text."""

from __future__ import annotations

import copy
import io
import json
import operator
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicate import FileOutput, OutputList
from replicate._outputs.output_list import TEXT_METHODS

FILE = FileOutput("https://replicate.delivery/x/out.png")
TEXTS: list[list[str]] = [
    [],
    [""],
    ["a", "b"],
    [" Hello", ", wor", "ld! "],
    ["see https://example.com/ there"],
    ["https://", "example.com"],
    ["http", "://example.com/x"],
    ["https://example.com/ is a page"],
    ["data: ", "one"],
    ["data:", "image/png"],
    ["{0} and {a}", "%s"],
]
PLAIN: list[list[Any]] = [
    [FILE],
    ["a", FILE],
    [1, 2],
    ["a", 1],
    [None],
    [["a"]],
    [{"a": "b"}],
    ["https://example.com/out.png"],
    ["a", "http://example.com"],
    ["HTTPS://EXAMPLE.COM/A"],
    ["data:text/plain,hello there"],
    ["data:image/png;base64,aGVsbG8=", "a"],
    ["data:text/plain;charset=utf-8,a\nb"],
]
ARGUMENTS: dict[str, tuple[Any, ...]] = {
    "center": (20, "*"),
    "encode": ("utf-8", "replace"),
    "endswith": ("! ",),
    "expandtabs": (4,),
    "find": ("o",),
    "format": ("x",),
    "format_map": ({"a": 1, "0": 2},),
    "join": (["x", "y"],),
    "ljust": (20,),
    "lstrip": (" H",),
    "maketrans": ("a", "b"),
    "partition": (",",),
    "removeprefix": (" H",),
    "removesuffix": ("! ",),
    "replace": ("l", "L", 1),
    "rfind": ("o",),
    "rindex": ("o",),
    "rjust": (20,),
    "rpartition": (",",),
    "rsplit": (None, 1),
    "split": (",",),
    "splitlines": (True,),
    "startswith": (" H",),
    "translate": ({97: "A"},),
    "zfill": (20,),
}
COMPARISONS = (operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge)
PIECES = st.lists(st.text(max_size=5), max_size=5).filter(lambda items: OutputList(items).text is not None)


def outcome(function: Any, *args: Any) -> Any:
    """Call a function, and return the type and value of its result, or the type of its exception."""
    try:
        result = function(*args)
    except Exception as error:  # noqa: BLE001 - both calls must raise the same one
        return type(error)
    return type(result), result


def method(name: str, *args: Any) -> Any:
    return lambda value: getattr(value, name)(*args)


# ---- a text


@pytest.mark.parametrize("pieces", TEXTS)
def test_pieces_of_a_text(pieces: list[str]) -> None:
    """Strings of which none is a complete URL form a text: `str`, `format` and `print` give it."""
    output, text, printed = OutputList(pieces), "".join(pieces), io.StringIO()
    print(output, file=printed)
    assert (output.text, str(output), f"{output}", f"{output:*>9.7}") == (text, text, text, f"{text:*>9.7}")
    assert ("%s" % output, "{:<4}|".format(output), printed.getvalue()) == (text, f"{text:<4}|", f"{text}\n")  # noqa: UP031, UP032
    assert type(str(output)) is str


@pytest.mark.parametrize("name", sorted(TEXT_METHODS))
@pytest.mark.parametrize("pieces", TEXTS)
def test_every_method_of_a_text(name: str, pieces: list[str]) -> None:
    """Methods that `str` has and `list` does not are applied to the joined text."""
    call = method(name, *ARGUMENTS.get(name, ()))
    assert outcome(call, OutputList(pieces)) == outcome(call, "".join(pieces))
    assert hasattr(OutputList(pieces), name)
    assert name in dir(OutputList(pieces))


@given(PIECES, st.text(max_size=3))
def test_methods_agree_with_those_of_the_text(pieces: list[str], argument: str) -> None:
    """With any arguments, a method returns what the text's method returns, or raises what it raises."""
    for name in TEXT_METHODS:
        for args in ((), (argument,), (3,), (argument, argument)):
            call = method(name, *args)
            assert outcome(call, OutputList(pieces)) == outcome(call, "".join(pieces)), (name, args)


@given(PIECES, st.text(max_size=3) | st.sampled_from(["", "ab"]))
def test_operators_agree_with_those_of_the_text(pieces: list[str], other: str) -> None:
    """`+`, `%` and comparisons with a text, on either side, agree with those of the joined text."""
    output, text = OutputList(pieces), "".join(pieces)
    for operate in (operator.add, *COMPARISONS):
        for same in (other, text):
            assert outcome(operate, output, same) == outcome(operate, text, same)
            assert outcome(operate, same, output) == outcome(operate, same, text)
    for values in (other, (), (1, 2), {"a": 1}):
        assert outcome(operator.mod, output, values) == outcome(operator.mod, text, values)


def test_formatting_with_percent() -> None:
    """`%` inserts values into the text."""
    assert OutputList(["%s and", " %s"]) % ("a", "b") == "a and b"


def test_a_text_grows() -> None:
    """The list can be changed, and its current items count."""
    output = OutputList(["a"])
    output.append("b")
    assert (str(output), output.upper()) == ("ab", "AB")
    output += ["c"]
    output += "de"  # as in a list: each character is an item
    assert (type(output), output.text, len(output)) == (OutputList, "abcde", 5)
    output[0] = FILE
    assert output.text is None
    assert not hasattr(output, "upper")
    output.clear()
    assert output.text == ""


# ---- a list


@pytest.mark.parametrize("items", [*TEXTS, *PLAIN])
def test_it_is_a_list(items: list[Any]) -> None:
    """It behaves as a list in `isinstance`, `repr`, truth and equality, and has no hash."""
    output = OutputList(items)
    assert isinstance(output, list)
    assert repr(output) == repr(items)
    assert bool(output) is bool(items)
    assert list(output) == items
    assert output == items
    assert items == output
    assert output != [*items, "x"]
    with pytest.raises(TypeError, match="unhashable"):
        hash(output)


@pytest.mark.parametrize("items", [*TEXTS, *PLAIN])
def test_copies(items: list[Any]) -> None:
    """Copies and pickles have the same type and are equal."""
    output = OutputList(items)
    pickled = [pickle.loads(pickle.dumps(output, protocol)) for protocol in range(pickle.HIGHEST_PROTOCOL + 1)]
    for same in (copy.copy(output), copy.deepcopy(output), *pickled):
        assert type(same) is OutputList
        assert same == output
        assert same is not output


@pytest.mark.parametrize("items", [items for items in [*TEXTS, *PLAIN] if FILE not in items])
def test_json(items: list[Any]) -> None:
    """As JSON it is an array."""
    assert json.dumps(OutputList(items)) == json.dumps(items)


@given(PIECES | st.lists(st.integers() | st.text(max_size=3)), st.text(max_size=3), st.integers(-3, 5))
def test_list_operations_agree_with_those_of_a_list(items: list[Any], item: str, number: int) -> None:
    """`in`, `len`, index, slices, iteration, `count`, `+` with a list, `*` and all methods agree with a list's."""
    for call in (
        lambda value: item in value,
        len,
        bool,
        list,
        lambda value: list(reversed(value)),
        lambda value: value[number],
        lambda value: value[number:],
        lambda value: value[::-1],
        lambda value: value + [item],  # noqa: RUF005
        lambda value: [item] + value,  # noqa: RUF005 - the operation under test
        lambda value: value + (item,),  # noqa: RUF005
        lambda value: value * number,
        lambda value: number * value,
        lambda value: value < [item],
        lambda value: value == [item],
        lambda value: value != [*items],
        lambda value: value + b"x",
        lambda value: value < 3,
        lambda value: 3 + value,
        int,
    ):
        assert outcome(call, OutputList(items)) == outcome(call, [*items])
    for name in {name for name in dir(list) if not name.startswith("_")}:
        for args in ((), (item,), (number,), (number, item), ([item],)):
            output, plain = OutputList(items), [*items]
            assert outcome(method(name, *args), output) == outcome(method(name, *args), plain), (name, args)
            assert list(output) == plain


def test_parts_are_plain_lists() -> None:
    """Operations of a list return a plain list."""
    output = OutputList(["a", "b"])
    for part in (output[:1], output + ["c"], ["c"] + output, output * 2, output.copy(), sorted(output)):  # noqa: RUF005
        assert type(part) is list
    assert (output[0], "".join(output), "ab" in output) == ("a", "ab", False)


# ---- not a text


@pytest.mark.parametrize("items", PLAIN)
def test_a_list_that_is_not_a_text(items: list[Any]) -> None:
    """A list with a file, a URL, a number or the like in it behaves like any list."""
    output, printed = OutputList(items), io.StringIO()
    print(output, file=printed)
    assert (output.text, str(output), f"{output}", printed.getvalue()) == (None, str(items), str(items), f"{items}\n")
    for operate in (operator.add, operator.mod, *COMPARISONS):
        for other in ("text", str(items), "", 3):
            assert outcome(operate, output, other) == outcome(operate, [*items], other)
            assert outcome(operate, other, output) == outcome(operate, other, [*items])
    with pytest.raises(TypeError, match="unsupported format string"):
        format(output, ">9")


@pytest.mark.parametrize("items", PLAIN)
def test_a_list_that_is_not_a_text_has_no_text_methods(items: list[Any]) -> None:
    """`hasattr` and `dir` do not find the methods, and the AttributeError names the class."""
    output = OutputList(items)
    assert not any(hasattr(output, name) for name in TEXT_METHODS)
    assert TEXT_METHODS.isdisjoint(dir(output))
    with pytest.raises(AttributeError, match="'OutputList' object has no attribute 'strip'") as caught:
        _ = output.strip
    assert (caught.value.name, caught.value.obj) == ("strip", output)


def test_files_print_as_a_list() -> None:
    """A single file prints as its URL; several print as a list."""
    printed = io.StringIO()
    print(OutputList([FILE, FILE]), file=printed)
    assert printed.getvalue() == f"[{FILE!r}, {FILE!r}]\n"
    assert str(OutputList([FILE])[0]) == FILE.url


@pytest.mark.parametrize("name", ["_strip", "__rmod__", "prediction", "nope"])
def test_unknown_attributes(name: str) -> None:
    """Only public methods of `str` are found."""
    assert not hasattr(OutputList(["a"]), name)
