"""How fast a client reads a stream of events, compared with raw httpx, which only splits the same bytes into lines.

The server is a minimal one in its own process, which writes as fast as it can and ends with `done`.
"""

from __future__ import annotations

import json
import socket

from clients import OURS, RAW, V1, Client, canned

EVENTS = 20_000
"""Events in one stream."""
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\nConnection: close\r\n"
PACKINGS = {"each": "one event", "ten": "ten events", "large": "64 kB"}
"""The content of one HTTP chunk."""
PREDICTION: dict[str, object] = {
    "id": "p1",
    "version": "v",
    "model": "a/b",
    "status": "processing",
    "input": {},
    "output": None,
    "logs": "",
    "error": None,
    "created_at": "2026-01-01T00:00:00Z",
    "data_removed": False,
}

_MEASURE = """
import json, os, time
events, url = int(os.environ["EVENTS"]), os.environ["REPLICATE_BASE_URL"]
def measure(read, expected):
    assert read() == expected
    cpu, wall = time.process_time(), time.perf_counter()
    for _ in range(3):
        read()
    print(json.dumps([(time.process_time() - cpu) / 3, (time.perf_counter() - wall) / 3]))
"""
_RAW = """
import httpx
def read():
    with client.stream("GET", url + "/streams/" + os.environ["PACKING"]) as answer:
        return sum(1 for _ in answer.iter_lines())
with httpx.Client() as client:
    measure(read, (events + 1) * 4)
"""
_STREAM = """
import replicate
prediction = replicate.predictions.get(os.environ["PACKING"])
measure(lambda: sum(1 for _ in prediction.stream()), events + 1)
"""
PROGRAMS = ((RAW, _RAW), (OURS, _STREAM), (V1, _STREAM))


def report(rounds: int = 5) -> str:
    """Run every program with every chunk size, in turn, several times; return a Markdown table of the best times."""
    lines = [
        "| | in a chunk | CPU µs an event | events a second, CPU | wall | × raw httpx, CPU | wall |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    with canned(__file__) as url:
        for packing, title in PACKINGS.items():
            found: dict[Client, list[list[float]]] = {client: [] for client, _ in PROGRAMS}
            for _ in range(rounds):
                for client, program in PROGRAMS:
                    found[client].append(run(client, program, url, packing))
            least = {client: [min(each) for each in zip(*times, strict=True)] for client, times in found.items()}
            raw_cpu, raw_wall = least[RAW]
            lines += [
                f"| {client.name} | {title} | {cpu / EVENTS * 1e6:.1f} | {EVENTS / cpu:,.0f} | {EVENTS / wall:,.0f} "
                f"| {raw_cpu / cpu:.2f} | {raw_wall / wall:.2f} |"
                for client, (cpu, wall) in least.items()
            ]
    return "\n".join(lines)


def run(client: Client, program: str, url: str, packing: str) -> list[float]:
    """Run a program; return the seconds of CPU time and of wall time that a stream took."""
    return client.measured(_MEASURE + program, url, PACKING=packing, EVENTS=str(EVENTS))


def streams() -> dict[str, bytes]:
    """Return the content of the streams, cut into HTTP chunks."""
    events = [f"event: output\nid: 1732188565123:{n}\ndata: token{n} \n\n".encode() for n in range(EVENTS)]
    events.append(b"event: done\nid: 1732188565124:0\ndata: {}\n\n")
    whole = b"".join(events)
    chunks = {
        "each": events,
        "ten": [b"".join(events[start : start + 10]) for start in range(0, len(events), 10)],
        "large": [whole[start : start + 65536] for start in range(0, len(whole), 65536)],
    }
    return {
        packing: b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
        for packing, parts in chunks.items()
    }


def serve() -> None:
    """Serve until killed, one request at a time, and print the port."""
    contents = streams()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        print(port, flush=True)
        while True:
            connection, _ = listener.accept()
            with connection, connection.makefile("rb") as lines:
                path = lines.readline().split()[1].decode()
                while lines.readline().strip():
                    pass
                packing = path.rpartition("/")[2]
                if "/streams/" in path:
                    connection.sendall(HEAD % b"text/event-stream" + b"Transfer-Encoding: chunked\r\n\r\n")
                    connection.sendall(contents[packing])
                else:
                    root = f"http://127.0.0.1:{port}/v1"
                    urls = {"get": "", "cancel": "", "stream": f"{root}/streams/{packing}"}
                    body = json.dumps({**PREDICTION, "id": packing, "urls": urls}).encode()
                    connection.sendall(HEAD % b"application/json" + b"\r\n" + body)


if __name__ == "__main__":
    serve()
