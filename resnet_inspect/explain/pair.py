"""Two networks: what differs, in sentences that come from the comparison and the totals."""

from __future__ import annotations

from collections.abc import Iterator

from ..analysis.residual import Block
from ..diffs.compare import compare
from ..diffs.result import Diff
from ..ir import Summary
from ..shape import format_shape
from ..units import exact, few, percent, signed
from .explanation import Explanation, Section, Table
from .known import Known, image
from .stages import chain
from .versions import kernel_text, moved, network_version

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
_WORDS = {"v1": "the first convolution of its bottlenecks", "v1.5": "the second convolution of its bottlenecks"}


def explain_pair(first: Summary, second: Summary) -> Explanation:
    """Why the second network's numbers differ from the first's."""
    old, new = Known(first), Known(second)
    found = compare(first, second, any_input=True)
    title = f"{first.model.title} and {second.model.title}"
    sections = (
        Section("Totals", sentences=tuple(_summed_up(found, old, new)), table=_table(found, old, new)),
        Section("Depth and cost", sentences=tuple(_depth(old, new))),
        Section("What makes the difference", sentences=(*_reconciled(found), *_causes(found))),
        Section("Version", sentences=tuple(_versions(old, new))),
    )
    return Explanation("pair", title, tuple(s for s in sections if s.sentences or s.table))


def _table(found: Diff, old: Known, new: Known) -> Table:
    numbers = [(_TITLES[t.name], t.old, t.new) for t in found.totals if t.name in _TITLES and (t.old or t.new)]
    if old.summary.has_graph and new.summary.has_graph:
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


def _summed_up(found: Diff, old: Known, new: Known) -> Iterator[str]:
    has_graphs = old.summary.has_graph and new.summary.has_graph
    if not found.kinds:
        whole = "They are the same network: every layer has the same shapes, settings and connections."
        yield whole if has_graphs else "They have the same tensors."
    if not has_graphs:
        return
    for known in (old, new):
        if missing := len(known.summary.totals.uncounted):
            layers = f"{missing:,} layer{'s' * (missing > 1)}"
            yield f"{known.summary.model.title} has at least these MACs: those of {layers} are not known."
    shapes = [few([format_shape(tensor.shape) for tensor in known.summary.inputs]) for known in (old, new)]
    if len({sum(tensor.size for tensor in known.summary.inputs) for known in (old, new)}) > 1:
        yield f"They read inputs of different sizes, {shapes[0]} and {shapes[1]}, which changes their MACs, too."


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
        deeper = f"{_times(depths[1], depths[0])} the depth ({depths[0]:,} -> {depths[1]:,} weighted layers)"
        if depths[0] == depths[1]:
            deeper = f"the same depth ({depths[0]:,} weighted layers)"
        if macs[0] == macs[1]:
            yield f"{names[1]} has {deeper} and as many MACs as {names[0]}."
        else:
            yield (
                f"{names[1]} has {deeper} and {_times(macs[1], macs[0])} the MACs of {names[0]}: about {each[1]:,} for "
                f"each weighted layer instead of {each[0]:,}."
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
            f"{len(new.trunk(b))} layers of {b.path} cost {_times(costs[1], costs[0])} what the {len(old.trunk(a))} of "
            f"{a.path} do."
        )
        counts = [len(known.blocks) for known in (old, new)]
        layers = [len(old.trunk(a)), len(new.trunk(b))]
        if counts[0] == counts[1] and depths[1] - depths[0] == counts[0] * (layers[1] - layers[0]):
            yield (
                f"Both have {counts[0]} blocks, so {counts[0]}*({layers[1]}-{layers[0]}) = {depths[1] - depths[0]} "
                "weighted layers are all of the difference in depth."
            )
    projected = [_projections(known) for known in (old, new)]
    if projected[0] != projected[1] and macs[0] != macs[1]:
        yield (
            f"Projections on shortcuts cost {projected[0]:,} MACs in {names[0]} and {projected[1]:,} in {names[1]}: "
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
        size = kernel_text(layer)
        read, made = (layer.attribute(name) for name in ("in_channels", "out_channels"))
        kernels.append(f"{size} {read}->{made}" if isinstance(read, int) else size)
    return f"{block.form} ({', '.join(kernels)}), {block.macs:,} MACs"


def _reconciled(found: Diff) -> Iterator[str]:
    parts = {name: amount for name, amount in (found.reconciled or {}).items() if amount}
    totals = next(total for total in found.totals if total.name == "params")
    if parts and totals.difference:
        sum_of = " + ".join(f"{amount:,} {name}" for name, amount in parts.items())
        whole = f" = {sum(parts.values()):,}" if len(parts) > 1 else ""
        yield f"The second counts {signed(totals.difference, exact)} parameters: {sum_of}{whole}."


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
        how = f"a stride in {where} makes the image smaller"
        how = how if where else "a norm and an activation come before each convolution"
        said.append(f"{title} is built like ResNet {version}: {how}.")
    yield from said
    for known, title, version in zip((old, new), titles, found, strict=True):
        more = moved(known, version) if version == "v1.5" and "v1" in found else None
        if more:
            yield (
                f"So the first convolutions of those blocks work on larger images in {title}: {-more:,} MACs more than "
                "with the stride of v1."
            )
