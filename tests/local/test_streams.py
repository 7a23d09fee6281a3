"""Streams: a prediction's events as they happen."""

# ruff: noqa: T201 - what a model prints is its log

import json
import queue
import re
import threading
from collections.abc import Iterator
from typing import Any

import httpx


def words(text: str = "the quick\nbrown fox") -> Iterator[str]:
    print("counting")
    yield from re.findall(r"\S+\s*", text)


def numbers() -> Iterator[dict[str, int]]:
    yield {"n": 1}
    yield {"n": 2}


def broken() -> Iterator[str]:
    yield "half"
    raise ValueError("no more")


MODELS = {"me/words": words, "me/numbers": numbers, "me/broken": broken, "me/plain": lambda: {"a": 1}}


def test_a_stream_has_the_events_of_the_api(api: Any) -> None:
    """A stream has logs, output items and `done`; each id is the time in milliseconds and a counter."""
    created = api.create("me/words").json()
    received = api.events(created)
    assert [event[:2] for event in received] == [
        ("logs", "counting\n"),
        ("output", "the "),
        ("output", "quick\n"),
        ("output", "brown "),
        ("output", "fox"),
        ("done", "{}"),
    ]
    assert all(re.fullmatch(r"\d{13}:\d+", event[2]) for event in received)
    assert [int(event[2].rpartition(":")[2]) for event in received] == list(range(6))


def test_a_stream_needs_no_token_and_opens_with_a_comment(api: Any) -> None:
    """The URL is the secret; the content type is that of server-sent events; caches store nothing."""
    created = api.create("me/words").json()
    answer = httpx.get(created["urls"]["stream"], headers={"accept": "text/event-stream"})
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.text.startswith(": hi\n\n")
    assert "data: quick\ndata: \n" in answer.text
    assert httpx.get(created["urls"]["stream"] + "x").status_code == 404


def test_a_finished_prediction_can_be_streamed_again(api: Any) -> None:
    """Every reader of a stream, also after the end, gets the same events with the same ids."""
    created = api.create("me/words").json()
    assert api.events(created) == api.events(created)


def test_a_stream_resumes_after_the_last_event(api: Any) -> None:
    """`Last-Event-ID` continues after that event; after the last event there are no more."""
    created = api.create("me/words").json()
    whole = api.events(created)
    assert api.events(created, last_event_id="x") == whole
    assert api.events(created, **{"last-event-id": whole[2][2]}) == whole[3:]
    assert api.events(created, **{"last-event-id": whole[-1][2]}) == []


def test_output_that_is_not_text_streams_as_json(api: Any) -> None:
    """Items and outputs that are not text are sent as JSON."""
    assert [data for event, data, _ in api.events(api.create("me/numbers").json()) if event == "output"] == [
        '{"n":1}',
        '{"n":2}',
    ]
    assert api.events(api.create("me/plain").json())[0][:2] == ("output", '{"a":1}')


def test_a_failure_streams_an_error_before_the_end(api: Any) -> None:
    """A failed prediction sends its error, then the reason; earlier items remain its output."""
    created = api.create("me/broken").json()
    kinds = api.events(created)
    assert [event[0] for event in kinds] == ["output", "logs", "error", "done"]
    assert json.loads(kinds[2][1]) == {"detail": "no more"}
    assert kinds[3][1] == '{"reason": "error"}'
    prediction = api.get(created["urls"]["get"]).json()
    assert (prediction["status"], prediction["output"]) == ("failed", ["half"])


def test_output_is_live(serving: Any) -> None:
    """Each item is in the stream and in the prediction before the next one is made."""
    steps: queue.Queue[str] = queue.Queue()

    def fed() -> Iterator[str]:
        while item := steps.get(timeout=20):
            yield item

    with serving({"me/fed": fed}) as api:
        created = api.create("me/fed").json()
        with api.listen(created) as incoming:
            for number, item in enumerate(["one", "two", "three"]):
                steps.put(item)
                assert next(incoming)[1] == item
                now = api.get(created["urls"]["get"]).json()
                assert (now["status"], len(now["output"])) == ("processing", number + 1)
            steps.put("")
            assert next(incoming)[:2] == ("done", "{}")


def test_canceling_stops_a_generator_between_items(serving: Any) -> None:
    """A generator is closed at its next item, and its stream ends as canceled."""
    closed, step = threading.Event(), threading.Event()

    def endless() -> Iterator[str]:
        try:
            while True:
                yield "more"
                step.wait(20)
        finally:
            closed.set()

    with serving({"me/endless": endless}) as api:
        created = api.create("me/endless").json()
        with api.listen(created) as incoming:
            assert next(incoming)[1] == "more"
            api.post(created["urls"]["cancel"])
            assert next(incoming)[:2] == ("done", '{"reason": "canceled"}')
        step.set()
        assert closed.wait(10)
        assert api.get(created["urls"]["get"]).json()["output"] == ["more"]
