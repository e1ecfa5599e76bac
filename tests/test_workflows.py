"""What the workflows of GitHub may do: nothing beyond what each of their jobs needs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

FOLDER = Path(__file__).parents[1] / ".github" / "workflows"


def jobs(name: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = yaml.safe_load((FOLDER / name).read_text())["jobs"]
    return found


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.yml")), ids=lambda file: file.name)
def test_a_workflow_reads_and_runs_versions_that_are_named(file: Path) -> None:
    workflow = yaml.safe_load(file.read_text())
    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        assert job["timeout-minutes"]
        for step in job["steps"]:
            assert "@" in step.get("uses", "@")
            # What somebody else may have written reaches a script by the environment alone.
            assert "${{ github." not in step.get("run", "")


def test_only_the_job_that_publishes_may_sign() -> None:
    allowed = {name: job.get("permissions", {}) for name, job in jobs("release.yml").items()}
    assert allowed == {"build": {}, "test": {}, "publish": {"id-token": "write"}}
    publish = jobs("release.yml")["publish"]
    assert (publish["if"], publish["environment"]) == ("github.ref_type == 'tag'", "pypi")
    assert publish["needs"] == ["build", "test"]
    # It runs nothing of the repository: what was built and tested is what is published.
    assert [step["uses"].partition("@")[0] for step in publish["steps"]] == [
        "actions/download-artifact",
        "pypa/gh-action-pypi-publish",
    ]
