"""Predictions over HTTP: create, wait, get, list, cancel, deadlines."""

# ruff: noqa: T201 - what a model prints is its log

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

import pytest

from replicate.local import Input, ManualClock, Model


def shout(text: str, mark: Literal["!", "?"] = "!", times: Annotated[int, Input(ge=1, le=5)] = 1) -> str:
    """Say it louder."""
    return text.upper() + mark * times


def broken(text: str = "CUDA out of memory") -> str:
    print("loading")
    raise RuntimeError(text)


class Held:
    """A model that runs until the test lets it go, and tells when it has started."""

    def __init__(self) -> None:
        self.started, self.go, self.ended = threading.Event(), threading.Event(), threading.Event()

    def __call__(self, text: str = "done") -> str:
        self.started.set()
        self.go.wait(20)
        self.ended.set()
        return text


MODELS = {"me/shout": shout, "me/official": Model(shout, official=True), "me/broken": broken}


@pytest.fixture(name="held")
def _held() -> Iterator[Held]:
    model = Held()
    yield model
    model.go.set()


def test_a_prediction_goes_from_starting_to_succeeded(api: Any) -> None:
    """A create answers at once with 201 and `starting`; later the output, times and metrics are there."""
    answer = api.create("me/shout", {"text": "hi"})
    created = answer.json()
    assert (answer.status_code, created["status"], created["output"]) == (201, "starting", None)
    assert len(created["id"]) == 26
    assert created["id"] == created["id"].lower()
    api.events(created)
    prediction = api.get(created["urls"]["get"]).json()
    assert prediction["status"] == "succeeded"
    assert prediction["output"] == "HI!"
    assert prediction["error"] is None
    assert prediction["data_removed"] is False
    assert (prediction["source"], prediction["model"]) == ("api", "me/shout")
    assert prediction["version"] == api.version("me/shout")
    assert prediction["input"] == {"text": "hi"}
    times = [prediction[name] for name in ("created_at", "started_at", "completed_at")]
    assert times == sorted(times)
    assert all(time.endswith("Z") and datetime.fromisoformat(time[:-1]) for time in times)
    assert 0 <= prediction["metrics"]["predict_time"] <= prediction["metrics"]["total_time"]


def test_urls_use_the_host_that_the_client_used(api: Any) -> None:
    """A client that came to `localhost` gets addresses at `localhost`, with `/v1`."""
    local = api.srv.base_url.replace("127.0.0.1", "localhost")
    body = {"version": "me/official", "input": {"text": "a"}}
    urls = api.post("predictions", json=body, headers={"host": local.split("/")[2]}).json()["urls"]
    identifier = urls["get"].rpartition("/")[2]
    assert urls["get"] == f"{local}/predictions/{identifier}"
    assert urls["cancel"] == f"{local}/predictions/{identifier}/cancel"
    assert urls["stream"].startswith(f"{local}/streams/")
    assert identifier not in urls["stream"]
    assert urls["web"]


def test_urls_use_the_scheme_that_the_client_used(api: Any) -> None:
    """Behind a proxy that speaks HTTPS, addresses are HTTPS as well."""
    body = {"version": "me/official", "input": {"text": "a"}}
    urls = api.post("predictions", json=body, headers={"x-forwarded-proto": "https"}).json()["urls"]
    assert {urls[name].partition(":")[0] for name in ("get", "cancel", "stream", "web")} == {"https"}


@pytest.mark.parametrize("prefer", ["wait", "wait=5"])
def test_prefer_wait_answers_with_the_finished_prediction(api: Any, prefer: str) -> None:
    """The answer comes when the prediction is finished, and says that the preference was applied."""
    answer = api.create("me/shout", {"text": "hi"}, prefer=prefer)
    assert (answer.status_code, answer.headers["preference-applied"]) == (201, prefer)
    assert (answer.json()["status"], answer.json()["output"]) == ("succeeded", "HI!")


def test_prefer_wait_gives_up_in_time(serving: Any, held: Held) -> None:
    """When the time is over first, the answer is 202 with the state of the moment and no applied preference."""
    clock = ManualClock()
    with serving({"me/held": held}, clock=clock) as api:
        version = api.version("me/held")
        answers: list[Any] = []
        body = {"version": version, "input": {}}
        ask = threading.Thread(
            target=lambda: answers.append(api.post("predictions", json=body, headers={"prefer": "wait=3"}))
        )
        ask.start()
        clock.wait_for_timers(1)
        assert held.started.wait(10)
        clock.advance(3)
        ask.join(10)
        (answer,) = answers
        assert (answer.status_code, answer.json()["status"]) == (202, "processing")
        assert "preference-applied" not in answer.headers
        held.go.set()


@pytest.mark.parametrize("prefer", ["wait=0", "wait=61", "wait=soon", "wait=-1"])
def test_an_impossible_wait_is_refused(api: Any, prefer: str) -> None:
    """A wait outside of 1 to 60 seconds is a mistake that the answer explains."""
    answer = api.create("me/shout", {"text": "hi"}, prefer=prefer)
    assert answer.status_code == 400
    assert "from 1 to 60" in answer.json()["detail"]


def test_other_preferences_are_ignored(api: Any) -> None:
    """`Prefer: respond-async` is how a create works anyhow."""
    assert api.create("me/shout", {"text": "hi"}, prefer="respond-async").json()["status"] == "starting"


def test_a_failure_has_its_error_and_traceback(api: Any) -> None:
    """An exception makes the prediction failed: its text is the error, its traceback ends the logs."""
    prediction = api.run("me/broken")
    assert (prediction["status"], prediction["error"]) == ("failed", "CUDA out of memory")
    assert prediction["output"] is None
    assert prediction["logs"].startswith("loading\nTraceback (most recent call last):\n")
    assert prediction["logs"].endswith("RuntimeError: CUDA out of memory\n")
    assert "replicate/local" not in prediction["logs"].replace("\\", "/").replace("tests/local", "")


def test_an_exception_without_text_has_its_name_as_error(api: Any) -> None:
    """`raise RuntimeError()` still fails with a reason."""
    assert api.run("me/broken", {"text": ""})["error"] == "RuntimeError"


def test_canceling_ends_a_prediction_at_once(serving: Any, held: Held) -> None:
    """A running function's prediction is canceled in the answer to the cancel, and its result is thrown away."""
    with serving({"me/held": held}) as api:
        created = api.create("me/held").json()
        assert held.started.wait(10)
        canceled = api.post(created["urls"]["cancel"])
        assert canceled.status_code == 200
        assert canceled.json()["status"] == "canceled"
        assert canceled.json()["completed_at"]
        held.go.set()
        assert held.ended.wait(10)
        after = api.get(created["urls"]["get"]).json()
        assert (after["status"], after["output"]) == ("canceled", None)
        assert api.events(after)[-1][:2] == ("done", '{"reason": "canceled"}')


def test_a_finished_prediction_cannot_be_canceled(api: Any) -> None:
    """A cancel that comes too late changes nothing."""
    finished = api.run("me/shout", {"text": "hi"})
    assert api.post(finished["urls"]["cancel"]).json() == finished


def test_a_deadline_cancels_what_runs_and_aborts_what_waits(serving: Any, held: Held) -> None:
    """`Cancel-After` gives a deadline: a prediction that has started is canceled then, another is aborted."""
    clock = ManualClock()
    with serving({"me/held": held}, clock=clock, workers=1) as api:
        running = api.create("me/held", cancel_after="1m30s").json()
        assert held.started.wait(10)
        waiting = api.create("me/held", cancel_after="60").json()
        deadline = datetime.fromisoformat(waiting["deadline"][:-1]) - datetime.fromisoformat(waiting["created_at"][:-1])
        assert deadline == timedelta(seconds=60)
        clock.advance(90)
        states = [api.events(each) and api.get(each["urls"]["get"]).json() for each in (running, waiting)]
        assert [state["status"] for state in states] == ["canceled", "aborted"]
        assert "started_at" not in states[1]
        assert states[1]["metrics"] == {"total_time": 90.0}
        held.go.set()


@pytest.mark.parametrize("duration", ["", "soon", "0", "-5s", "5 parsecs", f"{10**18}s", "9" * 5000])
def test_an_impossible_deadline_is_refused(api: Any, duration: str) -> None:
    """A `Cancel-After` that is no duration is a mistake that the answer explains."""
    answer = api.create("me/shout", {"text": "hi"}, cancel_after=duration)
    assert answer.status_code == 400
    assert "90s" in answer.json()["detail"]


def test_what_waits_for_a_worker_can_be_canceled(serving: Any, held: Held) -> None:
    """A prediction that has not started is canceled without ever running."""
    with serving({"me/held": held, "me/shout": shout}, workers=1) as api:
        api.create("me/held")
        waiting = api.create("me/shout", {"text": "hi"}).json()
        assert api.post(waiting["urls"]["cancel"]).json()["status"] == "canceled"
        held.go.set()
        assert api.run("me/shout", {"text": "next"})["output"] == "NEXT!"
        assert "started_at" not in api.get(waiting["urls"]["get"]).json()


@pytest.mark.parametrize("spelling", ["{id}", "me/shout:{id}"])
def test_a_community_model_runs_by_version(api: Any, spelling: str) -> None:
    """`version` is the id of a version, alone or behind the model's name."""
    version = spelling.format(id=api.version("me/shout"))
    assert api.post("predictions", json={"version": version, "input": {"text": "a"}}).status_code == 201


def test_an_official_model_runs_by_name(api: Any) -> None:
    """Both endpoints run an official model by its name, and its predictions hide the version."""
    for path, body in (("predictions", {"version": "me/official"}), ("models/me/official/predictions", {})):
        answer = api.post(path, json={**body, "input": {"text": "a"}})
        assert (answer.status_code, answer.json()["version"]) == (201, "hidden")


@pytest.mark.parametrize("version", ["me/shout", "me/other", "0" * 64, "you/shout:{id}", "{official}", ""])
def test_what_is_no_version_is_refused(api: Any, version: str) -> None:
    """Unknown versions, community models by name and official ones by id: the API says the same of all."""
    version = version.format(id=api.version("me/shout"), official=api.version("me/official"))
    answer = api.post("predictions", json={"version": version, "input": {"text": "a"}})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["title"] == "Invalid version or not permitted"


@pytest.mark.parametrize("reference", ["me/shout", "me/other"])
def test_only_official_models_have_a_predictions_endpoint(api: Any, reference: str) -> None:
    """For a community model the endpoint does not exist, exactly as for no model at all."""
    answer = api.post(f"models/{reference}/predictions", json={"input": {"text": "a"}})
    assert answer.status_code == 404
    assert answer.json() == {"detail": "The requested resource could not be found.", "status": 404}


def test_a_wrong_input_is_refused_before_the_model_runs(api: Any) -> None:
    """An input is checked against the schema, and the 422 names each field."""
    before = len(api.srv.predictions)
    answer = api.create("me/shout", {"mark": ".", "times": 6})
    assert answer.status_code == 422
    assert answer.json()["detail"] == (
        "- input: text is required\n"
        '- input.mark: mark must be one of the following: "!", "?"\n'
        "- input.times: Must be less than or equal to 5\n"
    )
    assert [field["field"] for field in answer.json()["invalid_fields"]] == ["input", "input.mark", "input.times"]
    assert len(api.srv.predictions) == before


def test_a_wrong_body_is_refused(api: Any) -> None:
    """What is missing from or surplus in a body is named as for an input."""
    answer = api.post("predictions", json={"model": "me/shout"})
    assert answer.status_code == 422
    complaints = "- version is required\n- input is required\n- Additional property model is not allowed\n"
    assert answer.json()["detail"] == complaints
    assert api.post("predictions", json=[]).status_code == 422
    assert api.post("predictions", content=b"{").json()["title"] == "Invalid request body"


def test_an_unknown_input_field_is_dropped(api: Any) -> None:
    """The function never sees a field that it does not have."""
    assert api.run("me/shout", {"text": "hi", "temperature": 1})["output"] == "HI!"


def test_there_is_no_unknown_prediction(api: Any) -> None:
    """Get and cancel of an unknown id are 404 problems."""
    for answer in (api.get("predictions/nope"), api.post("predictions/nope/cancel")):
        assert (answer.status_code, answer.json()["status"]) == (404, 404)


def test_predictions_are_listed_newest_first_page_by_page(serving: Any) -> None:
    """Absolute `next` and `previous` addresses walk the whole list in both directions."""
    with serving({"me/shout": shout}, page_size=2) as api:
        made = [api.run("me/shout", {"text": str(number)})["id"] for number in range(5)]
        pages = [api.get("predictions").json()]
        while pages[-1]["next"]:
            assert pages[-1]["next"].startswith(f"{api.srv.base_url}/predictions?")
            pages.append(api.get(pages[-1]["next"]).json())
        ids = [[each["id"] for each in page["results"]] for page in pages]
        assert ids == [made[:2:-1], made[2:0:-1], made[:1]]
        assert pages[0]["previous"] is None
        back = api.get(pages[2]["previous"]).json()
        assert [each["id"] for each in back["results"]] == ids[1]
        first = api.get(back["previous"]).json()
        assert [each["id"] for each in first["results"]] == ids[0]
        assert first["previous"] is None
        assert first["next"] == pages[0]["next"]
        assert [prediction.id for prediction in api.srv.predictions] == made[::-1]


def test_a_list_is_bounded_by_time(serving: Any) -> None:
    """`created_after` and `created_before` bound the list and stay in the address of the next page."""
    clock = ManualClock()
    with serving({"me/shout": shout}, page_size=1, clock=clock) as api:
        made = []
        for _hour in range(4):
            made.append(api.run("me/shout", {"text": "a"}))
            clock.advance(3600)
        bounds = {"created_after": made[1]["created_at"], "created_before": made[3]["created_at"]}
        page = api.get("predictions", params=bounds).json()
        assert [each["id"] for each in page["results"]] == [made[2]["id"]]
        page = api.get(page["next"]).json()
        assert [each["id"] for each in page["results"]] == [made[1]["id"]]
        assert page["next"] is None
        assert api.get("predictions", params={"created_after": "yesterday"}).status_code == 400
        assert api.get("predictions", params={"cursor": "nonsense"}).status_code == 400
        assert api.get("predictions", params={"source": "web"}).json()["results"] == []


def test_a_running_prediction_is_listed_as_it_is_now(serving: Any, held: Held) -> None:
    """The list shows live state, not what was stored when the prediction was made."""
    with serving({"me/held": held}) as api:
        api.create("me/held")
        assert held.started.wait(10)
        assert [each["status"] for each in api.get("predictions").json()["results"]] == ["processing"]
        held.go.set()
