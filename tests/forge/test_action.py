"""``action.yml``: its scripts are run as a runner runs them, in a clone of a repository with a branch."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.diffs.test_command import git
from tests.support.forge import HEAD, REPOSITORY, Server

ROOT = Path(__file__).parents[2]
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text())
STEPS: list[dict[str, Any]] = ACTION["runs"]["steps"]
NETWORK = '[models.net]\nmodel = "local:resnet18"\n'
WIDER = NETWORK + "args = { num_classes = 10 }\n"
#: What an expression may ask for.
_KNOWN = re.compile(r"\$\{\{ (inputs\.[\w-]+|steps\.\w+\.outputs\.[\w-]+|github\.token|github\.action_path) \}\}")


@dataclass
class Runner:
    """What GitHub's runner does with the steps that are scripts; of the others, it keeps what they are given."""

    folder: Path
    inputs: dict[str, str]
    environment: dict[str, str]
    outputs: dict[str, dict[str, str]] = field(default_factory=dict)
    uploads: dict[str, str] = field(default_factory=dict)
    log: str = ""

    def value(self, text: str) -> str:
        """A text with its expressions filled in."""

        def found(match: re.Match[str]) -> str:
            kind, *names = match[1].split(".")
            if kind == "inputs":
                given = self.inputs.get(names[0], ACTION["inputs"][names[0]]["default"])
                return self.value(given)
            if kind == "steps":
                return self.outputs.get(names[0], {}).get(names[2], "")
            return {"token": self.environment.get("GITHUB_TOKEN", ""), "action_path": str(ROOT)}[names[0]]

        filled = _KNOWN.sub(found, text)
        assert "${{" not in filled, filled
        return filled

    def wanted(self, condition: str) -> bool:
        """Whether a step's condition holds: comparisons of texts, with ``&&``."""
        for part in condition.split(" && "):
            if part == "github.event.pull_request":
                holds = "GITHUB_EVENT_PATH" in self.environment
            else:
                left, word, right = part.split(" ")
                assert word == "!="
                holds = self.value(f"${{{{ {left} }}}}") != right.strip("'")
            if not holds:
                return False
        return True

    def run(self) -> int:
        """The exit code of the first step that fails, else 0."""
        for step in STEPS:
            if not self.wanted(step.get("if", "inputs.key != ''")):
                continue
            if "uses" in step:
                self.uploads[self.value(step["with"]["name"])] = self.value(step["with"]["path"])
                self.outputs[step.get("id", "")] = {"artifact-url": "https://github.com/them/net/artifacts/1"}
                continue
            if code := self._script(step):
                return code
        return 0

    def _script(self, step: dict[str, Any]) -> int:
        assert step["shell"] == "bash"
        said = self.folder.parent / "output"
        said.write_text("")
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        own = {name: self.value(text) for name, text in step.get("env", {}).items()}
        script = self.folder.parent / "script.sh"
        script.write_text(step["run"])
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
            cwd=self.folder,
            env={**os.environ, "PATH": path, "GITHUB_OUTPUT": str(said), **self.environment, **own},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        self.log += done.stdout
        outputs = dict(line.split("=", 1) for line in said.read_text().splitlines())
        self.outputs[step.get("id", "")] = outputs
        return done.returncode


@pytest.fixture
def runner(github: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runner:
    """A shallow checkout of pull request 7, as GitHub has it: a branch of other classes, merged into main."""
    monkeypatch.delenv("GITHUB_TOKEN")
    origin = tmp_path / "origin"
    origin.mkdir()
    git(origin, "init", "--quiet", "--initial-branch", "main")
    (origin / "resnet-inspect.toml").write_text(NETWORK)
    git(origin, "add", "."), git(origin, "commit", "--quiet", "-m", "first")
    git(origin, "checkout", "--quiet", "-b", "branch")
    (origin / "resnet-inspect.toml").write_text(WIDER)
    git(origin, "commit", "--quiet", "-am", "ten classes")
    git(origin, "checkout", "--quiet", "main")
    (origin / "other.txt").write_text("other work")
    git(origin, "add", "."), git(origin, "commit", "--quiet", "-m", "other work")
    # What GitHub builds is the merge of both, which no branch has.
    git(origin, "checkout", "--quiet", "--detach"), git(origin, "merge", "--quiet", "-m", "both", "branch")
    git(origin, "update-ref", "refs/pull/7/merge", "HEAD"), git(origin, "checkout", "--quiet", "main")
    clone = tmp_path / "clone"
    git(tmp_path, "init", "--quiet", str(clone)), git(clone, "remote", "add", "origin", f"file://{origin}")
    git(clone, "fetch", "--quiet", "--depth", "1", "origin", "+refs/pull/7/merge:refs/remotes/pull/7/merge")
    git(clone, "checkout", "--quiet", "--detach", "refs/remotes/pull/7/merge")
    sides = {
        "head": {"sha": HEAD, "repo": {"full_name": REPOSITORY}},
        "base": {"repo": {"full_name": REPOSITORY}},
    }
    (tmp_path / "event.json").write_text(json.dumps({"pull_request": {"number": 7, **sides}}))
    environment = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_BASE_REF": "main",
        "GITHUB_EVENT_NAME": "pull_request",
        "GITHUB_EVENT_PATH": str(tmp_path / "event.json"),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "step.md"),
        "GITHUB_TOKEN": "ghs_secret-token",
        "RUNNER_TEMP": str(tmp_path / "temp"),
    }
    return Runner(tmp_path / "clone", {"version": "installed"}, environment)


def test_a_branch_that_changes_a_layer_gets_a_comment(runner: Runner, github: Server) -> None:
    assert runner.run() == 0, runner.log
    (body,) = github.bodies()
    assert "#### net: origin/main → this branch\n\n**-508 k parameters (-4.34 %), -507 k MACs (-0.03 %).**" in body
    assert body.endswith("[The whole report](https://github.com/them/net/artifacts/1)")
    assert "::notice file=resnet-inspect.toml,line=1,title=net base origin/main...::-508 k parameters" in runner.log
    assert (runner.folder.parent / "step.md").read_text().startswith("### 1 model, 4 checks: 4 passed")
    report = Path(runner.uploads["resnet-inspect-report"])
    assert {path.name for path in report.iterdir()} == {"report.md", "report.html"}
    assert "resnet-inspect-comment-report" not in runner.uploads

    # Later, the branch is as main again: the comment says so.
    (runner.folder / "resnet-inspect.toml").write_text(NETWORK)
    assert runner.run() == 0
    (body,) = github.bodies()
    assert "4 passed, 0 failed" in body
    assert "-508 k" not in body


def test_where_nothing_differs_there_is_no_comment_unless_it_is_wanted(runner: Runner, github: Server) -> None:
    (runner.folder / "resnet-inspect.toml").write_text(NETWORK)
    assert runner.run() == 0, runner.log
    assert not github.comments
    runner.inputs["comment"] = "always"
    assert runner.run() == 0, runner.log
    assert len(github.comments) == 1


def test_what_fails_is_commented_and_then_fails(runner: Runner, github: Server) -> None:
    runner.inputs["fail-on"] = "params"
    assert runner.run() == 1
    assert "| net | base origin/main... | **FAIL** |" in github.bodies()[0]
    runner.inputs["comment"] = "never"
    github.comments.clear()
    assert runner.run() == 1
    assert not github.comments


def test_a_forks_run_makes_an_artifact_and_no_comment(runner: Runner, github: Server) -> None:
    event = Path(runner.environment["GITHUB_EVENT_PATH"])
    event.write_text(event.read_text().replace(REPOSITORY, "stranger/net", 1))
    assert runner.run() == 0, runner.log
    assert not github.requests
    names = {path.name for path in Path(runner.uploads["resnet-inspect-comment-report"]).iterdir()}
    assert names == {"report.md", "pull-request.json"}


def test_models_without_settings_and_values_that_would_like_to_be_commands(runner: Runner, github: Server) -> None:
    (runner.folder / "resnet-inspect.toml").unlink()
    evil = "$(touch ran)`touch ran`;touch${IFS}ran"
    runner.inputs |= {"models": f"resnet18\nresnet34 {evil}", "base": "HEAD", "key": "k", "comment": "never"}
    assert runner.run() != 0
    assert not (runner.folder / "ran").exists()
    runner.inputs["models"] = "resnet18\nresnet34"
    assert runner.run() == 0, runner.log
    assert runner.log.count("2 models, 8 checks: 8 passed") == 1


def test_a_branch_may_be_called_as_a_command(runner: Runner, github: Server) -> None:
    name = "x$(touch${IFS}ran);touch${IFS}ran"
    git(runner.folder.parent / "origin", "branch", "--quiet", name, "main")
    runner.environment["GITHUB_BASE_REF"] = name
    assert runner.run() == 0, runner.log
    assert not (runner.folder / "ran").exists()
    assert len(github.comments) == 1


def test_no_script_holds_a_value_of_the_pull_request() -> None:
    assert not [step["name"] for step in STEPS if "${{" in step.get("run", "")]
    given = [text for step in STEPS for key in ("env", "with") for text in step.get(key, {}).values()]
    asked = [text for text in given if isinstance(text, str)]
    assert all(_KNOWN.fullmatch(found) for text in asked for found in re.findall(r"\$\{\{.*?\}\}", text))
    assert set(ACTION["inputs"]) >= {"models", "config", "fail-on", "base", "comment", "version"}
    # Each input is used, and each that is used is there.
    used = set(re.findall(r"inputs\.([\w-]+)", json.dumps(ACTION["runs"])))
    assert used == set(ACTION["inputs"])
