"""A node of autograd's graph, with what it holds in memory and for how long."""

from __future__ import annotations

from dataclasses import dataclass, field

from ...ir import Parameter, Shape, Tensor
from .strides import Strides


@dataclass(slots=True, eq=False, repr=False)
class Operation:
    """A node of autograd's graph. It gives one value, which others name by the operation's position.

    Bytes are counted without elements whose width isn't known.
    """

    layer: str
    path: str
    reads: tuple[int, ...]
    tensors: tuple[Tensor, ...]
    #: In whose memory the result lies; None: its own.
    within: int | None = None
    #: Whether the result is seen in a weight's memory.
    of_weight: bool = False
    #: Whether the backward pass runs through it.
    differentiated: bool = True
    keeps: tuple[int, ...] = ()
    #: Bytes of its own that it keeps for the backward pass.
    keeps_besides: int = 0
    #: Whether these are there before it runs: the noise of a dropout of whole images or channels.
    draws: bool = False
    #: Whether the autocast context caches it until the forward pass ends.
    cached: bool = False
    #: Bytes alive while it runs forward, beside what it reads and gives.
    forward: int = 0
    gradient: str = "new"
    trained: tuple[Parameter, ...] = ()
    #: Whether its bytes are a lower bound.
    unknown: bool = False
    #: How far apart the elements of its first tensor lie.
    strides: Strides = ()
    #: Bytes of the result.
    size: int = field(init=False)

    def __post_init__(self) -> None:
        size = 0
        for tensor in self.tensors:
            size += tensor.bytes or 0
        self.size = size

    @property
    def shape(self) -> Shape:
        """Shape of the first tensor."""
        return self.tensors[0].shape if self.tensors else ()

    @property
    def dtype(self) -> str:
        """Element type of the result."""
        return self.tensors[0].dtype if self.tensors else "unknown"
