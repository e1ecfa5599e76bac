"""TorchScript archives: read without torch's loader, their code run once by an interpreter of our own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn

from ...call import Call
from ...errors import BadRequestError, InspectError, ModelError, first_line
from ...ir import Model
from ..request import Answer, Request, check_settled
from ..torch.build import with_zeros
from ..torch.inputs import asked
from ..torch.inputs.shapes import resolve_for, said_of
from ..torch.run import trace
from ..torch.walk import modules_of
from .archive import Archive
from .modules import Packed
from .pickle import RefusedArchiveError
from .rows import OperatorRecorder
from .run import Program

#: Characters of a message that names what a file says.
_LONG = 300


def summarize(request: Request) -> Answer:
    """Summarises the TorchScript archive ``request.model``. torch's loader and interpreter never see it.

    Raises:
        ModelError: the file can't be read, is damaged, or its code does what isn't read.
        BadRequestError: no input is given, or something that a built model has settled.
        InputError: the input doesn't fit.
    """
    path = Path(request.model)
    check_settled(request, path.name, takes=("input-from", "dtype"))
    call = asked(request)
    if not request.shapes and call is None:
        raise BadRequestError(f"the input of {path.name} is unknown: add --input 3x224x224")
    try:
        with Archive(path) as archive:
            return _summary(archive, path, request, call)
    except RefusedArchiveError as error:
        # Names of the file's are in it.
        said = "".join(sign if sign.isprintable() else "?" for sign in str(error))
        raise ModelError(f"{path.name} is refused: {said[:_LONG]}") from error
    except InspectError:
        raise
    except RecursionError as error:
        raise ModelError(f"{path.name} is refused: its code or its modules are nested too deeply") from error
    except MemoryError as error:
        raise ModelError(f"{path.name} is refused: it takes more memory than there is") from error
    except Exception as error:
        # Whatever a strange file breaks, it is the file that is strange.
        raise ModelError(f"{path.name} is damaged: {type(error).__name__}: {first_line(error)}") from error


def _summary(archive: Archive, path: Path, request: Request, call: Call | None) -> Answer:
    model = _model(archive, request, "meta")
    inputs = call or [
        resolve_for(model, sizes, request.batch, request.layout, len(request.shapes) == 1) for sizes in request.shapes
    ]
    weights = (*model.parameters(), *model.buffers())
    floating = next((item.dtype for item in weights if item.is_floating_point()), getattr(torch, request.dtype))
    dtype = str(floating).removeprefix("torch.")
    described = Model(path.name, "torch", "torch.jit")
    # A fused kernel would hide the products of an LSTM.
    with torch.backends.mkldnn.flags(enabled=False):
        summary = trace(
            model,
            described,
            inputs,
            dtype,
            rebuild=lambda: with_zeros(lambda: _model(archive, request, "cpu")),
            recorder=OperatorRecorder,
        )
    notes = [] if isinstance(inputs, Call) else [*said_of(inputs, summary)]
    packed = any(_is_packed(value) for _, item in modules_of(model) for value in vars(item).get("values", {}).values())
    if summary.totals.macs and not summary.totals.params and not packed:
        notes.append(f"{path.name} has no parameters: they are constants of its code, as torch.jit.freeze makes them")
    if packed:
        notes.append(f"{path.name} is quantised: its packed weights are not tensors, and aren't counted")
    return Answer(summary, tuple(notes))


def _model(archive: Archive, request: Request, device: str) -> Any:
    """The root module, with weights on meta, or zeros; its forward runs the archive's code."""
    model = Program(archive, device).model
    if request.dtype != "float32":
        # Module.to would go through a module that is used twice twice, and through its own once more.
        for _, module in modules_of(model):
            for store in (module._parameters, module._buffers):
                for name, tensor in store.items():
                    if tensor is not None and tensor.is_floating_point():
                        store[name] = _cast(tensor, getattr(torch, request.dtype))
    return model


def _cast(tensor: Any, dtype: torch.dtype) -> Any:
    if not isinstance(tensor, nn.Parameter):
        return tensor.to(dtype)
    tensor.data = tensor.data.to(dtype)
    return tensor


def _is_packed(value: Any) -> bool:
    return isinstance(value, Packed)
