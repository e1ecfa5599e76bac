"""The residual structure of a network as a report.

History of the JSON's ``schema_version`` (its JSON Schema stands in ``schemas/``):

1. first version
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import MAX_EMAX, ROUND_DOWN, Context
from itertools import pairwise
from typing import Any

from ... import units
from ...analysis.forms import channels_of, is_weighted
from ...analysis.paths import Paths, paths
from ...analysis.residual import Block, branch_ends, residual_blocks
from ...errors import BadRequestError
from ...ir import Layer, Summary, Totals
from ...ops.effect import per_dimension
from ...shape import format_shape
from . import Report, ReportColumn

SCHEMA_VERSION = 1


def _channels(value: tuple[int, int]) -> str:
    return " → ".join(map(str, value))


def _breaks(words: Sequence[str]) -> str:
    # Where a projection stands, its own column says.
    return ", ".join(word.removesuffix(" on the shortcut") for word in words)


_COLUMNS = (
    ReportColumn("path", "Block", number=False),
    ReportColumn("form", "Form", number=False, priority=-4),
    ReportColumn("weighted", "Branch", " - ".join, number=False, priority=-2),
    ReportColumn("shortcut", "Shortcut", number=False),
    ReportColumn("stride", "Stride", priority=-5),
    ReportColumn("channels", "Channels", _channels, priority=-6),
    ReportColumn("skipped", "Skips", priority=-3),
    ReportColumn("params_share", "Params", units.share),
    ReportColumn("macs_share", "MACs", units.share),
    ReportColumn("breaks", "Breaks the identity", _breaks, number=False, priority=2),
)


def report(summary: Summary) -> Report:
    """Every residual block, and what follows for the whole network.

    Raises:
        BadRequestError: a file of tensors has no connections.
    """
    if not summary.has_graph:
        raise BadRequestError(f"{summary.model.name} holds tensors by name: there are no connections in it to follow")
    blocks = residual_blocks(summary)
    found = paths(summary, branch_ends(blocks))
    names = Counter(block.path for block in blocks)
    by_id = {layer.id: layer for layer in summary.layers}
    totals = summary.totals
    rows = [
        {**_row(block, totals, names[block.path] > 1), "weighted": _weighted(by_id[name] for name in block.branch)}
        for block in blocks
    ]
    return Report(
        columns=_COLUMNS,
        rows=tuple(rows),
        facts=(("Model", summary.model.title), *_facts(blocks, found)),
        document={
            "schema_version": SCHEMA_VERSION,
            "model": {"backend": summary.model.backend, "name": summary.model.name},
            "network": {
                "residual_blocks": len(blocks),
                "longest_path": found.longest,
                "shortest_path": found.shortest,
                "paths": _written(found.count),
                "paths_by_blocks": list(map(_written, found.by_blocks)),
                "paths_by_layers": list(map(_written, found.by_layers)),
            },
            "blocks": [
                {
                    **{key: row[key] for key in ("path", "form", "shortcut", "stride")},
                    "channels": list(block.channels),
                    "fork": block.fork,
                    "join": block.join,
                    "branch_layers": list(block.branch),
                    "shortcut_layers": list(block.shortcut),
                    **{key: row[key] for key in ("skipped", "params", "params_share", "macs", "macs_share")},
                    "breaks": list(block.breaks),
                }
                for block, row in zip(blocks, rows, strict=True)
            ],
        },
    )


def _weighted(branch: Iterable[Layer]) -> tuple[str, ...]:
    """The weighted layers of a branch as He et al. 2015 write them in table 1: window and channels, ``3x3 64``."""
    found = []
    for layer in branch:
        if is_weighted(layer):
            kernel = layer.attribute("kernel_size")
            sized = isinstance(kernel, (int, tuple))
            window = format_shape(per_dimension(kernel, 2)) if sized else layer.op
            grouped = layer.attribute("groups", 1)
            found.append(f"{window} {channels_of(layer)}" + (f" /{grouped}" if grouped not in (1, None) else ""))
    return tuple(found)


def _row(block: Block, totals: Totals, ambiguous: bool) -> dict[str, Any]:
    known = block.macs is not None and totals.macs and not totals.uncounted
    return {
        # A transformer's layer has two blocks: the additions tell them apart.
        "path": block.join if ambiguous else block.path,
        "form": block.form,
        "shortcut": block.kind,
        "stride": block.stride,
        "channels": block.channels,
        "skipped": block.skipped,
        "params": block.params,
        "params_share": block.params / totals.params if totals.params else None,
        "macs": block.macs,
        "macs_share": (block.macs or 0) / totals.macs if known else None,
        "breaks": block.breaks,
    }


def _facts(blocks: tuple[Block, ...], found: Paths) -> list[tuple[str, str]]:
    kinds = Counter(block.kind for block in blocks)
    words = ", ".join(f"{kinds[kind]} {kind}" for kind in ("identity", "projection", "other") if kinds[kind])
    facts = [
        ("Residual blocks", f"{len(blocks)}" + (f" (shortcuts: {words})" if blocks else "")),
        ("Depth", f"{found.longest} weighted layers on the longest path, {found.shortest} on the shortest"),
    ]
    if kinds["projection"]:
        facts.append(("  projections", "are on shortcuts, so they are not on the longest path"))
    power = found.count.bit_length() - 1
    named = f"2^{power} = " if power > 1 and found.count == 1 << power else ""
    facts.append(("Paths", named + _count(found.count)))
    if blocks and found.by_blocks:
        most = max(found.by_blocks)
        facts += [
            ("  by blocks", _distribution(found.by_blocks)),
            ("  most", f"{_count(most)} through {found.by_blocks.index(most)} of {len(blocks)} blocks"),
            ("  by layers", _distribution(found.by_layers)),
        ]
    if blocks:
        if kinds["identity"]:
            facts.append(("Identity skips", _steps(blocks, found.longest)))
        facts.append(("Not the identity", _identity(blocks)))
    return facts


_THREE_DIGITS = Context(prec=3, rounding=ROUND_DOWN, Emax=MAX_EMAX)
#: Bits of 4,200 digits; from 4,300 on, Python refuses to write a number.
_MOST_BITS = 14_000


def _written(number: int) -> int | None:
    """A number in JSON; None for one of thousands of digits, which Python neither writes nor reads."""
    return number if number.bit_length() < _MOST_BITS else None


def _count(number: int) -> str:
    """Exact up to 15 digits, then three of them."""
    if number < 10**15:
        return units.exact(number)
    # Python writes no number of thousands of digits; decimals have no such bound.
    return f"{_THREE_DIGITS.create_decimal(number):.2e}".replace("e+", "e")


def _distribution(numbers: tuple[int, ...]) -> str:
    """Length: paths; of many lengths the first, the middle and the last ones."""
    found = [f"{length}: {_count(number)}" for length, number in enumerate(numbers) if number]
    count = len(found)
    if count > 8:
        shown = sorted({0, 1, 2, count // 2 - 1, count // 2, count - 2, count - 1})
        hidden = {after for before, after in pairwise(shown) if after > before + 1}
        found = [text for place in shown for text in (*(["..."] if place in hidden else []), found[place])]
    return ", ".join(found)


def _steps(blocks: tuple[Block, ...], depth: int) -> str:
    """How much of the depth one step along an identity leaves out."""
    steps = sorted({block.skipped for block in blocks if block.kind == "identity"})
    words = " to ".join(dict.fromkeys((str(steps[0]), str(steps[-1]))))
    shares = " to ".join(dict.fromkeys(units.share(step / depth if depth else 0) for step in (steps[0], steps[-1])))
    return f"{words} of {depth} weighted layers ({shares})"


def _identity(blocks: tuple[Block, ...]) -> str:
    reasons = Counter(reason for block in blocks for reason in block.breaks)
    broken = sum(bool(block.breaks) for block in blocks)
    return f"{broken} of {len(blocks)} blocks" + "".join(f"; {reason}: {count}" for reason, count in reasons.items())
