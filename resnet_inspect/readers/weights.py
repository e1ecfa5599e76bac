"""``--weights``: a framework's own set, or a file that must fit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ModelError
from ..host.paths import has_folder
from .kind import endings
from .request import Request

if TYPE_CHECKING:
    from ..analysis.checkpoint_match import CheckpointMatch, Entry


def is_file(weights: str) -> bool:
    """Whether ``--weights`` names a file, by what it looks like or because there is one."""
    return weights.endswith(endings()) or has_folder(weights) or Path(weights).is_file()


def weights_label(weights: str | None) -> str | None:
    """What a summary says of its weights: a name, or a file's name without its folder."""
    return Path(weights).name if weights is not None and is_file(weights) else weights


def check_weights(request: Request, name: str, expected: Callable[[], Sequence[Entry]]) -> None:
    """Makes sure that the file of ``request.weights`` fits the model; nothing to do where it isn't a file.

    Raises:
        ModelError: it doesn't, with the first difference.
    """
    if request.weights is None or not is_file(request.weights):
        return
    from ..analysis.checkpoint_match import compare
    from .checkpoint import reader as checkpoint

    path = Path(request.weights)
    kind, found = checkpoint.read(path)
    match = compare(legacy(expected()) if kind == "legacy keras" else expected(), found)
    if not match.is_loadable:
        raise ModelError(
            f"{path.name} doesn't fit {name}: {first_difference(match)}. See: resnet-inspect weights {name} {path.name}"
        )


def legacy(entries: Sequence[Entry]) -> Sequence[Entry]:
    """Keras' entries under the names of its old format, which stand behind the new ones."""
    from ..analysis.checkpoint_match import Entry

    return [Entry(entry.alias or entry.name, entry.shape, entry.dtype) for entry in entries]


def first_difference(match: CheckpointMatch) -> str:
    """The most telling difference in words, and how many there are."""
    counts = [
        (len(match.missing), "missing"),
        (len(match.unexpected), "unexpected"),
        (len(match.mismatched), "of another shape"),
    ]
    said = ", ".join(f"{count} {word}" for count, word in counts if count)
    first = next(
        iter([*(ours.name for ours, _ in match.mismatched), *(e.name for e in (*match.missing, *match.unexpected))])
    )
    return f"{said}, the first one {first}"
