"""One forward of a torch module, recorded as layers: leaf modules, functional operations, edges, MACs.

Three observers look at the same run. ``Module.__call__`` tells which module runs; a TorchFunctionMode tells
which function was called outside of leaf modules (a residual ``+``); a TorchDispatchMode sees the operators
that really ran, and counts their MACs with torch's own formulas. Edges come from the identity of tensors.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from ... import ops
from ...errors import InputError, InspectError
from ...ir import Attributes, Layer, Parameter
from ...rows.builder import Rows
from ...rows.unused import place_unused
from . import compat as torch_compat
from . import cost as torch_cost
from . import functions as torch_functions
from . import operators
from .compat import TorchDispatchMode, without_function_modes
from .edges import Edges
from .failure import Failures, check
from .known import Known
from .parameters import Parameters
from .tensors import replaced, tensors_in
from .walk import modules_of, too_deep

#: Modules with children that are one operation all the same: they use their children's weights themselves.
_COMPOSITE_LEAVES = (nn.MultiheadAttention,)


@dataclass
class _Frame:
    """A running module: its path, and how often each function was called directly in it."""

    path: str
    names: dict[str, int] = field(default_factory=dict)


@dataclass
class Work:
    """What ran inside one layer. ``macs`` is None once something of unknown cost ran."""

    operators: int = 0
    macs: int | None = 0
    mutated: list[torch.Tensor] = field(default_factory=list)


class Recorder:
    """Records the layers of one run; ``record`` is the door."""

    def __init__(self, model: nn.Module, name: str, zeros: bool = False) -> None:
        self.name = name
        self.edges = Edges()
        self.rows = Rows(self.edges)
        self.parameters = Parameters(model)
        self._modules = dict(modules_of(model))
        self._paths = {module: path for path, module in self._modules.items()}
        self._taken = set(self._paths.values())
        self._model = model
        self._known = Known(zeros)
        self._stack: list[_Frame] = [_Frame("")]
        self._work: Work | None = None
        self._thread = threading.get_ident()
        self._failures = Failures(name)

    def size(self, run: Callable[[], Any]) -> None:
        """Runs ``run`` so that lazy modules get their sizes. Nothing looks at operators: before torch 2.6, what is
        seen by a mode can't become one of ``LazyBatchNorm2d``'s buffers.

        Raises:
            InputError: as ``record`` does, and NotOnMetaError.
        """
        self.record(run, [], operators=False)

    def record(
        self, run: Callable[[], Any], inputs: list[tuple[str, torch.Tensor, str | None]], operators: bool = True
    ) -> Any:
        """Runs ``run`` and records it; ``inputs`` are the tensors that it gets, with their names and layouts.

        Raises:
            InputError: the forward failed, with the layer and the shapes that it met.
            NotOnMetaError: it failed because tensors on meta have no values.
        """
        for name, tensor, layout in inputs:
            self.rows.add_input(tensor, name, layout=layout)
        original = nn.Module.__call__
        recorder = self

        def call(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
            if threading.get_ident() != recorder._thread:
                return original(module, *args, **kwargs)
            return recorder.call_module(original, module, args, kwargs)

        nn.Module.__call__ = call
        try:
            with _Functions(self), _Operators(self) if operators else nullcontext():
                return run()
        except (InspectError, MemoryError):
            raise
        except RecursionError as error:
            raise InputError(f"{self.name}: {too_deep(self._model)}") from error
        except Exception as error:
            kind = getattr(self._model, "original_name", type(self._model).__name__)
            raise self._failures.explanation(error, str(kind)) from error
        finally:
            nn.Module.__call__ = original

    def opens(self, module: nn.Module) -> bool:
        """Whether what a module calls are layers, and not the module as a whole.

        A script as a whole is opened: its forward doesn't call its modules' from Python.
        """
        return not _is_leaf(module) or (module is self._model and isinstance(module, torch.jit.ScriptModule))

    def call_module(self, original: Any, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A module's call: a layer if it is a leaf, else a frame around what it calls."""
        if self._work is not None:
            return original(module, *args, **kwargs)
        path = self._paths.get(module)
        if path is None:
            path = f"{self._stack[-1].path}.{type(module).__name__}".lstrip(".")
        if self.opens(module):
            self._stack.append(_Frame(path))
            try:
                return torch_compat.call(original, module, args, kwargs)
            finally:
                self._stack.pop()
        # A leaf that is the whole model has no name of its own.
        path = path or type(module).__name__
        with without_function_modes():
            op, attributes = operators.describe_module(module)
            given = list(tensors_in((args, kwargs)))
            inputs = [t for t in given if t not in self.parameters]
            versions = [_version(t) for t in given]
        work = self._work = Work()
        try:
            with without_function_modes():
                check(module, op, attributes, inputs)
            output = original(module, *args, **kwargs)
        except Exception as error:
            self._failures.add(error, path, type(module).__name__, inputs)
            raise
        finally:
            self._work = None
        with without_function_modes():
            return self._leaf_layer(path, module, op, attributes, given, inputs, versions, work, output)

    def _leaf_layer(
        self,
        path: str,
        module: nn.Module,
        op: str,
        attributes: Attributes,
        given: list[torch.Tensor],
        inputs: list[torch.Tensor],
        versions: list[int],
        work: Work,
        output: Any,
    ) -> Any:
        """Adds a leaf's layer; gives its output, with new identities for what it only passed through."""
        untouched = [
            t
            for t, version in zip(given, versions, strict=True)
            if version == _version(t) and not any(t is other for other in work.mutated)
        ]
        output = replaced(output, lambda t: self.renamed(t) if any(t is other for other in untouched) else t)
        used = [t for m in module.modules() for t in (*m._parameters.values(), *m._buffers.values()) if t is not None]
        used += given
        outputs = [t for t in tensors_in(output) if not any(t is other for other in untouched)]
        if work.macs is None and operators.is_packed(module):
            work.macs = self._by_rule(op, attributes, inputs)
        self.add(path, type(module).__name__, op, inputs, outputs, self.parameters.used(used, module), attributes, work)
        return output

    def renamed(self, tensor: torch.Tensor) -> torch.Tensor:
        """The same values under a new identity.

        What a layer passes through untouched (Identity, Dropout) needs one: whoever reads the original is no
        reader of that layer.
        """
        self._work = Work()
        try:
            return tensor.view_as(tensor)
        finally:
            self._work = None

    def call_function(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A function called outside of any leaf module: a layer, if operators ran and tensors came out."""
        if self._work is not None or threading.get_ident() != self._thread:
            return func(*args, **kwargs)
        work = self._work = Work()
        name = torch_functions.function_name(func)
        try:
            output = func(*args, **kwargs)
        except Exception as error:
            self._failures.add(error, self.inside(name), name, list(tensors_in((args, kwargs))))
            raise
        finally:
            self._work = None
        if work.operators:
            outputs = list(tensors_in(output)) or work.mutated[:1]
            if getattr(func, "__name__", "") == "__setitem__":
                outputs = [args[0]]
            if outputs:
                with without_function_modes():
                    self.function_layer(func, args, kwargs, outputs, work)
        return output

    def run_operator(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """One operator: its cost goes to the layer that runs; outside of all it is a layer of its own."""
        try:
            output = self._known.run(func, args, kwargs)
        except Exception as error:
            if self._work is None:  # a script's: its interpreter drops the error, and raises its own
                name = torch_functions.function_name(func._overloadpacket)
                self._failures.add(error, self.inside(name), name, list(tensors_in((args, kwargs))))
            raise
        work = self._work or Work()
        work.operators += 1
        cost = torch_cost.macs(func, args, kwargs, output)
        work.macs = None if cost is None or work.macs is None else work.macs + cost
        if func._schema.is_mutable:
            work.mutated += [
                value
                for argument, value in zip(func._schema.arguments, args, strict=False)
                if argument.alias_info is not None and argument.alias_info.is_write and isinstance(value, torch.Tensor)
            ]
        if self._work is None and threading.get_ident() == self._thread:
            outputs = list(tensors_in(output))
            if outputs:
                self.function_layer(func._overloadpacket, args, kwargs, outputs, work)
        return output

    def function_layer(
        self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], outputs: list[torch.Tensor], work: Work
    ) -> None:
        given = list(tensors_in((args, kwargs)))
        inputs = [t for t in given if t not in self.parameters]
        used = [t for t in given if t in self.parameters]
        if not used and work.macs == 0 and all(self.edges.source(t) is None for t in inputs):
            # A constant: nothing of the network flows through it.
            return
        name = torch_functions.function_name(func)
        op, attributes = torch_functions.describe_function(func, args, kwargs)
        attributes = self.marked(attributes, inputs, outputs)
        uses = self.parameters.used(given)
        self.add(self.inside(name), name, op, inputs, outputs, uses, attributes, work)

    def marked(self, attributes: Attributes, inputs: list[torch.Tensor], outputs: list[torch.Tensor]) -> Attributes:
        """The attributes of a function, which tell whether it gives back what it was given."""
        if not any(output is tensor for output in outputs for tensor in inputs):
            return attributes
        return (*(item for item in attributes if item[0] != "inplace"), ("inplace", True))

    def inside(self, name: str) -> str:
        """The path of a function in the running module: ``layer1.0.add``, the next one ``layer1.0.add_1``.

        A module of that very path has the name already.
        """
        frame = self._stack[-1]
        prefix = f"{frame.path}." if frame.path else ""
        count = frame.names.get(name, -1) + 1
        if count == 0 and prefix + name in self._taken:
            count = 1
        frame.names[name] = count
        return f"{prefix}{name}_{count}" if count else f"{prefix}{name}"

    def add(
        self,
        path: str,
        kind: str,
        op: str,
        inputs: list[torch.Tensor],
        outputs: list[torch.Tensor],
        uses: list[Parameter],
        attributes: Attributes,
        work: Work,
    ) -> None:
        layer = self.rows.add(path, kind, op, inputs, outputs, uses, attributes, work.macs)
        if work.mutated:
            self.edges.written(work.mutated, layer)

    def _by_rule(self, op: str, attributes: Attributes, inputs: list[torch.Tensor]) -> int | None:
        """The cost of a layer whose operators nobody knows, from what it computes."""
        try:
            return ops.apply(op, dict(attributes), [self.edges.tensor(t) for t in inputs]).macs
        except (InputError, KeyError, TypeError, ValueError):
            return None

    def classes(self) -> tuple[tuple[str, str], ...]:
        """Path and class of every module, as they are now."""
        return tuple((path, type(module).__name__) for path, module in modules_of(self._model))

    def describe_module(self, path: str) -> tuple[str, str, Attributes]:
        """The type, op and attributes of a module that wasn't called."""
        module = self._modules[path]
        return (type(module).__name__, *operators.describe_module(module))

    def finish(self) -> tuple[tuple[Layer, ...], tuple[str, ...]]:
        """All layers, and the names of the parameters that none of them was seen to use."""
        unused = place_unused(self.rows, self.parameters, self.describe_module)
        return tuple(self.rows.layers), unused


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
        if func.namespace != "aten":
            return self._run(func, args, kwargs or {})  # other people's kernels may lean on modes, for devices say
        with without_function_modes():
            return self._run(func, args, kwargs or {})

    def _run(self, func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
        if torch.is_inference_mode_enabled() and not torch_cost.has_formula(func):
            # Inference mode hands over composite operators (linear, conv2d) whole.
            with self:
                parts = func.decompose(*args, **kwargs)
            if parts is not NotImplemented:
                return parts
        return self.recorder.run_operator(func, args, kwargs)


def _is_leaf(module: nn.Module) -> bool:
    # A scripted module's own dictionary can't be iterated, only its keys can.
    children = [name for name in module._modules.keys() if name != "parametrizations"]  # noqa: SIM118
    return not children or isinstance(module, _COMPOSITE_LEAVES) or operators.is_packed(module)


def _version(tensor: torch.Tensor) -> int:
    return -1 if tensor.is_inference() else tensor._version
