"""``comment`` as a process, on a server of our own: there is one comment, whoever else runs and writes."""

from __future__ import annotations

import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.command import loaded_by, local, run
from tests.support.forge import REPOSITORY, TOKEN, Answer, Server

MARK = "<!-- resnet-inspect: report -->"


@pytest.fixture
def report(tmp_path: Path) -> Path:
    path = tmp_path / "report.md"
    path.write_text("### net\n\n| a |\n| - |\n| 1 |\n")
    return path


def comment(report: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return local("comment", str(report), "--pr", "7", *options)


def test_it_is_created_then_updated_in_place(github: Server, report: Path) -> None:
    github.add("a person's words", "person")
    first = comment(report)
    assert (first.returncode, first.stdout) == (0, "")
    assert first.stderr == "note: the comment is created: https://forge/comments/2\n"
    assert github.bodies()[1] == f"{MARK}\n{report.read_text().strip()}"
    assert comment(report).stderr == "note: the comment is unchanged: https://forge/comments/2\n"
    report.write_text("### another\n")
    assert comment(report).stderr == "note: the comment is updated: https://forge/comments/2\n"
    assert github.bodies() == ["a person's words", f"{MARK}\n### another"]
    assert github.writes() == ["POST", "PATCH"]


def test_reports_with_other_keys_have_comments_of_their_own(github: Server, report: Path) -> None:
    for key in ("torch", "keras", "torch"):
        assert comment(report, "--key", key).returncode == 0
    assert [body.split("\n")[0] for body in github.bodies()] == [
        "<!-- resnet-inspect: torch -->",
        "<!-- resnet-inspect: keras -->",
    ]
    for key in ("a b", "", "a--b", "-->", "x" * 61):
        refused = comment(report, "--key", key)
        assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)


def test_what_is_only_to_be_updated_isnt_created(github: Server, report: Path) -> None:
    assert comment(report, "--update-only").stderr.startswith("note: the comment is left out")
    assert not github.comments
    github.add(f"{MARK}\nold")
    assert comment(report, "--update-only").stderr.startswith("note: the comment is updated")


@pytest.mark.parametrize("viewer", ["github-actions[bot]", "app[bot]", None])
def test_what_another_author_wrote_is_left_alone(github: Server, report: Path, viewer: str | None) -> None:
    github.viewer = viewer
    github.add(f"{MARK}\nby somebody else", "octocat")
    github.add(f"a quote: {MARK}", viewer or "github-actions[bot]")
    assert comment(report).returncode == 0
    assert comment(report).returncode == 0
    assert len(github.comments) == 3
    assert github.bodies()[:2] == [f"{MARK}\nby somebody else", f"a quote: {MARK}"]


def test_it_is_found_behind_many_others(github: Server, report: Path) -> None:
    for number in range(230):
        github.add(f"word {number}", "person")
    github.add(f"{MARK}\nold")
    assert comment(report).returncode == 0
    assert len(github.comments) == 231
    assert github.writes() == ["PATCH"]


def test_two_at_once_end_with_one_comment(github: Server, report: Path) -> None:
    """Both have looked for a comment, and found none, before one of them writes."""
    barrier = threading.Barrier(2, timeout=30)
    waited = threading.local()

    def before(method: str, path: str) -> None:
        if method == "POST" and "comments" in path and not hasattr(waited, "once"):
            waited.once = True
            barrier.wait()

    github.before = before
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda _: run("comment", str(report), "--pr", "7"), range(2)))
    assert [each.returncode for each in done] == [0, 0], [each.stderr for each in done]
    assert github.writes().count("POST") == 2
    assert len(github.comments) == 1


def test_a_comment_that_vanishes_before_its_update_is_written_again(github: Server, report: Path) -> None:
    github.add(f"{MARK}\nold")

    def before(method: str, path: str) -> None:
        if method == "PATCH":
            github.comments.clear()

    github.before = before
    assert comment(report).stderr.startswith("note: the comment is created")
    assert len(github.comments) == 1


@pytest.mark.parametrize(
    ("status", "said", "words"),
    [
        (401, "Bad credentials", "GITHUB_TOKEN"),
        (403, "Resource not accessible by integration", "permissions: pull-requests: write"),
        (404, "Not Found", f"no pull request 7 of {REPOSITORY}"),
        (422, "Validation Failed", "doesn't take the comment"),
    ],
)
def test_a_refusal_is_one_line_that_says_what_to_do(
    github: Server, report: Path, status: int, said: str, words: str
) -> None:
    answer = Answer(status, {"message": f"{said} {TOKEN}", "errors": [{"message": "body is too long"}]})
    github.planned.append(("POST", "comments", answer))
    done = comment(report, "--debug")
    assert (done.returncode, done.stdout) == (3, "")
    last = done.stderr.splitlines()[-1]
    assert last.startswith("error: ")
    assert words in last
    assert said in last
    assert "body is too long" in last
    assert TOKEN not in done.stderr


@pytest.mark.parametrize(
    ("options", "variables", "words"),
    [
        ([], {"GITHUB_TOKEN": ""}, "GITHUB_TOKEN: ${{ github.token }}"),
        ([], {"GITHUB_REPOSITORY": ""}, "GITHUB_REPOSITORY"),
        ([], {"GITHUB_REPOSITORY": "../../user"}, "owner/name"),
        ([], {"GITHUB_REPOSITORY": "a/.."}, "owner/name"),
        ([], {"GITHUB_API_URL": "file:///etc"}, "https://"),
        ([], {"GITHUB_TOKEN": "a\nb: c"}, "characters that no token has"),
        ([], {"GITHUB_EVENT_PATH": "/no/such"}, "GITHUB_EVENT_PATH"),
        (["--pr", "0"], {}, "--pr"),
        (["--link", "javascript:alert(1)"], {}, "--link"),
        (["--link", "https://x/) @octocat"], {}, "--link"),
    ],
)
def test_usage(
    github: Server,
    report: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: list[str],
    variables: dict[str, str],
    words: str,
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    done = comment(report, *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
    assert not github.requests


def test_a_report_that_is_empty_or_missing_is_no_comment(github: Server, report: Path) -> None:
    report.write_text(" \n")
    assert comment(report).returncode == 2
    report.unlink()
    assert comment(report).returncode == 3
    assert local("comment", "--pr", "7").returncode == 2
    assert not github.requests


def test_a_dry_run_prints_the_comment_and_sends_nothing(
    github: Server, report: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GITHUB_TOKEN")
    done = comment(report, "--dry-run", "--link", "https://ci.example/run/3")
    assert (done.returncode, done.stderr) == (0, "")
    text = report.read_text().strip()
    assert done.stdout == f"{MARK}\n{text}\n\n[The whole report](https://ci.example/run/3)\n"
    assert local("comment", "-", "--dry-run", text="### piped\n").stdout == f"{MARK}\n### piped\n"
    assert not github.requests


def test_the_page_of_the_job_is_linked(github: Server, report: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_SERVER_URL", "https://github.com")
    monkeypatch.setenv("GITHUB_RUN_ID", "42")
    assert comment(report).returncode == 0
    assert github.bodies()[0].endswith(f"\n\n[The whole report](https://github.com/{REPOSITORY}/actions/runs/42)")


def test_gitlab(server: Server, report: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GITHUB_REPOSITORY", "GITHUB_ACTIONS"):
        monkeypatch.delenv(name, raising=False)
    server.viewer = "project_5_bot"
    settings = {"CI_API_V4_URL": server.address, "CI_PROJECT_ID": "5", "CI_MERGE_REQUEST_IID": "7", "NO_PROXY": "*"}
    for name, value in {
        **settings,
        "GITLAB_TOKEN": TOKEN,
        "CI_JOB_TOKEN": "job",
        "CI_PROJECT_URL": "https://g",
    }.items():
        monkeypatch.setenv(name, value)
    page = "https://g/-/merge_requests/7#note_1"
    assert local("comment", str(report)).stderr == f"note: the comment is created: {page}\n"
    report.write_text("### another\n")
    assert local("comment", str(report)).stderr == f"note: the comment is updated: {page}\n"
    assert server.bodies() == [f"{MARK}\n### another"]
    assert server.writes() == ["POST", "PUT"]
    assert all("authorization" not in headers for _, _, headers, _ in server.requests)

    monkeypatch.delenv("GITLAB_TOKEN")
    refused = local("comment", str(report))
    assert (refused.returncode, refused.stderr.count("\n")) == (3, 1)
    assert "CI_JOB_TOKEN may not write notes" in refused.stderr


def test_only_this_command_loads_a_client(report: Path) -> None:
    assert "resnet_inspect.forge" in loaded_by("comment", str(report), "--dry-run")
    assert not {"urllib.request", "resnet_inspect.forge"} & loaded_by("--help")
