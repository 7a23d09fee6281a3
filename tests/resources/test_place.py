"""The position in a stream: which events are new, where to resume, and whether that would repeat output."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicate._http.sse import ServerSentEvent
from replicate._jobs import events
from replicate._jobs.events import Place

EVENTS = st.builds(
    ServerSentEvent,
    event=st.sampled_from(["output", "output", "output", "logs", "done"]),
    data=st.sampled_from(["text", "text", ""]),
    id=st.sampled_from(["1", "2", "3", "4", "5", "6", "", None]),
)
CONNECTIONS = st.lists(st.lists(st.lists(EVENTS, max_size=5), max_size=4), max_size=3)


def known(place: Place) -> tuple[str | None, bool]:
    return place.last_id, place.lost


@given(CONNECTIONS)
def test_the_batches_make_no_difference(connections: list[list[list[ServerSentEvent]]]) -> None:
    """Events in batches give the same new events and the same position as one event at a time."""
    together, single = Place(), Place()
    for batches in connections:
        together.reconnect()
        single.reconnect()
        for batch in batches:
            new = together.advance(batch)
            alone: list[ServerSentEvent] = []
            for event in batch:
                alone += single.advance([event])
                if alone and alone[-1].event == "done":
                    break
            assert list(map(id, new)) == list(map(id, alone))
            assert known(together) == known(single)
            if new and new[-1].event == "done":
                return


@given(st.lists(st.sampled_from("123456")))
def test_each_id_is_new_only_once(ids: list[str]) -> None:
    """An event that comes again on another connection is skipped; the stream resumes at the last new id."""
    place = Place()
    given_ids: list[str | None] = []
    for each in ids:
        place.reconnect()
        given_ids += [event.id for event in place.advance([ServerSentEvent("output", "text", each)])]
        assert place.last_id == given_ids[-1]
    assert given_ids == list(dict.fromkeys(ids))


@pytest.mark.parametrize("many", [1, 7, 50], ids=lambda many: f"{many} at a time")
@pytest.mark.parametrize("repeats", [True, False], ids=["repeats all", "resumes"])
def test_of_a_long_stream_few_ids_are_remembered(monkeypatch: pytest.MonkeyPatch, many: int, *, repeats: bool) -> None:
    """A server that begins at the first event is followed past the last one, though most ids are forgotten by then."""
    monkeypatch.setattr(events, "REMEMBERED", 10)
    stream = [ServerSentEvent("output", "text", str(number)) for number in range(60)]
    place = Place()
    for connection in range(3):
        place.reconnect()
        before, now = 20 * connection, 20 * (connection + 1)
        sent = stream[0 if repeats else before : now]
        new = [each for start in range(0, len(sent), many) for each in place.advance(sent[start : start + many])]
        assert [event.id for event in new] == [event.id for event in stream[before:now]]
        assert place.last_id == str(now - 1)
        assert max(len(place._ids), len(place._earlier)) <= 11
