"""Rules on how a network hangs together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from ..errors import ModelError
from ..ir import Layer, Summary, Tensor
from ..shape import format_shape
from .rule import Case, Finding, Rule, layer, network

#: Layers that a search for branches without a use looks at, a second's worth.
_MOST_STEPS = 2_000_000
_CHAIN = (layer("conv", "conv2d", params=36, macs=9), layer("relu", "relu", "conv"))


class EqualSkips(Rule):
    """Every skip connection adds tensors of the same shape.

    Frameworks stretch a size of 1 to whatever the other tensor has. In a residual addition that is hardly ever meant:
    a feature map reduced to 1x1 would be added to every pixel.
    """

    name: ClassVar[str] = "equal-skips"
    on_edges: ClassVar[bool] = True
    message: ClassVar[str] = "the skip connection adds {shapes}, which are stretched to fit one another"
    valid: ClassVar[tuple[Case, ...]] = (
        Case("a residual block", network(*_CHAIN, layer("add", "add", "relu input"))),
        Case(
            "a bias that no skip connection brings",
            network(layer("bias", "other", "", (1, 4, 1, 1)), *_CHAIN, layer("add", "add", "relu bias")),
        ),
    )
    invalid: ClassVar[tuple[Case, ...]] = (
        Case(
            "a pooled tensor is added",
            network(*_CHAIN, layer("pool", "avg_pool2d", "conv", (1, 4, 1, 1)), layer("add", "add", "relu pool")),
        ),
    )

    def check(self, summary: Summary) -> Iterator[Finding]:
        from_input = _reached_from_input(summary.layers)
        for found in summary.layers:
            if found.op != "add":
                continue
            both = zip(found.inputs, found.input_tensors, strict=True)
            tensors = [tensor for source, tensor in both if source in from_input]
            shapes = [tensor.shape for tensor in tensors]
            if len(set(shapes)) > 1 and all(map(_is_feature_map, tensors)):
                yield Finding("fail", self.message.format(shapes=" and ".join(map(format_shape, shapes))), found.id)


class UnusedParameters(Rule):
    """The forward pass uses every parameter.

    One that it doesn't use is stored, loaded and given to the optimizer for nothing, and distributed training
    stops because of it. Auxiliary heads that only training runs are used with `--mode train`.
    """

    name: ClassVar[str] = "unused-parameters"
    on_edges: ClassVar[bool] = True
    message: ClassVar[str] = "no call uses {names}"
    valid: ClassVar[tuple[Case, ...]] = (Case("all used", network(*_CHAIN)),)
    invalid: ClassVar[tuple[Case, ...]] = (Case("a forgotten head", network(*_CHAIN, unused=("head.weight",))),)

    def check(self, summary: Summary) -> Iterator[Finding]:
        if names := summary.unused:
            more = f" and {len(names) - 3} more" if len(names) > 3 else ""
            advice = " in eval mode; --mode train may use them" if summary.may_train_unused else ""
            # What a module holds itself is counted in a layer inside it, where nobody would look for it.
            idle = {weight.name: one.id for one in summary.layers if not one.called for weight in one.parameters}
            owners = (idle.get(name, name.replace("/", ".").rpartition(".")[0]) for name in names)
            places = tuple(dict.fromkeys(owners))
            yield Finding("fail", self.message.format(names=", ".join(names[:3]) + more) + advice, places=places)


class DeadBranch(Rule):
    """Everything that costs something contributes to an output.

    A branch that holds parameters or multiply-adds and whose result nothing reads is work for nothing, often
    the trace of a skip connection that a change lost.
    """

    name: ClassVar[str] = "dead-branch"
    on_edges: ClassVar[bool] = True
    message: ClassVar[str] = "nothing reads its output{more}"
    valid: ClassVar[tuple[Case, ...]] = (
        Case(
            "two heads are two outputs",
            network(
                *_CHAIN, layer("a", "dense", "relu", (1, 2), 8), layer("b", "dense", "relu", (1, 3), 12), outputs=2
            ),
        ),
    )
    invalid: ClassVar[tuple[Case, ...]] = (
        Case(
            "a head that isn't returned",
            network(*_CHAIN, layer("lost", "dense", "relu", (1, 2), 8), layer("head", "dense", "relu", (1, 3), 12)),
        ),
    )

    def check(self, summary: Summary) -> Iterator[Finding]:
        by_id = {found.id: found for found in summary.layers}
        alive = _ancestors(_outputs(summary), by_id)
        dead = [found for found in summary.layers if found.called and found.op != "input" and found.id not in alive]
        read = {source for found in dead for source in found.inputs}
        without_use = {found.id: found for found in dead}
        left = _MOST_STEPS
        for end in dead:
            if end.id not in read:
                branch = [without_use[name] for name in _ancestors([end], without_use)]
                left -= len(branch)
                if left < 0:
                    raise ModelError("too many layers without a use lead to one another")
                if any(found.parameters or found.macs for found in branch):
                    more = f", for which {len(branch) - 1} more layers work" if len(branch) > 1 else ""
                    yield Finding("fail", self.message.format(more=more), end.id)


class Counted(Rule):
    """The multiply-adds of every layer are known.

    Only with `--strict`, where a layer that nobody can count ends in exit code 5; otherwise the totals say what they
    leave out.
    """

    name: ClassVar[str] = "counted"
    message: ClassVar[str] = "its MACs aren't known"
    valid: ClassVar[tuple[Case, ...]] = (Case("all known", network(*_CHAIN)),)
    invalid: ClassVar[tuple[Case, ...]] = (Case("a custom operation", network(layer("custom", "other", macs=None))),)

    def check(self, summary: Summary) -> Iterator[Finding]:
        for name in summary.totals.uncounted:
            yield Finding("strict", self.message, name)


def _is_feature_map(tensor: Tensor) -> bool:
    """Or a sequence. Boxes (2-D) and masks of attention windows (5-D and more) are stretched on purpose."""
    return len(tensor.shape) in (3, 4) or tensor.layout is not None


def _reached_from_input(layers: Sequence[Layer]) -> set[str]:
    reached: set[str] = set()
    for found in layers:
        if found.op == "input" or not reached.isdisjoint(found.inputs):
            reached.add(found.id)
    return reached


def _ancestors(ends: Sequence[Layer], by_id: dict[str, Layer]) -> set[str]:
    """The layers of ``by_id`` that lead to ``ends``, and these themselves."""
    found = {end.id for end in ends}
    waiting = list(ends)
    while waiting:
        for source in waiting.pop().inputs:
            if source not in found and source in by_id:
                found.add(source)
                waiting.append(by_id[source])
    return found


def _outputs(summary: Summary) -> list[Layer]:
    """The layers that make the outputs: those that nothing reads and that give such a tensor."""
    wanted = {(tensor.shape, tensor.dtype) for tensor in summary.outputs}
    read = {source for found in summary.layers for source in found.inputs}
    ends = [found for found in summary.layers if found.called and found.id not in read]
    found = [end for end in ends if any((tensor.shape, tensor.dtype) in wanted for tensor in end.output_tensors)]
    # An output that other layers read as well is the end of no branch.
    return found or list(summary.layers[-1:])
