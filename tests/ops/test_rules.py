"""What each rule gives, by the arithmetic of the operation that it is about."""

from __future__ import annotations

from math import prod
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resnet_inspect.errors import InputError
from resnet_inspect.ops import RULES, Effect, apply
from resnet_inspect.ops.attributes import explicit_padding, padded
from resnet_inspect.ops.effect import image_of_rank, padding_pairs, per_dimension, window_positions
from tests.support.toys import tensor

CONV: dict[str, Any] = {"in_channels": 6, "out_channels": 4, "kernel_size": (3, 2), "stride": (2, 1), "groups": 2}
CONV |= {"padding": (1, 0), "dilation": (1, 2), "bias": True}


def weights(effect: Effect) -> dict[str, tuple[int, ...]]:
    return {weight.name: weight.shape for weight in effect.weights}


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
def test_a_convolution_whichever_way_the_image_lies(layout: str) -> None:
    shape, result = ((2, 6, 10, 9), (2, 4, 5, 7)) if layout == "NCHW" else ((2, 10, 9, 6), (2, 5, 7, 4))
    found = apply("conv2d", CONV, [tensor(*shape, layout=layout)])
    # Rows: (10 + 2 - 3) // 2 + 1; columns: a kernel of 2 with a gap spans 3, 9 - 3 + 1.
    assert (found.output.shape, found.output.layout) == (result, layout)
    assert weights(found) == {"kernel": (3, 2, 6 // 2, 4), "bias": (4,)}
    assert found.macs == (2 * 4 * 5 * 7) * (3 * 2 * 6 // 2)
    assert "bias" not in weights(apply("conv2d", {**CONV, "bias": False}, [tensor(*shape, layout=layout)]))


def test_one_number_is_a_square_and_a_tuple_says_how_many_dimensions_there_are() -> None:
    plain = {**CONV, "kernel_size": 3, "stride": 1, "padding": 0, "groups": 1}
    del plain["dilation"]
    assert apply("conv2d", plain, [tensor(1, 6, 5, 6)]).output.shape == (1, 4, 3, 4)
    line = {**plain, "kernel_size": (3,)}
    assert apply("conv1d", line, [tensor(1, 6, 5)]).output.shape == (1, 4, 3)


@pytest.mark.parametrize(
    ("changed", "shape", "said"),
    [
        ({}, (2, 5, 10, 9), r"expects 6 input channels, got 5 \(2x5x10x9 in NCHW\)"),
        ({}, (2, 6, 10), r"expects 4 dimensions \(batch, channels and 2 sizes\), got 2x6x10"),
        ({"groups": 4}, (2, 6, 10, 9), "4 groups divide 6 input and 4 output channels unevenly"),
        ({"groups": 3}, (2, 6, 10, 9), "3 groups divide 6 input and 4 output channels unevenly"),
        (
            {"kernel_size": (3, 3)},
            (2, 6, 10, 4),
            "its 3x3 kernel with dilation 1x2 is larger than its input of 10x4 with",
        ),
        ({"padding": 0, "dilation": 1}, (2, 6, 2, 4), "its 3x2 kernel is larger than its input of 2x4$"),
    ],
)
def test_what_a_convolution_refuses(changed: dict[str, Any], shape: tuple[int, ...], said: str) -> None:
    with pytest.raises(InputError, match=said):
        apply("conv2d", {**CONV, **changed}, [tensor(*shape)])


def test_a_layout_that_nobody_knows_is_not_told() -> None:
    with pytest.raises(InputError, match=r"got 5 \(2x5x9\)$"):
        apply("conv1d", {**CONV, "kernel_size": (3,)}, [tensor(2, 5, 9)])


def test_a_transposed_convolution_multiplies_for_each_input() -> None:
    settings: dict[str, Any] = {**CONV, "kernel_size": 3, "output_size": (11, 12)}
    found = apply("conv_transpose2d", settings, [tensor(2, 6, 5, 7)])
    assert found.output.shape == (2, 4, 11, 12)
    assert weights(found) == {"kernel": (3, 3, 4 // 2, 6), "bias": (4,)}
    assert found.macs == (2 * 6 * 5 * 7) * (3 * 3 * 4 // 2)
    line = {**settings, "kernel_size": (5,), "output_size": 9, "bias": False, "groups": 1}
    found = apply("conv_transpose1d", line, [tensor(1, 6, 5)])
    assert (found.output.shape, weights(found)) == ((1, 4, 9), {"kernel": (5, 4, 6)})
    with pytest.raises(InputError, match="expects 6 input channels"):
        apply("conv_transpose2d", settings, [tensor(2, 4, 5, 7)])


def test_a_separable_convolution_is_two() -> None:
    settings: dict[str, Any] = {
        "in_channels": 3,
        "depth_multiplier": 2,
        "out_channels": 5,
        "kernel_size": (3, 3),
        "stride": 2,
    }
    found = apply("separable_conv", {**settings, "padding": 1, "bias": True}, [tensor(1, 3, 8, 8)])
    assert found.output.shape == (1, 5, 4, 4)
    # Each of 3 channels is filtered twice by 3x3; then 6 channels are mixed to 5, with a bias.
    assert [weight.shape for weight in found.weights] == [(3, 3, 1, 6), (1, 1, 6, 5), (5,)]
    assert found.macs == 16 * 6 * 9 + 16 * 5 * 6
    assert len(apply("separable_conv", {**settings, "padding": 1, "bias": False}, [tensor(1, 3, 8, 8)]).weights) == 2


@given(
    st.integers(1, 30),
    st.integers(1, 5),
    st.integers(1, 4),
    st.tuples(st.integers(0, 3), st.integers(0, 3)),
    st.integers(1, 3),
    st.booleans(),
)
def test_a_window_stands_wherever_it_fits(
    size: int, kernel: int, stride: int, padding: tuple[int, int], dilation: int, ceil_mode: bool
) -> None:
    # torch takes no padding of more than half a window.
    padding = min(padding[0], kernel // 2), min(padding[1], kernel // 2)
    span, whole = dilation * (kernel - 1) + 1, size + sum(padding)
    starts = [start for start in range(0, whole, stride) if start + span <= whole]
    # One more may hang over the end, if rows are left that no window has read and it begins before the end's padding.
    hanging = starts[-1] + stride if starts else whole
    if ceil_mode and starts and starts[-1] + span < whole and hanging < size + padding[0]:
        starts.append(hanging)
    assert window_positions(size, kernel, stride, padding, dilation, ceil_mode) == len(starts)


def test_pooling() -> None:
    window: dict[str, Any] = {"kernel_size": 3, "stride": 2, "padding": ((0, 1), (1, 0))}
    assert apply("max_pool2d", window, [tensor(2, 3, 8, 9)]).output.shape == (2, 3, 4, 4)
    assert apply("max_pool2d", {**window, "ceil_mode": True}, [tensor(2, 3, 8, 10)]).output.shape == (2, 3, 4, 5)
    assert apply("avg_pool1d", {**window, "kernel_size": (3,), "padding": 0}, [tensor(2, 3, 9)]).output.shape == (
        2,
        3,
        4,
    )
    for wanted, sizes in (((None, 3), (8, 3)), (2, (2, 2)), ((1, 1), (1, 1))):
        settings: dict[str, Any] = {"output_size": wanted}
        found = apply("adaptive_avg_pool2d", settings, [tensor(2, 3, 8, 9)])
        assert found == Effect(tensor(2, 3, *sizes), (), 0)
    assert apply("global_avg_pool2d", {}, [tensor(2, 3, 8, 9)]).output.shape == (2, 3)
    kept = apply("global_max_pool2d", {"keepdims": True}, [tensor(2, 8, 9, 3, layout="NHWC")])
    assert kept.output.shape == (2, 1, 1, 3)
    with pytest.raises(InputError, match="expects 4 dimensions"):
        apply("adaptive_avg_pool2d", {"output_size": 1}, [tensor(2, 3, 8)])
    with pytest.raises(InputError, match="expects 4 dimensions"):
        apply("max_pool2d", window, [tensor(2, 3, 8)])


def test_attention_projects_scores_and_sums() -> None:
    widths = {"num_heads": 2, "key_dim": 3, "value_dim": 4, "out_features": 6}
    query, value, key = tensor(2, 5, 8), tensor(2, 7, 10), tensor(2, 7, 9)
    scores = 5 * 7 * (3 + 4)
    per_head = 5 * 8 * 3 + 7 * 9 * 3 + 7 * 10 * 4 + scores + 5 * 4 * 6
    found = apply("attention", widths, [query, value, key])
    assert (found.output.shape, found.macs) == ((2, 5, 6), 2 * 2 * per_head)
    # With one head of keys and values for two of queries, these are projected once.
    grouped = apply("attention", {**widths, "num_kv_heads": 1}, [query, value, key])
    assert found.macs - grouped.macs == 2 * (7 * 9 * 3 + 7 * 10 * 4)
    # The value is the key where none is given, and the query where nothing else is.
    both = apply("attention", widths, [query, value])
    assert both.macs == 2 * 2 * (5 * 8 * 3 + 7 * 10 * 3 + 7 * 10 * 4 + scores + 5 * 4 * 6)
    alone = apply("attention", widths, [query])
    assert alone.macs == 2 * 2 * (5 * 8 * 3 + 5 * 8 * 3 + 5 * 8 * 4 + 5 * 5 * 7 + 5 * 4 * 6)


def test_attention_without_projections_multiplies_what_it_is_given() -> None:
    found = apply("attention", {}, [tensor(2, 5, 8), tensor(2, 7, 10), tensor(2, 7, 8)])
    assert (found.output.shape, found.weights, found.macs) == ((2, 5, 10), (), 2 * 5 * 7 * (8 + 10))
    # Positions of an image are counted in both directions.
    assert apply("attention", {}, [tensor(2, 3, 5, 8)]).macs == 2 * 15 * 15 * (8 + 8)


def test_dense() -> None:
    found = apply("dense", {"in_features": 8, "out_features": 3, "bias": True}, [tensor(2, 5, 8)])
    assert (found.output.shape, found.macs) == ((2, 5, 3), 2 * 5 * 3 * 8)
    assert weights(found) == {"kernel": (8, 3), "bias": (3,)}
    plain = {"in_features": 8, "out_features": 3, "bias": False}
    assert weights(apply("dense", plain, [tensor(8)])) == {"kernel": (8, 3)}
    for refused in (tensor(2, 7), tensor()):
        with pytest.raises(InputError, match=r"expects 8 input features, got (2x7|scalar)"):
            apply("dense", plain, [refused])


@pytest.mark.parametrize(
    ("first", "second", "result", "shared"),
    [
        ((2, 3), (3, 4), (2, 4), 3),
        ((3,), (3, 4), (4,), 3),
        ((2, 3), (3,), (2,), 3),
        ((3,), (3,), (), 3),
        ((5, 1, 2, 3), (6, 3, 4), (5, 6, 2, 4), 3),
        ((6, 2, 3), (3, 4), (6, 2, 4), 3),
    ],
)
def test_matmul_is_numpys(
    first: tuple[int, ...], second: tuple[int, ...], result: tuple[int, ...], shared: int
) -> None:
    found = apply("matmul", {}, [tensor(*first), tensor(*second)])
    assert (found.output.shape, found.weights, found.macs) == (result, (), prod(result) * shared)


@pytest.mark.parametrize(("first", "second"), [((2, 3), (4, 3)), ((3,), (4,)), ((), (3,)), ((3,), ()), ((3,), (4, 3))])
def test_matmul_refuses_what_doesnt_fit(first: tuple[int, ...], second: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="can't multiply"):
        apply("matmul", {}, [tensor(*first), tensor(*second)])


@pytest.mark.parametrize(
    ("equation", "shapes", "result", "macs"),
    [
        ("ab, bc -> ac", ((5, 6), (6, 7)), (5, 7), 5 * 6 * 7),
        ("ab,bc", ((5, 6), (6, 7)), (5, 7), 5 * 6 * 7),
        # a is summed up before anything is multiplied: 6 x 7 products are left.
        ("ab,bc->c", ((5, 6), (6, 7)), (7,), 6 * 7),
        ("ij,ij->", ((5, 6), (5, 6)), (), 5 * 6),
        # An outer product, one element by element, and a sum, which have no additions of products.
        ("a,b->ab", ((5,), (6,)), (5, 6), 0),
        ("ab,ab->ab", ((5, 6), (5, 6)), (5, 6), 0),
        ("ab->a", ((5, 6),), (5,), 0),
        # Without an arrow the result is in the order of the alphabet, and what occurs twice is summed up.
        ("ba", ((5, 6),), (6, 5), 0),
        ("aab", ((5, 5, 6),), (6,), 0),
        # Dimensions of an ellipsis are counted from the right and spread from 1.
        ("...ab,...bc->...ac", ((2, 3, 5, 6), (3, 6, 7)), (2, 3, 5, 7), 2 * 3 * 5 * 6 * 7),
        ("...ab,...bc", ((4, 1, 5, 6), (3, 6, 7)), (4, 3, 5, 7), 4 * 3 * 5 * 6 * 7),
        ("ab,bc->ac", ((5, 1), (6, 7)), (5, 7), 5 * 6 * 7),
        ("ab,bc->ac", ((5, 6), (1, 7)), (5, 7), 5 * 6 * 7),
    ],
)
def test_einsum(equation: str, shapes: tuple[tuple[int, ...], ...], result: tuple[int, ...], macs: int) -> None:
    found = apply("einsum", {"equation": equation}, [tensor(*shape) for shape in shapes])
    assert (found.output.shape, found.macs) == (result, macs)


@pytest.mark.parametrize(
    ("equation", "shapes", "said"),
    [
        ("ab,bc->ac", ((5, 6),), "is of 2 tensors, got 1"),
        ("ab->a", ((5, 6), (5, 6)), "is of 1 tensors, got 2"),
        ("ab,bc->ac", ((5, 6), (6,)), "doesn't fit 6"),
        ("ab,bc->ac", ((5, 6, 7), (6, 7)), "doesn't fit 5x6x7"),
        ("ab,bc->ac", ((5, 6), (8, 7)), "has two sizes for b: 6 and 8"),
    ],
)
def test_what_einsum_refuses(equation: str, shapes: tuple[tuple[int, ...], ...], said: str) -> None:
    with pytest.raises(InputError, match=said):
        apply("einsum", {"equation": equation}, [tensor(*shape) for shape in shapes])


@pytest.mark.parametrize(("kind", "gates"), [("lstm", 4), ("gru", 3), ("rnn", 1)])
def test_recurrent_layers_multiply_at_every_step(kind: str, gates: int) -> None:
    steps, plain = 2 * 7, {"in_features": 3, "hidden_size": 5}
    found = apply(kind, plain, [tensor(2, 7, 3)])
    assert (found.output.shape, found.macs) == ((2, 7, 5), steps * gates * 5 * (3 + 5))
    # Two directions; the second layer reads what both of the first give.
    deep = {**plain, "num_layers": 2, "bidirectional": True}
    found = apply(kind, deep, [tensor(2, 7, 3)])
    first, second = gates * 5 * (3 + 5), gates * 5 * (5 + 5 + 5)
    assert (found.output.shape, found.macs) == ((2, 7, 10), 2 * steps * (first + second))
    # The state of 5 is projected to 2, which is what the next step and the next layer read.
    found = apply(kind, {**deep, "proj_size": 2}, [tensor(2, 7, 3)])
    first, second = gates * 5 * (3 + 2) + 5 * 2, gates * 5 * (2 + 2 + 2) + 5 * 2
    assert (found.output.shape, found.macs) == ((2, 7, 4), 2 * steps * (first + second))
    assert apply(kind, {**plain, "return_sequences": False}, [tensor(2, 7, 3)]).output.shape == (2, 5)
    assert apply(kind, plain, [tensor(7, 3)]).output.shape == (7, 5)
    for refused in (tensor(2, 7, 4), tensor(3), tensor(1, 2, 7, 3)):
        with pytest.raises(InputError, match="expects sequences of 3 features"):
            apply(kind, plain, [refused])


def test_batch_norm_has_what_it_is_asked_for() -> None:
    settings = {"channels": 4, "scale": True, "center": True}
    found = apply("batch_norm", settings, [tensor(2, 4, 3, 3)])
    assert (found.output, found.macs) == (tensor(2, 4, 3, 3), 0)
    assert [(w.name, w.shape, w.statistics) for w in found.weights] == [
        ("gamma", (4,), False),
        ("beta", (4,), False),
        ("mean", (4,), True),
        ("variance", (4,), True),
    ]
    bare = apply("batch_norm", {**settings, "scale": False, "center": False}, [tensor(2, 4)])
    assert [weight.name for weight in bare.weights] == ["mean", "variance"]
    with pytest.raises(InputError, match=r"expects 4 channels, got 5 \(2x5\)"):
        apply("batch_norm", settings, [tensor(2, 5)])
    with pytest.raises(InputError, match="expects at least batch and channels, got 4"):
        apply("batch_norm", settings, [tensor(4)])


def test_shapes_that_change_and_values_that_dont() -> None:
    for start, end, shape in (
        (1, -1, (2, 60)),
        (0, 1, (6, 4, 5)),
        (1, 2, (2, 12, 5)),
        (0, -2, (24, 5)),
        (-2, -1, (2, 3, 20)),
    ):
        found = apply("flatten", {"start_dim": start, "end_dim": end}, [tensor(2, 3, 4, 5)])
        assert (found.output.shape, found.macs) == (shape, 0)
    padded = apply("zero_pad2d", {"padding": ((1, 2), (0, 4))}, [tensor(2, 3, 4, 5)])
    assert padded.output.shape == (2, 3, 7, 9)
    for first, last in ((1, None), ("1", 2)):
        with pytest.raises(TypeError):
            apply("flatten", {"start_dim": first, "end_dim": last}, [tensor(2, 3, 4, 5)])
    for name in ("relu", "softmax"):
        assert apply(name, {}, [tensor(2, 3)]) == Effect(tensor(2, 3), (), 0)
    assert apply("add", {}, [tensor(2, 3), tensor(2, 3), tensor(2, 3)]) == Effect(tensor(2, 3), (), 0)
    with pytest.raises(InputError, match="can't add 2x3 and 2x1"):
        apply("add", {}, [tensor(2, 3), tensor(2, 3), tensor(2, 1)])
    with pytest.raises(InputError, match="expects 4 dimensions"):
        apply("zero_pad2d", {"padding": 1}, [tensor(2, 3, 4)])


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_lines_images_and_volumes_have_their_rules(rank: int) -> None:
    image = tensor(1, 4, *(6,) * rank)
    window: dict[str, Any] = {"kernel_size": (2,) * rank, "stride": 2, "padding": 0}
    for name in ("max_pool", "avg_pool"):
        assert apply(f"{name}{rank}d", window, [image]).output.shape == (1, 4, *(3,) * rank)
    for name in ("global_max_pool", "global_avg_pool"):
        assert apply(f"{name}{rank}d", {}, [image]).output.shape == (1, 4)
    channels: dict[str, Any] = {"in_channels": 4, "out_channels": 5, "groups": 1, "bias": False}
    found = apply(f"conv{rank}d", {**window, **channels}, [image])
    assert (found.output.shape, found.macs) == ((1, 5, *(3,) * rank), 5 * 3**rank * 4 * 2**rank)
    found = apply(f"conv_transpose{rank}d", {**window, **channels, "output_size": 12}, [image])
    assert (found.output.shape, found.macs) == ((1, 5, *(12,) * rank), 4 * 6**rank * 5 * 2**rank)


@pytest.mark.parametrize("name", RULES)
def test_every_rule_is_there(name: str) -> None:
    """A rule is found by its name when it is asked; without settings and inputs it refuses in its own way."""
    with pytest.raises((KeyError, ValueError, IndexError, TypeError)):
        apply(name, {}, [])


def test_what_has_no_rule_is_told_apart() -> None:
    with pytest.raises(KeyError, match="gelu"):
        apply("gelu", {}, [tensor(2, 3)])


@given(st.integers(1, 40), st.integers(1, 7), st.integers(1, 4), st.integers(1, 3))
def test_same_gives_an_output_for_each_stride(size: int, kernel: int, stride: int, dilation: int) -> None:
    span = dilation * (kernel - 1) + 1
    for way in ("same", "same_lower"):
        ((before, after),) = padding_pairs(explicit_padding(way, [size], [kernel], [stride], [dilation]), 1)
        outputs = -(-size // stride)
        # The windows reach exactly over what is padded, unless they leave rows of the input out.
        assert before + after == max(0, (outputs - 1) * stride + span - size)
        assert after - before in ((0, 1) if way == "same" else (0, -1))
    ((before, after),) = padding_pairs(explicit_padding("causal", [size], [kernel], [stride], [dilation]), 1)
    assert (before, after) == (span - 1, 0)
    assert explicit_padding("valid", [size], [kernel], [stride], [dilation]) == (0,)


def test_a_padding_in_words_becomes_numbers_for_each_dimension() -> None:
    assert explicit_padding("causal", [5, 5], [3, 2], [1, 1], [1, 2]) == ((2, 0), (2, 0))
    assert explicit_padding("same", [8, 7], [3, 3], [2, 2], [1, 1]) == ((0, 1), 1)


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ((4, (1, 2, 3, 4)), ("zero_pad2d", {"padding": ((3, 4), (1, 2))})),
        ((4, (1, 1, 0, 0), "constant", 0), ("zero_pad2d", {"padding": (0, 1)})),
        ((4, (1, 2, 3, 4), "reflect"), ("pad", {"padding": ((3, 4), (1, 2)), "mode": "reflect"})),
        ((4, (1, 2, 3, 4), None, 1), ("pad", {"padding": ((3, 4), (1, 2)), "mode": "constant", "value": 1})),
        ((3, (1, 2, 3, 4)), ("pad", {"padding": ((3, 4), (1, 2)), "mode": "constant", "value": 0})),
        # Dimensions in front that get nothing aren't told.
        ((4, (1, 2, 0, 0), "reflect"), ("pad", {"padding": ((1, 2),), "mode": "reflect"})),
        ((4, (1, 2)), ("pad", {"padding": ((1, 2),), "mode": "constant", "value": 0})),
        ((4, (1, 2, 3, -4)), ("pad", {"padding": ((3, -4), (1, 2)), "mode": "constant", "value": 0})),
        ((4, (1, 2, 3)), None),
        ((4, (1, None)), None),
        ((4, None), None),
    ],
)
def test_a_padding_of_torchs_has_the_last_dimension_first(arguments: Any, found: Any) -> None:
    assert padded(*arguments) == found


def test_sizes_and_paddings_in_every_spelling() -> None:
    assert (per_dimension(3, 2), per_dimension((3, 4), 2), per_dimension((3, None), 2)) == ((3, 3), (3, 4), (3,))
    assert padding_pairs(3, 2) == ((3, 3), (3, 3))
    assert padding_pairs((1, (0, 2)), 2) == ((1, 1), (0, 2))
    for refused in ("same", ((1, 2, 3),), None):
        with pytest.raises(TypeError):
            padding_pairs(refused, 1)
    with pytest.raises(TypeError):
        per_dimension("3", 2)
    image = image_of_rank(tensor(2, 5, 6, 3, layout="NHWC"), 2)
    assert (image.batch, image.channels, image.spatial) == (2, 3, (5, 6))
    assert image_of_rank(tensor(2, 3, 5), 1).spatial == (5,)
