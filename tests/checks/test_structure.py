"""Rules on how a network hangs together, and on what it was: the level, the layer and the words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from resnet_inspect.checks import (
    Baseline,
    Checked,
    Counted,
    Finding,
    Outcome,
    Rule,
    accept,
    judge,
)
from resnet_inspect.checks.rule import layer as case_layer
from resnet_inspect.checks.rule import network as case_network
from resnet_inspect.checks.structure import DeadBranch, EqualSkips, UnusedParameters
from resnet_inspect.errors import ModelError
from resnet_inspect.ir import Layer, Summary, Trace
from tests.support.toys import IMAGE, network, tensor, toy

#: 1,200 parameters and 700 MACs; three outputs of 4 x 8 x 8 floats.
NET = network(
    IMAGE,
    toy("a.conv", "conv2d", "x", params=700, macs=400),
    toy("a.relu", "relu", "a.conv"),
    toy("ab", "conv2d", "a.relu", params=500, macs=300),
)


def said(rule: Rule, summary: Summary = NET) -> list[tuple[str, str, str | None]]:
    return [(finding.level, finding.message, finding.layer) for finding in rule.check(summary)]


def skip(*shapes: tuple[int, ...], op: str = "add") -> Summary:
    """The sum of branches of these shapes, all from the input."""
    layers = [toy(f"b{number}", "conv2d", "x", shape) for number, shape in enumerate(shapes)]
    return network(IMAGE, *layers, toy("sum", op, " ".join(layer.id for layer in layers)))


def test_a_skip_connection_adds_equal_shapes() -> None:
    words = "the skip connection adds 1x4x8x8 and 1x4x1x1, which are stretched to fit one another"
    assert said(EqualSkips(), skip((1, 4, 8, 8), (1, 4, 1, 1))) == [("fail", words, "sum")]
    assert said(EqualSkips(), skip((1, 4, 8, 8), (1, 4, 8, 8))) == []
    assert said(EqualSkips(), skip((1, 4, 8, 8), (1, 4, 1, 1), op="mul")) == []
    # Sequences too, but no vectors, and no masks of windows.
    assert len(said(EqualSkips(), skip((1, 4, 8), (1, 1, 8)))) == 1
    assert said(EqualSkips(), skip((1, 8), (1, 1))) == []
    assert said(EqualSkips(), skip((1, 2, 4, 8, 8), (1, 1, 4, 8, 8))) == []
    # A volume has a layout, which says that it is not a mask.
    volumes = (
        replace(toy(f"v{n}", "conv3d", "x"), output_tensors=(tensor(1, 2, n, 8, 8, layout="NCDHW"),)) for n in (1, 4)
    )
    assert len(said(EqualSkips(), network(IMAGE, *volumes, toy("s", "add", "v1 v4")))) == 1
    # What no input leads to is a bias.
    bias = network(IMAGE, toy("bias", "other", shape=(1, 4, 1, 1)), toy("sum", "add", "x bias"))
    assert said(EqualSkips(), bias) == []


def test_parameters_that_no_call_uses_are_named() -> None:
    assert said(UnusedParameters()) == []
    for count, words in ((3, "p0, p1, p2"), (5, "p0, p1, p2 and 2 more")):
        unused = replace(NET, unused=tuple(f"p{number}" for number in range(count)))
        assert said(UnusedParameters(), unused) == [("fail", f"no call uses {words}", None)]
        advice = " in eval mode; --mode train may use them"
        for trace, more in (
            (Trace("meta"), advice),
            (Trace("symbolic"), advice),
            (Trace("meta", training=True), ""),
            (Trace("graph"), ""),
        ):
            found = said(UnusedParameters(), replace(unused, trace=trace))
            assert found == [("fail", f"no call uses {words}{more}", None)]


def test_a_branch_that_nothing_reads_is_told_by_its_end() -> None:
    head = toy("head", "dense", "x", (1, 2), params=4)
    lost = [toy("l1", "conv2d", "x", params=3), toy("l2", "relu", "l1", (1, 3)), toy("l3", "relu", "l2", (1, 3))]
    found = said(DeadBranch(), network(IMAGE, *lost, head))
    assert found == [("fail", "nothing reads its output, for which 2 more layers work", "l3")]
    alone = said(DeadBranch(), network(IMAGE, toy("l", "dense", "x", (1, 3), macs=5), head))
    assert alone == [("fail", "nothing reads its output", "l")]
    # Without weights and work it costs nothing; what is never called and an input aren't branches.
    free = [toy("r", "relu", "x", (1, 3)), toy("u", "dense", params=3, called=False), toy("y", "input", shape=(1, 9))]
    assert said(DeadBranch(), network(IMAGE, *free, head)) == []
    # What one end needs and an output does too is alive.
    both = [toy("trunk", "conv2d", "x", params=3), toy("r", "relu", "trunk", (1, 3))]
    assert said(DeadBranch(), network(IMAGE, *both, toy("head", "dense", "trunk", (1, 2), params=4))) == []


def test_outputs_are_known_by_shape_and_type() -> None:
    """A head of the output's shape but of another type is not an output."""
    layers = (IMAGE, toy("a", "dense", "x", (1, 2), params=1), toy("b", "dense", "x", (1, 2), params=1))
    assert said(DeadBranch(), network(*layers)) == []
    other = replace(layers[1], output_tensors=(tensor(1, 2, dtype="int8"),))
    assert [layer for *_, layer in said(DeadBranch(), network(IMAGE, other, layers[2]))] == ["a"]
    # What a lost branch reads is not an output, though it has the shape of one.
    lost = (toy("a", "dense", "x", (1, 2), params=1), toy("b", "relu", "a", (1, 3)), toy("h", "dense", "x", (1, 2)))
    assert [layer for *_, layer in said(DeadBranch(), network(IMAGE, *lost))] == ["b"]
    # An output that is read as well is taken for the last layer's.
    inner = network(*layers, outputs=(tensor(9, 9),))
    assert [layer for *_, layer in said(DeadBranch(), inner)] == ["a"]


def test_thousands_of_ends_that_share_a_branch_are_refused_in_time() -> None:
    chain: list[Layer] = [IMAGE]
    for number in range(1500):
        chain.append(toy(f"c{number}", "conv2d", chain[-1].id, params=1))
    ends = [toy(f"e{number}", "relu", "c1499", (1, 3)) for number in range(1500)]
    with pytest.raises(ModelError, match="too many layers without a use"):
        said(DeadBranch(), network(*chain, *ends, toy("head", "dense", "x", (1, 2))))


def test_what_isnt_counted_is_told_layer_by_layer() -> None:
    unknown = network(IMAGE, toy("u", "other", "x", macs=None), toy("v", "other", "u", macs=0))
    assert said(Counted(), unknown) == [("strict", "its MACs aren't known", "u")]


def test_a_baseline_tells_in_what_and_how_many() -> None:
    assert said(Baseline(NET)) == []
    wider = network(*NET.layers[:3], toy("ab", "conv2d", "a.relu", params=600, macs=300))
    words = "differs from its baseline in params: 1 changed"
    assert said(Baseline(NET), wider) == [("fail", words, None)]
    assert said(Baseline(NET, frozenset({"macs"})), wider) == [("warn", words, None)]
    assert said(Baseline(NET, frozenset({"macs", "params"})), wider)[0][0] == "fail"
    shorter = network(*NET.layers[:3])
    assert "in params, layers, macs: 1 removed" in said(Baseline(NET), shorter)[0][1]
    assert "in params, layers, macs: 1 added" in said(Baseline(shorter), NET)[0][1]
    outputs = replace(NET, outputs=())
    assert said(Baseline(NET), outputs)[0][1] == "differs from its baseline in shapes, config: no layer"
    (found,) = Baseline(NET).check(wider)
    assert found.diff is not None
    assert found.diff.new is wider


def test_a_baseline_at_another_input_cant_be_compared() -> None:
    other = replace(NET, inputs=(tensor(1, 4, 9, 9),))
    level, message, _ = said(Baseline(NET), other)[0]
    assert level == "error"
    assert message == (
        "can't be compared with its baseline: the inputs differ: 1x4x8x8 NCHW against 1x4x9x9 NCHW, and with them "
        "every shape; check it at the baseline's input"
    )


def test_a_baseline_of_another_framework_is_replaced() -> None:
    other = replace(NET, model=replace(NET.model, backend="onnx"))
    assert accept(NET, other, "moved").reasons == ("moved",)
    assert accept(NET, other, "moved").model.backend == "onnx"
    # At another input, it is another baseline.
    assert accept(NET, replace(NET, inputs=(tensor(1, 4, 9, 9),)), "larger").reasons == ("larger",)
    assert accept(replace(NET, reasons=("a",)), NET, "same").reasons == ("a",)


def test_a_model_passes_if_every_rule_does() -> None:
    finding = Finding("fail", "no")
    assert Checked("m", (Outcome("r"),)).passed
    assert not Checked("m", (Outcome("r"), Outcome("s", (finding,)))).passed
    assert not Checked("m", (), error_code=3).passed
    # Shown, a result leaves the whole network out.
    assert "Layer" not in repr(Checked("m", (), summary=NET))
    worst = [("error", "fail"), ("fail", "strict"), ("strict", "warn"), ("warn", "note")]
    for one, other in worst:
        assert Outcome("r", (Finding(other, ""), Finding(one, ""))).level == one
    assert Outcome("r", (Finding("note", ""),)).level == Outcome("r").level == "pass"


def test_a_file_of_tensors_isnt_asked_about_edges() -> None:
    asked = (UnusedParameters(), Counted())
    header = replace(NET, trace=Trace("header"))
    assert [outcome.rule for outcome in judge(asked, header)] == ["counted"]
    assert [outcome.rule for outcome in judge(asked, NET)] == ["unused-parameters", "counted"]


def test_cases_are_networks_of_an_image_of_four_channels() -> None:
    first = case_layer("a", "conv2d", params=9, macs=5)
    last = case_layer("b", "dense", "a input", (1, 2), macs=None, called=False)
    found = case_network(first, last, unused=("u",))
    image = tensor(1, 4, 8, 8)
    assert (found.inputs, found.outputs, found.unused) == ((image,), (tensor(1, 2, layout="NCHW"),), ("u",))
    assert [layer.id for layer in found.layers] == ["input", "a", "b"]
    assert (found.layers[0].path, found.layers[0].type, found.model.backend) == ("input", "Input", "torch")
    assert (found.layers[0].op, found.layers[0].output_tensors) == ("input", (image,))
    conv, dense = found.layers[1:]
    assert (conv.path, conv.type, conv.inputs, conv.input_tensors) == ("a", "conv2d", ("input",), (image,))
    assert (conv.output_tensors, conv.params, conv.count("trainable"), conv.macs) == ((image,), 9, 9, 5)
    assert [p.name for p in conv.parameters] == ["a.weight"]
    assert (dense.input_tensors, dense.parameters, dense.macs, dense.called) == ((image, image), (), None, False)
    assert case_layer("c", "relu").macs == 0
    both = case_network(first, last, outputs=2)
    assert [output.shape for output in both.outputs] == [(1, 4, 8, 8), (1, 2)]
