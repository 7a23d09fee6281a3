"""The scripts that set up, check and build the project: their checks before they do any work."""

from __future__ import annotations

import os
import shutil
import subprocess
import sysconfig
import venv
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]
PROGRAMS = [*sorted((PROJECT / "scripts").glob("*.sh")), PROJECT / ".ci" / "run"]

pytestmark = pytest.mark.skipif(
    not (PROJECT / "scripts").is_dir(), reason="the scripts are not here: a wheel is tested"
)


def setup(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [PROJECT / "scripts" / "setup.sh", *arguments]
    return subprocess.run(
        command, env={**os.environ, **environment}, cwd="/", capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
def test_programs_stop_at_the_first_error(program: Path) -> None:
    """Every script is an executable bash program that stops at errors, unset names and broken pipes."""
    assert os.access(program, os.X_OK)
    lines = program.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "#!/usr/bin/env bash"
    assert "set -euo pipefail" in lines
    subprocess.run(["bash", "-n", program], check=True)


def test_ci_runs_the_documented_command() -> None:
    """CI starts with the test command of the README, and then checks style, generated code and the wheel."""
    steps = [line.split()[1] for line in PROGRAMS[-1].read_text().splitlines() if line.startswith("step ")]
    assert steps == ["./scripts/test.sh", "./scripts/lint.sh", "./scripts/regen.sh", "./scripts/wheel.sh"]


def test_setup_refuses_unknown_purposes() -> None:
    """An unknown purpose is refused with a list of the known ones."""
    refused = setup("tests")
    assert refused.returncode == 2
    assert "choose dev or demo" in refused.stderr


def test_setup_says_what_to_do_without_python() -> None:
    """If Python is not found, setup says what to install or set."""
    refused = setup(PYTHON="no-such-python")
    assert refused.returncode == 1
    assert "install Python 3.11 or newer, or set PYTHON" in refused.stderr


def test_setup_says_what_to_do_with_an_old_python(tmp_path: Path) -> None:
    """A Python that is too old is refused with its version and a remedy, before anything is changed."""
    old = tmp_path / "python"
    old.write_text(
        '#!/bin/sh\n[ "$1" != - ] || { printf "import sys; sys.version_info = (3, 9); sys.version = \'3.9.18\'\\n"; '
        "cat; } | exec python3 -\n"
    )
    old.chmod(0o755)
    refused = setup(PYTHON=str(old))
    assert refused.returncode == 1
    assert "is Python 3.9.18, and 3.11 or newer is needed" in refused.stderr


def test_every_slow_test_exists(pytestconfig: pytest.Config) -> None:
    """The list of what takes long names files and folders that exist."""
    conftest = pytestconfig.pluginmanager.get_plugin(str(PROJECT / "tests" / "conftest.py"))
    assert conftest
    assert [name for name in conftest.SLOW if not (PROJECT / "tests" / name).exists()] == []


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Make a small project with setup.sh and an environment whose pip only prints its arguments."""
    (tmp_path / "scripts").mkdir()
    shutil.copy(PROJECT / "scripts" / "setup.sh", tmp_path / "scripts")
    (tmp_path / "pyproject.toml").write_text("")
    venv.create(tmp_path / ".venv", symlinks=True)
    packages = Path(sysconfig.get_path("purelib", "posix_prefix", {"base": str(tmp_path / ".venv")}))
    (packages / "pip").mkdir()
    (packages / "pip" / "__main__.py").write_text("import sys; print('pip', *sys.argv[1:])")
    return tmp_path


def asked_of_pip(project: Path, *arguments: str) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHON"}
    command = [project / "scripts" / "setup.sh", *arguments]
    return subprocess.run(command, env=environment, cwd="/", capture_output=True, text=True, check=True).stdout


def test_setup_installs_once(project: Path) -> None:
    """A complete environment is kept until pyproject.toml changes; one for development also serves the demo."""
    assert ".[dev]" in asked_of_pip(project)
    assert asked_of_pip(project) == ""
    assert asked_of_pip(project, "demo") == ""
    (project / "pyproject.toml").write_text("# changed")
    assert ".[local]" in asked_of_pip(project, "demo")
    assert ".[dev]" in asked_of_pip(project)


def test_setup_keeps_an_environment_of_the_same_python(project: Path) -> None:
    """A change of pyproject.toml adds to the environment, and removes nothing."""
    kept = project / ".venv" / "kept"
    kept.touch()
    asked_of_pip(project)
    assert kept.exists()


def test_mocked_requires_a_published_client() -> None:
    """Without a version, the script lists the published clients, and installs nothing."""
    command = [PROJECT / "scripts" / "mocked.sh"]
    refused = subprocess.run(command, cwd="/", capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert "which published client: 1.0.7 or 2.0.0b4?" in refused.stderr


def browser(path: Path) -> subprocess.CompletedProcess[str]:
    command = [shutil.which("bash") or "bash", PROJECT / "scripts" / "browser.sh"]
    return subprocess.run(command, env={"PATH": str(path)}, capture_output=True, text=True, check=False)


def test_a_browser_is_installed_only_if_possible(tmp_path: Path) -> None:
    """If no browser can be installed, the script says so without an error; if there is one, it does nothing."""
    refused = browser(tmp_path)
    assert refused.returncode == 0
    assert "there is no browser, and none is installed" in refused.stderr
    (tmp_path / "chromium").write_text("#!/bin/sh\n")
    (tmp_path / "chromium").chmod(0o755)
    assert (browser(tmp_path).returncode, browser(tmp_path).stderr) == (0, "")
