"""ONNX graphs: every number is arithmetic, written out here, or torch's own of the model that was exported."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from resnet_inspect.errors import BadRequestError, ModelError
from tests.support import onnx_models as models
from tests.support.command import in_child, local, needs
from tests.support.onnx_models import by_type, file_of, read

pytestmark = needs("onnx")


def test_a_residual_block_is_read_with_its_edges_names_settings_and_costs() -> None:
    summary = read(models.residual())
    assert [(layer.id, layer.op, layer.inputs) for layer in summary.layers] == [
        ("image", "input", ()),
        ("stem", "conv2d", ("image",)),
        ("layer1.0.bn1", "batch_norm", ("stem",)),
        ("layer1.0.relu", "relu", ("layer1.0.bn1",)),
        ("layer1.0.conv1", "conv2d", ("layer1.0.relu",)),
        ("layer1.0.add", "add", ("layer1.0.conv1", "stem")),
        ("layer1.0.relu_1", "relu", ("layer1.0.add",)),
        ("avgpool", "global_avg_pool2d", ("layer1.0.relu_1",)),
        ("flatten", "flatten", ("avgpool",)),
        ("fc", "dense", ("flatten",)),
    ]
    stem, norm, dense = summary.layers[1], summary.layers[2], summary.layers[-1]
    assert (stem.params, stem.macs) == (4 * 27 + 4, 4 * 27 * 8 * 8)
    assert (norm.params, norm.count("statistics"), norm.macs) == (2 * 4, 2 * 4, 0)
    assert (dense.params, dense.macs) == (5 * 4 + 5, 5 * 4)
    assert dict(stem.attributes) == {
        "in_channels": 3,
        "out_channels": 4,
        "kernel_size": (3, 3),
        "stride": (1, 1),
        "padding": (1, 1),
        "padding_mode": "zeros",
        "dilation": (1, 1),
        "groups": 1,
        "bias": True,
    }
    assert dict(norm.attributes) == {"channels": 4, "eps": 0.001, "momentum": 0.1, "scale": True, "center": True}
    assert dict(dense.attributes) == {"in_features": 4, "out_features": 5, "bias": True}
    assert summary.totals.params == 112 + 8 + 4 * 36 + 25
    assert summary.totals.macs == 4 * 27 * 64 + 4 * 36 * 64 + 20
    assert (summary.inputs[0].shape, summary.inputs[0].layout) == ((1, 3, 8, 8), "NCHW")
    assert dict(summary.modules) == {"": "net", "layer1": "Scope", "layer1.0": "Scope"}
    assert (summary.trace.method, summary.model.builder) == ("graph", "by hand")


def test_products_count_each_factor_once() -> None:
    summary = read(models.perceptron(), batch=3)
    assert [layer.op for layer in summary.layers] == ["input", "dense", "add", "gelu", "dense"]
    assert [layer.macs for layer in summary.layers] == [0, 3 * 6 * 8 * 16, 0, 0, 3 * 6 * 16 * 4]
    assert [layer.params for layer in summary.layers] == [0, 8 * 16, 16, 0, 16 * 4]
    turned = models.written(
        """g (float[8, 2] a, float[5, 2, 8] b) => (float[2, 4] y, float[5, 4] z, float[5, 2, 2] e, float[5, 2, 2] f) {
            y = Gemm<transA = 1, alpha = 0.5>(a, w)
            part = Gather<axis = 1>(b, nought)
            z = Gemm<transB = 1>(part, turned, c)
            e = Einsum<equation = "...ij,kj->...ik">(b, v)
            f = com.microsoft.FusedMatMul<transB = 1>(b, b)
        }""",
        w=(8, 4),
        turned=(4, 8),
        c=(4,),
        v=(2, 8),
        nought=0,
    )
    found = {layer.id: layer for layer in read(turned).layers}
    assert [layer.macs for layer in found.values()] == [0, 0, 2 * 8 * 4, 0, 5 * 8 * 4, 5 * 2 * 8 * 2, 5 * 2 * 8 * 2]
    assert dict(found["Gemm_1"].attributes) == {"in_features": 8, "out_features": 4, "bias": True}
    assert found["Gemm"].attribute("alpha") == 0.5


def test_convolutions_of_every_kind() -> None:
    model = models.written(
        """c (float[1, 4, 9, 9] x, float[1, 2, 10] s, float[1, 8, 8, 3] last) => (float[1, 6, 17, 17] y) {
            y = ConvTranspose<strides = [2, 2], pads = [1, 1, 1, 1], group = 2>(x, w1)
            a = Conv<group = 4, strides = [2, 2], auto_pad = "SAME_UPPER">(x, w2)
            b = Conv<dilations = [2]>(s, w3, b3)
            first = Transpose<perm = [0, 3, 1, 2]>(last)
            c = com.microsoft.FusedConv<activation = "Relu">(first, w4)
        }""",
        w1=(4, 3, 3, 3),
        w2=(4, 1, 2, 2),
        w3=(5, 2, 3),
        b3=(5,),
        w4=(6, 3, 1, 1),
    )
    summary = read(model)
    turned, grouped, line, fused = (layer for layer in summary.layers if layer.op.startswith("conv"))
    # Every element that is read meets three outputs of its group through nine weights.
    assert (turned.op, turned.macs) == ("conv_transpose2d", 4 * 9 * 9 * 3 * 9)
    assert turned.output_tensors[0].shape == (1, 6, 17, 17)  # 2 (9 - 1) + 3 - 2
    assert (grouped.macs, grouped.attribute("padding")) == (4 * 25 * 4, ((0, 1), (0, 1)))
    assert (line.op, line.macs, line.output_tensors[0].shape) == ("conv1d", 5 * 6 * 2 * 3, (1, 5, 6))
    assert (fused.type, fused.op, fused.macs) == ("com.microsoft.FusedConv", "conv2d", 6 * 3 * 64)
    assert [tensor.layout for tensor in summary.inputs] == ["NCHW", "NCL", "NHWC"]


def test_recurrent_layers_multiply_at_every_step() -> None:
    model = models.written(
        """r (float[steps, batch, 8] x) => (float[steps, 1, batch, 6] y) {
            y = LSTM<hidden_size = 6>(x, w1, r1, b1)
            z = GRU<hidden_size = 6, direction = "bidirectional">(x, w2, r2)
            v = RNN<hidden_size = 6>(x, w3, r3)
        }""",
        w1=(1, 24, 8),
        r1=(1, 24, 6),
        b1=(1, 48),
        w2=(2, 18, 8),
        r2=(2, 18, 6),
        w3=(1, 6, 8),
        r3=(1, 6, 6),
    )
    found = by_type(read(model, input="7x2x8"))
    assert found["LSTM"].macs == 7 * 2 * 4 * 6 * (8 + 6)
    assert found["LSTM"].params == 4 * 6 * (8 + 6 + 2)
    assert found["GRU"].macs == 7 * 2 * 2 * 3 * 6 * (8 + 6)
    assert found["RNN"].macs == 7 * 2 * 6 * (8 + 6)
    assert found["LSTM"].output_tensors[0].shape == (7, 1, 2, 6)
    with pytest.raises(BadRequestError, match=r"dimension 0 \(steps\) of its input 'x' open"):
        read(model)


def test_attention_multiplies_scores_and_values() -> None:
    plain = models.written(
        """a (float[2, 5, 8] q, float[2, 9, 8] k, float[2, 9, 8] v) => (float[2, 5, 8] y) {
            y = com.microsoft.MultiHeadAttention<num_heads = 2>(q, k, v)
            z = com.microsoft.Attention<num_heads = 2>(q, w, b)
            u = com.microsoft.GroupQueryAttention<num_heads = 2, kv_num_heads = 1>(q, k, v)
        }""",
        w=(8, 24),
        b=(24,),
    )
    found = by_type(read(plain))
    # 2 items, 5 queries, 9 positions, 8 wide over all heads, twice; the other one projects 8 to 24 before.
    assert found["com.microsoft.MultiHeadAttention"].macs == 2 * 5 * 9 * (8 + 8)
    assert found["com.microsoft.Attention"].macs == 2 * 5 * 8 * 24 + 2 * 5 * 5 * (8 + 8)
    assert found["com.microsoft.Attention"].output_tensors[0].shape == (2, 5, 8)
    assert found["com.microsoft.GroupQueryAttention"].macs is None  # how long its cache is, its values say


def test_the_attention_operator_of_opset_23() -> None:
    from onnx import defs

    if defs.onnx_opset_version() < 23:
        pytest.skip("this onnx has no Attention")
    model = models.written(
        """a (float[2, 4, 5, 8] q, float[2, 2, 9, 8] k, float[2, 2, 9, 6] v) => (float[2, 4, 5, 6] y) {
            y = Attention(q, k, v)
        }""",
        opset=23,
    )
    assert read(model).layers[-1].macs == 2 * 4 * 5 * 9 * (8 + 6)


def test_a_tied_tensor_counts_once() -> None:
    tied = read(models.looks_up(), input_json='{"ids": "2x7:int64"}')
    vectors, turned, scores = tied.layers[1:]
    assert (vectors.op, vectors.params, turned.params) == ("embedding", 10 * 4, 0)
    assert (turned.shared, scores.shared) == ((), ("table",))  # the product uses it, through a view
    assert (tied.totals.params, scores.macs) == (40, 2 * 7 * 4 * 10)
    assert dict(vectors.attributes) == {"num_embeddings": 10, "embedding_dim": 4}
    assert read(models.looks_up(tied=False), input_json='{"ids": "2x7:int64"}').totals.params == 2 * 40


def test_arithmetic_on_shapes_is_no_layer_and_its_numbers_are_no_parameters() -> None:
    model = models.written(
        """v (float[batch, 3, 4] x) => (float[batch, 12] y) {
            shape = Shape(x)
            size = Gather(shape, nought)
            one = Unsqueeze(size, axis)
            target = Concat<axis = 0>(one, rest)
            flat = Reshape(x, target)
            half = Constant<value_float = 0.5>()
            scaled = Mul(flat, half)
            y = Clip(scaled, low, high)
        }""",
        nought=0,
        axis=[0],
        rest=[-1],
        low=(),
        high=(),
    )
    summary = read(model, batch=5)
    assert [(layer.op, layer.params) for layer in summary.layers] == [
        *(("input", 0), ("reshape", 0), ("mul", 0), ("clamp", 0))
    ]
    assert summary.outputs[0].shape == (5, 12)
    assert summary.layers[-1].attributes == (("min", 1.0), ("max", 1.0))


def test_fractions_that_a_setting_is_made_of_are_no_parameters() -> None:
    """As torch's exporter writes a resize without constant folding; what is made of a weight as well stays one."""
    import numpy

    model = models.written(
        """v (float[1, 3, 8, 8] x) => (float y, float[4] kept) {
            scales = Concat<axis = 0>(ones, twos)
            wide = Resize<mode = "nearest">(x, , scales)
            y = Conv(wide, w)
            kept = Mul(shift, shift)
            moved = Add(kept, shift)
            z = Resize<mode = "nearest">(y, , moved)
        }""",
        ones=(2,),
        twos=numpy.array([2, 2], "float32"),
        w=(2, 3, 1, 1),
        shift=(4,),
    )
    summary = read(model)
    assert [(layer.op, layer.params) for layer in summary.layers][:3] == [("input", 0), ("resize", 0), ("conv2d", 6)]
    assert summary.layers[2].output_tensors[0].shape == (1, 2, 16, 16)
    # Sixteen times as many places as before, of six products each.
    assert summary.layers[2].macs == 16 * 16 * 6
    assert summary.totals.params == 6 + 4


def test_quantised_forms_cost_what_they_multiply_and_weigh_what_they_take() -> None:
    found = by_type(read(models.quantised()))
    conv, product = 4 * 27 * 16, 2 * 64 * 8
    for kind in ("ConvInteger", "QLinearConv", "Conv"):
        assert (found[kind].op, found[kind].macs) == ("conv2d", conv), kind
    for kind in ("MatMulInteger", "QLinearMatMul", "com.microsoft.MatMulNBits"):
        assert (found[kind].op, found[kind].macs) == ("dense", product), kind
    assert (found["ConvInteger"].params, found["QLinearConv"].params) == (4 * 27, 4)  # the same kernel; a bias
    assert "wi" in found["QLinearConv"].shared
    assert (found["DequantizeLinear"].params, found["Conv"].params) == (4 * 27, 0)
    packed = found["com.microsoft.MatMulNBits"].parameters[0]
    assert (packed.shape, packed.dtype, packed.bytes) == ((64, 8), "uint4", 64 * 8 // 2)


def test_packed_integers_take_the_bytes_that_they_are_packed_in() -> None:
    from onnx import TensorProto, helper

    model = models.written(
        "p (float[1, 5] x) => (float[1, 3] y) { w = DequantizeLinear(q, s)  y = MatMul(x, w) }", s=()
    )
    model.graph.initializer.append(helper.make_tensor("q", TensorProto.INT4, (5, 3), bytes(8), raw=True))
    layer = by_type(read(model))["DequantizeLinear"]
    assert [(p.name, p.size, p.bytes) for p in layer.parameters if p.counted] == [("q", 15, 8)]


def test_what_nobody_knows_is_not_zero(tmp_path: Path) -> None:
    summary = read(models.of_unknown_size())
    found = by_type(summary)
    assert (found["mine.Mystery"].macs, found["Conv"].macs) == (None, 2 * 3 * 16)
    assert summary.totals.uncounted == ("Mystery",)
    assert summary.totals.activation_bytes is None
    path = file_of(tmp_path, models.of_unknown_size())
    for output in ("table", "tree", "json", "csv", "markdown"):
        done = local("summary", path, "--format", output)
        assert (done.returncode, done.stderr) == (0, "")
    rows = local("summary", path, "--columns", "path,output,macs").stdout
    assert [line.split()[1::2] for line in rows.splitlines() if "Mystery" in line][:1] == [["Mystery", "n/a", "n/a"]]
    assert local("residual", path).returncode == 0


def test_functions_of_a_file_are_written_out() -> None:
    from onnx import helper

    body = [
        helper.make_node("MatMul", ["x", "w"], ["h"], name="/mlp/fc/MatMul"),
        helper.make_node("Relu", ["h"], ["y"], name="/mlp/act/Relu"),
    ]
    model = models.written(
        "f (float[3, 8] x) => (float[3, 8] y) { h = mine.Step(x, w)  y = mine.Step(h, w) }", w=(8, 8)
    )
    function = helper.make_function("mine", "Step", ["x", "w"], ["y"], body, [helper.make_opsetid("", 21)])
    model.functions.append(function)
    summary = read(model)
    assert [layer.op for layer in summary.layers] == ["input", "dense", "relu", "dense", "relu"]
    assert (summary.totals.params, summary.totals.macs) == (64, 2 * 3 * 64)
    function.node[1].op_type, function.node[1].domain = "Step", "mine"
    function.node[1].input.append("w")
    del model.functions[:]
    model.functions.append(function)
    with pytest.raises(ModelError, match="its function 'Step' calls itself"):
        read(model)


def test_defaults_of_a_function_hold_where_a_call_says_nothing() -> None:
    """onnx's inliner drops them: a stride of 2 became 1."""
    from onnx import helper

    node = helper.make_node("Conv", ["x", "w"], ["y"])
    node.attribute.add(name="strides", ref_attr_name="strides", type=7)
    model = models.written(
        "f (float[1, 3, 9, 9] x) => (float y) { h = mine.Down(x, w)  y = mine.Down<strides = [1, 1]>(h, v) }",
        w=(4, 3, 3, 3),
        v=(2, 4, 1, 1),
    )
    function = helper.make_function("mine", "Down", ["x", "w"], ["y"], [node], [helper.make_opsetid("", 21)])
    function.attribute_proto.add().CopyFrom(helper.make_attribute("strides", [2, 2]))
    model.functions.append(function)
    summary = read(model)
    assert [layer.output_tensors[0].shape for layer in summary.layers[1:]] == [(1, 4, 4, 4), (1, 2, 4, 4)]
    assert summary.totals.macs == 4 * 4 * 4 * 27 + 2 * 4 * 4 * 4


@pytest.mark.parametrize(
    ("given", "made"),
    [(("c", "y"), "y"), (("c", "x", "y"), "x"), (("d", "y", "y"), "y"), (("d", "outside", "y"), "outside")],
)
def test_a_loop_in_a_function_may_give_what_it_has_as_it_is(given: tuple[str, ...], made: str) -> None:
    """onnx's inliner gives results new names, and forgets who makes them: three steps, whatever the first state is."""
    from onnx import TensorProto, helper

    states = len(given) - 1
    known = {
        **{name: helper.make_tensor_value_info(name, TensorProto.BOOL, []) for name in "cd"},
        **{name: helper.make_tensor_value_info(name, TensorProto.FLOAT, [2, 4]) for name in ("x", "y", "outside", "z")},
        "i": helper.make_tensor_value_info("i", TensorProto.INT64, []),
    }
    body = helper.make_graph(
        [helper.make_node("Identity", ["c"], ["d"]), helper.make_node("MatMul", [made.replace("y", "x"), "w"], ["y"])],
        "body",
        [known[name] for name in ("i", "c", "x", "z")[: 2 + states]],
        [known[name] for name in given],
    )
    nodes = [
        helper.make_node("Constant", [], ["n"], value=helper.make_tensor("n", TensorProto.INT64, [], [3])),
        helper.make_node("Relu", ["a"], ["outside"]),
        helper.make_node("Loop", ["n", "", *["a"] * states], ["b", "unread"][:states], body=body),
    ]
    function = helper.make_function("mine", "Loop", ["a", "w"], ["b"], nodes, [helper.make_opsetid("", 21)])
    model = models.written("f (float[2, 4] x) => (float[2, 4] y) { y = mine.Loop(x, w) }", w=(4, 4))
    model.functions.append(function)
    summary = read(model)
    assert [layer.op for layer in summary.layers] == ["input", "relu", "dense"]
    assert summary.totals.macs == 3 * 2 * 4 * 4
    assert summary.outputs[0].shape == (2, 4)


def test_modules_that_the_newer_exporter_notes_are_paths() -> None:
    model = models.perceptron()
    for node, scopes, kinds in (
        (0, ["", "block", "block.fc", "linear"], ["net.Net", "net.Block", "torch.nn.modules.linear.Linear", "aten"]),
        (3, ["", "head", "linear_1"], ["net.Net", "torch.nn.modules.linear.Linear", "aten"]),
    ):
        for key, value in (("name_scopes", scopes), ("class_hierarchy", kinds)):
            model.graph.node[node].metadata_props.add(key=f"pkg.torch.onnx.{key}", value=repr(value))
    summary = read(model)
    assert [layer.path for layer in summary.layers] == ["x", "block.fc", "Add", "Gelu", "head"]
    assert dict(summary.modules)["block"] == "Block"


@in_child("torch")
def test_an_export_has_the_numbers_of_its_torch_model() -> None:
    import inspect
    import warnings

    import torch
    import torchvision

    from resnet_inspect import diff, summarize

    warnings.simplefilter("ignore")
    model = torchvision.models.resnet50(weights=None).eval()
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(
                module.running_mean
            )  # folded biases are then all different: the exporter ties equals
    own = summarize(model, "3x224x224")
    kinds = torch.onnx.TrainingMode
    # The exporter that needs no package but onnx; before torch 2.5 there was no other.
    legacy = {"dynamo": False} if "dynamo" in inspect.signature(torch.onnx.export).parameters else {}
    with tempfile.TemporaryDirectory() as folder:
        found = {}
        for mode, settings in ((kinds.EVAL, {}), (kinds.TRAINING, {"do_constant_folding": False})):
            path = f"{folder}/{mode.name}.onnx"
            torch.onnx.export(model, (torch.zeros(1, 3, 224, 224),), path, training=mode, **settings, **legacy)
            found[mode] = read(Path(path).read_bytes())
    folded, whole = found[kinds.EVAL], found[kinds.TRAINING]
    # 26,560 channels are normalised: scale, shift, mean and variance of each become a bias of the convolution.
    assert (own.totals.params, own.totals.statistics) == (25_557_032, 2 * 26_560)
    assert (whole.totals.params, whole.totals.statistics) == (25_557_032, 2 * 26_560)
    assert (folded.totals.params, folded.totals.statistics) == (25_557_032 - 2 * 26_560 + 26_560, 0)
    assert folded.totals.macs == whole.totals.macs == own.totals.macs == 4_089_184_256
    assert {layer.path: layer.macs for layer in whole.layers if layer.macs} == {
        layer.path: layer.macs for layer in own.layers if layer.macs
    }
    across = diff(own, whole)
    assert across.reconciled == {}
    assert not [side for side in across.layers if side.old is None or side.new is None]
    lost = [side for side in diff(own, folded).layers if side.old is None or side.new is None]
    assert {side.old.op for side in lost if side.old is not None} == {"batch_norm"}
    assert len(lost) == 53


def test_nodes_that_differ_in_a_setting_a_shape_or_an_output_are_not_taken_for_one_another() -> None:
    model = models.written(
        """net (float[1, 4, 8, 8] x) => (float[1, 8, 4, 4] last) {
            a = Conv<pads = [1, 1, 1, 1]>(x, w1)
            b = Conv<pads = [1, 1, 1, 1], strides = [2, 2]>(a, w1)
            c = Conv<pads = [1, 1, 1, 1]>(a, w1)
            d = Conv<pads = [1, 1, 1, 1]>(b, w1)
            last = Concat<axis = 1>(d, b)
            s, t = Split<axis = 1, num_outputs = 2>(c)
        }""",
        w1=(4, 4, 3, 3),
    )
    found = [layer for layer in read(model).layers if layer.op == "conv2d"]
    assert [layer.output_tensors[0].shape[2:] for layer in found] == [(8, 8), (4, 4), (8, 8), (4, 4)]
    assert [layer.macs for layer in found] == [4 * 4 * 9 * size for size in (64, 16, 64, 16)]
    assert [layer.attribute("stride") for layer in found] == [(1, 1), (2, 2), (1, 1), (1, 1)]
