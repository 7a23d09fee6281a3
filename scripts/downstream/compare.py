"""Run the packages of packages.toml with two clients, and write the results. See ../downstream.sh."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
PROJECT = HERE.parents[1]
HOME = PROJECT / ".downstream"
PAGE = PROJECT / "docs" / "downstream.md"
WORKS = "works"
CRASH = "to the end"
LONGEST = 600  # seconds that a driver may take
# Without these, packages send usage data to their makers, or check for updates.
QUIET = {"SENTRY_OPT_OUT": "1", "AGNO_TELEMETRY": "false", "HF_HUB_OFFLINE": "1"}

Outcome = dict[str, str]  # what was driven: the error, or nothing


class Row(NamedTuple):
    """One line of the table."""

    package: str
    version: str
    what: str
    published: str
    ours: str
    remark: str

    @property
    def worse(self) -> bool:
        """Return whether this works with the published client only."""
        return self.ours != WORKS and (self.published == WORKS or self.what == CRASH)


def run(*command: str | Path) -> str:
    """Run a program, and return its output. If it fails, show its output and exit."""
    done = subprocess.run(command, text=True, capture_output=True, check=False)
    if done.returncode:
        sys.stderr.write(done.stdout + done.stderr)
        raise SystemExit(f"downstream.sh: {command[0]} has failed with status {done.returncode}")
    return done.stdout


class Environment:
    """A virtual environment, which is recreated when its requirements have changed."""

    def __init__(self, name: str, requirements: list[str], *options: str) -> None:
        self.folder = HOME / name
        self.python = self.folder / "bin" / "python"
        wanted = "\n".join([sys.version, *options, *requirements])
        stamp = self.folder / "requirements.txt"
        if not stamp.is_file() or stamp.read_text(encoding="utf-8") != wanted:
            shutil.rmtree(self.folder, ignore_errors=True)
            run(sys.executable, "-m", "venv", self.folder)
            self.install(*options, requirements[0])
            if requirements[1:]:
                self.install(*requirements[1:])
            stamp.write_text(wanted, encoding="utf-8")

    def install(self, *what: str | Path) -> None:
        """Install with pip, which may report conflicts."""
        self.pip("install", *what)

    def pip(self, command: str, *arguments: str | Path) -> None:
        """Run pip."""
        run(self.python, "-m", "pip", command, "-qq", "--disable-pip-version-check", *arguments)

    def ask(self, question: str) -> str:
        """Evaluate an expression with the names of importlib.metadata in the environment; return the result as text."""
        return run(self.python, "-c", f"from importlib.metadata import *; print({question})").strip()


def build() -> Path:
    """Return a wheel of this client."""
    tools = Environment("build", ["build"])
    with tempfile.TemporaryDirectory() as folder:
        run(tools.python, "-m", "build", "--wheel", "--outdir", folder, PROJECT)
        [wheel] = Path(folder).glob("*.whl")
        return Path(shutil.copy(wheel, HOME / wheel.name))


@contextlib.contextmanager
def serving(server: Environment, folder: Path) -> Iterator[dict[str, str]]:
    """Serve the models; yield the environment variables by which clients find them."""
    with (
        (folder / "server.log").open("w") as log,
        subprocess.Popen(
            [server.python, HERE / "models.py", folder],
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        ) as process,
    ):
        assert process.stdin  # noqa: S101 - for the type checker
        assert process.stdout  # noqa: S101
        with process.stdin:
            line = process.stdout.readline()
            if not line:
                raise SystemExit(f"downstream.sh: the server has not started\n{(folder / 'server.log').read_text()}")
            address = json.loads(line)
            yield {
                "REPLICATE_BASE_URL": address["base_url"],
                "REPLICATE_API_TOKEN": address["token"],
                "SSL_CERT_FILE": str(folder / "ca.pem"),
                "REQUESTS_CA_BUNDLE": str(folder / "ca.pem"),
            }


def drive(package: dict[str, Any], environment: Environment, server: Environment, version: str) -> Outcome:
    """Run the driver of a package with the client that is installed in its environment."""
    name = package["name"]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        home, outcome, log = folder / "home", folder / "outcome", HOME / f"{name}-{version}.log"
        home.mkdir()
        outcome.touch()
        own: dict[str, str | Path] = {
            "HOME": home,
            "DRIVEN_WITH": version,
            "OUTCOME": outcome,
            "PYTHONPATH": HERE,
            "REPLICATE_CACHE_DIR": folder / "cache",
            "SOURCES": environment.folder / "sources",
        }
        with serving(server, folder) as found, log.open("w") as said:
            kept = {variable: value for variable, value in os.environ.items() if not variable.startswith("REPLICATE_")}
            # -P, because a driver has the name of its package
            command: list[str | Path] = [environment.python, "-P", HERE / "drivers" / f"{name.replace('-', '_')}.py"]
            variables: dict[str, str | Path] = {**kept, **QUIET, **own, **found}
            options: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": said, "stderr": said, "timeout": LONGEST}
            status: int | None = None
            try:
                status = subprocess.run(command, cwd=home, env=variables, check=False, **options).returncode
            except subprocess.TimeoutExpired:
                said.write(f"stopped after {LONGEST} s\n")
        done = {line["what"]: steady(line["error"]) for line in map(json.loads, outcome.open(encoding="utf-8"))}
    if status != 0:
        lines = log.read_text(encoding="utf-8").splitlines() or [f"status {status}"]
        done[CRASH] = steady(lines[-1])
    return done


def steady(error: str) -> str:
    """Return the text of an error without the parts that differ in every run."""
    error = re.sub(r"https://127\.0\.0\.1:\d+", "https://…", error)
    error = re.sub(r"0x[0-9a-f]{6,}|\b[0-9a-z]{26}\b|\b[0-9a-f]{32,64}\b", "…", error)
    return error if len(error) <= 160 else f"{error[:159]}…"


def sources(package: dict[str, Any], environment: Environment) -> None:
    """Fetch the source distribution of a package, for its tests."""
    folder = environment.folder / "sources"
    if folder.is_dir():
        return
    with tempfile.TemporaryDirectory() as scratch:
        wanted = f"{package['name']}=={package['version']}"
        environment.pip("download", "--no-deps", "--no-binary", package["name"], "--dest", scratch, wanted)
        [archive] = Path(scratch).glob("*.tar.gz")
        with tarfile.open(archive) as opened:
            opened.extractall(scratch, filter="data")
        shutil.move(next(path for path in Path(scratch).iterdir() if path.is_dir()), folder)


def compare(package: dict[str, Any], published: str, wheel: Path, server: Environment) -> list[Row]:
    """Run the driver of one package with both clients; return the rows of the table."""
    name, version = package["name"], package["version"]
    options = ["--no-deps"] if package.get("only") else []
    environment = Environment(name, [f"{name}=={version}", *package.get("with", [])], *options)
    if package.get("tests"):
        sources(package, environment)
    outcomes: list[Outcome] = []
    for client, number in ((f"replicate=={published}", published), (wheel, wheel.name.split("-")[1])):
        environment.install(client)
        if client == wheel:
            environment.install("--force-reinstall", "--no-deps", client)
        outcomes.append(drive(package, environment, server, number))
    theirs, ours = outcomes
    if CRASH in theirs:  # a requirement is missing, or the driver is wrong
        raise SystemExit(f"downstream.sh: the driver of {name} has failed: {theirs[CRASH]}")
    remarks: dict[str, str] = package.get("remarks", {})
    rows = [
        Row(name, version, what, shown(theirs.get(what)), shown(ours.get(what)), remarks.get(what, ""))
        for what in {**theirs, **ours}
    ]
    about = "; ".join(filter(None, [declared(name, environment), remarks.get("", ""), rows[0].remark]))
    return [rows[0]._replace(remark=about), *rows[1:]]


def declared(name: str, environment: Environment) -> str:
    """Return a remark if the requirements of a package exclude this client."""
    found = environment.ask(f"[line for line in requires({name!r}) or () if line.startswith('replicate')]")
    limits = re.findall(r"<=?[\d.]+", found)
    return f"declares `replicate{limits[0]}`: pip warns of that" if limits else ""


def shown(error: str | None) -> str:
    """Return the cell of the table for an outcome."""
    if error is None:
        return "not reached"
    return "fails: {}".format(error.replace("|", "\\|")) if error else WORKS


def page(rows: list[Row], published: str) -> str:
    """Return the document."""
    intro = f"""\
# Packages that use this client

Written by `scripts/downstream.sh`, which a workflow runs once a week. It installs packages by other people that use
`replicate`, each in its own environment, and runs their Replicate part with the published {published} and with this
client, against the [local server](local.md). Each package has a driver in `scripts/downstream/drivers`, which does the
same with both clients and checks each result. Versions are pinned in `scripts/downstream/packages.toml`. The script
fails if anything works with {published} only.

| package | version | what was driven | with {published} | with this | remark |
|---|---|---|---|---|---|
"""
    return intro + "".join(f"| {' | '.join(row)} |\n".replace("|  |", "| |") for row in rows)


def main(names: list[str]) -> int:
    """Run the packages that are named, or all; return the exit status."""
    table = tomllib.loads((HERE / "packages.toml").read_text(encoding="utf-8"))
    published, packages = table["published"], table["package"]
    if unknown := set(names) - {package["name"] for package in packages}:
        sys.stderr.write(f"downstream.sh: there is no {', '.join(sorted(unknown))} in packages.toml\n")
        return 2
    HOME.mkdir(exist_ok=True)
    wheel = build()
    server = Environment("server", [f"{wheel}[local]", "trustme==1.2.1"])
    server.install("--force-reinstall", "--no-deps", wheel)
    rows: list[Row] = []
    for package in packages:
        if not names or package["name"] in names:
            print(f"- {package['name']} {package['version']}", file=sys.stderr, flush=True)
            rows += compare(package, published, wheel, server)
    if names:
        print(page(rows, published), end="")
    else:
        PAGE.write_text(page(rows, published), encoding="utf-8")
    worse = [row for row in rows if row.worse]
    for row in worse:
        sys.stderr.write(f"downstream.sh: {row.package}, {row.what}: {row.ours}\n")
    return 1 if worse else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
