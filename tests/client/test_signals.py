"""Signals that end a process: the handlers of docs/processes.md cancel predictions, and `timeout=` is the fallback."""

from __future__ import annotations

import multiprocessing
import os
import re
import signal
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.colours import connect
from support.failing_calls import interrupting
from support.faults import STALLED, Faults
from support.sample_models import Held, version_of

from replicate.local import ManualClock, Model
from replicate.local import server as local_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from replicate.local import Server

DOCUMENT = Path(__file__).parents[2] / "docs" / "processes.md"
SECTION = DOCUMENT.read_text("utf-8").partition("## Signals")[2] if DOCUMENT.exists() else ""
BLOCKS = re.findall(r"```python\n(.*?)```", SECTION, re.DOTALL) or ["", "", ""]
HANDLERS, ASYNCIO, WORK = BLOCKS

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="signals"),
    pytest.mark.skipif(not SECTION, reason="the documents stay behind when the installed wheel is tested"),
]
SIGNALS = [
    "SIGTERM",
    pytest.param("SIGHUP", marks=pytest.mark.skipif(
        signal.getsignal(getattr(signal, "SIGHUP", signal.SIGTERM)) is signal.SIG_IGN, reason="nohup"
    )),
]  # fmt: skip
METHODS = [each for each in ("fork", "spawn", "forkserver") if each in multiprocessing.get_all_start_methods()]

CALLS = {
    "run": 'replicate.run("me/held", timeout=600)',
    "looking": 'replicate.run("me/held", wait=False, timeout=600)',
    "version": "list(replicate.run(sys.argv[1], timeout=600))",
    "use": 'replicate.use("me/held", timeout=600)()',
    "stream": 'list(replicate.stream("me/words", timeout=600))',
}


class Place:
    """A local server with a model that waits and a manual clock, and programs that call it."""

    def __init__(self, srv: Server, clock: ManualClock, held: Held, folder: Path) -> None:
        self.srv, self.clock, self.held, self.folder = srv, clock, held, folder

    def start(self, program: str) -> subprocess.Popen[str]:
        """Start a program from a file, as spawned processes require, and return when the model has started."""
        environment = {**os.environ, "REPLICATE_API_TOKEN": self.srv.token, "REPLICATE_BASE_URL": self.srv.base_url}
        path = self.folder / "program.py"
        path.write_text(program, "utf-8")
        command = [sys.executable, str(path), version_of(self.srv, "me/community")]
        pipes: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        started = subprocess.Popen(command, env=environment, text=True, **pipes)
        if not self.held.started.wait(30):
            started.kill()
            raise AssertionError(started.communicate())
        return started

    @property
    def statuses(self) -> list[str]:
        return [each.status for each in self.srv.predictions]

    @property
    def told(self) -> list[str | None]:
        """The `Cancel-After` header of each create."""
        creates = [each for each in self.srv.requests if each.method == "POST" and each.path.endswith("/predictions")]
        return [each.headers.get("cancel-after") for each in creates]

    def pass_time(self, seconds: float) -> None:
        """Advance the server's clock, and return when all predictions have ended."""
        running = self.srv.predictions.running()
        self.clock.advance(seconds)
        for run in running:
            done = threading.Event()

            def look(now: Any = run, done: threading.Event = done) -> None:
                if now.finished:
                    done.set()

            with run.listening(look):
                assert run.finished or done.wait(20)


@pytest.fixture
def place(held: Held, tmp_path: Path) -> Iterator[Place]:
    def wait(prompt: str = "") -> str:
        return held.text() + prompt

    clock = ManualClock(datetime.now(UTC))  # the search for an interrupted create needs the current time
    models = {
        "me/held": Model(wait, official=True),
        "me/words": Model(held.words, official=True),
        "me/community": held.words,
    }
    with local_server(models, clock=clock) as srv:
        yield Place(srv, clock, held, tmp_path)
        held.go.set()


def ended(program: subprocess.Popen[str], text: str | None = None) -> tuple[int, str]:
    """Wait for the end of a program, and return its exit status and its stderr."""
    with program:
        _, said = program.communicate(text, timeout=30)
    return program.returncode, said


@pytest.mark.parametrize("name", SIGNALS)
@pytest.mark.parametrize("call", CALLS)
def test_a_handler_that_raises_cancels(place: Place, call: str, name: str) -> None:
    """With the handlers of the document, a signal cancels as Ctrl-C does, and the program ends at once."""
    program = place.start(f"{HANDLERS}\nimport replicate\n{CALLS[call]}\n")
    program.send_signal(getattr(signal, name))
    assert ended(program) == (128 + getattr(signal, name), "")
    assert place.statuses == ["canceled"]


@pytest.mark.parametrize("name", [*SIGNALS, "SIGKILL"])
@pytest.mark.parametrize("call", CALLS)
def test_without_a_handler_only_the_api_cancels(place: Place, call: str, name: str) -> None:
    """Without handlers the prediction goes on until the API cancels it, at the time that the create has set."""
    program = place.start(f"import sys\nimport replicate\n{CALLS[call]}\n")
    program.send_signal(getattr(signal, name))
    assert ended(program)[0] == -getattr(signal, name)
    assert place.statuses == ["processing"]
    assert place.told == ["600s"]
    place.pass_time(600)
    assert place.statuses == ["canceled"]
    assert not [each for each in place.srv.requests if each.path.endswith("/cancel")]


@pytest.mark.parametrize("name", SIGNALS)
def test_a_task_is_canceled(place: Place, name: str) -> None:
    """The program for asyncio cancels, too."""
    program = place.start(ASYNCIO.replace("owner/model", "me/held"))
    program.send_signal(getattr(signal, name))
    status, said = ended(program)
    assert status == 1
    assert said.rstrip().endswith("CancelledError")
    assert place.statuses == ["canceled"]


@pytest.mark.parametrize("name", [*SIGNALS, "SIGKILL"])
def test_a_task_that_is_killed(place: Place, name: str) -> None:
    """Without handlers the asyncio program's prediction goes on. The API was told when to cancel it."""
    program = place.start(re.sub(r".*add_signal_handler.*", "        pass", ASYNCIO).replace("owner/model", "me/held"))
    program.send_signal(getattr(signal, name))
    assert ended(program)[0] == -getattr(signal, name)
    assert (place.statuses, place.told) == (["processing"], ["600s"])


TERMINATE = """
if __name__ == "__main__":
    import sys
    process = multiprocessing.get_context({method!r}).Process(target=work, args=("a boat",))
    process.start()
    sys.stdin.read()  # until the model has begun
    process.{end}()
    process.join()
    print(process.exitcode, file=sys.stderr)
"""


def working(method: str, end: str) -> str:
    """Return the document's program with another main part, start method and way to end the process."""
    work, mark, _ = WORK.partition('if __name__ == "__main__":')
    assert mark
    handlers = HANDLERS.removesuffix("heed_signals()\n")  # the child sets them
    return f"{handlers}\n{work}\n{TERMINATE.format(method=method, end=end)}".replace("owner/model", "me/held")


@pytest.mark.parametrize("method", METHODS)
def test_a_process_is_terminated(place: Place, method: str) -> None:
    """`Process.terminate` cancels the child's prediction, if the child has set the handlers."""
    program = place.start(working(method, "terminate"))
    assert ended(program, "") == (0, "143\n")
    assert place.statuses == ["canceled"]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("end", ["terminate", "kill"])
def test_a_process_is_terminated_without_handlers(place: Place, end: str, method: str) -> None:
    """Without handlers, and after `Process.kill`, the prediction goes on until the API cancels it."""
    program = working(method, end)
    if end == "terminate":
        program = re.sub(r"def work(.*)\n    heed_signals\(\)\n", r"def work\1\n", program)
        assert program.count("heed_signals()") == 1  # its definition
    number = signal.SIGTERM if end == "terminate" else signal.SIGKILL
    assert ended(place.start(program), "") == (0, f"-{number}\n")
    assert (place.statuses, place.told) == (["processing"], ["600s"])
    place.pass_time(600)
    assert place.statuses == ["canceled"]


POOL = """
import multiprocessing
import replicate

def run(prompt):
    return replicate.run("me/held", input={{"prompt": prompt}}, timeout=600)

if __name__ == "__main__":
    with multiprocessing.get_context({method!r}).Pool(1, initializer=heed_signals) as pool:
        result = pool.apply_async(run, ("a cat",))
        sys.stdin.read()
"""


@pytest.mark.parametrize("method", METHODS)
def test_a_pool_is_left(place: Place, method: str) -> None:
    """The end of a pool's block terminates its processes, which cancel if the initializer has set the handlers."""
    handlers = HANDLERS.removesuffix("heed_signals()\n")
    program = place.start(handlers + POOL.format(method=method))
    assert ended(program, "")[0] == 0
    assert place.statuses == ["canceled"]


THREAD = """
import threading
import replicate

thread = threading.Thread(target=replicate.run, args=("me/held",), kwargs={{"wait": False}}, daemon={daemon})
thread.start()
try:
    threading.Event().wait()
finally:
    print("left", flush=True)
"""


@pytest.mark.parametrize("daemon", [False, True])
def test_a_call_in_another_thread(place: Place, *, daemon: bool) -> None:
    """The main thread gets the exception: Python waits for other threads, and cancels a daemon thread's prediction."""
    program = place.start(HANDLERS + THREAD.format(daemon=daemon))
    program.send_signal(signal.SIGTERM)
    assert program.stdout
    assert program.stdout.readline() == "left\n"
    if not daemon:
        assert place.statuses == ["processing"]
        place.held.finish(place.srv)
    assert ended(program)[0] == 143
    assert place.statuses == ["canceled" if daemon else "succeeded"]


ALARM = """
import signal
import sys
import replicate

def alarm(number, frame):
    raise TimeoutError("alarm")

signal.signal(signal.SIGTERM, alarm)
try:
    {call}
except Exception as error:
    print(f"{{type(error).__name__}} {{error.__cause__!r}}", file=sys.stderr)
"""


def test_a_handler_that_raises_what_looks_like_a_connection_s_timeout(held: Held, tmp_path: Path) -> None:
    """A TimeoutError of a handler ends the call and cancels; it is a RunError, for nobody must make the call again."""
    with held.served({"me/held": Model(held.text, official=True), "me/community": held.words}) as srv:
        place = Place(srv, ManualClock(datetime.now(UTC)), held, tmp_path)
        program = place.start(ALARM.format(call=CALLS["run"]))
        program.send_signal(signal.SIGTERM)
        assert ended(program) == (0, "RunError TimeoutError('alarm')\n")
        assert place.statuses == ["canceled"]
        held.go.set()


@pytest.mark.parametrize("raised", [TimeoutError, ConnectionResetError, OSError])
@pytest.mark.parametrize("streamed", [False, True])
def test_a_handler_s_error_is_none_of_the_connection(raised: type[OSError], *, streamed: bool) -> None:
    """It is raised as it is, and the request is not sent again: before an answer, and while its content is read."""
    if not streamed and raised is not TimeoutError:
        pytest.skip("httpcore goes on after what looks like an error of writing")
    error = raised("alarm")

    def alarm(_: int, frame: Any) -> None:
        assert frame
        raise error

    def read(client: Any) -> None:
        if not streamed:
            client.get("/account")  # whose server sends the signal
            return
        with client.get("/account", stream=True) as response:
            signal.setitimer(signal.ITIMER_REAL, 0.05)
            response.read()

    before = signal.signal(signal.SIGALRM, alarm)
    try:
        with (
            Faults(STALLED if streamed else interrupting(signal.SIGALRM)) as server,
            connect("blocking", base_url=server.base_url) as client,
        ):
            with pytest.raises(raised, match="alarm") as caught:
                read(client)
            assert len(server.requests) == 1
            assert caught.value is error
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
