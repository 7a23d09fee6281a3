"""Webhooks: which are sent, when, how they are signed, and to which hosts."""

# ruff: noqa: T201 - what a model prints is its log

import asyncio
import base64
import hashlib
import hmac
import queue
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from replicate.local import ManualClock, Model


def shout(text: str = "hi") -> str:
    print("loud")
    return text.upper()


def broken() -> None:
    raise RuntimeError("no")


def fed(steps: queue.Queue[str], taken: threading.Semaphore) -> Any:
    """Return a model that yields the items of a queue, and signals each item."""

    def model() -> Iterator[str]:
        while item := steps.get(timeout=20):
            yield item
            taken.release()

    return model


MODELS = {"me/shout": Model(shout, official=True), "me/broken": broken}


def create(api: Any, model: str = "me/shout", **body: Any) -> dict[str, Any]:
    entry = api.get(f"models/{model}").json()
    version = model if entry["is_official"] else entry["latest_version"]["id"]
    answer = api.post("predictions", json={"version": version, "input": {}, **body})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def test_events_are_sent_in_order(api: Any, receiver: Any) -> None:
    """Start, logs, output and end are sent in order, each with the prediction as it was at that moment."""
    events = ["start", "output", "logs", "completed"]
    created = create(api, webhook=f"{receiver.url}?job=1", webhook_events_filter=events)
    told = [delivery.json for delivery in receiver.until_completed()]
    assert [(each["status"], each["logs"], each["output"]) for each in told] == [
        ("processing", "", None),
        ("processing", "loud\n", None),
        ("processing", "loud\n", "HI"),
        ("succeeded", "loud\n", "HI"),
    ]
    assert told[-1] == api.get(created["urls"]["get"]).json()


def test_a_webhook_is_a_json_request_without_the_token(api: Any, receiver: Any) -> None:
    """Path and query are kept, the type is JSON, and the API's token is not sent."""
    create(api, webhook=f"{receiver.url}?job=1")
    delivery = receiver.next()
    assert (delivery.path, delivery.headers["content-type"]) == ("/hook?job=1", "application/json")
    assert "authorization" not in delivery.headers
    assert api.srv.token not in str(delivery)


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        (None, ["processing", "succeeded"]),
        ([], ["processing", "succeeded"]),
        (["completed"], ["succeeded"]),
        (["start", "completed"], ["processing", "succeeded"]),
    ],
)
def test_only_requested_events_are_sent(api: Any, receiver: Any, wanted: list[str] | None, told: list[str]) -> None:
    """The filter selects the events; without one, output and end are sent."""
    create(api, webhook=receiver.url, webhook_events_filter=wanted)
    assert [delivery.json["status"] for delivery in receiver.until_completed()] == told


def test_the_end_is_not_sent_unless_requested(api: Any, receiver: Any) -> None:
    """A filter without `completed` sends nothing at the end."""
    create(api, webhook=receiver.url, webhook_events_filter=["start"])
    assert receiver.next().json["status"] == "processing"
    create(api, webhook_completed=receiver.url)
    assert receiver.next().json["status"] == "succeeded"


def test_webhook_completed_gets_only_the_end(api: Any, receiver: Any, receiving: Any) -> None:
    """The older field names a URL for the end only, with `webhook` or without it."""
    with receiving() as other:
        create(api, webhook=other.url, webhook_completed=receiver.url)
        assert len(other.until_completed()) == 2
    assert len(receiver.until_completed()) == 1


def test_a_failure_is_sent(api: Any, receiver: Any) -> None:
    """The webhook of a failed prediction has its error."""
    create(api, "me/broken", webhook=receiver.url, webhook_events_filter=["completed"])
    told = receiver.next().json
    assert (told["status"], told["error"]) == ("failed", "no")


def test_a_cancellation_is_sent(serving: Any, receiver: Any) -> None:
    """A canceled prediction sends its end too."""
    steps: queue.Queue[str] = queue.Queue()
    with serving({"me/fed": fed(steps, threading.Semaphore(0))}) as api:
        created = create(api, "me/fed", webhook=receiver.url)
        api.post(created["urls"]["cancel"])
        assert receiver.next().json["status"] == "canceled"
        steps.put("")


def test_output_is_sent_at_most_twice_a_second(serving: Any, receiver: Any) -> None:
    """At least 500 ms of the server's clock pass between two webhooks of output; the later one has all new output."""
    steps: queue.Queue[str] = queue.Queue()
    taken, clock = threading.Semaphore(0), ManualClock()
    with serving({"me/fed": fed(steps, taken)}, clock=clock) as api:
        create(api, "me/fed", webhook=receiver.url)
        for item, seconds in (("a", 0.499), ("b", 0.001), ("c", 0), ("", 0)):
            steps.put(item)
            assert not item or taken.acquire(timeout=10)
            clock.advance(seconds)
        told = [(delivery.json["status"], delivery.json["output"]) for delivery in receiver.until_completed()]
    assert told == [
        ("processing", ["a"]),
        ("processing", ["a", "b", "c"]),
        ("succeeded", ["a", "b", "c"]),
    ]


def signature(secret: str, delivery: Any) -> str:
    """Sign as the standard says, independently of the server's code."""
    signed = b".".join(
        [delivery.headers["webhook-id"].encode(), delivery.headers["webhook-timestamp"].encode(), delivery.body]
    )
    digest = hmac.new(base64.b64decode(secret.removeprefix("whsec_")), signed, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


def test_webhooks_are_signed_with_the_secret_of_the_account(serving: Any, receiver: Any) -> None:
    """Id, time of the server's clock and body are signed with the secret that the API returns."""
    clock = ManualClock()
    with serving(MODELS, clock=clock) as api:
        secret = api.get("webhooks/default/secret").json()["key"]
        create(api, webhook=receiver.url)
        deliveries = receiver.until_completed()
    assert secret.startswith("whsec_")
    for delivery in deliveries:
        assert delivery.headers["webhook-timestamp"] == str(int(clock.now().timestamp()))
        assert delivery.headers["webhook-signature"] == signature(secret, delivery)
    assert len({delivery.headers["webhook-id"] for delivery in deliveries}) == len(deliveries) == 2


def test_the_secret_is_kept(serving: Any, tmp_path: Path) -> None:
    """A server with the same store has the same secret; another store has another one."""
    secrets = []
    for name in ("a.db", "a.db", "b.db"):
        with serving({}, store=tmp_path / name) as api:
            secrets.append(api.get("webhooks/default/secret").json()["key"])
    assert secrets[0] == secrets[1] != secrets[2]


def test_the_end_is_sent_until_it_is_accepted(serving: Any, receiver: Any) -> None:
    """After a 5xx the end is sent again, with growing delays: the same id and body, signed again."""
    clock = ManualClock()
    receiver.answers = [500, 503, 200]
    with serving(MODELS, clock=clock) as api:
        secret = api.get("webhooks/default/secret").json()["key"]
        create(api, webhook=receiver.url, webhook_events_filter=["completed"])
        deliveries = [receiver.next()]
        for seconds in (1, 2):
            clock.wait_for_timers(1)
            clock.advance(seconds)
            deliveries.append(receiver.next())
    first, *others = deliveries
    for number, again in enumerate(others):
        assert (again.body, again.headers["webhook-id"]) == (first.body, first.headers["webhook-id"])
        assert again.headers["webhook-signature"] == signature(secret, again)
        assert int(again.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"]) == (1, 3)[number]


def test_the_end_is_sent_again_if_nobody_listens(serving: Any, receiving: Any) -> None:
    """The end is also sent again if the connection is refused."""
    clock = ManualClock()
    with receiving() as gone:
        pass
    with serving(MODELS, clock=clock) as api:
        create(api, webhook=gone.url)
        clock.wait_for_timers(1)
        with receiving(gone.port) as late:
            clock.advance(1)
            assert [delivery.json["status"] for delivery in late.until_completed()] == ["succeeded"]


def test_it_gives_up_after_a_minute(serving: Any, receiver: Any) -> None:
    """The end is sent seven times within 63 seconds, and then no more."""
    clock = ManualClock()
    receiver.answers = [500] * 99
    with serving(MODELS, clock=clock) as api:

        async def end() -> None:
            await asyncio.gather(*api.srv.cloud.webhooks._tasks)

        create(api, webhook=receiver.url, webhook_events_filter=["completed"])
        times = [int(receiver.next().headers["webhook-timestamp"])]
        for seconds in (1, 2, 4, 8, 16, 32):
            clock.wait_for_timers(1)
            clock.advance(seconds)
            times.append(int(receiver.next().headers["webhook-timestamp"]))
        asyncio.run_coroutine_threadsafe(end(), api.srv._listener._loop).result(10)
    assert times[-1] - times[0] == 63
    assert receiver.nothing_more()


def test_only_the_end_is_sent_again(api: Any, receiver: Any) -> None:
    """Other events are not sent again; redirects are not followed, and a 4xx counts as delivered."""
    receiver.answers = [500, 500, 302]
    create(api, webhook=receiver.url, webhook_events_filter=["start", "output", "completed"])
    assert len(receiver.until_completed()) == 3
    receiver.answers = [400]
    create(api, webhook=receiver.url, webhook_events_filter=["completed"])
    create(api, webhook=receiver.url, webhook_events_filter=["completed"])
    first, second = receiver.next().json, receiver.next().json
    assert first["id"] != second["id"]
    assert receiver.nothing_more()


def test_a_server_stops_although_webhooks_are_pending(serving: Any, receiver: Any) -> None:
    """Webhooks that wait for another attempt are dropped when the server stops."""
    receiver.answers = [500]
    with serving(MODELS) as api:
        create(api, webhook=receiver.url, webhook_events_filter=["completed"])
        receiver.next()
    assert receiver.nothing_more()


@pytest.mark.parametrize("field", ["webhook", "webhook_completed"])
@pytest.mark.parametrize(
    "url", ["https://example.com/hook", "http://10.0.0.1", "ftp://127.0.0.1/", "http://[::", "127.0.0.1:80", ""]
)
def test_only_this_machine_is_called(api: Any, field: str, url: str) -> None:
    """A URL of another host is refused before anything runs, and the response says what is possible."""
    before = len(api.srv.predictions)
    body = {"version": "me/shout", "input": {}, field: url}
    answer = api.post("predictions", json=body)
    assert answer.status_code == 422
    (complaint,) = answer.json()["invalid_fields"]
    assert (complaint["field"], "http://127.0.0.1:8000/hook" in complaint["description"]) == (field, True)
    assert len(api.srv.predictions) == before


def test_this_machine_has_several_names(api: Any, receiver: Any) -> None:
    """`localhost` is called as well."""
    create(api, webhook=receiver.url.replace("127.0.0.1", "localhost"))
    assert receiver.until_completed()
