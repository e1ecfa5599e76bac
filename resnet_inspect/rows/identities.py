"""The ids and paths of layers: what is called, and which call, or which of its name, this is."""

from __future__ import annotations

from collections.abc import Container, Hashable, Iterable


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

    def give_back(self, path: str, identity: str) -> None:
        """Takes back ``identity``, the last call of ``path``."""
        self._calls[path] = 0 if identity == path else int(identity.rpartition(":")[2]) - 1
        self._taken.discard(identity)


class Numbers:
    """Gives ``path`` for the first operation of a name, ``path_1`` for the second: as torch's exporters number them.

    Where a module has the path, the first is ``path_1`` as well.
    """

    def __init__(self, modules: Container[str]) -> None:
        self._modules = modules
        self._counts: dict[tuple[Hashable, str], int] = {}

    def next(self, path: str, scope: Hashable = None) -> str:
        """The path of the next operation; in another ``scope`` (another call of a module) they start anew."""
        count = self._counts.get((scope, path), int(path in self._modules))
        self._counts[scope, path] = count + 1
        return f"{path}_{count}" if count else path
