"""TensorFlow's kinds of operations in our vocabulary, and the families of kinds that are read alike."""

from __future__ import annotations

from functools import cache

from ...ops import vocabulary

CONVOLUTIONS = {"Conv2D": "conv2d", "Conv3D": "conv3d", "DepthwiseConv2dNative": "conv2d"}
TRANSPOSED = {"Conv2DBackpropInput": "conv_transpose2d", "Conv3DBackpropInputV2": "conv_transpose3d"}
POOLS = {"AvgPool": "avg_pool2d", "AvgPool3D": "avg_pool3d", "MaxPool": "max_pool2d", "MaxPool3D": "max_pool3d"}
NORMS = ("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3")
PRODUCTS = ("BatchMatMul", "BatchMatMulV2", "BatchMatMulV3", "MatMul")
RESIZES = {
    "ResizeArea": "area",
    "ResizeBicubic": "bicubic",
    "ResizeBilinear": "bilinear",
    "ResizeNearestNeighbor": "nearest",
}
PADS = ("MirrorPad", "Pad", "PadV2")
#: What gives a tensor like the first that it reads.
LIKE_FIRST = frozenset(
    [
        *(
            "Abs",
            "BiasAdd",
            "Cast",
            "Ceil",
            "CheckNumerics",
            "ClipByValue",
            "Cos",
            "Cumsum",
            "Elu",
            "Erf",
            "Erfc",
            "Exp",
        ),
        *("Expm1", "Floor", "Inv", "IsFinite", "IsInf", "IsNan", "L2Loss", "LRN", "LeakyRelu", "Log", "Log1p"),
        *("LogSoftmax", "LogicalNot", "MatrixBandPart", "Neg", "OnesLike", "Reciprocal", "Relu", "Relu6", "ReverseV2"),
        *("Rint", "Roll", "Round", "Rsqrt", "Selu", "Sigmoid", "Sign", "Sin", "Sinh", "Softmax", "Softplus"),
        *("Softsign", "Sqrt", "Square", "Tan", "Tanh", "ZerosLike", *NORMS),
    ]
)
#: What gives a tensor as large as all that it reads together, one's sizes spread over another's.
BROADCASTING = frozenset(
    [
        *("Add", "AddN", "AddV2", "Atan2", "BitwiseAnd", "BitwiseOr", "BitwiseXor", "Div", "DivNoNan", "Equal"),
        *("FloorDiv", "FloorMod", "Greater", "GreaterEqual", "Less", "LessEqual", "LogicalAnd", "LogicalOr", "Maximum"),
        *("Minimum", "Mod", "Mul", "MulNoNan", "NotEqual", "Pow", "RealDiv", "SelectV2"),
        *("SquaredDifference", "Sub", "TruncateDiv", "TruncateMod", "Xdivy", "Xlogy"),
    ]
)

#: Kinds whose op isn't their name in lower case.
_OPS = {
    **CONVOLUTIONS,
    **TRANSPOSED,
    **POOLS,
    **dict.fromkeys(PRODUCTS, "matmul"),
    **dict.fromkeys(NORMS, "batch_norm"),
    **dict.fromkeys(("GatherV2", "ResourceGather"), "embedding"),
    **dict.fromkeys(("ExpandDims", "Reshape", "Squeeze"), "reshape"),
    **dict.fromkeys(("Split", "SplitV", "StridedSlice", "Unpack"), "slice"),
    **dict.fromkeys(PADS, "pad"),
    **dict.fromkeys(RESIZES, "resize"),
    "AddN": "add",
    "AddV2": "add",
    "ArgMax": "argmax",
    "BatchToSpaceND": "batch_to_space",
    "BiasAdd": "add",
    "BroadcastTo": "expand",
    "Cast": "copy",
    "ConcatV2": "concat",
    "DepthToSpace": "pixel_shuffle",
    "Max": "amax",
    "Maximum": "max",
    "Min": "amin",
    "Minimum": "min",
    "Pack": "stack",
    "RealDiv": "div",
    "Select": "where",
    "SelectV2": "where",
    "SpaceToBatchND": "space_to_batch",
    "Tile": "expand",
    "Where": "other",  # the places where a condition is true
}
_FAKE_QUANTIZED = "FakeQuantWithMinMax"


@cache
def word_of(kind: str) -> str:
    """The op of a kind of operation."""
    if kind.startswith(_FAKE_QUANTIZED):
        return "fake_quantize"
    return _OPS.get(kind) or vocabulary.named(kind.removesuffix("V2")) or "other"
