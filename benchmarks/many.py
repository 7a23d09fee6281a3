"""The cost of a call while many others run at once in the same event loop.

The server is a minimal one in its own process, which answers every request with one prediction after a short delay,
so that only the client is measured. CPU time is the client process's own.
"""

from __future__ import annotations

import asyncio
import json
from statistics import median

from clients import OURS, RAW, V2, Client, canned

SECONDS = 0.05
"""How long the server takes to answer."""
LEVELS = (1, 100, 500)
"""Numbers of concurrent calls."""
CALLS = 1000
"""Calls of each measurement, at the higher levels."""

_MEASURE = """
import asyncio, json, os, time
def measure(make):
    async def main():
        client, get = make()
        async with client:
            await times(get, int(os.environ["MANY"]))
    async def times(get, many):
        rounds = max(3, int(os.environ["CALLS"]) // many) if many > 1 else 40
        await asyncio.gather(*(get() for _ in range(many)))
        cpu, wall = time.process_time(), time.perf_counter()
        for _ in range(rounds):
            answers = await asyncio.gather(*(get() for _ in range(many)))
            assert {answer if isinstance(answer, str) else answer.status for answer in answers} == {"succeeded"}
        calls = many * rounds / 1000
        print(json.dumps([(time.process_time() - cpu) / calls, (time.perf_counter() - wall) / calls]))
    asyncio.run(main())
url, token = os.environ["REPLICATE_BASE_URL"], os.environ["REPLICATE_API_TOKEN"]
"""
_RAW = """
import httpx{more}
def make():
    client = {client}
    headers = {{"Authorization": "Bearer " + token}}
    async def get():
        answer = await client.get(url + "/predictions/p1", headers=headers)
        return answer.json()["status"]
    return client, get
measure(make)
"""
_OURS = """
import httpx, replicate
def make():
    client = replicate.AsyncReplicate({options})
    return client, lambda: client.predictions.get({argument}"p1")
measure(make)
"""
_WIDE = "timeout=60, limits=httpx.Limits(max_connections=1000)"
_HTTPX = _RAW.format(more="", client=f"httpx.AsyncClient({_WIDE})")
_AIOHTTP = _RAW.format(more=", httpx_aiohttp", client=f"httpx_aiohttp.HttpxAiohttpClient({_WIDE})")
_OURS_BY_AIOHTTP = _OURS.format(options=f"http_client=replicate.DefaultAioHttpClient({_WIDE})", argument="")

PROGRAMS: tuple[tuple[Client, str, str], ...] = (
    (RAW, "", _HTTPX),
    (RAW, " by httpx-aiohttp", _AIOHTTP),
    (OURS, "", _OURS.format(options="", argument="")),
    (OURS, " by DefaultAioHttpClient", _OURS_BY_AIOHTTP),
    (V2, "", _OURS.format(options="", argument="prediction_id=")),
)


def report(rounds: int = 3) -> str:
    """Run every program at every level, in turn, several times; return a Markdown table."""
    lines = [
        "| | calls at once | CPU ms a call | wall ms a call | × raw httpx, CPU | wall |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    with canned(__file__) as url:
        for many in LEVELS:
            found: dict[int, list[list[float]]] = {number: [] for number in range(len(PROGRAMS))}
            for _ in range(rounds):
                for number, (client, _, program) in enumerate(PROGRAMS):
                    found[number].append(run(client, program, url, many))
            medians = {number: [median(each) for each in zip(*times, strict=True)] for number, times in found.items()}
            for number, (client, way, _) in enumerate(PROGRAMS):
                (cpu, wall), (raw_cpu, raw_wall) = medians[number], medians[0]
                lines.append(
                    f"| {client.name}{way} | {many} | {cpu:.2f} | {wall:.2f} "
                    f"| {cpu / raw_cpu:.2f} | {wall / raw_wall:.2f} |"
                )
    return "\n".join(lines)


def run(client: Client, program: str, url: str, many: int) -> list[float]:
    """Run a program; return the milliseconds of CPU time and of wall time that a call took."""
    return client.measured(_MEASURE + program, url, MANY=str(many), CALLS=str(CALLS))


class Canned(asyncio.Protocol):
    """Answers every request with the same prediction."""

    BODY = json.dumps(
        {"id": "p1", "version": "v", "status": "succeeded", "input": {}, "output": "HELLO", "logs": "", "error": None}
        | {
            "created_at": "2026-01-01T00:00:00Z",
            "model": "a/b",
            "data_removed": False,
            "urls": {"get": "", "cancel": ""},
        }
    ).encode()
    ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport, for the answers."""
        self.transport, self.received = transport, b""

    def data_received(self, data: bytes) -> None:
        """Answer each complete request after the delay."""
        *requests, self.received = (self.received + data).split(b"\r\n\r\n")
        for _ in requests:
            asyncio.get_running_loop().call_later(SECONDS, self.answer)

    def answer(self) -> None:
        """Answer, unless the connection is closed."""
        if isinstance(self.transport, asyncio.WriteTransport) and not self.transport.is_closing():
            self.transport.write(self.ANSWER)


async def serve() -> None:
    """Serve until killed, and print the port."""
    server = await asyncio.get_running_loop().create_server(Canned, "127.0.0.1", 0, backlog=2048)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve())
