"""The paths of a network's modules and layers, and which of them somebody may have meant."""

from __future__ import annotations

from ..errors import closest, listed, meant
from ..ir import Summary

#: Of so many paths the nearest is looked for: each is compared letter by letter.
_MOST = 10_000


def nearest(summary: Summary, path: str) -> str:
    """What to say of a path that isn't there: the nearest one, or what paths start with."""
    paths = dict.fromkeys(layer.path[:end] for layer in summary.layers for end in _ends(layer.path))
    found = closest(path, list(paths)[:_MOST], most=1)
    return meant(found, f"paths start with {listed([path for path in paths if '.' not in path])}")


def _ends(path: str) -> list[int]:
    """Where the paths of the modules around a layer end in its own, and its own."""
    return [*(at for at, letter in enumerate(path) if letter == "."), len(path)]
