"""The operators that TorchScript's interpreter ran, as layers of the modules whose weights they use."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch

from ...ir import Attributes, Parameter, Tensor
from ..aten import operators as aten
from ..aten.operators import Operator
from ..torch import functions as torch_functions
from ..torch.leaves import Work
from ..torch.tensors import describe, tensors_in
from ..torch.trace import Recorder
from ..torch.walk import modules_of
from .modules import Scripted


@dataclass(frozen=True, slots=True)
class _Form:
    """A view of weights: the tensor, which isn't kept alive, the weights, and what makes it a row of its own."""

    tensor: weakref.ref[torch.Tensor]
    uses: list[Parameter]
    add_row: Callable[[], None]


def _forget(forms: dict[int, _Form], key: int, _gone: object) -> None:
    forms.pop(key, None)


class OperatorRecorder(Recorder):
    """Records operators under the names of modules; the interpreter calls none.

    A view of a weight that is taken as one (``addmm`` multiplies with a transposed one) isn't a row, but the weight
    itself. Whatever uses weights of one module is that module's row, or stands in it if there are modules inside.
    """

    def __init__(self, model: Any, name: str, zeros: bool = False) -> None:
        super().__init__(model, name, zeros)
        self._kinds = {path: item.original_name for path, item in modules_of(model) if isinstance(item, Scripted)}
        self._parents = {path.rpartition(".")[0] for path in self._kinds if path}
        #: What is a weight in another form and has no row so far, by the tensor's identity.
        self._forms: dict[int, _Form] = {}
        self._ops: dict[str, str] = {}

    def opens(self, module: torch.nn.Module) -> bool:
        """The archive's root is all that is called."""
        return True

    def record(self, run: Callable[[], Any], *args: Any, **kwargs: Any) -> Any:
        """Runs ``run`` and records the operators that the code of the archive calls."""
        self._model.listen(self._call)
        try:
            return super().record(run, *args, **kwargs)
        finally:
            self._model.listen(None)

    def _call(self, function: Any, args: list[Any], kwargs: dict[str, Any], compute: Callable[[], Any]) -> Any:
        """An operator as the code calls it: what torch makes of it in turn is its work."""
        work = self._work = Work()
        name = torch_functions.function_name(function._overloadpacket)
        try:
            output = compute()
        except Exception as error:
            given = list(tensors_in((args, kwargs)))
            path, kind = self._place(self.inside(name), name, "", self.parameters.used(given))
            self._failures.add(error, path, kind, [tensor for tensor in given if tensor not in self.parameters])
            raise
        finally:
            self._work = None
        if not work.operators and "dropout" in name:
            output = self.renamed(output)
        elif not work.operators:
            return output
        outputs = list(tensors_in(output)) or work.mutated[:1]
        if outputs:
            self._add_operator(function, args, kwargs, outputs, work)
        return output

    def _add_operator(
        self, function: Any, args: list[Any], kwargs: dict[str, Any], outputs: list[torch.Tensor], work: Work
    ) -> None:
        given = list(tensors_in((args, kwargs)))
        uses = self._used(given)
        flows = any(self.edges.source(tensor) is not None for tensor in given if tensor not in self.parameters)
        if not flows and not uses and work.macs == 0:
            return
        name = torch_functions.function_name(function._overloadpacket)
        row = partial(self._add_row, self.inside(name), function, args, kwargs)
        if not uses or flows or (name not in aten.VIEWS and work.operators):
            row(outputs, work)
            return
        made = [weakref.ref(tensor) for tensor in outputs]

        def add_row() -> None:
            alive = [tensor for ref in made if (tensor := ref()) is not None]
            for tensor in alive:
                self._forms.pop(id(tensor), None)
            row(alive, work)

        for tensor in outputs:
            if tensor not in self.parameters:
                forget = partial(_forget, self._forms, id(tensor))
                self._forms[id(tensor)] = _Form(weakref.ref(tensor, forget), uses, add_row)

    def _add_row(
        self,
        inside: str,
        function: Any,
        args: list[Any],
        kwargs: dict[str, Any],
        outputs: list[torch.Tensor],
        work: Work,
    ) -> None:
        name, arguments = self._called(function, args, kwargs)
        for tensor in tensors_in([value for key, value in arguments.items() if key not in aten.WEIGHTS]):
            if (form := self._forms.get(id(tensor))) is not None:
                form.add_row()  # it isn't taken as a weight
        given = list(tensors_in((args, kwargs)))
        inputs = [tensor for tensor in given if tensor not in self.parameters]
        uses = self._used(given)
        operator = Operator(
            function.namespace,
            name,
            {key: _plain(item) for key, item in arguments.items()},
            tuple(map(describe, outputs)),
        )
        op, attributes = self._described(operator, function, args, kwargs)
        path, kind = self._place(inside, name, op, [p for p in self.rows.unclaimed(uses) or uses if p.role != "buffer"])
        if self._ops.setdefault(path, op) != op and uses:
            path, kind = f"{path}.{name}", name  # a tied weight's other use
        results = outputs[: aten.output_count(operator)] if op != "other" else outputs
        self.add(path, kind, op, inputs, results, uses, self.marked(attributes, given, outputs), work)
        for tensor in outputs[len(results) :]:
            self.edges.produced(tensor, self.rows.layers[-1].id, None)

    def _used(self, tensors: Sequence[torch.Tensor]) -> list[Parameter]:
        """The weights among these tensors, whatever form they have."""
        formed = [parameter for tensor in tensors for parameter in self._formed(tensor)]
        return self.parameters.in_order([*self.parameters.used(tensors), *formed])

    def _formed(self, tensor: Any) -> list[Parameter]:
        """The weights that a tensor is another form of."""
        form = self._forms.get(id(tensor))
        return form.uses if form is not None else []

    def _called(self, function: Any, args: list[Any], kwargs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """Name and arguments of what was called; a product with a weight's transpose is what is left of ``linear``."""
        name = torch_functions.function_name(function._overloadpacket)
        names = [argument.name for argument in function._schema.arguments]
        arguments = {**dict(zip(names, args, strict=False)), **kwargs}
        weights = self._formed(arguments.get("mat2"))
        plain = arguments.get("alpha", 1) == 1 and arguments.get("beta", 1) == 1
        if name in ("addmm", "mm") and len(weights) == 1 and plain:
            bias = {"bias": arguments["self"]} if name == "addmm" else {}
            weight = Tensor(weights[0].shape, weights[0].dtype)
            name = "linear"
            arguments = {"input": arguments.get("mat1", arguments.get("self")), "weight": weight, **bias}
        return name, arguments

    def _described(
        self, operator: Operator, function: Any, args: list[Any], kwargs: dict[str, Any]
    ) -> tuple[str, Attributes]:
        """The op and its settings, in the words of the graph's vocabulary or else in torch's own."""
        op, attributes = aten.describe(operator)
        if op != "other":
            return op, attributes
        return torch_functions.describe_function(function._overloadpacket, args, kwargs)

    def _place(self, inside: str, kind: str, op: str, used: Sequence[Parameter]) -> tuple[str, str]:
        """Path and type of a row that uses these parameters."""
        owners = {parameter.name.rpartition(".")[0] for parameter in used}
        owner = owners.pop() if len(owners) == 1 else ""
        if not owner or owner not in self._kinds:
            return inside, kind
        # A product with a module's weight that isn't a linear layer is somebody else's use of it.
        foreign = owner in self._parents or op == "matmul"
        return (f"{owner}.{kind}", kind) if foreign else (owner, self._kinds[owner])

    def classes(self) -> tuple[tuple[str, str], ...]:
        """Path and class of every module, as the archive has them."""
        return tuple(self._kinds.items())

    def describe_module(self, path: str) -> tuple[str, str, Attributes]:
        """A module that no operator was seen to use: its class; what it computes, nobody knows."""
        return self._kinds.get(path, "Module"), "other", ()


def _plain(value: Any) -> Any:
    """An argument with tensors' shapes in their place."""
    if isinstance(value, torch.Tensor):
        return describe(value)
    return tuple(map(_plain, value)) if isinstance(value, (tuple, list)) else value
