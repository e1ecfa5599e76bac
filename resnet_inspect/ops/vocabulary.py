"""The words for what a layer does, a line an operator: all that is known of it beside its rule.

Every reader names its operators by these words, and everything after the IR asks here instead of listing names. What
isn't listed, as a function of ``keras.ops`` that nobody thought of, is ``UNKNOWN``: nothing is claimed of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple


class Op(NamedTuple):
    """What is known of an operator.

    Attributes:
        family: what may take its place in a network and still be the same layer.
        layout: ``makes``: its result is an image; ``keeps``: it is one where what is read is.
        reads: the positions of an image that one position of the result depends on: the same ``position``; the same
            by ``channels``, if a norm is over these alone, else all; ``all``; one that has ``moved``, unless all sizes
            stay. None: its family or its attributes tell, or nobody knows.
        view: its result lies in the memory of what it reads, ``always`` or in ``inference`` only.
        saves: what torch's backward formula needs of the forward pass (PyTorch's ``derivatives.yaml``): ``inputs``,
            ``output``, ``both`` or the ``mask`` among its inputs.
        besides: what that formula needs which is neither: a number a place (``channels``, ``groups``, ``positions``,
            ``deviations``, ``queries``), one an element (``mask``, ``limits``, ``places`` of what was the largest), a
            channel of each image (``channel mask``) or an image (``image mask``), the results of its ``parts``
            (``ops/composed.py``), or ``unknown``, of what is made of several operators.
        copies: done in place, it keeps a copy of what it overwrites, as its formula needs that.
        gradient: what its backward pass makes for each input: ``new`` memory, the ``same`` memory that it was given, a
            ``view`` of a single number, or ``none``, as its result doesn't depend on what it reads.
        autocast: the type that torch's autocast runs it in on a GPU: ``lower``, ``float32``, the ``widest`` of
            its inputs, or its own with a ``float32 result``. None: the type of what it reads. (https://pytorch.org/docs/stable/amp.html)
        commutes: its inputs have no order.
        shortcut: a shortcut with a ``neutral`` one is the identity; with a ``gentle`` one it isn't, but the identity
            stays in reach (He et al. 2016, table 1).
        depth: a network's depth counts it (He et al. 2015, table 1): convolutions, fully connected layers and what is
            made of them.
    """

    family: str
    layout: str | None = None
    reads: str | None = None
    view: str | None = None
    saves: str | None = None
    besides: str | None = None
    copies: bool = False
    gradient: str = "new"
    autocast: str | None = None
    commutes: bool = False
    shortcut: str | None = None
    depth: bool = False


UNKNOWN = Op("other", besides="unknown")

# What an operator is beside its family's own is said in its line.
_CONVOLUTION = Op("convolution", layout="makes", saves="inputs", autocast="lower", depth=True)
_TRANSPOSED = _CONVOLUTION._replace(family="transposed convolution")
_POOL = Op("pool", layout="makes", saves="inputs", shortcut="gentle")
_ADAPTIVE = _POOL._replace(family="adaptive pool")
_GLOBAL = Op("global pool", layout="makes", shortcut="gentle")
_NORM = Op("norm", layout="keeps", saves="inputs", shortcut="gentle")
_IMAGE_NORM = _NORM._replace(layout="makes")
_ACTIVATION = Op("activation", layout="keeps", reads="position", saves="inputs")
_OVER_A_DIMENSION = Op("activation", layout="keeps", saves="output", autocast="float32")
_DROPOUT = Op("dropout", layout="keeps", reads="position", view="inference")
_BY_ELEMENT = Op("elementwise", layout="keeps", reads="position")
_PRODUCT = Op("product", saves="inputs", autocast="lower", depth=True)
_EMBEDDING = Op("embedding", saves="inputs")
_RECURRENT = Op("recurrent", reads="all", besides="unknown", autocast="lower", depth=True)
_REDUCTION = Op("reduction", layout="keeps")
_SHAPE = Op("shape", reads="moved", view="always", gradient="same", shortcut="neutral")
_PADDING = Op("padding", layout="keeps", shortcut="gentle")
# Every n-th row of an image is an image of its own: so a convolution gets dilated whose kernel isn't.
_DEALING = Op("dealing", layout="keeps", shortcut="gentle")

VOCABULARY: dict[str, Op] = {
    "abs": _BY_ELEMENT._replace(saves="inputs"),
    "activation": _ACTIVATION._replace(saves=None),
    "adaptive_avg_pool1d": _ADAPTIVE,
    "adaptive_avg_pool2d": _ADAPTIVE,
    "adaptive_avg_pool3d": _ADAPTIVE,
    "adaptive_max_pool1d": _ADAPTIVE._replace(besides="places"),
    "adaptive_max_pool2d": _ADAPTIVE._replace(besides="places"),
    "adaptive_max_pool3d": _ADAPTIVE._replace(besides="places"),
    "add": _BY_ELEMENT._replace(gradient="same", commutes=True),
    "amax": _REDUCTION._replace(saves="both"),
    "amin": _REDUCTION._replace(saves="both"),
    "argmax": _REDUCTION,
    "attention": Op("attention", reads="all", saves="both", besides="queries", autocast="lower", depth=True),
    "avg_pool": _POOL,
    "avg_pool1d": _POOL,
    "avg_pool2d": _POOL,
    "avg_pool3d": _POOL,
    "batch_norm": _IMAGE_NORM._replace(reads="position", besides="channels"),
    "batch_to_space": _DEALING,
    "bidirectional": _RECURRENT._replace(depth=False),
    "bilinear": _PRODUCT._replace(autocast="widest"),
    "celu": _ACTIVATION,
    "channel_shuffle": Op("shape", layout="makes", reads="position"),
    "clamp": _ACTIVATION._replace(copies=True),
    "concat": Op("join", layout="keeps", reads="position", gradient="same", autocast="widest", shortcut="gentle"),
    "conv": _CONVOLUTION,
    "conv1d": _CONVOLUTION,
    "conv2d": _CONVOLUTION,
    "conv3d": _CONVOLUTION,
    "conv_transpose": _TRANSPOSED,
    "conv_transpose1d": _TRANSPOSED,
    "conv_transpose2d": _TRANSPOSED,
    "conv_transpose3d": _TRANSPOSED,
    "copy": Op("shape", layout="keeps", reads="position", gradient="same", shortcut="neutral"),
    "crop": _PADDING,
    "dense": _PRODUCT,
    "dequantize": _BY_ELEMENT,
    "div": _BY_ELEMENT._replace(saves="inputs"),
    "dot": _PRODUCT._replace(autocast="widest", depth=False),
    "dropout": _DROPOUT._replace(besides="mask", shortcut="gentle"),
    "einsum": _PRODUCT._replace(depth=False),
    "einsum_dense": _PRODUCT,
    "elu": _ACTIVATION,
    "embedding": _EMBEDDING,
    "embedding_bag": _EMBEDDING,
    "erf": _BY_ELEMENT._replace(saves="inputs"),
    "exp": _BY_ELEMENT._replace(saves="output", autocast="float32"),
    "expand": Op("shape", layout="keeps", view="always"),
    "fake_quantize": _BY_ELEMENT._replace(besides="limits"),
    "feature_dropout": _DROPOUT._replace(besides="channel mask", shortcut="gentle"),
    "fill": Op("constant", gradient="none"),
    "flatten": Op("shape", view="always", gradient="same"),
    "frozen_batch_norm": _IMAGE_NORM._replace(reads="position"),
    "gelu": _ACTIVATION,
    "global_avg_pool1d": _GLOBAL,
    "global_avg_pool2d": _GLOBAL,
    "global_avg_pool3d": _GLOBAL,
    "global_max_pool1d": _GLOBAL._replace(saves="both"),
    "global_max_pool2d": _GLOBAL._replace(saves="both"),
    "global_max_pool3d": _GLOBAL._replace(saves="both"),
    "glu": _ACTIVATION._replace(reads=None),
    "group_norm": _NORM._replace(reads="all", besides="groups", autocast="float32"),
    "gru": _RECURRENT,
    "hard_sigmoid": _ACTIVATION._replace(copies=True),
    "hard_swish": _ACTIVATION._replace(copies=True),
    "hard_tanh": _ACTIVATION._replace(copies=True),
    "identity": _SHAPE._replace(layout="keeps", reads="position"),
    "input": Op("input"),
    "instance_norm": _IMAGE_NORM._replace(reads="all", besides="groups"),
    "layer_norm": _NORM._replace(reads="channels", besides="positions", autocast="float32"),
    "leaky_relu": _ACTIVATION,
    "local_response_norm": _NORM._replace(reads="position", besides="unknown"),
    "log": _BY_ELEMENT._replace(saves="inputs", autocast="float32"),
    "log_softmax": _OVER_A_DIMENSION,
    "lstm": _RECURRENT,
    "mask": UNKNOWN,
    "masked_fill": _BY_ELEMENT._replace(saves="mask"),
    "matmul": _PRODUCT._replace(depth=False),
    "max": _BY_ELEMENT._replace(saves="inputs", commutes=True),
    "max_pool": _POOL._replace(besides="places"),
    "max_pool1d": _POOL._replace(besides="places"),
    "max_pool2d": _POOL._replace(besides="places"),
    "max_pool3d": _POOL._replace(besides="places"),
    "mean": _REDUCTION._replace(reads="position"),
    "min": _BY_ELEMENT._replace(saves="inputs", commutes=True),
    "mish": _ACTIVATION._replace(copies=True),
    "mul": _BY_ELEMENT._replace(saves="inputs", commutes=True, shortcut="gentle"),
    "neg": _BY_ELEMENT,
    "noise": _BY_ELEMENT,
    "normalization": _BY_ELEMENT,
    "pad": _PADDING,
    "pixel_shuffle": Op("shape", layout="makes"),
    "pow": _BY_ELEMENT._replace(saves="inputs", autocast="float32"),
    "prelu": _ACTIVATION._replace(autocast="lower"),
    "quantize": _BY_ELEMENT,
    "recurrent": _RECURRENT._replace(depth=False),
    "relu": _ACTIVATION._replace(saves="output"),
    "relu6": _ACTIVATION._replace(copies=True),
    "rescale": _BY_ELEMENT,
    "reshape": _SHAPE,
    "resize": Op("resize", layout="makes", autocast="float32", shortcut="gentle"),
    "rms_norm": _NORM._replace(reads="channels", besides="deviations", autocast="float32"),
    "rnn": _RECURRENT,
    "roll": Op("shape", layout="keeps"),
    "rsqrt": _BY_ELEMENT._replace(saves="output", autocast="float32"),
    "selu": _ACTIVATION,
    "separable_conv": _CONVOLUTION,
    "sigmoid": _ACTIVATION._replace(saves="output"),
    "silu": _ACTIVATION._replace(copies=True),
    "slice": _SHAPE._replace(gradient="new", shortcut="gentle"),
    "softmax": _OVER_A_DIMENSION,
    "softplus": _ACTIVATION._replace(autocast="float32"),
    "softsign": _ACTIVATION,
    "space_to_batch": _DEALING,
    "sqrt": _BY_ELEMENT._replace(saves="output"),
    "stack": Op("join", gradient="same", autocast="widest"),
    "stochastic_depth": _DROPOUT._replace(besides="image mask", shortcut="neutral"),
    "sub": _BY_ELEMENT,
    "sum": _REDUCTION._replace(gradient="view", autocast="float32 result"),
    "tanh": _ACTIVATION._replace(saves="output"),
    "time_distributed": UNKNOWN,
    "transpose": _SHAPE,
    "unit_norm": Op("other", saves="inputs", besides="parts"),
    "vector_norm": _REDUCTION._replace(saves="both", autocast="float32 result"),
    "where": _BY_ELEMENT._replace(saves="mask"),
    "zero_pad1d": _PADDING,
    "zero_pad2d": _PADDING._replace(layout="makes"),
    "zero_pad3d": _PADDING,
}


def of(word: str) -> Op:
    """What is known of an operator."""
    return VOCABULARY.get(word, UNKNOWN)


_BY_LETTERS = {word.replace("_", ""): word for word in VOCABULARY}


def named(name: str) -> str | None:
    """The word that a framework's own name is, but for capitals and underscores: LeakyReLU, hardswish."""
    return _BY_LETTERS.get(name.replace("_", "").lower())


def is_view(op: str, attributes: Iterable[tuple[str, Any]]) -> bool:
    """Whether the result of an operation stands in the memory of what it reads, in inference."""
    return of(op).view is not None or ("inplace", True) in attributes
