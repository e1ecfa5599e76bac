"""Small ONNX models, written as text and completed with the tensors that they hold, and how tests read them."""

from __future__ import annotations

import atexit
import functools
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from resnet_inspect import ir_json
from resnet_inspect.answers.worker import Session
from resnet_inspect.ir import Layer, Summary
from resnet_inspect.readers import module_of
from resnet_inspect.readers.request import Request

#: ONNX's own operators, and those of ONNX Runtime.
_HEADER = '<ir_version: 10, producer_name: "by hand", opset_import: ["": {opset}, "com.microsoft": 1, "mine": 1]>'


def read(model: Any, **request: Any) -> Summary:
    """The summary of a model, or of bytes, in a file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        path.write_bytes(model if isinstance(model, bytes) else model.SerializeToString())
        summary = _session().summarize(Request.from_options(str(path), **request)).summary
    for layer in summary.layers:
        assert len(layer.inputs) == len(layer.input_tensors)
    assert summary.totals.params == sum(layer.params for layer in summary.layers)
    return ir_json.loads(ir_json.dumps(summary).encode())


@functools.cache
def _session() -> Session:
    """A child that reads each file in a fork of its own, as a command's does: starting one for each takes longer."""
    session = Session(module_of("file"))
    atexit.register(session.close)
    return session


def by_type(summary: Summary) -> dict[str, Layer]:
    """Layers by type, of a model that has each once."""
    return {layer.type: layer for layer in summary.layers}


def file_of(folder: Path, model: Any, name: str = "model.onnx") -> str:
    """The path of a model's file."""
    path = folder / name
    path.write_bytes(model.SerializeToString())
    return str(path)


def written(
    text: str, *, opset: int = 21, names: Mapping[str, str] | None = None, dtypes: Any = (), **held: Any
) -> Any:
    """A model of ``text``, whose keyword arguments are the tensors that it holds: shapes (filled with ones) or arrays.

    ``names`` gives the node that makes a value a name, ``dtypes`` a tensor another element type than float.
    """
    import numpy
    from onnx import helper, numpy_helper, parser

    model = parser.parse_model(_HEADER.replace("{opset}", str(opset)) + text)
    for name, value in held.items():
        if isinstance(value, tuple):
            kind = helper.np_dtype_to_tensor_dtype(numpy.dtype(dict(dtypes).get(name, "float32")))
            raw = numpy.ones(value, helper.tensor_dtype_to_np_dtype(kind)).tobytes()
            model.graph.initializer.append(helper.make_tensor(name, kind, value, raw, raw=True))
        else:
            model.graph.initializer.append(numpy_helper.from_array(numpy.asarray(value), name))
    for node in model.graph.node:
        node.name = (names or {}).get(node.output[0], "")
    return model


def residual() -> Any:
    """An image of a free batch, a residual block with a BatchNorm in its branch, and a classifier of five classes."""
    return written(
        """net (float[batch, 3, 8, 8] image) => (float[batch, 5] logits) {
            stem = Conv<kernel_shape = [3, 3], pads = [1, 1, 1, 1]>(image, w1, b1)
            normed = BatchNormalization<epsilon = 0.001>(stem, scale, shift, mean, var)
            active = Relu(normed)
            conv = Conv<kernel_shape = [3, 3], pads = [1, 1, 1, 1]>(active, w2)
            sum = Add(conv, stem)
            last = Relu(sum)
            pooled = GlobalAveragePool(last)
            flat = Flatten(pooled)
            logits = Gemm<transB = 1>(flat, w3, b3)
        }""",
        names={
            "stem": "/stem/Conv",
            "normed": "/layer1/layer1.0/bn1/BatchNormalization",
            "active": "/layer1/layer1.0/relu/Relu",
            "conv": "/layer1/layer1.0/conv1/Conv",
            "sum": "/layer1/layer1.0/Add",
            "last": "/layer1/layer1.0/relu_1/Relu",
            "pooled": "/avgpool/GlobalAveragePool",
            "flat": "/Flatten",
            "logits": "/fc/Gemm",
        },
        w1=(4, 3, 3, 3),
        b1=(4,),
        w2=(4, 4, 3, 3),
        w3=(5, 4),
        b3=(5,),
        scale=(4,),
        shift=(4,),
        mean=(4,),
        var=(4,),
    )


def perceptron(symbol: str = "batch", width: int = 16) -> Any:
    """Two dense layers over the last of three dimensions: a MatMul with its bias added, and one without."""
    return written(
        f"""mlp (float[{symbol}, 6, 8] x) => (float[{symbol}, 6, 4] y) {{
            h = MatMul(x, w1)
            shifted = Add(b1, h)
            active = Gelu(shifted)
            y = MatMul(active, w2)
        }}""",
        w1=(8, width),
        b1=(width,),
        w2=(width, 4),
    )


def controlled() -> Any:
    """A condition whose two bodies hold a weight each, and a loop."""
    return written(
        """branching (float[batch, 4] x, bool[1] which) => (float[batch, 4] y, float[batch, 4] z) {
            w = Constant<value = float[4, 4] {1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4}>()
            h = MatMul(x, w)
            y = If(which) <
                then_branch = yes () => (float[batch, 4] a) { a = MatMul(h, w1) },
                else_branch = no () => (float[batch, 4] b) { b = MatMul(h, w2) }
            >
            three = Constant<value = int64 {3}>()
            always = Constant<value = bool {1}>()
            z = Loop(three, always, h) <
                body = again (int64 i, bool on, float[batch, 4] s) => (bool on2, float[batch, 4] t) {
                    on2 = Identity(on)
                    t = MatMul(s, w1)
                }
            >
        }""",
        w1=(4, 4),
        w2=(4, 4),
    )


def looks_up(tied: bool = True) -> Any:
    """Tokens to vectors and back to scores, by the same table turned round or by another."""
    another: dict[str, Any] = {} if tied else {"other": (10, 4)}
    return written(
        f"""words (int64[batch, steps] ids) => (float[batch, steps, 10] scores) {{
            vectors = Gather(table, ids)
            turned = Transpose<perm = [1, 0]>({"table" if tied else "other"})
            scores = MatMul(vectors, turned)
        }}""",
        table=(10, 4),
        **another,
    )


def quantised() -> Any:
    """A convolution and a product in each of ONNX's quantised forms, and ONNX Runtime's product with 4-bit weights."""
    return written(
        """q (float[1, 3, 6, 6] x, float[2, 64] v) => (float[1, 4, 4, 4] y, float[2, 8] z) {
            xq, xs, xz = DynamicQuantizeLinear(x)
            integers = ConvInteger(xq, wi, xz, zero)
            yq = QLinearConv(xq, one, xz, wi, one, zero, one, zero8, bi)
            wide = Cast<to = 1>(integers)
            w = DequantizeLinear(wq, one)
            conv = Conv(x, w)
            both = Add(wide, conv)
            y = Add(both, both)
            vq, vs, vz = DynamicQuantizeLinear(v)
            mi = MatMulInteger(vq, mq, vz)
            mq8 = QLinearMatMul(vq, one, vz, mq, one, zero, one, zero8)
            z = com.microsoft.MatMulNBits<K = 64, N = 8, bits = 4, block_size = 32>(v, packed, scales)
        }""",
        wi=(4, 3, 3, 3),
        wq=(4, 3, 3, 3),
        bi=(4,),
        mq=(64, 8),
        packed=(8, 2, 16),
        scales=(16,),
        one=(),
        zero=(),
        zero8=(),
        dtypes={"wi": "int8", "wq": "int8", "bi": "int32", "mq": "int8", "packed": "uint8", "zero": "int8"}
        | {"zero8": "uint8"},
    )


def of_unknown_size() -> Any:
    """A result whose size depends on values, an operator that nobody knows, and what reads the two."""
    return written(
        """detector (float[1, 3, 4, 4] x) => (int64[n, 4] found, float[] z) {
            conv = Conv(x, w)
            places = NonZero(conv)
            found = Transpose(places)
            secret = mine.Mystery(conv)
            more = Relu(secret)
            z = Add(more, secret)
        }""",
        w=(2, 3, 1, 1),
    )
