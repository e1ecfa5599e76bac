"""Does a checkpoint match a model? Names and shapes against names and shapes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import closest
from ..ir import Shape

#: Keys under which training scripts keep the state dictionary in what they save.
WRAPPERS = ("state_dict", "model_state_dict", "model", "module", "model_ema", "net", "network", "params")
#: What stands in front of every name then, or because a wrapper around the model put it there.
_PREFIXES = (*(f"{key}." for key in WRAPPERS), "_orig_mod.", "backbone.")
_WRAPPING = frozenset(prefix.rstrip(".") for prefix in _PREFIXES)
#: Names that a missing one is compared with, letter by letter: among more it would take minutes to find the closest.
_MOST_CANDIDATES = 200


@dataclass(frozen=True, slots=True)
class Entry:
    """One stored tensor. An ``optional`` one may be missing: frameworks fill it in themselves.

    ``alias`` is what people call it where the file's own name is a number (Keras), and what old files call it.
    ``stored_bytes`` is told where it doesn't follow from shape and type. ``tied`` are other names of the same tensor,
    of which a file may keep one (safetensors does).
    """

    name: str
    shape: Shape
    dtype: str
    optional: bool = False
    alias: str | None = None
    stored_bytes: int | None = None
    tied: tuple[str, ...] = ()


def unwrapped(names: Sequence[str]) -> list[str]:
    """Names without what training scripts and wrappers have put in front of all of them; of each, two parts stay."""
    parts = [name.split(".") for name in names]
    most = min(map(len, parts), default=0) - 2
    count = 0
    for column in zip(*parts, strict=False):
        if count >= most or column[0] not in _WRAPPING or len(set(column)) > 1:
            break
        count += 1
    return [".".join(part[count:]) for part in parts]


@dataclass(frozen=True, slots=True)
class CheckpointMatch:
    """What differs. ``mismatched`` are pairs (model's, file's); ``prefix`` was taken off the file's names."""

    matching: int
    missing: tuple[Entry, ...]
    unexpected: tuple[Entry, ...]
    mismatched: tuple[tuple[Entry, Entry], ...]
    prefix: str = ""

    @property
    def is_loadable(self) -> bool:
        """Whether the model could load the file strictly."""
        return not (self.missing or self.unexpected or self.mismatched)

    def closest(self, entry: Entry) -> str | None:
        """The unexpected name of the same shape that is most like a missing one's, if there are few of them."""
        names = [item.name for item in self.unexpected if item.shape == entry.shape]
        if len(names) > _MOST_CANDIDATES:
            return None
        return next(iter(closest(entry.name, names, most=1)), None)


def compare(model: Sequence[Entry], file: Sequence[Entry]) -> CheckpointMatch:
    """How the entries of a file match those of a model, with the prefix taken off that makes most names match."""
    expected = {entry.name: entry for entry in model}
    best_names, best_prefix = [entry.name for entry in file], ""
    best = sum(name in expected for name in best_names)
    names, prefix = best_names, ""
    while found := next((p for p in _PREFIXES if names and all(name.startswith(p) for name in names)), None):
        prefix += found
        names = [name.removeprefix(found) for name in names]
        matches = sum(name in expected for name in names)
        if matches > best:
            best, best_names, best_prefix = matches, names, prefix
    given = dict(zip(best_names, file, strict=True))
    both = [(expected[name], entry) for name, entry in given.items() if name in expected]
    mismatched = tuple((ours, theirs) for ours, theirs in both if ours.shape != theirs.shape)
    return CheckpointMatch(
        matching=len(both) - len(mismatched),
        missing=tuple(
            entry
            for name, entry in expected.items()
            if name not in given and not entry.optional and given.keys().isdisjoint(entry.tied)
        ),
        unexpected=tuple(
            Entry(name, entry.shape, entry.dtype) for name, entry in given.items() if name not in expected
        ),
        mismatched=mismatched,
        prefix=best_prefix,
    )
