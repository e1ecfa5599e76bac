"""Which inputs the builder takes for images: those that an operation on images reads, be it behind others."""

from __future__ import annotations

from resnet_inspect.ir import Layer, Tensor
from resnet_inspect.rows.builder import Keyed, Rows


def _rows(rank: int = 4) -> tuple[Rows[str], Keyed[str]]:
    values = Keyed[str](lambda name: Tensor((2, 3, 8, 8)[:rank], "float32"))
    rows = Rows(values)
    rows.add_input("x", "x")
    return rows, values


def _layouts(layers: list[Layer]) -> list[str | None]:
    return [layer.output_tensors[0].layout for layer in layers]


def test_an_input_is_an_image_where_a_convolution_reads_what_was_padded_and_scaled() -> None:
    rows, values = _rows()
    rows.add("scaled", "mul", "mul", ["x"], ["scaled"])
    rows.add("padded", "pad", "pad", ["scaled"], ["padded"])
    assert _layouts(rows.layers) == [None, None, None]
    rows.add("conv", "Conv2d", "conv2d", ["padded"], ["y"])
    assert _layouts(rows.layers) == ["NCHW"] * 4
    assert [layer.input_tensors[0].layout for layer in rows.layers[1:]] == ["NCHW"] * 3
    assert values.tensor("x").layout == "NCHW"


def test_an_input_is_no_image_where_something_else_reads_it_first() -> None:
    rows, _ = _rows()
    rows.add("scaled", "mul", "mul", ["x"], ["scaled"])
    rows.add("flat", "Reshape", "reshape", ["scaled"], ["flat"])
    rows.add("conv", "Conv2d", "conv2d", ["scaled"], ["y"])
    assert _layouts(rows.layers) == [None, None, None, "NCHW"]


def test_what_was_taken_back_is_no_image_later() -> None:
    rows, _ = _rows()
    rows.add("scaled", "mul", "mul", ["x"], ["scaled"])
    rows.back_to(1)
    rows.add("scaled", "mul", "mul", ["x"], ["other"])
    rows.add("conv", "Conv2d", "conv2d", ["other"], ["y"])
    assert _layouts(rows.layers) == ["NCHW"] * 3


def test_what_is_overwritten_comes_from_the_layer_that_wrote_it_last() -> None:
    rows, values = _rows()
    rows.add("act", "ReLU", "relu", ["x"], ["x"])
    rows.add("conv", "Conv2d", "conv2d", ["x"], ["y"])
    assert _layouts(rows.layers) == ["NCHW"] * 3
    assert values.source("x") == "act"
