"""A checkpoint without its code: the tree of its tensors, their shapes, types and sizes. No edge, no cost is in it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from ...analysis.checkpoint_match import Entry
from ...errors import BadRequestError
from ...ir import UNKNOWN, Model, Parameter, Summary, Trace
from ...rows.builder import Keyed, Rows
from ...version import __version__
from ..request import Answer, Request
from . import reader as checkpoint
from .known import known

#: The last part of a name -> what it is in a BatchNorm of torch or Keras; of other names nobody can tell.
_ROLES = {
    "running_mean": "statistics",
    "running_var": "statistics",
    "moving_mean": "statistics",
    "moving_variance": "statistics",
    "num_batches_tracked": "buffer",
}
#: How the tensors of a layer follow one another.
_ORDER = ("weight", "kernel", "gamma", "bias", "beta", *_ROLES)


def summarize(request: Request) -> Answer:
    """The tensors of ``request.model``, grouped by the module that their names say.

    Raises:
        ModelError: the file is damaged, or would run code.
        BadRequestError: an option was given that only a model has a use for.
    """
    kind, entries = checkpoint.read(Path(request.model))
    return summary(request, kind, entries)


def summary(request: Request, kind: str, entries: Sequence[Entry]) -> Answer:
    """The ``entries`` of the file ``request.model``, a ``kind`` of checkpoint.

    Raises:
        BadRequestError: an option was given that only a model has a use for.
    """
    path = Path(request.model)
    for name in request.options():
        # Named inputs of --input are JSON by now.
        option = name.replace("_", "-").removesuffix("-json")
        raise BadRequestError(f"--{option} does not apply to {path.name}: it has tensors but no model")
    if _is_alphabetical(entries):
        # Not the order of the network, and 10 comes before 2.
        entries = sorted(entries, key=lambda entry: _naturally(entry.name))
    modules: dict[str, list[Parameter]] = {}
    for entry in entries:
        owner, parameter = _parameter(entry)
        modules.setdefault(owner, []).append(parameter)
    rows = Rows(Keyed[str](lambda _: UNKNOWN))
    for owner, found in modules.items():
        rows.add_uncalled(owner or path.name, "Tensors", "other", sorted(found, key=_place), macs=None)
    made = Summary(
        model=Model(path.name or path.resolve().name, kind.rpartition(" ")[2], ""),
        inputs=(),
        outputs=(),
        layers=tuple(rows.layers),
        modules=_containers(modules),
        trace=Trace("header"),
        environment=(("resnet_inspect", __version__),),
    )
    model = known(entries)
    notes = [f"it has the shapes of {model}: resnet-inspect weights {model} {path} checks it"] if model else []
    return Answer(made, tuple(notes))


def _is_alphabetical(entries: Sequence[Entry]) -> bool:
    """Whether a file has its tensors in the order of their names, those of each type for themselves (safetensors)."""
    last: dict[str, str] = {}
    for entry in entries:
        if entry.name < last.get(entry.dtype, ""):
            return False
        last[entry.dtype] = entry.name
    return True


def _naturally(name: str) -> list[str | int]:
    """A key by which names stand in the order of their numbers."""
    return [int(part) if number % 2 else part for number, part in enumerate(re.split("([0-9]+)", name))]


def _parameter(entry: Entry) -> tuple[str, Parameter]:
    """The module that a tensor belongs to, and the tensor. Keras' files have a folder ``vars`` in between."""
    *owner, last = entry.name.replace("/", ".").split(".")
    if owner[-1:] == ["vars"]:
        owner.pop()
    role = _ROLES.get(last, "unknown")
    counted = role == "unknown" or last.startswith("moving")  # Keras counts statistics as parameters
    return ".".join(owner), Parameter(entry.name, entry.shape, entry.dtype, role, counted, entry.stored_bytes)


def _place(parameter: Parameter) -> tuple[int, str]:
    """Tensors in the order of torch and Keras, whichever a kind of file keeps, so that files can be compared."""
    last = parameter.name.rpartition(".")[2]
    return (_ORDER.index(last) if last in _ORDER else len(_ORDER), parameter.name)


def _containers(owners: dict[str, list[Parameter]]) -> tuple[tuple[str, str], ...]:
    found = {"": "Checkpoint"}
    for owner in owners:
        new = []
        while (owner := owner.rpartition(".")[0]) and owner not in found:
            new.append(owner)
        found.update(dict.fromkeys(reversed(new), "Module"))
    return tuple(found.items())
