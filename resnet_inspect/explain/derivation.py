"""The formulas of a layer: the rule's own, with the layer's numbers, where they give what the layer really has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import prod

from .. import ops
from ..analysis.receptive import Field
from ..errors import InputError
from ..ir import DTYPE_BITS, Layer, Shape, Tensor, Value
from ..ops import vocabulary, weights
from ..ops.effect import Effect, Image, padding_pairs, per_dimension
from ..ops.formula import Formula, axes
from .explanation import Derivation

_BYTES = Formula("elements*bytes_each", "elements without gaps")
_FIELD = "r_{x} + d_{x}*(k_{x}-1)*j_{x}"
_FIELD_SOURCE = "Araujo, Norris and Sim 2019, equation 1"
_DIMENSIONS = {"D": "depth", "H": "height", "W": "width"}


def derivations(layer: Layer, fields: Mapping[str, Field | None]) -> tuple[Derivation, ...]:
    """Sizes, parameters, MACs, bytes and receptive field of a layer, as far as each is known.

    ``fields`` are the receptive fields of all layers. A number that no formula gives stands there without one.
    """
    effect = _effect(layer)
    found = [*_sizes(layer, effect), *_params(layer, effect), *_macs(layer, effect), *_bytes(layer)]
    return (*found, *_field(layer, fields))


def counts(layer: Layer) -> tuple[Derivation, ...]:
    """Parameters and MACs alone."""
    effect = _effect(layer) if layer.macs or layer.parameters else None
    return (*_params(layer, effect), *_macs(layer, effect))


def checked(quantity: str, title: str, result: int, formula: Formula | None, symbols: Mapping[str, int]) -> Derivation:
    """The derivation of a number; without its formula where that gives another one, or lacks a symbol."""
    try:
        if formula is not None and formula.value(symbols) == result:
            used = tuple((name, symbols[name]) for name in formula.symbols)
            return Derivation(quantity, title, result, formula, used)
    except (NameError, ZeroDivisionError):
        pass
    return Derivation(quantity, title, result)


def _effect(layer: Layer) -> Effect | None:
    """What the rule says of a layer; None where there is no rule, or it doesn't know the layer's settings."""
    try:
        settings = _settings(layer)
        inputs = [_with_batch(layer, tensor) for tensor in layer.input_tensors] or _supposed(layer, settings)
        return ops.apply(layer.op, settings, inputs[:1] if layer.op in _OF_ONE else inputs)
    except (InputError, KeyError, TypeError, ValueError, IndexError, ZeroDivisionError):
        return None


#: Operators whose other inputs, where a reader lists them, are their weights.
_OF_ONE = frozenset(op for op in ops.RULES if op.startswith(("conv", "dense", "separable")))


def _settings(layer: Layer) -> dict[str, Value]:
    """The attributes; of a function, which has none, what the shapes of its tensors say."""
    found = dict(layer.attributes)
    if layer.op.startswith("conv_transpose") and layer.output_tensors:
        found["output_size"] = Image.of(layer.output_tensors[0]).spatial
    if layer.op == "dense" and layer.input_tensors and layer.output_tensors:
        found.setdefault("in_features", layer.input_tensors[0].shape[-1])
        found.setdefault("out_features", layer.output_tensors[0].shape[-1])
        found.setdefault("bias", any(len(p.shape) == 1 for p in layer.parameters))
    if "input_size" in found:
        found.setdefault("in_features", found["input_size"])  # as torch's recurrent layers call it
    if layer.op == "einsum":
        found.setdefault("equation", found.get("argument0"))
    return found


def _supposed(layer: Layer, settings: Mapping[str, Value]) -> list[Tensor]:
    """An input for a layer that reads none that is known: weights follow from settings, multiply-adds from outputs.

    Such layers weren't called, or they read a constant.
    """
    shape = layer.output_tensors[0].shape if layer.output_tensors else ()
    features, channels, kernel = (settings.get(name) for name in ("in_features", "in_channels", "kernel_size"))
    if isinstance(features, int):
        return [Tensor((*(shape[:-1] or (1,)), features), "")]
    if isinstance(channels, int) and isinstance(kernel, tuple):
        rank = len(kernel)
        sizes = [per_dimension(layer.attribute(name, 1), rank) for name in ("kernel_size", "stride", "dilation")]
        padding = padding_pairs(layer.attribute("padding", 0), rank)
        made = shape[-rank:] if len(shape) == rank + 2 else (1,) * rank
        along = zip(made, *sizes, padding, strict=True)
        read = [(out - 1) * stride + gap * (width - 1) + 1 - sum(pair) for out, width, stride, gap, pair in along]
        return [Tensor((*(shape[:1] or (1,)), channels, *(max(size, 1) for size in read)), "")]
    return []


def _with_batch(layer: Layer, tensor: Tensor) -> Tensor:
    """An image of one item has no batch in torch: the rules want one."""
    kernel = layer.attribute("kernel_size")
    if isinstance(kernel, tuple) and len(tensor.shape) == len(kernel) + 1:
        return Tensor((1, *tensor.shape), tensor.dtype)
    return tensor


def _sizes(layer: Layer, effect: Effect | None) -> Iterator[Derivation]:
    if not layer.output_tensors or not layer.input_tensors or effect is None or effect.window is None:
        return
    made = spatial(layer.output_tensors[0], layer)
    sizes, symbols = effect.window()
    if len(made) != len(sizes):
        return
    for size, (letter, formula) in zip(made, sizes, strict=True):
        name = _DIMENSIONS[letter]
        yield checked(f"output_{name}", f"output {name}", size, formula, symbols)


def spatial(tensor: Tensor, layer: Layer) -> Shape:
    """The sizes of an image's spatial dimensions; none of what is not an image."""
    if tensor.layout is not None:
        return tensor.spatial
    kernel = layer.attribute("kernel_size")
    return tensor.shape[-len(kernel) :] if isinstance(kernel, tuple) and kernel else ()


def _params(layer: Layer, effect: Effect | None) -> Iterator[Derivation]:
    own = [p for p in layer.parameters if p.counted]
    if not own:
        return
    result = sum(p.size for p in own)
    law = effect.law if effect else None
    if law is not None and law.params is not None and effect is not None:
        symbols = {**effect.symbols, "biases": 0}
        if vocabulary.of(layer.op).family == "recurrent":
            symbols["biases"] = _vectors(law.params, symbols, result)
        yield checked("params", "parameters", result, law.params, symbols)
        return
    found = weights.stored(layer.op, dict(layer.attributes), [p.shape for p in own])
    yield checked("params", "parameters", result, *(found or (None, {})))


def _vectors(formula: Formula, symbols: Mapping[str, int], result: int) -> int:
    """How many vectors of biases each gate has, which no setting of torch or Keras says: 0, 1 or 2."""
    fits = [number for number in range(3) if formula.value({**symbols, "biases": number}) == result]
    return fits[0] if fits else 0


def _macs(layer: Layer, effect: Effect | None) -> Iterator[Derivation]:
    if not layer.macs:
        return
    formula: Formula | None = None
    symbols: Mapping[str, int] = {}
    if effect is not None and effect.law is not None:
        formula, symbols = effect.law.macs, effect.symbols
    if layer.op == "attention" and layer.input_tensors:
        shapes = [tensor.shape for tensor in layer.input_tensors]
        formula, symbols = weights.attended(dict(layer.attributes), shapes) or (formula, symbols)
    yield checked("macs", "MACs", layer.macs, formula, symbols)


def _bytes(layer: Layer) -> Iterator[Derivation]:
    for quantity, title, tensors in (
        ("param_bytes", "bytes of the parameters", [p for p in layer.parameters if p.counted]),
        ("activation_bytes", "bytes of the output", [] if layer.view else layer.output_tensors),
    ):
        types = {tensor.dtype for tensor in tensors}
        sizes = [tensor.bytes for tensor in tensors]
        if not types or None in sizes:
            continue
        total = sum(size or 0 for size in sizes)
        width = DTYPE_BITS[next(iter(types))] // 8
        symbols = {"elements": sum(prod(tensor.shape) for tensor in tensors), "bytes_each": width}
        yield checked(quantity, title, total, _BYTES if len(types) == 1 else None, symbols)


def _field(layer: Layer, fields: Mapping[str, Field | None]) -> Iterator[Derivation]:
    """Along each dimension; along the first alone where all are alike."""
    after = fields.get(layer.id)
    before = fields.get(layer.inputs[0]) if layer.inputs else None
    kernel = layer.attribute("kernel_size")
    if after is None or before is None or after.whole or before.whole or not isinstance(kernel, tuple):
        return
    rank = len(after.axes)
    if len(before.axes) != rank or len(kernel) != rank or rank > 3:
        return
    sizes = per_dimension(kernel, rank)
    dilation = per_dimension(layer.attribute("dilation", 1), rank)
    letters = (
        axes(rank) if len({(a, b, k) for a, b, k in zip(after.axes, before.axes, sizes, strict=True)}) > 1 else ("H",)
    )
    for at, letter in enumerate(letters):
        x = letter.lower()
        old, new = before.axes[at], after.axes[at]
        if not isinstance(new.size, int) or not isinstance(old.size, int) or not isinstance(old.stride, int):
            continue
        symbols = {f"r_{x}": old.size, f"d_{x}": dilation[at], f"k_{x}": sizes[at], f"j_{x}": old.stride}
        title = "receptive field" if len(letters) == 1 else f"receptive field, {_DIMENSIONS[letter]}"
        quantity = "rf" if len(letters) == 1 else f"rf_{_DIMENSIONS[letter]}"
        yield checked(quantity, title, new.size, Formula(_FIELD.format(x=x), _FIELD_SOURCE), symbols)
