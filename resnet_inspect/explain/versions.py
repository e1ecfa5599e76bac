"""ResNet v1, v1.5 and v2, told by where a block halves the image and where it normalises: by the graph, not by a name.

v1: the stride of a bottleneck is in its first 1x1 convolution (He et al. 2015, section 4.1). v1.5: it is in the 3x3
convolution, as in torchvision (https://pytorch.org/vision/stable/models/resnet.html). v2: norm and activation stand
before each convolution (He et al. 2016).
"""

from __future__ import annotations

from ..analysis.residual import Block
from ..ir import Layer
from .known import Known, same


def strided(known: Known, block: Block) -> Layer | None:
    """The layer of a bottleneck's branch that makes the image smaller."""
    if block.form not in ("bottleneck", "pre-activation"):
        return None
    found = [layer for layer in known.trunk(block) if (same(layer.attribute("stride")) or 1) > 1]
    return found[0] if len(found) == 1 else None


def version(known: Known, block: Block) -> str | None:
    """v1, v1.5 or v2 of one block; None where nothing tells: a basic block's are alike, as are those without stride."""
    if block.form == "pre-activation":
        return "v2"
    layer = strided(known, block)
    trunk = known.trunk(block)
    if layer is None or len(trunk) != 3 or layer is trunk[2]:
        return None
    return "v1" if layer is trunk[0] else "v1.5"


def network_version(known: Known) -> str | None:
    """The version that all blocks agree on which have one."""
    found = {version(known, block) for block in known.blocks} - {None}
    return found.pop() if len(found) == 1 else None
