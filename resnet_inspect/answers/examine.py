"""Looks at models for ``check``: the inputs that have to fit, then the rules; frameworks side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..activity import doing
from ..checks import Base, Baseline, Checked, Finding, Outcome, Rule, Smallest, TriedInput, drops, judge, smallest
from ..diffs import KINDS
from ..errors import BadRequestError, InputError, InspectError, ModelError
from ..ir import Summary
from ..readers import module_of
from ..readers.inputs import RequestInputs, Shapes
from ..readers.request import UNLIMITED, Answer, Limits, Request
from ..shape import format_shape, order
from .source import Source, opened, read

if TYPE_CHECKING:
    from .worker import Session


@dataclass(frozen=True, slots=True)
class Since:
    """A git revision to compare with: what fails if it differs, and the seconds that building the model there takes."""

    revision: str
    fail_on: frozenset[str] = frozenset()
    timeout: float | None = None


@dataclass(frozen=True)
class Target:
    """One model, the inputs that have to fit it, and the rules that it has to keep.

    Each of ``inputs`` is what a person typed, and what a request has of it. ``place`` and ``lines`` are as ``Checked``
    has them.
    """

    name: str
    source: Source
    rules: tuple[Rule, ...] = ()
    inputs: tuple[tuple[str, RequestInputs], ...] = ()
    find_min: bool = False
    baseline: Path | None = None
    fail_on: frozenset[str] = frozenset(KINDS)
    since: Since | None = None
    place: tuple[Path, int | None] | None = None
    lines: Mapping[str, int] = field(default_factory=dict)


Summarize = Callable[[Request], Answer]


def examine(targets: Sequence[Target], limits: Limits = UNLIMITED) -> Iterator[Checked]:
    """What comes of each target, in order. One that can't be looked at is told as such, and the others go on."""
    if limits == UNLIMITED and not _need_children(targets):
        for target in targets:
            yield _examine(target, opened(target.source))
        return
    from .crew import side_by_side

    yield from side_by_side(
        targets,
        lambda target: (_module(target.source.backend), target.source.process),
        lambda target, session: _examine(target, nullcontext(partial(_in_child, session))),
        limits,
    )


def _need_children(targets: Sequence[Target]) -> bool:
    built = [target.source.process for target in targets if not target.source.is_saved]
    if len(built) < 2:
        return False
    from .crew import is_worthwhile  # which takes a tenth of a check's time to import

    return is_worthwhile(built)


def _module(backend: str) -> str:
    """Where a backend is; what isn't known is told as each target's own error."""
    try:
        return module_of(backend)
    except InspectError:
        return backend


def _in_child(session: Session, request: Request) -> Answer:
    from .cache import remembered

    return remembered(session.module, request, session.summarize)


def _examine(target: Target, opening: AbstractContextManager[Summarize]) -> Checked:
    try:
        with doing(f"checking {target.name}"), opening as summarize:
            return _look(target, summarize)
    except InspectError as error:
        finding = Finding("error", f"couldn't be looked at: {error}", getattr(error, "layer", None))
        return Checked(target.name, (Outcome("model", (finding,)),), error_code=error.exit_code)


def _look(target: Target, summarize: Summarize) -> Checked:
    if target.source.is_saved:
        return _judged(target, read(target.source.text).summary)
    request = target.source.request
    own = _own(request, summarize, needed=not target.inputs)
    if own and not own.has_graph and target.source.backend == "python":
        # A module that says no input of its own is a table of what it holds: nothing ran that could be checked.
        if not target.inputs:
            raise BadRequestError(f"the input of {request.model} is unknown: add --input 3x224x224")
        own = None
    tried = tuple(_try(given, replace(request, inputs=inputs), own, summarize) for given, inputs in target.inputs)
    summary = next((each.summary for each in tried if each.summary), None) if target.inputs else own
    outcomes = [_told(each, own, target.find_min) for each in tried]
    least = None
    if target.find_min:
        least, finding = _smallest(request, own or summary, summarize)
        outcomes.append(Outcome("find-min", finding))
    if target.inputs and summary is not None:
        fitting = next(inputs for (_, inputs), each in zip(target.inputs, tried, strict=True) if each.summary)
        target = replace(target, source=replace(target.source, request=replace(request, inputs=fitting)))
    return _judged(target, summary, tried, least, outcomes)


def _own(request: Request, summarize: Summarize, needed: bool) -> Summary | None:
    """The summary at the model's own input, to say what it reads; None of one that says no input of its own."""
    try:
        return summarize(replace(request, layout=None)).summary
    except (BadRequestError, InputError):
        if needed:
            raise
        return None


def _try(given: str, request: Request, own: Summary | None, summarize: Summarize) -> TriedInput:
    try:
        return TriedInput(given, summarize(request).summary)
    except InputError as error:
        advice = f"its own input is {_input(own)}" if own else None
        return TriedInput(given, None, str(error), error.layer, advice)


def _told(tried: TriedInput, own: Summary | None, find_min: bool) -> Outcome:
    name = f"input {tried.given}"
    if tried.summary is None:
        advice = f"; {tried.advice}" if tried.advice else ""
        return Outcome(name, (Finding("fail", f"{tried.problem}{advice}", tried.layer),))
    outputs = ", ".join(format_shape(tensor.shape) for tensor in tried.summary.outputs)
    findings = [Finding("note", f"gives {outputs}")]
    if own and tried.summary.totals.params != own.totals.params:
        said = f"it is another network then: {tried.summary.totals.params:,} parameters, {own.totals.params:,} at"
        findings.append(Finding("warn", f"{said} its own input, {_input(own)}"))
    if find_min:
        findings += _dropped(tried.summary)
    return Outcome(name, tuple(findings))


def _judged(
    target: Target,
    summary: Summary | None,
    tried: tuple[TriedInput, ...] = (),
    least: Smallest | None = None,
    outcomes: Sequence[Outcome] = (),
) -> Checked:
    if summary is None:
        labels = [*(rule.label for rule in target.rules), *(["baseline"] if target.baseline else [])]
        blind = Finding("error", f"no input fits, so these couldn't be looked at: {', '.join(labels)}")
        return Checked(target.name, (*outcomes, Outcome("rules", (blind,))), tried, least)
    found = [*outcomes, *judge(target.rules, summary)]
    code = 0
    if target.baseline:
        try:
            baseline = read(str(target.baseline)).summary
            found += judge([Baseline(baseline, target.fail_on)], summary)
        except InspectError as error:
            create = "" if target.baseline.exists() else '; --update-baseline --reason "first baseline" makes it'
            found.append(Outcome("baseline", (Finding("error", f"{error}{create}"),)))
            code = error.exit_code
    if target.since:
        found.append(_since(target.since, target.source, summary))
    return Checked(target.name, tuple(found), tried, least, summary, code)


def _since(since: Since, source: Source, summary: Summary) -> Outcome:
    """What changed since a revision; a model that can't be built there is new, or was broken before."""
    from .revision import at_revision

    try:
        base = at_revision(since.revision, source, since.timeout).summary
    except ModelError as error:
        words = f"can't be compared: {error}. A model that is new has nothing to be compared with"
        return Outcome(f"{Base.name} {since.revision}", (Finding("warn", words),))
    rule = Base(base, since.revision, since.fail_on)
    return Outcome(rule.label, tuple(rule.check(summary)))


def _smallest(
    request: Request, own: Summary | None, summarize: Summarize
) -> tuple[Smallest | None, tuple[Finding, ...]]:
    tensor = own.inputs[0] if own and len(own.inputs) == 1 else None
    layout = (tensor.layout if tensor else None) or ""
    if own is None or tensor is None or not {"H", "W"} <= set(layout):
        return None, (Finding("error", "the model has no single image as its input, so it has no smallest one"),)

    def attempt(height: int, width: int) -> Summary:
        sizes = {"H": height, "W": width}
        shape = tuple(sizes.get(axis, size) for axis, size in zip(layout, tensor.shape, strict=True))
        return summarize(replace(request, inputs=Shapes((shape,)), layout=order(layout), batch=None)).summary

    height, width = (tensor.shape[layout.index(axis)] for axis in "HW")
    least = smallest(attempt, (height, width))
    square = f"the smallest square is {least.square}x{least.square}" if least.square else "no smaller square fits"
    height_words = f"at width {width}, the smallest height is {least.height}"
    said = [f"{square}; {height_words}; at height {height}, the smallest width is {least.width}"]
    if least.even == 1:
        said.append("no size near its own drops a row or a column")
    elif least.even:
        said.append(f"multiples of {least.even} drop no row and no column")
    else:
        said.append("there is no power of two whose multiples drop no row and no column")
    return least, (*(Finding("note", text) for text in said), *_dropped(own))


def _dropped(summary: Summary) -> list[Finding]:
    found = []
    for drop in drops(summary):
        sides = ((drop.rows, "row", "rows"), (drop.columns, "column", "columns"))
        parts = [f"{count} {one if count == 1 else many}" for count, one, many in sides if count]
        found.append(Finding("note", f"at {_input(summary)}, it drops {' and '.join(parts)} of its input", drop.layer))
    return found


def _input(summary: Summary) -> str:
    """The inputs without their batch, as a person would type them."""
    return " + ".join(
        format_shape(t.shape[1:] if (t.layout or "N").startswith("N") else t.shape) for t in summary.inputs
    )
