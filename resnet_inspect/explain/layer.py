"""One layer: its formulas, and why its settings are what they are, from what stands around it."""

from __future__ import annotations

from collections.abc import Iterator

from ..analysis.forms import channels_of
from ..analysis.residual import Block
from ..ir import Layer
from ..ops import vocabulary
from ..units import few
from .derivation import derivations
from .explanation import Derivation, Explanation, Section
from .known import Known, image, same
from .versions import strided, version


def explain_layer(known: Known, layer: Layer) -> Explanation:
    """A layer's numbers and reasons."""
    found = derivations(layer, known.fields)
    sentences = [*_weights(known, layer, found), *_window(layer), *_costs(layer)]
    around = [*_connections(known, layer), *_in_block(known, layer)]
    sections = [Section("Numbers", found), Section("Why", sentences=tuple(sentences))]
    sections.append(Section("Around it", sentences=tuple(around)))
    title = f"{layer.path} ({layer.type}) of {known.summary.model.title}"
    facts = {"path": layer.path, "type": layer.type, "op": layer.op, "attributes": dict(layer.attributes)}
    return Explanation("layer", title, tuple(s for s in sections if s.derivations or s.sentences), facts)


def _weights(known: Known, layer: Layer, found: tuple[Derivation, ...]) -> Iterator[str]:
    if not layer.called:
        yield "It isn't called in this mode: it has parameters, and computes nothing."
    if layer.shared:
        yield f"It uses {_names(layer.shared)}, which an earlier layer counts already."
    yield from _bias(known, layer)
    groups, read = same(layer.attribute("groups")), layer.attribute("in_channels")
    if isinstance(read, int) and groups and groups > 1:
        if groups == read:
            yield f"Depthwise: each of its {read:,} channels has a kernel of its own, and none is mixed with another."
        else:
            yield (
                f"Its {groups} groups share no channels: each output reads {read // groups:,} of {read:,} channels, so "
                f"it has 1/{groups} of the weights and MACs of a convolution with one group."
            )
    statistics = [p for p in layer.parameters if p.role == "statistics"]
    if statistics:
        size = sum(p.size for p in statistics)
        word = (
            "are counted, as Keras does" if statistics[0].counted else "are not counted, as torch keeps them as buffers"
        )
        yield f"Its {size:,} moving statistics are not trained; they {word}."
    if layer.op == "batch_norm" and layer.macs == 0:
        yield "It counts no MACs: at inference it is a scale and a shift, which can be folded into the layer before it."
    if frozen := layer.count("frozen"):
        yield f"{frozen:,} of its parameters are frozen."
    if any(d.quantity in ("params", "macs") and d.formula is None for d in found):
        yield f"There is no formula for {_without(found)} here: {layer.op} has no rule that gives this number."


def _without(found: tuple[Derivation, ...]) -> str:
    return " and ".join(d.title for d in found if d.quantity in ("params", "macs") and d.formula is None)


def _bias(known: Known, layer: Layer) -> Iterator[str]:
    if layer.attribute("bias") is None or vocabulary.of(layer.op).family not in ("convolution", "product"):
        return
    norm = known.norm_behind(layer)
    size = next((p.size for p in layer.parameters if len(p.shape) == 1), None)
    centred = norm is not None and norm.op == "batch_norm"
    if layer.attribute("bias") is False and centred and norm is not None:
        yield (
            f"No bias: {norm.path} reads it, and a batch norm subtracts the mean of each channel, which takes any "
            "constant away (Ioffe and Szegedy 2015, section 3.2)."
        )
    elif layer.attribute("bias") and centred and norm is not None and size:
        yield (
            f"Its bias of {size:,} numbers has no effect: {norm.path} reads it, and a batch norm subtracts the mean of "
            "each channel (Ioffe and Szegedy 2015, section 3.2)."
        )
    elif layer.attribute("bias") and size:
        yield f"It has a bias, {size:,} numbers: no batch norm reads it, which would take a constant away."


def _window(layer: Layer) -> Iterator[str]:
    kernel, stride = same(layer.attribute("kernel_size")), same(layer.attribute("stride"))
    padding, dilation = same(layer.attribute("padding")), same(layer.attribute("dilation")) or 1
    if not kernel or not layer.input_tensors or not layer.output_tensors:
        return
    before, after = image(layer.input_tensors[0]), image(layer.output_tensors[0])
    if "transpose" in layer.op:
        if before != after:
            yield f"It makes the image larger: {before} -> {after}."
        return
    if kernel == 1 and vocabulary.of(layer.op).family == "convolution":
        yield "A 1x1 kernel looks at no neighbours: it mixes the channels of each position."
    if stride and stride > 1 and before and after:
        yield f"Its stride of {stride} makes the image smaller: {before} -> {after}."
    elif stride == 1 and kernel > 1 and before and before == after:
        span = dilation * (kernel - 1)
        if padding is not None and 2 * padding == span:
            yield f"Padding {padding} = {dilation}*({kernel}-1)/2 on each side keeps the size of the image, {after}."
    if dilation > 1:
        span = dilation * (kernel - 1) + 1
        yield f"Its dilation of {dilation} spreads {kernel} rows over {span}, with the same weights."


def _costs(layer: Layer) -> Iterator[str]:
    if layer.macs is None:
        yield "Its MACs are not known." + (f" At least: {layer.macs_at_least:,}." if layer.macs_at_least else "")
    elif layer.macs:
        flops = f"2*{layer.macs:,} = {2 * layer.macs:,} FLOPs"
        yield f"A MAC is a multiplication and an addition: {layer.macs:,} MACs are {flops}."
        family = vocabulary.of(layer.op).family
        kernels = [p.size for p in layer.parameters if len(p.shape) > 1] if family in ("convolution", "product") else []
        kernel = kernels[0] if len(kernels) == 1 else 0
        if kernel and layer.macs % kernel == 0 and layer.macs > kernel:
            yield f"Each weight is used {layer.macs // kernel:,} times: once for each position and image."


def _connections(known: Known, layer: Layer) -> Iterator[str]:
    if layer.inputs:
        yield f"It reads {_names([known.by_id[name].path for name in dict.fromkeys(layer.inputs)])}."
    readers = [reader.path for reader in known.readers.get(layer.id, [])]
    if readers:
        yield f"{few(list(dict.fromkeys(readers)))} {'reads' if len(set(readers)) == 1 else 'read'} it."
    elif layer.called:
        yield "Nothing reads it: it is a result of the network."


def _names(names: tuple[str, ...] | list[str]) -> str:
    return few(list(dict.fromkeys(names)))


def _in_block(known: Known, layer: Layer) -> Iterator[str]:
    inside = [b for b in known.blocks if layer.id in b.branch or layer.id in b.shortcut or layer.id == b.join]
    if not inside:
        return
    # Of blocks within blocks, the smallest.
    block = min(inside, key=lambda each: len(each.branch))
    if layer.id in block.branch:
        yield from _width(known, block, layer)
        yield from _place_of_stride(known, block, layer)
        fork, join = known.by_id[block.fork].path, known.by_id[block.join].path
        yield f"The shortcut of {block.path} passes over it, from {fork} to {join}. {shortcut(known, block)}"
    elif layer.id in block.shortcut:
        yield f"It stands on the shortcut of {block.path}. {shortcut(known, block)}"
    else:
        yield f"It adds the branch of {block.path} to its shortcut: both have one shape. {shortcut(known, block)}"


def _width(known: Known, block: Block, layer: Layer) -> Iterator[str]:
    trunk, (_, out) = known.trunk(block), block.channels
    if layer not in trunk or not layer.output_tensors:
        return
    width = channels_of(layer)
    name = {"bottleneck": "bottleneck", "pre-activation": "bottleneck", "inverted bottleneck": "inverted bottleneck"}
    if block.form not in name or len(trunk) < 3:
        return
    place = trunk.index(layer) + 1
    if width < out and out % width == 0:
        yield f"{width:,} channels = {out:,}/{out // width}: the {name[block.form]} of {block.path} is narrower inside."
    elif place == len(trunk):
        inner = channels_of(trunk[-2])
        if width > inner and width % inner == 0:
            yield f"{width:,} channels = {width // inner}*{inner:,}: the last convolution of the block widens again."
    elif width > block.channels[0] and width % block.channels[0] == 0:
        yield f"{width:,} channels = {width // block.channels[0]}*{block.channels[0]:,}: the block is wider inside."


def _place_of_stride(known: Known, block: Block, layer: Layer) -> Iterator[str]:
    found, kind = strided(known, block), version(known, block)
    trunk = known.trunk(block)
    if found is None or kind is None or layer not in trunk:
        return
    stride = same(found.attribute("stride"))
    if kind == "v2":
        if layer is found:
            yield f"{block.path} has its stride of {stride} here; norm and activation stand before: that is ResNet v2."
        return
    other, theirs = (trunk[0], "v1") if kind == "v1.5" else (trunk[1], "v1.5")
    if layer not in (found, other):
        return
    where = "here" if layer is found else f"in {found.path}"
    elsewhere = "here" if layer is other else f"in {other.path}"
    yield f"{block.path} has its stride of {stride} {where}, and not {elsewhere}: that is ResNet {kind}, not {theirs}."


def shortcut(known: Known, block: Block) -> str:
    """What the shortcut of a block does, and why it can't be simpler."""
    fork, join = known.by_id[block.fork], known.by_id[block.join]
    before, after = image(fork.output_tensors[0]), image(join.output_tensors[0])
    came, goes = block.channels
    if block.kind == "identity":
        return f"It is the identity: {came:,} channels{f' at {before}' if before else ''} go in and come out."
    if block.kind == "projection":
        params = sum(known.by_id[name].params for name in block.shortcut)
        changes = [f"{came:,} channels become {goes:,}"] if came != goes else []
        changes += [f"{before} becomes {after}"] if before != after else []
        why = " and ".join(changes)
        reason = f"is needed, since {why}" if why else "would not be needed: the shape stays"
        names = _names([known.by_id[name].path for name in block.shortcut])
        return f"It is a projection ({names}, {params:,} parameters), which {reason}."
    return (
        f"It is neither the identity nor a projection: {_names([known.by_id[name].path for name in block.shortcut])}."
    )
