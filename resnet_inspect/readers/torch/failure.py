"""What goes wrong while a torch module runs: told before torch does where its words are poor, or explained after."""

from __future__ import annotations

import re
from typing import Any

import torch
from torch import nn

from ... import ops
from ...errors import InputError, message
from ...ir import Attributes, Tensor, Value
from ...shape import CHANNELS_FIRST, format_shape
from ..code.user_code import place
from . import functions as torch_functions
from . import operators
from .compat import without_function_modes
from .parameters import is_lazy
from .tensors import dtype_name

#: Layers whose inputs our own rules judge, too.
_JUDGED = frozenset(
    op
    for op in ("embedding", *ops.RULES)
    if op.startswith(("conv1d", "conv2d", "conv3d", "max_pool", "avg_pool", "batch_norm", "dense", "embedding"))
)
#: Characters of an error that are more than a line.
_LONG = 200
#: What torch says where tensors on meta aren't enough: it would need values, or a formula for an operator of one's own.
_NO_VALUES = ("data-dependent", "no fake impl")
#: What the interpreter of TorchScript says first, and how it begins the line that tells what went wrong.
_SCRIPTS = "failed in the TorchScript interpreter"
_SCRIPTS_ERROR = re.compile(r"(?:[\w.]*(?:Error|Exception): )+(.+)")


#: What torch and torchvision say of a run in training that lacks something -> what to do.
_TRAINING = {
    "Expected more than 1 value per channel when training": "In training, BatchNorm needs a larger batch: --batch 2",
    "targets should not be none when in training mode": (
        "In training, the model reads targets beside its images: name a function that returns both, with --input-from"
    ),
}


class NotOnMetaError(Exception):
    """The model reads values, which tensors on meta haven't got."""


class LayerRefusedError(RuntimeError):
    """Our own word for what torch would refuse."""


class Failures:
    """Errors that came out of a layer, and what to tell the user about each.

    A model may catch its own errors: they pass through it as they are, and are explained only if they come out of it.
    """

    def __init__(self, model: str) -> None:
        self._model = model
        self._met: list[tuple[BaseException, str, str]] = []

    def add(self, error: Exception, path: str, kind: str, inputs: list[torch.Tensor]) -> None:
        """Remembers the layer that ``error`` comes out of, and the shapes that it met."""
        where = f"{path} ({kind})"
        shapes = " and ".join(f"{format_shape(t.shape)} {dtype_name(t)}" for t in inputs)
        if _needs_values(error):
            said = f"{where}: {_first_line(error)}"
        elif isinstance(error, LayerRefusedError):
            said = f"{where} {error}"
        else:
            said = f"{where} fails{' on ' * bool(shapes)}{shapes}: {_words(error)}"
        self._met.append((error, path, said))

    def explanation(self, error: BaseException, kind: str) -> Exception:
        """What to say of an error that came out: of a layer, or of the code between them, of class ``kind``."""
        where = f"{self._model}: {place(error)}"
        cause: BaseException | None = error
        while cause is not None:
            for known, path, said in self._met:
                if known is cause:
                    return NotOnMetaError(said) if _needs_values(known) else InputError(where + said, path)
            cause = cause.__cause__ or cause.__context__
        if self._met and _SCRIPTS in message(error):
            # The interpreter drops an error from Python, and raises its own.
            return self.explanation(self._met[-1][0], kind)
        if _needs_values(error):
            return NotOnMetaError(f"{kind}: {_first_line(error)}")
        return InputError(f"{where}its forward fails: {type(error).__name__}: {_first_line(error)}")


def is_judged(module: nn.Module, op: str) -> bool:
    """Whether our own rules know what a module's forward accepts: it is torch's own, and its sizes are known."""
    cls = operators.torch_class(module)
    return op in _JUDGED and cls is not None and type(module).forward is cls.forward and not is_lazy(module)


def judged(op: str, attributes: Attributes, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Calls a function inside of a well-known layer; our own words, where torch's are poor or it is too permissive.

    Torch on meta takes some tensors that no real run would take. The tensors are those of the call, whatever hooks made
    of the module's input and of its weights.

    Raises:
        RuntimeError: as torch itself would, because a model may catch it.
    """
    if torch_functions.function_op(torch_functions.function_name(func)) != op or not args:
        return func(*args, **kwargs)
    tensor, *others = args
    try:
        output = func(*args, **kwargs)
    except (RuntimeError, ValueError, IndexError) as error:
        with without_function_modes():
            said = _complaint(op, attributes, tensor, others)
        if said:
            raise LayerRefusedError(said) from error
        raise
    # Each look at a tensor's shape would go through the mode of the device.
    with without_function_modes():
        permissive = isinstance(output, torch.Tensor) and output.is_meta
        said = _complaint(op, attributes, tensor, others) if permissive else None
    if said:
        raise LayerRefusedError(said)
    return output


def check_autocast(inputs: list[torch.Tensor]) -> None:
    """Raises NotOnMetaError where autocast is on, which does nothing on meta."""
    if any(t.is_meta for t in inputs) and _autocast():
        raise NotOnMetaError("autocast has no effect")


def training_hint(error: InputError) -> str | None:
    """What a run in training lacked, where that is known."""
    return next((hint for words, hint in _TRAINING.items() if words in message(error)), None)


def _complaint(op: str, attributes: Attributes, tensor: torch.Tensor, others: list[Any]) -> str | None:
    """What our own rule has against a layer's input, if anything."""
    weight = next((item for item in others if isinstance(item, torch.Tensor)), None)
    shape = tuple(tensor.shape)
    dimensions = {"1d": 3, "2d": 4, "3d": 5}.get(op[-2:])
    if dimensions is not None and len(shape) == dimensions - 1:
        shape = (1, *shape)  # torch takes a single image, too
    given = {**dict(attributes), **_sizes(op, weight, dict(attributes).get("groups"))}
    try:
        if op != "batch_norm":
            _check_dtype(op, tensor, weight)
        if op != "embedding":
            ops.apply(op, given, [Tensor(shape, dtype_name(tensor), CHANNELS_FIRST.get(len(shape)))])
    except InputError as error:
        return message(error)
    return None


def _sizes(op: str, weight: torch.Tensor | None, groups: Value) -> dict[str, Value]:
    """What the weights of a call say of its sizes: a module's own attributes may be those of an earlier weight."""
    if weight is None:
        return {}
    if op == "batch_norm":
        return {"channels": weight.shape[0]}
    if op == "dense":
        return {"out_features": weight.shape[0], "in_features": weight.shape[-1]}
    if op.startswith("conv"):
        times = groups if isinstance(groups, int) else 1
        return {"out_channels": weight.shape[0], "in_channels": weight.shape[1] * times}
    return {}


def _check_dtype(op: str, tensor: torch.Tensor, weight: torch.Tensor | None) -> None:
    if op == "embedding":
        if tensor.dtype not in (torch.int32, torch.int64):
            raise InputError(f"expects int64 or int32 indices, got {dtype_name(tensor)}")
    elif weight is not None and tensor.dtype != weight.dtype and not _autocast():
        raise InputError(f"has {dtype_name(weight)} weights, got a {dtype_name(tensor)} input")


def _autocast() -> bool:
    return any(torch.is_autocast_enabled(kind) for kind in ("cpu", "cuda"))


def _needs_values(error: BaseException) -> bool:
    """Whether it fails for being on meta alone."""
    return isinstance(error, (NotOnMetaError, NotImplementedError)) or is_about_meta(error)


def is_about_meta(error: BaseException) -> bool:
    """Whether an error says that tensors on meta have no values."""
    said = message(error)
    return bool(re.search(r"\bmeta\b", said, re.IGNORECASE)) or any(word in said for word in _NO_VALUES)


def _words(error: BaseException) -> str:
    """The error's own, with its kind if torch doesn't say them; a KeyError is nothing but a key."""
    said = _first_line(error)
    return said if isinstance(error, RuntimeError) else f"{type(error).__name__}: {said}"


def _first_line(error: BaseException) -> str:
    lines = [line for line in message(error).splitlines() if line.strip()]
    if _SCRIPTS in "".join(lines[:1]):
        # It says what happened behind where it did.
        lines = [said[1] for said in map(_SCRIPTS_ERROR.match, lines) if said] or lines
    said = next(iter(lines), type(error).__name__)
    # The dispatcher's list of what it could have called is as long as a page.
    return said if len(said) < _LONG else said.partition(". ")[0]
