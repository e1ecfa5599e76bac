"""The columns of every table: a key, a title, and how a row is shown exactly and for people."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from .. import units
from ..analysis.rows import Row
from ..errors import BadRequestError
from ..ir import HELD, Shape, Value, sum_known
from ..shape import format_shape

Cell = int | str | None


@dataclass(frozen=True, slots=True)
class Column:
    """``value`` is exact, for files; ``show`` words it for people. Numbers stand to the right and are never cut."""

    key: str
    title: str
    value: Callable[[Row], Cell]
    show: Callable[[Row], str] | None = None
    number: bool = False

    def text(self, row: Row) -> str:
        """The cell as people read it."""
        value = self.value(row) if self.show is None else self.show(row)
        if value is None or isinstance(value, int):
            return units.exact(value)
        return value


def _shapes(shapes: Sequence[Shape]) -> str:
    return ", ".join(format_shape(shape) for shape in shapes)


def _scaled(value: int, uncounted: int) -> str:
    if not uncounted:
        return units.si(value) if value else "0"
    return f"{units.si(value)} + {units.NOT_AVAILABLE}" if value else units.NOT_AVAILABLE


def _bytes(size: Callable[[Row], int | None]) -> dict[str, Callable[[Row], Any]]:
    return {"value": size, "show": lambda row: units.binary(size(row))}


def _parameter_bytes(row: Row) -> int | None:
    return sum_known(p.bytes for p in row.parameters if p.role not in HELD)


def _statistics_bytes(row: Row) -> int | None:
    return sum_known(p.bytes for p in row.parameters if p.role in HELD)


def one_number(sizes: Sequence[int | Fraction | None]) -> Cell:
    """Sizes by dimension as one if they agree, else ``109x219``; None if one isn't known."""
    if None in sizes:
        return None
    distinct = list(dict.fromkeys(sizes))
    if len(distinct) > 1:
        return "x".join(map(str, sizes))
    return distinct[0] if isinstance(distinct[0], int) else str(distinct[0])


def _field(part: str) -> Callable[[Row], Cell]:
    """A number of the receptive field: one if all dimensions agree, ``all`` of what reads everything."""

    def cell(row: Row) -> Cell:
        if row.field is None:
            return None
        if row.field.whole:
            return "all" if part == "size" else None
        return one_number([getattr(axis, part) for axis in row.field.axes])

    return cell


def _aligned(row: Row) -> str | None:
    if row.field is None or row.field.whole or row.field.aligned is None:
        return None
    return "yes" if row.field.aligned else "no"


def _tensors(row: Row) -> str:
    """What a row's layer holds: ``weight 64x3x7x7 float32``; of a folded module, how many."""
    if len(row.layers) > 1:
        return f"{len(row.parameters)} tensors"
    held = ((p.name.replace("/", ".").rpartition(".")[2], format_shape(p.shape) or "scalar", p) for p in row.parameters)
    return ", ".join(f"{name} {shape} {p.dtype}" for name, shape, p in held)


def _exact_macs(row: Row) -> int | None:
    return None if row.uncounted else row.macs


def value_text(value: Value) -> str:
    """An attribute as people write it: (3, 3) as 3x3, true and false in lower case."""
    if isinstance(value, bool) or value is None:
        return str(value).lower() if value is not None else "none"
    if isinstance(value, tuple):
        inner = [f"({value_text(item)})" if isinstance(item, tuple) else value_text(item) for item in value]
        return "x".join(inner)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _attributes(row: Row) -> str:
    if len(row.layers) > 1:
        return ""
    return " ".join(f"{key}={value_text(value)}" for key, value in row.layers[0].attributes)


def _attribute(key: str) -> Callable[[Row], str]:
    def cell(row: Row) -> str:
        found = dict(row.layers[0].attributes) if len(row.layers) == 1 else {}
        return value_text(found[key]) if key in found else ""

    return cell


COLUMNS = {
    column.key: column
    for column in (
        # People need the id to follow the edges: a layer's second call is ``relu:2``.
        Column("path", "Layer", lambda row: row.path, lambda row: row.id),
        Column("type", "Type", lambda row: row.type + ("" if row.layers[0].called else " (not called)")),
        Column("op", "Op", lambda row: row.layers[0].op if len(row.layers) == 1 else ""),
        Column("input", "Input shape", lambda row: _shapes(row.input_shapes)),
        Column("output", "Output shape", lambda row: _shapes(row.output_shapes) or None),
        Column("params", "Params", lambda row: row.params, number=True),
        Column("trainable", "Trainable", lambda row: row.count("trainable"), number=True),
        Column("frozen", "Frozen", lambda row: row.count("frozen"), number=True),
        Column("statistics", "Statistics", lambda row: row.count("statistics"), number=True),
        Column("macs", "MACs", _exact_macs, lambda row: _scaled(row.macs, row.uncounted), number=True),
        Column(
            "flops",
            "FLOPs",
            lambda row: None if row.uncounted else 2 * row.macs,
            lambda row: _scaled(2 * row.macs, row.uncounted),
            number=True,
        ),
        Column(
            "activation_bytes",
            "Activations",
            lambda row: row.activation_bytes,
            lambda row: units.binary(row.activation_bytes),
            number=True,
        ),
        Column("param_bytes", "Param memory", **_bytes(_parameter_bytes), number=True),
        Column("statistics_bytes", "Statistics memory", **_bytes(_statistics_bytes), number=True),
        Column("live_bytes", "Live memory", **_bytes(lambda row: row.live_bytes), number=True),
        Column("saved_bytes", "Saved for backward", **_bytes(lambda row: row.saved_bytes), number=True),
        Column("rf", "RF", _field("size"), number=True),
        Column("rf_stride", "RF stride", _field("stride"), number=True),
        Column("rf_padding", "RF padding", _field("padding"), number=True),
        Column("rf_aligned", "RF aligned", _aligned),
        Column("tensors", "Tensors", _tensors),
        Column("kernel", "Kernel", _attribute("kernel_size")),
        Column("stride", "Stride", _attribute("stride")),
        Column("padding", "Padding", _attribute("padding")),
        Column("dilation", "Dilation", _attribute("dilation")),
        Column("groups", "Groups", _attribute("groups")),
        Column("dtype", "Dtype", lambda row: ", ".join(t.dtype for t in row.layers[-1].output_tensors)),
        Column("attributes", "Attributes", _attributes),
        Column("id", "Id", lambda row: row.id),
        Column("connected_to", "Connected to", lambda row: ", ".join(row.connected_to)),
    )
}
DEFAULT = ("path", "type", "output", "params", "macs", "connected_to")
#: Of a file that holds tensors and no layers.
STORED = ("path", "params", "param_bytes", "tensors")


def choose(keys: Sequence[str], default: Sequence[str] = DEFAULT) -> tuple[Column, ...]:
    """The columns of the given keys, in that order.

    Raises:
        BadRequestError: a key is unknown, with the nearest ones.
    """
    for key in keys:
        if key not in COLUMNS:
            nearest = difflib.get_close_matches(key, COLUMNS, n=2)
            hint = f"did you mean {' or '.join(nearest)}?" if nearest else f"there are {', '.join(COLUMNS)}"
            raise BadRequestError(f"there is no column {key!r}; {hint}")
    return tuple(COLUMNS[key] for key in keys or default)
