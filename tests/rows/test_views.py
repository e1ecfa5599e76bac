"""Which row counts a parameter that is seen through views: the one that computes with it and something else."""

from __future__ import annotations

from resnet_inspect.ir import Parameter, Tensor
from resnet_inspect.rows.builder import Keyed, Rows

WEIGHT = Parameter("weight", (4, 4), "float32", "trainable")
TOKEN = Parameter("token", (1, 4), "float32", "trainable")


def _rows() -> Rows[str]:
    rows = Rows(Keyed[str](lambda name: Tensor((4, 4), "float32")))
    rows.add_input("x", "x")
    return rows


def _owners(rows: Rows[str]) -> dict[str, str]:
    """Parameter -> the row that counts it."""
    return {parameter.name: layer.id for layer in rows.layers for parameter in layer.parameters}


def test_a_product_counts_the_parameter_whose_views_view_it_reads() -> None:
    rows = _rows()
    rows.add("part", "getitem", "slice", [], ["part"], [WEIGHT])
    assert _owners(rows) == {"weight": "part"}
    rows.add("turned", "transpose", "transpose", ["part"], ["turned"])
    rows.add("copied", "contiguous", "copy", ["turned"], ["copied"])
    rows.add("product", "matmul", "matmul", ["x", "copied"], ["y"])
    assert _owners(rows) == {"weight": "product"}
    # Another product with another view of the same weight shares it, and that view doesn't.
    rows.add("other", "getitem", "slice", [], ["other"], [WEIGHT])
    assert rows.layers[-1].shared == ("weight",)
    rows.add("second", "matmul", "matmul", ["y", "other"], ["z"])
    assert _owners(rows) == {"weight": "product"}
    assert {layer.id: layer.shared for layer in rows.layers if layer.shared} == {"second": ("weight",)}


def test_a_view_keeps_what_is_joined_or_computed_with_alone() -> None:
    rows = _rows()
    rows.add("token", "expand", "expand", [], ["tokens"], [TOKEN])
    rows.add("norm", "LayerNorm", "layer_norm", ["tokens"], ["normed"], [WEIGHT])
    rows.add("concat", "cat", "concat", ["x", "tokens"], ["y"])
    rows.add("sum", "add", "add", ["y", "tokens"], ["z"])
    assert _owners(rows) == {"token": "token", "weight": "norm"}


def test_a_view_of_a_weight_and_of_something_else_is_no_view_of_the_weight() -> None:
    rows = _rows()
    rows.add("like", "view_as", "reshape", ["x"], ["like"], [WEIGHT])
    rows.add("sum", "add", "add", ["x", "like"], ["y"])
    assert _owners(rows) == {"weight": "like"}


def test_what_is_taken_back_can_be_taken_from_the_view_again() -> None:
    rows = _rows()
    rows.add("turned", "transpose", "transpose", [], ["turned"], [WEIGHT])
    for _ in range(2):
        rows.add("product", "matmul", "matmul", ["x", "turned"], ["y"])
        assert _owners(rows) == {"weight": "product"}
        rows.back_to(2)
    rows.back_to(1)
    rows.add("product", "matmul", "matmul", ["x"], ["y"], [WEIGHT])
    assert _owners(rows) == {"weight": "product"}
