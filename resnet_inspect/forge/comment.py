"""One comment, found again by its marker: created once, then updated, whoever else runs at the same time."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from ..errors import BadRequestError
from .http import ForgeError

_KEY = re.compile(r"[\w.-]{1,60}")


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment as the server has it; ids grow with time."""

    id: int
    author: str
    body: str
    url: str


class Forge(Protocol):
    """A pull request, or what a server calls so, and the comments on it."""

    @property
    def request(self) -> str:
        """What a message calls the pull request."""

    def author(self) -> str:
        """Who writes with this token."""

    def comments(self) -> Iterable[Comment]:
        """All comments, the oldest first."""

    def create(self, body: str) -> Comment:
        """Writes a new comment."""

    def update(self, comment: Comment, body: str) -> Comment:
        """Writes another text into a comment."""

    def delete(self, comment: Comment) -> None:
        """Removes a comment."""


def marker(key: str) -> str:
    """What a comment begins with and nobody sees. ``key`` tells reports apart that have a comment each.

    Raises:
        BadRequestError: the key has other characters than letters, digits and ``_.-``, or more than 60.
    """
    # Two hyphens would end the HTML comment.
    if not _KEY.fullmatch(key) or "--" in key:
        raise BadRequestError(f"--key {key!r:.80} must be of letters, digits, _, . and single -, at most 60 of them")
    return f"<!-- resnet-inspect: {key} -->"


def put(forge: Forge, mark: str, text: str, create: bool = True) -> tuple[str, Comment | None]:
    """Makes ``text`` the one comment with a ``marker``. Returns ``created``, ``updated`` or ``unchanged``, and it.

    Where there is none yet and it isn't to ``create`` one, it is ``left out``, and None.

    Comments of other authors are left alone, whatever they begin with. Of several of our own, which runs at the same
    time can write, the oldest stays.

    Raises:
        ForgeError: the server refuses it.
    """
    body = f"{mark}\n{text}"
    author = forge.author()
    if ours := _ours(forge, author, mark):
        kept = _updated(forge, ours, body)
        if kept is not None:
            return kept
    elif not create:
        return "left out", None
    made = forge.create(body)
    # A run at the same time may have written one, too: both look again, and both keep the oldest.
    ours = _ours(forge, author, mark)
    if not ours or ours[0].id == made.id:
        _remove(forge, ours[1:])
        return "created", made
    return _updated(forge, ours, body) or ("created", made)


def _ours(forge: Forge, author: str, mark: str) -> list[Comment]:
    found = [each for each in forge.comments() if each.author == author and each.body.lstrip().startswith(mark)]
    return sorted(found, key=lambda comment: comment.id)


def _updated(forge: Forge, ours: list[Comment], body: str) -> tuple[str, Comment] | None:
    """The oldest of our comments with another text, and the others removed; None if somebody has just removed it."""
    first, *others = ours
    if _lines(first.body) == _lines(body):
        done = "unchanged", first
    else:
        try:
            done = "updated", forge.update(first, body)
        except ForgeError as error:
            if error.status != 404:
                raise
            return None
    _remove(forge, others)
    return done


def _remove(forge: Forge, comments: list[Comment]) -> None:
    for each in comments:
        try:
            forge.delete(each)
        except ForgeError as error:
            if error.status != 404:  # the other run was faster
                raise


def _lines(text: str) -> list[str]:
    return [part.rstrip() for part in text.strip().splitlines()]
