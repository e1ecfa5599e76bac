"""The library door: ``summarize`` for a model object, ``diff``, ``check``, and results that show themselves."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from html import escape
from operator import index
from pathlib import Path
from typing import Any, SupportsIndex, TypeVar

from . import checks, diffs, ir, ir_json
from .analysis.rows import rows
from .answers.source import read
from .call import Call, Spec, parse_spec
from .checks.settings import AMOUNTS, rules
from .errors import BadRequestError, InspectError
from .files import write_whole
from .readers import DTYPES, OBJECTS, load_framework
from .render import View, render
from .render.check import CheckView
from .render.check import render as render_check
from .render.columns import choose
from .render.diff import DiffView
from .render.diff import render as render_diff
from .render.totals import totals
from .shape import format_shape, parse_shape
from .visible import cleaned

Shown = TypeVar("Shown")


class Summary(ir.Summary):
    """A summary that writes itself as JSON, prints itself with rich, and is a table in a notebook."""

    @classmethod
    def of(cls, summary: ir.Summary) -> Summary:
        """The same summary, able to show itself."""
        return _shown(cls, summary)

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
        shown = cleaned(self)
        columns = choose(())
        head = "".join(f"<th>{escape(column.title)}</th>" for column in columns)
        body = "".join(
            "<tr>" + "".join(f"<td>{escape(column.text(row))}</td>" for column in columns) + "</tr>"
            for row in rows(shown)
        )
        foot = "".join(f"<tr><th>{escape(k)}</th><td>{escape(v)}</td></tr>" for k, v in totals(shown, View()))
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table><table>{foot}</table>"


def summarize(
    model: Any,
    input: str | Sequence[Any] | Mapping[str, Any],  # noqa: A002 - the word users of every such tool know
    *,
    batch: int | None = None,
    dtype: Any = None,
) -> Summary:
    """Summarises a ``torch.nn.Module`` or a Keras model without changing it: modes, buffers and random state stay.

    ``input`` is a shape (``"3x224x224"``, ``(3, 224, 224)``; a batch of 1 is added), a tensor, or a list of
    them for several inputs. A dict has keyword arguments; in it and in what is nested deeper, shapes have their batch,
    and may have a type: ``{"ids": "1x128:int64", "boxes": [(1, 4), None]}``. Tensors may stand in any object.
    ``dtype`` (``"float16"``, ``torch.float16``) is the inputs' (default: the model's own).

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
    return Summary.of(_adapter_of(model).summarize_object(model, _inputs(input), batch, name))


class Diff(diffs.Diff):
    """A comparison that prints itself. ``kinds`` is empty if the two are the same."""

    def __str__(self) -> str:
        return render_diff(self, "table", DiffView())


class Checked(checks.Checked):
    """What ``check`` found, which prints itself. ``passed`` is the verdict."""

    def __str__(self) -> str:
        return render_check([self], "table", CheckView())


def diff(old: ir.Summary | str | Path, new: ir.Summary | str | Path, *, any_input: bool = False) -> Diff:
    """What changed from one network to another; each is a summary, or the path of a saved one.

    Raises:
        ModelError: a file can't be read, or is no summary.
        InputError: the inputs differ, and ``any_input`` doesn't allow it.
    """
    return _shown(Diff, diffs.compare(_summary(old), _summary(new), any_input))


def check(
    model: Any,
    input: str | Sequence[Any] | None = None,  # noqa: A002 - as in summarize
    *,
    batch: int | None = None,
    dtype: Any = None,
    baseline: ir.Summary | str | Path | None = None,
    fail_on: Iterable[str] = (),
    ignore: Iterable[str] = (),
    strict: bool = False,
    **budgets: int | str | Mapping[str, int | str],
) -> Checked:
    """What the rules of ``resnet-inspect check`` find in a model object, with an ``input``, or in a summary.

    ``budgets`` are ``max_params="26M"``, ``warn_macs={"layer4": "1G"}``, ``max_activation_memory``, ``max_layers``.

    Raises:
        BadRequestError: a setting makes no sense.
        InspectError: what ``summarize`` raises, or the baseline can't be read.
    """
    known = [f"{kind}_{name.replace('-', '_')}" for kind in ("max", "warn") for name in AMOUNTS]
    if unknown := sorted(set(budgets) - set(known)):
        raise BadRequestError(f"check has no budget {unknown[0]!r}; there are {', '.join(known)}")
    settings = {key.replace("_", "-"): value for key, value in budgets.items()}
    wanted = list(rules({**settings, "ignore": tuple(ignore), "strict": strict}))
    if baseline is not None:
        wanted.append(checks.Baseline(_summary(baseline), diffs.gates(fail_on)))
    summary = _summary(model, input, batch, dtype)
    name = f"{summary.model.backend}:{summary.model.name}"
    return _shown(Checked, checks.Checked(name, checks.judge(wanted, summary), summary=summary))


#: Set to a reason, it lets ``assert_matches`` write the baselines that differ.
UPDATE = "RESNET_INSPECT_UPDATE_BASELINES"


def assert_matches(
    model: Any,
    baseline: str | Path,
    input: str | Sequence[Any] | None = None,  # noqa: A002 - as in summarize
    *,
    fail_on: Iterable[str] = (),
) -> None:
    """For tests: the model is the one of a saved summary; what differs is the failure's message.

    ``input`` is the baseline's own if none is given. With ``RESNET_INSPECT_UPDATE_BASELINES="why"`` in the
    environment, a baseline that differs is written anew and keeps the reason.

    Raises:
        AssertionError: something differs, of the kinds in ``fail_on`` if there are any; or there is no baseline.
        InspectError: the model can't be summarised.
    """
    path, reason = Path(baseline), os.environ.get(UPDATE, "").strip()
    old = read(str(path)).summary if path.exists() else None
    batch = dtype = None
    if old is not None and old.inputs and input is None and not isinstance(model, (ir.Summary, str, Path)):
        first = old.inputs[0]
        input, batch = [t.shape[1:] for t in old.inputs], first.shape[0]  # noqa: A001
        # Floating inputs are as the model's weights are: another dtype is a difference, not an input that doesn't fit.
        dtype = first.dtype if "int" in first.dtype else None
    if old is None and not reason:
        raise AssertionError(f"there is no baseline {path}: run once with {UPDATE}='why' and an input to write it")
    new = _summary(model, input, batch, dtype)
    if reason:
        accepted = checks.accept(old, new, reason)
        if accepted is not old:
            write_whole(path, ir_json.dumps(accepted))
        return
    assert old is not None
    try:
        found = diff(old, new)
    except InspectError as error:
        raise AssertionError(f"{path}: {error}") from error
    if found.kinds & diffs.gates(fail_on):
        raise AssertionError(f"the model differs from {path}\n\n{found}")


def _summary(
    model: Any,
    input: str | Sequence[Any] | None = None,  # noqa: A002 - as in summarize
    batch: int | None = None,
    dtype: Any = None,
) -> ir.Summary:
    if isinstance(model, ir.Summary):
        return model
    if isinstance(model, (str, Path)):
        return read(str(model)).summary
    if input is None:
        raise BadRequestError(f"a {type(model).__name__} needs an input: input='3x224x224'")
    return summarize(model, input, batch=batch, dtype=dtype)


def _shown(cls: type[Shown], plain: Any) -> Shown:
    """The same data as an object that can show itself."""
    return cls(**{field.name: getattr(plain, field.name) for field in fields(plain)})


def _adapter_of(model: Any) -> Any:
    """The backend of a model object; Keras' own layers are torch modules too where Keras runs on torch."""
    origins = {cls.__module__.partition(".")[0] for cls in type(model).__mro__}
    backend = "keras" if "keras" in origins else "torch"
    return load_framework(backend, OBJECTS[backend])


def _is_tensor(item: Any) -> bool:
    return hasattr(item, "detach")


def _inputs(given: Any) -> list[Any] | Call:
    """Shapes and tensors in a row, or a call where there are names or nested values."""
    if isinstance(given, Mapping):
        if not given or not all(isinstance(name, str) for name in given):
            raise BadRequestError(f"a dict of inputs has the names of keyword arguments; got {given!r:.80}")
        return _call(given, Call((), tuple((name, _nested(item)) for name, item in given.items())))
    several = isinstance(given, (list, tuple)) and not _is_shape(given)
    items = list(given) if several else [given]
    if several and given and not all(_is_plain(item) for item in items):
        return _call(given, Call(tuple(_nested(item) for item in items)))
    return [item if _is_tensor(item) else _sizes(item) for item in items]


def _call(given: Any, call: Call) -> Call:
    if not any(map(_holds_tensors, (*call.args, *(item for _, item in call.kwargs)))):
        raise BadRequestError(
            f"an input is a shape ('3x224x224', (3, 224, 224)), a tensor, or a list or dict of them; got {given!r:.80}"
        )
    return call


def _holds_tensors(item: Any) -> bool:
    """Whether a value is, or may hold, a tensor; nobody knows of objects that aren't plain."""
    if isinstance(item, (tuple, list)):
        return any(map(_holds_tensors, item))
    if isinstance(item, Mapping):
        return any(map(_holds_tensors, item.values()))
    return item is not None and not isinstance(item, (bool, int, float, complex, str, bytes))


def _is_shape(item: Any) -> bool:
    return isinstance(item, (list, tuple)) and all(isinstance(n, SupportsIndex) and not _is_tensor(n) for n in item)


def _is_plain(item: Any) -> bool:
    """Whether it is a shape or a tensor, and nothing that holds them."""
    return _is_tensor(item) or (isinstance(item, str) and ":" not in item) or (bool(item) and _is_shape(item))


def _nested(item: Any) -> Any:
    """Shapes in dicts, lists and tuples as ``Spec``s; anything else is what the model is given."""
    if isinstance(item, str):
        return parse_spec(item)
    if type(item) in (tuple, list):
        return Spec(_sizes(item)) if item and _is_shape(item) else type(item)(map(_nested, item))
    return {key: _nested(value) for key, value in item.items()} if type(item) is dict else item


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
