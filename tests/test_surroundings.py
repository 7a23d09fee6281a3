"""The tests pass, however their run was started."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]
# As when a shell starts a program in the background, or a program does not wait for its children; Python does not
# reset these signals.
START = """
import signal, sys, pytest

signal.signal(signal.SIGINT, signal.SIG_IGN)
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
sys.exit(pytest.main(sys.argv[1:]))
"""
TESTS = (
    "client/test_leaving.py::test_ctrl_c[run-it waits-blocking]",  # interrupts a program
    "client/test_at_the_end.py::test_python_exits[by sys.exit-run]",  # checks how a program ends
    "client/test_at_the_end.py::test_collected_amid_a_request[run]",  # checks what a program prints
    "core/test_tls.py::test_an_unknown_authority_is_refused",  # verifies certificates
)
ODD = {
    "REPLICATE_API_TOKEN": "r8_another",
    "REPLICATE_BASE_URL": "http://127.0.0.1:9/v1",
    "REPLICATE_LOG": "debug",
    "HTTP_PROXY": "http://127.0.0.1:9",
    "https_proxy": "http://127.0.0.1:9",
    "NO_PROXY": "*",
    "SSL_CERT_FILE": os.devnull,
}


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_tests_pass_in_the_background() -> None:
    """Ignored and blocked signals and environment variables do not affect the tests, nor the programs they start."""
    done = subprocess.run(
        [sys.executable, "-c", START, "-q", "-p", "no:cacheprovider", *(f"tests/{test}" for test in TESTS)],
        cwd=PROJECT,
        env={**os.environ, **ODD},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(TESTS)} passed" in done.stdout
