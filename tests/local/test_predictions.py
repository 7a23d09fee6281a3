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
    """A model that runs until the test releases it, and signals that it has started."""

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
    """A create returns 201 and `starting` at once; later the prediction has its output, times and metrics."""
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
    """A client that used `localhost` gets URLs at `localhost`, with `/v1`."""
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
    """Behind an HTTPS proxy, URLs are HTTPS as well."""
    body = {"version": "me/official", "input": {"text": "a"}}
    urls = api.post("predictions", json=body, headers={"x-forwarded-proto": "https"}).json()["urls"]
    assert {urls[name].partition(":")[0] for name in ("get", "cancel", "stream", "web")} == {"https"}


@pytest.mark.parametrize("prefer", ["wait", "wait=5"])
def test_prefer_wait_returns_the_finished_prediction(api: Any, prefer: str) -> None:
    """The response comes when the prediction is finished, and says that the preference was applied."""
    answer = api.create("me/shout", {"text": "hi"}, prefer=prefer)
    assert (answer.status_code, answer.headers["preference-applied"]) == (201, prefer)
    assert (answer.json()["status"], answer.json()["output"]) == ("succeeded", "HI!")


def test_prefer_wait_times_out(serving: Any, held: Held) -> None:
    """If the wait ends first, the response is 202 with the current state and without an applied preference."""
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
def test_an_invalid_wait_is_refused(api: Any, prefer: str) -> None:
    """A wait that is not from 1 to 60 seconds is a 400 that explains it."""
    answer = api.create("me/shout", {"text": "hi"}, prefer=prefer)
    assert answer.status_code == 400
    assert "from 1 to 60" in answer.json()["detail"]


def test_other_preferences_are_ignored(api: Any) -> None:
    """`Prefer: respond-async` has no effect, since a create responds at once anyway."""
    assert api.create("me/shout", {"text": "hi"}, prefer="respond-async").json()["status"] == "starting"


def test_a_failure_has_its_error_and_traceback(api: Any) -> None:
    """An exception fails the prediction: its text is the error, and its traceback ends the logs."""
    prediction = api.run("me/broken")
    assert (prediction["status"], prediction["error"]) == ("failed", "CUDA out of memory")
    assert prediction["output"] is None
    assert prediction["logs"].startswith("loading\nTraceback (most recent call last):\n")
    assert prediction["logs"].endswith("RuntimeError: CUDA out of memory\n")
    assert "replicate/local" not in prediction["logs"].replace("\\", "/").replace("tests/local", "")


def test_the_error_of_an_exception_without_text_is_its_name(api: Any) -> None:
    """`raise RuntimeError()` gives the error "RuntimeError"."""
    assert api.run("me/broken", {"text": ""})["error"] == "RuntimeError"


def test_canceling_ends_a_prediction_at_once(serving: Any, held: Held) -> None:
    """The response to the cancel shows a canceled prediction, and the function's later result is discarded."""
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
    """A cancel after the end changes nothing."""
    finished = api.run("me/shout", {"text": "hi"})
    assert api.post(finished["urls"]["cancel"]).json() == finished


def test_a_deadline_cancels_running_and_aborts_waiting_predictions(serving: Any, held: Held) -> None:
    """At the `Cancel-After` deadline, a prediction that has started is canceled, and one that has not is aborted."""
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
def test_an_invalid_deadline_is_refused(api: Any, duration: str) -> None:
    """A `Cancel-After` that is not a valid duration is a 400 that explains it."""
    answer = api.create("me/shout", {"text": "hi"}, cancel_after=duration)
    assert answer.status_code == 400
    assert "90s" in answer.json()["detail"]


def test_a_waiting_prediction_can_be_canceled(serving: Any, held: Held) -> None:
    """A prediction that has not started is canceled and never runs."""
    with serving({"me/held": held, "me/shout": shout}, workers=1) as api:
        api.create("me/held")
        waiting = api.create("me/shout", {"text": "hi"}).json()
        assert api.post(waiting["urls"]["cancel"]).json()["status"] == "canceled"
        held.go.set()
        assert api.run("me/shout", {"text": "next"})["output"] == "NEXT!"
        assert "started_at" not in api.get(waiting["urls"]["get"]).json()


@pytest.mark.parametrize("spelling", ["{id}", "me/shout:{id}"])
def test_a_community_model_runs_by_version(api: Any, spelling: str) -> None:
    """`version` is the id of a version, alone or after the model's name."""
    version = spelling.format(id=api.version("me/shout"))
    assert api.post("predictions", json={"version": version, "input": {"text": "a"}}).status_code == 201


def test_an_official_model_runs_by_name(api: Any) -> None:
    """Both endpoints run an official model by name, and its predictions hide the version."""
    for path, body in (("predictions", {"version": "me/official"}), ("models/me/official/predictions", {})):
        answer = api.post(path, json={**body, "input": {"text": "a"}})
        assert (answer.status_code, answer.json()["version"]) == (201, "hidden")


@pytest.mark.parametrize("version", ["me/shout", "me/other", "0" * 64, "you/shout:{id}", "{official}", ""])
def test_an_invalid_version_is_refused(api: Any, version: str) -> None:
    """Unknown versions, community models by name and official models by id all give the same 422."""
    version = version.format(id=api.version("me/shout"), official=api.version("me/official"))
    answer = api.post("predictions", json={"version": version, "input": {"text": "a"}})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["title"] == "Invalid version or not permitted"


@pytest.mark.parametrize("reference", ["me/shout", "me/other"])
def test_only_official_models_have_a_predictions_endpoint(api: Any, reference: str) -> None:
    """For a community model the endpoint gives the same 404 as for an unknown model."""
    answer = api.post(f"models/{reference}/predictions", json={"input": {"text": "a"}})
    assert answer.status_code == 404
    assert answer.json() == {"detail": "The requested resource could not be found.", "status": 404}


def test_a_wrong_input_is_refused_before_the_model_runs(api: Any) -> None:
    """The input is checked against the schema, and the 422 names each invalid field."""
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
    """The 422 names missing and surplus fields of the body."""
    answer = api.post("predictions", json={"model": "me/shout"})
    assert answer.status_code == 422
    complaints = "- version is required\n- input is required\n- Additional property model is not allowed\n"
    assert answer.json()["detail"] == complaints
    assert api.post("predictions", json=[]).status_code == 422
    assert api.post("predictions", content=b"{").json()["title"] == "Invalid request body"


def test_an_unknown_input_field_is_dropped(api: Any) -> None:
    """The function does not get fields that it does not declare."""
    assert api.run("me/shout", {"text": "hi", "temperature": 1})["output"] == "HI!"


def test_an_unknown_prediction_is_a_404(api: Any) -> None:
    """Getting and canceling an unknown id are 404 problems."""
    for answer in (api.get("predictions/nope"), api.post("predictions/nope/cancel")):
        assert (answer.status_code, answer.json()["status"]) == (404, 404)


def test_predictions_are_listed_newest_first_in_pages(serving: Any) -> None:
    """Absolute `next` and `previous` URLs lead through the whole list in both directions."""
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


def test_a_list_is_filtered_by_time(serving: Any) -> None:
    """`created_after` and `created_before` filter the list, and are kept in the URL of the next page."""
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


def test_a_running_prediction_is_listed_with_its_current_state(serving: Any, held: Held) -> None:
    """The list shows the current state, not the state stored at creation."""
    with serving({"me/held": held}) as api:
        api.create("me/held")
        assert held.started.wait(10)
        assert [each["status"] for each in api.get("predictions").json()["results"]] == ["processing"]
        held.go.set()
