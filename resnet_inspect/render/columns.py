"""The columns of every table: words of a layer, which stand here, and its numbers, which ``analysis.metrics`` has."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple

from .. import units
from ..analysis.metrics import METRICS, ON_DEVICE, metric
from ..analysis.rows import Row
from ..errors import BadRequestError, closest, listed, meant
from ..ir import Shape, Value
from ..shape import format_shape
from . import View

Cell = int | str | None


class Column(NamedTuple):
    """``value`` is exact, for files; ``show`` words it for people. Numbers stand to the right and are never cut.

    Where a terminal is too narrow, columns of a low ``priority`` go first.
    """

    key: str
    title: str
    value: Callable[[Row], Cell]
    show: Callable[[Row], str] | None = None
    number: bool = False
    priority: int = 0
    written: Callable[[Any], Any] | None = None

    def cell(self, row: Row) -> Any:
        """The cell as files have it."""
        return self.value(row) if self.written is None else self.written(self.value(row))

    def text(self, row: Row) -> str:
        """The cell as people read it."""
        return units.plain(self.value(row)) if self.show is None else self.show(row)


def _shapes(shapes: Sequence[Shape]) -> str:
    return ", ".join(format_shape(shape) for shape in shapes)


def _tensors(row: Row) -> str:
    """What a row's layer holds: ``weight 64x3x7x7 float32``; of a folded module, how many."""
    if len(row.layers) > 1:
        return f"{len(row.parameters)} tensors"
    return ", ".join(_held(row))


def _few_tensors(row: Row) -> str:
    """As ``_tensors``, for people: the first, and how many more there are. Keras' files only number them."""
    if len(row.layers) > 1:
        return _tensors(row)
    first, *more = _held(row) or [""]
    name, _, rest = first.partition(" ")
    return (rest if name.isdigit() else first) + (f", +{len(more)}" if more else "")


def _held(row: Row) -> list[str]:
    held = ((p.name.replace("/", ".").rpartition(".")[2], format_shape(p.shape) or "scalar", p) for p in row.parameters)
    return [f"{name} {shape} {p.dtype}" for name, shape, p in held]


def value_text(value: Value) -> str:
    """An attribute as people write it: (3, 3) as 3x3, words with commas, true and false in lower case."""
    if isinstance(value, bool) or value is None:
        return str(value).lower() if value is not None else "none"
    if isinstance(value, tuple):
        inner = [f"({value_text(item)})" if isinstance(item, tuple) else value_text(item) for item in value]
        return (", " if any(isinstance(item, str) for item in value) else "x").join(inner)
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


def _type(row: Row) -> str:
    # A network without layers has a row of itself.
    return f"{row.type} (not called)" if row.layers and not row.layers[0].called else row.type


_IDENTITY = (
    # People need the id to follow the edges: a layer's second call is ``relu:2``.
    Column("path", "Layer", lambda row: row.path, lambda row: row.id),
    Column("type", "Type", _type, priority=1),
    Column("op", "Op", lambda row: row.layers[0].op if len(row.layers) == 1 else ""),
    Column("input", "Input shape", lambda row: _shapes(row.input_shapes)),
    Column("output", "Output shape", lambda row: _shapes(row.output_shapes) or None, priority=2),
)
_SETTINGS = (
    Column("tensors", "Tensors", _tensors, _few_tensors),
    Column("kernel", "Kernel", _attribute("kernel_size")),
    Column("stride", "Stride", _attribute("stride")),
    Column("padding", "Padding", _attribute("padding")),
    Column("dilation", "Dilation", _attribute("dilation")),
    Column("groups", "Groups", _attribute("groups")),
    Column("dtype", "Dtype", lambda row: ", ".join(t.dtype for t in row.layers[-1].output_tensors)),
    Column("attributes", "Attributes", _attributes),
    Column("id", "Id", lambda row: row.id),
    Column("connected_to", "Connected to", lambda row: ", ".join(row.connected_to), priority=-1),
)
#: What the columns of words mean; those of numbers say it in their files.
_MEANINGS = {
    "path": "The module's path, or the function's name below the module that calls it.",
    "type": "The class of the module, or the function.",
    "op": "The operator, by one word for all frameworks and formats.",
    "input": "Shapes of what it reads.",
    "output": "Shapes of what it gives.",
    "tensors": "The tensors that it holds: names, shapes and types.",
    "kernel": "Height and width of the kernel.",
    "stride": "Steps of the kernel.",
    "padding": "Padding on both sides.",
    "dilation": "Distance between the kernel's elements.",
    "groups": "Groups of a convolution.",
    "dtype": "Types of what it gives.",
    "attributes": "All settings that the layer was built with.",
    "id": "The path, with the number of the call.",
    "connected_to": "The rows whose output it reads.",
}
_WORDS = {column.key: column for column in (*_IDENTITY, *_SETTINGS)}
#: The keys of all columns, in order.
COLUMNS = (*(column.key for column in _IDENTITY), *METRICS, *(column.key for column in _SETTINGS))
DEFAULT = ("path", "type", "output", "params", "macs", "connected_to")
#: Of a file that holds tensors and no layers.
STORED = ("path", "params", "param_bytes", "tensors")


def choose(keys: Sequence[str], default: Sequence[str] = DEFAULT) -> tuple[Column, ...]:
    """The columns of the given keys, in that order; a title does as well, and ``+rf`` is one more than the default.

    Raises:
        BadRequestError: a key is unknown, with the nearest ones.
    """
    if keys and all(key.startswith("+") for key in keys):
        keys = (*default, *(key[1:] for key in keys))
    if not set(keys) <= set(COLUMNS):
        titles = {_column(key).title.lower(): key for key in COLUMNS}
        keys = [key if key in COLUMNS else titles.get(key.lower(), key) for key in keys]
    for key in keys:
        if key not in COLUMNS:
            nearest = closest(key, COLUMNS, most=2)
            hint = meant(nearest, f"there are {listed(COLUMNS)}; all of them: --columns list")
            raise BadRequestError(f"no such column: {key!r}; {hint}")
    return tuple(_column(key) for key in keys or default)


def every(view: View) -> tuple[str, ...]:
    """The keys of all columns that a network has where it is looked at so."""
    return COLUMNS if view.device else tuple(key for key in COLUMNS if key not in ON_DEVICE)


def described() -> str:
    """All columns, a line each: the key, the title and what it means."""
    lines = [(key, _column(key).title, _meaning(key)) for key in COLUMNS]
    widths = [max(len(line[place]) for line in lines) for place in (0, 1)]
    return "".join(f"{key:<{widths[0]}}  {title:<{widths[1]}}  {meaning}\n" for key, title, meaning in lines)


def _meaning(key: str) -> str:
    if key in _MEANINGS:
        return _MEANINGS[key]
    about = importlib.import_module(f"..analysis.metrics.{key}", __package__).__doc__ or ""
    return " ".join(about.split("\n\n")[0].split())


@cache
def _column(key: str) -> Column:
    """One of ``COLUMNS``, always the same object."""
    if key in _WORDS:
        return _WORDS[key]
    measured = metric(key)
    return Column(
        measured.key,
        measured.title,
        lambda row: measured.of(row.layers, row.facts),
        lambda row: measured.text(row.layers, row.facts),
        measured.number,
        3,
        measured.written,
    )
