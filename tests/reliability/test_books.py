"""Whatever goes wrong on the line: at most one prediction for a call, none lost, none left running."""

from __future__ import annotations

from collections.abc import Iterator  # noqa: TC003 - pytest reads the annotations of fixtures
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from reliability.chaos import FAULTS, FINE, Fault
from reliability.conftest import Place

from replicate import AmbiguousCreateError, PredictionTimeout, ReplicateError
from replicate._core.dual import drive

if TYPE_CHECKING:
    from replicate.local import Server

WAYS = ("run official", "run community", "run version", "create", "use", "deployment")
plans = st.lists(st.sampled_from((FINE, *FAULTS)), max_size=7)


@pytest.fixture(scope="module")
def here(shared_books: Server) -> Iterator[Place]:
    """One client for all examples, so that what it remembers of earlier calls is put to the test too."""
    place = Place(shared_books, "blocking")
    place.client.models.get("me/echo")
    scale: dict[str, Any] = {"hardware": "cpu", "min_instances": 0, "max_instances": 1}
    version = place.client.models.get("me/echo").latest_version.id
    place.client.deployments.create(name="books", model="me/echo", version=version, **scale)
    place.version = version  # type: ignore[attr-defined]
    yield place
    place.client.close()


def call(place: Any, way: str, inputs: dict[str, str]) -> Any:
    """Run a model to its end, in one of the ways there are, and give its output."""
    client = place.client
    match way:
        case "run official":
            return client.run("me/official", inputs, timeout=100)
        case "run community":
            return client.run("me/echo", inputs, timeout=100)
        case "run version":
            return client.run(f"me/echo:{place.version}", inputs)
        case "use":
            return client.use("me/official", timeout=100)(**inputs)
        case "create":
            return client.predictions.create(place.version, inputs, wait=True).wait(timeout=100).output
        case _:
            created = client.predictions.create(deployment="local/books", input=inputs)
            return created.wait(timeout=100).output


@given(way=st.sampled_from(WAYS), faults=plans)
@settings(max_examples=2000, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_books(here: Place, way: str, faults: list[Fault]) -> None:
    """A call that returns has one prediction; one that raises has one that its error knows of, or none, or says so."""
    inputs = here.fresh()
    plan = here.line.follow(faults)
    error: ReplicateError | None = None
    output = None
    try:
        output = call(here, way, inputs)
    except ReplicateError as caught:
        error = caught
    finally:
        here.line.follow(())
    started = here.started()
    event(type(error).__name__ if error else "a result")
    assert len(started) <= 1, plan.met
    if error is None:
        assert output == here.text, plan.met
        assert len(started) == 1
        return
    posts = [met for met in plan.met if met[0].startswith("POST") and met[0].endswith("predictions")]
    if not started:
        return
    if isinstance(error, AmbiguousCreateError):
        listed = [fault for line, fault in plan.met if line.startswith("GET /predictions") and fault is not FINE]
        assert listed, f"it was there to be found: {plan.met}"
        return
    carried = getattr(error, "prediction", None)
    assert carried is not None, (posts, error)
    assert carried.id == started[0].id


@given(faults=plans, leave=st.sampled_from(("deadline", "close", "interrupt")))
@settings(max_examples=300, deadline=None)
def test_what_is_left_is_stopped(here: Place, faults: list[Fault], leave: str) -> None:
    """A prediction whose call is left early does not go on, unless the request that stops it meets trouble too."""
    inputs = here.fresh()
    here.line.follow(())
    here.client.models.get("me/endless")
    output = here.client.run("me/endless", inputs, timeout=20 if leave == "deadline" else None)
    plan = here.line.follow(faults)
    error: BaseException | None = None
    try:
        with output:
            for number, _ in enumerate(output):
                if leave == "close" and number > 2:
                    break
                if leave == "interrupt" and number > 2:
                    raise KeyboardInterrupt  # noqa: TRY301 - as the user would
    except (KeyboardInterrupt, ReplicateError) as caught:
        error = caught
    finally:
        here.line.follow(())
    [started] = here.started()
    event(f"{leave}: {type(error).__name__}")
    hopeless = [line for line, fault in plan.met if line.endswith("/cancel") and fault is not FINE]
    if not hopeless:
        assert started.status in {"canceled", "aborted"} or not isinstance(
            error, (KeyboardInterrupt, PredictionTimeout, type(None))
        ), (plan.met, error)
    drive(here.client._session.call(cancel_endpoint(), started.id))


def cancel_endpoint() -> Any:
    from replicate_api.api.predictions import predictions_cancel

    return predictions_cancel
