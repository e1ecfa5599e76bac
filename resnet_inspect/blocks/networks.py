"""The networks that are built without a framework, found by name and flavor."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Mapping

from ..errors import ModelError
from ..ir import Value
from . import resnet_keras, resnet_torch
from .graph import Graph

_FAMILIES: dict[str, tuple[tuple[str, ...], Callable[..., Graph]]] = {
    "torch": (tuple(resnet_torch.PRESETS), resnet_torch.resnet),
    "keras": (tuple(resnet_keras.PRESETS), resnet_keras.resnet),
}


def names(flavor: str) -> tuple[str, ...]:
    """Names of the networks of a flavor, in the order in which a person would list them."""
    return _FAMILIES[flavor][0]


def network(
    name: str, flavor: str = "torch", arguments: Mapping[str, Value] | None = None, channels: int | None = None
) -> Graph:
    """The graph of a named network; upper and lower case don't matter.

    Keras builds its networks for the ``channels`` of the input; torchvision's always read three.

    Raises:
        ModelError: no such network or argument, with the nearest names.
    """
    known, build = _FAMILIES[flavor]
    by_lower_case = {item.lower(): item for item in known}
    if name.lower() not in by_lower_case:
        raise ModelError(_unknown(name, flavor))
    parameters = [p for p in inspect.signature(build).parameters.values() if p.name not in ("name", "channels")]
    kinds = {p.name: p.default for p in parameters}
    for key, value in (arguments or {}).items():
        if key not in kinds:
            raise ModelError(f"local:{name} takes no argument {key!r}; it takes {', '.join(kinds)}")
        default = kinds[key]
        if isinstance(default, bool) != isinstance(value, bool) or (
            isinstance(default, int) and (not isinstance(value, int) or (not isinstance(default, bool) and value < 1))
        ):
            wanted = "true or false" if isinstance(default, bool) else "a whole number of at least 1"
            raise ModelError(f"local:{name}: {key} must be {wanted}, got {value!r}")
    extra = {"channels": channels} if channels and flavor == "keras" else {}
    return build(by_lower_case[name.lower()], **extra, **(arguments or {}))


def _unknown(name: str, flavor: str) -> str:
    known = _FAMILIES[flavor][0]
    for other, (others, _) in _FAMILIES.items():
        if other != flavor and name.lower() in (item.lower() for item in others):
            return f"the {flavor} flavor has no {name!r}; --flavor {other} has it"
    nearest = difflib.get_close_matches(name.lower(), known, n=3, cutoff=0.6)
    return f"the local backend has no model {name!r}; " + (
        f"did you mean {' or '.join(nearest)}?" if nearest else f"it has {', '.join(known)}"
    )
