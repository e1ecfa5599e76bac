"""What GitHub says of the event that a job runs for."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import stranger_json
from ..errors import BadRequestError


@dataclass(frozen=True, slots=True)
class PullRequest:
    """The pull request whose code a job builds. ``is_foreign``: the job's token may not write."""

    number: int
    head_sha: str
    is_foreign: bool


@dataclass(frozen=True, slots=True)
class FinishedRun:
    """The run of another workflow that has ended: the commit that it built, from which repository, and its page."""

    head_sha: str
    head_repository: str
    url: str


def of_environment() -> PullRequest | FinishedRun | None:
    """The event; None of any other kind, and where no job of GitHub Actions runs.

    Raises:
        BadRequestError: the file of the event can't be read.
    """
    path = os.environ.get("GITHUB_EVENT_PATH")
    if not path:
        return None
    try:
        event = stranger_json.loads(Path(path).read_bytes())
        if "workflow_run" in event:
            return _finished(event["workflow_run"])
        return _pull_request(event["pull_request"]) if "pull_request" in event else None
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise BadRequestError(f"GITHUB_EVENT_PATH: {path} is no event of GitHub that can be read: {error}") from None


def _pull_request(said: Mapping[str, Any]) -> PullRequest:
    head, base = ((said[side]["repo"] or {}).get("full_name") for side in ("head", "base"))
    # Dependabot's runs are treated as those of a fork. Of a pull_request_target, the token may write.
    is_foreign = head != base or os.environ.get("GITHUB_ACTOR") == "dependabot[bot]"
    is_foreign &= os.environ.get("GITHUB_EVENT_NAME") != "pull_request_target"
    return PullRequest(int(said["number"]), str(said["head"]["sha"]), is_foreign)


def _finished(said: Mapping[str, Any]) -> FinishedRun:
    if said["event"] != "pull_request":
        raise BadRequestError(f"the workflow ran for the event {said['event']!r:.40}, and not for a pull request")
    repository = (said["head_repository"] or {}).get("full_name", "")
    return FinishedRun(str(said["head_sha"]), str(repository), str(said.get("html_url", "")))
