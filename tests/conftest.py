"""What all tests share: `support` can be imported, and the surroundings have no say."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import settings

sys.path.insert(0, str(Path(__file__).parent))

settings.register_profile("repeatable", deadline=None, derandomize=True)
settings.register_profile("few", deadline=None, derandomize=True, max_examples=10)  # for the installed wheel
settings.register_profile("explore", deadline=None, max_examples=3000)  # pytest --hypothesis-profile=explore
settings.load_profile("repeatable")


@pytest.fixture(autouse=True)
def _no_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the environment's token, address and proxies out of the tests, and what they learn off the disk."""
    monkeypatch.setenv("REPLICATE_CACHE_DIR", "")
    for name in ("REPLICATE_API_TOKEN", "REPLICATE_BASE_URL", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture(autouse=True)
def _nothing_claimed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each test know nothing of the creates of others: the ids in many answers that are made up are the same."""
    if recovery := sys.modules.get("replicate.resources.recovery"):
        monkeypatch.setattr(recovery, "ledger", recovery.Ledger())
