"""A whole network: the arithmetic of its depth, where its parameters and its MACs are, what its shortcuts do."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from .. import units
from ..analysis.forms import channels_of
from ..analysis.receptive import network_field, one_number
from ..analysis.residual import Block
from ..ir import Summary
from ..ops import vocabulary
from ..shape import format_shape
from .explanation import Explanation, Section, Table
from .known import Known, image
from .layer import shortcut_counts
from .stages import Stage, depth_words, positions, stages
from .versions import kernel_text, moved, network_version, version

_COLUMNS = (
    ("stage", "Stage", False),
    ("blocks", "Blocks", True),
    ("output", "Output", False),
    ("params", "Params", True),
    ("params_share", "of all", True),
    ("macs", "MACs", True),
    ("macs_share", "of all", True),
)


def explain_network(known: Known) -> Explanation:
    """What a network's numbers are made of."""
    summary = known.summary
    if not summary.has_graph:
        sentences = (*_totals(summary), "Nothing ran, so there is no graph: only its tensors are known.")
        return Explanation("network", summary.model.title, (Section("Numbers", sentences=sentences),))
    parts = stages(known)
    sections = [
        Section("Depth", sentences=tuple(_depth(known))),
        Section("Where its parameters and MACs are", sentences=tuple(_where(known, parts)), table=_table(known, parts)),
        Section("Shortcuts", sentences=tuple(_shortcuts(known))),
        Section("Version", sentences=tuple(_version(known))),
        Section("Receptive field", sentences=tuple(_field(summary))),
    ]
    facts = {"depth": known.paths.longest, "version": network_version(known)}
    return Explanation("network", summary.model.title, tuple(s for s in sections if s.sentences or s.table), facts)


def _totals(summary: Summary) -> Iterator[str]:
    totals = summary.totals
    yield f"{totals.params:,} parameters."
    if totals.macs:
        least = "at least " if totals.uncounted else ""
        read = units.few([format_shape(tensor.shape) for tensor in summary.inputs])
        yield (
            f"{least.capitalize()}{totals.macs:,} MACs at {read}. A MAC is a multiplication and an addition, so that "
            f"is {least}2*{totals.macs:,} = {2 * totals.macs:,} FLOPs."
        )


def _depth(known: Known) -> Iterator[str]:
    total = known.paths.longest
    if not total:
        return
    words = depth_words(known)
    if words is None:
        yield f"Its longest path has {total:,} weighted layers (convolutions, fully connected layers, attention)."
    else:
        yield (
            f"{words} weighted layers on the longest path: those before the residual blocks, the layers of a block "
            "times the blocks of each stage, those after."
        )
    if re.search(rf"(?<!\d){total}(?!\d)", known.summary.model.name):
        left_out = "norms and projections on shortcuts aren't counted (He et al. 2015, table 1)"
        yield f"That is the {total} in its name: {left_out}."
    used = [layer for layer in known.summary.layers if layer.called and (layer.parameters or layer.shared)]
    norms = sum(vocabulary.of(layer.op).family == "norm" for layer in used)
    others = f", {norms:,} of them norms" if norms else ""
    projections = {name for block in known.blocks if block.kind == "projection" for name in block.shortcut}
    if shortcut := sum(layer.id in projections and vocabulary.of(layer.op).family != "norm" for layer in used):
        others += f"{' and' if norms else ','} {shortcut:,} projections on shortcuts"
    yield f"{len(used):,} of its {len(known.summary.layers):,} layers have parameters{others}."


def _table(known: Known, parts: tuple[Stage, ...]) -> Table:
    totals = known.summary.totals
    rows = []
    for part in _largest(known, parts):
        tensors = part.output.output_tensors
        rows.append(
            {
                "stage": part.name,
                "blocks": len(part.blocks),
                "output": format_shape(tensors[0].shape) if tensors and part in parts else units.NOT_AVAILABLE,
                "params": part.params,
                "params_share": _share(part.params, totals.params),
                "macs": part.macs,
                "macs_share": None if part.macs is None else _share(part.macs, totals.macs),
            }
        )
    return Table(_COLUMNS, tuple(rows))


#: More rows than this say less.
_MOST_ROWS = 16


def _largest(known: Known, parts: tuple[Stage, ...]) -> list[Stage]:
    """The parts in their order; of many, those with the largest shares, and all others as one."""
    if len(parts) <= _MOST_ROWS:
        return list(parts)
    totals = known.summary.totals
    shares = [max(part.params / (totals.params or 1), (part.macs or 0) / (totals.macs or 1)) for part in parts]
    places = sorted(range(len(parts)), key=lambda place: -shares[place])[: _MOST_ROWS - 1]
    rest = [part for place, part in enumerate(parts) if place not in places]
    others = Stage(f"{len(rest):,} others", tuple(layer for part in rest for layer in part.layers))
    return [*(parts[place] for place in sorted(places)), others]


def _share(part: int, whole: int) -> str | None:
    return units.share(part / whole) if whole else None


def _where(known: Known, parts: tuple[Stage, ...]) -> Iterator[str]:
    totals = known.summary.totals
    yield from _totals(known.summary)
    if not totals.params or not totals.macs or len(parts) < 2:
        return
    heavy = max(parts, key=lambda part: part.params)
    busy = max(parts, key=lambda part: part.macs or 0)
    params = [_share(part.params, totals.params) for part in (heavy, busy)]
    macs = [_share(part.macs or 0, totals.macs) for part in (heavy, busy)]
    if any(part.macs is None for part in parts):
        yield f"{heavy.words} has the largest share of the parameters, {params[0]}."
    elif heavy is busy:
        yield f"{heavy.words} has the largest share of both: {params[0]} of the parameters and {macs[0]} of the MACs."
    else:
        yield f"{heavy.words} has the largest share of the parameters, {params[0]}, and {macs[0]} of the MACs."
        yield f"{busy.words} has the largest share of the MACs, {macs[1]}, and {params[1]} of the parameters."
    yield from _growth([part for part in parts if part.blocks and positions(part)])


def _growth(parts: Sequence[Stage]) -> Iterator[str]:
    """Why parameters grow where MACs don't, from the first and the last stage that give images."""
    if len(parts) < 2:
        return
    first, last = parts[0], parts[-1]
    many, few = positions(first), positions(last)
    ends = [f"{channels_of(part.output):,} channels" for part in (first, last)]
    if many <= few or not first.params or not first.macs or not last.macs:
        return
    more, costs = last.params / first.params, last.macs / first.macs
    if more > 2 * costs:
        yield (
            f"A convolution uses each weight once for each position of its output: {many:,} times in an image at the "
            f"end of {first.name} ({ends[0]}), {few:,} times at the end of {last.name} ({ends[1]}). So {last.name} has "
            f"{more:.1f} times the parameters of {first.name}, but {costs:.1f} times its MACs."
        )


def _shortcuts(known: Known) -> Iterator[str]:
    blocks = known.blocks
    if not blocks:
        return
    yield shortcut_counts(blocks)
    projected = [known.by_id[name] for block in blocks if block.kind == "projection" for name in block.shortcut]
    params, macs = sum(layer.params for layer in projected), sum(layer.macs or 0 for layer in projected)
    totals = known.summary.totals
    if projected:
        yield (
            f"Projections have {params:,} parameters ({_share(params, totals.params)}) and {macs:,} MACs "
            f"({_share(macs, totals.macs)}), which the totals count like those of any layer; identities have none."
        )
    passing = [block for block in blocks if _passes_on(known, block)]
    if passing:
        keep = "pass their input" if len(passing) > 1 else "passes its input"
        yield (
            f"With a branch of zeros, {len(passing)} of {len(blocks)} blocks {keep} on unchanged, so more of "
            "them need not make a network worse (He et al. 2015, section 1). resnet-inspect identity shows it for "
            "ResNets on real tensors."
        )
    else:
        none = f"none of its {len(blocks)} blocks passes" if len(blocks) > 1 else "its one block doesn't pass"
        yield f"With a branch of zeros, {none} its input on unchanged."
    if breaks := Counter(word for block in blocks for word in block.breaks):
        found = ", ".join(f"{word} ({count})" for word, count in breaks.items())
        kept = sum(bool(block.breaks) for block in passing)
        why = f" In {kept} blocks the ReLU changes nothing, as their input comes from a ReLU." if kept else ""
        yield f"What stands in the way of an exact identity: {found}.{why}"


def _passes_on(known: Known, block: Block) -> bool:
    """Whether the shortcut and what follows keep the input: a ReLU keeps what came out of a ReLU, pooled or not."""
    if block.kind != "identity":
        return False
    source = known.by_id[block.fork]
    while len(source.inputs) == 1 and ("pool" in source.op or vocabulary.of(source.op).family == "dropout"):
        source = known.by_id[source.inputs[0]]
    return set(block.breaks) <= ({"relu after the addition"} if source.op == "relu" else set())


def _version(known: Known) -> Iterator[str]:
    found, blocks = network_version(known), known.blocks
    if found is None:
        if blocks and {block.form for block in blocks} == {"basic"}:
            yield "Its blocks are basic: v1 and v1.5 differ in bottlenecks only."
        return
    those = [block for block in blocks if version(known, block) == found]
    if found == "v2":
        yield (
            f"In {len(those)} of {len(blocks)} blocks, a norm and an activation come before each convolution, as in "
            "ResNet v2 (He et al. 2016)."
        )
        return
    one = f"{len(those)} bottlenecks make" if len(those) > 1 else "1 bottleneck makes"
    first, second = known.trunk(those[0])[:2]
    names = [f"first convolution ({kernel_text(first)})", f"second convolution ({kernel_text(second)})"]
    here, there = names if found == "v1" else names[::-1]
    other = "v1.5" if found == "v1" else "v1"
    yield f"{one} the image smaller by a stride in their {here}, as in ResNet {found}."
    total, more = known.summary.totals, moved(known, found)
    if not total.uncounted and more is not None:
        yield (
            f"ResNet {other} has the stride in the {there}. The first convolution then works on "
            f"{'larger' if found == 'v1' else 'smaller'} images: {total.macs + more:,} MACs instead of {total.macs:,}, "
            "with the same parameters."
        )


def _field(summary: Summary) -> Iterator[str]:
    found = network_field(summary)
    size = one_number(found, "size")
    if found is None or size is None or not summary.inputs:
        return
    read = image(summary.inputs[0])
    if found.whole or not isinstance(size, int):
        yield f"A position of its features depends on {'the whole input' if size == 'all' else f'{size} of {read}'}."
        return
    sizes = [int(each) for each in read.split("x")] if read else []
    if not sizes:
        return
    window = "x".join([str(size)] * len(sizes))
    word = ""
    if size > max(sizes):
        word = ", more than the whole input: the rest is padding"
    elif size < min(sizes):
        word = ", a part of it"
    yield f"A position of its features depends on {window} positions of the input ({read}){word}."
