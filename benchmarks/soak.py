"""Soak test: many calls at once for minutes, through a relay that spoils 5 % of the requests, with random Ctrl-C.

    python benchmarks/soak.py [--minutes 10] [--seed 1] [--threads 64] [--calls 100] [--tasks 2000]

Rounds of 64 threads with 100 calls each and rounds of 2,000 tasks take turns, each with new clients of one process.
After each round, the books of the local server are compared with what the calls have returned or raised: no prediction
is started twice, none is lost, and none goes on that nobody waits for. No thread or open file may be left, and the
memory must not grow. The exit status is 1 if any of this does not hold.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import json
import os
import random
import re
import resource
import signal
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator  # noqa: TC003 - the annotations are the models' schemas
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from replicate.local import Server

SPOILED = 0.05
"""The fraction of requests that a fault meets."""
GROWTH = 1.25
"""How much larger the process may be after the last round than after the second of its kind."""
PATIENCE = 60.0
"""Seconds for which predictions may go on after a round."""
BODIES = {
    502: b"<html>Bad Gateway</html>",
    503: b'{"detail": "busy"}',
    429: b'{"detail": "slow down", "retry_after": 1}',
}
FAULTS = ("reset before", "reset after", "close after", "502 after", "html after", "429", "503")


# ---- the server's side


def echo(text: str) -> str:
    """Return the text, after a moment."""
    time.sleep(random.random() * 0.05)
    return text


def words(text: str) -> Iterator[str]:
    """Yield the text word by word."""
    for word in text.split(" "):
        yield word + " "


def endless(text: str) -> Iterator[str]:
    """Yield without end."""
    while True:
        yield text
        time.sleep(0.05)


class Relay:
    """Passes HTTP/1.1 on between clients and a server, in a thread of its own, and spoils some of the requests."""

    def __init__(self, port: int, seed: int) -> None:
        self.spoiled = Counter[str]()
        self.port = 0
        self._target, self._random = port, random.Random(seed)
        self._loop = asyncio.new_event_loop()
        self._tasks = set[Any]()  # a loop does not keep its tasks
        listening = threading.Event()
        threading.Thread(target=self._run, args=(listening,), daemon=True).start()
        listening.wait()

    def _run(self, listening: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=4096))
        self.port = server.sockets[0].getsockname()[1]
        listening.set()
        self._loop.run_forever()

    async def _serve(self, client: asyncio.StreamReader, answer: asyncio.StreamWriter) -> None:
        self._tasks.add(task := asyncio.current_task())
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            server, request = await asyncio.open_connection("127.0.0.1", self._target)
            try:
                await self._relay(client, answer, server, request)
            finally:
                request.close()
        answer.close()
        self._tasks.discard(task)

    async def _relay(
        self,
        client: asyncio.StreamReader,
        answer: asyncio.StreamWriter,
        server: asyncio.StreamReader,
        request: asyncio.StreamWriter,
    ) -> None:
        pump: asyncio.Task[None] | None = None
        try:
            while True:
                head = await client.readuntil(b"\r\n\r\n")
                length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
                body = await client.readexactly(int(length[1]) if length else 0)
                fault = self._random.choice(FAULTS) if self._random.random() < SPOILED else None
                if fault is not None:
                    self.spoiled[fault] += 1
                    if fault.isdigit():
                        answer.write(made(int(fault)))
                        return await answer.drain()
                    if fault == "reset before":
                        return answer.transport.abort()
                if pump is not None and fault is not None:
                    pump.cancel()
                    await asyncio.wait({pump})
                request.write(head + body)
                if fault is not None:
                    await server.read(65536)
                    return await spoil(answer, fault)
                pump = pump or asyncio.ensure_future(copy(server, answer))
        finally:
            if pump is not None:
                pump.cancel()


def made(status: int) -> bytes:
    """Return a response that closes the connection."""
    body = BODIES.get(status, b"<html>Hello</html>")
    return b"HTTP/1.1 %d Any\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % (status, len(body)) + body


async def copy(server: asyncio.StreamReader, answer: asyncio.StreamWriter) -> None:
    """Pass the server's responses on."""
    with contextlib.suppress(OSError):
        while chunk := await server.read(65536):
            answer.write(chunk)
            await answer.drain()
    answer.close()


async def spoil(answer: asyncio.StreamWriter, fault: str) -> None:
    """Give the client something else than the response that has come."""
    match fault:
        case "reset after":
            answer.transport.abort()
        case "502 after" | "html after":
            answer.write(made(502 if fault.startswith("502") else 200))
            await answer.drain()
        case _:
            pass


# ---- the process that calls


class Notes:
    """What became of each call, one line of JSON each."""

    def __init__(self, path: str) -> None:
        self._file = Path(path).open("a", encoding="utf-8")  # noqa: SIM115 - open until the process ends
        self._lock = threading.Lock()

    def add(self, **note: Any) -> None:
        """Write a line."""
        with self._lock:
            self._file.write(json.dumps(note) + "\n")
            self._file.flush()


class Caller:
    """Makes calls of all kinds, of one colour, and notes what becomes of them."""

    def __init__(self, notes: Notes, versions: dict[str, str], seed: str) -> None:
        from replicate import AsyncReplicate, Replicate

        self.notes, self.versions = notes, versions
        self.random = random.Random(seed)
        self.blocking, self.awaited = Replicate(max_retries=5), AsyncReplicate(max_retries=5)

    def pick(self, text: str) -> tuple[str, Callable[[], Any], Callable[[], Any]]:
        """Return a kind of call, and how each colour makes it."""
        sync, other, spoken = self.blocking, self.awaited, f"me/words:{self.versions['me/words']}"

        async def joined(items: Any) -> str:
            if isinstance(items, list):  # the look-up that shows that they come one by one has failed
                return "".join(map(str, items))
            return "".join([str(item) async for item in items])

        async def by_version() -> str:
            return await joined(await other.run(spoken, {"text": text}))

        match self.random.random():
            case below if below < 0.6:
                kind = "run", lambda: sync.run("me/echo", {"text": text}), lambda: other.run("me/echo", {"text": text})
            case below if below < 0.75:
                kind = "use", lambda: sync.use("me/echo")(text=text), lambda: other.use("me/echo")(text=text)
            case below if below < 0.85:
                kind = "version", lambda: "".join(map(str, sync.run(spoken, {"text": text}))), by_version
            case below if below < 0.95:
                kind = (
                    "stream",
                    lambda: "".join(map(str, sync.stream("me/talk", {"text": text}))),
                    lambda: joined(other.stream("me/talk", {"text": text})),
                )
            case _:
                late: Any = {"input": {"text": text}, "timeout": 2}
                kind = "endless", lambda: sync.run("me/endless", **late), lambda: other.run("me/endless", **late)
        return kind

    def note(self, text: str, kind: str, result: Any = None, error: BaseException | None = None) -> None:
        """Note the end of a call."""
        from replicate import AmbiguousCreateError, ReplicateException, RunError

        if error is None:
            outcome = "right" if str(result).strip() == text else f"wrong: {result!r}"
        elif not isinstance(error, ReplicateException):
            outcome = "interrupted" if isinstance(error, (KeyboardInterrupt, asyncio.CancelledError)) else "foreign"
        elif isinstance(error, AmbiguousCreateError):
            outcome = "in doubt"
        else:
            outcome = "carried" if isinstance(error, RunError) else "not started"
        made = getattr(getattr(error, "prediction", None), "id", None)
        self.notes.add(
            text=text, kind=kind, outcome=outcome, id=made, error=error and f"{type(error).__name__}: {error}"
        )


def in_threads(caller: Caller, name: str, many: int, calls: int) -> None:
    """Make the calls of one round in threads. Ctrl-C interrupts those of the main thread."""

    def work(worker: int) -> None:
        for number in range(calls):
            text = f"{name} {worker} {number}"
            kind, call, _ = caller.pick(text)
            try:
                caller.note(text, kind, call())
            except Exception as error:  # noqa: BLE001 - it is noted
                caller.note(text, kind, error=error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(many)]
    for thread in threads:
        thread.start()
    number = 0
    while any(thread.is_alive() for thread in threads):
        text, number = f"{name} main {number}", number + 1
        kind, call, _ = caller.pick(text)
        try:
            with interruptible():
                result = call()
            caller.note(text, kind, result)
        except BaseException as error:  # noqa: BLE001 - it is noted
            caller.note(text, kind, error=error)
    for thread in threads:
        thread.join()


def in_tasks(caller: Caller, name: str, many: int) -> None:
    """Make the calls of one round in tasks, and cancel some. Ctrl-C cancels all that are under way."""
    left = list(range(many))

    async def work(number: int) -> None:
        text = f"{name} task {number}"
        kind, _, call = caller.pick(text)
        try:
            caller.note(text, kind, await call())
        except BaseException as error:
            caller.note(text, kind, error=error)
            if isinstance(error, asyncio.CancelledError):
                raise

    async def main() -> None:
        stop = interruptible(asyncio.current_task())
        tasks = list[asyncio.Task[None]]()
        with stop:
            while left:
                tasks.append(asyncio.ensure_future(work(left.pop())))
                await asyncio.sleep(0)
            for task in tasks:
                if caller.random.random() < 0.02:
                    asyncio.get_running_loop().call_later(caller.random.random() * 10, task.cancel)
            await asyncio.gather(*tasks, return_exceptions=True)

    while left:
        with contextlib.suppress(asyncio.CancelledError):
            asyncio.run(main())


class interruptible:  # noqa: N801 - used like a function
    """A block in which SIGINT is Ctrl-C, once. Elsewhere, it is ignored. A task is canceled, as by `asyncio.run`."""

    def __init__(self, task: asyncio.Task[Any] | None = None) -> None:
        self._task = task

    def __enter__(self) -> None:
        signal.signal(signal.SIGINT, self._interrupt)

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    def _interrupt(self, *_: object) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second one would end the loop before its tasks
        if self._task is None:
            raise KeyboardInterrupt
        self._task.cancel()


def work(arguments: argparse.Namespace) -> None:
    """Make rounds of calls, one for each line of the standard input, which names it. Answer with what is left."""
    import logging

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.basicConfig(filename=arguments.log, level=logging.WARNING)
    notes, versions = Notes(arguments.notes), json.loads(arguments.versions)
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    for line in sys.stdin:
        name = line.strip()
        caller = Caller(notes, versions, name)
        if name.startswith("threads"):
            in_threads(caller, name, arguments.threads, arguments.calls)
        else:
            in_tasks(caller, name, arguments.tasks)
        caller.blocking.close()
        asyncio.run(caller.awaited.close())
        del caller
        gc.collect()
        left = [thread.name for thread in threading.enumerate() if thread is not threading.main_thread()]
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        size = pages * resource.getpagesize() / 2**20
        print(json.dumps({"threads": left, "files": len([*Path("/proc/self/fd").iterdir()]), "MB": size}), flush=True)


# ---- the comparison


class Round:
    """One round: what the calls have noted, and what the server has started."""

    def __init__(self, notes: list[dict[str, Any]], started: Iterable[Any], log: str) -> None:
        self.notes, self.log = notes, log
        self.outcomes = Counter[str](note["outcome"].partition(":")[0] for note in notes)
        self.books = defaultdict[str, list[Any]](list)
        for each in started:
            self.books[each.input["text"]].append(each)

    def faults(self) -> Iterator[str]:
        """Yield what must not be."""
        noted = Counter(note["text"] for note in self.notes)
        yield from (f"{text} is noted {times} times" for text, times in noted.items() if times > 1)
        yield from (f"{text} has no note" for text in self.books if text not in noted)
        for note in self.notes:
            yield from (f"{note['text']} ({note['kind']}): {fault}" for fault in self._faults(note))

    def _faults(self, note: dict[str, Any]) -> Iterator[str]:
        started, outcome = self.books[note["text"]], note["outcome"]
        if len(started) > 1:
            yield f"started {len(started)} times"
        if outcome.startswith(("wrong", "foreign")):
            yield f"{outcome} {note['error']}"
        if outcome == "right" and not started:
            yield "returned something that was never started"
        if outcome == "not started" and started:
            yield f"raised {note['error']}, and was started"
        if outcome == "carried" and [each.id for each in started] != [note["id"]]:
            yield f"raised {note['error']} with another prediction, or none"
        for each in started:
            if not each.finished and each.id not in self.log and outcome != "in doubt":
                yield f"{outcome}, and {each.id} goes on without a warning"


def settle(server: Server) -> None:
    """Wait until the server's predictions have ended, apart from those that never do."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and any(not each.finished for each in server.predictions):
        time.sleep(0.2)


class Worker:
    """The process that calls."""

    def __init__(self, arguments: argparse.Namespace, server: Server, relay: Relay, folder: str) -> None:
        self._notes, self._log = Path(folder, "notes"), Path(folder, "log")
        self._server, self._chance = server, random.Random(arguments.seed)
        sizes = {name: getattr(arguments, name) for name in ("threads", "calls", "tasks")}
        versions = json.dumps({"me/words": version_of(server, "me/words")})
        how = {"notes": self._notes, "log": self._log, "versions": versions, **sizes}
        settings = {
            "REPLICATE_API_TOKEN": server.token,
            "REPLICATE_BASE_URL": f"http://127.0.0.1:{relay.port}/v1",
            "REPLICATE_CACHE_DIR": "",
        }
        self.process = subprocess.Popen(
            [sys.executable, __file__, *(f"--{name}={value}" for name, value in how.items())],
            env={**os.environ, **settings},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def round(self, name: str) -> tuple[Round, dict[str, Any]]:
        """Make the calls of one round while Ctrl-C is pressed at random. Return them, and what is left behind."""
        self._notes.write_text("", encoding="utf-8")
        self._log.write_text("", encoding="utf-8")
        assert self.process.stdin is not None  # noqa: S101 - a pipe
        assert self.process.stdout is not None  # noqa: S101 - a pipe
        self.process.stdin.write(f"{name}\n")
        self.process.stdin.flush()
        over = threading.Event()
        pressing = threading.Thread(target=press, args=(self.process, over, random.Random(self._chance.random())))
        pressing.start()
        left = json.loads(self.process.stdout.readline())
        over.set()
        pressing.join()
        settle(self._server)
        notes = [json.loads(line) for line in self._notes.read_text(encoding="utf-8").splitlines()]
        return Round(notes, self._server.predictions, self._log.read_text(encoding="utf-8")), left

    def end(self) -> int:
        """Let the process end, and return its exit status."""
        assert self.process.stdin is not None  # noqa: S101 - a pipe
        self.process.stdin.close()
        return self.process.wait()


def soak(arguments: argparse.Namespace) -> int:
    """Make rounds until the time is over, and print a line for each. Return the number of faults."""
    from tempfile import TemporaryDirectory

    from replicate.local import Model
    from replicate.local import server as local_server

    official = {"me/echo": echo, "me/talk": words, "me/endless": endless}
    models: Any = {name: Model(function, official=True) for name, function in official.items()} | {"me/words": words}
    end, faults, number = time.monotonic() + arguments.minutes * 60, 0, 0
    sizes = defaultdict[str, list[float]](list)
    with TemporaryDirectory() as folder, local_server(models) as server:
        relay = Relay(server.port, arguments.seed)
        worker = Worker(arguments, server, relay, folder)
        while number < 2 or time.monotonic() < end:
            way, begun = ("threads", "tasks")[number % 2], time.monotonic()
            made, left = worker.round(f"{way} {number}")
            found = [*made.faults(), *(f"{thread} is left behind" for thread in left["threads"])]
            sizes[f"MB after {way}"].append(left["MB"])
            sizes[f"files after {way}"].append(left["files"])
            outcomes = ", ".join(f"{many} {what}" for what, many in made.outcomes.most_common())
            took, spoiled = time.monotonic() - begun, relay.spoiled.total()
            print(f"{way} {number}: {outcomes} in {took:.0f} s; {spoiled} requests spoiled so far", flush=True)
            for fault in found[:20]:
                print(f"  FAULT {fault}", flush=True)
            faults, number = faults + len(found), number + 1
            for version in {each.version for each in server.predictions}:
                server.predictions.forget(version)
        faults += worker.end() != 0
    for what, seen in sizes.items():
        grown = len(seen) > 2 and seen[-1] > seen[1] * GROWTH
        print(f"{what}: {' '.join(f'{each:.0f}' for each in seen)}{' FAULT it grows' if grown else ''}")
        faults += grown
    print(f"{faults} faults")
    return faults


def press(process: subprocess.Popen[str], over: threading.Event, chance: random.Random) -> None:
    """Press Ctrl-C at random until a round is over."""
    while not over.wait(0.3 + chance.random() * 3):
        process.send_signal(signal.SIGINT)


def version_of(server: Server, name: str) -> str:
    """Return the id of a model's version."""
    from replicate import Replicate

    with Replicate(bearer_token=server.token, base_url=server.base_url) as client:
        found = client.models.get(name).latest_version
    return str(found and found.id)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Call the local server for minutes, with faults and Ctrl-C.")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=64)
    parser.add_argument("--calls", type=int, default=100)
    parser.add_argument("--tasks", type=int, default=2000)
    parser.add_argument("--notes", help=argparse.SUPPRESS)
    parser.add_argument("--log", help=argparse.SUPPRESS)
    parser.add_argument("--versions", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.notes:
        work(given)
    else:
        sys.exit(1 if soak(given) else 0)
