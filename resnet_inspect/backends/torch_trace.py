"""One forward of a torch module, recorded as layers: leaf modules, functional operations, edges, MACs.

Three observers look at the same run. ``Module.__call__`` tells which module runs; a TorchFunctionMode tells
which function was called outside of leaf modules (a residual ``+``); a TorchDispatchMode sees the operators
that really ran, and counts their MACs with torch's own formulas. Edges come from the identity of tensors.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from .. import ops
from ..errors import InputError
from ..ir import Attributes, Layer, Parameter, Tensor
from ..shape import format_shape
from . import torch_ops

#: Modules with children that are one operation all the same: they use their children's weights themselves.
_COMPOSITE_LEAVES = (nn.MultiheadAttention,)

#: Operators that multiply matrices and that torch's formulas don't know.
_UNCOUNTED = (
    "lstm",
    "gru",
    "rnn",
    "cdist",
    "linalg",
    "fft",
    "trilinear",
    "int_mm",
    "int4pack",
    "addmv",
    "mv",
    "dot",
)
_STATISTICS = ("running_mean", "running_var")
#: Operators of torchvision that choose and sample, but don't multiply matrices.
_FREE = ("torchvision::nms", "torchvision::roi_align", "torchvision::roi_pool", "torchvision::ps_roi_align")


@dataclass
class _Frame:
    """A running module: its path, and how often each function was called directly in it."""

    path: str
    names: dict[str, int] = field(default_factory=dict)


@dataclass
class _Work:
    """What ran inside one layer. ``macs`` is None once something of unknown cost ran."""

    operators: int = 0
    macs: int | None = 0
    mutated: list[torch.Tensor] = field(default_factory=list)


class Recorder:
    """Records the layers of one run; ``record`` is the door."""

    def __init__(self, model: nn.Module, name: str) -> None:
        self.name = name
        self.layers: list[Layer] = []
        self.paths = {module: path for path, module in model.named_modules()}
        self.root = model
        self.parameters: dict[int, Parameter] = {}
        self._owners: dict[str, str] = {}
        self._read_parameters(model)
        self._claimed: set[str] = set()
        self._calls: dict[str, int] = {}
        self._producers: dict[int, tuple[weakref.ref[torch.Tensor], str, str | None]] = {}
        self._stack: list[_Frame] = [_Frame("")]
        self._work: _Work | None = None
        self._thread = threading.get_ident()

    def _read_parameters(self, model: nn.Module) -> None:
        for name, parameter in model.named_parameters():
            role = "trainable" if parameter.requires_grad else "frozen"
            self._know(name, parameter, role)
        for name, buffer in model.named_buffers():
            if name.rpartition(".")[2] in _STATISTICS:
                self._know(name, buffer, "statistics")

    def _know(self, name: str, tensor: torch.Tensor, role: str) -> None:
        shape = () if nn.parameter.is_lazy(tensor) else tuple(tensor.shape)
        self.parameters[id(tensor)] = Parameter(name, shape, _dtype(tensor), role, counted=role != "statistics")
        self._owners[name] = name.rpartition(".")[0]

    def record(self, run: Callable[[], Any], inputs: list[tuple[torch.Tensor, str | None]]) -> Any:
        """Runs ``run`` and records it; ``inputs`` are the tensors that it gets, with their layouts."""
        for tensor, layout in inputs:
            self._add("input", "Input", "input", [], [tensor], layouts=[layout])
        original = nn.Module.__call__
        recorder = self

        def call(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
            if threading.get_ident() != recorder._thread:
                return original(module, *args, **kwargs)
            return recorder.call_module(original, module, args, kwargs)

        nn.Module.__call__ = call
        try:
            with _Functions(self), _Operators(self):
                return run()
        finally:
            nn.Module.__call__ = original

    def call_module(self, original: Any, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A module's call: a layer if it is a leaf, else a frame around what it calls."""
        if self._work is not None:
            return original(module, *args, **kwargs)
        path = self.paths.get(module)
        if path is None:
            path = f"{self._stack[-1].path}.{type(module).__name__}".lstrip(".")
        if not _is_leaf(module):
            self._stack.append(_Frame(path))
            try:
                return original(module, *args, **kwargs)
            finally:
                self._stack.pop()
        op, attributes = torch_ops.describe_module(module)
        inputs = [t for t in tensors_in((args, kwargs)) if id(t) not in self.parameters]
        # A leaf that is the whole model has no name of its own.
        path = path or type(module).__name__
        self._check(path, module, op, attributes, inputs)
        versions = [_version(t) for t in inputs]
        work = self._work = _Work()
        try:
            output = original(module, *args, **kwargs)
        except Exception as error:
            raise self._failure(path, type(module).__name__, inputs, error) from error
        finally:
            self._work = None
        outputs = list(tensors_in(output))
        sources = self._sources(inputs)
        if type(output) is torch.Tensor:
            for tensor, version in zip(inputs, versions, strict=True):
                if output is tensor and version == _version(tensor):
                    # Passed through untouched (Identity, Dropout): a new name for it, so that whoever reads
                    # the original is not taken for a reader of this layer.
                    self._work = _Work()
                    output = tensor.view_as(tensor)
                    self._work = None
                    outputs = [output]
                    break
        used = [t for m in module.modules() for t in (*m._parameters.values(), *m._buffers.values()) if t is not None]
        self._add(path, type(module).__name__, op, inputs, outputs, attributes, work, used, sources=sources)
        return output

    def call_function(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A function called outside of any leaf module: a layer, if operators ran and tensors came out."""
        if self._work is not None or threading.get_ident() != self._thread:
            return func(*args, **kwargs)
        work = self._work = _Work()
        try:
            output = func(*args, **kwargs)
        except Exception as error:
            name = torch_ops.function_name(func)
            raise self._failure(self._inside(name), name, list(tensors_in((args, kwargs))), error) from error
        finally:
            self._work = None
        if work.operators:
            outputs = list(tensors_in(output)) or work.mutated[:1]
            if getattr(func, "__name__", "") == "__setitem__":
                outputs = [args[0]]
            if outputs:
                self._function_layer(torch_ops.function_name(func), args, kwargs, outputs, work)
        return output

    def run_operator(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """One operator: its cost goes to the layer that runs; outside of all it is a layer of its own."""
        output = func(*args, **kwargs)
        work = self._work or _Work()
        work.operators += 1
        cost = _macs(func, args, kwargs, output)
        work.macs = None if cost is None or work.macs is None else work.macs + cost
        if func._schema.is_mutable:
            work.mutated += [a for a in args[:1] if isinstance(a, torch.Tensor)]
        if self._work is None and threading.get_ident() == self._thread:
            outputs = list(tensors_in(output))
            if outputs:
                name = torch_ops.function_name(func._overloadpacket)
                self._function_layer(name, args, kwargs, outputs, work)
        return output

    def _function_layer(
        self,
        name: str,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        outputs: list[torch.Tensor],
        work: _Work,
    ) -> None:
        given = list(tensors_in((args, kwargs)))
        inputs = [t for t in given if id(t) not in self.parameters]
        used = [t for t in given if id(t) in self.parameters]
        if not used and work.macs == 0 and not any(self._producer(t) for t in inputs):
            # A constant: nothing of the network flows through it.
            return
        op = torch_ops.function_op(name)
        attributes = torch_ops.function_attributes(name, args, kwargs)
        if any(output is tensor for output in outputs for tensor in inputs):
            attributes = (*(item for item in attributes if item[0] != "inplace"), ("inplace", True))
        path = self._inside(name)
        self._add(path, name, op, inputs, outputs, attributes, work, used)

    def _inside(self, name: str) -> str:
        """The path of a function in the running module: ``layer1.0.add``, the next one ``layer1.0.add_1``."""
        frame = self._stack[-1]
        count = frame.names[name] = frame.names.get(name, -1) + 1
        local = f"{name}_{count}" if count else name
        return f"{frame.path}.{local}" if frame.path else local

    def _producer(self, tensor: torch.Tensor) -> tuple[str, str | None] | None:
        found = self._producers.get(id(tensor))
        return (found[1], found[2]) if found is not None and found[0]() is tensor else None

    def _sources(self, inputs: list[torch.Tensor]) -> list[tuple[torch.Tensor, str, str | None]]:
        """Those of the inputs that a layer produced; the others are constants."""
        found = [(tensor, self._producer(tensor)) for tensor in inputs]
        return [(tensor, *producer) for tensor, producer in found if producer is not None]

    def _add(
        self,
        path: str,
        kind: str,
        op: str,
        inputs: list[torch.Tensor],
        outputs: list[torch.Tensor],
        attributes: Attributes = (),
        work: _Work | None = None,
        used: list[torch.Tensor] | None = None,
        layouts: list[str | None] | None = None,
        sources: list[tuple[torch.Tensor, str, str | None]] | None = None,
    ) -> None:
        calls = self._calls[path] = self._calls.get(path, 0) + 1
        identity = path if calls == 1 else f"{path}:{calls}"
        sources = self._sources(inputs) if sources is None else sources
        if layouts is None:
            known = [layout for _, _, layout in sources]
            layouts = [torch_ops.output_layout(op, t.dim(), known) for t in outputs]
        names = list(dict.fromkeys(self.parameters[id(t)].name for t in used or () if id(t) in self.parameters))
        by_name = {p.name: p for p in (self.parameters[id(t)] for t in used or () if id(t) in self.parameters)}
        self.layers.append(
            Layer(
                id=identity,
                path=path,
                type=kind,
                op=op,
                inputs=tuple(source for _, source, _ in sources),
                input_tensors=tuple(_tensor(t, layout) for t, _, layout in sources),
                output_tensors=tuple(_tensor(t, layout) for t, layout in zip(outputs, layouts, strict=True)),
                parameters=tuple(by_name[name] for name in names if name not in self._claimed),
                shared=tuple(name for name in names if name in self._claimed),
                macs=work.macs if work else 0,
                attributes=attributes,
            )
        )
        self._claimed.update(names)
        for tensor, layout in zip(outputs, layouts, strict=True):
            self._producers[id(tensor)] = (weakref.ref(tensor), identity, layout)

    def _check(self, path: str, module: nn.Module, op: str, attributes: Attributes, inputs: list[torch.Tensor]) -> None:
        """Holds the inputs of a well-known layer against our own rules: torch's words on meta are poor."""
        cls = torch_ops.torch_class(module)
        if cls is None or type(module).forward is not cls.forward or len(inputs) != 1:
            return
        (tensor,) = inputs
        weight = module._parameters.get("weight")
        try:
            if (weight is not None and op in ("dense", "embedding")) or op.startswith("conv"):
                _check_dtype(op, tensor, weight)
            if op in ops.RULES and op not in ("adaptive_avg_pool2d", "flatten", "relu", "softmax"):
                shape = tuple(tensor.shape)
                dimensions = {"1d": 3, "2d": 4, "3d": 5}.get(op[-2:])
                if dimensions is not None and len(shape) == dimensions - 1:
                    shape = (1, *shape)  # torch takes a single image, too
                layout = torch_ops.output_layout("conv2d", len(shape), [])
                ops.apply(op, dict(attributes), [Tensor(shape, _dtype(tensor), layout)])
        except InputError as error:
            raise InputError(f"{self.name}: {path} ({type(module).__name__}) {error}") from error

    def _failure(self, path: str, kind: str, inputs: list[torch.Tensor], error: Exception) -> Exception:
        """``error`` with the layer and the shapes that it met; an error that has them already stays."""
        if isinstance(error, (InputError, NotOnMetaError)):
            return error
        if _is_about_meta(error):
            return NotOnMetaError(f"{path} ({kind}): {_first_line(error)}")
        shapes = " and ".join(f"{format_shape(t.shape)} {_dtype(t)}" for t in inputs) or "no tensor"
        return InputError(f"{self.name}: {path} ({kind}) fails on {shapes}: {_first_line(error)}")

    def failure_of_model(self, error: Exception) -> Exception:
        """An error that no layer is to blame for: it came out of a container's own code."""
        return self._failure(type(self.root).__name__, "forward", [], error)

    def describe(self, tensor: torch.Tensor) -> Tensor:
        """A tensor with the layout that the layer gave it."""
        producer = self._producer(tensor)
        return _tensor(tensor, producer[1] if producer else None)

    def finish(self) -> tuple[tuple[Layer, ...], tuple[str, ...]]:
        """All layers, with a place for parameters that no call used, and the names of those."""
        unclaimed = [p for p in self.parameters.values() if p.name not in self._claimed]
        unused = tuple(p.name for p in unclaimed if p.role != "statistics")
        by_owner: dict[str, list[Parameter]] = {}
        for parameter in unclaimed:
            by_owner.setdefault(self._owners[parameter.name], []).append(parameter)
        if not by_owner:
            return tuple(self.layers), ()
        first_inside: dict[str, int] = {}
        for index, layer in enumerate(self.layers):
            if layer.op != "input":
                parts = layer.path.split(".")
                for end in range(len(parts)):
                    first_inside.setdefault(".".join(parts[:end]), index)
        modules = dict(self.root.named_modules())
        for owner, parameters in by_owner.items():
            if owner in first_inside:
                index = first_inside[owner]
                layer = self.layers[index]
                self.layers[index] = replace(layer, parameters=(*layer.parameters, *parameters))
                continue
            op, attributes = torch_ops.describe_module(modules[owner])
            self.layers.append(
                Layer(
                    id=self._unique(owner),
                    path=owner,
                    type=type(modules[owner]).__name__,
                    op=op,
                    parameters=tuple(parameters),
                    attributes=attributes,
                    called=False,
                )
            )
        return tuple(self.layers), unused

    def _unique(self, path: str) -> str:
        calls = self._calls[path] = self._calls.get(path, 0) + 1
        return path if calls == 1 else f"{path}:{calls}"


class NotOnMetaError(Exception):
    """The model reads values, which tensors on meta haven't got."""


class _Functions(TorchFunctionMode):
    def __init__(self, recorder: Recorder) -> None:
        super().__init__()
        self.recorder = recorder

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return self.recorder.call_function(func, args, kwargs or {})


class _Operators(TorchDispatchMode):
    def __init__(self, recorder: Recorder) -> None:
        super().__init__()
        self.recorder = recorder

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return self.recorder.run_operator(func, args, kwargs or {})


def tensors_in(value: Any, depth: int = 8) -> Iterator[torch.Tensor]:
    """All tensors in nested containers, data classes and plain objects, in order."""
    if isinstance(value, torch.Tensor):
        yield value
    elif (
        value is None or isinstance(value, (str, bytes, int, float, torch.dtype, torch.device, nn.Module)) or not depth
    ):
        return
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from tensors_in(item, depth - 1)
    elif isinstance(value, (tuple, list, set, frozenset)):
        for item in value:
            yield from tensors_in(item, depth - 1)
    elif is_dataclass(value) and not isinstance(value, type):
        for entry in fields(value):
            yield from tensors_in(getattr(value, entry.name), depth - 1)
    elif type(value).__module__.startswith("torchvision."):
        yield from tensors_in(vars(value), depth - 1)


def tensor_of(tensor: torch.Tensor, layout: str | None = None) -> Tensor:
    """A torch tensor's description."""
    return _tensor(tensor, layout)


def _is_leaf(module: nn.Module) -> bool:
    children = [name for name in module._modules if name != "parametrizations"]
    return not children or isinstance(module, _COMPOSITE_LEAVES)


def _macs(func: Any, args: Any, kwargs: Any, output: Any) -> int | None:
    formula = flop_registry.get(func._overloadpacket)
    if formula is not None:
        return int(formula(*args, **kwargs, out_val=output)) // 2
    namespace, _, name = func._schema.name.partition("::")
    if namespace in ("aten", "prim", "prims"):
        plain = name.strip("_")
        if plain == "linalg_vector_norm":
            return 0  # a sum of squares, no matrix product
        words = plain.split("_")
        return None if any(u in words or ("_" in u and u in plain) for u in _UNCOUNTED) else 0
    return 0 if func._schema.name in _FREE else None


def _check_dtype(op: str, tensor: torch.Tensor, weight: torch.Tensor | None) -> None:
    if op == "embedding":
        if tensor.dtype not in (torch.int32, torch.int64):
            raise InputError(f"expects int64 or int32 indices, got {_dtype(tensor)}")
    elif weight is not None and tensor.dtype != weight.dtype and not torch.is_autocast_enabled(weight.device.type):
        raise InputError(f"has {_dtype(weight)} weights, got a {_dtype(tensor)} input")


def _is_about_meta(error: Exception) -> bool:
    return isinstance(error, NotImplementedError) or " meta" in str(error).lower() or "data-dependent" in str(error)


def _first_line(error: Exception) -> str:
    return next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)


def _version(tensor: torch.Tensor) -> int:
    return -1 if tensor.is_inference() else tensor._version


def _dtype(tensor: torch.Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _tensor(tensor: torch.Tensor, layout: str | None) -> Tensor:
    return Tensor(tuple(int(size) for size in tensor.shape), _dtype(tensor), layout)
