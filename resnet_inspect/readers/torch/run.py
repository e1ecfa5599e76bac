"""One run of a torch module, from what it is called with to a summary."""

from __future__ import annotations

import contextlib
import importlib.metadata
import platform
import sys
import threading
from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import nn

from ... import units
from ...analysis.fit import Entry
from ...call import Call
from ...errors import InputError, message
from ...host import machine
from ...ir import Model, Summary, Trace
from ...shape import Resolved
from ...version import __version__
from .build import eager
from .compat import autocast_on_meta, compiling
from .failure import NotOnMetaError
from .inputs import made
from .parameters import is_lazy
from .state import kept_state
from .tensors import dtype_name, tensors_in
from .trace import Recorder
from .walk import deeply, modules_of, tensors_of

#: A run listens to every module of the process, and sets switches that are the process's.
_ONE_AT_A_TIME = threading.RLock()
#: Packages whose versions a summary names if they took part.
_LIBRARIES = ("torchvision", "timm", "transformers")


def entries_of(model: nn.Module) -> tuple[Entry, ...]:
    """The entries of a module's state dictionary."""
    names: dict[int, list[str]] = {}
    for name, parameter in model.named_parameters(remove_duplicate=False):
        names.setdefault(id(parameter), []).append(name)
    tied = {name: tuple(other for other in same if other != name) for same in names.values() for name in same}
    return tuple(
        Entry(
            name,
            tuple(tensor.shape),
            dtype_name(tensor),
            optional=name.endswith("num_batches_tracked"),
            tied=tied.get(name, ()),
        )
        for name, tensor in model.state_dict().items()
        if isinstance(tensor, torch.Tensor)
    )


def trace(
    model: nn.Module,
    described: Model,
    inputs: Sequence[Resolved | torch.Tensor] | Call,
    dtype: str,
    as_list: bool = False,
    rebuild: Callable[[], nn.Module] | None = None,
    recorder: type[Recorder] = Recorder,
) -> Summary:
    """Runs the model once on meta, or on real tensors where it reads values: ``rebuild``'s, or else its own.

    Libraries skip what reads values while a compiler or an exporter traces them: that is tried in between.

    ``inputs`` stand in a row, or are a call whose leaves are ``Spec``s or tensors. ``dtype`` is of those without one.
    ``recorder``: a subclass for models that have an interpreter of their own.

    Raises:
        InputError: the forward fails, with the layer and the shapes that it met.
    """
    run = partial(_run, described=described, inputs=inputs, dtype=dtype, as_list=as_list, kind=recorder)
    hint = (
        None if isinstance(inputs, Call) else next((i.hint for i in inputs if isinstance(i, Resolved) and i.hint), None)
    )
    try:
        with _ONE_AT_A_TIME:
            try:
                return deeply(model, lambda: run(model, trace=Trace("meta")))
            except NotOnMetaError as error:
                values = f"on meta, {error}"
            except InputError as error:
                if "require grad" not in message(error):
                    raise
                # Physics and energies: their forward differentiates.
                return deeply(model, lambda: run(model, trace=Trace("meta"), grad=True))
            with contextlib.suppress(NotOnMetaError, InputError), compiling():
                return deeply(model, lambda: run(model, trace=Trace("meta", f"as for an export: {values}")))
            _check_memory(model, described, values)
            real = rebuild() if rebuild else model
            return deeply(real, lambda: run(real, trace=Trace("real", values), zeros=rebuild is not None))
    except NotOnMetaError as error:
        raise InputError(f"{described.name}: {error}") from error
    except InputError as error:
        raise error.with_hint(hint) from error


def _check_memory(model: nn.Module, described: Model, reason: str) -> None:
    """Raises InputError for a model whose real weights would take more than half of this machine's memory."""
    needed = sum(tensor.numel() * tensor.element_size() for _, tensor in tensors_of(model, "_parameters"))
    there = machine.memory()
    if 2 * needed > there:
        raise InputError(
            f"{described.name}: {reason}. It needs real tensors, and {units.binary(needed)} of weights are too much "
            f"for the {units.binary(there)} here: make it smaller with --arg, or mend that line for meta tensors"
        )


def _run(
    model: nn.Module,
    described: Model,
    inputs: Sequence[Resolved | torch.Tensor] | Call,
    dtype: str,
    as_list: bool,
    kind: type[Recorder],
    trace: Trace,
    grad: bool = False,
    zeros: bool = False,
) -> Summary:
    on_meta = trace.method == "meta"
    first = next((parameter for _, parameter in tensors_of(model, "_parameters")), None)
    device = torch.device("meta") if on_meta else first.device if first is not None else torch.device("cpu")
    with contextlib.ExitStack() as stack:
        stack.enter_context(kept_state(model, on_meta, grad))
        stack.enter_context(eager())
        if on_meta:
            stack.enter_context(device)
            stack.enter_context(autocast_on_meta())
        given = made(inputs, device, dtype, as_list)
        if any(is_lazy(module) for _, module in modules_of(model)):
            # Its sizes are known after a first run.
            kind(model, described.name).size(lambda: model(*given.args, **given.kwargs))
            given = made(inputs, device, dtype, as_list)
        recorder = kind(model, described.name, zeros)
        output = recorder.record(lambda: model(*given.args, **given.kwargs), given.tensors)
        layers, unused = recorder.finish()
    return Summary(
        model=described,
        inputs=tuple(recorder.edges.tensor(tensor) for _, tensor, _ in given.tensors),
        outputs=tuple(recorder.edges.tensor(tensor) for tensor in tensors_in(output)),
        layers=layers,
        modules=recorder.classes(),
        trace=trace,
        unused=unused,
        environment=_environment(),
    )


def _environment() -> tuple[tuple[str, str], ...]:
    used = [(name, importlib.metadata.version(name)) for name in _LIBRARIES if name in sys.modules]
    return (
        ("resnet_inspect", __version__),
        ("python", platform.python_version()),
        ("torch", torch.__version__),
        *used,
    )
