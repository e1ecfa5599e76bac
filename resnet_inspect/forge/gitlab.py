"""Notes on a merge request on GitLab."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from ..errors import BadRequestError
from .comment import Comment
from .http import Api, ForgeError

#: Characters of a comment.
MOST = 1_000_000
_PAGE = 100
_MOST_PAGES = 100


@dataclass(frozen=True, slots=True)
class GitLab:
    """Merge request ``number`` of a ``project``, which is an id or a path."""

    api: Api
    project: str
    number: int

    @property
    def request(self) -> str:
        return f"merge request {self.number} of project {self.project}"

    def author(self) -> str:
        if self.api.header == "JOB-TOKEN":
            return str(self._send("GET", "/job")["user"]["username"])
        return str(self._send("GET", "/user")["username"])

    def comments(self) -> Iterator[Comment]:
        for page in range(1, _MOST_PAGES + 1):
            query = {"per_page": _PAGE, "page": page, "sort": "asc", "order_by": "created_at"}
            found = self._send("GET", self._notes, query=query)
            yield from map(self._comment, found)
            if len(found) < _PAGE:
                return

    def create(self, body: str) -> Comment:
        return self._comment(self._send("POST", self._notes, {"body": body}))

    def update(self, comment: Comment, body: str) -> Comment:
        return self._comment(self._send("PUT", f"{self._notes}/{comment.id}", {"body": body}))

    def delete(self, comment: Comment) -> None:
        self._send("DELETE", f"{self._notes}/{comment.id}")

    @property
    def _notes(self) -> str:
        return f"/projects/{quote(self.project, safe='')}/merge_requests/{self.number}/notes"

    def _comment(self, found: Mapping[str, Any]) -> Comment:
        author = (found.get("author") or {}).get("username", "")
        page = os.environ.get("CI_PROJECT_URL", "")
        url = f"{page}/-/merge_requests/{self.number}#note_{found['id']}" if page else ""
        return Comment(int(found["id"]), str(author), str(found.get("body") or ""), url)

    def _send(self, method: str, path: str, document: Mapping[str, Any] | None = None, **more: Any) -> Any:
        try:
            return self.api.send(method, path, document, **more)
        except ForgeError as error:
            raise _explained(error, self) from None


def of_environment(number: int | None) -> GitLab:
    """The merge request of the project that a job of GitLab CI runs for.

    Raises:
        BadRequestError: the environment names no API, no merge request or no token.
    """
    own_number = os.environ.get("CI_MERGE_REQUEST_IID", "")
    if number is None and not re.fullmatch(r"[0-9]{1,15}", own_number):
        raise BadRequestError("this job doesn't run for a merge request: give --pr N")
    number = number or int(own_number)
    address, project = os.environ.get("CI_API_V4_URL", ""), os.environ.get("CI_PROJECT_ID", "")
    if not address or not project:
        raise BadRequestError("GitLab CI's CI_API_V4_URL and CI_PROJECT_ID say where the merge request is")
    own, job = (os.environ.get(name, "").strip() for name in ("GITLAB_TOKEN", "CI_JOB_TOKEN"))
    if not own and not job:
        raise BadRequestError("GITLAB_TOKEN is empty: give the project a masked variable with a project access token")
    header, token = ("PRIVATE-TOKEN", own) if own else ("JOB-TOKEN", job)
    return GitLab(Api("GitLab", address, header, token), project, number)


def _explained(error: ForgeError, gitlab: GitLab) -> ForgeError:
    """The error with what to do about it."""
    of_job = gitlab.api.header == "JOB-TOKEN"
    better = "CI_JOB_TOKEN may not write notes: put" if of_job else "GITLAB_TOKEN must be"
    needs = f"{better} a project access token with the role Reporter and the scope api"
    needs += " into GITLAB_TOKEN" if of_job else ""
    advice = {
        401: f"GitLab doesn't accept the token. {needs}" if of_job else "GitLab doesn't accept GITLAB_TOKEN",
        403: f"GitLab refuses a note on {gitlab.request}. {needs}",
        404: f"GitLab has no {gitlab.request}, or none that the token may see. {needs}",
        400: f"GitLab doesn't take the note on {gitlab.request}",
        422: f"GitLab doesn't take the note on {gitlab.request}",
    }.get(error.status or 0)
    return ForgeError(f"{advice} ({error.status}: {error})", error.status) if advice else error
