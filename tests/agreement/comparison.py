"""Two summaries of one network, operator by operator."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from resnet_inspect.analysis.memory import saved_bytes
from resnet_inspect.analysis.receptive import Field, receptive_fields
from resnet_inspect.analysis.residual import residual_blocks
from resnet_inspect.diffs.frameworks import channels_first, settled_order
from resnet_inspect.ir import UNKNOWN, Layer, Summary, Tensor

#: Rows that compute nothing: one reader has them, another doesn't, and both are right.
_BOOKKEEPING = frozenset(["input", "identity"])
#: Settings that mean the same wherever a row has them.
_CANONICAL = frozenset(
    [
        *("in_channels", "out_channels", "kernel_size", "stride", "padding", "padding_mode", "dilation", "groups"),
        *("output_padding", "output_size", "bias", "channels", "eps", "momentum", "scale", "center", "num_groups"),
        *("normalized_shape", "axis", "in_features", "out_features", "hidden_size", "input_size", "num_layers"),
        *("bidirectional", "num_heads", "num_kv_heads", "key_dim", "value_dim", "num_embeddings", "embedding_dim"),
        *("padding_idx", "ceil_mode", "count_include_pad", "negative_slope", "mode", "align_corners", "equation", "p"),
        *("start_dim", "end_dim", "inplace", "approximate", "upscale_factor", "dim"),
    ]
)


@dataclass(frozen=True, slots=True)
class Difference:
    """``what`` differs, in words that stay the same from run to run, and both values as they are in one place."""

    what: str
    live: str
    found: str

    def __str__(self) -> str:
        return f"{self.what}: {self.live} is {self.found}"


def differences(live: Summary, found: Summary, across: bool = False) -> list[Difference]:
    """All differences, the rows first. ``across`` frameworks, layouts and the order of branches are each one's own."""
    rows = _Rows(live, across), _Rows(found, across)
    # Where several rows differ in one way, the first one stands for all, with their number.
    of_rows = [*_of_rows(*rows)]
    number = Counter(difference.what for difference in of_rows)
    first = {difference.what: difference for difference in reversed(of_rows)}
    result = [
        replace(first[what], what=f"{what} x{count}") if count > 1 else first[what] for what, count in number.items()
    ]
    for name, read in _WHOLE.items():
        if name in _OF_ONE_FRAMEWORK and across:
            continue
        values = read(live), read(found)
        if values[0] != values[1]:
            result.append(Difference(name, *map(str, values)))
    return result


class _Rows:
    """The rows of a summary that compute something, with what the analyses say of them."""

    def __init__(self, summary: Summary, across: bool) -> None:
        self.by_id = {layer.id: layer for layer in summary.layers}
        # Keras runs branches by depth, torch as they are written.
        ordered = settled_order(summary.layers) if across else summary.layers
        self.layers = [layer for layer in ordered if layer.called and layer.op not in _BOOKKEEPING]
        self.across = across
        self._fields = receptive_fields(summary)
        self._saved = saved_bytes(summary)
        self._inputs = [layer.id for layer in summary.layers if layer.op == "input"]

    def facts(self, layer: Layer) -> Iterator[tuple[str, Any]]:
        """What is compared of a row, by name."""
        outputs = [tensor for tensor in layer.output_tensors if tensor != UNKNOWN]
        yield "shape", tuple(map(self._shape, outputs))
        # Keras counts statistics among the parameters, torch doesn't.
        yield "params", (layer.count("trainable") if self.across else layer.params, layer.count("statistics"))
        yield "macs", layer.macs
        yield "field", self._field(self._fields[layer.id])
        yield "saved", self._saved[layer.id]
        if not self.across:
            yield "layout", tuple(tensor.layout for tensor in outputs)

    def _shape(self, tensor: Tensor) -> tuple[int, ...]:
        return channels_first(tensor).shape if self.across else tensor.shape

    def _field(self, field: Field | None) -> str:
        if field is None or field.whole:
            return "n/a" if field is None else "all"
        return ", ".join(f"{axis.size}/{axis.stride}-{axis.padding}" for axis in field.axes)

    def sources(self, layer: Layer) -> list[str]:
        """The rows that a row reads, past those that compute nothing; an input by its number."""
        return [self._source(source) for source in layer.inputs]

    def _source(self, name: str) -> str:
        while self.by_id[name].op in _BOOKKEEPING and self.by_id[name].inputs:
            name = self.by_id[name].inputs[0]
        return f"input {self._inputs.index(name)}" if name in self._inputs else name


def _of_rows(live: _Rows, found: _Rows) -> Iterator[Difference]:
    pairs: list[tuple[Layer, Layer]] = []
    for old, new in _aligned(live.layers, found.layers):
        if [layer.op for layer in old] != [layer.op for layer in new]:
            said = [" ".join(layer.op for layer in side) or "nothing" for side in (old, new)]
            yield Difference(f"rows {said[0]} -> {said[1]}", said[0], said[1])
        if len(old) == len(new) == 1:
            pairs.append((old[0], new[0]))
    partner = {old.id: new.id for old, new in pairs}
    for one, other in pairs:
        yield from _of_pair(live, found, one, other, partner)


def _aligned(live: list[Layer], found: list[Layer]) -> Iterator[tuple[list[Layer], list[Layer]]]:
    """Pairs of rows of one op in order, as many as there can be, of one shape where there is a choice.

    Between them stand the rows that only one side has, all that are next to one another together.
    """
    best = [[0] * (len(found) + 1) for _ in range(len(live) + 1)]
    for i in reversed(range(len(live))):
        for j in reversed(range(len(found))):
            best[i][j] = max(best[i + 1][j], best[i][j + 1])
            if score := _alike(live[i], found[j]):
                best[i][j] = max(best[i][j], best[i + 1][j + 1] + score)
    old: list[Layer] = []
    new: list[Layer] = []
    i = j = 0
    while i < len(live) or j < len(found):
        both = i < len(live) and j < len(found)
        score = _alike(live[i], found[j]) if both else 0
        if score and best[i][j] == best[i + 1][j + 1] + score:
            if old or new:
                yield old, new
            old, new = [], []
            yield [live[i]], [found[j]]
            i, j = i + 1, j + 1
        elif j == len(found) or (both and best[i][j] == best[i + 1][j]):
            old.append(live[i])
            i += 1
        else:
            new.append(found[j])
            j += 1
    if old or new:
        yield old, new


def _alike(one: Layer, other: Layer) -> int:
    """How well two rows fit together; 0 where they don't."""
    if one.op != other.op:
        return 0
    return 3 if one.output_tensors[:1] == other.output_tensors[:1] else 2


def _of_pair(live: _Rows, found: _Rows, old: Layer, new: Layer, partner: dict[str, str]) -> Iterator[Difference]:
    for (name, expected), (_, got) in zip(live.facts(old), found.facts(new), strict=True):
        if expected != got:
            yield Difference(f"{old.op} {name}", str(expected), str(got))
    settings = dict(old.attributes), dict(new.attributes)
    for name in settings[0]:
        if name in _CANONICAL and name in settings[1] and settings[0][name] != settings[1][name]:
            yield Difference(f"{old.op} {name}", str(settings[0][name]), str(settings[1][name]))
    reads = [partner.get(name, name) for name in live.sources(old)]
    known = all(name in partner.values() or name.startswith("input ") for name in reads)
    if known and reads != found.sources(new):
        yield Difference(f"{old.op} reads", " ".join(reads), " ".join(found.sources(new)))


def _blocks(field: str) -> Callable[[Summary], list[Any]]:
    return lambda summary: [getattr(block, field) for block in residual_blocks(summary)]


def _tensors(tensors: tuple[Tensor, ...]) -> list[tuple[Any, ...]]:
    return [(tensor.shape, tensor.dtype, tensor.layout) for tensor in tensors]


_WHOLE: dict[str, Callable[[Summary], Any]] = {
    "inputs": lambda summary: _tensors(summary.inputs),
    "outputs": lambda summary: _tensors(summary.outputs),
    "total params": lambda summary: summary.totals.params,
    "total trainable": lambda summary: summary.totals.trainable_params,
    "total statistics": lambda summary: summary.totals.statistics,
    "total macs": lambda summary: summary.totals.macs,
    "total uncounted": lambda summary: len(summary.totals.uncounted),
    **{
        f"residual {field}": _blocks(field)
        for field in ("form", "kind", "stride", "channels", "params", "macs", "skipped", "breaks")
    },
}
#: What is written in each framework's own way.
_OF_ONE_FRAMEWORK = frozenset(["inputs", "outputs", "total params", "residual params"])
