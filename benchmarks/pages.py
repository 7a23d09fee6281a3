"""The cost of warm calls, compared with raw httpx that parses the same JSON: a run, one prediction, a page of a list.

The id and the status of each prediction are read, and the output of the run. The server is a minimal one in its own
process. Both clients run in one process and take turns, request by request, so that other work of the machine affects
both alike.
"""

from __future__ import annotations

import itertools
import json
import socketserver

from clients import OURS, RAW, canned

ITEMS = 100
"""Predictions in a page, as many as the API returns."""
REQUESTS = 400
"""Requests of each client."""
ROUNDS = 5
"""Number of processes."""
GOALS = {"`run()`, one request": 1.15, "`predictions.get`": 0.95, f"a page of {ITEMS}": 1.15}
"""What is measured, and the goal: at most this multiple of the CPU time of raw httpx."""

_MEASURE = """
import json, os, time
from statistics import median
import httpx, replicate

url, token = os.environ["REPLICATE_BASE_URL"], os.environ["REPLICATE_API_TOKEN"]
items, requests = int(os.environ["ITEMS"]), int(os.environ["REQUESTS"])
raw, ours = httpx.Client(headers={"Authorization": "Bearer " + token}), replicate.Client()
def page_by_httpx():
    return [(each["id"], each["status"]) for each in json.loads(raw.get(url + "/predictions").content)["results"]]
def page():
    return [(each.id, each.status) for each in ours.predictions.list()]
def get_by_httpx():
    found = json.loads(raw.get(url + "/predictions/p1").content)
    return [(found["id"], found["status"])]
def get():
    found = ours.predictions.get("p1")
    return [(found.id, found.status)]
def run_by_httpx():
    body = {"input": {"prompt": "An astronaut rides a horse", "steps": 28}}
    sent = raw.post(url + "/models/acme/writer/predictions", json=body, headers={"Prefer": "wait"})
    return json.loads(sent.content)["output"]
def run():
    return ours.run("acme/writer", {"prompt": "An astronaut rides a horse", "steps": 28})
assert run_by_httpx() == run()
assert page_by_httpx() == page() and len(page()) == items
assert get_by_httpx() == get() and len(get()) == 1
medians = []
for pair in ((run_by_httpx, run), (get_by_httpx, get), (page_by_httpx, page)):
    times = {each: [] for each in pair}
    for number in range(requests + 20):
        for read in times if number % 2 else reversed(times):
            began = time.process_time_ns()
            read()
            times[read].append((time.process_time_ns() - began) / 1000)
    medians += [median(each[20:]) for each in times.values()]
raw.close(), ours.close()
print(json.dumps(medians))
"""


def report(rounds: int = ROUNDS) -> str:
    """Run the program several times; return a Markdown table of its median runs."""
    with canned(__file__) as url:
        runs = [OURS.measured(_MEASURE, url, ITEMS=str(ITEMS), REQUESTS=str(REQUESTS)) for _ in range(rounds)]
    lines = [
        f"| | {RAW.name} and `json.loads`, CPU µs | {OURS.name}, CPU µs | × raw httpx | goal |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for index, (what, most) in enumerate(GOALS.items()):
        pairs = [run[2 * index : 2 * index + 2] for run in runs]
        ratio, raw, ours = sorted((ours / raw, raw, ours) for raw, ours in pairs)[rounds // 2]
        lines.append(f"| {what} | {raw:,.0f} | {ours:,.0f} | {ratio:.2f} | {most:.2f} |")
    return "\n".join(lines)


def prediction(number: int) -> dict[str, object]:
    """Return a prediction as the API shows it in a list."""
    url = f"https://api.replicate.com/v1/predictions/{number:026}"
    return {
        "id": f"{number:026}",
        "model": "acme/writer",
        "version": f"{number:064}",
        "input": {"prompt": "An astronaut rides a horse, by lamplight", "seed": number, "steps": 28},
        "logs": "Using seed: 4\n" * 4,
        "output": [f"https://replicate.delivery/xezq/{number:044}/out-0.png"],
        "data_removed": False,
        "error": None,
        "source": "api",
        "status": "succeeded",
        "created_at": f"2026-01-02T03:04:{number % 60:02}.678Z",
        "started_at": f"2026-01-02T03:04:{number % 60:02}.789Z",
        "completed_at": f"2026-01-02T03:05:{number % 60:02}.123456Z",
        "urls": {"get": url, "cancel": f"{url}/cancel", "web": f"https://replicate.com/p/{number:026}"},
        "metrics": {"predict_time": 1.234567, "total_time": 2.345678},
    }


def whole(value: object, status: bytes = b"200 OK") -> bytes:
    """Return the bytes of a response."""
    content = json.dumps(value).encode()
    return (
        b"HTTP/1.1 "
        + status
        + b"\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(content)
        + content
    )


class Answers(socketserver.StreamRequestHandler):
    """Answers a GET of the list with the page, and any other request with one prediction."""

    PAGE = whole({"previous": None, "next": None, "results": [prediction(n) for n in range(ITEMS)]})
    ONE = whole(prediction(1))
    NUMBERS = itertools.count(ITEMS)

    def handle(self) -> None:
        """Answer until the client disconnects."""
        while line := self.rfile.readline().strip():
            length = 0
            while header := self.rfile.readline().strip():
                name, _, value = header.partition(b":")
                length = int(value) if name.lower() == b"content-length" else length
            body = self.rfile.read(length)
            method, path = line.split()[:2]
            if method == b"POST":
                made = prediction(next(self.NUMBERS)) | json.loads(body) | {"output": "Once upon a time, by lamplight."}
                self.wfile.write(whole(made, b"201 Created"))
            else:
                self.wfile.write(self.PAGE if path.endswith(b"/predictions") else self.ONE)


def serve() -> None:
    """Serve until killed, and print the port."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Answers) as server:
        server.daemon_threads = True
        print(server.server_address[1], flush=True)
        server.serve_forever()


if __name__ == "__main__":
    serve()
