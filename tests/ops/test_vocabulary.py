"""Each property of the vocabulary, by what it means: the words that have it, and no others."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from resnet_inspect.ops import images, vocabulary
from resnet_inspect.ops.vocabulary import UNKNOWN, VOCABULARY, Op


def ranks(*stems: str) -> set[str]:
    """Operators on lines, images and volumes."""
    return {f"{stem}{rank}d" for stem in stems for rank in (1, 2, 3)}


#: Weighted sums over a window, and the same backwards.
CONVOLUTIONS = {"conv", "separable_conv", *ranks("conv")}
TRANSPOSED = {"conv_transpose", *ranks("conv_transpose")}
#: A window that moves, one that adapts to the size wanted, and one over all.
POOLS = {"avg_pool", "max_pool", *ranks("avg_pool", "max_pool")}
ADAPTIVE = ranks("adaptive_avg_pool", "adaptive_max_pool")
GLOBAL = ranks("global_avg_pool", "global_max_pool")
#: Norms that work on channels wherever an image has them, and those over the last dimensions or over groups.
IMAGE_NORMS = {"batch_norm", "frozen_batch_norm", "instance_norm"}
NORMS = {*IMAGE_NORMS, "group_norm", "layer_norm", "local_response_norm", "rms_norm"}
RECTIFIERS = {
    "relu",
    "relu6",
    "leaky_relu",
    "prelu",
    "elu",
    "celu",
    "selu",
    "gelu",
    "silu",
    "mish",
    "hard_swish",
    "clamp",
}
SQUASHERS = {"sigmoid", "hard_sigmoid", "tanh", "hard_tanh", "softplus", "softsign"}
OVER_A_DIMENSION = {"softmax", "log_softmax"}
ACTIVATIONS = {*RECTIFIERS, *SQUASHERS, *OVER_A_DIMENSION, "activation", "glu"}
SUMS_AND_PRODUCTS = {"add", "sub", "mul", "div", "max", "min", "pow", "neg", "abs"}
FUNCTIONS = {"exp", "log", "erf", "sqrt", "rsqrt"}
ELEMENTWISE = {
    *SUMS_AND_PRODUCTS,
    *FUNCTIONS,
    "noise",
    "normalization",
    "rescale",
    "quantize",
    "dequantize",
    "fake_quantize",
    "masked_fill",
    "where",
}
#: Products with a matrix of weights, and of two values.
WITH_WEIGHTS = {"dense", "einsum_dense", "bilinear"}
PRODUCTS = {*WITH_WEIGHTS, "matmul", "einsum", "dot"}
DROPOUTS = {"dropout", "feature_dropout", "stochastic_depth"}
STEPS = {"lstm", "gru", "rnn"}
REDUCTIONS = {"sum", "mean", "amax", "amin", "argmax", "vector_norm"}
PADDING = {"pad", "crop", *ranks("zero_pad")}
SHAPES = {"channel_shuffle", "copy", "expand", "flatten", "identity", "pixel_shuffle", "reshape", "roll", "slice"}
SHAPES |= {"transpose"}
DEALING = {"space_to_batch", "batch_to_space"}
FAMILIES = {
    "convolution": CONVOLUTIONS,
    "transposed convolution": TRANSPOSED,
    "pool": POOLS,
    "adaptive pool": ADAPTIVE,
    "global pool": GLOBAL,
    "norm": NORMS,
    "activation": ACTIVATIONS,
    "dropout": DROPOUTS,
    "elementwise": ELEMENTWISE,
    "product": PRODUCTS,
    "embedding": {"embedding", "embedding_bag"},
    "attention": {"attention"},
    # Keras' wrappers around any layer that steps stand beside the three that everybody has.
    "recurrent": {*STEPS, "recurrent", "bidirectional"},
    "reduction": REDUCTIONS,
    "shape": SHAPES,
    "join": {"concat", "stack"},
    "resize": {"resize"},
    # Rows are dealt out to several images, and put together again.
    "dealing": DEALING,
    "padding": PADDING,
    "input": {"input"},
    "constant": {"fill"},
    "other": {"mask", "time_distributed", "unit_norm"},
}
#: What a rule of differentiation needs. A derivative in terms of the result needs no input, and the other way round.
SAVES = {
    "output": {"relu", "sigmoid", "tanh", "exp", "sqrt", "rsqrt", *OVER_A_DIMENSION},
    # The places of the largest: result and input are compared.
    "both": {"amax", "amin", "vector_norm", "attention", *ranks("global_max_pool")},
    # Nothing flows to where it was filled, or another value chosen.
    "mask": {"masked_fill", "where"},
    None: {
        # Linear, and so with a derivative that is a constant.
        *("add", "sub", "neg", "noise", "normalization", "rescale", "sum", "mean"),
        *("quantize", "dequantize", "fake_quantize"),
        *(SHAPES | PADDING | DEALING | ranks("global_avg_pool") | DROPOUTS | {"concat", "stack", "resize"}),
        # Without a derivative, made of others whose own words say it, or unknown.
        *("argmax", "fill", "input", "activation", "mask", "time_distributed", "recurrent", "bidirectional"),
        *STEPS,
    },
}
READS = {
    "position": {
        *(ELEMENTWISE | RECTIFIERS | SQUASHERS | DROPOUTS | {"activation", "identity", "copy"}),
        # With what it has learnt, inference scales each channel; neighbours in a response norm are channels.
        *("batch_norm", "frozen_batch_norm", "local_response_norm", "concat", "channel_shuffle", "mean"),
    },
    "channels": {"layer_norm", "rms_norm"},
    "all": {"attention", "group_norm", "instance_norm", *STEPS, "recurrent", "bidirectional"},
    "moved": {"reshape", "slice", "transpose"},
}
LAYOUTS = {
    "makes": {
        *(CONVOLUTIONS | TRANSPOSED | POOLS | ADAPTIVE | GLOBAL | IMAGE_NORMS),
        *("channel_shuffle", "pixel_shuffle", "resize", "zero_pad2d"),
    },
    "keeps": {
        *(NORMS - IMAGE_NORMS),
        *(ACTIVATIONS | ELEMENTWISE | REDUCTIONS | PADDING - {"zero_pad2d"} | DROPOUTS),
        *("concat", "copy", "expand", "identity", "roll", *DEALING),
    },
}
VIEWS = {
    "always": {"expand", "flatten", "identity", "reshape", "slice", "transpose"},
    "inference": DROPOUTS,
}
#: What the backward pass needs beside what is read and given, and of what is made of several operators nobody knows.
BESIDES = {
    "queries": {"attention"},
    "channels": {"batch_norm"},
    "groups": {"group_norm", "instance_norm"},
    "positions": {"layer_norm"},
    "deviations": {"rms_norm"},
    "mask": {"dropout"},
    "channel mask": {"feature_dropout"},
    "image mask": {"stochastic_depth"},
    "limits": {"fake_quantize"},
    "places": {*(f"{kind}max_pool{d}d" for kind in ("", "adaptive_") for d in (1, 2, 3)), "max_pool"},
    "unknown": {*STEPS, "local_response_norm", "bidirectional", "recurrent", "time_distributed", "mask"},
    # Its length, and what divides it: that or the least that is allowed.
    "parts": {"unit_norm"},
}
SHORTCUTS = {
    # What may stand on a shortcut that is still the identity.
    "neutral": {"identity", "reshape", "transpose", "copy", "stochastic_depth"},
    # He et al. 2016, table 1: scaled, gated, dropped, pooled; padded with zeros as in 2015.
    "gentle": {
        "mul",
        "dropout",
        "feature_dropout",
        "slice",
        "concat",
        "resize",
        *POOLS,
        *ADAPTIVE,
        *GLOBAL,
        *NORMS,
        *PADDING,
        *DEALING,
    },
}


def with_value(groups: dict[str, set[str]], word: str) -> str | None:
    """The group that a word is in."""
    return next((name for name, words in groups.items() if word in words), None)


#: Backward passes that only hand on what they are given: additions, views and what joins.
GRADIENTS = {
    "same": {"add", "concat", "stack", "copy", "flatten", "reshape", "transpose", "identity"},
    "view": {"sum"},
    # A constant in the shape of what it was asked for.
    "none": {"fill"},
}
#: The lists of https://pytorch.org/docs/stable/amp.html#cuda-op-specific-behavior, by our words.
AUTOCAST = {
    "lower": {
        *("attention", "conv", "conv1d", "conv2d", "conv3d", "separable_conv", "dense", "einsum", "einsum_dense"),
        *("conv_transpose", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "matmul", "prelu"),
        *("gru", "lstm", "rnn", "recurrent", "bidirectional"),
    },
    "float32": {
        *("exp", "log", "pow", "rsqrt", "softmax", "log_softmax", "softplus", "resize"),
        *("group_norm", "layer_norm", "rms_norm"),
    },
    # They are told the type of their result, and read what they are given (AT_FORALL_FP32_SET_OPT_DTYPE).
    "float32 result": {"sum", "vector_norm"},
    "widest": {"bilinear", "concat", "dot", "stack"},
}


@pytest.mark.parametrize("word", VOCABULARY)
def test_a_word_is_what_it_means(word: str) -> None:
    saves = next((kind for kind, words in SAVES.items() if word in words), "inputs")
    assert vocabulary.of(word) == Op(
        family=with_value(FAMILIES, word) or "",
        layout=with_value(LAYOUTS, word),
        reads=with_value(READS, word),
        view=with_value(VIEWS, word),
        saves=saves,
        besides=with_value(BESIDES, word),
        gradient=with_value(GRADIENTS, word) or "new",
        autocast=with_value(AUTOCAST, word),
        # Written over its input, each of these has lost where it came from: many inputs give one result.
        copies=word in {"relu6", "hard_tanh", "hard_sigmoid", "hard_swish", "silu", "mish", "clamp"},
        commutes=word in {"add", "mul", "max", "min"},
        shortcut=with_value(SHORTCUTS, word),
        depth=word in CONVOLUTIONS | TRANSPOSED | WITH_WEIGHTS | STEPS | {"attention"},
    )


def test_every_word_is_in_one_family_and_no_other_word_is() -> None:
    words = [word for family in FAMILIES.values() for word in family]
    assert sorted(words) == sorted(VOCABULARY)


@pytest.mark.parametrize(
    ("word", "function", "by_result"),
    [
        ("exp", math.exp, lambda y: y),
        ("sigmoid", lambda x: 1 / (1 + math.exp(-x)), lambda y: y * (1 - y)),
        ("tanh", math.tanh, lambda y: 1 - y * y),
        ("sqrt", math.sqrt, lambda y: 1 / (2 * y)),
        ("rsqrt", lambda x: 1 / math.sqrt(x), lambda y: -(y**3) / 2),
        ("relu", lambda x: max(x, 0), lambda y: float(y > 0)),
    ],
)
def test_what_saves_its_output_has_a_derivative_in_it(
    word: str, function: Callable[[float], float], by_result: Callable[[float], float]
) -> None:
    x, step = 0.7, 1e-6
    slope = (function(x + step) - function(x - step)) / (2 * step)
    assert slope == pytest.approx(by_result(function(x)), rel=1e-4)
    assert vocabulary.of(word).saves == "output"


def test_views_are_what_inference_copies_nothing_for() -> None:
    assert vocabulary.is_view("reshape", ())
    assert vocabulary.is_view("dropout", ())
    assert vocabulary.is_view("relu", (("inplace", True),))
    assert not vocabulary.is_view("relu", (("inplace", False),))


def test_nothing_is_claimed_of_an_unknown_word() -> None:
    assert vocabulary.of("quux") is UNKNOWN
    assert Op("other", None, None, None, None, "unknown", False, "new", None, False, None, False) == UNKNOWN


@pytest.mark.parametrize(
    ("name", "word"),
    [("LeakyReLU", "leaky_relu"), ("hardswish", "hard_swish"), ("Conv2d", "conv2d"), ("GLU", "glu"), ("Conv4d", None)],
)
def test_a_frameworks_name_is_a_word_but_for_capitals_and_underscores(name: str, word: str | None) -> None:
    assert vocabulary.named(name) == word


def test_layouts_follow_the_image() -> None:
    assert [images.output_layout("conv2d", rank, []) for rank in (2, 3, 4, 5)] == [None, "NCL", "NCHW", "NCDHW"]
    # A sum has its inputs' layout, if it has their rank still.
    assert images.output_layout("add", 4, [None, "NHWC"]) == "NHWC"
    assert images.output_layout("add", 3, ["NHWC"]) is None
    assert images.output_layout("add", 4, [None]) is None
    assert images.output_layout("flatten", 4, ["NCHW"]) is None
    assert images.keeps_layout("add")
    assert not images.keeps_layout("conv2d")
    assert not images.keeps_layout("flatten")
    assert images.read_layout("conv2d", 4) == "NCHW"
    assert images.read_layout("relu", 4) is None
    assert images.read_layout("flatten", 4) is None
