"""The networks that are built without a framework, found by name and flavor."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping
from typing import Any

from ..errors import ModelError
from ..ir import Value
from .graph import Graph

#: Flavor -> the module with its ``PRESETS`` and ``resnet``, imported when one of them is asked for.
_FAMILIES = {"torch": "resnet_torch", "keras": "resnet_keras"}


def names(flavor: str) -> tuple[str, ...]:
    """Names of the networks of a flavor, in the order in which a person would list them."""
    return tuple(_family(flavor).PRESETS)


def find(name: str, flavor: str) -> str | None:
    """The network of a flavor that is called so; upper and lower case don't matter."""
    return next((item for item in names(flavor) if item.lower() == name.lower()), None)


def _family(flavor: str) -> Any:
    return importlib.import_module(f"{__package__}.{_FAMILIES[flavor]}")


def network(
    name: str, flavor: str = "torch", arguments: Mapping[str, Value] | None = None, channels: int | None = None
) -> Graph:
    """The graph of a named network; upper and lower case don't matter.

    Keras builds its networks for the ``channels`` of the input; torchvision's always read three.

    Raises:
        ModelError: no such network or argument.
    """
    build = _family(flavor).resnet
    found = find(name, flavor)
    if found is None:
        raise ModelError(f"the {flavor} flavor has no {name!r}")
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
    graph: Graph = build(found, **extra, **(arguments or {}))
    return graph
