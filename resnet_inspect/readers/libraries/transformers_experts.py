"""Which parameters of a mixture of experts one token leaves out.

A configuration says how many experts there are and how many of them a token takes; that is believed only where the
weights agree: so many experts in a row, or tensors whose first size is their number.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ...ir import Parameter, Summary

_EXPERTS = ("num_local_experts", "num_experts", "n_routed_experts", "moe_num_experts")
_TAKEN = ("num_experts_per_tok", "num_experts_per_token", "moe_topk", "moe_top_k")
#: Settings by which some tokens take fewer experts than others.
_VARYING = ("zero_expert_num",)
#: What an expert that is a module of its own is called.
_NUMBERED = re.compile(r"(expert_?)?\d+")

Inactive = tuple[tuple[str, int], ...]


def inactive(summary: Summary, config: Any) -> Inactive | None:
    """The names of the parameters that one token uses in part or not at all, and how many elements it leaves out.

    Empty for a model without experts. Which experts a token takes depends on its values: where each expert has
    parameters of its own, the first ones stand for those that are taken. None if anything about them isn't certain.
    """
    taken: dict[int, set[int]] = {}
    configs = list(_configs(config))
    for each in configs:
        experts, used = _first(each, _EXPERTS), _first(each, _TAKEN)
        if experts and experts > 1:
            taken.setdefault(experts, set()).add(used or 0)
    groups = _groups(summary)
    if not groups and not taken:
        return ()
    # A configuration with experts that no module holds keeps them under a name that isn't known here.
    if not groups or any(getattr(each, key, None) for each in configs for key in _VARYING):
        return None
    found: list[tuple[str, int]] = []
    for path, parameters in groups.items():
        left = _left_out(path, parameters, taken)
        if left is None:
            return None
        found += left
    return tuple(found)


def _configs(config: Any) -> Iterator[Any]:
    """A configuration and those of its parts, as of the text in a model of text and images."""
    yield config
    for key in getattr(config, "sub_configs", None) or ():
        part = getattr(config, key, None)
        if part is not None:
            yield from _configs(part)


def _first(config: Any, keys: Iterable[str]) -> int | None:
    """The first of the settings that is a number."""
    return next((value for key in keys if type(value := getattr(config, key, None)) is int), None)


def _groups(summary: Summary) -> dict[str, list[Parameter]]:
    """The parameters in each outermost module of experts; those that every token takes are called shared."""
    paths = [
        path
        for path, kind in summary.modules
        if path.rpartition(".")[2] == "experts" or (kind.endswith("Experts") and "shared" not in path)
    ]
    outer = set(paths)
    outermost = [path for path in paths if not any(path[: dot.start()] in outer for dot in re.finditer(r"\.", path))]
    groups: dict[str, list[Parameter]] = {path: [] for path in outermost}
    for layer in summary.layers:
        for parameter in layer.parameters:
            parts = parameter.name.split(".")
            around = (".".join(parts[:end]) for end in range(1, len(parts)))
            path = next((prefix for prefix in around if prefix in groups), None)
            if path is not None and parameter.counted:
                groups[path].append(parameter)
    return groups


def _left_out(path: str, parameters: list[Parameter], taken: Mapping[int, set[int]]) -> list[tuple[str, int]] | None:
    """What a token leaves out of one group of experts; None if they aren't as a configuration says."""
    by_child: dict[str, list[Parameter]] = {}
    for parameter in parameters:
        by_child.setdefault(parameter.name[len(path) + 1 :].partition(".")[0], []).append(parameter)
    are_in_a_row = all(_NUMBERED.fullmatch(name) for name in by_child)
    if are_in_a_row:
        shapes = {tuple(sorted(parameter.shape for parameter in own)) for own in by_child.values()}
        numbers = {len(by_child)} if len(shapes) == 1 else set()
    else:
        numbers = {parameter.shape[0] if len(parameter.shape) > 1 else 0 for parameter in parameters}
    experts = numbers.pop() if len(numbers) == 1 else 0
    used = taken.get(experts, set())
    if len(used) != 1 or not 0 < min(used) <= experts:
        return None
    count = min(used)
    if not are_in_a_row:
        return [(parameter.name, parameter.size // experts * (experts - count)) for parameter in parameters]
    in_order = sorted(by_child, key=lambda name: int(name.removeprefix("expert").lstrip("_")))
    return [(parameter.name, parameter.size) for name in in_order[count:] for parameter in by_child[name]]
