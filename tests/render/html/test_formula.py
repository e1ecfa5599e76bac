"""The arithmetic that a page states for a layer's MACs: only where it gives the layer's own number."""

from __future__ import annotations

from dataclasses import replace

from resnet_inspect.ir import Parameter
from resnet_inspect.render.html.network import formula
from tests.support import small_residual as small

#: 8 filters of 3x3x3 on 8x8 places.
CONV = small.summary().layers[1]


def test_each_weight_is_used_at_every_place() -> None:
    assert CONV.macs == 8 * 3 * 3 * 3 * 8 * 8
    assert formula(CONV) == "8x3x3x3 weights = 216, each at 64 places"
    assert formula(replace(CONV, macs=2 * 216 * 64)) == ""
    assert formula(replace(CONV, macs=None)) == ""


def test_a_weight_of_no_elements_has_no_formula() -> None:
    (weight, *_) = CONV.parameters
    empty = Parameter(weight.name, (8, 3, 0, 3), weight.dtype, weight.role)
    assert formula(replace(CONV, parameters=(empty,))) == ""
