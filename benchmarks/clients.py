"""The clients under comparison: where each is installed, and the code of the same calls for each."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ENVIRONMENTS = Path(__file__).parents[1] / ".bench"

_GET = """
import os, replicate
assert replicate.predictions.get({argument}os.environ["PREDICTION"]).status == "succeeded"
"""
_RAW_GET = """
import os, httpx
authorization = {"Authorization": "Bearer " + os.environ["REPLICATE_API_TOKEN"]}
client = httpx.Client(base_url=os.environ["REPLICATE_BASE_URL"], headers=authorization)
assert client.get("/predictions/" + os.environ["PREDICTION"]).json()["status"] == "succeeded"
"""
_WITH_CERTIFICATES = """
import os, httpx, replicate
client = replicate.Client(verify=httpx.create_ssl_context())
assert client.predictions.get(os.environ["PREDICTION"]).status == "succeeded"
"""


@dataclass(frozen=True)
class Client:
    """One way to talk to the API: programs for its own Python, which read their settings from `os.environ`."""

    title: str
    environment: str  # a folder of ENVIRONMENTS
    package: str
    get: str
    base_path: str = "/v1"

    @property
    def name(self) -> str:
        """The title, with the version that is installed."""
        question = f"import importlib.metadata as m; print(m.version({self.package!r}))"
        answer = subprocess.run(self.command(question), check=True, capture_output=True, text=True)
        return f"{self.title} {answer.stdout.strip()}"

    def command(self, program: str) -> list[str]:
        """Return the command line that runs a program in this client's environment only."""
        return [str(ENVIRONMENTS / self.environment / "bin" / "python"), "-I", "-c", program]

    def settings(self, base_url: str, token: str, **more: str) -> dict[str, str]:
        """Return the environment variables for talking to the server at a base URL that ends in `/v1`."""
        base_url = base_url.removesuffix("/v1") + self.base_path
        return {**os.environ, "REPLICATE_BASE_URL": base_url, "REPLICATE_API_TOKEN": token, **more}

    def measured(
        self,
        program: str,
        base_url: str,
        token: str = "r8_benchmark",  # noqa: S107 - a canned server accepts any token
        **settings: str,
    ) -> list[float]:
        """Run a program that measures itself; return the numbers that it prints as JSON."""
        environment = self.settings(base_url, token, **settings)
        command = self.command(program)
        answer = subprocess.run(command, env=environment, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        times: list[float] = json.loads(answer.stdout)
        return times


RAW = Client("raw httpx", "ours", "httpx", _RAW_GET)
OURS = Client("this client,", "ours", "replicate", _GET.format(argument=""))
CERTIFIED = Client("this client with certificates,", "ours", "replicate", _WITH_CERTIFICATES)
V1 = Client("replicate", "v1", "replicate", _GET.format(argument=""), base_path="")
V2 = Client("replicate", "v2", "replicate", _GET.format(argument="prediction_id="))


@contextmanager
def canned(script: str) -> Iterator[str]:
    """Run a script that serves and prints its port in its own process; yield the base URL."""
    process = subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout  # noqa: S101 - for type checkers
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}/v1"
    finally:
        process.kill()
        process.communicate()
