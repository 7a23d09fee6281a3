"""What a page of a list costs, beside raw httpx that parses the same JSON: the id and the status of each item are read.

The server is a few lines in a process of its own, which answers every request with one page of predictions. Both
clients are in one process and take turns, request by request, so that whatever else the machine does happens to both.
"""

from __future__ import annotations

import json
import socketserver

from clients import OURS, RAW, canned

ITEMS = 100
"""Predictions of a page, as many as the API gives."""
REQUESTS = 400
"""Of each client."""
ROUNDS = 5
"""Processes."""
MOST = 1.2
"""Times the CPU time of raw httpx, at most."""

_MEASURE = """
import json, os, time
from statistics import median
import httpx, replicate

url, token = os.environ["REPLICATE_BASE_URL"], os.environ["REPLICATE_API_TOKEN"]
items, requests = int(os.environ["ITEMS"]), int(os.environ["REQUESTS"])
raw, ours = httpx.Client(headers={"Authorization": "Bearer " + token}), replicate.Client()
def by_httpx():
    return [(each["id"], each["status"]) for each in json.loads(raw.get(url + "/predictions").content)["results"]]
def by_page():
    return [(each.id, each.status) for each in ours.predictions.list()]
assert by_httpx() == by_page() and len(by_page()) == items
times = {by_httpx: [], by_page: []}
for number in range(requests + 20):
    for read in times if number % 2 else reversed(times):
        began = time.process_time_ns()
        read()
        times[read].append((time.process_time_ns() - began) / 1000)
raw.close(), ours.close()
print(json.dumps([median(each[20:]) for each in times.values()]))
"""


def report(rounds: int = ROUNDS) -> str:
    """Run the program several times; return a Markdown table of its median run."""
    found = []
    with canned(__file__) as url:
        for _ in range(rounds):
            by_httpx, by_page = OURS.measured(_MEASURE, url, ITEMS=str(ITEMS), REQUESTS=str(REQUESTS))
            found.append((by_page / by_httpx, by_httpx, by_page))
    ratio, by_httpx, by_page = sorted(found)[rounds // 2]
    return "\n".join(
        [
            "| | CPU µs a page | × raw httpx |",
            "| --- | ---: | ---: |",
            f"| {RAW.name} and `json.loads` | {by_httpx:,.0f} | 1.00 |",
            f"| {OURS.name} | {by_page:,.0f} | {ratio:.2f} |",
        ]
    )


def prediction(number: int) -> dict[str, object]:
    """Give a prediction as the API has it in a list."""
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


class Page(socketserver.StreamRequestHandler):
    """Answers every request with the same page."""

    CONTENT = json.dumps({"previous": None, "next": None, "results": [prediction(n) for n in range(ITEMS)]}).encode()
    HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(CONTENT)

    def handle(self) -> None:
        """Answer until the client has had enough."""
        while self.rfile.readline().strip():
            while self.rfile.readline().strip():
                pass
            self.wfile.write(self.HEAD + self.CONTENT)


def serve() -> None:
    """Serve until killed, and print the port."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Page) as server:
        server.daemon_threads = True
        print(server.server_address[1], flush=True)
        server.serve_forever()


if __name__ == "__main__":
    serve()
