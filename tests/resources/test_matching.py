"""Which prediction or training a create has started, as pure decisions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicate._jobs.matching import Asked, fitting, recent, same, threshold
from replicate_api.models import Prediction

JSON: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
OBJECTS: Any = st.dictionaries(st.text(max_size=3), JSON, max_size=4)
NOON = datetime(2025, 1, 1, 12, tzinfo=UTC)


def started(**members: Any) -> Prediction:
    made: Prediction = Prediction.from_dict(
        {"id": "p", "created_at": "2025-01-01T12:00:00Z", "input": {}, "model": "me/model", "version": "v", **members}
    )
    return made


@pytest.mark.parametrize(
    ("path", "body", "named"),
    [
        ("/models/me/model/predictions", {}, {"model": "me/model"}),
        ("/models/me/my%20model/predictions", {}, {"model": "me/my model"}),
        ("/deployments/me/service/predictions", {}, {"deployment": "me/service"}),
        ("/models/me/model/versions/abc/trainings", {}, {"model": "me/model", "version": "abc"}),
        ("/predictions", {"version": "abc"}, {"version": "abc"}),
        ("/predictions", {"version": "me/model"}, {"model": "me/model"}),
        ("/predictions", {"version": "me/model:abc"}, {"model": "me/model", "version": "abc"}),
    ],
)
def test_what_a_create_names(path: str, body: dict[str, Any], named: dict[str, str]) -> None:
    """A create's path and body determine fields of the response."""
    asked = Asked.of(path, {**body, "input": {"a": 1}})
    assert (asked.named, asked.input) == (named, {"a": 1})
    assert asked.fits(started(**named, input={"a": 1}))
    for name in named:
        assert not asked.fits(started(**{**named, name: "other"}, input={"a": 1}))


@pytest.mark.parametrize(
    ("sent", "shown", "alike"),
    [
        ({"a": 1}, {"a": 1, "b": 2}, True),
        ({"a": 1, "b": 2}, {"a": 1}, False),
        ({"a": None}, {}, True),
        ({"a": 1}, {"a": 1.0}, True),
        ({"a": 1}, {"a": True}, False),
        ({"a": 0}, {"a": False}, False),
        ({"a": "1"}, {"a": 1}, False),
        ({"a": [1, 2]}, {"a": [1, 2, 3]}, False),
        ({"a": {"b": 1}}, {"a": {"b": 1, "c": 2}}, True),
        ({}, None, False),
    ],
)
def test_same(sent: Any, shown: Any, *, alike: bool) -> None:
    """Two inputs are the same if they differ only in added defaults and omitted nulls."""
    assert same(sent, shown) is alike


@given(OBJECTS, OBJECTS)
def test_an_input_with_added_members_is_the_same(sent: Any, added: Any) -> None:
    """Any input is the same as itself, with or without added members."""
    assert same(sent, sent)
    assert same(sent, {**added, **sent})


@given(OBJECTS, st.text(max_size=3), JSON)
def test_another_value_is_another_input(sent: Any, name: str, value: Any) -> None:
    """A member with a different value makes a different input."""
    if not same(value, sent.get(name)):
        assert not same({**sent, name: value}, sent)


def test_exact_matches_come_first() -> None:
    """An exact match comes first, then one with known defaults added."""
    asked = Asked({"model": "me/model"}, {"a": 1})
    exact, more, other = started(input={"a": 1}), started(input={"a": 1, "b": 2}), started(input={"a": 2})
    assert fitting(asked, [more, exact, other], lambda _: {"b": {"default": 2}}) == ([exact], True)
    assert fitting(asked, [more, other], lambda _: {"b": {"default": 2}, "c": {"default": 3}}) == ([more], True)
    assert fitting(asked, [other], lambda _: {"a": {"default": 2}}) == ([], False)
    nothing = started(input={"a": 1, "b": None})
    assert fitting(asked, [nothing], lambda _: {}) == ([nothing], True)


def D(value: Any) -> dict[str, Any]:  # noqa: N802 - short, for a table
    return {"default": value}


@pytest.mark.parametrize(
    ("sent", "shown", "properties", "fits"),
    [
        ({"a": 1}, {"a": 1, "b": 2}, {}, True),
        ({"a": 1}, {"a": 1, "b": 2}, {"c": D(2)}, True),
        ({"a": 1}, {"a": 1, "b": 2}, {"b": D(3)}, False),
        ({"a": 1, "b": {"c": 2}}, {"a": 1, "b": {"c": 2, "d": 3}}, {"d": D(3)}, True),
        ({"a": 1, "b": 2}, {"a": 1}, {}, True),
        ({"a": 1, "b": 2}, {}, {}, False),
        ({"a": 1, "b": 2}, {"b": 3}, {}, False),
        ({"a": 1}, None, {}, False),
        ({"key": "r8_secret"}, {"key": "***"}, {}, True),
        ({"key": "r8_secret"}, {"key": "r8_••••••"}, {}, True),
        ({"key": "r8_secret"}, {"key": "[REDACTED]"}, {}, True),
        ({"key": {"inner": "r8_secret"}}, {"key": "<hidden>"}, {}, True),
        ({"key": "r8_secret", "a": 1}, {"key": "***", "a": 2}, {}, False),
        ({"a": 1}, {"a": 1, "key": "***"}, {"key": D("none")}, True),
        ({"a": [1, {"b": 2}]}, {"a": [1, {}]}, {}, True),
        ({"a": [1]}, {"a": [1, 2]}, {}, False),
        ({"a": 1, "b": 2}, {"a": 1, "c": 3}, {}, True),
        ({"a": 1, "b": 2}, {"a": 1, "c": 3}, {"c": {}}, False),
        ({"a": 1, "b": 2}, {"a": 1, "c": 3}, {"c": D(3)}, True),
        ({"a": 1, "b": 2}, {"a": 1, "c": 3}, {"a": {}, "b": {}, "c": D(3)}, False),
        ({"a": 1, "b": 2}, {"a": 1}, {"a": {}, "b": {}}, False),
        ({"a": 1, "b": "data:,x"}, {"a": 1, "c": None}, {"a": {}, "b": {}, "c": {}}, True),
        ({"a": 1, "b": "data:,x"}, {"a": 1}, {"a": {}, "b": {}}, True),
        ({"a": 1, "key": "r8_secret"}, {"a": 1}, {"a": {}, "key": {"format": "password"}}, True),
        ({"a": 1, "key": "r8_secret"}, {"a": 1}, {"a": {}, "key": {"x-cog-secret": True}}, True),
        ({"text": "the masked man"}, {"text": "another"}, {}, False),
    ],
)
def test_possible_matches(sent: Any, shown: Any, properties: Any, *, fits: bool) -> None:
    """Masked, added or missing members make no difference, unless the known properties of the model rule that out."""
    asked, made = Asked({"model": "me/model"}, sent), started(input=shown)
    assert fitting(asked, [made], lambda _: properties) == ([made] if fits else [], False)


@pytest.mark.parametrize(
    ("sent", "shown", "differs"),
    [
        ({"a": "one"}, {"a": "two"}, True),
        ({"a": 1}, {"a": 2}, True),
        ({"a": True}, {"a": False}, True),
        ({"a": "one", "b": 1}, {"a": "one", "b": 2}, True),
        ({"a": "one"}, {"a": "one", "b": 2}, False),
        ({"a": "one"}, {}, False),
        ({"a": "one"}, None, False),
        ({"a": "one"}, {"a": " one\n"}, False),
        ({"a": "1"}, {"a": 1}, False),
        ({"a": 1.0}, {"a": 1}, False),
        ({"a": "r8_secret"}, {"a": "******"}, False),
        ({"a": "data:text/plain,hi"}, {"a": "https://replicate.delivery/hi.txt"}, False),
        ({"a": "https://example.com/1"}, {"a": "https://example.com/2"}, False),
        ({"a": [1]}, {"a": [2]}, False),
        ({"a": None}, {"a": 1}, False),
    ],
)
def test_inputs_that_certainly_differ(sent: Any, shown: Any, *, differs: bool) -> None:
    """Only plain values can prove a difference, since the API may show others in another form."""
    assert Asked({"model": "me/model"}, sent).differs(started(input=shown)) is differs


@given(OBJECTS, OBJECTS)
def test_an_unchanged_input_never_differs(sent: Any, added: Any) -> None:
    """An input that is shown as it was sent never differs and always fits, even with added members."""
    asked = Asked({"model": "me/model"}, sent)
    shown = started(input={**added, **sent})
    assert not asked.differs(shown)
    assert asked.fits(shown)


@pytest.mark.parametrize(
    ("date", "moment"),
    [
        ("Wed, 01 Jan 2025 12:00:00 GMT", NOON),
        ("Wed, 01 Jan 2025 14:00:00 +0200", NOON),
        (None, NOON + timedelta(hours=1)),
        ("yesterday", NOON + timedelta(hours=1)),
        ("Wed, 01 Jan 2025 12:00:00 -0000", NOON),
    ],
)
def test_the_threshold(date: str | None, moment: datetime) -> None:
    """The threshold is 2 s before the request went out, by the API's clock or, if that is unknown, the local one."""
    assert threshold(date, NOON + timedelta(hours=1), 10) == moment - timedelta(seconds=12)


@given(st.integers(0, 3600), st.floats(0, 3600), st.floats(0, 1))
def test_a_new_prediction_is_always_recent(elapsed: int, delay: float, fraction: float) -> None:
    """Anything created after the request went out is after the threshold, although Date has whole seconds."""
    created = NOON + timedelta(seconds=min(delay, elapsed))
    date = (NOON + timedelta(seconds=elapsed)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    assert recent(started(created_at=created.isoformat()), threshold(date, NOON, elapsed + fraction))


@pytest.mark.parametrize("members", [{"created_at": "soon"}, {"created_at": None}, {"id": None}])
def test_a_prediction_without_a_time_or_an_id_is_not_recent(members: dict[str, Any]) -> None:
    """A prediction without a valid time or id is not recent; a time without an offset is UTC."""
    assert not recent(started(**members), NOON)
    assert recent(started(created_at="2025-01-01T12:00:00"), NOON)
