"""``resnet-inspect comment``."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ...errors import BadRequestError
from ...forge import comment as one_comment
from ...forge import event, github, gitlab, handover
from ...render.comment import fitted, inert
from .. import Command, debug_option
from ..delivery import emit, say

if TYPE_CHECKING:
    from ...forge.event import FinishedRun, PullRequest
    from ...forge.handover import Handover

#: Bytes of a report that are read: more than any forge takes.
_MOST_BYTES = 2**23


@click.command("comment", cls=Command)
@click.argument("report", required=False, type=click.Path(path_type=Path))
@click.option("--pr", "number", type=click.IntRange(min=1), help="Pull or merge request. Default: the job's own.")
@click.option("--key", default="report", show_default=True, help="Reports with different keys get a comment each.")
@click.option("--link", metavar="URL", help="Where the whole report is. Default: the page of the job.")
@click.option(
    "--artifact",
    type=click.Path(file_okay=False, path_type=Path),
    help="For pull requests of forks: their job writes the report to this folder, a second workflow comments from it.",
)
@click.option(
    "--update-only", is_flag=True, help="Update the comment if there is one, write none if not: for no difference."
)
@click.option("--dry-run", is_flag=True, help="Print the comment and send nothing.")
@debug_option
def command(
    report: Path | None,
    number: int | None,
    key: str,
    link: str | None,
    artifact: Path | None,
    update_only: bool,
    dry_run: bool,
) -> int:
    """Write REPORT, a Markdown file, as a comment on a pull request of GitHub or a merge request of GitLab.

    There is one comment, which later runs update. Repository and token come from the environment of the CI system:
    GITHUB_REPOSITORY and GITHUB_TOKEN; CI_PROJECT_ID, CI_API_V4_URL and GITLAB_TOKEN. - is standard input.

    \b
    resnet-inspect comment report.md
    resnet-inspect comment report.md --pr 12 --dry-run
    """
    mark = one_comment.marker(key)  # a wrong key is an error in every case
    of_gitlab = "CI_PROJECT_ID" in os.environ and "GITHUB_ACTIONS" not in os.environ
    happened = None if of_gitlab else event.of_environment()
    forge: one_comment.Forge | None = None
    if isinstance(happened, event.FinishedRun):
        if artifact is None or report is not None or number is not None:
            raise BadRequestError("after another workflow, the comment is in its --artifact: leave REPORT and --pr out")
        forge, brought = _handed_over(artifact, happened)
        text, update_only = inert(brought.report), brought.update_only
        mark = one_comment.marker(brought.key)
        link = link or happened.url
    else:
        text = _read(report)
        link = link or _page_of_job()
        # Of another pull request than the job's, nothing is known.
        job = happened if happened and number in (None, happened.number) else None
        if job and job.is_foreign and not dry_run:
            return _hand_over(artifact, job, text, key, update_only)
        if not dry_run:
            forge = _forge(of_gitlab, number or (job.number if job else None), job)
    body = fitted(text, (gitlab if of_gitlab else github).MOST - len(mark) - 1, _ending(link))
    if dry_run:
        emit(f"{mark}\n{body}\n", None)
    elif forge is not None:
        done, comment = one_comment.put(forge, mark, body, create=not update_only)
        say("note", f"the comment is {done}: {comment.url if comment and comment.url else forge.request}")
    return 0


def _read(report: Path | None) -> str:
    if report is None:
        raise BadRequestError("give REPORT, the Markdown file to write, or - for standard input")
    with click.open_file(str(report), "rb") as file:
        text: str = file.read(_MOST_BYTES).decode(errors="replace")
    if not text.strip():
        raise BadRequestError(f"{report} is empty: nothing is written")
    return text


def _forge(of_gitlab: bool, number: int | None, job: PullRequest | None) -> one_comment.Forge | None:
    """The pull request; None where it has moved on since the job began, whose report nobody needs any more."""
    if of_gitlab:
        return gitlab.of_environment(number)
    forge = github.of_environment(number)
    if job and (now := forge.head()[0]) != job.head_sha:
        say("note", f"no comment: {forge.request} is at commit {now:.40}, and this report is of {job.head_sha:.40}")
        return None
    return forge


def _hand_over(artifact: Path | None, job: PullRequest, text: str, key: str, update_only: bool) -> int:
    """What a job does that may not comment."""
    why = f"no comment: the job of pull request {job.number} may not write, as it comes from a fork or from Dependabot"
    if artifact is None:
        say("note", f"{why}. --artifact FOLDER hands the report to a workflow that may")
        return 0
    handover.write(artifact, job, text, key, update_only)
    say("note", f"{why}. {artifact} is for a workflow that may")
    return 0


def _handed_over(artifact: Path, run: FinishedRun) -> tuple[one_comment.Forge, Handover]:
    """The pull request and what a job wrote that could not comment."""
    brought = handover.read(artifact, _MOST_BYTES)
    forge = github.of_environment(brought.number)
    handover.check(brought, run, forge.head())
    return forge, brought


def _page_of_job() -> str:
    found = os.environ.get("CI_JOB_URL", "")
    run = [os.environ.get(f"GITHUB_{name}") for name in ("SERVER_URL", "REPOSITORY", "RUN_ID")]
    return found or (f"{run[0]}/{run[1]}/actions/runs/{run[2]}" if all(run) else "")


def _ending(link: str) -> str:
    if not link:
        return ""
    if not re.fullmatch(r"https?://[\w.:/~%?&=+,;@!$-]+", link):
        raise BadRequestError(f"--link must be an address that begins with https://, got {link!r:.80}")
    return f"[The whole report]({link})"
