"""One run of a torch module, from what it is called with to a summary."""

from __future__ import annotations

import contextlib
import importlib.metadata
import platform
import sys
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from typing import Any

import torch
from torch import nn

from ... import process, units
from ...analysis.checkpoint_match import Entry
from ...call import Call
from ...errors import InputError, message
from ...host import machine
from ...ir import UNKNOWN, Decoding, Model, Parameter, Summary, Trace
from ...rows.builder import Keyed, Rows
from ...shape import Resolved, format_shape
from ...version import __version__
from . import operators
from .build import eager
from .compat import autocast_on_meta, compiling
from .failure import NotOnMetaError, training_hint
from .inputs import Decode, made
from .parameters import Parameters, is_lazy
from .state import in_training, kept_state
from .tensors import describe, dtype_name, tensors_in
from .trace import Recorder
from .walk import deeply, modules_of, tensors_of

#: A run listens to every module of the process, and sets switches that are the process's.
_ONE_AT_A_TIME = threading.RLock()
#: Complex types of weights -> what is mostly given to such a model: a signal.
_REAL = {"complex64": "float32", "complex128": "float64"}
#: What a model is called with: shapes and tensors in a row, a call, or a step of decoding.
Inputs = Sequence[Resolved | torch.Tensor] | Call | Decode
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
    inputs: Inputs,
    dtype: str,
    as_list: bool = False,
    rebuild: Callable[[], nn.Module] | None = None,
    recorder: type[Recorder] = Recorder,
    training: bool = False,
) -> Summary:
    """Runs the model once on meta, or on real tensors where it reads values: ``rebuild``'s, or else its own.

    Libraries skip what reads values while a compiler or an exporter traces them: that is tried in between.

    ``inputs`` stand in a row, or are a call whose leaves are ``Spec``s or tensors. ``dtype`` is of those without one.
    ``recorder``: a subclass for models that have an interpreter of their own. ``training``: the run is as in training.

    Raises:
        InputError: the forward fails, with the layer and the shapes that it met.
    """

    def attempt(inputs: Inputs) -> Summary:
        try:
            return _trace(model, described, inputs, dtype, as_list, rebuild, recorder, training)
        except InputError:
            if dtype not in _REAL:
                raise
            with contextlib.suppress(InputError):
                return _trace(model, described, inputs, _REAL[dtype], as_list, rebuild, recorder, training)
            raise

    row = () if isinstance(inputs, (Call, Decode)) else inputs
    read = [item for item in row if isinstance(item, Resolved)]
    try:
        return attempt(inputs)
    except InputError as error:
        lack = training_hint(error) if training else None
        if lack or not any(item.other for item in read):
            raise error.with_hint(lack or (read[0].hint if read else None)) from error
        try:
            return attempt([(item.other or item) if isinstance(item, Resolved) else item for item in row])
        except InputError:
            first = " and ".join(format_shape(item.shape) for item in read)
            second = " and ".join(format_shape((item.other or item).shape) for item in read)
            how = "is how the input was" if len(read) == 1 else "are how the inputs were"
            raise error.with_hint(f"{first} {how} read; as {second} it fails, too") from error


def held(model: nn.Module, described: Model) -> Summary:
    """What a model holds, without a run: a row for each leaf and for each module with weights of its own."""
    parameters = Parameters(model)
    owned: dict[str, list[Parameter]] = {}
    for parameter in parameters:
        owned.setdefault(parameter.name.rpartition(".")[0], []).append(parameter)
    rows = Rows(Keyed[str](lambda _: UNKNOWN))
    modules = modules_of(model)
    for path, module in modules:
        if path in owned or not module._modules:
            op, attributes = operators.describe_module(module)
            kind = type(module).__name__
            rows.add(path or kind, kind, op, (), (), owned.get(path, ()), attributes, macs=None)
    return Summary(
        model=described,
        inputs=(),
        outputs=(),
        layers=tuple(rows.layers),
        modules=tuple((path, type(module).__name__) for path, module in modules),
        trace=Trace("header", "no input was given, so nothing ran"),
        environment=_environment(),
    )


def _trace(
    model: nn.Module,
    described: Model,
    inputs: Inputs,
    dtype: str,
    as_list: bool,
    rebuild: Callable[[], nn.Module] | None,
    recorder: type[Recorder],
    training: bool,
) -> Summary:
    """The model's run with one reading of its inputs."""
    meta = Trace("meta", training=training)
    run = partial(_run, described=described, inputs=inputs, dtype=dtype, as_list=as_list, kind=recorder)
    try:
        with _ONE_AT_A_TIME:
            try:
                return deeply(model, lambda: run(model, trace=meta))
            except NotOnMetaError as error:
                values = f"on meta, {error}"
            except InputError as error:
                if "require grad" not in message(error):
                    raise
                # Physics and energies: their forward differentiates.
                return deeply(model, lambda: run(model, trace=meta, grad=True))
            with contextlib.suppress(NotOnMetaError, InputError), compiling():
                return deeply(model, lambda: run(model, trace=replace(meta, reason=f"as for an export: {values}")))
            _check_memory(model, described, values)
            real = rebuild() if rebuild else model
            return deeply(real, lambda: run(real, trace=Trace("real", values, training), zeros=rebuild is not None))
    except NotOnMetaError as error:
        raise InputError(f"{described.name}: {error}") from error


def _check_memory(model: nn.Module, described: Model, reason: str) -> None:
    """Raises InputError for a model whose real weights would take more than half of this machine's memory."""
    needed = sum(tensor.numel() * tensor.element_size() for _, tensor in tensors_of(model, "_parameters"))
    there = machine.memory()
    if 2 * needed > there:
        raise InputError(
            f"{described.name}: {reason}. It needs real tensors, and {units.binary(needed)} of weights are too much "
            f"for the {units.binary(there)} here: make it smaller with --arg, or change that line so that it works "
            "on meta tensors"
        )


def _run(
    model: nn.Module,
    described: Model,
    inputs: Inputs,
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
        if on_meta:
            # Real tensors are freed as early as they can be; those on meta take no memory.
            stack.enter_context(process.uncollected())
        stack.enter_context(kept_state(model, on_meta, grad))
        if trace.training:
            stack.enter_context(in_training(model))
        stack.enter_context(eager())
        if on_meta:
            stack.enter_context(device)
            stack.enter_context(autocast_on_meta())
        call: Sequence[Resolved | torch.Tensor] | Call
        cache = None
        if isinstance(inputs, Decode):
            earlier = made(inputs.prefill, device, dtype)
            # Unrecorded, and yet seen by a recorder: what is known on meta is known there, and failures are explained.
            prefilled = kind(model, described.name, zeros).record(
                lambda: model(*earlier.args, **earlier.kwargs), earlier.tensors
            )
            call, cache = inputs.step(prefilled)
        else:
            call = inputs
        given = made(call, device, dtype, as_list)
        if any(is_lazy(module) for _, module in modules_of(model)):
            # Its sizes are known after a first run.
            kind(model, described.name).size(lambda: model(*given.args, **given.kwargs))
            given = made(call, device, dtype, as_list)
        # What is kept of a cache has rows as an input has, but isn't what a person gives or gets.
        before = _cached(given.kwargs, cache)
        recorder = kind(model, described.name, zeros)
        output = recorder.record(lambda: model(*given.args, **given.kwargs), given.tensors)
        layers, unused = recorder.finish()
    after = _cached(output, cache)
    return Summary(
        model=described,
        inputs=tuple(recorder.edges.tensor(tensor) for _, tensor, _ in given.tensors if id(tensor) not in before),
        outputs=tuple(recorder.edges.tensor(tensor) for tensor in tensors_in(output) if id(tensor) not in after),
        layers=layers,
        modules=recorder.classes(),
        trace=replace(trace, reason="; ".join([*([trace.reason] if trace.reason else []), *recorder.remarks]) or None),
        unused=unused,
        decoding=_decoding(inputs.tokens, after.values()) if isinstance(inputs, Decode) else None,
        environment=_environment(),
    )


def _decoding(tokens: int, cache: Iterable[torch.Tensor]) -> Decoding:
    """What a cache keeps of the tokens; the counters of its windows, which are scalars, are nothing of theirs."""
    return Decoding(tokens, tuple(describe(tensor) for tensor in cache if tensor.ndim))


def _cached(holder: Mapping[str, Any], name: str | None) -> dict[int, torch.Tensor]:
    """The tensors of a cache, by their identities, where there is one of that name."""
    return {} if name is None else {id(tensor): tensor for tensor in tensors_in(holder[name])}


def _environment() -> tuple[tuple[str, str], ...]:
    used = [(name, _version(name)) for name in _LIBRARIES if name in sys.modules]
    return (
        ("resnet_inspect", __version__),
        ("python", platform.python_version()),
        ("torch", torch.__version__),
        *used,
    )


@cache
def _version(package: str) -> str:
    """Of what is imported: it stays the same, and is looked up in a file."""
    return importlib.metadata.version(package)
