"""How long a whole process takes that imports a client, or imports it and gets one prediction.

Each round runs every process once, so that a noisy moment of the machine affects all of them alike. CPU time is the
process's own user and system time, and is steadier than wall time.
"""

from __future__ import annotations

import os
import subprocess
import time
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING

from clients import CERTIFIED, OURS, RAW, V1, V2

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from replicate.local import Server

GOALS = """
- `import replicate` takes {import_ms:.1f} ms of wall time more than bare Python (the goal: at most 10 ms).
- `import replicate` and a first `predictions.get` take {wall:.2f}× the wall time and {cpu:.2f}× the CPU time of the
  same call by raw httpx (the goal: at most 1.15×). With the certificates loaded, as for a server that speaks TLS,
  that is {wall_tls:.2f}× and {cpu_tls:.2f}×.
"""


@dataclass
class Process:
    """A program to run as a process, and the times in milliseconds that its runs took."""

    name: str
    command: list[str]
    environment: Mapping[str, str]
    wall: list[float] = field(default_factory=list[float])
    cpu: list[float] = field(default_factory=list[float])

    def run(self) -> None:
        """Run the process, require exit status 0, and record the times."""
        started = time.perf_counter()
        process = subprocess.Popen(self.command, env=self.environment, stdin=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, self.command)
        self.wall.append(wall * 1000)
        self.cpu.append((usage.ru_utime + usage.ru_stime) * 1000)


def report(server: Server, prediction: str, rounds: int) -> str:
    """Measure against a server that has the prediction; return a Markdown table and the results for our goals."""
    clients = (RAW, OURS, V1, V2)
    getters = (RAW, OURS, CERTIFIED, V1, V2)
    settings = {client: client.settings(server.base_url, server.token, PREDICTION=prediction) for client in getters}
    bare = Process("bare Python", RAW.command("pass"), settings[RAW])
    imports = [
        Process(f"import: {client.name}", client.command(f"import {client.package}"), settings[client])
        for client in clients
    ]
    gets = [Process(f"get: {client.name}", client.command(client.get), settings[client]) for client in getters]

    measure([bare, *imports, *gets], rounds)
    rows = [row(process, bare, imports[0]) for process in (bare, *imports)]
    rows += [row(process, bare, gets[0]) for process in gets]
    goals = GOALS.format(
        import_ms=median(imports[1].wall) - median(bare.wall),
        wall=median(gets[1].wall) / median(gets[0].wall),
        cpu=median(gets[1].cpu) / median(gets[0].cpu),
        wall_tls=median(gets[2].wall) / median(gets[0].wall),
        cpu_tls=median(gets[2].cpu) / median(gets[0].cpu),
    )
    return "\n".join((*HEAD, *rows)) + "\n" + goals


def measure(processes: Iterable[Process], rounds: int) -> None:
    """Run all processes in turn, repeatedly, after one round that only warms the caches."""
    for process in processes:
        process.run()
        process.wall.clear()
        process.cpu.clear()
    for _ in range(rounds):
        for process in processes:
            process.run()


HEAD = (
    "| | wall ms, median | least | CPU ms, median | least | × bare Python, wall | CPU | × raw httpx, wall | CPU |",
    "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
)


def row(process: Process, *references: Process) -> str:
    """Write a row of the table: the times, and their medians as multiples of each reference's."""
    times = [f"{figure(times):.1f}" for times in (process.wall, process.cpu) for figure in (median, min)]
    ratios = [
        f"{median(times) / median(reference):.2f}"
        for other in references
        for times, reference in ((process.wall, other.wall), (process.cpu, other.cpu))
    ]
    return f"| {' | '.join([process.name, *times, *ratios])} |"
