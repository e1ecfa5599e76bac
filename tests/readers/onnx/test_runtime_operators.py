"""ONNX Runtime's own operators, in the domain ``com.microsoft``: each is what it is made of, or fuses.

What each computes is told in https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md.
"""

from __future__ import annotations

import pytest

from resnet_inspect.ir import UNKNOWN, Tensor
from tests.support import onnx_models as models
from tests.support.command import needs
from tests.support.onnx_models import by_type, read

pytestmark = needs("onnx")

#: Operator -> its inputs, its op, and the shape of its first output; x is 2x5x8, bias and scale have 8.
OPERATORS = {
    "BiasDropout": ("x, b", "dropout", None),
    "BiasGelu": ("x, b", "gelu", (2, 5, 8)),
    "FastGelu": ("x, b", "gelu", (2, 5, 8)),
    "Gelu": ("x", "gelu", (2, 5, 8)),
    "QuickGelu": ("x", "gelu", (2, 5, 8)),
    "QLinearAdd": ("x, s, z, x, s, z, s, z", "add", None),
    "QLinearConcat": ("s, z, x, s, z", "concat", None),
    "QLinearLeakyRelu": ("x, s, z, s, z", "leaky_relu", (2, 5, 8)),
    "QLinearMul": ("x, s, z, x, s, z, s, z", "mul", None),
    "QLinearSigmoid": ("x, s, z, s, z", "sigmoid", (2, 5, 8)),
    "QLinearSoftmax": ("x, s, z, s, z", "softmax", (2, 5, 8)),
    "RotaryEmbedding": ("x, i, b, b", "other", (2, 5, 8)),
    "SkipLayerNormalization": ("x, x, b, b", "layer_norm", (2, 5, 8)),
    "SkipSimplifiedLayerNormalization": ("x, x, b", "rms_norm", (2, 5, 8)),
    "SparseAttention": ("x, x, x", "other", None),
}


@pytest.mark.parametrize("name", OPERATORS)
def test_an_operator_is_what_it_fuses(name: str) -> None:
    inputs, op, shape = OPERATORS[name]
    model = models.written(
        f"g (float[2, 5, 8] x) => (float[2, 5, 8] y) {{ y = Identity(x)\n r = com.microsoft.{name}({inputs}) }}",
        b=(8,),
        i=(2, 5),
        s=1.0,
        z=0,
    )
    layer = by_type(read(model))[f"com.microsoft.{name}"]
    assert layer.op == op
    assert layer.output_tensors == ((Tensor(shape, "float32"),) if shape else (UNKNOWN,))
    assert layer.macs == (None if name in ("BiasDropout", "SparseAttention") else 0)
