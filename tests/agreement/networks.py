"""Which networks there are, what each reads, and the readers that it goes through. No framework is needed to ask."""

from __future__ import annotations

from dataclasses import dataclass

from resnet_inspect.call import of_inputs

TORCH_FILES = ("pt2", "traced", "scripted", "onnx13", "onnx17", "onnx20")
KERAS_FILES = ("keras", "savedmodel")
#: In place of a reader: the same network in torch.
TWIN = "twin"


@dataclass(frozen=True, slots=True)
class Network:
    """A network of ``networks_torch`` or ``networks_keras`` by the name of the function that builds it.

    ``inputs`` are full shapes, the batch included. ``readers`` are compared with the live network's summary, and
    ``twin`` is the torch network that computes the same as this one of Keras.
    """

    name: str
    framework: str
    inputs: tuple[str, ...]
    readers: tuple[str, ...]
    twin: str | None = None
    settings: tuple[tuple[str, object], ...] = ()

    @property
    def compared(self) -> tuple[str, ...]:
        """The readers, and the twin where there is one."""
        return (*self.readers, TWIN) if self.twin else self.readers

    @property
    def image(self) -> tuple[tuple[int, ...], ...]:
        """The input as a shape alone, whose layout is left to be found out; nothing if it isn't one image."""
        specs = of_inputs(self.inputs).args
        return (specs[0].shape,) if len(specs) == 1 and len(specs[0].shape) > 3 else ()


def _torch(name: str, *inputs: str) -> Network:
    return Network(name, "torch", inputs, TORCH_FILES)


def _keras(name: str, *inputs: str, twin: str | None = None) -> Network:
    return Network(name, "keras", inputs, KERAS_FILES, twin)


def _block(framework: str, name: str, **settings: object) -> Network:
    """A residual block of the block builder, which the local backend works out by itself."""
    given = ("1x8x24x24",) if framework == "torch" else ("1x24x24x8",)
    return Network(name, framework, given, ("local",), settings=tuple(settings.items()))


NETWORKS = (
    _torch("convolutions", "2x4x16x12"),
    _torch("convolutions_along_a_line", "2x4x20"),
    _torch("convolutions_of_volumes", "2x3x6x8x8"),
    _torch("convolutions_transposed", "2x4x6x5"),
    _torch("convolutions_transposed_elsewhere", "2x4x10", "2x3x4x5x5"),
    _torch("padded", "2x4x9x8"),
    _torch("norms", "2x4x8x8"),
    _torch("norms_rarely_seen", "2x4x8x8"),
    _torch("norms_of_vectors", "2x5x8"),
    _torch("norms_by_root", "2x5x8"),
    _torch("activations", "2x4x6x6"),
    _torch("hard_activations", "2x4x6x6"),
    _torch("activations_of_vectors", "2x8"),
    _torch("activations_in_place", "2x4x6x6"),
    _torch("pools", "2x4x17x15"),
    _torch("pools_elsewhere", "2x4x20", "2x3x9x9x9"),
    _torch("pools_adaptive", "2x4x12x12"),
    _torch("pools_adaptive_elsewhere", "2x4x20", "2x3x8x8x8"),
    _torch("pools_of_the_whole", "2x4x8x8"),
    _torch("pools_by_mean", "2x4x8x8"),
    _torch("resizes", "2x3x6x8"),
    _torch("resizes_exactly", "2x3x6x8"),
    _torch("resizes_elsewhere", "2x3x6", "2x3x4x4x4"),
    _torch("attention", "2x5x16"),
    _torch("attention_masked", "2x6x5x8", "2x6x7x8", "5x7:bool"),
    _torch("attention_grouped", "2x6x5x8", "2x2x7x8"),
    _torch("transformer", "2x5x16"),
    _torch("einsums", "2x5x6", "2x6x7", "5x6", "6x7"),
    _torch("einsums_alike", "2x6", "2x7"),
    _torch("products", "2x5x6", "2x6x7", "5x6"),
    _torch("parts_of_weights", "2x6"),
    _torch("bilinear", "2x5x6"),
    _torch("recurrent", "2x7x5"),
    _torch("embedded", "2x3:int64"),
    _torch("embedded_in_bags", "3x4:int64"),
    _torch("quantised", "2x4x8x8"),
    _torch("shapes", "2x8x4x6"),
    _torch("shuffled", "2x4x6x6"),
    _torch("channels_shuffled", "2x4x6x6"),
    _torch("arithmetic", "2x4x6"),
    _torch("reductions", "2x4x6"),
    _torch("filled", "2x4x6"),
    _torch("written_in_place", "2x8"),
    _torch("dropped", "2x4x8x8"),
    _torch("classifier", "2x3x32x32"),
    _torch("alike", "2x4x12x12"),
    _torch("residual", "2x8x16x16"),
    _torch("residual_upsampled", "2x8x16x16"),
    _torch("preactivation", "2x8x16x16"),
    _torch("inverted", "2x8x16x16"),
    _torch("shared", "2x4x8x8"),
    _keras("keras_convolutions", "2x16x12x4"),
    _keras("keras_convolutions_elsewhere", "2x20x4", "2x6x8x8x3"),
    _keras("keras_transposed", "2x6x5x4"),
    _keras("keras_norms", "2x8x8x4"),
    _keras("keras_activations", "2x6x6x4"),
    _keras("keras_hard_activations", "2x6x6x4", twin="hard_activations"),
    _keras("keras_pools", "2x17x15x4"),
    _keras("keras_pools_elsewhere", "2x20x4", "2x9x9x9x3"),
    _keras("keras_pools_of_the_whole", "2x8x8x4", twin="pools_of_the_whole"),
    _keras("keras_resizes", "2x6x8x3"),
    _keras("keras_attention", "2x5x16"),
    _keras("keras_einsums", "2x5x6"),
    _keras("keras_attention_alone", "2x5x16", twin="attention"),
    _keras("keras_einsums_alike", "2x6", "2x7", twin="einsums_alike"),
    _keras("keras_alike", "2x12x12x4", twin="alike"),
    _keras("keras_recurrent", "2x7x5"),
    _keras("keras_embedded", "2x3:int32"),
    _keras("keras_shapes", "2x8x6x4"),
    _keras("keras_arithmetic", "2x4x6"),
    _keras("keras_dropped", "2x8x8x4"),
    _keras("keras_classifier", "2x32x32x3", twin="classifier"),
    _keras("keras_residual", "2x16x16x8", twin="residual"),
    _keras("keras_residual_upsampled", "2x16x16x8", twin="residual_upsampled"),
    _block("torch", "block_basic", kind="basic"),
    _block("torch", "block_bottleneck", kind="bottleneck", filters=16, stride=2),
    _block("torch", "block_preactivation", kind="preactivation", filters=16, kernel=5, stride=2),
    _block("keras", "keras_block_basic", kind="basic"),
    _block("keras", "keras_block_bottleneck", kind="bottleneck", filters=16, stride=2),
    _block("keras", "keras_block_preactivation", kind="preactivation", filters=16, kernel=4, stride=2),
)
BY_NAME = {network.name: network for network in NETWORKS}
