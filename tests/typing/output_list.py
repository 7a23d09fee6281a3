"""The types of an output that is both a list and a text. Checked, never run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, assert_type

if TYPE_CHECKING:
    from replicate import OutputList


def as_list(output: OutputList) -> None:
    """Assert that the output is a list of the model's items."""
    assert_type(output[0], Any)
    assert_type(output[:2], list[Any])
    assert_type(output + ["x"], list[Any])  # noqa: RUF005 - the operation under test
    assert_type(output.count("x"), int)
    take_strings(output)


def take_strings(items: list[str]) -> None:
    """Stand in for a function that takes a list."""


def as_text(output: OutputList) -> None:
    """Assert that the output has the methods of a text."""
    assert_type(output.text, str | None)
    assert_type(output + "!", str)
    assert_type("> " + output, str)
    assert_type(output % (), str)
    assert_type(output.strip(), str)
    assert_type(output.split(","), list[str])
    assert_type(output.encode("utf-8"), bytes)
    assert_type(output.startswith("a"), bool)
    assert_type(output < "b", bool)
    output.stripp()  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
