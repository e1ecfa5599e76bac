"""ONNX files of strangers: weights are never read, and whatever a file claims ends soon in an answer."""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resnet_inspect.errors import InputError, ModelError
from tests.support import onnx_models as models
from tests.support.command import needs, run, script
from tests.support.examples import examples
from tests.support.onnx_models import by_type, read

pytestmark = needs("onnx")

#: A graph of one node, and a model's version and opset, on the wire.
_VERSION, _OPSET = b"\x08\x0a", b"\x42\x02\x10\x15"


def _number(value: int) -> bytes:
    found = bytearray()
    while value >= 128:
        found.append(value & 127 | 128)
        value >>= 7
    return bytes([*found, value])


def _field(number: int, content: bytes) -> bytes:
    return _number(number << 3 | 2) + _number(len(content)) + content


def _model(graph: bytes, rest: bytes = b"") -> bytes:
    """A model whose graph has a Relu, and more."""
    own = models.written("g (float[1, 4] x) => (float[1, 4] y) { y = Relu(x) }").graph.SerializeToString()
    return _VERSION + _OPSET + _field(7, own + graph) + rest


def _node(kind: bytes, *inputs: bytes, made: bytes = b"z", rest: bytes = b"") -> bytes:
    return _field(1, b"".join(_field(1, name) for name in inputs) + _field(2, made) + _field(4, kind) + rest)


def _sparse_file(path: Path, layers: int, width: int) -> None:
    """A file of products whose weights take room in it, but none on the disk."""
    text = " ".join(f"v{n + 1} = MatMul(v{n}, w{n})" for n in range(layers))
    graph = models.written(f"g (float[1, {width}] v0) => (float[1, {width}] v{layers}) {{ {text} }}").graph
    size = 4 * width * width
    start = graph.SerializeToString()
    heads = []
    for n in range(layers):
        tensor = _number(1 << 3) + _number(width) + _number(1 << 3) + _number(width) + b"\x10\x01"
        tensor += _field(8, f"w{n}".encode()) + _number(9 << 3 | 2) + _number(size)
        heads.append(_number(5 << 3 | 2) + _number(len(tensor) + size) + tensor)
    total = len(start) + sum(len(head) + size for head in heads)
    with path.open("wb") as file:
        file.write(_VERSION + _OPSET + _number(7 << 3 | 2) + _number(total) + start)
        for head in heads:
            file.write(head)
            file.seek(size, 1)
        file.truncate()


@pytest.mark.skipif(sys.platform != "linux", reason="files with holes, and Linux' word for peak memory")
def test_weights_are_never_read_however_many_there_are(tmp_path: Path) -> None:
    path = tmp_path / "large.onnx"
    _sparse_file(path, 40, 4096)
    assert path.stat().st_size > 1 << 31  # more than protobuf can parse
    said = script(
        "import time, onnx\n"
        "start = time.process_time()\n"
        "from resnet_inspect.readers.onnx.reader import summarize\n"
        "from resnet_inspect.readers.request import Request\n"
        f"print(summarize(Request(model={str(path)!r})).summary.totals.params)\n"
        # The process's own peak: what resource knows counts its parent's from before the start, too.
        "peak = next(line for line in open('/proc/self/status') if line.startswith('VmHWM')).split()[1]\n"
        "print(time.process_time() - start, peak)\n"
    )
    count, took = said.splitlines()
    seconds, peak = map(float, took.split())
    assert int(count) == 40 * 4096 * 4096
    assert seconds < 1  # a twentieth, of a machine that does nothing else
    assert peak < 100_000  # kB, of which onnx takes 38,000
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size - 5)
    with pytest.raises(ModelError, match="ends too early"):
        read_path(path)


def read_path(path: Path) -> Any:
    """The summary of a file that is too large to be copied."""
    from resnet_inspect.answers import adapter
    from resnet_inspect.readers.request import Request

    return adapter("file").summarize(Request(model=str(path))).summary


def test_a_large_tensor_that_contradicts_its_shape_is_reported() -> None:
    for shape, form in (((99, 100), "raw_data"), ((99, 100), "float_data")):
        model = models.written("b (float[1, 99] x) => (float[1, 100] y) { y = MatMul(x, w) }", w=shape)
        tensor = model.graph.initializer[0]
        if form == "raw_data":
            tensor.raw_data = tensor.raw_data[:-4]
        else:
            tensor.ClearField("raw_data")
            tensor.float_data.extend([1.0] * 9899)
        with pytest.raises(ModelError, match="the tensor 'w' needs 39600 bytes and has 39596"):
            read(model)


_PLACES = ("initializer", "sparse", "constant", "branch", "function", "training")
_FORMS = ("raw_data", "float_data", "double_data", "int64_data", "string_data")


def test_the_last_values_of_a_tensor_hold_even_if_there_are_none() -> None:
    from onnx import ModelProto

    from resnet_inspect.readers.onnx.wire import skeleton

    numbers = _field(9, b"\x06" + bytes(7))
    tensor = b"\x08\x01\x10\x07" + _field(8, b"s")
    for values, kept in ((numbers, b"\x06" + bytes(7)), (numbers + _field(9, b""), b"")):
        found = ModelProto.FromString(skeleton(io.BytesIO(_model(_field(5, tensor + values)))))
        assert found.graph.initializer[0].raw_data == kept
    words = ModelProto.FromString(skeleton(io.BytesIO(_model(_field(5, b"\x08\x03\x10\x08" + 3 * _field(6, b""))))))
    assert list(words.graph.initializer[0].string_data) == [b"", b"", b""]
    many = skeleton(io.BytesIO(_model(_field(5, b"\x10\x08" + 20_000 * _field(6, b"")))))
    assert len(many) < 1_000


@examples(60)
@given(
    st.sampled_from([models.residual, models.perceptron, models.controlled, models.quantised, models.looks_up]),
    st.lists(st.tuples(st.sampled_from(_PLACES), st.sampled_from(_FORMS), st.booleans()), max_size=6),
    st.text(max_size=9),
)
def test_the_skeleton_is_the_model_without_large_values(
    make: Any, added: list[tuple[str, str, bool]], doc: str
) -> None:
    from onnx import ModelProto, TensorProto

    from resnet_inspect.readers.onnx.wire import skeleton

    model = make()
    for place, form, is_large in added:
        tensor = TensorProto(name=f"{place} {form}", dims=(3, 1), doc_string=doc)
        count = 40_000 if is_large else 20
        if form == "raw_data":
            tensor.raw_data, tensor.data_type = bytes(count), 7
        elif form == "string_data":
            tensor.string_data.extend([b"some text"] * (count // 9))
            tensor.data_type = 8
        else:
            getattr(tensor, form).extend([1] * count)
            tensor.data_type = {"float_data": 1, "double_data": 11, "int64_data": 7}[form]
        node = model.graph.node.add(op_type="Any", doc_string=doc)
        node.metadata_props.add(key="pkg.torch.onnx.name_scopes", value=doc)
        node.metadata_props.add(key="another", value=doc)
        if place == "initializer":
            model.graph.initializer.append(tensor)
        elif place == "sparse":
            model.graph.sparse_initializer.add(values=tensor)
        elif place == "constant":
            node.attribute.add(name="value", t=tensor, type=4)
        elif place == "branch":
            node.attribute.add(name="then_branch", type=5).g.initializer.append(tensor)
        elif place == "function":
            model.functions.add(name="f").node.add().attribute.add(name="value", t=tensor, type=4)
        else:
            model.training_info.add().algorithm.initializer.append(tensor)
    found = ModelProto.FromString(skeleton(io.BytesIO(model.SerializeToString())))
    assert found == _without_values(model)


def _without_values(model: Any) -> Any:
    """The same in protobuf's own words: what the walk must come to."""
    result = type(model)()
    result.CopyFrom(model)
    result.ClearField("training_info")
    for message in _messages(result):
        names = {field.name for field in message.DESCRIPTOR.fields}
        if "doc_string" in names:
            message.ClearField("doc_string")
        if "op_type" in names:
            kept = [item for item in message.metadata_props if item.key == "pkg.torch.onnx.name_scopes"]
            message.ClearField("metadata_props")
            message.metadata_props.extend(kept)
        if "raw_data" in names and message.ByteSize() > 30_000:
            held = len(message.raw_data) or 4 * len(message.float_data) or 8 * len(message.double_data)
            for form in _FORMS:
                message.ClearField(form)
            message.data_location = message.EXTERNAL
            if held:
                message.external_data.add(key="length", value=str(held))
    return result


def _messages(message: Any) -> Iterator[Any]:
    yield message
    for field, value in message.ListFields():
        if field.type == field.TYPE_MESSAGE:
            for item in [value] if hasattr(value, "ListFields") else value:
                yield from _messages(item)


def _doubling(levels: int) -> Any:
    """A file of a kilobyte whose functions stand for 2 ** levels nodes."""
    from onnx import helper

    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("mine", 1)]
    model = models.written("f (float[1, 4] x) => (float[1, 4] y) { y = mine.F0(x) }")
    for n in range(levels + 1):
        names = [("x", "h"), ("h", "y")] if n < levels else [("x", "y")]
        kind = {"domain": "mine"} if n < levels else {}
        body = [
            helper.make_node(f"F{n + 1}" if n < levels else "Relu", [read_], [made], **kind) for read_, made in names
        ]
        model.functions.append(helper.make_function("mine", f"F{n}", ["x"], ["y"], body, opsets))
    return model


def _branching(levels: int, default: bool = False) -> Any:
    """A file whose function runs the graph that it is given in both branches of an If; graphs call it in turn."""
    from onnx import AttributeProto, TensorProto, helper

    def graph(node: Any, *inputs: Any) -> Any:
        return helper.make_graph([node], "g", inputs, [helper.make_tensor_value_info("o", TensorProto.FLOAT, None)])

    node = helper.make_node("If", ["c"], ["y"])
    for branch in ("then_branch", "else_branch"):
        node.attribute.add(name=branch, ref_attr_name="body", type=AttributeProto.GRAPH)
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("mine", 1)]
    function = helper.make_function("mine", "F", ["c"], ["y"], [node], opsets, [] if default else ["body"])
    body = graph(helper.make_node("Relu", ["x"], ["o"]))
    if default:
        function.attribute_proto.append(helper.make_attribute("body", body))
    for _ in range(levels):
        body = graph(helper.make_node("F", ["c"], ["o"], domain="mine", body=body))
    body.input.append(helper.make_tensor_value_info("c", TensorProto.BOOL, []))
    body.input.append(helper.make_tensor_value_info("x", TensorProto.FLOAT, [2, 3]))
    return helper.make_model(body, opset_imports=opsets, functions=[function])


def test_graphs_are_counted_wherever_a_function_writes_them() -> None:
    from resnet_inspect.readers.onnx.functions import _Sizes, written_out

    # Each call is an If, and what it runs stands in both branches; the call itself counts as well.
    for levels, nodes in ((0, 1), (1, 1 + 1 + 2), (2, 2 + 2 * 4), (3, 2 + 2 * 10)):
        model = _branching(levels)
        assert _Sizes(model.functions).of(model.graph.node).nodes == nodes
    for levels in (1, 3, 7):
        model = _branching(levels)
        known = _Sizes(model.functions).of(model.graph.node).bytes
        assert written_out(model).ByteSize() <= known + 1_000
    with pytest.raises(ModelError, match="its functions stand for more than 100000 nodes"):
        read(_branching(30))


def test_a_graph_is_no_default_of_a_function() -> None:
    with pytest.raises(ModelError, match="its function 'F' has a graph as a default, which can't be read"):
        read(_branching(0, default=True))


def test_functions_are_counted_before_they_are_written_out() -> None:
    assert len(read(_doubling(10)).layers) == 1 + 1024
    for levels in (18, 60, 99):
        start = time.process_time()
        with pytest.raises(ModelError, match="its functions stand for more than 100000 nodes"):
            read(_doubling(levels))
        assert time.process_time() - start < 1
    with pytest.raises(ModelError, match="call one another too deeply"):
        read(_doubling(2000))
    twice = _doubling(3)
    twice.functions.append(twice.functions[0])
    with pytest.raises(ModelError, match="two functions called 'F0'"):
        read(twice)


def test_a_long_network_takes_time_in_proportion() -> None:
    text = " ".join(f"v{n + 1} = Relu(v{n})" for n in range(10_000))
    model = models.written(f"g (float[1, 4] v0) => (float[1, 4] v10000) {{ {text} }}")
    start = time.process_time()
    assert len(read(model).layers) == 10_001
    assert time.process_time() - start < 6  # one and a half, of which the test takes a half; pairs of nodes took ten


_ATTACKS = {
    "many nodes": lambda: _model(_field(1, b"") * 1_000_000),
    "many fields": lambda: _model(_node(b"Sum", *[b"x"] * 2_500_000)),
    "many attributes": lambda: _model(_node(b"A", b"x", rest=_field(5, b"") * 900_000)),
    "many numbers": lambda: _model(_node(b"A", b"x", rest=_field(5, _field(8, b"\1" * 9_000_000)))),
    "a long text": lambda: _model(_node(b"A", b"x", rest=_field(3, b"a" * 70_000_000))),
    "many dimensions": lambda: _model(_field(5, _field(8, b"w") + b"\x10\x01" + _field(1, _number(1 << 62) * 9999))),
    "large dimensions": lambda: _model(_field(5, _field(8, b"w") + b"\x10\x01" + _field(1, _number(1 << 62) * 60))),
    "no UTF-8": lambda: _model(_node(b"A\xff", b"x")),
    "many opsets": lambda: _model(b"", b"".join(_field(8, b"\x10\1" + _field(1, b"%d" % n)) for n in range(999))),
    "a field without a number": lambda: _model(b"", b"\0\0"),
    "a group": lambda: _model(b"", b"\x0b\x0c"),
    "a number without an end": lambda: _model(b"", b"\x28" + b"\xff" * 12),
    "a length beyond its end": lambda: _model(_field(1, b"\x0a\x7f")),
    "no name": lambda: _model(_field(5, b"\x10\x01")),
    "one name twice": lambda: _model(2 * _field(5, _field(8, b"w") + b"\x10\x01")),
    "one input twice": lambda: _model(2 * _field(11, _field(1, b"i"))),
}


@pytest.mark.parametrize("name", _ATTACKS)
def test_what_is_strange_in_a_file_is_one_short_error(name: str) -> None:
    content = _ATTACKS[name]()
    start = time.process_time()
    with pytest.raises(ModelError, match=r"^model\.onnx is damaged") as refusal:
        read(content)
    assert time.process_time() - start < 10
    assert len(str(refusal.value)) < 500


def test_graphs_in_one_another() -> None:
    graph = b""
    for _ in range(300):
        graph = _node(b"If", b"x", rest=_field(5, _field(6, graph) + _field(1, b"then_branch") + b"\xa0\x01\x05"))
    with pytest.raises(ModelError, match="nested more than 100 deep"):
        read(_model(graph))
    inner = b"".join(_node(b"Relu", b"x", made=b"k%d" % n) for n in range(2000))
    branch = _field(5, _field(6, inner) + _field(1, b"then_branch") + b"\xa0\x01\x05")
    branches = b"".join(_node(b"If", b"x", made=b"b%d" % n, rest=branch) for n in range(20))
    assert (
        by_type(read(_model(_node(b"Loop", b"", b"", b"x", rest=_field(5, _field(6, branches))))))["Loop"].macs is None
    )


def test_what_makes_onnx_itself_crash_is_never_asked(tmp_path: Path) -> None:
    for number, text in enumerate(
        (
            'z = Einsum<equation = "i...j...">(x, x)',
            "z = GatherND<batch_dims = -9223372036854775808>(x, ids)",
            "z = LayerNormalization<axis = 2147483648>(x, w, w)",
            "z, u, v = Split<num_outputs = 2>(x)",
            """z = If(yes) <then_branch = g () => (float[n] r) { r, s, t = Split<num_outputs = 2>(x) },
                else_branch = h () => (float[n] r) { r = Relu(x) }>""",
        )
    ):
        model = models.written(
            f"c (float[2, 0, 3] x, int64[2, 9] ids, bool yes) => (float[2, 0, 3] y) {{ y = Relu(x) {text} }}", w=(3,)
        )
        path = tmp_path / f"{number}.onnx"
        path.write_bytes(model.SerializeToString())
        done = run("summary", str(path))
        assert (done.returncode, done.stderr) == (0, ""), text


def test_sizes_that_no_machine_holds() -> None:
    huge = models.written("h (float[9000000000000000000, 9000000000000000000] x) => (float[1] y) { y = Relu(x) }")
    with pytest.raises(InputError, match="its input 'x' has more than"):
        read(huge)
    for text in (
        "line = Range(start, limit, step) y = Expand(x, line)",
        "much = ConstantOfShape(sizes) y = Reshape(x, much)",
        "tiles = Tile(one, sizes) y = Reshape(x, tiles)",
        "power = Pow(sizes, sizes) y = Expand(x, power)",
        "y = Resize(x, , scales)",
        "cast = Cast<to = 8>(sizes) y = Identity(x)",
    ):
        model = models.written(
            f"h (float[1, 4] x) => (float[a, b] y) {{ {text} }}",
            sizes=[1 << 62, 1 << 62],
            one=[1, 2],
            start=0,
            limit=1 << 62,
            step=1,
            scales=(2,),
        )
        model.graph.initializer[-1].raw_data = b"\0\0\x80\x7f\0\0\xc0\x7f"  # infinity, not a number
        assert sum(layer.called for layer in read(model).layers) == 2, text


def test_arithmetic_on_shapes_is_that_of_onnx() -> None:
    import numpy
    from onnx import helper
    from onnx.reference import ReferenceEvaluator

    from resnet_inspect.ir import Tensor
    from resnet_inspect.readers.onnx.arithmetic import results
    from resnet_inspect.readers.onnx.operators import Call, settings_of

    whole, some = numpy.array([[7, -8, 9], [-10, 11, 0]]), numpy.array([[2, 3, -4], [3, -4, 5]])
    parts, axes = numpy.array([1.5, -2.5, 0.25], numpy.float32), numpy.array([1])
    yes = whole > 0
    cases: list[tuple[str, list[Any], dict[str, Any], int]] = [
        *((kind, [whole, some], {}, 1) for kind in ("Add", "Sub", "Mul", "Div", "Mod", "Max", "Min", "Equal", "Less")),
        *((kind, [whole, some], {}, 1) for kind in ("Greater", "GreaterOrEqual", "LessOrEqual")),
        *((kind, [parts], {}, 1) for kind in ("Abs", "Ceil", "Floor", "Neg", "Round", "Sign", "Sqrt", "Identity")),
        *((kind, [yes, ~yes], {}, 1) for kind in ("And", "Or")),
        *((f"Reduce{name}", [whole, axes], {"keepdims": 0}, 1) for name in ("Max", "Min", "Prod", "Sum")),
        ("ReduceSum", [whole], {"noop_with_empty_axes": 1}, 1),
        ("ReduceProd", [whole], {}, 1),
        ("Mod", [whole, some], {"fmod": 1}, 1),
        ("Pow", [whole, abs(some)], {}, 1),
        ("Not", [yes], {}, 1),
        ("Where", [yes, whole, some], {}, 1),
        ("Cast", [parts], {"to": 7}, 1),
        ("Concat", [whole, some], {"axis": 1}, 1),
        ("ConstantOfShape", [axes], {"value": helper.make_tensor("", 7, [1], [5])}, 1),
        ("ConstantOfShape", [axes], {}, 1),
        ("Expand", [whole, numpy.array([2, 2, 3])], {}, 1),
        ("Flatten", [whole], {"axis": 2}, 1),
        ("Gather", [whole, axes], {"axis": 1}, 1),
        ("Range", [numpy.array(9), numpy.array(2), numpy.array(-2)], {}, 1),
        ("Range", [numpy.float32(0.5), numpy.float32(2), numpy.float32(0.3)], {}, 1),
        ("Reshape", [whole, numpy.array([3, -1])], {}, 1),
        ("Shape", [whole], {"start": -1}, 1),
        ("Size", [whole], {}, 1),
        ("Slice", [whole, numpy.array([-1]), numpy.array([-(1 << 63)]), axes, numpy.array([-1])], {}, 1),
        ("Slice", [whole, numpy.array([1]), numpy.array([1 << 60])], {}, 1),
        ("Split", [whole, numpy.array([1, 2])], {"axis": 1}, 2),
        ("Squeeze", [whole[:, :1], axes], {}, 1),
        ("Tile", [whole, numpy.array([2, 3])], {}, 1),
        ("Transpose", [whole], {"perm": [1, 0]}, 1),
        ("Unsqueeze", [whole, axes], {}, 1),
    ]
    for kind, given_, attributes, count in cases:
        arrays = [numpy.asarray(array) for array in given_]
        names, made = [f"x{n}" for n in range(len(arrays))], [f"y{n}" for n in range(count)]
        node = helper.make_node(kind, names, made, **attributes)
        untyped = [[helper.make_tensor_value_info(n, 0, None) for n in row] for row in (names, made)]
        model = helper.make_model(helper.make_graph([node], "", *untyped), opset_imports=[helper.make_opsetid("", 18)])
        expected = ReferenceEvaluator(model).run(None, dict(zip(names, arrays, strict=True)))
        kinds = [Tensor(array.shape, str(array.dtype)) for array in arrays]
        call = Call(
            kind,
            settings_of(node),
            tuple(kinds),
            tuple(Tensor(array.shape, str(array.dtype)) for array in expected),
            tuple(arrays),
            (True,) * len(arrays),
        )
        found = results(call, node)
        assert found is not None, kind
        for one, other in zip(found, expected, strict=True):
            numpy.testing.assert_array_equal(one, other, kind)
            assert one.dtype == other.dtype
