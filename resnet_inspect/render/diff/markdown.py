"""GitHub-flavoured Markdown, for a comment on a pull request: the verdict, why, and what changed, the most first."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from ... import units
from ...diffs import Diff, LayerDiff
from ..markdown import escape, table_row
from . import DiffView
from .marks import marks
from .words import NO_DIFFERENCE, Line, grouped, headlines, lines, totals

#: So many changes are seen at once, so many are folded, and so many names of what is equal are listed.
_MOST_SEEN = 30
_MOST_FOLDED = 500
_MOST_NAMES = 60
#: A mark -> what happened to a number of layers.
_HAPPENED = {
    "added": "added",
    "removed": "removed",
    "changed": "changed",
    "moved": "moved",
    "renamed": "renamed",
    "follows": "changed as a result",
    "same": "equal",
}


#: A sign that Markdown would take for a quote.
_SIGNS = {">": escape(">")}
#: What a list says of parameters and MACs, for which tables have columns.
_COST = re.compile(r"(?:params|macs) .+|[\d,]+ params|[\d.]+(?: \w)? MACs")


@dataclass(frozen=True, slots=True)
class _Change:
    """One row: what it says, the difference that it makes, None if that is unknown, and its share of the network."""

    line: Line
    params: int
    macs: int | None
    share: float

    def row(self) -> str:
        said = [word for word in self.line.words if not _COST.fullmatch(word)]
        cells = [self.line.layer, self.line.type, " · ".join(said)]
        costs = [_amount(self.params, units.exact), _amount(self.macs, units.si)]
        return table_row([_SIGNS.get(self.line.sign, self.line.sign), *map(escape, cells), *costs])


def render(diff: Diff, view: DiffView) -> str:
    """The verdict and the causes, a table of the totals, a table of what changed; folded, what matters less."""
    title, *heads = headlines(diff, view.title)
    states = marks(diff.layers)
    text = [f"### {escape(title)}", "", f"**{_verdict(diff, view)}** {_counts(states)}."]
    if heads := [head for head in heads if head != NO_DIFFERENCE]:
        text += ["", *(f"- {escape(head)}" for head in heads)]
    if found := totals(diff, view.everything):
        text += ["", table_row(["Total", "Old", "New", "Difference", "%"]), table_row([":---", *["---:"] * 4])]
        text += [table_row([escape(cell.strip()) for cell in cells]) for cells in found]
    if view.everything:
        text += ["", *_table(lines(diff, everything=True))]
    elif diff.kinds:
        text += _changes(diff, states, view)
    return "\n".join(text) + "\n"


def _verdict(diff: Diff, view: DiffView) -> str:
    """``+2.36 M parameters (+20.2 %), +80.1 M MACs (+4.42 %).``"""
    if not diff.kinds:
        return f"{NO_DIFFERENCE}."
    found = {total.name: total for total in diff.totals}
    words = []
    for name, title in (("params", "parameters"), ("macs", "MACs")):
        if found[name].old != found[name].new:
            share = units.percent(found[name].old, found[name].new)
            known = f" ({share})" if share != units.NOT_AVAILABLE else ""
            words.append(f"{units.signed(found[name].difference, units.si)} {title}{known}")
    if uncounted := max(found["uncounted"].old or 0, found["uncounted"].new or 0):
        words.append(f"without the MACs of {_many(uncounted, 'layer')} that can't be counted")
    said = ", ".join(words) or "Parameters and MACs stay the same"
    gated = sorted(diff.kinds & view.gates)
    return f"Fails on {', '.join(gated)}: {said}." if gated else f"{said}."


def _counts(states: Sequence[str]) -> str:
    """``2 layers changed, 1 added, 59 equal``."""
    counted = [(states.count(state), happened) for state, happened in _HAPPENED.items() if state in states]
    words = [f"{count:,} {happened}" for count, happened in counted[1:]]
    return ", ".join([f"{_many(count, 'layer')} {happened}" for count, happened in counted[:1]] + words)


def _changes(diff: Diff, states: Sequence[str], view: DiffView) -> Iterator[str]:
    edits = sorted(_sized(diff, ["same" if state == "follows" else state for state in states]), key=lambda c: -c.share)
    seen = [each for each in edits[:_MOST_SEEN] if each.share >= view.threshold]
    if seen:
        yield from ("", *_rows(seen))
    rest = edits[len(seen) :]
    if rest:
        yield from folded(f"{_many(len(rest), 'smaller change')}", _rows(rest))
    following = _sized(diff, [state if state == "follows" else "same" for state in states])
    if following:
        count = states.count("follows")
        yield from folded(f"{_many(count, 'layer')} changed as a result", _rows(following))
    if equal := list(_equal(diff.layers, states)):
        names = [escape(name) + (f" ({count:,} layers)" if count > 1 else "") for name, count in equal[:_MOST_NAMES]]
        more = [f"and {len(equal) - len(names):,} more"] if len(equal) > len(names) else []
        count = states.count("same")
        yield from folded(f"{_many(count, 'layer')} equal", [", ".join([*names, *more])])


def _sized(diff: Diff, states: Sequence[str]) -> list[_Change]:
    """The changes to layers that aren't ``same``, with what each adds to the network or takes from it."""
    whole = {total.name: max(total.old or 0, total.new or 0, 1) for total in diff.totals}
    found = []
    for line, places in grouped(diff, states):
        members = [diff.layers[at] for at in places]
        params = sum(_difference(layer, "params") or 0 for layer in members)
        each = [_difference(layer, "macs") for layer in members]
        macs = None if None in each else sum(amount or 0 for amount in each)
        share = max(abs(params) / whole["params"], abs(macs or 0) / whole["macs"])
        found.append(_Change(line, params, macs, share))
    return found


def _difference(layer: LayerDiff, name: str) -> int | None:
    """What a layer has more than it had; None if one side isn't known."""
    old, new = (0 if side is None else getattr(side, name) for side in (layer.old, layer.new))
    return None if old is None or new is None else new - old


def _amount(value: int | None, word: Callable[[int | None], str]) -> str:
    return units.signed(value, word).replace(" ", "&nbsp;") if value != 0 else ""


def _rows(changes: Sequence[_Change]) -> list[str]:
    titles, sides = ["", "Layer", "Type", "Change", "Parameters", "MACs"], [*[":---"] * 4, "---:", "---:"]
    listed = [table_row(titles), table_row(sides), *(change.row() for change in changes[:_MOST_FOLDED])]
    return [*listed, "", f"and {len(changes) - _MOST_FOLDED:,} more"] if len(changes) > _MOST_FOLDED else listed


def _table(listed: Sequence[Line]) -> list[str]:
    rows = [table_row(["", "Layer", "Type", "Change"]), table_row([":---"] * 4)]
    for line in listed:
        cells = [line.layer, line.type, " · ".join(line.words)]
        rows.append(table_row([_SIGNS.get(line.sign, line.sign), *map(escape, cells)]))
    return rows


def folded(title: str, content: Iterable[str]) -> list[str]:
    """What opens at a click. Within a page's own tags there is no name of a stranger: ``title`` has none."""
    return ["", f"<details><summary>{title}</summary>", "", *content, "", "</details>"]


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _equal(layers: Sequence[LayerDiff], states: Sequence[str]) -> Iterator[tuple[str, int]]:
    """The largest modules of which every layer is equal, and layers beside them, with their numbers of layers."""
    differing = {
        prefix for layer, state in zip(layers, states, strict=True) if state != "same" for prefix in _around(layer)
    }
    counted: Counter[str] = Counter()
    for layer, state in zip(layers, states, strict=True):
        if state == "same":
            counted[next((part for part in _around(layer) if part not in differing), layer.layer.path)] += 1
    yield from counted.items()


def _around(layer: LayerDiff) -> list[str]:
    """The paths of the modules around a layer, the outermost first, and its own."""
    parts = layer.layer.path.split(".")
    return [".".join(parts[: end + 1]) for end in range(len(parts))]
