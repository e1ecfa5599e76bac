"""A single residual block from a specification: the tutorial's block and its relatives."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import BadRequestError, InputError
from ..ir import Value
from ..shape import format_shape
from .flavor import FLAVORS
from .graph import INPUT, Graph, GraphBuilder
from .keras_order import in_keras_order

KINDS = ("basic", "bottleneck", "preactivation")
SHORTCUTS = ("auto", "identity", "projection")

#: Keras' defaults, which the tutorial leaves as they are; the new batch weighs 1 - 0.99.
_EPS, _MOMENTUM = 1e-3, 0.01

#: A bottleneck's inner width is a quarter of its output (He et al. 2015, section 4.1).
_EXPANSION = 4


@dataclass(frozen=True, slots=True)
class BlockSpec:
    """A residual block: ``filters`` output channels (None: as many as come in), ``kernel`` x ``kernel`` windows.

    ``channels`` and ``image`` (height, width) are the input's. ``shortcut`` is ``auto`` (identity where the
    shapes agree, else a 1x1 projection), ``identity`` or ``projection``.
    """

    kind: str = "basic"
    channels: int = 3
    image: tuple[int, int] = (24, 24)
    filters: int | None = None
    kernel: int = 3
    stride: int = 1
    groups: int = 1
    bias: bool = True
    shortcut: str = "auto"
    flavor: str = "keras"


def residual_block(spec: BlockSpec) -> Graph:
    """The graph of one block.

    Raises:
        BadRequestError: the options contradict one another (groups that don't divide the channels).
        InputError: an identity shortcut was asked for where the shapes differ, with both shapes.
    """
    return _Block(spec).build()


class _Block:
    """The state of one build: the graph so far, and the specification with its defaults filled in."""

    def __init__(self, spec: BlockSpec) -> None:
        self.spec = spec
        self.flavor = FLAVORS[spec.flavor]
        self.graph = GraphBuilder(self.flavor)
        self.filters = spec.filters or spec.channels
        self.notes: list[str] = []

    def build(self) -> Graph:
        self.graph.module("", "ResidualBlock")
        _BRANCHES[self.spec.kind](self)
        spec, nodes = self.spec, self.graph.nodes
        arguments: dict[str, Value] = {
            "kind": spec.kind,
            "filters": self.filters,
            "kernel": spec.kernel,
            "stride": spec.stride,
            "groups": spec.groups,
            "bias": spec.bias,
            "shortcut": spec.shortcut,
        }
        return Graph(
            name="residual_block",
            flavor=self.flavor,
            builder="resnet_inspect.blocks.residual:residual_block",
            channels=spec.channels,
            image=spec.image,
            nodes=in_keras_order(nodes) if self.flavor.name == "keras" else tuple(nodes),
            modules=tuple(self.graph.modules),
            arguments=tuple(arguments.items()),
            notes=tuple(self.notes),
        )

    def basic(self) -> None:
        """Conv - BN - ReLU - Conv - BN, add, ReLU (He et al. 2015, figure 5 left): the tutorial's block."""
        graph, filters = self.graph, self.filters
        y = self._conv("conv1", INPUT, self.spec.channels, filters, self.spec.kernel, self.spec.stride)
        y = graph.relu("relu1", self._bn("bn1", y, filters))
        y = self._bn("bn2", self._conv("conv2", y, filters, filters, self.spec.kernel), filters)
        graph.relu("relu2", graph.op("add", "add", y, self._shortcut(INPUT), is_module=self._add_is_module))

    def bottleneck(self) -> None:
        """1x1 - kxk - 1x1, each with BN, the stride in the middle (He et al. 2015, figure 5 right)."""
        graph, filters = self.graph, self.filters
        width = max(1, filters // _EXPANSION)
        y = graph.relu("relu1", self._bn("bn1", self._conv("conv1", INPUT, self.spec.channels, width, 1), width))
        y = self._conv("conv2", y, width, width, self.spec.kernel, self.spec.stride)
        y = graph.relu("relu2", self._bn("bn2", y, width))
        y = self._bn("bn3", self._conv("conv3", y, width, filters, 1), filters)
        graph.relu("relu3", graph.op("add", "add", y, self._shortcut(INPUT), is_module=self._add_is_module))

    def preactivation(self) -> None:
        """BN - ReLU - Conv twice, nothing after the addition (He et al. 2016, figure 1 b)."""
        graph, filters, channels = self.graph, self.filters, self.spec.channels
        first = graph.relu("relu1", self._bn("bn1", INPUT, channels))
        y = self._conv("conv1", first, channels, filters, self.spec.kernel, self.spec.stride)
        y = graph.relu("relu2", self._bn("bn2", y, filters))
        y = self._conv("conv2", y, filters, filters, self.spec.kernel)
        graph.op("add", "add", y, self._shortcut(first), is_module=self._add_is_module)

    @property
    def _add_is_module(self) -> bool:
        """Keras adds with a layer, torch with an operator."""
        return self.flavor.name == "keras"

    def _shortcut(self, projected_from: str) -> str:
        spec = self.spec
        agree = spec.stride == 1 and self.filters == spec.channels
        if spec.shortcut == "identity" and not agree:
            raise InputError(
                f"an identity shortcut can't be added: the input is {self._shape(spec.image, spec.channels)}, "
                f"the branch gives {self._shape(self._branch_image(), self.filters)}; "
                "use as many filters as channels and stride 1, or a projection shortcut"
            )
        if spec.shortcut == "identity" or (spec.shortcut == "auto" and agree):
            return INPUT
        if spec.shortcut == "auto":
            self.notes.append(
                f"a projection shortcut (1x1 convolution, stride {spec.stride}) was added: the input is "
                f"{self._shape(spec.image, spec.channels)}, the branch gives "
                f"{self._shape(self._branch_image(), self.filters)}"
            )
        y = self.graph.conv(
            "shortcut_conv",
            projected_from,
            (spec.channels, self.filters),
            1,
            stride=spec.stride,
            bias=spec.bias,
        )
        # Before a pre-activated branch the input is normalised already (He et al. 2016, section 4.1).
        return y if spec.kind == "preactivation" else self._bn("shortcut_bn", y, self.filters)

    def _conv(self, path: str, x: str, channels: int, filters: int, kernel: int, stride: int = 1) -> str:
        # A bottleneck's 1x1 convolutions mix all channels, as in ResNeXt (Xie et al. 2016, figure 3 c).
        groups = 1 if self.spec.kind == "bottleneck" and path != "conv2" else self.spec.groups
        if channels % groups or filters % groups:
            raise BadRequestError(
                f"--groups {groups} must divide the channels of {path}, which are {channels} in and {filters} out"
            )
        return self.graph.op(
            path,
            "conv2d",
            x,
            in_channels=channels,
            out_channels=filters,
            kernel_size=(kernel, kernel),
            stride=(stride, stride),
            padding=self._same_padding(kernel, stride),
            padding_mode="zeros",
            dilation=(1, 1),
            groups=groups,
            bias=self.spec.bias,
        )

    def _bn(self, path: str, x: str, channels: int) -> str:
        return self.graph.batch_norm(path, x, channels, _EPS, _MOMENTUM)

    def _same_padding(self, kernel: int, stride: int) -> tuple[Value, ...]:
        """Padding that gives ceil(size / stride): where it can't be even, both frameworks pad more at the end.

        torch has one padding per dimension as soon as there is a stride; Keras depends on the size.
        """
        if self.flavor.name == "torch" and stride > 1:
            if kernel % 2 == 0:
                raise BadRequestError(
                    f"torch pads both sides alike when the stride is {stride}: --kernel {kernel} would need to be odd"
                )
            return ((kernel - 1) // 2,) * 2
        padding: list[Value] = []
        for size in self.spec.image:
            total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
            before, after = total // 2, total - total // 2
            padding.append(before if before == after else (before, after))
        return tuple(padding)

    def _branch_image(self) -> tuple[int, int]:
        height, width = (-(-size // self.spec.stride) for size in self.spec.image)
        return height, width

    def _shape(self, image: tuple[int, int], channels: int) -> str:
        return format_shape((channels, *image) if self.flavor.layout == "NCHW" else (*image, channels))


_BRANCHES = {"basic": _Block.basic, "bottleneck": _Block.bottleneck, "preactivation": _Block.preactivation}
