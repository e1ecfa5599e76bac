"""A whole network: the arithmetic of its depth, where its parameters and its MACs are, what its shortcuts do."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from .. import units
from ..analysis.forms import channels_of
from ..analysis.receptive import network_field, one_number
from ..analysis.residual import Block
from ..ir import Summary
from .explanation import Explanation, Section, Table
from .known import Known, image, same
from .stages import Stage, depth_words, positions, stages
from .versions import network_version, strided, version

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
        read = units.few([_shape(tensor.shape) for tensor in summary.inputs])
        yield (
            f"{least.capitalize()}{totals.macs:,} MACs at {read}. A MAC is a multiplication and an addition, so that "
            f"is {least}2*{totals.macs:,} = {2 * totals.macs:,} FLOPs."
        )


def _shape(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))


def _depth(known: Known) -> Iterator[str]:
    total = known.paths.longest
    if not total:
        return
    words = depth_words(known)
    if words is None:
        yield f"Its longest path has {total} weighted layers (convolutions, fully connected layers, attention)."
    else:
        yield f"{words} weighted layers on the longest path: before the blocks, layers of a block times blocks, after."
    names = re.findall(r"\d+", known.summary.model.name)
    if str(total) in names:
        yield f"That is the {total} in its name: projections and norms aren't counted (He et al. 2015, table 1)."
    layers = sum(bool(layer.parameters or layer.shared) for layer in known.summary.layers if layer.called)
    yield f"{layers:,} of its {len(known.summary.layers):,} layers have parameters, norms and projections among them."


def _table(known: Known, parts: tuple[Stage, ...]) -> Table:
    totals = known.summary.totals
    rows = []
    for part in parts:
        tensors = part.output.output_tensors
        rows.append(
            {
                "stage": part.name,
                "blocks": len(part.blocks),
                "output": _shape(tensors[0].shape) if tensors else units.NOT_AVAILABLE,
                "params": part.params,
                "params_share": _share(part.params, totals.params),
                "macs": part.macs,
                "macs_share": None if part.macs is None else _share(part.macs, totals.macs),
            }
        )
    return Table(_COLUMNS, tuple(rows))


def _share(part: int, whole: int) -> str | None:
    return units.share(part / whole) if whole else None


def _where(known: Known, parts: tuple[Stage, ...]) -> Iterator[str]:
    totals = known.summary.totals
    yield from _totals(known.summary)
    if not totals.params or not totals.macs or len(parts) < 2:
        return
    heavy = max(parts, key=lambda part: part.params)
    busy = max(parts, key=lambda part: part.macs or 0)
    yield (
        f"{heavy.name} has the most parameters, {_share(heavy.params, totals.params)}, and "
        f"{_share(heavy.macs or 0, totals.macs)} of the MACs."
    )
    if busy is not heavy:
        yield (
            f"{busy.name} has the most MACs, {_share(busy.macs or 0, totals.macs)}, and "
            f"{_share(busy.params, totals.params)} of the parameters."
        )
    uses = [(part, positions(part)) for part in parts if part.blocks]
    known_uses = [(part, count) for part, count in uses if count]
    if len(known_uses) > 1:
        (first, many), (last, few) = known_uses[0], known_uses[-1]
        if many > few:
            a, b = (channels_of(part.output) for part in (first, last))
            yield (
                f"A convolution uses each weight once for each position of its output: {many:,} times at the end of "
                f"{first.name}, {few:,} at the end of {last.name}, where channels are {a:,} and {b:,}. So parameters "
                "gather where images are small, and MACs don't."
            )


def _shortcuts(known: Known) -> Iterator[str]:
    blocks = known.blocks
    if not blocks:
        return
    kinds = Counter(block.kind for block in blocks)
    words = {"identity": "identities", "projection": "projections", "other": "of another kind"}
    counts = ", ".join(f"{kinds[kind]} {word}" for kind, word in words.items() if kinds[kind])
    yield f"{len(blocks)} residual blocks. Their shortcuts: {counts}."
    projected = [known.by_id[name] for block in blocks if block.kind == "projection" for name in block.shortcut]
    params, macs = sum(layer.params for layer in projected), sum(layer.macs or 0 for layer in projected)
    totals = known.summary.totals
    if projected:
        yield (
            f"Projections have {params:,} parameters ({_share(params, totals.params)}) and {macs:,} MACs "
            f"({_share(macs, totals.macs)}), which the totals count like those of any layer; identities have none."
        )
    passing = [block for block in blocks if _passes_on(known, block)]
    yield (
        f"With a branch of zeros, {len(passing)} of {len(blocks)} blocks pass their input on unchanged. This is why "
        "more blocks need not make a network worse (He et al. 2015, section 1); resnet-inspect identity shows it on "
        "real tensors."
    )
    if breaks := Counter(word for block in blocks for word in block.breaks):
        found = ", ".join(f"{word} ({count})" for word, count in breaks.items())
        yield f"What stands in the way of an exact identity: {found}."


def _passes_on(known: Known, block: Block) -> bool:
    """Whether the shortcut and what follows keep the input: a ReLU keeps what came out of a ReLU."""
    rectified = known.by_id[block.fork].op == "relu"
    return block.kind == "identity" and set(block.breaks) <= ({"relu after the addition"} if rectified else set())


def _version(known: Known) -> Iterator[str]:
    found = network_version(known)
    if found is None:
        if known.blocks and {block.form for block in known.blocks} == {"basic"}:
            yield "Its blocks are basic: v1 and v1.5 differ in bottlenecks only."
        return
    if found == "v2":
        yield "Norm and activation stand before the convolutions of its blocks: ResNet v2 (He et al. 2016)."
        return
    blocks = [block for block in known.blocks if version(known, block) == found]
    trunks = [known.trunk(block) for block in blocks]
    where = {"v1": "first 1x1", "v1.5": "3x3"}[found]
    yield f"{len(blocks)} bottlenecks make the image smaller, all in their {where} convolution: ResNet {found}."
    saved = 0
    for block, trunk in zip(blocks, trunks, strict=True):
        layer = strided(known, block)
        factor = (same(layer.attribute("stride")) or 1) ** 2 if layer else 1
        macs = trunk[0].macs or 0
        saved += macs - macs // factor if found == "v1.5" else macs * factor - macs
    total = known.summary.totals.macs
    if found == "v1.5":
        yield (
            f"v1 has it in the first 1x1 convolution, which then works on smaller images: {total - saved:,} MACs "
            f"instead of {total:,}. Parameters are the same."
        )
    else:
        yield (
            f"v1.5, as in torchvision, has it in the 3x3 convolution, so the 1x1 before it works on larger images: "
            f"{total + saved:,} MACs instead of {total:,}. Parameters are the same."
        )


def _field(summary: Summary) -> Iterator[str]:
    found = network_field(summary)
    size = one_number(found, "size")
    if found is None or size is None or not summary.inputs:
        return
    read = image(summary.inputs[0])
    if found.whole or not isinstance(size, int):
        yield f"An output position of its features reads {'the whole input' if size == 'all' else f'{size} of {read}'}."
        return
    sizes = [int(each) for each in read.split("x")] if read else []
    if sizes:
        word = "more than the whole image: its rim is padding" if size > max(sizes) else "a part of the image"
        yield f"A position of its features depends on {size}x{size} positions of the input, {word} ({read})."
