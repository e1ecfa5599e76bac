"""Every printed formula gives the number that stands behind it, by an evaluator of its own."""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from resnet_inspect import ir_json, ops
from resnet_inspect.blocks import networks
from resnet_inspect.errors import InputError
from resnet_inspect.explain.derivation import derivations
from resnet_inspect.ir import Layer, Parameter, Summary
from resnet_inspect.ops.formula import Formula
from resnet_inspect.readers.local import reader as local
from resnet_inspect.readers.request import Request
from tests.explain.formulas import held, value
from tests.support import onnx_models
from tests.support.command import in_child, needs
from tests.support.toys import tensor

#: Of each framework's zoo, or all: 121 of torchvision, 40 of Keras, 10 of ours.
ALL = os.environ.get("ZOO") == "all"
FEW = {
    "torch": ("mobilenet_v3_small", "swin_t", "vit_b_16", "googlenet", "raft_small"),
    "keras": ("EfficientNetB0", "ConvNeXtTiny", "Xception"),
}


def expect_formulas(found: Counter[str]) -> None:
    """At least 99 of 100 layers with weights have formulas."""
    assert found["layers"] > 10
    assert found["without"] * 100 <= found["layers"], found
    assert found["sizes"] > 0


@pytest.mark.parametrize("flavor", ["torch", "keras"])
def test_all_formulas_of_our_own_networks(flavor: str) -> None:
    for name in networks.names(flavor):
        found = held(local.summarize(Request(name, flavor=flavor)).summary)
        expect_formulas(found)
        assert found["without"] == 0


@in_child("torch")
def _write_torch(folder: str) -> None:
    import torchvision

    from resnet_inspect.readers.torch.reader import summarize

    for name in torchvision.models.list_models() if ALL else FEW["torch"]:
        Path(folder, f"{name}.json").write_text(ir_json.dumps(summarize(Request(name)).summary), encoding="utf-8")


@in_child("tensorflow")
def _write_keras(folder: str) -> None:
    from resnet_inspect.readers import zoo
    from resnet_inspect.readers.keras.reader import summarize

    for name in sorted(zoo.names("keras")) if ALL else FEW["keras"]:
        Path(folder, f"{name}.json").write_text(ir_json.dumps(summarize(Request(name)).summary), encoding="utf-8")


@pytest.mark.parametrize(
    "backend", [pytest.param("torch", marks=needs("torchvision")), pytest.param("keras", marks=needs("tensorflow"))]
)
def test_all_formulas_of_the_zoo(backend: str) -> None:
    whole: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        (_write_torch if backend == "torch" else _write_keras)(folder=folder)
        paths = sorted(Path(folder).iterdir())
        assert len(paths) >= ({"torch": 121, "keras": 40}[backend] if ALL else len(FEW[backend]))
        for path in paths:
            whole += held(ir_json.loads(path.read_bytes()))
    expect_formulas(whole)
    print(backend, dict(whole))


@needs("onnx")
@pytest.mark.parametrize("name", ["residual", "perceptron", "chain", "transposed", "recurrent"])
def test_all_formulas_of_onnx_files(name: str) -> None:
    made = {
        "residual": onnx_models.residual,
        "perceptron": onnx_models.perceptron,
        "chain": lambda: onnx_models.written(
            """net (float[1, 4, 9, 9] x) => (float[1, 6, 2, 2] y) {
                a = Conv<kernel_shape = [3, 3], group = 2, dilations = [2, 2]>(x, w1)
                b = Conv<kernel_shape = [3, 1], strides = [2, 1], pads = [0, 0, 1, 0]>(a, w2, b2)
                y = MaxPool<kernel_shape = [2, 2], strides = [2, 2], ceil_mode = 1>(b)
            }""",
            w1=(8, 2, 3, 3),
            w2=(6, 8, 3, 1),
            b2=(6,),
        ),
        "transposed": lambda: onnx_models.written(
            """net (float[1, 4, 5, 5] x) => (float[1, 3, 11, 11] y) {
                y = ConvTranspose<kernel_shape = [3, 3], strides = [2, 2]>(x, w, b)
            }""",
            w=(4, 3, 3, 3),
            b=(3,),
        ),
        "recurrent": lambda: onnx_models.written(
            """net (float[6, 1, 4] x) => (float[6, 1, 1, 5] y) {
                y = LSTM<hidden_size = 5>(x, w, r, b)
            }""",
            w=(1, 20, 4),
            r=(1, 20, 5),
            b=(1, 40),
        ),
    }[name]()
    summary = onnx_models.read(made)
    found = held(summary)
    assert found["layers"] > 0
    assert found["without"] == 0, [(x.path, x.op, x.attributes) for x in summary.layers]


@st.composite
def convolutions(draw: st.DrawFn) -> tuple[str, dict[str, Any], tuple[int, ...]]:
    """A convolution of one to three dimensions with every setting, and the shape of what it reads."""
    rank = draw(st.integers(1, 3))
    groups = draw(st.integers(1, 3))
    sizes = st.integers(1, 3)

    def each(strategy: st.SearchStrategy[Any]) -> tuple[Any, ...]:
        return tuple(draw(strategy) for _ in range(rank))

    attributes = {
        "in_channels": groups * draw(sizes),
        "out_channels": groups * draw(sizes),
        "groups": groups,
        "bias": draw(st.booleans()),
        "kernel_size": each(sizes),
        "stride": each(sizes),
        "dilation": each(sizes),
        "padding": each(st.one_of(st.integers(0, 2), st.tuples(st.integers(0, 2), st.integers(0, 2)))),
    }
    shape = (draw(sizes), attributes["in_channels"], *each(st.integers(1, 9)))
    return f"conv{rank}d", attributes, shape


@given(convolutions())
def test_a_convolutions_formulas_count_its_windows_and_weights(case: tuple[str, dict[str, Any], Any]) -> None:
    op, attributes, shape = case
    rank = len(shape) - 2
    read = tensor(*shape, layout={3: "NCW", 4: "NCHW", 5: "NCDHW"}[rank + 2])
    try:
        effect = ops.apply(op, attributes, [read])
    except InputError:
        assume(False)
    weights = tuple(Parameter(weight.name, weight.shape, "float32", "trainable") for weight in effect.weights)
    layer = Layer(
        *("c", "c", "Conv", op, ("x",), (read,), (effect.output,), weights, (), effect.macs),
        attributes=tuple(attributes.items()),
    )
    found = {each.quantity: each for each in derivations(layer, {})}
    # Windows are counted one by one.
    made = []
    for axis, size in enumerate(shape[2:]):
        padding = attributes["padding"][axis]
        before, after = padding if isinstance(padding, tuple) else (padding, padding)
        span = attributes["dilation"][axis] * (attributes["kernel_size"][axis] - 1) + 1
        stops = range(span, size + before + after + 1, attributes["stride"][axis])
        made.append(len(stops))
    names = ("output_depth", "output_height", "output_width")[3 - rank :]
    assert [found[name].result for name in names] == made
    outputs = 1
    for size in (shape[0], attributes["out_channels"], *made):
        outputs *= size
    inside = attributes["in_channels"] // attributes["groups"]
    for size in attributes["kernel_size"]:
        inside *= size
    bias = attributes["out_channels"] if attributes["bias"] else 0
    assert found["macs"].result == outputs * inside
    assert found["params"].result == inside * attributes["out_channels"] + bias
    for each in found.values():
        assert each.formula is not None, each
        assert value(each.formula.substituted(dict(each.symbols))) == each.result


def test_a_formula_is_computed_as_it_is_read() -> None:
    formula = Formula("ceil((a - 1)/b) + floor(a/b)*c/2 + max_", "arithmetic")
    symbols = {"a": 8, "b": 3, "c": 4, "max_": 5}
    # Rounded up, 7/3 is 3; rounded down, 8/3 is 2.
    assert formula.value(symbols) == 3 + 2 * 4 // 2 + 5 == 12
    assert formula.substituted(symbols) == "ceil((8 - 1)/3) + floor(8/3)*4/2 + 5"
    assert value(formula.substituted(symbols)) == 12
    assert formula.symbols == ("a", "b", "c", "max_")


def test_a_number_that_the_formula_doesnt_give_has_none() -> None:
    summary = local.summarize(Request("resnet18")).summary
    layer = next(each for each in summary.layers if each.path == "layer1.0.conv1")
    from dataclasses import replace

    other = replace(layer, macs=1, parameters=(Parameter("w", (7,), "float32", "trainable"),))
    found = {each.quantity: each for each in derivations(other, {})}
    assert (found["macs"].result, found["macs"].formula) == (1, None)
    assert (found["params"].result, found["params"].formula) == (7, None)


def test_an_equation_of_a_stranger_never_becomes_a_formula() -> None:
    for equation in ("a(,(b->ab", "a;,;b->ab", "aé,éb->ab"):
        effect = ops.apply("einsum", {"equation": equation}, [tensor(2, 3), tensor(3, 4)])
        assert effect.law is None
    effect = ops.apply("einsum", {"equation": "ab,bc->ac"}, [tensor(2, 3), tensor(3, 4)])
    assert effect.law is not None
    assert effect.law.macs is not None
    assert (effect.macs, effect.law.macs.text) == (2 * 3 * 4, "n_a*n_b*n_c")


def whole(summary: Summary) -> int:
    """All parameters, as their formulas give them."""
    return sum(each.result for layer in summary.layers for each in derivations(layer, {}) if each.quantity == "params")


def test_the_formulas_of_a_network_sum_to_its_parameters() -> None:
    assert whole(local.summarize(Request("resnet50")).summary) == 25_557_032
    assert whole(local.summarize(Request("ResNet50", flavor="keras")).summary) == 25_636_712
