"""Judges what a tool says of a network, and finds the reason where it is something else, by rule.

Products are what all tools mean by multiply-adds. Some add norms, activations, pooling or biases, with weights of their
own: such a number is called *more*, not wrong, as long as it isn't above the products by more than ``_MOST`` for each
number that any operator of the network gave.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal

Verdict = Literal["right", "more", "wrong", "not said", "refused"]
_MOST = 8
MORE = "adds norms, activations, pooling or biases"
TWICE = "counts a multiply-add as two"
REPEATED = "counts parameters once for each name or call"
BUFFERS = "counts buffers as parameters"
FEWER = "sees fewer of them, by no rule that is known here"
ABOVE = "counts more, by no rule that is known here"
SHAPES = "other shapes"


@dataclass(frozen=True, slots=True)
class Judged:
    """A verdict, with its reason where it isn't ``right``."""

    verdict: Verdict
    reason: str = ""


def judged(truth: Mapping[str, Any], claim: Mapping[str, Any]) -> dict[str, Judged]:
    """The verdicts on parameters, MACs and outputs."""
    if error := claim.get("error"):
        return dict.fromkeys(("params", "macs", "outputs"), Judged("refused", error))
    return {
        "params": _params(truth, claim["params"]),
        "macs": _macs(truth, claim["macs"]),
        "outputs": _outputs(truth["outputs"], claim["outputs"]),
    }


def _params(truth: Mapping[str, Any], said: int | None) -> Judged:
    true = truth["params"]
    if said is None:
        return Judged("not said")
    if said == true:
        return Judged("right")
    if said > true:
        buffers = truth.get("buffers", 0)
        return Judged("wrong", BUFFERS if buffers and said == true + buffers else REPEATED)
    missed = _subset(truth.get("held", {}), true - said, true - said)
    return Judged("wrong", f"leaves out parameters of {missed}" if missed else f"parameters: {FEWER}")


def _macs(truth: Mapping[str, Any], said: int | None) -> Judged:
    true, most = truth["macs"], _MOST * truth["numbers"]
    if said is None:
        return Judged("not said")
    if said == true:
        return Judged("right")
    if said == 2 * true:
        return Judged("wrong", TWICE)
    if true < said <= true + most:
        return Judged("more", MORE)
    products = truth.get("products", {})
    missed = _subset(products, true - said, true - said) or _subset(products, true - said, true - said + most)
    if missed:
        return Judged("wrong", f"leaves out {missed}")
    return Judged("wrong", f"products: {FEWER if said < true else ABOVE}")


def _subset(amounts: Mapping[str, int], least: int, most: int) -> str:
    """The fewest of some amounts whose sum lies between two, by name."""
    names = sorted(name for name, amount in amounts.items() if amount)
    for count in range(1, min(len(names), 6) + 1):
        for chosen in combinations(names, count):
            if least <= sum(amounts[name] for name in chosen) <= most:
                return "all products" if chosen == tuple(names) and count > 1 else " and ".join(chosen)
    return ""


def _outputs(true: list[list[int]], said: list[list[int]] | None) -> Judged:
    """Who names one result of several isn't wrong, nor who names them in another order."""
    if not said or not true:  # a result that is an object of a class of its own has no shapes here
        return Judged("not said")
    left = [*true]
    for shape in said:
        if shape not in left:
            return Judged("wrong", SHAPES)
        left.remove(shape)
    return Judged("right")
