"""One forward of a torch module, recorded as layers: leaf modules, functional operations, edges, MACs.

Three observers look at the same run. ``Module.__call__`` tells which module runs; a TorchFunctionMode tells
which function was called outside of leaf modules (a residual ``+``); a TorchDispatchMode sees the operators
that really ran, and counts their MACs with torch's own formulas. Edges come from the identity of tensors.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import nn

from ... import ops
from ...errors import InputError, InspectError
from ...ir import Attributes, Layer, Parameter
from ...rows.builder import Rows
from ...rows.unused import place_unused
from . import compat as torch_compat
from . import cost as torch_cost
from . import functions as torch_functions
from . import higher_order, operators
from .compat import without_function_modes
from .edges import Edges
from .failure import Failures, check_autocast, is_judged, judged
from .known import Known
from .leaves import FunctionCall, Leaf, Work, is_leaf, is_users
from .modes import Functions, Operators, in_turn
from .parameters import Parameters
from .tensors import replaced, tensors_in
from .walk import modules_of, too_deep


@dataclass
class _Frame:
    """A running module: its path, whether it is the model's, and how often each function was called directly in it."""

    path: str
    is_ours: bool = True
    names: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in a recording: how many layers there were, and how functions were numbered."""

    layers: int
    names: dict[str, int]


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
        #: The user's leaf that runs, until it is known whether its operations are rows.
        self._leaf: Leaf | None = None
        #: Of the leaf that runs, if our rules know what it accepts: its op and attributes.
        self._judged: tuple[str, Attributes] | None = None
        self._thread = threading.get_ident()
        #: Paths of modules that are used where no row tells it, and their multiply-adds: of what other threads call
        #: nothing is seen, and a branch that isn't taken costs nothing.
        self._elsewhere: dict[str, int | None] = {}
        self._failures = Failures(name)
        #: What the rows don't tell of the run, in the order in which it was seen.
        self.remarks: dict[str, None] = {}

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
                recorder._elsewhere[recorder._paths.get(module, "")] = None
                return original(module, *args, **kwargs)
            return recorder.call_module(original, module, args, kwargs)

        nn.Module.__call__ = call
        try:
            with in_turn(), Functions(self), Operators(self) if operators else nullcontext():
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
        return not is_leaf(module) or (module is self._model and isinstance(module, torch.jit.ScriptModule))

    def call_module(self, original: Any, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A module's call: a layer if it is a leaf, else a frame around what it calls."""
        path = self._paths.get(module)
        if self._leaf is not None and self._in_leaf() and self._leaf.is_opened_by(path, module):
            self._open(self._leaf)
        if self._work is not None:
            return original(module, *args, **kwargs)
        is_ours = path is not None
        if path is None:
            path = f"{self._stack[-1].path}.{type(module).__name__}".lstrip(".")
            held = sum(parameter.numel() for parameter in module.parameters())
            if held and self._stack[-1].is_ours:
                said = f"{path} isn't registered in the model, which doesn't count its {held:,} parameters"
                self.remarks[said] = None
        if self.opens(module):
            self._stack.append(_Frame(path, is_ours))
            try:
                return torch_compat.call(original, module, args, kwargs)
            finally:
                self._stack.pop()
        with without_function_modes():
            op, attributes = operators.describe_module(module)
            given = list(tensors_in((args, kwargs)))
            inputs = [t for t in given if t not in self.parameters]
            versions = [_version(t) for t in given]
        work = self._work = Work()
        leaf = Leaf(path, is_ours, op, work) if is_users(module) else None
        # A leaf that is the whole model has no name of its own.
        path = path or type(module).__name__
        try:
            with without_function_modes():
                check_autocast(inputs)
                self._leaf = leaf
                self._judged = (op, attributes) if is_judged(module, op) else None
            output = original(module, *args, **kwargs)
            if leaf is not None and leaf.multiplies_often() and not leaf.is_open:
                self._open(leaf)
        except Exception as error:
            self._failures.add(error, path, type(module).__name__, inputs)
            raise
        finally:
            self._work = self._leaf = self._judged = None
            if leaf is not None and leaf.is_open:
                self._stack.pop()
        if leaf is not None and leaf.is_open:
            return output
        with without_function_modes():
            if leaf is not None and op == "other":
                weights = {weight: name for name, weight in module.named_parameters(recurse=False)}
                op, attributes = leaf.word(attributes, inputs, weights, list(tensors_in(output)))
            return self._leaf_layer(path, module, op, attributes, given, inputs, versions, work, output)

    def _in_leaf(self) -> bool:
        """Whether a user's leaf runs, and in it no function: what is called next may be a row."""
        return self._leaf is not None and self._work is self._leaf.work

    def _open(self, leaf: Leaf) -> None:
        """Makes rows of what a leaf has called, and of all that it calls from now on."""
        leaf.is_open = True
        self._work = self._leaf = None
        self._stack.append(_Frame(leaf.path, leaf.is_ours))
        with without_function_modes():
            for call in leaf.calls:
                self.function_layer(*call)

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
            if version == _version(t) and not (work.mutated and any(t is other for other in work.mutated))
        ]
        output = replaced(output, lambda t: self.renamed(t) if any(t is other for other in untouched) else t)
        inside = module.modules() if module._modules else (module,)
        used = [t for m in inside for t in (*m._parameters.values(), *m._buffers.values()) if t is not None]
        used += given
        outputs = [t for t in tensors_in(output) if not any(t is other for other in untouched)]
        if work.macs is None and operators.is_packed(module):
            work.macs = self._by_rule(op, attributes, inputs)
        uses = self.parameters.used(used, module, *module.__dict__.values())
        self.add(path, type(module).__name__, op, inputs, outputs, uses, attributes, work)
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
        if self._judged is not None and threading.get_ident() == self._thread:
            return judged(*self._judged, func, args, kwargs)
        around = self._work
        if (around is not None and not self._in_leaf()) or threading.get_ident() != self._thread:
            return func(*args, **kwargs)
        if isinstance(func, torch_compat.HigherOrderOperator):
            if self._leaf is not None:  # the functions that it runs may call anything
                self._open(self._leaf)
            with Functions(self):
                return higher_order.run(self, func, args, kwargs)
        work = self._work = Work()
        try:
            output = func(*args, **kwargs)
        except Exception as error:
            if around is None:  # a leaf tells its own path
                name = torch_functions.function_name(func)
                self._failures.add(error, self.inside(name), name, list(tensors_in((args, kwargs))))
            raise
        finally:
            self._work = around
        if work.operators:
            outputs = list(tensors_in(output)) or work.mutated[:1]
            if getattr(func, "__name__", "") == "__setitem__":
                outputs = [args[0]]
            with without_function_modes():
                self._heard(FunctionCall(func, args, kwargs, outputs, work))
        return output

    def _heard(self, call: FunctionCall) -> None:
        """A function's call is a layer if it gave tensors; a leaf keeps it until it is known whether it has rows."""
        if self._leaf is not None:
            self._leaf.work.include(call.work)
        if call.outputs and self._leaf is not None:
            self._leaf.calls.append(call)
        elif call.outputs:
            self.function_layer(*call)

    def run_operator(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """One operator: its cost goes to the layer that runs; outside of all it is a layer of its own."""
        try:
            output = self._known.run(func, args, kwargs)
        except Exception as error:
            if self._work is None:  # a script's: its interpreter drops the error, and raises its own
                name = torch_functions.function_name(func._overloadpacket)
                self._failures.add(error, self.inside(name), name, list(tensors_in((args, kwargs))))
            raise
        alone = (self._work is None or self._in_leaf()) and threading.get_ident() == self._thread
        work = Work() if alone else self._work or Work()
        work.operators += 1
        cost = torch_cost.macs(func, args, kwargs, output)
        work.macs = None if cost is None or work.macs is None else work.macs + cost
        work.known += cost or 0
        if func._schema.is_mutable:
            work.mutated += [
                value
                for argument, value in zip(func._schema.arguments, args, strict=False)
                if argument.alias_info is not None and argument.alias_info.is_write and isinstance(value, torch.Tensor)
            ]
        if alone:
            self._heard(FunctionCall(func._overloadpacket, args, kwargs, list(tensors_in(output)), work))
        return output

    def function_layer(
        self, func: Any, args: Sequence[Any], kwargs: Mapping[str, Any], outputs: list[torch.Tensor], work: Work
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
        uses = self.parameters.used(given, *args)
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
        known = work.known if work.macs is None else 0
        layer = self.rows.add(path, kind, op, inputs, outputs, uses, attributes, work.macs, macs_at_least=known)
        if work.mutated:
            self.edges.written(work.mutated, layer)

    def mark(self) -> Mark:
        """Where the recording stands, for ``take_back``."""
        return Mark(len(self.rows.layers), dict(self._stack[-1].names))

    def cost_since(self, mark: Mark) -> int:
        """The known multiply-adds of the layers since then."""
        return sum(layer.macs or 0 for layer in self.rows.layers[mark.layers :])

    def take_back(self, mark: Mark) -> None:
        """Takes back the layers since then; what they use is used all the same."""
        for layer in self.rows.layers[mark.layers :]:
            self._elsewhere.setdefault(layer.path, 0)
        self.rows.back_to(mark.layers)
        self._stack[-1].names = mark.names

    def _by_rule(self, op: str, attributes: Attributes, inputs: list[torch.Tensor]) -> int | None:
        """The cost of a layer whose operators nobody knows, from what it computes."""
        try:
            given = dict(attributes)
            given.setdefault("in_features", given.get("input_size"))  # as the recurrent layers call it
            return ops.apply(op, given, [self.edges.tensor(t) for t in inputs]).macs
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
        elsewhere = self._elsewhere
        layers = (
            replace(layer, macs=elsewhere[layer.path]) if layer.path in elsewhere and not layer.called else layer
            for layer in self.rows.layers
        )
        return tuple(layers), tuple(name for name in unused if name.rpartition(".")[0] not in elsewhere)


def _version(tensor: torch.Tensor) -> int:
    return -1 if tensor.is_inference() else tensor._version
