"""Times in responses: datetimes that also have the methods of the text that the API sent."""

from __future__ import annotations

import copy
import operator
import pickle
import sqlite3
import sys
from datetime import UTC, date, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicate_api import models
from replicate_api.types import TEXT_METHODS, Timestamp, timestamp

if TYPE_CHECKING:
    from collections.abc import Callable

SENT = "2024-05-06T07:08:09.123456789Z"
PLAIN = datetime(2024, 5, 6, 7, 8, 9, 123456, tzinfo=UTC)
MOMENT = timestamp(SENT)

zones = st.just(UTC) | st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))
plains = st.datetimes(min_value=datetime(2, 1, 1), max_value=datetime(9998, 1, 1), timezones=zones)  # noqa: DTZ001
moments = plains.map(lambda moment: timestamp(moment.isoformat()))
texts = st.sampled_from(["2024-05-06T07:08:09Z", "2024-05-06T07:08:09.5+02:00", "20240506T070809Z", "2024-05-06", SENT])
deltas = st.timedeltas(min_value=timedelta(days=-300), max_value=timedelta(days=300))


def plain(moment: datetime) -> datetime:
    return datetime.fromisoformat(moment.isoformat())


# ---- as text

TEXTUAL: dict[str, Callable[[Any], Any]] = {
    "[:10]": lambda text: text[:10],
    "[0]": lambda text: text[0],
    "[-1]": lambda text: text[-1],
    "[::-1]": lambda text: text[::-1],
    "in": lambda text: ("2024" in text, "x" in text),
    "len": len,
    "split": lambda text: text.split("T"),
    "rsplit": lambda text: text.rsplit("-", maxsplit=1),
    "startswith": lambda text: (text.startswith("2024"), text.startswith(("x", "y"))),
    "endswith": lambda text: text.endswith("Z"),
    "rstrip": lambda text: text.rstrip("Z"),
    "strip": lambda text: text.strip(),
    "replace": lambda text: text.replace("Z", "+00:00"),
    "replace, once": lambda text: text.replace("0", "-", 1),
    "partition": lambda text: text.partition("T"),
    "find": lambda text: (text.find("T"), text.index("0"), text.count("0")),
    "encode": lambda text: text.encode(),
    "removesuffix": lambda text: text.removesuffix("Z"),
    "lower": lambda text: text.lower(),
    "str": str,
    "format": lambda text: (f"{text}", f"{text!s:>40}", format(text, ".10"), f"{text:>40}"),
    "old formats": lambda text: ("%s" % text, "{}".format(text), "{:.4}".format(text)),  # noqa: UP031, UP032
    "+": lambda text: ("at " + text, text + "!"),
    "==": lambda text: (text == SENT, text != SENT, text == "2024", text != "2024", SENT == text),  # noqa: SIM300
    "<": lambda text: (text < "2025", text <= SENT, text > "2025", text >= SENT, "2023" < text),  # noqa: SIM300
    "int": lambda text: int(text[:4]),
    "list": list,
    "zfill": lambda text: text.zfill(50),
}


@pytest.mark.parametrize("use", TEXTUAL.values(), ids=TEXTUAL)
def test_a_timestamp_behaves_as_its_text(use: Callable[[Any], Any]) -> None:
    """Common operations on version 1's text give the same result with a timestamp."""
    assert use(MOMENT) == use(SENT)


@given(text=texts, start=st.integers(-40, 40) | st.none(), stop=st.integers(-40, 40) | st.none(), part=st.text())
def test_any_text_that_was_sent_is_kept(text: str, start: int | None, stop: int | None, part: str) -> None:
    """Slices, searches, comparisons and replacements work on the text as it was sent, whatever its form."""
    moment = timestamp(text)
    assert (str(moment), f"{moment}", len(moment)) == (text, text, len(text))
    assert (moment[start:stop], part in moment) == (text[start:stop], part in text)
    assert (moment.count(part), moment.replace(part, "-")) == (text.count(part), text.replace(part, "-"))
    compared = [compare(moment, part) for compare in (operator.lt, operator.le, operator.gt, operator.ge, operator.eq)]
    assert compared == [
        compare(text, part) for compare in (operator.lt, operator.le, operator.gt, operator.ge, operator.eq)
    ]


def test_every_method_of_text_exists() -> None:
    """A timestamp has all public methods of `str` that `datetime` does not define."""
    assert {*TEXT_METHODS} | {"replace", "maketrans"} == {name for name in dir(str) if not name.startswith("_")}
    assert all(callable(getattr(MOMENT, name)) for name in TEXT_METHODS)


# ---- as a datetime

TEMPORAL: dict[str, Callable[[Any], Any]] = {
    "fields": lambda moment: (moment.year, moment.microsecond, moment.tzinfo, moment.fold),
    "parts": lambda moment: (moment.date(), moment.time(), moment.timetz(), moment.weekday()),
    "timestamp": lambda moment: moment.timestamp(),
    "isoformat": lambda moment: (moment.isoformat(), moment.isoformat(" ", "seconds")),
    "strftime": lambda moment: (moment.strftime("%Y"), f"{moment:%d.%m.%Y}", format(moment, "%H:%M")),
    "+": lambda moment: (moment + timedelta(days=1), timedelta(days=1) + moment),
    "-": lambda moment: (moment - timedelta(days=1), moment - PLAIN, PLAIN - moment, moment - moment),
    "==": lambda moment: (moment == PLAIN, PLAIN == moment, moment != PLAIN, moment == 3, moment is None),  # noqa: SIM300
    "<": lambda moment: (moment < PLAIN, moment <= PLAIN, PLAIN >= moment, max(moment, PLAIN + timedelta(1))),  # noqa: SIM300
    "replace": lambda moment: (moment.replace(year=2000), moment.replace(2001, 2), moment.replace(tzinfo=None)),
    "astimezone": lambda moment: (moment.astimezone(timezone(timedelta(hours=2))), moment.utcoffset()),
    "hash": lambda moment: (hash(moment), {moment: 1}[PLAIN]),
    "utctimetuple": lambda moment: moment.utctimetuple(),
}


@pytest.mark.parametrize("use", TEMPORAL.values(), ids=TEMPORAL)
def test_a_timestamp_behaves_as_a_datetime(use: Callable[[Any], Any]) -> None:
    """All other operations give the same result as with a datetime."""
    assert use(MOMENT) == use(PLAIN)


@given(moment=moments, delta=deltas, zone=zones, other=plains)
def test_computed_timestamps(moment: Timestamp, delta: timedelta, zone: Any, other: datetime) -> None:
    """A computed timestamp equals the datetime computed in the same way, and its text is its ISO 8601 form."""
    same = plain(moment)
    assert (moment, hash(moment), moment.utcoffset()) == (same, hash(same), same.utcoffset())
    pairs = [
        (moment + delta, same + delta),
        (moment - delta, same - delta),
        (moment.astimezone(zone), same.astimezone(zone)),
        (moment.replace(microsecond=1), same.replace(microsecond=1)),
    ]
    for computed, wanted in pairs:
        assert computed == wanted
        assert isinstance(computed, Timestamp)
        assert str(computed) == computed.isoformat() == wanted.isoformat()
        assert computed[:10] == wanted.isoformat()[:10]
    assert (moment - other, other - moment) == (same - other, other - same)
    assert (moment < other, moment == other, moment >= other) == (same < other, same == other, same >= other)


@given(moment=moments | texts.map(timestamp))
def test_copies_and_pickles_keep_the_text(moment: Timestamp) -> None:
    """Copies and pickles of every protocol are equal timestamps with the same text."""
    twins = [copy.copy(moment), copy.deepcopy(moment)]
    twins += [pickle.loads(pickle.dumps(moment, protocol)) for protocol in range(pickle.HIGHEST_PROTOCOL + 1)]
    for twin in twins:
        assert (twin, str(twin), type(twin)) == (moment, str(moment), Timestamp)
        assert twin.utcoffset() == moment.utcoffset()


def test_the_type_of_a_timestamp() -> None:
    """A timestamp is a datetime, and neither a str nor iterable."""
    assert isinstance(MOMENT, datetime)
    assert isinstance(MOMENT, date)
    assert not isinstance(MOMENT, str)
    assert not hasattr(MOMENT, "__iter__")
    with pytest.raises(TypeError):
        _ = MOMENT < 3  # type: ignore[operator]
    with pytest.raises(TypeError):
        _ = MOMENT + 3  # type: ignore[operator]


def test_sqlite_stores_a_datetime() -> None:
    """SQLite stores a timestamp like any datetime."""
    with sqlite3.connect(":memory:") as connection:
        stored = connection.execute("SELECT ?, typeof(?)", (MOMENT, MOMENT)).fetchone()
    connection.close()
    assert stored == (PLAIN.isoformat(" "), "text")
    assert MOMENT.__conform__(object()) is None


def test_numpy_treats_a_timestamp_as_one_value() -> None:
    """NumPy makes a zero-dimensional array of a timestamp, and a one-dimensional array of a list of timestamps."""
    numpy = pytest.importorskip("numpy")
    assert numpy.array(MOMENT).shape == numpy.asarray(MOMENT).shape == ()
    assert numpy.array(MOMENT).item() == PLAIN
    assert numpy.array([MOMENT, MOMENT]).shape == (2,)
    assert numpy.array([[MOMENT, 1], [MOMENT, 2]]).shape == (2, 2)
    with pytest.warns(UserWarning, match="timezones"):  # as with any datetime
        assert numpy.array(MOMENT, dtype="datetime64[us]") == numpy.datetime64("2024-05-06T07:08:09.123456")


def test_pandas_treats_timestamps_as_datetimes() -> None:
    """Series, columns and indexes of timestamps have the same dtype as those of datetimes."""
    pandas = pytest.importorskip("pandas")
    makes: list[Callable[[Any], Any]] = [
        lambda moment: pandas.Series([moment, moment]),
        lambda moment: pandas.Series([moment, None]),
        lambda moment: pandas.to_datetime([moment]).to_series(),
        lambda moment: pandas.Series(pandas.to_datetime(moment)),
        lambda moment: pandas.DataFrame({"at": [moment], "n": [1]})["at"],
        lambda moment: pandas.DataFrame([{"at": moment, "n": 1}])["at"],
        lambda moment: pandas.DataFrame({"at": moment, "n": [1, 2]})["at"],
        lambda moment: pandas.DatetimeIndex([moment]).to_series(),
    ]
    for make in makes:
        assert make(MOMENT).equals(make(PLAIN))
        assert make(MOMENT).dtype == make(PLAIN).dtype


# ---- reading


@pytest.mark.parametrize("text", [SENT, "2024-05-06T07:08:09Z", "2024-05-06", "2024-W19-1", "20240506T070809,5+0200"])
def test_dateutil_is_not_needed_for_common_formats(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Formats that `datetime.fromisoformat` reads are read without python-dateutil."""
    monkeypatch.setitem(sys.modules, "dateutil.parser", None)
    assert timestamp(text) == datetime.fromisoformat(text).replace(tzinfo=datetime.fromisoformat(text).tzinfo or UTC)


def test_dateutil_reads_other_formats() -> None:
    """A form of ISO 8601 that Python does not read is parsed, and its text is kept."""
    text = "2024-05"
    with pytest.raises(ValueError, match="Invalid isoformat"):
        datetime.fromisoformat(text)
    assert (timestamp(text), str(timestamp(text))) == (datetime(2024, 5, 1, tzinfo=UTC), text)


def test_a_time_is_written_with_its_own_text() -> None:
    """`to_dict` gives the text as the API sent it, or the ISO form of a datetime that was set."""
    deployment = models.Version.from_dict({"created_at": SENT})
    assert deployment.created_at is not None
    assert deployment.created_at[:10] == "2024-05-06"
    assert deployment.to_dict() == {"created_at": SENT}
    deployment.created_at = PLAIN  # type: ignore[assignment]  # pyright: ignore[reportAttributeAccessIssue]
    assert deployment.to_dict() == {"created_at": PLAIN.isoformat()}
