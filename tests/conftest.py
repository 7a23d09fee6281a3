"""Shared by all tests: `support` can be imported, and the environment has no effect."""

from __future__ import annotations

import gc
import os
import re
import signal
import sys
from pathlib import Path

import pytest
from hypothesis import settings

TESTS = Path(__file__).parent
sys.path.insert(0, str(TESTS))

settings.register_profile("repeatable", deadline=None, derandomize=True)
settings.register_profile("few", deadline=None, derandomize=True, max_examples=10)  # for a quick run
settings.register_profile("explore", deadline=None, max_examples=1000)  # for the workflow of this name
settings.load_profile("repeatable")


SLOW = (
    "client/test_at_the_end.py",
    "client/test_broken_environments.py",
    "client/test_error_trackers.py",
    "client/test_hostile_logs.py",
    "client/test_http_libraries.py",
    "client/test_interrupted_connections.py",
    "client/test_leaving.py",
    "client/test_leaving_streams.py",
    "client/test_lost_answers.py",
    "client/test_many_at_once.py",
    "client/test_pickles.py",
    "client/test_processes.py",
    "client/test_public_names.py",
    "client/test_riding_out.py",
    "client/test_sent_whole.py",
    "client/test_signals.py",
    "client/test_token_in_frames.py",
    "codegen",
    "compat/test_paths.py",
    "core/test_deadlines.py",
    "core/test_outside_text.py",
    "core/test_pacing.py",
    "core/test_pages.py",
    "core/test_proxies.py",
    "core/test_transport.py",
    "core/test_wire.py",
    "files/test_chaining.py",
    "files/test_data_uris.py",
    "files/test_killed.py",
    "files/test_strangers.py",
    "files/test_uploads.py",
    "mocked",
    "notebooks/test_notebook.py",
    "outputs/test_page.py",
    "reliability",
    "test_demo.py",
    "test_scripts.py",
    "test_surroundings.py",
)
"""Where most time goes. `./scripts/test.sh --quick --durations 30` shows what to add."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--quick", action="store_true", help="leave out what takes long (SLOW in tests/conftest.py)")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out the slow tests of a quick run."""
    if not config.getoption("--quick") or TESTS not in collection_path.parents:
        return None
    return collection_path.relative_to(TESTS).as_posix() in SLOW or None


def pytest_configure(config: pytest.Config) -> None:
    """Start the run, and each worker of pytest-xdist, as if from a terminal without any setting of Replicate."""
    if config.getoption("--quick"):
        settings.load_profile("few")
    heed_signals()
    if "REPLICATE_RECORD" not in os.environ:  # set by scripts/record.sh, with the token that tests/replay reads
        for name in named("REPLICATE_.+"):
            del os.environ[name]  # before the tests start: the package reads REPLICATE_LOG when it is imported
    os.environ["REPLICATE_CACHE_DIR"] = ""


def pytest_collection_finish() -> None:
    """Let the collector of garbage pass over the collected tests: it is called a thousand times, and they are many."""
    gc.collect()
    gc.freeze()


def heed_signals() -> None:
    """Undo what was ignored or blocked when the run began, since the programs that tests start inherit it.

    A shell starts `command &` with SIGINT ignored, and Python handles Ctrl-C only if it is not ignored at the start.
    If SIGCHLD is ignored, all programs seem to end with 0. SIGHUP stays as it is: `nohup` applies to the whole run.
    """
    for name, handler in (("SIGINT", signal.default_int_handler), ("SIGCHLD", signal.SIG_DFL)):
        number = getattr(signal, name, None)  # Windows has no SIGCHLD
        if number and signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, handler)
    if sys.platform != "win32":
        signal.pthread_sigmask(signal.SIG_SETMASK, ())


def named(pattern: str) -> list[str]:
    """Return the environment variables whose names match a pattern, in upper or lower case."""
    return [name for name in os.environ if re.fullmatch(pattern, name.upper())]


@pytest.fixture(autouse=True)
def _no_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the environment's token, base URL, proxies and certificates."""
    for name in named("REPLICATE_.+|(HTTP|HTTPS|ALL|NO)_PROXY|SSL_CERT_(FILE|DIR)"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("REPLICATE_CACHE_DIR", "")  # no test sees what another has cached


@pytest.fixture(autouse=True)
def _nothing_claimed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide other tests' creates from each test, because many fake responses have the same ids."""
    if recovery := sys.modules.get("replicate._jobs.recovery"):
        books = sys.modules["replicate._jobs.create_registry"].CreateRegistry()
        for module in (recovery, sys.modules["replicate._jobs.ownership"]):
            monkeypatch.setattr(module, "create_registry", books)
