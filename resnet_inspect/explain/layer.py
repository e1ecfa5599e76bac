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
from .known import Known, image, pixels, same
from .versions import strided, version


def explain_layer(known: Known, layer: Layer) -> Explanation:
    """A layer's numbers and reasons."""
    found = derivations(layer, known.fields)
    sentences = [*_weights(known, layer, found), *_window(layer), *_costs(layer)]
    around = [*_connections(known, layer), *_in_block(known, layer)] if known.summary.has_graph else []
    sections = [Section("Numbers", found), Section("Why", sentences=tuple(sentences))]
    sections.append(Section("Around it", sentences=tuple(around)))
    title = f"{layer.path} ({layer.type}) of {known.summary.model.title}"
    facts = {"path": layer.path, "type": layer.type, "op": layer.op, "attributes": dict(layer.attributes)}
    return Explanation("layer", title, tuple(s for s in sections if s.derivations or s.sentences), facts)


def _weights(known: Known, layer: Layer, found: tuple[Derivation, ...]) -> Iterator[str]:
    if not layer.called:
        no_call = "No call of it was seen, so only its parameters are known."
        yield no_call if known.summary.has_graph else "Nothing ran: only its parameters are known."
    if layer.shared:
        yield f"It uses {_names(layer.shared)}, which an earlier layer counts already."
    yield from _bias(known, layer)
    groups, read, made = (same(layer.attribute(name)) for name in ("groups", "in_channels", "out_channels"))
    if read and made and groups and groups > 1 and read % groups == 0:
        if groups == read:
            kernels = "a kernel" if made == read else f"{made // read} kernels"
            yield f"Depthwise: each of its {read:,} channels has {kernels} of its own, and none is mixed with another."
        else:
            yield (
                f"Its {groups} groups share no channels: each output reads {read // groups:,} of {read:,} channels, so "
                f"it has 1/{groups} of the weights and MACs of a convolution with one group."
            )
    statistics = [p for p in layer.parameters if p.role == "statistics"]
    if statistics:
        size = sum(p.size for p in statistics)
        counted = {p.counted for p in statistics}
        keras = "they are counted as parameters, as Keras does" if counted == {True} else ""
        torch = "they are not counted as parameters, as torch keeps them as buffers" if counted == {False} else ""
        yield f"Its {size:,} statistics are not trained{'; ' * (len(counted) == 1)}{keras or torch}."
    if layer.op == "batch_norm" and layer.macs == 0:
        yield f"It counts no MACs: at inference it is one scale and one shift for each channel{_folded(known, layer)}."
    if frozen := layer.count("frozen"):
        yield f"{frozen:,} of its parameters are frozen."
    if known.summary.has_graph and _without(found):
        yield f"There is no formula for {_without(found)} here: no rule for {layer.op} gives this number."


def _folded(known: Known, norm: Layer) -> str:
    """A norm can be folded into the convolution or product before it, if nothing else reads that."""
    before = known.by_id[norm.inputs[0]] if len(norm.inputs) == 1 else None
    if before is None or vocabulary.of(before.op).family not in ("convolution", "product"):
        return ""
    return f", which can be folded into {before.path}" if known.normed_by(before) is norm else ""


def _without(found: tuple[Derivation, ...]) -> str:
    return " and ".join(d.title for d in found if d.quantity in ("params", "macs") and d.formula is None)


def _bias(known: Known, layer: Layer) -> Iterator[str]:
    if layer.attribute("bias") is None or vocabulary.of(layer.op).family not in ("convolution", "product"):
        return
    norm, size = known.normed_by(layer), next((p.size for p in layer.parameters if len(p.shape) == 1), None)
    if layer.attribute("bias") is False and norm is not None:
        yield (
            f"No bias: {norm.path} reads it, and a batch norm subtracts the mean of each channel, which takes any "
            "constant away (Ioffe and Szegedy 2015, section 3.2)."
        )
    elif layer.attribute("bias") and size and norm is not None:
        yield (
            f"Its bias of {size:,} numbers has no effect: {norm.path} reads it, and a batch norm subtracts the mean of "
            "each channel (Ioffe and Szegedy 2015, section 3.2)."
        )
    elif layer.attribute("bias") and size and all(r.op != "batch_norm" for r in known.readers.get(layer.id, [])):
        yield f"It has a bias of {size:,} numbers, as no batch norm follows that would take it away."


def _window(layer: Layer) -> Iterator[str]:
    kernel, stride = same(layer.attribute("kernel_size")), same(layer.attribute("stride"))
    padding, dilation = same(layer.attribute("padding")), same(layer.attribute("dilation")) or 1
    sizes = layer.attribute("kernel_size")
    if not kernel or not isinstance(sizes, tuple) or not layer.input_tensors or not layer.output_tensors:
        return
    before, after = image(layer.input_tensors[0]), image(layer.output_tensors[0])
    grows, shrinks = pixels(after) > pixels(before) > 0, 0 < pixels(after) < pixels(before)
    if "transpose" in layer.op:
        if grows or shrinks:
            yield f"It makes the image {'larger' if grows else 'smaller'}: {before} -> {after}."
        return
    is_convolution = vocabulary.of(layer.op).family == "convolution"
    if kernel == 1 and is_convolution:
        mixes = ": it mixes the channels of each position" if same(layer.attribute("groups")) == 1 else ""
        yield f"A kernel of {'x'.join(map(str, sizes))} looks at no neighbours{mixes}."
    if stride and stride > 1 and shrinks:
        yield f"Its stride of {stride} makes the image smaller: {before} -> {after}."
    elif stride == 1 and kernel > 1 and before and before == after:
        span = dilation * (kernel - 1)
        if padding is not None and 2 * padding == span:
            yield f"Padding {padding} = {dilation}*({kernel}-1)/2 on each side keeps the size of the image, {after}."
    if dilation > 1 and kernel > 1:
        span = dilation * (kernel - 1) + 1
        weights = ", with as many weights" if is_convolution else ""
        yield f"Its dilation of {dilation} spreads {kernel} rows over {span}{weights}."


def _costs(layer: Layer) -> Iterator[str]:
    if layer.macs is None and not layer.called:
        return
    if layer.macs is None:
        yield "Its MACs are not known." + (f" At least: {layer.macs_at_least:,}." if layer.macs_at_least else "")
    elif layer.macs:
        flops = f"2*{layer.macs:,} = {2 * layer.macs:,} FLOPs"
        yield f"A MAC is a multiplication and an addition: {layer.macs:,} MACs are {flops}."
        family = vocabulary.of(layer.op).family
        kernels = [p.size for p in layer.parameters if len(p.shape) > 1] if family in ("convolution", "product") else []
        kernel = kernels[0] if len(kernels) == 1 else 0
        if kernel and layer.macs % kernel == 0 and layer.macs > kernel:
            where = "each row that it reads"
            if family == "convolution":
                where = f"each position of its {'input' if 'transpose' in layer.op else 'output'}, in each image"
            yield f"Each weight is used {layer.macs // kernel:,} times: once for {where}."


def _connections(known: Known, layer: Layer) -> Iterator[str]:
    if layer.inputs:
        yield f"It reads {_names([known.by_id[name].path for name in dict.fromkeys(layer.inputs)])}."
    readers = [reader.path for reader in known.readers.get(layer.id, [])]
    if readers:
        yield f"{few(list(dict.fromkeys(readers)))} {'reads' if len(set(readers)) == 1 else 'read'} it."
    elif layer.called:
        alone = known.unread == (layer,)
        yield f"No layer reads it: it is {'the result' if alone else 'a result of the network, or nothing uses it'}."


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
        yield f"It is on the shortcut of {block.path}. {shortcut(known, block)}"
    else:
        yield f"It adds the branch and the shortcut of {block.path}, which have one shape. {shortcut(known, block)}"


def _width(known: Known, block: Block, layer: Layer) -> Iterator[str]:
    trunk, (_, out) = known.trunk(block), block.channels
    if layer not in trunk or not layer.output_tensors:
        return
    width = channels_of(layer)
    if block.form not in ("bottleneck", "pre-activation", "inverted bottleneck") or len(trunk) < 3 or not width:
        return
    inner, came = channels_of(trunk[-2]), block.channels[0]
    if block.form == "inverted bottleneck":
        if layer is not trunk[-1] and width > max(came, out) and came and width % came == 0:
            yield f"{width:,} channels = {width // came}*{came:,}: {block.path} is wider inside than at its ends."
    elif width < out and out % width == 0:
        yield f"{width:,} channels = {out:,}/{out // width}: the bottleneck of {block.path} is narrower inside."
    elif layer is trunk[-1] and width > inner > 0 and width % inner == 0:
        yield f"{width:,} channels = {width // inner}*{inner:,}: the last convolution of the block widens again."


def _place_of_stride(known: Known, block: Block, layer: Layer) -> Iterator[str]:
    found, kind = strided(known, block), version(known, block)
    trunk = known.trunk(block)
    if found is None or kind is None or layer not in trunk:
        return
    stride = same(found.attribute("stride"))
    if kind == "v2":
        if layer is found:
            yield f"{block.path} has its stride of {stride} here; norm and activation come before it, as in ResNet v2."
        return
    other, theirs = (trunk[0], "v1") if kind == "v1.5" else (trunk[1], "v1.5")
    if layer not in (found, other):
        return
    where = "here" if layer is found else f"in {found.path}"
    elsewhere = "here" if layer is other else f"in {other.path}"
    yield f"{block.path} has its stride of {stride} {where} and not {elsewhere}, as in ResNet {kind} and not {theirs}."


def shortcut(known: Known, block: Block) -> str:
    """What the shortcut of a block does, and why it can't be simpler."""
    ends = [known.by_id[name].output_tensors for name in (block.fork, block.join)]
    before, after = (image(made[0]) if made else "" for made in ends)
    came, goes = block.channels
    names = _names([known.by_id[name].path for name in block.shortcut])
    if block.kind == "identity":
        return (
            f"That shortcut is the identity: {came:,} channels{f' at {before}' if before else ''} go in and come out."
        )
    if block.kind == "projection":
        params = sum(known.by_id[name].params for name in block.shortcut)
        changes = [f"{came:,} channels become {goes:,}"] if came != goes else []
        changes += [f"{before} becomes {after}"] if before != after else []
        reason = f"is needed, since {' and '.join(changes)}" if changes else "the shape alone would not need"
        return f"That shortcut is a projection ({names}, {params:,} parameters), which {reason}."
    return f"That shortcut is neither the identity nor a projection: {names}."
