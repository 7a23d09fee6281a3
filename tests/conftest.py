"""What all tests share: `support` can be imported, and the surroundings have no say."""

from __future__ import annotations

import os
import re
import signal
import sys
from pathlib import Path

import pytest
from hypothesis import settings

sys.path.insert(0, str(Path(__file__).parent))

settings.register_profile("repeatable", deadline=None, derandomize=True)
settings.register_profile("few", deadline=None, derandomize=True, max_examples=10)  # for the installed wheel
settings.register_profile("explore", deadline=None, max_examples=3000)  # pytest --hypothesis-profile=explore
settings.load_profile("repeatable")


def pytest_configure() -> None:
    """Start the run, and each worker of pytest-xdist, as if from a terminal with nothing of Replicate set.

    A shell starts `command &` with SIGINT ignored. The programs that tests start would inherit that, and Python heeds
    Ctrl-C only where SIGINT is not ignored when it starts.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if "REPLICATE_RECORD" not in os.environ:  # set by scripts/record.sh, with the token that tests/replay reads
        for name in named("REPLICATE_.+"):
            del os.environ[name]  # here already: the package reads REPLICATE_LOG when it is imported


def named(pattern: str) -> list[str]:
    """Return the environment variables whose names match a pattern, in upper or lower case."""
    return [name for name in os.environ if re.fullmatch(pattern, name.upper())]


@pytest.fixture(autouse=True)
def _no_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the environment's token, address and proxies out of the tests."""
    for name in named("REPLICATE_.+|(HTTP|HTTPS|ALL|NO)_PROXY"):
        monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def _nothing_claimed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each test know nothing of the creates of others: the ids in many answers that are made up are the same."""
    if recovery := sys.modules.get("replicate.resources.recovery"):
        monkeypatch.setattr(recovery, "ledger", recovery.Ledger())
