"""The requirements of a reliable client, in one list: the tests that cover them, and those without another home."""

from __future__ import annotations

from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest
from reliability.chaos import BROKEN_AFTER, CUT, LATE, PAGE_AFTER, RESET_AFTER, SLOW_AFTER, THROTTLED, Fault
from reliability.conftest import placed
from support.colours import RUN, connect, got
from support.sample_models import Held

from replicate.local import ManualClock, Model

if TYPE_CHECKING:
    from replicate.local import Server

TESTS = Path(__file__).parents[1]
SHOWN = """
processing is not the end: client/test_running.py::test_only_an_end_is_an_end
canceled and aborted raise: client/test_running.py::test_a_canceled_prediction_is_an_error
a lost answer starts nothing anew: client/test_lost_answers.py::test_what_was_started_is_taken_up
what may have started is not sent again: client/test_sent_once.py::test_what_may_have_started_is_not_sent_again
looking survives: client/test_riding_out.py::test_waiting_survives
Ctrl-C cancels: client/test_leaving.py::test_ctrl_c
a canceled task cancels: client/test_leaving.py::test_a_canceled_task
each item comes once, also those there before: client/test_streaming.py::test_items_without_a_schema
a stream that is cut goes on: client/test_streaming.py::test_a_broken_stream_is_taken_up_again
a failure in a stream raises: client/test_streaming.py::test_a_failing_model
an unknown event is passed on: client/test_streaming.py::test_unknown_events_pass_through
the token goes to no stream elsewhere: client/test_streaming.py::test_the_token_stays_with_the_api
the token goes to no file host: data/test_file_outputs.py::test_the_token_stays_at_home
text that holds a URL stays text: data/test_output_schema.py::test_without_a_schema_the_value_decides
an output is copied and pickled: data/test_file_outputs.py::test_it_can_be_copied_and_pickled
an output opens as a picture: data/test_file_outputs.py::test_pillow_opens_it
an upload keeps its name: data/test_file_inputs.py::test_large_files_are_uploaded_under_their_name
an open file is sent whole, again too: data/test_file_inputs.py::test_an_open_file_is_sent_whole
several event loops, one after the other: core/test_transport.py::test_one_async_client_serves_several_event_loops
webhooks of any framework: webhooks/test_requests.py::test_bodies
an old webhook is refused: webhooks/test_signatures.py::test_age
what is not known as a keyword is refused: client/test_request_counts.py::test_mistakes_are_not_sent
the environment's proxy is used: surface/test_settings.py::test_a_proxy_of_the_environment
verify= is kept to: surface/test_settings.py::test_verify_reaches_httpx
certificates are verified: core/test_tls.py::test_an_unknown_authority_is_refused
every Python up to 3.14 runs all tests: test_workflows.py::test_ci_runs_what_a_contributor_runs
a download that breaks off leaves nothing: data/test_saving.py::test_a_download_that_breaks_off_leaves_nothing
"""


@pytest.mark.parametrize("line", SHOWN.strip().splitlines(), ids=lambda line: line.split(":")[0])
def test_the_covering_test_exists(line: str) -> None:
    """The test that covers the requirement exists."""
    path, name = line.partition(": ")[2].split("::")
    assert f"def {name}(" in (TESTS / path).read_text("utf-8")


@pytest.mark.parametrize("colour", list(RUN))
def test_an_answer_that_is_held_for_a_minute(colour: str) -> None:
    """A job that runs longer than the API holds its answer is started once, and its result is returned."""
    time, held = ManualClock(), Held()
    with held.served({"me/held": Model(held.text, official=True)}, clock=time) as server:
        results: list[Any] = []

        async def main() -> None:
            client = connect(colour, bearer_token=server.token, base_url=server.base_url, timeout=100)

            async def sleep(_: float) -> None:
                held.finish(server)

            client._session.transport.sleep = sleep
            results.append(await got(client.run("me/held")))
            await got(client.close())

        caller = Thread(target=lambda: RUN[colour](main()))
        caller.start()
        assert held.started.wait(10)
        time.wait_for_timers(1)
        time.advance(61)
        caller.join(20)
        assert results == ["done"]
        assert [each.path for each in server.requests if each.method == "POST"] == ["/v1/models/me/held/predictions"]


@pytest.mark.parametrize("fault", [RESET_AFTER, SLOW_AFTER, BROKEN_AFTER, LATE, CUT, PAGE_AFTER], ids=str)
async def test_a_lost_answer_costs_nothing(shared_books: Server, colour: str, fault: Fault) -> None:
    """However the answer to a create is lost, the call returns its result, and one prediction was started."""
    async with placed(shared_books, colour) as place:
        inputs = place.fresh()
        plan = place.line.follow([fault], "POST *")
        assert await got(place.client.run("me/official", inputs)) == place.text
        assert len(place.started()) == 1
        assert [line for line in plan.asked if line.startswith("POST")] == ["POST /models/me/official/predictions"]


async def test_a_rate_limit_in_a_body_is_kept(shared_books: Server, colour: str) -> None:
    """If only the body of a 429 says how long to wait, the client waits that long and goes on."""
    async with placed(shared_books, colour) as place:
        inputs = place.fresh()
        place.line.follow([THROTTLED], "POST *")
        assert await got(place.client.run("me/official", inputs)) == place.text
        assert 3 <= sum(place.clock.sleeps) <= 3.5
        assert len(place.started()) == 1


async def test_a_version_runs_without_its_schema(shared_books: Server, colour: str) -> None:
    """A version whose lookup fails still runs and returns its result."""
    async with placed(shared_books, colour) as place:
        inputs = place.fresh()
        place.line.follow([BROKEN_AFTER] * 9, "GET /models/*")
        assert await got(place.client.run(f"me/echo:{place.version}", inputs)) == place.text
        assert len(place.started()) == 1


async def test_a_client_uses_its_own_token(shared_books: Server, colour: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client creates, polls and reads with the token that it was given, whatever the environment says."""
    monkeypatch.setenv("REPLICATE_API_TOKEN", "of-somebody-else")
    async with placed(shared_books, colour) as place:
        created = await got(place.client.predictions.create("me/official", place.fresh()))
        assert (await got(created.wait())).output == place.text
        assert (await got(place.client.predictions.get(created.id))).output == place.text
