"""Two networks: what differs, in sentences that come from the comparison and the totals."""

from __future__ import annotations

from collections.abc import Iterator

from ..analysis.residual import Block
from ..diffs.compare import compare
from ..diffs.result import Diff
from ..ir import Summary
from ..units import exact, percent, signed
from .explanation import Explanation, Section, Table
from .known import Known, image
from .stages import chain
from .versions import network_version

_COLUMNS = (
    ("number", "", False),
    ("old", "First", True),
    ("new", "Second", True),
    ("difference", "Difference", True),
    ("percent", "", True),
)
_TITLES = {
    "params": "Parameters",
    "trainable_params": "  trainable",
    "statistics": "Moving statistics",
    "macs": "MACs",
    "activation_bytes": "Activation bytes",
    "layers": "Layers",
}
_WORDS = {"v1": "their first 1x1 convolution", "v1.5": "their 3x3 convolution"}


def explain_pair(first: Summary, second: Summary) -> Explanation:
    """Why the second network's numbers differ from the first's."""
    old, new = Known(first), Known(second)
    found = compare(first, second)
    title = f"{first.model.title} and {second.model.title}"
    sections = (
        Section("Totals", sentences=tuple(_summed_up(found)), table=_table(found, old, new)),
        Section("Depth and cost", sentences=tuple(_depth(old, new))),
        Section("What makes the difference", sentences=(*_reconciled(found), *_causes(found))),
        Section("Version", sentences=tuple(_versions(old, new))),
    )
    return Explanation("pair", title, tuple(s for s in sections if s.sentences or s.table))


def _table(found: Diff, old: Known, new: Known) -> Table:
    numbers = [(_TITLES[t.name], t.old, t.new) for t in found.totals if t.name in _TITLES and (t.old or t.new)]
    numbers.append(("Weighted layers in a row", old.paths.longest, new.paths.longest))
    numbers.append(("Residual blocks", len(old.blocks), len(new.blocks)))
    rows = tuple(
        {
            "number": name,
            "old": a,
            "new": b,
            "difference": None if a is None or b is None else b - a,
            "percent": percent(a, b),
        }
        for name, a, b in numbers
    )
    return Table(_COLUMNS, rows)


def _summed_up(found: Diff) -> Iterator[str]:
    if not found.kinds:
        yield "They are the same network: every layer has the same shapes, settings and connections."


def _times(new: int, old: int) -> str:
    return f"{new / old:.2f}x"


def _depth(old: Known, new: Known) -> Iterator[str]:
    names = [known.summary.model.name for known in (old, new)]
    if names[0] == names[1]:
        names = [known.summary.model.title for known in (old, new)]
    depths = [known.paths.longest for known in (old, new)]
    macs = [known.summary.totals.macs for known in (old, new)]
    if all(depths) and all(macs):
        each = [cost // depth for cost, depth in zip(macs, depths, strict=True)]
        yield (
            f"{names[1]} has {_times(depths[1], depths[0])} the depth ({depths[0]} -> {depths[1]} weighted layers) and "
            f"{_times(macs[1], macs[0])} the MACs: {each[1]:,} a weighted layer instead of {each[0]:,}."
        )
    blocks = [_typical(known) for known in (old, new)]
    if blocks[0] is None or blocks[1] is None:
        return
    (a, at), (b, there) = blocks[0], blocks[1]
    costs = [block.macs for block in (a, b)]
    if a.form != b.form and at == there and costs[0] and costs[1]:
        words = [_described(known, block) for known, (block, _) in ((old, blocks[0]), (new, blocks[1]))]
        yield (
            f"Blocks at {at}: {a.path} of {names[0]} is {words[0]}; {b.path} of {names[1]} is {words[1]}. So the "
            f"{len(new.trunk(b))} layers of the one cost {_times(costs[1], costs[0])} what the {len(old.trunk(a))} of "
            "the other do."
        )
        counts = [len(known.blocks) for known in (old, new)]
        layers = [len(old.trunk(a)), len(new.trunk(b))]
        if counts[0] == counts[1] and depths[1] - depths[0] == counts[0] * (layers[1] - layers[0]):
            yield (
                f"Both have {counts[0]} blocks: {counts[0]}*({layers[1]}-{layers[0]}) = {depths[1] - depths[0]} more "
                "weighted layers are all of the difference in depth."
            )
    projected = [_projections(known) for known in (old, new)]
    if projected[0] != projected[1] and macs[0] != macs[1]:
        yield (
            f"Projections on shortcuts cost {projected[0]:,} MACs in the first and {projected[1]:,} in the second: "
            f"{signed(projected[1] - projected[0], exact)} of a difference of {signed(macs[1] - macs[0], exact)}."
        )


def _projections(known: Known) -> int:
    """The multiply-adds of all projection shortcuts, as far as they are known."""
    names = [name for block in known.blocks if block.kind == "projection" for name in block.shortcut]
    return sum(known.by_id[name].macs or 0 for name in names)


def _typical(known: Known) -> tuple[Block, str] | None:
    """The first block whose shortcut is the identity, and the size of its image: no projection blurs its cost."""
    for block in chain(known):
        if block.kind == "identity" and block.macs:
            return block, image(known.by_id[block.join].output_tensors[0])
    return None


def _described(known: Known, block: Block) -> str:
    kernels = []
    for layer in known.trunk(block):
        kernel = layer.attribute("kernel_size")
        size = "x".join(map(str, kernel)) if isinstance(kernel, tuple) else layer.type
        read, made = (layer.attribute(name) for name in ("in_channels", "out_channels"))
        kernels.append(f"{size} {read}->{made}" if isinstance(read, int) else size)
    return f"{block.form} ({', '.join(kernels)}), {block.macs:,} MACs"


def _reconciled(found: Diff) -> Iterator[str]:
    parts = {name: amount for name, amount in (found.reconciled or {}).items() if amount}
    totals = next(total for total in found.totals if total.name == "params")
    if parts and totals.difference:
        sum_of = " + ".join(f"{amount:,} {name}" for name, amount in parts.items())
        yield f"The second counts {signed(totals.difference, exact)} parameters: {sum_of} = {sum(parts.values()):,}."


def _causes(found: Diff) -> Iterator[str]:
    for cause in found.causes:
        place = f" in {cause.place}" if cause.place else ""
        layers = f"{cause.layers:,} layer{'s' * (cause.layers > 1)}"
        unit = {"params": "parameters", "macs": "MACs"}[cause.total]
        what = (
            f"{layers}{place} {cause.what}"
            if cause.what in ("added", "removed")
            else f"{cause.what} {_value(cause.old)} -> {_value(cause.new)} in {layers}{place}"
        )
        behind = f", and what follows in {cause.followers:,} more" if cause.followers else ""
        yield f"{signed(cause.amount, exact)} of {signed(cause.difference, exact)} {unit}: {what}{behind}."


def _value(value: object) -> str:
    return "x".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _versions(old: Known, new: Known) -> Iterator[str]:
    found = [network_version(known) for known in (old, new)]
    if None in found or found[0] == found[1]:
        return
    titles = [known.summary.model.title for known in (old, new)]
    said = []
    for title, version in zip(titles, found, strict=True):
        where = _WORDS.get(version or "")
        how = f"the blocks halve the image in {where}" if where else "norm and activation stand before convolutions"
        said.append(f"{title} is ResNet {version}: {how}.")
    yield from said
    macs = [known.summary.totals.macs for known in (old, new)]
    if set(found) == {"v1", "v1.5"} and all(macs):
        late = found.index("v1.5")
        yield (
            f"With the stride in the 3x3 convolution, the 1x1 convolution before it works on the larger image: "
            f"{macs[late] - macs[1 - late]:,} MACs more."
        )
