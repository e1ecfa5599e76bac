"""The least time that each layer takes on a device: the roofline bound.

After Williams, Waterman and Patterson, "Roofline: An Insightful Visual Performance Model for Multicore Architectures"
(CACM 2009, section 3): a kernel takes at least as long as its bytes need at the memory's bandwidth, and as its
operations need at the peak of what the device computes. It is a bound for layers that run one after the other, as a
framework runs them that fuses nothing, and no prediction: launches, caches and kernels that reach no peak aren't in it.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..devices import Device
from ..ir import Layer, Parameter, Summary, Tensor, sum_known
from ..ops import vocabulary
from ..ops.effect import Image, per_dimension

#: What reads of its inputs, or of its weight, no more than it gives.
_PICKING = frozenset(("embedding", "slice", "crop"))
_SECOND = 10**12


@dataclass(frozen=True, slots=True)
class Floor:
    """The least ``picoseconds`` of a layer, and what holds it: its ``memory`` or ``compute``; "" where nothing does.

    None where what it moves isn't known, or how fast the device is.
    """

    picoseconds: int | None
    bound: str = ""


def floors(summary: Summary, device: Device) -> dict[str, Floor]:
    """The bound of every layer, by its id."""
    parameters = {p.name: p for layer in summary.layers for p in layer.parameters}
    return {layer.id: _floor(layer, device, parameters) for layer in summary.layers}


def _floor(layer: Layer, device: Device, parameters: dict[str, Parameter]) -> Floor:
    # What is done in place moves its numbers all the same; a view moves nothing, nor does dropout in inference.
    if not layer.called or layer.op == "input" or vocabulary.of(layer.op).view is not None:
        return Floor(0)
    moved = _moved(layer, parameters)
    if moved is None:
        return Floor(None)
    times = []
    if device.bandwidth:
        times.append((moved * _SECOND // device.bandwidth, "memory"))
    peak = device.peak(_computed_in(layer))
    if peak:
        macs = layer.macs_at_least if layer.macs is None else layer.macs
        times.append((2 * macs * _SECOND // peak, "compute"))
    return Floor(*max(times)) if times else Floor(None)


def _computed_in(layer: Layer) -> str:
    """The element type of the products: that of the weight, or of what is read."""
    tensors: tuple[Tensor | Parameter, ...] = (*layer.parameters, *layer.input_tensors, *layer.output_tensors)
    return next((t.dtype for t in tensors if "int64" not in t.dtype), "")


def _moved(layer: Layer, parameters: dict[str, Parameter]) -> int | None:
    """Bytes that pass between the memory and the device at least: each number that is read, once, and the results."""
    written = sum_known(t.bytes for t in layer.output_tensors)
    if written is None or vocabulary.of(layer.op).family == "other":
        return None
    distinct = dict(zip(layer.inputs, layer.input_tensors, strict=False))
    read = sum_known(_read(layer, tensor) for tensor in distinct.values())
    held = sum_known(
        p.bytes for p in (*layer.parameters, *(parameters[name] for name in layer.shared if name in parameters))
    )
    if layer.op in _PICKING:
        read, held = (None if size is None else min(size, written) for size in (read, held))
    return sum_known((written, read, held))


def _read(layer: Layer, tensor: Tensor) -> int | None:
    """Bytes of one input: where the stride is larger than the kernel, those between aren't needed."""
    size = tensor.bytes
    kernel, outputs = layer.attribute("kernel_size"), layer.output_tensors
    if size is None or kernel is None or "transpose" in layer.op or not (outputs and len(tensor.shape) > 2):
        return size
    try:
        given, image = Image.of(tensor).spatial, Image.of(outputs[0]).spatial
        rows = [min(n, out * k) for n, out, k in zip(given, image, per_dimension(kernel, len(given)), strict=True)]
    except (TypeError, ValueError, IndexError):
        return size
    for n, needed in zip(given, rows, strict=True):
        size = size * needed // n if n else 0
    return size
