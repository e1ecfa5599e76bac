"""A fork's job writes an artifact only; the workflow behind it comments if the artifact tells the truth."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from resnet_inspect.errors import BadRequestError
from resnet_inspect.forge import handover
from resnet_inspect.forge.event import PullRequest
from tests.support.command import local
from tests.support.forge import HEAD, REPOSITORY, Server

FORK = "stranger/net"
OTHER = "2" * 40
FACTS = {"number": 7, "head_sha": HEAD, "key": "report"}


@pytest.fixture
def forked(github: Server) -> Server:
    """Pull request 7 comes from a fork, 8 from another."""
    github.pulls[7]["head"]["repo"]["full_name"] = FORK
    github.pulls[8] = {"head": {"sha": OTHER, "repo": {"full_name": "another/net"}}}
    return github


def happens(folder: Path, monkeypatch: pytest.MonkeyPatch, event: dict[str, Any]) -> None:
    path = folder / "event.json"
    path.write_text(json.dumps(event))
    monkeypatch.setenv("GITHUB_EVENT_PATH", str(path))


def pull_request(head: str | None, sha: str = HEAD) -> dict[str, Any]:
    sides = {"head": {"sha": sha, "repo": head and {"full_name": head}}, "base": {"repo": {"full_name": REPOSITORY}}}
    return {"pull_request": {"number": 7, **sides}}


def workflow_run(sha: str = HEAD, repository: str = FORK, event: str = "pull_request") -> dict[str, Any]:
    page = "https://github.com/them/net/actions/runs/42"
    run = {"event": event, "head_sha": sha, "head_repository": {"full_name": repository}, "html_url": page}
    return {"workflow_run": run}


@pytest.fixture
def artifact(forked: Server, tmp_path: Path) -> Path:
    """What the job of pull request 7 writes."""
    handover.write(tmp_path / "artifact", PullRequest(7, HEAD, is_foreign=True), "### net\n\nfrom a fork\n", "report")
    return tmp_path / "artifact"


def test_a_forks_job_hands_its_report_over_and_sends_nothing(
    forked: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    happens(tmp_path, monkeypatch, pull_request(FORK))
    (tmp_path / "report.md").write_text("### net\n\nfrom a fork\n")
    done = local("comment", str(tmp_path / "report.md"), "--artifact", str(tmp_path / "artifact"), "--key", "torch")
    assert (done.returncode, done.stdout) == (0, "")
    assert "may not write" in done.stderr
    assert json.loads((tmp_path / "artifact" / "pull-request.json").read_text()) == {
        "number": 7,
        "head_sha": HEAD,
        "key": "torch",
        "update_only": False,
    }
    assert (tmp_path / "artifact" / "report.md").read_text() == "### net\n\nfrom a fork\n"
    assert not forked.requests


def test_a_dry_run_of_a_forks_job_prints_the_comment(
    forked: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    happens(tmp_path, monkeypatch, pull_request(FORK))
    done = local("comment", "-", "--artifact", str(tmp_path / "artifact"), "--dry-run", text="### net\n")
    assert done.stdout == "<!-- resnet-inspect: report -->\n### net\n"
    assert not (tmp_path / "artifact").exists()


def test_a_fork_without_an_artifact_is_no_failure(
    forked: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "report.md").write_text("### net\n")
    for head in (FORK, None):  # a fork that is deleted has no name
        happens(tmp_path, monkeypatch, pull_request(head))
        assert local("comment", str(tmp_path / "report.md")).returncode == 0
    happens(tmp_path, monkeypatch, pull_request(REPOSITORY))
    monkeypatch.setenv("GITHUB_ACTOR", "dependabot[bot]")
    assert local("comment", str(tmp_path / "report.md")).returncode == 0
    assert not forked.requests


def test_the_second_workflow_comments(
    artifact: Path, forked: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    happens(tmp_path, monkeypatch, workflow_run())
    for _ in range(2):
        done = local("comment", "--artifact", str(artifact))
        assert (done.returncode, done.stdout) == (0, ""), done.stderr
    (comment,) = forked.comments
    assert comment["number"] == 7
    link = "[The whole report](https://github.com/them/net/actions/runs/42)"
    assert comment["body"] == f"<!-- resnet-inspect: report -->\n### net\n\nfrom a fork\n\n{link}"


@pytest.mark.parametrize(
    ("facts", "event", "words"),
    [
        ({"number": 8}, workflow_run(), "comes from another/net, but the run built stranger/net"),
        ({"head_sha": OTHER}, workflow_run(), "the report is of commit 222"),
        ({"number": 8, "head_sha": OTHER}, workflow_run(), "the report is of commit 222"),
        ({}, workflow_run(sha=OTHER), "the report is of commit 111"),
        ({"head_sha": OTHER}, workflow_run(sha=OTHER), "is at commit 111"),
        ({}, workflow_run(repository="else/net"), "comes from stranger/net"),
    ],
)
def test_what_isnt_true_is_refused(
    artifact: Path,
    forked: Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    facts: dict[str, Any],
    event: dict[str, Any],
    words: str,
) -> None:
    path = artifact / "pull-request.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **facts}))
    happens(tmp_path, monkeypatch, event)
    done = local("comment", "--artifact", str(artifact))
    assert (done.returncode, done.stdout) == (1, "")
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
    assert not forked.writes()


@pytest.mark.parametrize(
    "facts",
    [
        "",
        "[]",
        "{}",
        '{"number": 7, "head_sha": 1, "key": "k"}',
        '{"number": 7, "head_sha": "1"}',
        "[" * 10**5,
        "9" * 10**6,
    ]
    + [json.dumps({**FACTS, "number": number}) for number in (-7, 0, 7.5, "7", True, "7/../8", 2**60, None)]
    + [json.dumps({**FACTS, "key": 1})],
    ids=range(16),
)
def test_what_we_never_write_is_an_error(artifact: Path, facts: str) -> None:
    (artifact / "pull-request.json").write_text(facts)
    with pytest.raises(BadRequestError, match="--artifact"):
        handover.read(artifact, 100)


def test_no_more_of_a_report_is_read_than_is_wanted(artifact: Path) -> None:
    (artifact / "report.md").write_bytes(b"\xff" * 10**6)
    assert handover.read(artifact, 100).report == "\ufffd" * 100


def test_a_key_ends_no_comment_of_html(
    artifact: Path, forked: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (artifact / "pull-request.json").write_text(json.dumps({**FACTS, "key": "--> @octocat <!--"}))
    happens(tmp_path, monkeypatch, workflow_run())
    assert local("comment", "--artifact", str(artifact)).returncode == 2
    assert not forked.writes()


def test_the_recipe_comments_once_for_each_artifact(
    forked: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The script of the second workflow, with what jobs for torch and Keras and a liar have uploaded."""
    job = PullRequest(7, HEAD, is_foreign=True)
    for key in ("torch", "keras"):
        handover.write(tmp_path / "comments" / f"resnet-inspect-comment-{key}", job, f"### {key}\n", key)
    recipe = yaml.safe_load((Path(handover.__file__).parents[1] / "recipes" / "github-actions-comment.yml").read_text())
    script = recipe["jobs"]["comment"]["steps"][-1]["run"].replace("pip install --quiet resnet-inspect", "true")
    happens(tmp_path, monkeypatch, workflow_run())
    monkeypatch.setenv("RUNNER_TEMP", str(tmp_path))
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script]
    assert subprocess.run(command, check=False).returncode == 0
    heads = {f"<!-- resnet-inspect: {key} -->\n### {key}" for key in ("torch", "keras")}
    assert {"\n".join(body.splitlines()[:2]) for body in forked.bodies()} == heads
    handover.write(tmp_path / "comments" / "resnet-inspect-comment-a", PullRequest(8, HEAD, is_foreign=True), "a", "a")
    assert subprocess.run(command, check=False).returncode == 1
    assert len(forked.comments) == 2
    shutil.rmtree(tmp_path / "comments")
    assert subprocess.run(command, check=False).returncode == 0


def test_a_run_for_another_event_isnt_taken(
    artifact: Path, forked: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    happens(tmp_path, monkeypatch, workflow_run(event="push"))
    assert local("comment", "--artifact", str(artifact)).returncode == 2
    happens(tmp_path, monkeypatch, workflow_run())
    for wrong in (["report.md", "--artifact", str(artifact)], ["--artifact", str(artifact), "--pr", "8"]):
        assert local("comment", *wrong).returncode == 2
    assert local("comment", "--artifact", str(tmp_path / "nothing")).returncode == 2
    assert not forked.requests


def test_nothing_acts_in_a_strangers_report(
    artifact: Path, forked: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hostile = "@octocat fixes #1\n\n<img src=https://evil.example/x>\n\n[click](https://evil.example)\n/close\n"
    (artifact / "report.md").write_text(hostile)
    happens(tmp_path, monkeypatch, workflow_run())
    assert local("comment", "--artifact", str(artifact)).returncode == 0
    text = forked.bodies()[0].split("\n\n[The whole report]")[0]
    assert "@<!-- -->octocat" in text
    assert "#<!-- -->1" in text
    assert "&lt;img" in text
    assert "\\[click\\](https<!-- -->:" in text
    assert "\n<!-- -->/close" in text


def test_a_job_that_is_overtaken_leaves_the_newer_comment(
    github: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "report.md").write_text("### net\n")
    happens(tmp_path, monkeypatch, pull_request(REPOSITORY, sha=OTHER))
    late = local("comment", str(tmp_path / "report.md"))
    assert late.returncode == 0
    assert "is at commit 1111" in late.stderr
    assert not github.comments
    happens(tmp_path, monkeypatch, pull_request(REPOSITORY))
    assert local("comment", str(tmp_path / "report.md")).returncode == 0
    assert len(github.comments) == 1
