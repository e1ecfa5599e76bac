"""What runs inside of a leaf, a module without children, and whether it has rows of its own or is one row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from torch import nn

from ...ir import Attributes
from ...ops import vocabulary
from . import functions, operators
from .tensors import dtype_name, tensors_in

#: Modules with children that are one operation all the same: they use their children's weights themselves.
_COMPOSITE_LEAVES = (nn.MultiheadAttention,)
#: The families of operators that are all that a leaf does if it calls one of them and nothing else.
_ALONE = ("activation", "elementwise")
#: Those whose results are as large as what they read, or have one number for its last dimension.
_BY_ELEMENT = (*_ALONE, "reduction")
#: Functions that copy a tensor to another element type.
_CASTS = ("bfloat16", "double", "float", "half", "to", "type", "type_as")


@dataclass
class Work:
    """What ran inside one layer. ``macs`` is None once something of unknown cost ran, ``known`` what the rest costs."""

    operators: int = 0
    macs: int | None = 0
    known: int = 0
    mutated: list[torch.Tensor] = field(default_factory=list)

    def include(self, part: Work) -> None:
        """Adds what a part of it did."""
        self.operators += part.operators
        self.macs = None if self.macs is None or part.macs is None else self.macs + part.macs
        self.known += part.known
        self.mutated += part.mutated


class FunctionCall(NamedTuple):
    """A function that was called, the tensors that it gave, and its work."""

    func: Any
    args: Sequence[Any]
    kwargs: Mapping[str, Any]
    outputs: list[torch.Tensor]
    work: Work


@dataclass
class Leaf:
    """A leaf with a forward of its user's, while it runs: its calls are kept until it is known whether they are rows.

    A leaf is opened, so that its operations are rows, if it calls another module, or if more than one of its operations
    multiplies matrices and it is none of torch's layers. A norm or an activation written by hand stays one row.
    """

    path: str
    is_ours: bool
    op: str
    work: Work
    calls: list[FunctionCall] = field(default_factory=list)
    is_open: bool = False

    def is_opened_by(self, path: str | None, module: nn.Module) -> bool:
        """Whether the call of this module has rows: the model's has, or, if it was made on the way, one with weights.

        What computes a weight of the leaf, by a parametrization, is a part of the leaf.
        """
        if path is None:
            return any(True for _ in module.parameters())
        inside = f"{self.path}.parametrizations.".lstrip(".")
        return not path.startswith(inside)

    def multiplies_often(self) -> bool:
        """Whether several of its operations multiply matrices, and no known layer's name tells what they are."""
        return self.op == "other" and sum(call.work.known > 0 for call in self.calls) > 1

    def word(
        self,
        attributes: Attributes,
        given: Sequence[torch.Tensor],
        weights: Mapping[torch.Tensor, str],
        made: Sequence[torch.Tensor],
    ) -> tuple[str, Attributes]:
        """What a leaf that has no op of its own does, and its settings: what the only function does that it calls.

        Where it calls several on the tensor that it was ``given``, as a norm written by hand does, it stays ``other``,
        and its ``steps`` are among its settings. Where no function reads a real number of that or of its ``weights``
        (parameters and their names), as where angles of positions are computed, what it has ``made`` is a constant.
        """
        if self._is_constant(given, weights, made):
            return "fill", attributes
        if len(self.calls) != 1:
            steps = self._steps(given, weights)
            return "other", (*attributes, ("steps", steps)) if steps else attributes
        call = self.calls[0]
        op, settings = functions.describe_function(call.func, call.args, call.kwargs)
        if vocabulary.of(op).family not in _ALONE:
            return "other", attributes
        return op, tuple({**dict(settings), **dict(attributes)}.items())

    def _is_constant(
        self, given: Sequence[torch.Tensor], weights: Mapping[torch.Tensor, str], made: Sequence[torch.Tensor]
    ) -> bool:
        real = {id(tensor) for tensor in given if tensor.is_floating_point() or tensor.is_complex()}
        real.update(map(id, weights))
        read = (tensor for call in self.calls for tensor in tensors_in((call.args, call.kwargs)))
        own = {id(tensor) for call in self.calls for tensor in call.outputs}
        return bool(made) and own.issuperset(map(id, made)) and not any(id(tensor) in real for tensor in read)

    def _steps(self, given: Sequence[torch.Tensor], weights: Mapping[torch.Tensor, str]) -> tuple[str, ...]:
        """Each function that was called: its word and what it reads, 0 for what was given, n for the n-th, or a weight.

        Behind these stands the element type of its result, if it isn't that of what was given. Nothing if one reads a
        constant, or gives a shape that neither is that of what was given nor has one number for its last dimension.
        """
        if len(given) != 1:
            return ()
        whole, names = given[0], {id(given[0]): "0"}
        found: list[str] = []
        for number, call in enumerate(self.calls, 1):
            word, _ = functions.describe_function(call.func, call.args, call.kwargs)
            if functions.function_name(call.func) in _CASTS:
                word = "copy"
            read = [weights.get(t) or names.get(id(t)) for t in tensors_in((call.args, call.kwargs))]
            if not (word == "copy" or vocabulary.of(word).family in _BY_ELEMENT) or None in read:
                return ()
            if len(call.outputs) != 1 or call.outputs[0].shape not in (whole.shape, (*whole.shape[:-1], 1)):
                return ()
            output = call.outputs[0]
            names[id(output)] = str(number)
            dtype = () if output.dtype == whole.dtype else (dtype_name(output),)
            found.append(" ".join((word, *map(str, read), *dtype)))
        return tuple(found)


def is_leaf(module: nn.Module) -> bool:
    """Whether a module is called for what it computes itself, not for its children."""
    # A scripted module's own dictionary can't be iterated, only its keys can.
    children = [name for name in module._modules.keys() if name != "parametrizations"]  # noqa: SIM118
    return not children or isinstance(module, _COMPOSITE_LEAVES) or operators.is_packed(module)


def is_users(module: nn.Module) -> bool:
    """Whether a module's forward isn't torch's own; a script's runs where nobody hears functions."""
    written_in: str = getattr(type(module).forward, "__module__", None) or ""
    return not isinstance(module, torch.jit.ScriptModule) and written_in.partition(".")[0] != "torch"
