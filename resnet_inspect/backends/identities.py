"""The ids of layers: the path of what is called, and which call of it this is."""

from __future__ import annotations

from collections.abc import Iterable


class Identities:
    """Gives ``path`` for the first call, ``path:2`` for the second; a path that looks so itself is stepped over."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = set(taken)
        self._calls: dict[str, int] = {}

    def next(self, path: str) -> str:
        """The id of the next call of ``path``."""
        while True:
            calls = self._calls[path] = self._calls.get(path, 0) + 1
            identity = path if calls == 1 else f"{path}:{calls}"
            if identity not in self._taken:
                self._taken.add(identity)
                return identity
