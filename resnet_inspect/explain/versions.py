"""ResNet v1, v1.5 and v2, told by where a block halves the image and where it normalises: by the graph, not by a name.

v1: the stride of a bottleneck is in its first 1x1 convolution (He et al. 2015, section 4.1). v1.5: it is in the 3x3
convolution, as in torchvision (https://pytorch.org/vision/stable/models/resnet.html). v2: norm and activation stand
before each convolution (He et al. 2016).
"""

from __future__ import annotations

from ..analysis.residual import Block
from ..ir import Layer
from ..ops import vocabulary
from .known import Known, image, pixels, same


def strided(known: Known, block: Block) -> Layer | None:
    """The layer of a bottleneck's branch that makes the image smaller."""
    if block.form not in ("bottleneck", "pre-activation"):
        return None
    found = [layer for layer in known.trunk(block) if (same(layer.attribute("stride")) or 1) > 1]
    return found[0] if len(found) == 1 else None


def kernel_text(layer: Layer) -> str:
    """The size of a layer's kernel, ``3x3``; its type where it has none."""
    kernel = layer.attribute("kernel_size")
    return "x".join(map(str, kernel)) if isinstance(kernel, tuple) else layer.type


def version(known: Known, block: Block) -> str | None:
    """v1, v1.5 or v2 of one block; None where nothing tells: a basic block's are alike, as are those without stride."""
    if block.form == "pre-activation":
        return "v2" if all(_is_preactivated(known, each) for each in known.trunk(block)) else None
    layer = strided(known, block)
    trunk = known.trunk(block)
    if layer is None or len(trunk) != 3 or layer is trunk[2]:
        return None
    return "v1" if layer is trunk[0] else "v1.5"


def _is_preactivated(known: Known, layer: Layer) -> bool:
    """Whether a layer reads an activation of a norm, with nothing between them but padding and dropout."""
    wanted = ["norm", "activation"]
    while wanted and len(layer.inputs) == 1:
        layer = known.by_id[layer.inputs[0]]
        family = vocabulary.of(layer.op).family
        if family == wanted[-1]:
            wanted.pop()
        elif family != "dropout" and "pad" not in layer.op:
            return False
    return not wanted


def network_version(known: Known) -> str | None:
    """The version that all blocks agree on which have one."""
    found = {version(known, block) for block in known.blocks} - {None}
    return found.pop() if len(found) == 1 else None


def moved(known: Known, found: str) -> int | None:
    """How many more MACs a network of version ``found``, v1 or v1.5, has with its strides where the other has them.

    The first convolution works on as many positions as the second one gives then, or else on as many as it reads.
    None if a number isn't known.
    """
    more = 0
    for block in known.blocks:
        if version(known, block) != found:
            continue
        first, second = known.trunk(block)[:2]
        tensors = first.input_tensors if found == "v1" else second.output_tensors
        now, then = (pixels(image(made[0])) if made else 0 for made in (first.output_tensors, tensors))
        if first.macs is None or not now or not then:
            return None
        more += first.macs * then // now - first.macs
    return more
