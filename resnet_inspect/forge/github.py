"""Comments on a pull request on GitHub: they are those of the issue with its number."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import BadRequestError
from .comment import Comment
from .http import Api, ForgeError

#: Characters of a comment.
MOST = 65_536
_PAGE = 100
#: Pages of comments that are looked through.
_MOST_PAGES = 100
#: Who writes with the token that GitHub gives to a job.
_ACTIONS = "github-actions[bot]"


@dataclass(frozen=True, slots=True)
class GitHub:
    """Pull request ``number`` of a ``repository``, ``owner/name``."""

    api: Api
    repository: str
    number: int

    @property
    def request(self) -> str:
        return f"pull request {self.number} of {self.repository}"

    def author(self) -> str:
        # GET /user is refused to the token of a job and to those of apps; this isn't.
        address = os.environ.get("GITHUB_GRAPHQL_URL") or f"{self.api.address.rstrip('/').removesuffix('/v3')}/graphql"
        try:
            return str(self.api.send("POST", address, {"query": "{viewer{login}}"})["data"]["viewer"]["login"])
        except (KeyError, TypeError):
            return _ACTIONS
        except ForgeError as error:
            if error.status in (403, 404):  # a server that doesn't tell
                return _ACTIONS
            raise _explained(error, self) from None

    def comments(self) -> Iterator[Comment]:
        for page in range(1, _MOST_PAGES + 1):
            found = self._send("GET", f"/issues/{self.number}/comments", query={"per_page": _PAGE, "page": page})
            yield from map(_comment, found)
            if len(found) < _PAGE:
                return

    def create(self, body: str) -> Comment:
        return _comment(self._send("POST", f"/issues/{self.number}/comments", {"body": body}))

    def update(self, comment: Comment, body: str) -> Comment:
        return _comment(self._send("PATCH", f"/issues/comments/{comment.id}", {"body": body}))

    def delete(self, comment: Comment) -> None:
        self._send("DELETE", f"/issues/comments/{comment.id}")

    def head(self) -> tuple[str, str]:
        """The commit that the pull request is at, and the repository that it comes from."""
        head = self._send("GET", f"/pulls/{self.number}")["head"]
        return str(head["sha"]), str((head["repo"] or {}).get("full_name", ""))

    def _send(self, method: str, path: str, document: Mapping[str, Any] | None = None, **more: Any) -> Any:
        try:
            return self.api.send(method, f"/repos/{self.repository}{path}", document, **more)
        except ForgeError as error:
            raise _explained(error, self) from None


def of_environment(number: int | None) -> GitHub:
    """The pull request of the repository that a job of GitHub Actions runs for.

    Raises:
        BadRequestError: the environment names no repository or has no token, or there is no number.
    """
    repository = os.environ.get("GITHUB_REPOSITORY", "")
    if not repository:
        raise BadRequestError("GITHUB_REPOSITORY is empty: set it to owner/name, or run this in a job of a CI system")
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", repository) or {".", ".."} & {*repository.split("/")}:
        raise BadRequestError(f"GITHUB_REPOSITORY must be owner/name, got {repository!r:.80}")
    if number is None:
        raise BadRequestError("this job doesn't run for a pull request: give --pr N")
    token = os.environ.get("GITHUB_TOKEN", "").strip()
    if not token:
        raise BadRequestError("GITHUB_TOKEN is empty: give the step env: GITHUB_TOKEN: ${{ github.token }}")
    address = os.environ.get("GITHUB_API_URL") or "https://api.github.com"
    return GitHub(Api("GitHub", address, "Authorization", f"Bearer {token}"), repository, number)


def _comment(found: Mapping[str, Any]) -> Comment:
    author = (found.get("user") or {}).get("login", "")  # a deleted account is nobody
    return Comment(int(found["id"]), str(author), str(found.get("body") or ""), str(found.get("html_url", "")))


def _explained(error: ForgeError, github: GitHub) -> ForgeError:
    """The error with what to do about it."""
    advice = {
        401: "GitHub doesn't accept GITHUB_TOKEN: it is wrong or has expired",
        403: (
            f"GitHub refuses a comment on {github.request}. The job needs `permissions: pull-requests: write`, which a "
            "pull request of a fork never gets: see --artifact"
        ),
        404: f"GitHub has no {github.request}, or none that GITHUB_TOKEN may see",
        422: f"GitHub doesn't take the comment on {github.request}",
    }.get(error.status or 0)
    return ForgeError(f"{advice} ({error.status}: {error})", error.status) if advice else error
