"""Receptive fields: the published ones, arithmetic, and what a gradient really reaches."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from resnet_inspect.analysis.receptive import Axis, Field, receptive_fields
from resnet_inspect.blocks.flavor import KERAS
from resnet_inspect.blocks.graph import INPUT, Graph, GraphBuilder
from resnet_inspect.ir import Attributes, Layer, Model, Summary, Tensor
from resnet_inspect.readers.local.reader import run as run_graph
from resnet_inspect.readers.local.reader import summarize
from resnet_inspect.readers.request import Request
from resnet_inspect.shape import Resolved
from tests.support.command import in_child, run
from tests.support.examples import examples
from tests.support.structure import PUBLISHED_FIELDS, field_of


def slim_resnet(units: tuple[int, ...]) -> Summary:
    """The article's ResNet v1, of TensorFlow's slim: the *last* unit of a block has the stride, in its 3x3 convolution.

    Pooling pads as "same" does for an even size, one row behind; strided convolutions pad alike on both sides.
    """
    graph = GraphBuilder(KERAS)
    x = graph.conv("conv1", INPUT, (3, 64), 7, stride=2, padding=3)
    pad = ((0, 1), (0, 1))
    x = graph.op("pool1", "max_pool2d", x, kernel_size=(3, 3), stride=(2, 2), padding=pad, dilation=(1, 1))
    width = 64
    for block, count in enumerate(units, start=1):
        filters = 64 * 2 ** (block - 1)
        for unit in range(1, count + 1):
            stride = 2 if unit == count and block < 4 else 1
            path = f"block{block}/unit{unit}"
            y = graph.conv(f"{path}/conv1", x, (width, filters), 1)
            y = graph.conv(f"{path}/conv2", y, (filters, filters), 3, stride=stride, padding=1)
            y = graph.conv(f"{path}/conv3", y, (filters, 4 * filters), 1)
            if unit == 1 or stride > 1:
                x = graph.conv(f"{path}/shortcut", x, (width, 4 * filters), 1, stride=stride)
            x, width = graph.op(f"{path}/add", "add", x, y), 4 * filters
    made = Graph("resnet_v1", KERAS, "test", 3, (224, 224), tuple(graph.nodes), (("", "Functional"),))
    return run_graph(made, Resolved((1, 224, 224, 3), "NHWC"), "float32")


@pytest.mark.parametrize(("depth", "units"), [(50, (3, 4, 6, 3)), (101, (3, 4, 23, 3)), (152, (3, 8, 36, 3))])
def test_the_articles_resnets(depth: int, units: tuple[int, ...]) -> None:
    summary = slim_resnet(units)
    assert field_of(summary) == PUBLISHED_FIELDS[f"resnet_v1_{depth}"]
    # Strided 3x3 convolutions with a row of padding on each side look where the 1x1 of the shortcut looks.
    assert all(field and field.aligned for field in receptive_fields(summary).values())


@pytest.mark.parametrize("depth", [50, 101, 152])
def test_keras_resnets_differ_from_the_articles_by_the_padding_of_the_pool(depth: int) -> None:
    """Keras pads the pool by a row in front too: one row at stride 2."""
    size, stride, padding = PUBLISHED_FIELDS[f"resnet_v1_{depth}"]
    assert field_of(summarize(Request(f"ResNet{depth}", flavor="keras")).summary) == (size, stride, padding + 2)


def test_torchvisions_resnet50_by_hand() -> None:
    """The stride is in the first 3x3 convolution of a stage, which so stands at the finer jump ("v1.5").

    7 + 2x2 = 11 after the pool; 3 x 2x4; then 2x4 + 3 x 2x8; 2x8 + 5 x 2x16; 2x16 + 2 x 2x32.
    """
    size = 7 + 2 * 2 + 3 * 2 * 4 + 2 * 4 + 3 * 2 * 8 + 2 * 8 + 5 * 2 * 16 + 2 * 16 + 2 * 2 * 32
    assert field_of(summarize(Request("resnet50")).summary) == (size, 32, (size - 1) // 2)


def layers(*given: tuple[str, str, Attributes, tuple[int, ...]]) -> Summary:
    """An image of 32x32 and layers as (op, what it reads, attributes, spatial sizes), named by their number."""
    image = Tensor((1, 4, 32, 32), "float32", "NCHW")
    made = [Layer("0", "0", "Input", "input", output_tensors=(image,))]
    for op, reads, attributes, sizes in given:
        sources = tuple(reads.split())
        inputs = tuple(made[int(source)].output_tensors[0] for source in sources)
        output = Tensor((1, 4, *sizes), "float32", "NCHW" if len(sizes) == 2 else None)
        made.append(Layer(str(len(made)), str(len(made)), op, op, sources, inputs, (output,), attributes=attributes))
    return Summary(Model("m", "torch", "b"), (image,), (), tuple(made))


def conv(kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> Attributes:
    """A square window's attributes."""
    return (
        ("kernel_size", (kernel, kernel)),
        ("stride", (stride, stride)),
        ("padding", (padding, padding)),
        ("dilation", (dilation, dilation)),
    )


def last(summary: Summary) -> Field | None:
    """The last layer's field."""
    return receptive_fields(summary)[summary.layers[-1].id]


def test_paths_that_look_elsewhere_are_told() -> None:
    """An even kernel without padding looks half a row further than the 1x1 beside it."""
    summary = layers(
        ("conv2d", "0", conv(2), (31, 31)), ("conv2d", "0", conv(1), (31, 31)), ("add", "1 2", (), (31, 31))
    )
    assert last(summary) == Field((Axis(2, 1, 0), Axis(2, 1, 0)), aligned=False)


def test_enlarging_layers() -> None:
    """A transposed 4x4 convolution at stride 2 reads two rows, as bilinear resizing does; nearest reads one."""
    up = layers(
        ("conv2d", "0", conv(3, stride=2, padding=1), (16, 16)), ("conv_transpose2d", "1", conv(4, 2, 1), (32, 32))
    )
    assert last(up) == Field((Axis(3 + 2, 1, None),) * 2)
    joined = layers(
        ("conv2d", "0", conv(3, stride=2, padding=1), (16, 16)),
        ("conv_transpose2d", "1", conv(4, 2, 1), (32, 32)),
        ("concat", "0 2", (), (32, 32)),
    )
    # Whether the skip looks where the other path looks isn't known: outputs of the path don't all look alike.
    assert last(joined) == Field((Axis(3 + 2, 1, None),) * 2, aligned=None)
    for mode, rows in (("nearest", 3), ("bilinear", 3 + 2)):
        resized = layers(
            ("conv2d", "0", conv(3, stride=2, padding=1), (16, 16)), ("resize", "1", (("mode", mode),), (64, 64))
        )
        assert last(resized) == Field((Axis(rows, Fraction(1, 2), None),) * 2)


def test_what_gathers_everything_reads_everything_and_the_unknown_stays_unknown() -> None:
    gate = layers(("global_avg_pool2d", "0", (), (1, 1)), ("sigmoid", "1", (), (1, 1)), ("mul", "0 2", (), (32, 32)))
    assert last(gate) == Field()
    assert last(layers(("other", "0", (), (32, 32)), ("relu", "1", (), (32, 32)))) is None


@in_child("torch")
def test_a_gradient_reaches_as_far_as_the_field_says() -> None:
    """Positive weights and inputs, so that nothing cancels: the rows with a gradient are those that are read."""
    import torch
    from torch import nn

    from resnet_inspect.readers.torch.object import summarize_object

    size = 192

    def reached(model: nn.Module) -> tuple[int, int]:
        """The first row that the output's middle one reads, and how many it reads."""
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.fill_(1.0)
        x = torch.ones(1, 1, size, size, dtype=torch.float64, requires_grad=True)
        y = model.double()(x)
        middle = y.shape[-1] // 2
        y[0, 0, middle, middle].backward()
        rows = x.grad[0, 0].abs().sum(1).nonzero().flatten()
        return int(rows[0]), len(range(int(rows[0]), int(rows[-1]) + 1))

    window = st.tuples(st.integers(1, 4), st.integers(1, 2), st.integers(0, 1), st.integers(1, 2), st.booleans())

    @examples(60)
    @given(st.lists(window, min_size=1, max_size=4))
    def check(windows: list[tuple[int, int, int, int, bool]]) -> None:
        modules: list[nn.Module] = []
        for kernel, stride, padding, dilation, pool in windows:
            padding = min(padding, kernel // 2)
            if pool:
                modules.append(nn.AvgPool2d(kernel, stride, padding))
            else:
                modules.append(nn.Conv2d(1, 1, kernel, stride, padding, dilation))
        model = nn.Sequential(*modules)
        summary = summarize_object(model.double(), [(1, size, size)])
        field = receptive_fields(summary)[summary.layers[-1].id]
        assert field is not None
        axis = field.axes[0]
        middle = summary.outputs[0].shape[-1] // 2
        assert axis.padding is not None
        start = int(middle * axis.stride - axis.padding)
        # At the borders a dilated window may have its first row in the padding.
        assume(start >= 0 and start + axis.size <= size)
        assert reached(model) == (start, axis.size)

    check()


def test_the_columns() -> None:
    done = run("summary", "resnet50", "--columns", "path,rf,rf_stride,rf_padding,rf_aligned", "--format", "csv")
    rows = {line.split(",")[0]: line.split(",")[1:] for line in done.stdout.splitlines()}
    assert rows["conv1"] == ["7", "2", "3", "yes"]
    assert rows["maxpool"] == ["11", "4", "5", "yes"]
    assert rows["layer4.2.conv3"] == ["427", "32", "213", "yes"]
    assert rows["avgpool"] == ["all", "", "", ""]
