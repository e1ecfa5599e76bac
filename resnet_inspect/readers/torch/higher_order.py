"""torch's operators that are given functions (``cond``, ``while_loop``, ``scan``): what they run is recorded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from .compat import DENSE, HigherOrderOperator

if TYPE_CHECKING:
    from .trace import Recorder


def run(recorder: Recorder, operator: HigherOrderOperator, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What the operator gives; its functions' operations are layers.

    A value decides which branch of ``cond`` runs, and how often the body of ``while_loop`` does: the dearer branch and
    one step stand for all, and the summary says so. Everything else runs as torch itself does without a compiler.
    """
    name = operator.name()
    if name in ("cond", "while_loop"):
        return (_dearer if name == "cond" else _once)(recorder, *args, **kwargs)
    if name in ("scan", "associative_scan"):
        return (_scan if name == "scan" else _associative_scan)(*args)
    dense = operator.py_kernels.get(DENSE)
    if dense is None:
        return operator(*args, **kwargs)
    if name == "flex_attention":
        return recorder.call_function(_Named(name, dense), args, kwargs)
    return dense(*args, **kwargs)


def _dearer(
    recorder: Recorder, _pred: Any, true_fn: Callable[..., Any], false_fn: Callable[..., Any], operands: Sequence[Any]
) -> Any:
    costs = []
    for branch in (true_fn, false_fn):
        taken = recorder.mark()
        branch(*operands)
        costs.append(recorder.cost_since(taken))
        recorder.take_back(taken)
    recorder.remarks["of cond, the branch with more MACs is shown"] = None
    return (true_fn if costs[0] >= costs[1] else false_fn)(*operands)


def _once(
    recorder: Recorder,
    cond_fn: Callable[..., Any],
    body_fn: Callable[..., Any],
    carried_inputs: Sequence[Any],
    additional_inputs: Sequence[Any] = (),
) -> Any:
    cond_fn(*carried_inputs, *additional_inputs)
    recorder.remarks["of while_loop, one step is counted"] = None
    # A body may give what it was given; its results are other tensors.
    found = body_fn(*carried_inputs, *additional_inputs)
    return tuple(recorder.renamed(item) if isinstance(item, Tensor) else item for item in found)


def _scan(
    combine_fn: Callable[..., Any],
    init: Sequence[Any],
    xs: Sequence[Any],
    additional_inputs: Sequence[Any] = (),
    *_: Any,
) -> list[Any]:
    """Step by step along the first dimension; torch's own kernel refuses to be watched."""
    carried, given = list(init), []
    for step in range(len(xs[0])):
        found = combine_fn(*carried, *(x[step] for x in xs), *additional_inputs)
        carried = list(found[: len(init)])
        given.append(found[len(init) :])
    return [*carried, *(torch.stack(column) for column in zip(*given, strict=True))]


def _associative_scan(
    combine_fn: Callable[..., Any], xs: Sequence[Any], additional_inputs: Sequence[Any] = (), *_: Any
) -> list[Any]:
    """From the first item to the last: as many steps as any order of them has at least."""
    found = [tuple(x[0] for x in xs)]
    for step in range(1, len(xs[0])):
        found.append(tuple(combine_fn(*found[-1], *(x[step] for x in xs), *additional_inputs)))
    return [torch.stack(column) for column in zip(*found, strict=True)]


class _Named:
    """A function under the name of the operator that it does the work of."""

    def __init__(self, name: str, function: Callable[..., Any]) -> None:
        self.__name__ = name
        self._function = function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._function(*args, **kwargs)
