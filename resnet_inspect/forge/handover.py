"""A report on its way from a job that may not comment to one that may: two files, which travel as an artifact.

The first job builds a stranger's code, and so everything in the files is the stranger's. The second believes nothing of
it: the number counts only if GitHub says that this pull request is at the commit that the first job was started for.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from .. import stranger_json
from ..errors import BadRequestError, InspectError
from ..files import write_whole
from .event import FinishedRun, PullRequest

_REPORT = "report.md"
_FACTS = "pull-request.json"
_MOST_FACTS = 2**16


class RefusedError(InspectError):
    """A report isn't of the pull request that it says (exit 1)."""

    exit_code = 1


@dataclass(frozen=True, slots=True)
class Handover:
    """A report, and what the job that wrote it says of its pull request."""

    number: int
    head_sha: str
    report: str
    key: str
    update_only: bool


def write(folder: Path, pull_request: PullRequest, report: str, key: str, update_only: bool = False) -> None:
    """Writes the two files. ``key`` and ``update_only`` are for the comment that becomes of the report."""
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / _REPORT, report)
    pull = {"number": pull_request.number, "head_sha": pull_request.head_sha}
    facts = {**pull, "key": key, "update_only": update_only}
    write_whole(folder / _FACTS, json.dumps(facts, indent=2) + "\n")


def read(folder: Path, most_bytes: int) -> Handover:
    """What the other job wrote; no more than ``most_bytes`` of its report.

    Raises:
        BadRequestError: these aren't the two files.
    """
    try:
        with (folder / _FACTS).open("rb") as file:
            facts = stranger_json.loads(file.read(_MOST_FACTS + 1), _MOST_FACTS)
        number, sha, key = facts["number"], facts["head_sha"], facts["key"]
        if type(number) is not int or not 0 < number < 2**53 or type(sha) is not str or type(key) is not str:
            raise ValueError("number and head_sha aren't those of a pull request")
        with (folder / _REPORT).open("rb") as file:
            report = file.read(most_bytes).decode(errors="replace")
    except OSError as error:
        raise BadRequestError(f"--artifact: {error.filename}: {error.strerror}") from None
    except (ValueError, LookupError, TypeError) as error:
        raise BadRequestError(f"--artifact: {folder / _FACTS} is not what the other workflow writes: {error}") from None
    return Handover(number, sha, report, key, facts.get("update_only") is True)


def check(handover: Handover, run: FinishedRun, head: tuple[str, str]) -> None:
    """Whether the report is of the run's commit, and the pull request is at it. ``head`` is what GitHub says.

    Raises:
        RefusedError: it isn't.
    """
    if handover.head_sha != run.head_sha:
        raise RefusedError(f"the report is of commit {handover.head_sha:.40}, but the run built {run.head_sha:.40}")
    sha, repository = head
    if repository != run.head_repository:
        raise RefusedError(
            f"pull request {handover.number} comes from {repository or 'a repository that is gone'}, but the run built "
            f"{run.head_repository}"
        )
    if sha != run.head_sha:
        raise RefusedError(
            f"pull request {handover.number} is at commit {sha:.40}, but the run built {run.head_sha:.40}: "
            "either it has moved on, or the number is wrong"
        )
