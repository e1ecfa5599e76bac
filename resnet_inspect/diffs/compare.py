"""Two summaries against one another."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import partial

from ..errors import InputError
from ..ir import Layer, Shape, Summary, Tensor
from ..shape import format_shape
from .align import Pair
from .cause import causes
from .changes import changes
from .edges import Connections
from .frameworks import canonical, channels_first, counted, framework, reconcile, settled_names, settled_order
from .match import by_structure, match
from .names import prefixes_of, renamed_path, renamings, uncounted
from .result import Change, Diff, LayerDiff, Total
from .tensors import tensors_alone


def compare(old: Summary, new: Summary, any_input: bool = False) -> Diff:
    """What changed from one network to another.

    Two frameworks are compared in channels-first layout, matched by structure, and their totals reconciled by cause. A
    model and a checkpoint are compared by their tensors alone.

    Raises:
        BadRequestError: a model is compared with a checkpoint that doesn't name its tensors.
        InputError: their inputs differ, which changes every shape, and ``any_input`` doesn't allow it.
    """
    if not (old.has_graph and new.has_graph) and not (_is_file(old) and _is_file(new)):
        old, new = tensors_alone(old, new), tensors_alone(new, old)
    across = framework(old) != framework(new)
    if not any_input and _input_shapes(old) != _input_shapes(new):
        raise InputError(
            f"the inputs differ: {_said(old.inputs)} against {_said(new.inputs)}, and with them every shape. "
            "Give both sides the same --input, or compare them all the same with --any-input"
        )
    tokens = [summary.decoding.tokens if summary.decoding else 0 for summary in (old, new)]
    if not any_input and tokens[0] != tokens[1]:
        raise InputError(
            f"the caches differ: of {tokens[0]:,} tokens against {tokens[1]:,}, and with them many shapes. "
            "Give both sides the same --decode, or compare them all the same with --any-input"
        )
    before: Sequence[Layer] = old.layers
    after: Sequence[Layer] = new.layers
    if across:
        before, after = settled_order(canonical(old)), settled_order(canonical(new))
        pairs = by_structure(before, after)
        renamed: set[Pair] = set()
    else:
        names = settled_names(old), settled_names(new)
        numbers = counted(old, names[0]) | counted(new, names[1])
        pairs = match(*names, numbers)
        renamed = {(a, b) for a, b in pairs if _is_renamed(names[0][a], names[1][b], numbers)}
    layers = _layers(before, after, pairs, renamed, across)
    return Diff(
        old=old,
        new=new,
        layers=layers,
        renamings=tuple(renamings([(before[a].path, after[b].path) for a, b in sorted(renamed)])),
        totals=_totals(old, new),
        causes=() if across else causes(layers),
        reconciled=reconcile(old, new) if across else None,
        whole=tuple(_whole(old, new, across)),
    )


def _layers(
    old: Sequence[Layer], new: Sequence[Layer], pairs: Sequence[Pair], renamed: Collection[Pair], across: bool
) -> tuple[LayerDiff, ...]:
    """Every layer of both sides once: in the new order, with what was removed behind the layer it followed."""
    connections = Connections(old, new, pairs, ordered=not across)
    prefixes = dict(prefixes_of(old[a].path, new[b].path) for a, b in renamed)
    found: dict[int, LayerDiff] = {}
    for number, (a, b) in enumerate(pairs):
        moved = number in connections.moved
        edge = None if moved else connections.change(old[a], new[b])
        tie = None if across else connections.tie(old[a], new[b])
        told = [
            *changes(old[a], new[b], across, partial(renamed_path, prefixes)),
            *([tie] if tie else []),
            *([edge] if edge else []),
        ]
        found[b] = LayerDiff(old[a], new[b], tuple(told), (a, b) in renamed, moved)
    kept_old = set(_prefixes(old[a] for a, _ in pairs))
    kept_new = set(_prefixes(new[b] for _, b in pairs))
    there = dict(pairs)
    removed: dict[int, list[LayerDiff]] = {}
    last = -1
    for index, layer in enumerate(old):
        last = there.get(index, last)
        if index not in there:
            gone = LayerDiff(layer, None, skip=connections.old.skipped_from(layer), module=_outermost(layer, kept_old))
            removed.setdefault(last, []).append(gone)
    result = removed.get(-1, [])
    for index, layer in enumerate(new):
        result.append(
            found.get(index)
            or LayerDiff(None, layer, skip=connections.new.skipped_from(layer), module=_outermost(layer, kept_new))
        )
        result += removed.get(index, [])
    return tuple(result)


def _is_file(summary: Summary) -> bool:
    """Whether it is of a checkpoint, and of no module that didn't run."""
    return not summary.has_graph and not summary.model.builder


def _is_renamed(old: Layer, new: Layer, counted: Collection[str]) -> bool:
    """Whether somebody gave a layer another name; a number that counts calls is nobody's, nor is a function's name."""
    if old.id == new.id or old.id not in counted or new.id not in counted:
        return old.id != new.id
    is_another_function = old.type != new.type and old.id.rpartition(".")[0] == new.id.rpartition(".")[0]
    return not is_another_function and uncounted(old.id) != uncounted(new.id)


def _outermost(layer: Layer, kept: Collection[str]) -> str:
    """The largest module around a layer of which nothing stayed; the layer itself if its module did."""
    return next((prefix for prefix in _prefixes([layer]) if prefix not in kept), layer.path)


def _prefixes(layers: Iterable[Layer]) -> Iterator[str]:
    """The paths of the modules around layers, and their own."""
    for layer in layers:
        parts = layer.path.split(".")
        yield from (".".join(parts[: end + 1]) for end in range(len(parts)))


#: Of ``ir.Totals``, what is a number.
_NUMBERS = (
    *("params", "trainable_params", "frozen_params", "statistics", "macs"),
    *("param_bytes", "activation_bytes", "layers"),
)


#: And what few networks have.
_OF_SOME = ("active_params", "kv_cache_bytes")


def _totals(old: Summary, new: Summary) -> tuple[Total, ...]:
    before, after = old.totals, new.totals

    def both(name: str) -> Total:
        return Total(name, getattr(before, name), getattr(after, name))

    found = [both(name) for name in _NUMBERS]
    found += [each for each in map(both, _OF_SOME) if (each.old, each.new) != (None, None)]
    return (*found, Total("uncounted", len(before.uncounted), len(after.uncounted)))


def _whole(old: Summary, new: Summary, across: bool) -> list[Change]:
    found = [
        Change("inputs", _input_shapes(old), _input_shapes(new), "shapes"),
        Change("input_dtypes", _dtypes(old.inputs), _dtypes(new.inputs), "config"),
        Change("outputs", tuple(t.shape for t in old.outputs), tuple(t.shape for t in new.outputs), "shapes"),
        Change("output_dtypes", _dtypes(old.outputs), _dtypes(new.outputs), "config"),
    ]
    if not across:
        found.append(Change("unused_params", old.unused, new.unused, "params"))
    return [change for change in found if change.old != change.new]


def _dtypes(tensors: Sequence[Tensor]) -> tuple[str, ...]:
    return tuple(tensor.dtype for tensor in tensors)


def _input_shapes(summary: Summary) -> tuple[Shape, ...]:
    """The inputs' shapes, images with their channels first."""
    return tuple(channels_first(tensor).shape for tensor in summary.inputs)


def _said(inputs: Sequence[Tensor]) -> str:
    return ", ".join(f"{format_shape(tensor.shape)}{f' {tensor.layout}' if tensor.layout else ''}" for tensor in inputs)
