"""TorchScript archives: their code is judged from its text, loaded on meta and run once by torch's interpreter."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ..call import Call
from ..errors import BadRequestError, ModelError, first_line
from ..ir import Model
from .archive import is_swollen
from .request import Answer, Request, check_settled
from .torch_build import with_zeros
from .torch_inputs import asked
from .torch_run import trace
from .torch_shapes import resolve_for
from .torch_state import quiet
from .torch_walk import modules_of
from .torchscript_rows import named_by_modules
from .torchscript_scan import danger

#: What a pickle calls the objects that hold quantised weights.
_PACKED = b"torch.classes.quantized"


def summarize(request: Request) -> Answer:
    """Summarises the TorchScript archive ``request.model``, which is loaded only if its code can do no harm.

    Raises:
        ModelError: the file can't be read, is damaged or refused.
        BadRequestError: no input is given, or something that a built model has settled.
        InputError: the input doesn't fit.
    """
    path = Path(request.model)
    check_settled(request, path.name, may=("--input-from", "--dtype"))
    call = asked(request)
    if not request.inputs and call is None:
        raise BadRequestError(f"{path.name} doesn't say what it reads: add --input 3x224x224")
    packed = check(path)
    model = _model(path, request, "meta", "cpu")
    inputs = call or [
        resolve_for(model, sizes, request.batch, request.layout, len(request.inputs) == 1) for sizes in request.inputs
    ]
    weights = (*model.parameters(), *model.buffers())
    floating = next((item.dtype for item in weights if item.is_floating_point()), getattr(torch, request.dtype))
    dtype = str(floating).removeprefix("torch.")
    described = Model(path.name, "torch", "torch.jit")
    # A fused kernel would hide the products of an LSTM.
    with torch.backends.mkldnn.flags(enabled=False):
        summary = trace(
            model, described, inputs, dtype, rebuild=lambda: with_zeros(lambda: _model(path, request, "cpu"))
        )
    notes = [item.note for item in inputs if item.note] if not isinstance(inputs, Call) else []
    if summary.totals.macs and not summary.totals.params and not packed:
        notes.append(f"{path.name} has no parameters: they are constants of its code, as torch.jit.freeze makes them")
    if packed:
        notes.append(f"{path.name} is quantised: its packed weights are no tensors, and aren't counted")
    modules = {place: _class(item) for place, item in modules_of(model)}
    return Answer(named_by_modules(summary, modules), tuple(notes))


def check(path: Path) -> bool:
    """Judges the code in an archive, of which nothing runs, and tells whether it holds packed weights.

    Raises:
        ModelError: the file can't be read, is damaged, or its code could do more than compute.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            swollen = next(filter(is_swollen, archive.infolist()), None)
        if swollen is not None:
            raise ModelError(f"{path.name} is refused: {swollen.filename} would have {swollen.file_size} bytes")
        # torch's own reader finds what the loader will find, whatever else is hidden in the file.
        reader = torch._C.PyTorchFileReader(str(path))
        names = reader.get_all_records()
        code = [(name, reader.get_record(name).decode()) for name in names if name.lower().endswith(".py")]
        pickles = [reader.get_record(name) for name in names if name.lower().endswith(".pkl")]
    except (RuntimeError, ValueError, zipfile.BadZipFile, OSError) as error:
        raise ModelError(f"{path.name} is damaged: {first_line(error)}") from error
    if not code:
        raise ModelError(f"{path.name} is no TorchScript archive: there is no code in it")
    found = danger(code, pickles)
    if found:
        raise ModelError(f"{path.name} is refused: its code calls {found}")
    return any(_PACKED in data for data in pickles)


def _model(path: Path, request: Request, *devices: str) -> Any:
    """The module in an archive on the first of ``devices`` where its parts (packed weights) can be."""
    errors: list[Exception] = []
    for device in devices:
        try:
            with quiet():
                model = torch.jit.load(str(path), map_location=device)
            return model if request.dtype == "float32" else model.to(getattr(torch, request.dtype))
        except (RuntimeError, ValueError) as error:
            errors.append(error)
    raise ModelError(f"{path.name} is damaged: {first_line(errors[-1])}") from errors[-1]


def _class(module: nn.Module) -> str:
    return str(getattr(module, "original_name", type(module).__name__))
