"""The workflows: pinned, with few permissions, on every Python, and without untrusted values in shell scripts."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

PROJECT = Path(__file__).parents[1]
PATHS = sorted((PROJECT / ".github" / "workflows").glob("*.yml"))
WORKFLOWS: dict[str, Any] = {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in PATHS}
JOBS = {f"{name}.{key}": job for name, workflow in WORKFLOWS.items() for key, job in workflow["jobs"].items()}
STEPS = [step for job in JOBS.values() for step in job["steps"]]

if not PATHS:
    pytest.skip("the workflows are not here: a wheel is tested", allow_module_level=True)

each_workflow = pytest.mark.parametrize("name", WORKFLOWS)
each_job = pytest.mark.parametrize("name", JOBS)


def triggers(name: str) -> Any:
    """Return the triggers of a workflow; YAML 1.1 reads the key `on` as true."""
    return WORKFLOWS[name][True]


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_actions_are_pinned(path: Path) -> None:
    """Every action is pinned to a full commit, with its version in a comment."""
    uses = re.findall(r"uses: *(.*)", path.read_text(encoding="utf-8"))
    assert uses
    assert [use for use in uses if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", use)] == []


@each_workflow
def test_workflow_has_no_permissions_by_default(name: str) -> None:
    """A workflow has no permissions of its own, and runs once at a time."""
    assert WORKFLOWS[name]["permissions"] == {}
    assert WORKFLOWS[name]["concurrency"]["group"]


@each_job
def test_job_has_a_timeout(name: str) -> None:
    """Every job is stopped after at most half an hour."""
    assert JOBS[name]["timeout-minutes"] <= 30


def test_only_one_job_may_write() -> None:
    """Only the job that proposes the update may write; all others may only read the code."""
    rights = {name: job["permissions"] for name, job in JOBS.items()}
    assert rights.pop("regenerate.propose") == {"contents": "write", "pull-requests": "write"}
    assert all(right == {"contents": "read"} for right in rights.values())


def test_job_that_may_write_runs_no_code_of_the_update() -> None:
    """The job that may write runs only git and gh: no script of the project, no Python, no generated code."""
    scripts = [step["run"] for step in JOBS["regenerate.propose"]["steps"] if "run" in step]
    assert len(scripts) == 2
    assert [script for script in scripts if re.search(r"python|pip|scripts/|\.ci/|source |eval ", script)] == []


def test_checkouts_leave_no_credentials() -> None:
    """No checkout leaves its token in the working copy."""
    checkouts = [step for step in STEPS if step.get("uses", "").startswith("actions/checkout@")]
    assert checkouts
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


def test_scripts_take_values_from_the_environment() -> None:
    """No expression is inserted into a shell script: values are passed as environment variables."""
    assert [step["run"] for step in STEPS if "${{" in step.get("run", "")] == []


def test_ci_runs_what_a_contributor_runs() -> None:
    """CI runs .ci/run and nothing else, on every Python from 3.11 to 3.14, for pushes and pull requests."""
    job = JOBS["ci.run"]
    assert [step["run"] for step in job["steps"] if "run" in step] == ["bash .ci/run"]
    assert job["strategy"]["matrix"]["python"] == ["3.11", "3.12", "3.13", "3.14"]
    [setup] = [step["with"] for step in job["steps"] if step.get("uses", "").startswith("actions/setup-python@")]
    versions = setup["python-version"].split("\n")
    assert versions[:2] == ["3.13", "${{ matrix.python }}"], "the last one is python3; regen.sh needs a 3.11 or newer"
    assert set(triggers("ci")) == {"push", "pull_request"}


def test_classifiers_name_the_versions_that_ci_tests() -> None:
    """The package claims exactly the Python versions that CI tests."""
    claimed = re.findall(r"Python :: (3\.\d+)", (PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    assert claimed == JOBS["ci.run"]["strategy"]["matrix"]["python"]


def test_regeneration_is_daily_and_by_hand() -> None:
    """The API's description is checked once a day, and on demand."""
    [schedule] = triggers("regenerate")["schedule"]
    minute, hour, *rest = schedule["cron"].split()
    assert minute.isdigit()
    assert hour.isdigit()
    assert rest == ["*", "*", "*"]
    assert "workflow_dispatch" in triggers("regenerate")


def test_downstream_is_weekly_and_by_hand() -> None:
    """Packages that use the client are tested once a week, and on demand."""
    [schedule] = triggers("downstream")["schedule"]
    minute, hour, *rest, weekday = schedule["cron"].split()
    assert minute.isdigit()
    assert hour.isdigit()
    assert weekday.isdigit()
    assert rest == ["*", "*"]
    assert set(triggers("downstream")) == {"schedule", "workflow_dispatch"}
    assert "./scripts/downstream.sh" in [step.get("run") for step in JOBS["downstream.compare"]["steps"]]


def test_random_examples_are_explored_weekly_and_by_hand() -> None:
    """Once a week, tests with random examples run with more and other examples than in ci."""
    [schedule] = triggers("explore")["schedule"]
    assert schedule["cron"].split()[2:4] == ["*", "*"]
    assert set(triggers("explore")) == {"schedule", "workflow_dispatch"}
    [test] = [step for step in JOBS["explore.test"]["steps"] if "run" in step]
    assert test["run"] == "./scripts/test.sh -m hypothesis --hypothesis-profile=explore"
    assert int(test["env"]["FAULT_PLANS"]) >= 10_000


def test_regeneration_proposes_only_what_changed() -> None:
    """Without a change, nothing is generated and no pull request is opened; breaking changes are labeled."""
    compare, propose = JOBS["regenerate.compare"], JOBS["regenerate.propose"]
    assert propose["if"] == "needs.compare.outputs.changed == 'true'"
    assert set(compare["outputs"]) == {"changed", "breaking"}
    texts = "\n".join(step.get("run", "") for step in compare["steps"])
    order = [
        "regen.sh --check",
        "api.replicate.com/openapi.json",
        "prose.py",
        "changes.py",
        "regen.sh --spec",
        "test.sh",
    ]
    assert [texts.index(word) for word in order] == sorted(texts.index(word) for word in order)
    assert "--add-label breaking" in propose["steps"][-1]["run"]
