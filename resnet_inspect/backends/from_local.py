"""The local backend: graphs of ``blocks`` run through the rules of ``ops``. No framework, milliseconds."""

from __future__ import annotations

from .. import ops
from ..blocks.flavor import Flavor
from ..blocks.graph import INPUT, Graph
from ..blocks.networks import network
from ..blocks.residual import BlockSpec, residual_block
from ..errors import InputError
from ..ir import Layer, Model, Summary, Tensor, Trace
from ..shape import Expected, Resolved, resolve
from ..version import __version__
from .request import Answer, Request


def summarize(request: Request) -> Answer:
    """Summarises a named network.

    Raises:
        ModelError: no such network.
        InputError: the input doesn't fit, with the first layer that refuses it.
    """
    graph = network(request.model, request.flavor or "torch", dict(request.arguments))
    return answer(graph, request)


def summarize_block(spec: BlockSpec, request: Request) -> Answer:
    """Summarises a single residual block; the request's one input gives its channels and size."""
    return answer(residual_block(spec), request)


def answer(graph: Graph, request: Request) -> Answer:
    """Runs the rules over ``graph`` on the request's input."""
    if len(request.inputs) > 1:
        raise InputError(f"{graph.name} has 1 input, got {len(request.inputs)}")
    expected = expected_input(graph)
    sizes = request.inputs[0] if request.inputs else graph.image
    resolved = resolve(sizes, expected, request.layout, request.batch)
    try:
        summary = run(graph, resolved, request.dtype)
    except InputError as error:
        raise InputError(f"{error}. {resolved.hint}" if resolved.hint else str(error)) from error
    notes = (*([resolved.note] if resolved.note else []), *graph.notes)
    return Answer(summary, notes)


def expected_input(graph: Graph) -> Expected:
    """The image that a graph reads by default, in its flavor's layout."""
    sizes = (graph.channels, *graph.image) if graph.flavor.layout == "NCHW" else (*graph.image, graph.channels)
    return Expected(graph.flavor.layout, (1, *sizes))


def run(graph: Graph, resolved: Resolved, dtype: str) -> Summary:
    """Every node's shapes, weights and MACs, in order.

    Raises:
        InputError: with the layer that refuses its input, and the shapes it met.
    """
    flavor = graph.flavor
    source = Tensor(resolved.shape, dtype, resolved.layout)
    layers = [Layer(INPUT, INPUT, flavor.types["input"], "input", output_tensors=(source,))]
    outputs = {INPUT: source}
    seen: set[str] = set()
    for node in graph.nodes:
        inputs = tuple(outputs[name] for name in node.inputs)
        kind = flavor.types[node.op]
        try:
            effect = ops.apply(node.op, dict(node.attributes), inputs)
        except InputError as error:
            raise InputError(f"{graph.name}: {node.path} ({kind}) {error}") from error
        outputs[node.id] = effect.output
        parameters = flavor.parameters(node.path, effect, dtype)
        layers.append(
            Layer(
                id=node.id,
                path=node.path,
                type=kind,
                op=node.op,
                inputs=node.inputs,
                input_tensors=inputs,
                output_tensors=(effect.output,),
                parameters=() if node.path in seen else parameters,
                shared=tuple(p.name for p in parameters) if node.path in seen else (),
                macs=effect.macs,
                attributes=node.attributes,
            )
        )
        seen.add(node.path)
    return Summary(
        model=Model(graph.name, "local", graph.builder, graph.arguments),
        inputs=(source,),
        outputs=(outputs[graph.nodes[-1].id],),
        layers=tuple(layers),
        modules=_modules(graph, flavor),
        trace=Trace("rules"),
        environment=(("resnet_inspect", __version__),),
    )


def _modules(graph: Graph, flavor: Flavor) -> tuple[tuple[str, str], ...]:
    if flavor.name == "keras":
        # In Keras the input is a layer like any other.
        root, *rest = graph.modules
        return (root, (INPUT, flavor.types["input"]), *rest)
    return graph.modules
