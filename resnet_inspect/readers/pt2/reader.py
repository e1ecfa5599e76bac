"""Programs that torch.export wrote to a file: their graph is read as it stands, nothing runs and torch isn't needed."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...errors import ModelError
from ...ir import HELD, UNKNOWN, Model, Parameter, Summary, Tensor, Trace
from ...rows.builder import Keyed, Rows
from ...rows.identities import Numbers
from ...rows.unused import place_unused
from ...shape import format_shape
from ...version import __version__
from ..aten import cost as aten_cost
from ..aten import operators as aten
from ..bounds import door
from ..request import Answer, Request
from .archive import AGAIN, Program, read
from .graph import Graph, Node, Ref, short, tensor_name
from .inputs import check
from .steps import Roots, Step

#: Names of all views that all writes in place change: a loop that fills a tensor of 2,000 rows changes 4 million.
_MOST_WRITTEN = 2**23
_STATISTICS = ("running_mean", "running_var")


def summarize(request: Request) -> Answer:
    """Summarises the exported program in the file ``request.model``.

    Raises:
        ModelError: the file can't be read, is damaged, or holds no program.
        BadRequestError: the request asks for something that an exported program has settled.
        InputError: an input differs from the one that it was exported for.
    """
    path = Path(request.model)
    program = read(path)
    with door(path, AGAIN):
        reader = _Reader(path.name, program)
        summary = reader.summary()
    check(request, path.name, reader.inputs(), summary.inputs)
    notes = []
    if any(reader.graph.varies(name) for name, _ in reader.inputs()):
        sizes = ", ".join(format_shape(tensor.shape) for tensor in summary.inputs)
        notes.append(f"{path.name} takes other sizes, too: it is summarised with those of its example, {sizes}")
    return Answer(summary, tuple(notes))


class _Reader:
    """Makes a summary of a program."""

    def __init__(self, name: str, program: Program) -> None:
        module = program.graph_module
        self.name = name
        self.torch = program.torch
        self.module = module
        self.graph = Graph()
        self.graph.walk(module["graph"])
        self.parameters: dict[str, Parameter] = {}
        #: Tensor -> the parameter that it is, or is a view of.
        self.weights: dict[str, str] = {}
        #: Parameter -> the tensor that is declared as it.
        self._declared: dict[str, str] = {}
        self._declare(program)
        self._order = {name: index for index, name in enumerate(self.parameters)}
        self.types = self._modules()
        self._parents = {path.rpartition(".")[0] for path in self.types if ".parametrizations" not in path and path}

    def summary(self) -> Summary:
        """The whole program."""
        inputs = self.inputs()
        steps = self._steps({name for name, _ in inputs})
        values = Keyed(self.graph.tensor)
        rows = Rows(values)
        for name, path in inputs:
            rows.add_input(name, path)
        for step, path, kind in self._named(steps):
            refs, gives = step.node.refs, step.node.outputs[: aten.output_count(step.operator)]
            op, attributes = aten.describe(step.operator)
            macs = aten_cost.macs(step.operator)
            values.written(step.written, rows.add(path, kind, op, refs, gives, self._used(refs), attributes, macs))
        unused = place_unused(
            rows, self.parameters.values(), lambda path: (self.types.get(path, "Module"), "other", ())
        )
        return Summary(
            model=Model(self.name, "torch", "torch.export"),
            inputs=tuple(values.tensor(name) for name, _ in inputs),
            outputs=tuple(map(values.tensor, self._outputs())),
            layers=tuple(rows.layers),
            modules=tuple(self.types.items()),
            trace=Trace("graph"),
            unused=unused,
            environment=(
                ("resnet_inspect", __version__),
                ("python", platform.python_version()),
                ("torch", self.torch),
            ),
        )

    def _declare(self, program: Program) -> None:
        """The parameters and buffers, tied ones under their first name."""
        first: dict[Any, str] = {}
        for spec in self.module["signature"]["input_specs"]:
            ((kind, item),) = spec.items()
            if kind not in ("parameter", "buffer"):
                continue
            name, tensor = short(item[f"{kind}_name"]), item["arg"]["name"]
            leaf = name.rpartition(".")[2]
            if leaf == "num_batches_tracked":
                continue  # no state of the network's
            identity = program.weights.get(name, name)
            if identity in first:
                self.weights[tensor] = first[identity]
                continue
            first[identity] = self.weights[tensor] = name
            self._declared[name] = tensor
            is_trainable = self.graph.requires_grad(tensor) or name in program.trainable
            role = "trainable" if is_trainable else "frozen"
            if kind == "buffer":
                role = "statistics" if leaf in _STATISTICS else "buffer"
            shaped = self._known(tensor)
            self.parameters[name] = Parameter(name, shaped.shape, shaped.dtype, role, role not in HELD)

    def _modules(self) -> dict[str, str]:
        """Path -> class of every module; a module in which nothing ran has no class in the file."""
        classes = {frame.path: frame.type for node in self.graph.nodes for frame in node.stack}
        paths = [short(str(entry["fqn"])) for entry in self.module["module_call_graph"]]
        return {path: classes.get(path, "Module") for path in ("", *(p.partition("@")[0] for p in paths), *classes)}

    def inputs(self) -> list[tuple[str, str]]:
        """Name and path of the input tensors: one alone is the input, several have their names."""
        specs = [spec["user_input"]["arg"] for spec in self.module["signature"]["input_specs"] if "user_input" in spec]
        names = [name for name in map(tensor_name, specs) if name is not None]
        for name in names:
            self._known(name)
        return [(name, name if len(names) > 1 else "input") for name in names]

    def _known(self, name: str) -> Tensor:
        """A tensor of which the file must say the sizes."""
        tensor = self.graph.tensor(name)
        if tensor == UNKNOWN:
            raise ModelError(f"{self.name} doesn't say the sizes of {name}: export it again with an example")
        return tensor

    def _used(self, names: Iterable[str]) -> list[Parameter]:
        """The parameters that an operator which reads ``names`` uses, in the order of their declaration."""
        used = {self.weights[name] for name in names if name in self.weights}
        return [self.parameters[name] for name in sorted(used, key=self._order.__getitem__)]

    def _outputs(self) -> Iterator[str]:
        for spec in self.module["signature"]["output_specs"]:
            ((kind, item),) = spec.items()
            if kind in ("user_output", "loss_output"):
                argument = item["arg"] if kind == "user_output" else {"as_tensor": item["arg"]}
                name = tensor_name(argument)
                if name is not None:
                    yield name

    def _steps(self, made: set[str]) -> list[Step]:
        """The nodes that are layers; a constant is none of the network's work."""
        steps: list[Step] = []
        roots = Roots()
        used: set[tuple[str, tuple[str, ...]]] = set()
        names = 0
        for node in self._without_forms():
            refs = node.refs
            roots.follow(node)
            if not node.outputs:
                continue
            flows = [name for name in refs if name in made]
            weights = tuple(self.weights[name] for name in refs if name in self.weights)
            operator = self.graph.operator(node)
            if not flows and not weights and aten_cost.macs(operator) == 0:
                continue
            written = (*node.outputs, *(roots.like(refs[0]) if node.name.endswith("_") and refs else ()))
            made.update(written)
            names += len(written)
            if names > _MOST_WRITTEN:
                raise ValueError("it writes in place to too many views")
            # Until torch 2.4, the calls of a module had no numbers: the same work with the same weights is a new one.
            again = bool(weights) and (node.name, weights) in used
            if not steps or steps[-1].node.stack != node.stack or again:
                used.clear()
                run = steps[-1].run + 1 if steps else 0
            else:
                run = steps[-1].run
            used.add((node.name, weights))
            steps.append(Step(node, operator, run, written))
        return steps

    def _without_forms(self) -> list[Node]:
        """All nodes but views of a weight that operators take as their weight alone: these are the weight itself."""
        nodes = []
        views: dict[str, str] = {}
        for node in map(self._linear, self.graph.nodes):
            if len(node.refs) == 1 and node.refs[0] in self.weights and node.name in aten.VIEWS:
                self.weights.update(dict.fromkeys(node.outputs, self.weights[node.refs[0]]))
                views.update(dict.fromkeys(node.outputs, node.refs[0]))
            nodes.append(node)
        kept = []
        read: set[str] = set()
        for node in reversed(nodes):
            is_view = not views.keys().isdisjoint(node.outputs)
            if is_view and read.isdisjoint(node.outputs):
                continue
            read.update(node.refs_but(aten.WEIGHTS))
            if is_view:
                for name in node.outputs:
                    del self.weights[name]
            kept.append(node)
        return kept[::-1]

    def _linear(self, node: Node) -> Node:
        """``addmm`` with the transpose of a weight is what is left of a linear layer."""
        given = node.arguments
        factor = given.get("mat2")
        weight = self._declared.get(self.weights.get(factor.name, "")) if isinstance(factor, Ref) else None
        plain = node.name in ("addmm", "mm") and given.get("alpha", 1) == 1 and given.get("beta", 1) == 1
        if factor is None or weight is None or not plain:
            return node
        if self.graph.tensor(factor.name).shape != self.graph.tensor(weight).shape[::-1]:
            return node
        first, bias = (given["mat1"], given["self"]) if node.name == "addmm" else (given["self"], None)
        return replace(node, name="linear", arguments={"input": first, "weight": Ref(weight), "bias": bias})

    def _named(self, steps: list[Step]) -> Iterator[tuple[Step, str, str]]:
        """Each step with its path and type: its module's, if that is a leaf which does nothing else in this call."""
        alone: dict[int, int] = {}
        for step in steps:
            alone[step.run] = alone.get(step.run, 0) + 1
        numbers = Numbers(self.types)
        for step in steps:
            frame = step.node.stack[-1] if step.node.stack else None
            path = frame.path if frame else ""
            leaf = frame is not None and path not in self._parents
            if frame is not None and leaf and alone[step.run] == 1:
                yield step, path or frame.type, frame.type
                continue
            name = step.node.name.strip("_")
            named = numbers.next(f"{path}.{name}" if path else name, (frame, step.run if leaf else -1))
            yield step, named, name
