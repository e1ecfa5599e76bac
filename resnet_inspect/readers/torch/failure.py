"""What goes wrong while a torch module runs: told before torch does where its words are poor, or explained after."""

from __future__ import annotations

import re

import torch
from torch import nn

from ... import ops
from ...errors import InputError, message
from ...ir import Attributes, Tensor
from ...shape import CHANNELS_FIRST, format_shape
from ..code.user_code import place
from . import operators
from .parameters import is_lazy
from .tensors import dtype_name

#: Layers whose inputs our own rules judge before torch does.
_CHECKED = frozenset(
    op
    for op in ops.RULES
    if op.startswith(("conv1d", "conv2d", "conv3d", "max_pool", "avg_pool")) or op in ("batch_norm", "dense")
)
#: Characters of an error that are more than a line.
_LONG = 200
#: What torch says where tensors on meta aren't enough: it would need values, or a formula for an operator of one's own.
_NO_VALUES = ("data-dependent", "no fake impl")
#: What the interpreter of TorchScript says first, and how it begins the line that tells what went wrong.
_SCRIPTS = "failed in the TorchScript interpreter"
_SCRIPTS_ERROR = re.compile(r"(?:[\w.]*(?:Error|Exception): )+(.+)")


class NotOnMetaError(Exception):
    """The model reads values, which tensors on meta haven't got."""


class RefusedError(RuntimeError):
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
        elif isinstance(error, RefusedError):
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


def check(module: nn.Module, op: str, attributes: Attributes, inputs: list[torch.Tensor]) -> None:
    """Holds the inputs of a well-known layer against our own rules: torch's words on meta are poor.

    Raises:
        RuntimeError: as torch itself would, because a model may catch it.
        NotOnMetaError: autocast is on, which does nothing on meta.
    """
    if any(t.is_meta for t in inputs) and _autocast():
        raise NotOnMetaError("autocast has no effect")
    cls = operators.torch_class(module)
    if cls is None or type(module).forward is not cls.forward or len(inputs) != 1 or is_lazy(module):
        return
    (tensor,) = inputs
    weight = module._parameters.get("weight")
    try:
        if (weight is not None and op in ("dense", "embedding")) or op.startswith("conv"):
            _check_dtype(op, tensor, weight)
        if op in _CHECKED:
            shape = tuple(tensor.shape)
            dimensions = {"1d": 3, "2d": 4, "3d": 5}.get(op[-2:])
            if dimensions is not None and len(shape) == dimensions - 1:
                shape = (1, *shape)  # torch takes a single image, too
            layout = CHANNELS_FIRST.get(len(shape))
            ops.apply(op, dict(attributes), [Tensor(shape, dtype_name(tensor), layout)])
    except InputError as error:
        raise RefusedError(message(error)) from error


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
