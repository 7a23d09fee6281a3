"""`client.predictions` and `client.models.predictions`: create, get, list, cancel, wait."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from support.colours import Clock, collect, each, got, scripted
from support.sample_models import MODELS, Held, Script, prediction

from replicate import NotFoundError, PredictionTimeout, ReplicateError, RunError
from replicate.local import Model
from replicate.local import server as local_server


async def version_of(client: Any, model: str) -> str:
    return str((await got(client.models.get(model))).latest_version.id)


@pytest.mark.parametrize("spelling", ["{id}", "me/community:{id}", "https://replicate.com/me/community/versions/{id}"])
async def test_create_by_version(client: Any, asked: Any, spelling: str) -> None:
    """A version is named by its id, by its model and id, or by its web address."""
    version = await version_of(client, "me/community")
    prediction = await got(client.predictions.create(spelling.format(id=version), {"text": "a"}))
    assert (prediction.status, prediction.version) == ("starting", version)
    assert asked()[-1].json == {"version": asked()[-1].json["version"], "input": {"text": "a"}}
    assert asked()[-1].json["version"] in (version, f"me/community:{version}")


@pytest.mark.parametrize("model", ["me/official", ("me", "official")])
async def test_create_by_the_name_of_an_official_model(client: Any, asked: Any, model: Any) -> None:
    """Both create methods run an official model without a version in one request."""
    made = [
        await got(client.predictions.create(version=model, input={"text": "a"}, wait=True)),
        await got(client.models.predictions.create(model, {"text": "a"}, wait=True)),
    ]
    assert [prediction.output for prediction in made] == ["A!", "A!"]
    assert [request.path for request in asked()] == ["/v1/predictions", "/v1/models/me/official/predictions"]
    assert [request.json for request in asked()] == [
        {"version": "me/official", "input": {"text": "a"}},
        {"input": {"text": "a"}},
    ]


async def test_models_predictions_are_of_models_not_versions(client: Any, asked: Any) -> None:
    """`models.predictions.create` refuses a version before anything is sent."""
    with pytest.raises(ValueError, match="names a version"):
        await got(client.models.predictions.create(f"me/official:{'0' * 64}", {}))
    with pytest.raises(ValueError, match="owner/name"):
        await got(client.models.predictions.create("official", {}))
    assert not asked()


async def test_an_object_names_its_version(client: Any) -> None:
    """The objects that `versions.get` and `models.get` return can be passed as a version."""
    version = await version_of(client, "me/community")
    found = await got(client.models.versions.get("me", "community", version))
    assert (await got(client.predictions.create(found, {"text": "a"}))).version == version
    official = await got(client.models.get("me/official"))
    assert (await got(client.predictions.create(official, {"text": "a"}))).model == "me/official"


@pytest.mark.parametrize(
    ("options", "prefer"),
    [
        ({}, None),
        ({"wait": None}, None),
        ({"wait": False}, None),
        ({"wait": True}, "wait"),
        ({"wait": 1}, "wait=1"),
        ({"wait": 60}, "wait=60"),
        ({"prefer": "wait"}, "wait"),
        ({"prefer": "wait=7"}, "wait=7"),
    ],
)
async def test_wait_is_a_preference(client: Any, asked: Any, options: Any, prefer: str | None) -> None:
    """`wait` and `prefer` set the `Prefer` header, and set none if nothing is to be waited for."""
    prediction = await got(client.predictions.create("me/official", {"text": "a"}, **options))
    assert asked()[-1].headers.get("prefer") == prefer
    assert prediction.status == ("succeeded" if prefer else "starting")


async def test_all_settings_reach_the_api(client: Any, asked: Any) -> None:
    """The deadline and the preference are headers. The stream and the webhook are in the body."""
    await got(
        client.predictions.create(
            "me/official",
            {"text": "a"},
            cancel_after="90s",
            stream=True,
            webhook="http://127.0.0.1:9/hook",
            webhook_completed="http://127.0.0.1:9/done",
            webhook_events_filter=["start", "completed"],
            extra_headers={"x-extra": "1"},
            extra_query={"why": "test"},
            extra_body={"webhook_events_filter": ["output"]},
        )
    )
    [request] = asked()
    assert request.headers["cancel-after"] == "90s"
    assert request.headers["x-extra"] == "1"
    assert request.query == "why=test"
    assert request.json == {
        "version": "me/official",
        "input": {"text": "a"},
        "stream": True,
        "webhook": "http://127.0.0.1:9/hook",
        "webhook_completed": "http://127.0.0.1:9/done",
        "webhook_events_filter": ["output"],
    }


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"wait": 0}, ValueError, "1 to 60"),
        ({"wait": 61}, ValueError, "1 to 60"),
        ({"wait": float("nan")}, ValueError, "1 to 60"),
        ({"prefer": "wait=0"}, ValueError, "wait=60"),
        ({"wait": True, "prefer": "wait"}, TypeError, "^cannot mix and match prefer and wait"),
        ({"webook": "https://example.com"}, TypeError, "did you mean 'webhook'"),
        ({"input": "a"}, TypeError, "not be str"),
        ({"input": {"text": float("nan")}}, ValueError, "'text'"),
        ({"input": {"text": object()}}, TypeError, "'text'"),
        ({"version": None}, TypeError, "owner/name"),
        ({"file_encoding_strategy": "gzip"}, ValueError, "base64"),
    ],
)
async def test_invalid_arguments_are_not_sent(
    client: Any, asked: Any, options: dict[str, Any], error: type[Exception], says: str
) -> None:
    """Arguments that are recognizably wrong raise before anything is sent."""
    with pytest.raises(error, match=says):
        await got(client.predictions.create(**{"version": "me/official", "input": {}, **options}))
    assert not asked()


async def test_get(client: Any) -> None:
    """A prediction is found by its id. An unknown id raises a NotFoundError that names the path."""
    made = await got(client.predictions.create("me/official", {"text": "a"}, wait=True))
    found = await got(client.predictions.get(made.id))
    assert (found, found.output) == (made, "A!")
    with pytest.raises(NotFoundError, match="404 Not Found from GET /v1/predictions/nope"):
        await got(client.predictions.get("nope"))


async def test_list_walks_through_all_pages(clients: Any) -> None:
    """Iteration yields every prediction once, newest first, and fetches pages as needed. `len` is of the first page."""
    with local_server(MODELS, page_size=2) as srv:
        client = clients(srv)
        made = [(await got(client.predictions.create("me/official", {"text": "a"}))).id for _ in range(5)]
        page = await got(client.predictions.list())
        assert (len(page), len(page.results), page[0].id) == (2, 2, made[-1])
        assert [prediction.id async for prediction in each(page)] == made[::-1]
        assert [request.method for request in srv.requests] == ["POST"] * 5 + ["GET"] * 3
        assert (await got(page[0].reload())).id == made[-1]


async def test_list_between_moments(client: Any, asked: Any) -> None:
    """Times and the source are sent in the API's format."""
    page = await got(
        client.predictions.list(
            created_after=datetime(2025, 1, 1, tzinfo=UTC),
            created_before=datetime(2025, 1, 2, tzinfo=UTC),
            source="web",
        )
    )
    assert page.results == []
    assert asked()[-1].query.replace("%3A", ":") == (
        "created_after=2025-01-01T00:00:00%2B00:00&created_before=2025-01-02T00:00:00%2B00:00&source=web"
    )


async def test_cancel(clients: Any, held: Held) -> None:
    """A running prediction is canceled by its id. A finished one stays unchanged."""
    with local_server(
        {"me/held": Model(held.text, official=True), "me/words": Model(held.words, official=True)}
    ) as srv:
        client = clients(srv)
        running = await got(client.predictions.create("me/held", {}))
        assert (await got(client.predictions.cancel(running.id))).status == "canceled"
        held.go.set()
        done = await got(client.predictions.create("me/words", {}, wait=True))
        assert await got(client.predictions.cancel(done.id)) == done


@pytest.mark.parametrize("by", ["id", "object"])
async def test_wait_until_finished(clients: Any, held: Held, by: str) -> None:
    """`wait` polls until the prediction has finished, and returns it."""
    with held.served({"me/held": Model(held.text, official=True)}) as srv:
        client = clients(srv)
        prediction = await got(client.predictions.create("me/held", {}))
        clock = Clock(client, lambda number: held.finish(srv) if number == 3 else None)
        done = await got(client.predictions.wait(prediction.id if by == "id" else prediction))
        assert (done.status, done.output) == ("succeeded", "done")
        assert len(clock.sleeps) == 3


async def test_waiting_ends_at_its_timeout_and_can_go_on(clients: Any, held: Held) -> None:
    """PredictionTimeout is raised on time, carries the prediction, and says that waiting can go on.

    It is none of the errors after which a loop runs the model again.
    """
    with held.served({"me/held": Model(held.text, official=True)}) as srv:
        client = clients(srv)
        made = await got(client.predictions.create("me/held", {}))
        assert held.started.wait(10)
        clock = Clock(client)
        with pytest.raises(PredictionTimeout, match=rf"still processing after 30 s.*wait\('{made.id}'\)") as raised:
            await got(client.predictions.wait(made.id, timeout=30))
        assert isinstance(raised.value, RunError)
        assert not isinstance(raised.value, (ReplicateError, TimeoutError))
        assert clock.time == pytest.approx(30)
        assert 10 < len(clock.sleeps) < 60
        clock.wake = lambda _: held.finish(srv)
        assert (await got(raised.value.prediction.wait(timeout=30))).output == "done"


async def test_a_timeout_is_positive(client: Any, asked: Any) -> None:
    """An invalid timeout is refused before anything is sent."""
    for timeout in (0, -1, float("nan")):
        with pytest.raises(ValueError, match="positive number of seconds"):
            await got(client.predictions.wait("p1", timeout=timeout))
    assert not asked()


async def test_the_options_of_a_list_hold_for_all_its_pages(colour: str) -> None:
    """The options of a list, such as another token, apply to all its pages."""
    pages = [
        {"results": [prediction()], "next": "https://api.replicate.com/v1/predictions?cursor=a"},
        {"results": [prediction()], "next": None},
    ]
    script = Script(list=pages)
    client = scripted(colour, script)
    page = await got(client.predictions.list(extra_headers={"Authorization": "Bearer r8_tenant"}))
    assert len(await collect(page)) == 2
    assert [request.headers["authorization"] for request in script.requests] == ["Bearer r8_tenant"] * 2
