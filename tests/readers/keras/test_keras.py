"""The Keras backend against Keras itself."""

from __future__ import annotations

import os
from itertools import product
from math import prod
from typing import Any

import pytest

from resnet_inspect import ir_json, ops
from resnet_inspect.answers import adapter
from resnet_inspect.blocks.residual import BlockSpec
from resnet_inspect.checks import STRUCTURE, judge
from resnet_inspect.diffs import compare
from resnet_inspect.readers import zoo
from resnet_inspect.readers.inputs import Shapes
from resnet_inspect.readers.request import Request
from tests.support.command import document, in_child, needs, run, script
from tests.support.structure import check_structure

#: Multiply-adds in thousands of millions, as the papers and Keras' documentation of the networks have them.
PUBLISHED_GMACS = {
    "VGG16": (15.5, 0.05),  # Simonyan and Zisserman 2014, by arithmetic
    "VGG19": (19.6, 0.05),
    "MobileNet": (0.569, 0.001),  # Howard et al. 2017, table 4
    "MobileNetV2": (0.300, 0.002),  # Sandler et al. 2018, table 4
    "MobileNetV3Large": (0.219, 0.003),  # Howard et al. 2019, table 3
    "EfficientNetB0": (0.39, 0.01),  # Tan and Le 2019, table 2
    "EfficientNetB7": (37.0, 0.8),
    "ResNet50": (3.8, 0.1),  # He et al. 2015, table 1
    "ResNet101": (7.6, 0.1),
    "ResNet152": (11.3, 0.1),
    "DenseNet121": (2.83, 0.04),
    "NASNetLarge": (23.8, 0.1),  # Zoph et al. 2017, table 2
    "Xception": (8.4, 0.1),
    "ConvNeXtTiny": (4.5, 0.1),  # Liu et al. 2022, table 1
    "ConvNeXtXLarge": (60.9, 0.1),
}


#: One of each family, for its others are the same with more layers: ``ZOO=all`` takes every application. The numbers of
#: all stand in ``constraints/counts.json``, which ``constraints/matrix.py`` holds against Keras'.
SMALLEST = (
    *("ConvNeXtTiny", "DenseNet121", "EfficientNetB0", "EfficientNetV2B0", "InceptionResNetV2", "InceptionV3"),
    *("MobileNet", "MobileNetV2", "MobileNetV3Large", "NASNetMobile", "ResNet50", "ResNet50V2", "VGG16", "Xception"),
)


@in_child("tensorflow")
def test_the_applications_equal_keras_own_counts() -> None:
    import keras

    names = zoo.names("keras")
    assert len(names) >= 40
    assert set(SMALLEST) <= set(names)
    for name in names if os.environ.get("ZOO") == "all" else SMALLEST:
        summary = adapter("keras").summarize(Request(name)).summary
        totals = summary.totals
        size = (224, 224, 3) if name.startswith("MobileNetV3") else None
        with keras.StatelessScope(initialize_variables=False):
            model = getattr(keras.applications, name)(weights=None, input_shape=size)
        trainable = sum(prod(variable.shape) for variable in model.trainable_variables)
        assert totals.params == model.count_params(), name
        assert (totals.trainable_params, totals.frozen_params) == (trainable, 0), name
        assert totals.statistics == model.count_params() - trainable, name
        assert not totals.uncounted, name
        assert not totals.unused_params, name
        if name in PUBLISHED_GMACS:
            published, tolerance = PUBLISHED_GMACS[name]
            assert totals.macs / 1e9 == pytest.approx(published, abs=tolerance), name
        check_rows(name, summary.layers)
        assert compare(summary, ir_json.loads(ir_json.dumps(summary))).kinds == set(), name
        assert {outcome.level for outcome in judge([rule() for rule in STRUCTURE], summary)} == {"pass"}, name
        check_structure(name, summary)


def check_rows(name: str, layers: Any) -> None:
    """Edges run forward, every output but the last is read, and our rules give Keras' own shapes and weights."""
    seen: set[str] = set()
    for layer in layers:
        assert set(layer.inputs) <= seen, (name, layer.id)
        seen.add(layer.id)
        if layer.op in ops.RULES and layer.inputs:
            effect = ops.apply(layer.op, dict(layer.attributes), layer.input_tensors)
            assert effect.output.shape == layer.output_tensors[0].shape, (name, layer.id)
            if effect.weights:
                assert sum(prod(weight.shape) for weight in effect.weights) == layer.params, (name, layer.id)
    assert seen - {source for layer in layers for source in layer.inputs} == {layers[-1].id}, name


@in_child("tensorflow")
def test_macs_of_convolutions_equal_tensorflows_profiler() -> None:
    import keras
    import tensorflow as tf

    for name in ("MobileNet", "ResNet50V2", "VGG16", "DenseNet121", "EfficientNetB0"):
        with keras.StatelessScope(initialize_variables=False):
            model = getattr(keras.applications, name)(weights=None)
        summary = adapter("keras").summarize(Request(name)).summary
        graph = tf.Graph()
        with graph.as_default():
            # The same products, layer by layer, in a graph that TensorFlow's own profiler counts.
            for layer in summary.layers:
                if layer.op == "conv2d":
                    _profiled_convolution(tf, layer)
                elif layer.op == "dense":
                    x = tf.compat.v1.placeholder(tf.float32, layer.input_tensors[0].shape)
                    tf.matmul(x, tf.compat.v1.placeholder(tf.float32, layer.parameters[0].shape))
            options = tf.compat.v1.profiler.ProfileOptionBuilder.float_operation()
            options["output"] = "none"
            flops = tf.compat.v1.profiler.profile(graph, options=options).total_float_ops
        counted = [layer for layer in summary.layers if layer.op in ("conv2d", "dense")]
        assert 2 * sum(layer.macs or 0 for layer in counted) == flops, name
        assert sum(layer.macs or 0 for layer in counted) == summary.totals.macs
        assert len(counted) >= len([w for w in model.weights if w.name == "kernel"])


def _profiled_convolution(tf: Any, layer: Any) -> None:
    attributes = dict(layer.attributes)
    x = tf.compat.v1.placeholder(tf.float32, layer.input_tensors[0].shape)
    kernel = tf.compat.v1.placeholder(tf.float32, layer.parameters[0].shape)
    strides = [1, *attributes["stride"], 1]
    padding = "SAME" if layer.output_tensors[0].shape[1] * attributes["stride"][0] >= x.shape[1] else "VALID"
    convolve = tf.nn.depthwise_conv2d if attributes["groups"] > 1 else tf.nn.conv2d
    assert tuple(convolve(x, kernel, strides, padding).shape) == layer.output_tensors[0].shape


@in_child("tensorflow")
def test_the_local_rows_equal_keras() -> None:
    for name in ("ResNet50", "ResNet101", "ResNet152", "ResNet50V2", "ResNet101V2", "ResNet152V2"):
        keras = adapter("keras").summarize(Request(name)).summary
        local = adapter("local").summarize(Request(name, flavor="keras")).summary
        assert keras.layers == local.layers, name
        assert dict(keras.modules) == dict(local.modules), name
        assert (keras.totals, keras.outputs) == (local.totals, local.outputs), name
    arguments = (("include_top", False), ("pooling", "avg"))
    request = Request("ResNet50", inputs=Shapes(((64, 96, 1),)), arguments=arguments, flavor="keras")
    local = adapter("local").summarize(request).summary
    assert adapter("keras").summarize(request).summary.layers == local.layers


@in_child("tensorflow")
def test_a_lowered_block_equals_the_local_rows_and_runs() -> None:
    import keras
    import numpy as np

    from resnet_inspect.blocks.residual import residual_block
    from resnet_inspect.readers.keras.lower import lower

    options = product(("basic", "bottleneck", "preactivation"), (1, 2, 3), (1, 2, 3, 5), (None, 8, 16), (1, 2))
    for count, (kind, stride, kernel, filters, groups) in enumerate(options):
        bias = count % 4 in (0, 3)  # with and without it beside each value of each other option
        if kind == "bottleneck" and groups == 2 and filters != 16 and filters is not None:
            continue
        spec = BlockSpec(kind, 8, (12, 10), filters, kernel, stride, groups, bias)
        request = Request(inputs=Shapes(((1, 12, 10, 8),)))
        local, traced = (adapter(backend).summarize_block(spec, request).summary for backend in ("local", "keras"))
        assert local.layers == traced.layers, spec
        assert local.totals == traced.totals
        if count % 20 == 0:
            with keras.StatelessScope():
                model = lower(residual_block(spec), (12, 10, 8))
            assert model(np.zeros((1, 12, 10, 8))).shape == local.outputs[0].shape


@in_child("tensorflow")
def test_the_block_is_the_tutorials() -> None:
    summary = adapter("keras").summarize_block(BlockSpec(), Request(inputs=Shapes(((24, 24, 3),)))).summary
    totals = summary.totals
    assert (totals.params, totals.trainable_params, totals.statistics, totals.layers) == (192, 180, 12, 8)


@in_child("tensorflow")
def test_nothing_of_the_process_is_changed() -> None:
    import keras

    first = adapter("keras").summarize(Request("MobileNet", dtype="float16")).summary
    assert (keras.config.floatx(), keras.config.dtype_policy().name) == ("float32", "float32")
    assert first.inputs[0].dtype == first.outputs[0].dtype == "float16"
    assert keras.layers.Dense(1).name == "dense"
    # Automatic names don't depend on what was built before.
    assert adapter("keras").summarize(Request("InceptionV3")).summary == (
        adapter("keras").summarize(Request("InceptionV3")).summary
    )


@needs("tensorflow")
def test_no_weight_is_allocated() -> None:
    peak = "import resource; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    command = ["resnet-inspect", "summary", "keras:ConvNeXtXLarge", "--format", "csv", "-o", "/dev/null"]
    imports = int(script(f"import keras\n{peak}"))
    summary = int(
        script(f"""
import sys; sys.argv = {command!r}
from resnet_inspect.cli import main
try: main()
except SystemExit as end: assert end.code == 0
{peak}""")
    )
    # Its 350,196,968 parameters alone would be 1.3 GiB.
    assert summary - imports < 60 * 1024


@needs("tensorflow")
def test_nothing_but_the_document_comes_out() -> None:
    done = run("summary", "keras:ResNet50", "--format", "json")
    assert (done.returncode, done.stderr) == (0, "")
    assert document("summary", "--backend", "keras", warm="keras")["totals"]["params"] == 25_636_712


@needs("tensorflow")
@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["keras:ResNet51"], 3, "ResNet50"),
        (["keras:resnet50", "--input", "3x20x20"], 4, "at least 32x32"),
        (["keras:resnet50", "--arg", "nonsense=1"], 3, "nonsense"),
        (["keras:resnet50", "--arg", "weights=imagenet"], 2, "--weights"),
        (["keras:inceptionv3", "--input", "3x64x64"], 4, "75x75"),
        (["keras:vgg16", "--input", "64x64x3", "--layout", "NCHW"], 4, "did you mean --layout NHWC"),
    ],
)
def test_bad_input(arguments: list[str], code: int, words: str) -> None:
    done = run("summary", *arguments, warm="keras")
    assert (done.returncode, done.stdout) == (code, "")
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
