"""The clients of a process share a registry of creates: none takes another's prediction, or gives up because of it."""

from __future__ import annotations

import gc
import threading
import weakref
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from support.colours import TOKEN, Clock, got, scripted
from support.relay import DROP, HOLD, LOSE, Relay
from support.sample_models import Script, prediction

from replicate import AmbiguousCreateError, Replicate
from replicate._jobs import create_registry as registry_module
from replicate._jobs import recovery
from replicate._jobs.create_registry import CreateRegistry
from replicate._jobs.matching import Asked
from replicate._jobs.ownership import CancelOnExit
from replicate._jobs.recovery import CreateAttempt
from replicate.local import Model
from replicate.local import server as local_server
from replicate.resources.predictions import Prediction
from replicate.resources.trainings import Training

if TYPE_CHECKING:
    from collections.abc import Iterator

    from replicate.local import Server


def shout(text: str = "hi") -> str:
    """Say it louder."""
    return text.upper() + "!"


@pytest.fixture
def place() -> Iterator[Server]:
    with local_server({"me/official": Model(shout, official=True)}) as srv:
        yield srv


def create(client: Any) -> Any:
    return client.predictions.create("me/official", {"text": "a"}, wait=5)


def client_of(place: Server, relay: Relay) -> Replicate:
    return Replicate(bearer_token=place.token, base_url=relay.base_url)


async def test_predictions_of_another_client_are_not_taken(clients: Any, place: Server) -> None:
    """Of two matching predictions, the one that another client with the same token has started is not taken."""
    with Relay(place.port) as relay:
        theirs = await got(create(clients(place, base_url=relay.base_url)))
        relay.faults.append(LOSE)
        found = await got(create(clients(place, base_url=f"{relay.base_url}/")))
        assert {theirs.id, found.id} == {each.id for each in place.predictions}
        assert relay.creates == len(place.predictions) == 2


@pytest.mark.parametrize("number", [1, 2])
def test_two_equal_creates_at_once(place: Server, number: int) -> None:
    """Two equal creates whose answers are lost find different predictions, whether by one client or by two."""
    with Relay(place.port, LOSE, LOSE) as relay:
        clients = [client_of(place, relay) for _ in range(number)]
        made: list[str] = []
        both = threading.Barrier(2)

        def work(client: Replicate) -> None:
            both.wait(10)
            made.append(create(client).id)

        threads = [threading.Thread(target=work, args=(client,)) for client in (clients[0], clients[-1])]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        for client in clients:
            client.close()
        assert sorted(made) == sorted(each.id for each in place.predictions)
        assert len(set(made)) == 2


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("end", ["answered", "still open"])
def test_a_match_that_another_create_waits_for(
    place: Server, monkeypatch: pytest.MonkeyPatch, number: int, end: str
) -> None:
    """A match that may belong to an equal create still waiting for its answer is not taken, and the error says so."""
    answered = end == "answered"
    acted, made = threading.Event(), list[str]()
    enter = place.predictions.create
    monkeypatch.setattr(place.predictions, "create", lambda **fields: (enter(**fields), acted.set())[0])
    monkeypatch.setattr(recovery, "CROWDED_LOOKS", 2)
    with Relay(place.port, HOLD, DROP) as relay:
        clients = [client_of(place, relay) for _ in range(number)]
        other = threading.Thread(target=lambda: made.append(create(clients[0]).id))

        def wake(_: int) -> None:
            if answered:
                relay.release.set()
                other.join(20)

        clock = Clock(clients[-1], wake)
        clock.time = clients[0]._session.transport.now() + 60
        other.start()
        assert acted.wait(10)
        says = "does not show" if answered else "may be that of another call, which has no answer yet either"
        with pytest.raises(AmbiguousCreateError, match=says) as raised:
            create(clients[-1])
        relay.release.set()
        other.join(20)
        for client in clients:
            client.close()
        assert made == [each.id for each in place.predictions]
        assert "several" not in str(raised.value)
        assert clock.sleeps == ([1.0, 1.0, 3.0] if answered else [1.0])


async def test_a_match_of_another_create_with_defaults_added(colour: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An equal create under way with fewer inputs may own a match, as the API may have added defaults."""
    monkeypatch.setattr(recovery, "CROWDED_LOOKS", 2)
    found = prediction("processing", created_at="2999-01-01T00:00:00Z", input={"text": "a", "times": 1})
    client = scripted(colour, Script(create=[httpx.Response(502)], list=[{"results": [found]}], get=[found]))
    Clock(client)
    rival = made()
    rival.account = "https://api.replicate.com/v1", hash(f"Bearer {TOKEN}")
    rival.asked, rival.out = Asked({"model": "me/model"}, {"text": "a"}), True
    recovery.create_registry.under_way[rival] = None
    with pytest.raises(AmbiguousCreateError, match="p1 is what it asked for, but may be that of another call"):
        await got(client.predictions.create("me/model", found["input"]))
    rival.asked = Asked({"model": "me/model"}, {"text": "b"})
    assert (await got(client.predictions.create("me/model", found["input"]))).id == "p1"


async def test_what_another_has_asked_for_exactly(colour: str) -> None:
    """Of two whose answers are lost, the one that may have started it with defaults added leaves it to the other."""
    found = prediction("processing", created_at="2999-01-01T00:00:00Z", input={"text": "a", "times": 1})
    client = scripted(colour, Script(create=[httpx.Response(502)], list=[{"results": [found]}], get=[found]))
    Clock(client)
    rival = made()
    rival.account = "https://api.replicate.com/v1", hash(f"Bearer {TOKEN}")
    rival.asked, rival.out, rival.lost = Asked({"model": "me/model"}, found["input"]), True, True
    recovery.create_registry.under_way[rival] = None
    with pytest.raises(AmbiguousCreateError, match="with more in the input, was started since: p1"):
        await got(client.predictions.create("me/model", {"text": "a"}))
    assert (await got(client.predictions.create("me/model", found["input"]))).id == "p1"


@pytest.mark.parametrize("destination", ["me/one", "me/other"])
async def test_a_training_for_another_destination(colour: str, destination: str) -> None:
    """Lists do not show a training's destination, so a match is not taken if it may be for another destination."""
    found = prediction("processing", version="v", created_at="2999-01-01T00:00:00Z")
    script = Script(create=[httpx.Response(502)], list=[{"results": [found]}], get=[found])
    client = scripted(colour, script)
    Clock(client)
    rival = made()
    rival.endpoints, rival.account = Training.endpoints, ("https://api.replicate.com/v1", hash(f"Bearer {TOKEN}"))
    rival.asked = Asked({"model": "me/model", "version": "v"}, {}, destination)
    rival.out = rival.lost = True
    recovery.create_registry.under_way[rival] = None
    arguments = ("me/model:v", {}, "me/one")
    if destination == "me/one":
        assert (await got(client.trainings.create(*arguments))).id == "p1"
    else:
        with pytest.raises(AmbiguousCreateError, match="p1 is what it asked for, but may be that of another call"):
            await got(client.trainings.create(*arguments))


@pytest.mark.parametrize("ending", [True, False])
async def test_an_interrupted_training_for_another_destination(colour: str, *, ending: bool) -> None:
    """Of two interrupted trainings for different destinations, either may cancel the match that it finds."""
    found = prediction("processing", version="v", created_at="2999-01-01T00:00:00Z")
    script = Script(create=[interrupt], list=[{"results": [found]}], cancel=[prediction("canceled")])
    client = scripted(colour, script)
    Clock(client)
    rival = made()
    rival.endpoints, rival.account = Training.endpoints, ("https://api.replicate.com/v1", hash(f"Bearer {TOKEN}"))
    rival.asked = Asked({"model": "me/model", "version": "v"}, {}, "me/other")
    rival.out, rival.lost, rival.ending = True, True, ending
    recovery.create_registry.under_way[rival] = None
    with pytest.raises(KeyboardInterrupt):
        await got(client.trainings.create("me/model:v", {}, "me/one"))
    assert script.asked.count("POST /trainings/p1/cancel") == ending


async def test_a_match_of_a_closed_clients_create(colour: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A closed client's blocking create still gets its answer, so its match is left. An asynchronous one does not."""
    monkeypatch.setattr(recovery, "CROWDED_LOOKS", 2)
    found = prediction("processing", created_at="2999-01-01T00:00:00Z")
    client = scripted(colour, Script(create=[httpx.Response(502)], list=[{"results": [found]}], get=[found]))
    Clock(client)
    closed = scripted(colour, Script())
    await got(closed.close())
    rival = CreateAttempt(closed._session, Prediction.endpoints, CancelOnExit(cancel=False))
    rival.account = "https://api.replicate.com/v1", hash(f"Bearer {TOKEN}")
    rival.asked, rival.out = Asked({"model": "me/model"}, {}), True
    recovery.create_registry.under_way[rival] = None
    if colour == "blocking":
        with pytest.raises(AmbiguousCreateError, match="may be that of another call"):
            await got(client.predictions.create("me/model", {}))
    else:
        assert (await got(client.predictions.create("me/model", {}))).id == "p1"


def test_a_prediction_that_two_calls_have(caplog: pytest.LogCaptureFixture) -> None:
    """If two calls have the same prediction, a warning is logged, unless both were answered so, as mocks do."""
    taker, owner = made(), made()
    taker.answered("p1")
    owner.answered("p1")
    assert owner.id == "p1"
    assert not caplog.records
    recovery.create_registry.adopt("p1", exact=True)
    owner.answered("p1")
    assert "prediction p1 was taken up by another call, too" in caplog.text


async def test_a_match_that_another_create_takes_first(colour: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """If another create takes the match at the same moment, the search goes on."""
    first, second = (prediction("processing", id=name, created_at="2999-01-01T00:00:00Z") for name in ("p1", "p2"))
    lists: list[Any] = [{"results": [first]}, {"results": [second]}]
    script = Script(create=[httpx.Response(502)], list=lists, get=[second])
    client = scripted(colour, script)
    Clock(client)
    claim = CreateRegistry.claim
    monkeypatch.setattr(
        CreateRegistry, "claim", lambda self, run_id, create: run_id != "p1" and claim(self, run_id, create)
    )
    assert (await got(client.predictions.create("me/model", {}))).id == "p2"


async def test_each_token_has_its_own_registry(colour: str) -> None:
    """Each token has its own entries in the registry."""
    listed = prediction("succeeded", created_at="2999-01-01T00:00:00Z")
    for token in ("r8_one", "r8_two"):
        script = Script(create=[httpx.Response(502)], list=[{"results": [listed]}], get=[listed])
        client = scripted(colour, script, bearer_token=token)
        assert (await got(client.predictions.create("me/model", {}))).id == "p1"


def made(account: str = "a") -> CreateAttempt:
    create = CreateAttempt(scripted("blocking", Script())._session, Prediction.endpoints, CancelOnExit(cancel=False))
    create.account = (account, 0)
    return create


def test_the_registry_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest claims are forgotten if there are too many."""
    monkeypatch.setattr(registry_module, "REMEMBERED", 2)
    books, create = CreateRegistry(), made()
    assert all(books.claim(name, create) for name in ("p1", "p2", "p3"))
    assert [books.is_free(name, create.account) for name in ("p1", "p2", "p3")] == [True, False, False]


def test_a_forked_child_does_not_wait_for_its_parents_creates() -> None:
    """The registry of a forked child drops the creates under way in its parent, and keeps the claims."""
    books, create = CreateRegistry(), made()
    books.under_way[create] = None
    books.claim("p1", create)
    books.give_up(create, ["p2"])
    books._lock.acquire()
    books.forget()
    assert not books.under_way
    assert not books.alike(create, ["p2"])
    assert not books.claim("p1", made())


def interrupt(_: httpx.Request) -> Any:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("then", "canceled"),
    [
        ("it is interrupted, too", {"p1", "p2"}),
        ("minutes later", set()),
        ("somebody else starts the same", set()),
        ("yet another's answer is lost", {"p1"}),
    ],
)
async def test_a_create_that_gave_way_to_an_equal_one(colour: str, then: str, canceled: set[str]) -> None:
    """An interrupted create that cannot be told from one under way is canceled with that one, or not at all."""
    listed = [prediction("processing", id=name, created_at="2999-01-01T00:00:00Z") for name in ("p1", "p2", "p3")]
    ended = [lambda request: prediction("canceled", id=request.url.path.split("/")[-2])]
    script = Script(create=[interrupt], list=[{"results": listed[:2]}], cancel=ended)
    client = scripted(colour, script)
    clock = Clock(client)
    rival = made()
    rival.account = "https://api.replicate.com/v1", hash(f"Bearer {TOKEN}")
    rival.asked, rival.out = Asked({"model": "me/model"}, {}), True
    recovery.create_registry.under_way[rival] = None
    with pytest.raises(KeyboardInterrupt):
        await got(client.predictions.create("me/model", {}))
    assert "POST" not in "".join(script.asked[1:])
    if then == "yet another's answer is lost":
        rival.lost = True
    else:
        del recovery.create_registry.under_way[rival]
    if then == "minutes later":
        clock.time += 301
    if then == "somebody else starts the same":
        script.answers["list"] = [{"results": listed}]
    with pytest.raises(KeyboardInterrupt):
        await got(client.predictions.create("me/model", {}))
    asked = [each for each in script.asked if each.endswith("/cancel")]
    assert sorted(asked) == [f"POST /predictions/{name}/cancel" for name in sorted(canceled)]


async def test_a_create_that_may_not_have_arrived_is_not_counted(colour: str) -> None:
    """If all matches may be another create's, an interrupted create has no part in matches found later."""
    first, other = (prediction("processing", id=name, created_at="2999-01-01T00:00:00Z") for name in ("p1", "p2"))
    script = Script(create=[interrupt], list=[{"results": [first]}])
    client = scripted(colour, script)
    Clock(client)
    rival = made()
    rival.account = "https://api.replicate.com/v1", hash(f"Bearer {TOKEN}")
    rival.asked, rival.out = Asked({"model": "me/model"}, {}), True
    recovery.create_registry.under_way[rival] = None
    for results in ([first], [first, other]):
        script.answers["list"] = [{"results": results}]
        with pytest.raises(KeyboardInterrupt):
            await got(client.predictions.create("me/model", {}))
        recovery.create_registry.under_way.clear()
    assert not [each for each in script.asked if each.endswith("/cancel")]


def test_creates_that_gave_way_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest creates that gave way are forgotten if there are too many. Inputs are not kept."""
    monkeypatch.setattr(registry_module, "MOST_GIVEN_UP", 2)
    books, create = CreateRegistry(), made()
    create.asked = Asked({"model": "me/model"}, {"text": "secret"})
    for name in ("p1", "p2", "p3"):
        books.give_up(create, [name])
    assert [len(books.alike(create, [name])) for name in ("p1", "p2", "p3")] == [0, 1, 1]
    assert "secret" not in repr(books._given_up)


def test_the_registry_keeps_no_client_alive(place: Server) -> None:
    """The registry does not keep a dropped client alive."""
    client = place.client()
    create(client)
    gone = weakref.ref(client._session.transport)
    client.close()
    del client
    gc.collect()
    assert gone() is None
