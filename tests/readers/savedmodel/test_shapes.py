"""Sizes of TensorFlow's operations, and the arithmetic on shapes, held against TensorFlow itself."""

from __future__ import annotations

import inspect
import tempfile
from typing import Any

from tests.support.command import in_child


@in_child("tensorflow")
def test_sizes_are_tensorflows() -> None:
    import numpy
    import tensorflow as tf

    image = tf.zeros((2, 6, 8, 3))
    cases: list[tuple[str, list[Any], dict[str, Any]]] = [
        ("SpaceToBatchND", [image, [2, 2], [[1, 1], [0, 0]]], {}),
        ("BatchToSpaceND", [tf.zeros((8, 3, 4, 3)), [2, 2], [[0, 1], [1, 0]]], {}),
        ("Split", [3, image], {"num_split": 3}),
        ("SplitV", [image, [2, -1], 1], {"num_split": 2}),
        ("Pack", [[image, image]], {"axis": 1}),
        ("Unpack", [image], {"num": 6, "axis": 1}),
        ("Tile", [image, [1, 2, 1, 3]], {}),
        ("Pad", [image, [[0, 0], [1, 2], [0, 1], [0, 0]]], {}),
        ("Squeeze", [tf.zeros((2, 1, 3, 1))], {"axis": [1]}),
        ("ExpandDims", [image, -1], {}),
        ("Transpose", [image, [0, 3, 1, 2]], {}),
        ("Reshape", [image, [2, -1]], {}),
        ("Mean", [image, [1, 2]], {"keep_dims": True}),
        ("ArgMax", [image, 3], {}),
        ("GatherV2", [image, [0, 1, 1], 1], {}),
        ("OneHot", [[1, 2], 5, 1.0, 0.0], {"axis": -1}),
        ("ConcatV2", [[image, image], -1], {}),
        ("Slice", [image, [0, 1, 0, 0], [2, -1, 3, 3]], {}),
        ("StridedSlice", [image, [0, 1, 0], [0, 5, 4], [1, 2, 1]], {"begin_mask": 5, "end_mask": 1}),
        ("StridedSlice", [image, [0, 0], [0, 1], [1, 1]], {"ellipsis_mask": 1, "shrink_axis_mask": 2}),
        ("StridedSlice", [image, [0, 0], [0, 0], [1, 1]], {"new_axis_mask": 1, "begin_mask": 2, "end_mask": 2}),
        ("Range", [1, 10, 4], {}),
        ("Fill", [[2, 3], 1.0], {}),
        ("BroadcastTo", [tf.zeros((1, 3)), [4, 3]], {}),
        ("ResizeBilinear", [image, [12, 16]], {}),
        ("Bitcast", [image], {"type": tf.int32}),
        ("SquaredDifference", [image, tf.zeros((8, 1))], {}),
    ]
    for kind, given, settings in cases:
        made = getattr(tf.raw_ops, kind)(**_named(kind, given, settings), **settings)
        outputs = made if isinstance(made, list) else [made]
        assert _inferred(kind, given, settings) == [tuple(output.shape) for output in outputs], kind

    numbers: list[tuple[str, list[Any], dict[str, Any]]] = [
        ("Shape", [image], {}),
        ("Prod", [[2, 3, 4], [0]], {}),
        ("Max", [[[1, 5], [7, 2]], [1]], {"keep_dims": True}),
        ("GatherV2", [[4, 5, 6], [2, 0], 0], {}),
        ("ConcatV2", [[[1, 2], [3]], 0], {}),
        ("Pack", [[4, 5]], {"axis": 0}),
        ("Range", [0, 6, 2], {}),
        ("FloorDiv", [[7, 8], [2, 3]], {}),
        ("StridedSlice", [[4, 5, 6], [1], [2], [1]], {"shrink_axis_mask": 1}),
        ("Fill", [[3], 7], {}),
        ("Cast", [[1.5, 2.5]], {"DstT": tf.int32}),
    ]
    for kind, given, settings in numbers:
        made = getattr(tf.raw_ops, kind)(**_named(kind, given, settings), **settings)
        assert numpy.array_equal(_counted(kind, given, settings, made), made), kind


def _named(kind: str, given: list[Any], settings: dict[str, Any]) -> dict[str, Any]:
    import tensorflow as tf

    names = [name for name in inspect.signature(getattr(tf.raw_ops, kind)).parameters if name not in settings]
    tensors = (
        [tf.convert_to_tensor(item) for item in value] if _is_list(kind, value) else tf.convert_to_tensor(value)
        for value in given
    )
    return dict(zip(names, tensors, strict=False))


def _is_list(kind: str, value: Any) -> bool:
    return kind in ("ConcatV2", "Pack") and isinstance(value, list)


def _call(kind: str, given: list[Any], settings: dict[str, Any], dtype: str, outputs: int) -> Any:
    import tensorflow as tf
    from tensorflow.core.framework.attr_value_pb2 import AttrValue

    from resnet_inspect.ir import Tensor
    from resnet_inspect.readers.savedmodel.calls import Call
    from resnet_inspect.readers.savedmodel.graph import Operation, Value

    flat = [item for value in given for item in (value if _is_list(kind, value) else [value])]
    arrays = [tf.convert_to_tensor(item).numpy() for item in flat]
    attributes = {}
    for name, value in settings.items():
        name = "squeeze_dims" if kind == "Squeeze" else name
        if isinstance(value, bool):
            attributes[name] = AttrValue(b=value)
        elif isinstance(value, int):
            attributes[name] = AttrValue(i=value)
        elif isinstance(value, list):
            attributes[name] = AttrValue(list=AttrValue.ListValue(i=value))
    gives = tuple(Value(None, dtype, 1, index) for index in range(outputs))
    operation = Operation(kind, kind, attributes, tuple(Value(None, "") for _ in arrays), gives, flows=False)
    reads = tuple(Tensor(array.shape, str(array.dtype)) for array in arrays)
    return Call(operation, reads, tuple(array if array.size < 64 else None for array in arrays))


def _inferred(kind: str, given: list[Any], settings: dict[str, Any]) -> list[Any]:
    from resnet_inspect.readers.savedmodel.description import describe

    count = {"Split": 3, "SplitV": 2, "Unpack": 6}.get(kind, 1)
    dtype = "int32" if kind == "Bitcast" else "float32"
    found = describe(_call(kind, given, settings, dtype, count), None).outputs
    return [tensor.shape if tensor is not None else None for tensor in found]


def _counted(kind: str, given: list[Any], settings: dict[str, Any], made: Any) -> Any:
    from resnet_inspect.ir import Tensor
    from resnet_inspect.readers.savedmodel.arithmetic import results

    call = _call(kind, given, settings, str(made.numpy().dtype), 1)
    (found,) = results(call, [Tensor(tuple(made.shape), str(made.numpy().dtype))])
    return found


@in_child("tensorflow")
def test_sizes_without_an_end_are_unknown() -> None:
    import numpy

    from resnet_inspect.ir import Tensor
    from resnet_inspect.readers.savedmodel.calls import Call
    from resnet_inspect.readers.savedmodel.description import describe
    from resnet_inspect.readers.savedmodel.graph import Operation, Value

    def shape(kind: str, read: tuple[int, ...], *numbers: Any) -> object:
        gives = (Value(None, "float32", 1),)
        arrays = (None, *map(numpy.array, numbers))
        reads = (Tensor(read, "float32"), *(Tensor(array.shape, "int32") for array in arrays[1:]))
        operation = Operation(kind, kind, {}, tuple(Value(None, "") for _ in reads), gives, flows=True)
        (found,) = describe(Call(operation, reads, arrays), None).outputs
        return found.shape if found is not None else None

    assert shape("Tile", (2**40, 3), [2**20, 1]) == (2**60, 3)
    assert shape("Tile", (2**60, 3), [2**20, 1]) is None
    assert shape("ExpandDims", (1,) * 253, [0]) == (1,) * 254
    assert shape("ExpandDims", (1,) * 254, [0]) is None
    assert shape("Pad", (2, 3), [[0, 0], [-4, 0]]) is None


@in_child("tensorflow")
def test_a_loop_keeps_the_sizes_that_no_round_changes() -> None:
    import tensorflow as tf

    from resnet_inspect.ir import UNKNOWN
    from resnet_inspect.readers.request import Request
    from resnet_inspect.readers.savedmodel.reader import summarize

    class Net(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec((None, 4), tf.float32)])
        def __call__(self, x: Any) -> Any:
            def body(i: Any, kept: Any, grown: Any, late: Any) -> Any:
                return i + 1, tf.tanh(kept), tf.concat([grown, kept], 0), grown

            some = tf.TensorShape([None, 4])
            found = tf.while_loop(
                lambda i, *_: i < 3, body, [0, x, x, x], shape_invariants=[tf.TensorShape([]), some, some, some]
            )
            return {"kept": found[1], "grown": found[2], "late": found[3]}

    with tempfile.TemporaryDirectory() as folder:
        net = Net()
        tf.saved_model.save(net, folder, signatures=net.__call__)
        summary = summarize(Request(folder, batch=2)).summary
    grown, kept, late = summary.outputs
    assert kept.shape == (2, 4)
    # The last round's is larger than the first one's, which alone has the sizes that it began with.
    assert grown == late == UNKNOWN
