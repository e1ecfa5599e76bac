"""A module: what is in it, and the block that it is."""

from __future__ import annotations

from collections.abc import Iterator

from ..ir import Layer
from ..shape import format_shape
from ..units import NOT_AVAILABLE, few, share
from .explanation import Explanation, Section, Table
from .known import Known
from .layer import shortcut, shortcut_counts

_COLUMNS = (
    ("path", "Part", False),
    ("type", "Type", False),
    ("output", "Output", False),
    ("params", "Params", True),
    ("macs", "MACs", True),
)


def members(known: Known, path: str) -> list[Layer]:
    """The layers of a module, by its path; without modules, as in Keras, those of the residual block called so."""
    inside = [layer for layer in known.summary.layers if layer.path.startswith(f"{path}.")]
    if inside:
        return inside
    blocks = [block for block in known.blocks if block.path == path]
    own = {name for block in blocks for name in (*block.branch, *block.shortcut, block.join)}
    return [layer for layer in known.summary.layers if layer.id in own]


def explain_module(known: Known, path: str) -> Explanation:
    """A module's parts, sums and residual blocks. Its path has layers below."""
    inside = members(known, path)
    kinds = dict(known.summary.modules)
    sections = (
        Section("Numbers", sentences=tuple(_sums(known, inside)), table=_table(path, kinds, inside)),
        Section("Around it", sentences=tuple(_around(known, inside))),
    )
    title = f"{path} ({kinds.get(path, 'module')}) of {known.summary.model.title}"
    facts = {"path": path, "type": kinds.get(path)}
    return Explanation("module", title, tuple(s for s in sections if s.sentences or s.table), facts)


def _table(path: str, kinds: dict[str, str], inside: list[Layer]) -> Table:
    groups: dict[str, list[Layer]] = {}
    for layer in inside:
        below = layer.path.removeprefix(f"{path}.")
        name = layer.path if below == layer.path else f"{path}.{below.partition('.')[0]}"
        groups.setdefault(name, []).append(layer)
    rows = []
    for name, layers in groups.items():
        made = layers[-1].output_tensors
        macs = [layer.macs for layer in layers]
        rows.append(
            {
                "path": name,
                "type": kinds.get(name) or layers[0].type,
                "output": format_shape(made[0].shape) if made else NOT_AVAILABLE,
                "params": sum(layer.params for layer in layers),
                "macs": None if None in macs else sum(each or 0 for each in macs),
            }
        )
    return Table(_COLUMNS, tuple(rows))


def _sums(known: Known, inside: list[Layer]) -> Iterator[str]:
    totals = known.summary.totals
    params = [layer.params for layer in inside if layer.params]
    if params:
        words = " + ".join(f"{each:,}" for each in params)
        largest = f"{words} = " if len(params) <= 8 else ""
        whole = f", {share(sum(params) / totals.params)} of the network's" if totals.params else ""
        yield f"{largest}{sum(params):,} parameters{whole}, in {len(params):,} layers that have some."
    macs = [layer.macs_at_least if layer.macs is None else layer.macs for layer in inside]
    if totals.macs and any(macs):
        least = "At least " if any(layer.macs is None for layer in inside) else ""
        yield f"{least}{sum(macs):,} MACs, {share(sum(macs) / totals.macs)} of the network's."


def _around(known: Known, inside: list[Layer]) -> Iterator[str]:
    own = {layer.id for layer in inside}
    reads = [known.by_id[name].path for layer in inside for name in layer.inputs if name not in own]
    readers = [reader.path for layer in inside for reader in known.readers.get(layer.id, []) if reader.id not in own]
    if reads:
        yield f"It reads {few(list(dict.fromkeys(reads)))}."
    if readers:
        yield f"{few(list(dict.fromkeys(readers)))} {'reads' if len(set(readers)) == 1 else 'read'} it."
    blocks = [block for block in known.blocks if {block.join, *block.branch} <= own]
    if len(blocks) == 1:
        yield f"It has one residual block, {blocks[0].path} ({blocks[0].form}). {shortcut(known, blocks[0])}"
    elif blocks:
        yield shortcut_counts(blocks)
