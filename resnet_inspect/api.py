"""The library door: ``summarize`` for a model object, and a Summary that shows itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from html import escape
from operator import index
from typing import Any, SupportsIndex

from . import ir, ir_json
from .analysis.rows import rows
from .backends import BACKENDS, DTYPES, load_framework
from .errors import BadRequestError
from .render import View, render
from .render.columns import choose
from .render.totals import totals
from .shape import format_shape, parse_shape


class Summary(ir.Summary):
    """A summary that writes itself as JSON, prints itself with rich, and is a table in a notebook."""

    @classmethod
    def of(cls, summary: ir.Summary) -> Summary:
        """The same summary, able to show itself."""
        return cls(**{field.name: getattr(summary, field.name) for field in fields(summary)})

    def to_json(self) -> str:
        """The JSON document of the schema in ``schemas/``."""
        return ir_json.dumps(self)

    @classmethod
    def from_json(cls, text: str | bytes) -> Summary:
        """Reads what ``to_json`` wrote; raises ModelError for anything else."""
        return cls.of(ir_json.loads(text))

    def __str__(self) -> str:
        return render(self, "table", View())

    def __rich_console__(self, console: Any, options: Any) -> Any:
        from rich.text import Text

        # A console crops what is wider than itself, terminal or not: fitted, no number is lost.
        yield Text(render(self, "table", View(width=options.max_width)).rstrip("\n"))

    def _repr_html_(self) -> str:
        columns = choose(())
        head = "".join(f"<th>{escape(column.title)}</th>" for column in columns)
        body = "".join(
            "<tr>" + "".join(f"<td>{escape(column.text(row))}</td>" for column in columns) + "</tr>"
            for row in rows(self)
        )
        foot = "".join(f"<tr><th>{escape(k)}</th><td>{escape(v)}</td></tr>" for k, v in totals(self))
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table><table>{foot}</table>"


def summarize(
    model: Any,
    input: str | Sequence[Any],  # noqa: A002 - the word users of every such tool know
    *,
    batch: int | None = None,
    dtype: Any = None,
) -> Summary:
    """Summarises a ``torch.nn.Module`` or a Keras model without changing it: modes, buffers and random state stay.

    ``input`` is a shape (``"3x224x224"``, ``(3, 224, 224)``; a batch of 1 is added), a tensor, or a list of
    them for several inputs. ``dtype`` (``"float16"``, ``torch.float16``) is the inputs' (default: the model's own).

    Raises:
        BadRequestError: ``input``, ``batch`` or ``dtype`` is none.
        ModelError: ``model`` is no module, or has lazy parameters.
        InputError: the input doesn't fit, with the layer that refuses it.
    """
    if batch is not None and batch < 1:
        raise BadRequestError(f"batch must be at least 1, got {batch}")
    name = None if dtype is None else str(dtype).removeprefix("torch.")
    if name is not None and name not in ir.DTYPE_BITS:
        raise BadRequestError(f"there is no dtype {dtype!r}; use {', '.join(DTYPES)}")
    several = isinstance(input, (list, tuple)) and any(
        not isinstance(size, SupportsIndex) or _is_tensor(size) for size in input
    )
    items = [item if _is_tensor(item) else _sizes(item) for item in (input if several else [input])]
    return Summary.of(_adapter_of(model).summarize_object(model, items, batch, name))


def _adapter_of(model: Any) -> Any:
    """The backend of a model object; Keras' own layers are torch modules too where Keras runs on torch."""
    origins = {cls.__module__.partition(".")[0] for cls in type(model).__mro__}
    backend = "keras" if "keras" in origins else "torch"
    return load_framework(backend, BACKENDS[backend])


def _is_tensor(item: Any) -> bool:
    return hasattr(item, "detach")


def _sizes(item: Any) -> tuple[int, ...]:
    if isinstance(item, str):
        return parse_shape(item)
    try:
        sizes = tuple(index(size) for size in item)
    except TypeError:
        raise BadRequestError(
            f"an input is a shape ('3x224x224', (3, 224, 224)), a tensor, or a list of them; got {item!r:.80}"
        ) from None
    return parse_shape(format_shape(sizes))
