"""If the answer to a create is lost, the client finds the prediction and returns it, or says where it has looked."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - the local server reads the annotations
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from support.colours import Clock, got, scripted
from support.relay import ACTED, CUT, DROP, GATEWAY, LOSE, Relay
from support.sample_models import VERSION, Held, Script, model_or_version, prediction, version_of

from replicate import AmbiguousCreateError
from replicate._jobs import create as creation
from replicate.local import Model, Server
from replicate.local import server as local_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def shout(text: str = "hi", times: int = 1) -> str:
    """Say it louder."""
    return text.upper() + "!" * times


def size(file: Path) -> str:
    """Tell how large a file is."""
    return str(file.stat().st_size)


def train(text: str) -> str:
    """Learn a text."""
    return text


MODELS = {
    "me/official": Model(shout, official=True),
    "me/community": Model(shout, train=train),
    "me/size": Model(size, official=True),
}


@pytest.fixture
def place() -> Iterator[Server]:
    with local_server(MODELS, page_size=2) as srv:
        yield srv


CREATES: dict[str, Callable[[Any, Server], Any]] = {
    "run": lambda client, _: client.run("me/official", {"text": "a"}),
    "run a version": lambda client, place: client.run(version_of(place, "me/community"), {"text": "a"}),
    "run a community model": lambda client, _: client.run("me/community", {"text": "a"}),
    "use": lambda client, _: client.use("me/official")(text="a"),
    "use a community model": lambda client, _: client.use("me/community")(text="a"),
    "create": lambda client, _: client.predictions.create("me/official", {"text": "a"}, wait=5),
    "create with a model": lambda client, _: client.models.predictions.create("me/official", {"text": "a"}, wait=5),
    "deployment": lambda client, _: client.deployments.predictions.create("local/service", {"text": "a"}, wait=5),
}
"""The calls that create a prediction."""


def create(client: Any, place: Server, way: str) -> Any:
    """Create a prediction in one of several ways."""
    return CREATES[way](client, place)


async def deployed(client: Any) -> None:
    version = (await got(client.models.get("me/community"))).latest_version.id
    await got(
        client.deployments.create(
            name="service", model="me/community", version=version, hardware="cpu", min_instances=0, max_instances=1
        )
    )


@pytest.mark.parametrize("way", CREATES)
@pytest.mark.parametrize("fault", ACTED)
async def test_what_was_started_is_taken_up(clients: Any, place: Server, way: str, fault: str) -> None:
    """The call goes on as if it had been answered, and the server has started one prediction."""
    refused = [None] if way == "run a community model" else []  # the create by name
    with Relay(place.port, *refused, fault) as relay:
        client = clients(place, base_url=relay.base_url)
        Clock(client)
        if way == "deployment":
            await deployed(client)
        result = await got(create(client, place, way))
        if not isinstance(result, str):
            result = (await got(result.wait())).output
        assert result == "A!"
        assert len(place.predictions) == 1
        assert relay.creates == 1 + len(refused)


@pytest.mark.parametrize("way", [way for way in CREATES if way != "deployment"])
async def test_a_create_that_is_not_found_is_not_sent_again(clients: Any, place: Server, way: str) -> None:
    """If three searches find nothing, the error says so, and the create is not sent again."""
    with Relay(place.port, LOSE if way == "run a community model" else DROP) as relay:  # a create by name is refused
        client = clients(place, base_url=relay.base_url)
        clock = Clock(client)
        with pytest.raises(AmbiguousCreateError, match=r"does not show among the predictions.*not sent again"):
            await got(create(client, place, way))
        assert relay.creates == 1
        assert clock.sleeps == [1.0, 3.0]
        assert len(place.predictions) == 0


async def test_an_answer_that_comes_too_late(clients: Any, held: Held, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the server holds its answer longer than the client waits, the client returns the running prediction."""
    monkeypatch.setattr(creation, "GRACE", -0.9)
    with held.served({"me/held": Model(held.text, official=True)}) as srv:
        made = await got(clients(srv).predictions.create("me/held", {}, wait=1, timeout=0.1))
        assert made.status in ("starting", "processing")
        held.go.set()
        assert (await got(made.wait(timeout=10))).output == "done"
        assert len(srv.predictions) == 1


async def test_predictions_of_other_creates_are_not_taken(clients: Any, place: Server) -> None:
    """A prediction that belongs to another create of the same client is not taken for the lost one."""
    with Relay(place.port) as relay:
        client = clients(place, base_url=relay.base_url)
        Clock(client)
        for _ in range(3):
            await got(create(client, place, "create"))
        relay.faults.append(DROP)
        with pytest.raises(AmbiguousCreateError, match="does not show"):
            await got(create(client.with_options(timeout=30), place, "create"))
        relay.faults.append(LOSE)
        found = await got(create(client, place, "create"))
        assert found.id == next(iter(place.predictions)).id
        assert len(place.predictions) == 4


async def test_several_matching_predictions(clients: Any, place: Server) -> None:
    """If two predictions match, neither is returned, and the error names both."""
    with Relay(place.port, LOSE) as relay:
        client = clients(place, base_url=relay.base_url)
        Clock(client)
        await got(create(clients(place), place, "create"))  # as another program would, at the same time
        with pytest.raises(AmbiguousCreateError, match="was started several times") as raised:
            await got(create(client, place, "create"))
        assert all(each.id in str(raised.value) for each in place.predictions)


@pytest.mark.parametrize("way", ["run", "run a version", "create"])
async def test_predictions_of_other_programs_are_not_taken(clients: Any, place: Server, way: str) -> None:
    """A prediction with an input that is not the model's default, or of unknown default, is named but not returned."""
    with Relay(place.port, DROP) as relay:
        client = clients(place, base_url=relay.base_url)
        Clock(client)
        named = version_of(place, "me/community") if way == "run a version" else "me/official"
        theirs = await got(clients(place).predictions.create(named, {"text": "a", "times": 3}, wait=5))
        with pytest.raises(AmbiguousCreateError, match=rf"with more in the input, was started since: {theirs.id}\."):
            await got(create(client, place, way))
        assert len(place.predictions) == 1


@pytest.mark.parametrize(("described", "times"), [(True, 1), (True, 2), (False, 1)])
@pytest.mark.parametrize("version", [VERSION, "hidden"])
@pytest.mark.parametrize("way", ["run", "create"])
async def test_defaults_are_those_of_the_schema(
    colour: str, way: str, version: str, times: int, *, described: bool
) -> None:
    """Added inputs do not matter, unless the schema can be fetched and has another default for them.

    The schema is fetched once, and only when it is needed for that.
    """
    found = prediction(
        "succeeded",
        output="a",
        version=version,
        created_at="2999-01-01T00:00:00Z",
        input={"text": "a", "times": times},
    )
    about = model_or_version(official=True)
    inputs = {"Input": {"properties": {"text": {}, "times": {"default": 1}}}}
    about["openapi_schema"]["components"]["schemas"].update(inputs)
    script = Script(
        model=[about if described else httpx.Response(404)],
        create=[httpx.Response(502)],
        list=[{"results": [found]}],
        get=[found],
    )
    client = scripted(colour, script)
    Clock(client)

    async def call() -> Any:
        if way == "run":
            return await got(client.run("me/model", {"text": "a"}))
        return (await got(client.predictions.create("me/model", {"text": "a"}))).output

    if not described or times == 1:
        assert await call() == "a"
    else:
        with pytest.raises(AmbiguousCreateError, match="with more in the input, was started since: p1"):
            await call()
    looked_up = [each for each in script.asked if each.startswith("GET /models/me/model")]
    assert looked_up == ["GET /models/me/model" + ("" if version == "hidden" else f"/versions/{VERSION}")]
    assert script.asked[0] == ("POST /models/me/model/predictions" if way == "run" else "POST /predictions")


async def test_the_search_survives_failing_lists(colour: str) -> None:
    """A list that fails counts as a search, and the next one follows. A refused list ends the search."""
    found = prediction("succeeded", output="a", created_at="2999-01-01T00:00:00Z")
    looks = [httpx.Response(500), httpx.Response(200, text="<html>"), {"results": [found]}]
    script = Script(create=[httpx.Response(502)], list=looks, get=[found])
    client = scripted(colour, script, max_retries=0)
    clock = Clock(client)
    assert (await got(client.predictions.create("me/model", {}))).output == "a"
    assert clock.sleeps == [1.0, 3.0]

    script = Script(create=[httpx.Response(502)], list=[httpx.Response(403, json={"detail": "not for you"})])
    client = scripted(colour, script, max_retries=0)
    Clock(client)
    with pytest.raises(AmbiguousCreateError, match=r"Looking for it failed, too: 403.*not for you") as raised:
        await got(client.predictions.create("me/model", {}))
    assert script.asked.count("GET /predictions") == 1
    assert raised.value.__cause__.status == 502  # type: ignore[union-attr]


async def test_the_clock_of_the_api_counts(colour: str) -> None:
    """The Date header gives the API's time: a prediction created before the request is not returned."""
    listed = {"date": "Wed, 01 Jan 2025 12:00:00 GMT"}
    for moment, fits in (("2025-01-01T11:59:50Z", False), ("2025-01-01T11:59:59Z", True)):
        found = prediction("succeeded", output="a", created_at=moment)
        script = Script(
            create=[httpx.Response(502)],
            list=[httpx.Response(200, json={"results": [found]}, headers=listed)],
            get=[found],
        )
        client = scripted(colour, script)
        Clock(client)
        if fits:
            assert (await got(client.predictions.create("me/model", {}))).id == "p1"
        else:
            with pytest.raises(AmbiguousCreateError, match="does not show"):
                await got(client.predictions.create("me/model", {}))


async def test_the_search_reads_pages_back_to_the_request(colour: str) -> None:
    """The list is read back to the time of the request, and no further."""
    new = prediction("processing", id="other", created_at="2999-01-01T00:00:00Z", input={"text": "b"})
    mine = prediction("processing", created_at="2999-01-01T00:00:00Z", input={"text": "a"})
    old = prediction("processing", id="old", created_at="2001-01-01T00:00:00Z", input={"text": "a"})
    pages: list[Any] = [
        {"results": [new, new], "next": "https://api.replicate.com/v1/predictions?cursor=2"},
        {"results": [mine, old], "next": "https://api.replicate.com/v1/predictions?cursor=3"},
    ]
    script = Script(create=[httpx.Response(502)], list=pages, get=[mine])
    client = scripted(colour, script)
    assert (await got(client.predictions.create("me/model", {"text": "a"}))).id == "p1"
    asked = [each.url.params for each in script.requests if each.method == "GET"]
    assert [each.get("cursor") for each in asked] == [None, "2", None]
    assert "created_after" in asked[0]


async def test_a_deadline_bounds_the_search(colour: str) -> None:
    """One search runs in any case. Further ones run only in the time that is left."""
    script = Script(create=[httpx.Response(502)])
    client = scripted(colour, script)
    clock = Clock(client)
    with pytest.raises(AmbiguousCreateError):
        await got(client.run("a" * 64, timeout=2))
    assert clock.sleeps == [1.0]


@pytest.mark.parametrize("status", ["succeeded", "processing"])
async def test_a_listed_prediction_without_its_output(colour: str, status: str) -> None:
    """A prediction that is found is fetched again, as lists may omit the output. If that fails, waiting fetches it."""
    listed = prediction(status, created_at="2999-01-01T00:00:00Z")
    again = [httpx.Response(500), prediction("succeeded", output="a")]
    script = Script(create=[httpx.Response(502)], list=[{"results": [listed]}], get=again)
    client = scripted(colour, script, max_retries=0)
    Clock(client)
    made = await got(client.predictions.create("me/model", {}))
    assert (made.id, made.status) == ("p1", "processing")
    assert (await got(made.wait())).output == "a"


@pytest.mark.parametrize("fault", [LOSE, GATEWAY, CUT])
async def test_a_training(clients: Any, place: Server, fault: str) -> None:
    """A training whose answer is lost is found in the list of trainings."""
    with Relay(place.port, fault) as relay:
        client = clients(place, base_url=relay.base_url)
        version = (await got(client.models.get("me/community"))).latest_version.id
        training = await got(client.trainings.create(f"me/community:{version}", {"text": "a"}, "me/community"))
        assert [training.id] == [each.id for each in place.trainings]
        assert relay.creates == 1


BUSY = b"HTTP/1.1 429 Too Many Requests\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


@pytest.mark.parametrize("way", ["run", "create"])
async def test_a_retry_uploads_nothing(clients: Any, place: Server, way: str) -> None:
    """The files of a create that is refused at first are uploaded once."""
    with Relay(place.port, BUSY, BUSY) as relay:
        client = clients(place, base_url=relay.base_url)
        Clock(client)
        given = {"file": bytes(300_000)}
        if way == "run":
            assert await got(client.run("me/size", given)) == "300000"
        else:
            await got(client.predictions.create("me/size", given, wait=5))
        assert relay.creates == 3
        uploads = [each for each in place.requests if (each.method, each.path) == ("POST", "/v1/files")]
        assert len(uploads) == len(place.predictions) == 1


async def test_the_fallback_to_a_version_uploads_nothing(colour: str) -> None:
    """A file that was uploaded for a model is used for its version, if the model does not run by its name."""
    uploads: list[httpx.Request] = []

    def post(request: httpx.Request) -> Any:
        if request.url.path.endswith("/files"):
            uploads.append(request)
            return {"id": "f", "urls": {"get": "https://api.replicate.com/v1/files/f"}}
        if "/models/" in request.url.path:
            return httpx.Response(404, json={"detail": "Not found."})
        return prediction("succeeded", output="a")

    script = Script(model=[model_or_version(official=None)], create=[post])
    assert await got(scripted(colour, script).run("me/model", {"file": bytes(300_000)})) == "a"
    assert len(uploads) == 1
    assert script.asked[-2:] == ["POST /models/me/model/predictions", "POST /predictions"]
