"""The recipes for CI: what they run is run here, in a repository with a remote."""

from __future__ import annotations

import os
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

import resnet_inspect
from resnet_inspect import ir_json
from tests.diffs.test_command import git
from tests.support.command import run

ROOT = Path(__file__).parents[2]
RECIPES = Path(resnet_inspect.__file__).parent / "recipes"
CONFIG = '[models.backbone]\nmodel = "resnet18"\nbaseline = "baselines/backbone.json"\nmax-params = "12M"\n'


@pytest.fixture
def branch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone whose branch has accepted another network than its remote's main."""
    origin, clone = tmp_path / "origin", tmp_path / "clone"
    origin.mkdir()
    git(origin, "init", "--quiet", "--initial-branch", "main")
    (origin / "resnet-inspect.toml").write_text(CONFIG)
    (origin / "baselines").mkdir()
    monkeypatch.chdir(origin)
    assert run("check", "backbone", "--update-baseline", "--reason", "the first").returncode == 0
    git(origin, "add", ".")
    git(origin, "commit", "--quiet", "-m", "the first")
    git(tmp_path, "clone", "--quiet", str(origin), str(clone))
    monkeypatch.chdir(clone)
    (clone / "resnet-inspect.toml").write_text(CONFIG + "args = { num_classes = 10 }\n")
    assert run("check", "backbone", "--update-baseline", "--reason", "ten classes").returncode == 0
    return clone


def shell(command: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """A line of a recipe, with this environment's resnet-inspect found first."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-e", "-c", command],
        cwd=folder,
        env={**os.environ, "PATH": path, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def installs(command: str) -> bool:
    """Whether a line installs the package, which is here already."""
    return command.startswith("pip install ")


def test_github_actions(branch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (RECIPES / "github-actions.yml").read_text()
    (job,) = yaml.safe_load(text)["jobs"].values()
    assert job["steps"][0]["with"]["fetch-depth"] == 0
    commands = [step["run"] for step in job["steps"] if "run" in step]
    assert not any("${{" in command for command in commands)
    (install,) = filter(installs, commands)
    assert "'resnet-inspect[torch]'" in install
    summary = branch / "step.md"
    check, comment = (command for command in commands if not installs(command))
    job_has = {"GITHUB_STEP_SUMMARY": str(summary), "GITHUB_BASE_REF": "main"}
    done = shell(check, branch, **job_has)
    assert (done.returncode, done.stderr) == (0, "")
    assert "1 model, 6 checks: 6 passed, 0 failed" in done.stdout
    assert "title=backbone base origin/main...::-508 k parameters: fc width 1000 → 10" in done.stdout
    assert "| ~ | fc | Linear |" in summary.read_text()
    assert (branch / "report.html").is_file()

    (branch / "resnet-inspect.toml").write_text(CONFIG)
    refused = shell(check, branch, **job_has)
    assert refused.returncode == 1
    assert refused.stdout.startswith("::error file=resnet-inspect.toml,line=")
    written = shell(f"{comment} --dry-run", branch)
    assert (written.returncode, written.stderr) == (0, "")
    assert "differs from its baseline" in written.stdout


def test_the_workflow_behind_another_takes_nothing_of_the_pull_request() -> None:
    text = (RECIPES / "github-actions-comment.yml").read_text()
    workflow = yaml.safe_load(text)
    assert workflow[True]["workflow_run"]["workflows"] == [  # YAML takes "on" for a truth
        yaml.safe_load((RECIPES / "github-actions.yml").read_text())["name"]
    ]
    assert workflow["permissions"] == {"actions": "read", "pull-requests": "write"}
    (job,) = workflow["jobs"].values()
    assert not any("checkout" in step.get("uses", "") for step in job["steps"])
    assert not any("${{" in step.get("run", "") for step in job["steps"])
    (pattern,) = (step["with"]["pattern"] for step in job["steps"] if "download" in step.get("uses", ""))
    (first,) = yaml.safe_load((RECIPES / "github-actions.yml").read_text())["jobs"].values()
    action = yaml.safe_load((ROOT / "action.yml").read_text())["runs"]["steps"]
    for steps in (first["steps"], action):
        names = [step["with"]["name"] for step in steps if "upload" in step.get("uses", "")]
        assert len([name for name in names if fnmatch(name, pattern)]) == 1


def test_gitlab(branch: Path) -> None:
    job: dict[str, Any] = yaml.safe_load((RECIPES / "gitlab-ci.yml").read_text())["model"]
    commands = [command for command in job["script"] if not installs(command)]
    assert len(commands) == len(job["script"]) - 1
    script = "\n".join(commands)
    done = shell(script, branch, CI_MERGE_REQUEST_TARGET_BRANCH_NAME="main")
    assert done.returncode == 0, done.stderr
    assert "| ~ | fc | Linear | out\\_features 1000 → 10" in (branch / "report.md").read_text()
    report = ElementTree.parse(branch / job["artifacts"]["reports"]["junit"]).getroot()
    assert [suite.get("name") for suite in report] == ["backbone"]
    (branch / "resnet-inspect.toml").write_text(CONFIG)
    assert shell(script, branch, CI_MERGE_REQUEST_TARGET_BRANCH_NAME="main").returncode == 1


def test_pre_commit(branch: Path) -> None:
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert {"id", "name", "entry", "language"} <= set(hook)
    assert (hook["language"], hook["pass_filenames"]) == ("python", False)
    assert shell(hook["entry"], branch).returncode == 0
    (branch / "resnet-inspect.toml").write_text(CONFIG)
    assert shell(hook["entry"], branch).returncode == 1


def test_the_accepted_reasons_travel_with_the_baseline(branch: Path) -> None:
    assert ir_json.loads((branch / "baselines/backbone.json").read_bytes()).reasons == ("the first", "ten classes")
