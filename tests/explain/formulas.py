"""Formulas read by the text alone: an evaluator that shares no code with the rules, and what it finds in a summary."""

from __future__ import annotations

import ast
import math
from collections import Counter
from fractions import Fraction

from resnet_inspect.analysis.receptive import receptive_fields
from resnet_inspect.explain.derivation import derivations
from resnet_inspect.ir import Layer, Summary


def value(text: str) -> Fraction:
    """The value of ``floor((56 + 2*1 - 1*(3-1) - 1)/2) + 1``, with divisions as they are on paper."""
    return _value(ast.parse(text, mode="eval").body)


def _value(node: ast.expr) -> Fraction:
    if isinstance(node, ast.Constant) and isinstance(node.value, int):
        return Fraction(node.value)
    if isinstance(node, ast.BinOp):
        left, right = _value(node.left), _value(node.right)
        if isinstance(node.op, ast.Add):
            return left + right
        if isinstance(node.op, ast.Sub):
            return left - right
        if isinstance(node.op, ast.Mult):
            return left * right
        assert isinstance(node.op, ast.Div), ast.dump(node)
        return left / right
    assert isinstance(node, ast.Call), ast.dump(node)
    assert isinstance(node.func, ast.Name), ast.dump(node)
    (argument,) = map(_value, node.args)
    return Fraction({"floor": math.floor, "ceil": math.ceil}[node.func.id](argument))


def held(summary: Summary) -> Counter[str]:
    """Holds all formulas of a network against its own numbers; counts layers with weights, and those without formulas.

    A number that a layer has and no derivation speaks of would be left out in silence, so that is looked for, too.
    """
    found: Counter[str] = Counter()
    fields = receptive_fields(summary)
    for layer in summary.layers:
        known = {each.quantity: each for each in derivations(layer, fields)}
        for quantity, truth in _numbers(layer).items():
            each = known.get(quantity)
            if quantity in ("params", "macs"):
                assert each is not None, (layer.path, quantity)
            if each is None:
                continue
            assert each.result == truth, (layer.path, quantity)
            if each.formula is not None:
                said = each.formula.substituted(dict(each.symbols))
                assert value(said) == truth, (layer.path, quantity, said)
        if layer.params:
            found["layers"] += 1
            of_numbers = [each for name, each in known.items() if name in ("params", "macs")]
            found["without"] += any(each.formula is None for each in of_numbers)
            found["sizes"] += "output_height" in known or "output_width" in known
    return found


def _numbers(layer: Layer) -> dict[str, int]:
    """What the IR itself has, by the words of derivations."""
    found = {"params": layer.params, "macs": layer.macs or 0}
    tensor = layer.output_tensors[0] if layer.output_tensors else None
    if tensor is not None and tensor.layout in ("NCHW", "NHWC"):
        found["output_height"] = tensor.shape[tensor.layout.index("H")]
        found["output_width"] = tensor.shape[tensor.layout.index("W")]
    if tensor is not None and not layer.view and len(layer.output_tensors) == 1 and tensor.bytes is not None:
        found["activation_bytes"] = tensor.bytes
    return {name: number for name, number in found.items() if number}
