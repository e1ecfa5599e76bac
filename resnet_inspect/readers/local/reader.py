"""The local backend: graphs of ``blocks`` run through the rules of ``ops``. No framework, milliseconds."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ... import ops
from ...blocks.flavor import FLAVORS, Flavor
from ...blocks.graph import INPUT, Graph
from ...blocks.networks import find, network
from ...errors import BadRequestError, InputError, ModelError
from ...ir import Model, Parameter, Shape, Summary, Tensor, Trace
from ...rows.builder import Rows
from ...shape import Expected, Resolved, format_shape, is_telling, order, resolve, twin
from ...version import __version__
from ..request import Answer, Request

if TYPE_CHECKING:
    from ...analysis.checkpoint_match import Entry
    from ...blocks.residual import BlockSpec

BLOCK_DEFAULT = (24, 24, 3)


def summarize(request: Request) -> Answer:
    """Summarises a named network.

    Raises:
        ModelError: no such network.
        InputError: the input doesn't fit, with the first layer that refuses it.
    """
    flavor, arguments = request.flavor or "torch", dict(request.arguments)
    if find(request.model, flavor) is None:
        from .unknown import unknown

        raise ModelError(unknown(request.model, flavor))
    graph = network(request.model, flavor, arguments)
    resolved = resolve_input(request, graph.name, expected_input(graph.flavor, graph.channels, graph.image))
    sizes = dict(zip(graph.flavor.layout, resolved.shape, strict=True))
    if min(sizes["H"], sizes["W"]) < graph.minimum:
        raise InputError(
            f"{graph.name} reads images of at least {graph.minimum}x{graph.minimum}, got "
            f"{format_shape(resolved.shape)} in {graph.flavor.layout}" + (f". {resolved.hint}" if resolved.hint else "")
        )
    label = _checked_weights(request, graph.name) if request.weights is not None else None
    if sizes["C"] != graph.channels:
        graph = network(graph.name, flavor, arguments, sizes["C"])
    answered = answer(graph, resolved, request.dtype)
    model = replace(answered.summary.model, weights=label)
    # The graph of a ResNet is the same in both modes.
    trace = replace(answered.summary.trace, training=request.is_training)
    return replace(answered, summary=replace(answered.summary, model=model, trace=trace))


def _checked_weights(request: Request, name: str) -> str | None:
    """What a summary says of its weights, which must be in a file and fit."""
    from ..weights import check_weights, is_file, weights_label

    if request.weights is not None and not is_file(request.weights):
        raise BadRequestError(f"the local backend has no weights {request.weights!r}: name torch:{name}, or a file")
    check_weights(request, f"local:{name}", lambda: state(request))
    return weights_label(request.weights)


def state(request: Request) -> tuple[Entry, ...]:
    """The entries of the state dictionary of a network in torchvision's convention.

    Raises:
        BadRequestError: the network is in Keras' convention, whose files only Keras can name the entries of.
    """
    from ...analysis.checkpoint_match import Entry

    if request.flavor == "keras":
        raise BadRequestError(f"for Keras' files, name Keras' model: keras:{request.model}")
    layers = summarize(replace(request, weights=None)).summary.layers
    return tuple(Entry(p.name, p.shape, p.dtype) for layer in layers for p in layer.parameters) + tuple(
        # torch counts the batches that a BatchNorm has seen.
        Entry(f"{layer.path}.num_batches_tracked", (), "int64", optional=True)
        for layer in layers
        if layer.op == "batch_norm"
    )


def native(request: Request) -> str:
    """Raises BadRequestError: there is no framework here that could have words of its own."""
    raise BadRequestError(f"--format native is a framework's own output: name torch:{request.model} or keras:ResNet50")


def native_block(_spec: BlockSpec, _request: Request) -> str:
    """Raises BadRequestError, likewise."""
    raise BadRequestError("--format native is a framework's own output: add --backend torch or --backend keras")


def summarize_block(spec: BlockSpec, request: Request) -> Answer:
    """Summarises a single residual block; the request's one input gives its channels and size."""
    from ...blocks.residual import residual_block

    spec, resolved = resolve_block(spec, request)
    return answer(residual_block(spec), resolved, request.dtype)


def resolve_block(spec: BlockSpec, request: Request) -> tuple[BlockSpec, Resolved]:
    """The specification with the input's channels and size filled in, and the input in its flavor's layout."""
    flavor = FLAVORS[spec.flavor]
    default = expected_input(flavor, spec.channels, spec.image)
    resolved = resolve_input(request, "the block", default)
    shape = dict(zip(flavor.layout, resolved.shape, strict=True))
    spec = replace(spec, channels=shape["C"], image=(shape["H"], shape["W"]))
    # The tutorial's shape is the default for torch too: converting it is nothing to tell.
    is_default = request.shapes == (BLOCK_DEFAULT,)
    note = None if is_default else resolved.note or _reading(request, resolved.shape, default.layout)
    return spec, replace(resolved, note=note)


def _reading(request: Request, shape: Shape, own: str) -> str | None:
    """What to say of a block's shape that could be read in two ways."""
    (given,) = request.shapes or (shape,)
    item, layout = shape[1:], own.removeprefix("N")
    sizes = given[-len(item) :]
    if request.layout or sizes[0] == sizes[-1] or is_telling(sizes[0]) != is_telling(sizes[-1]):
        return None
    other = twin(own)
    return f"{format_shape(sizes)} was read as {layout}; --layout {order(other)} reads {other.removeprefix('N')}"


def answer(graph: Graph, resolved: Resolved, dtype: str) -> Answer:
    """Runs the rules over ``graph``, with a hint at what was meant if the input doesn't fit."""
    try:
        summary = run(graph, resolved, dtype)
    except InputError as error:
        raise error.with_hint(resolved.hint) from error
    return Answer(summary, (*([resolved.note] if resolved.note else []), *graph.notes))


def resolve_input(request: Request, name: str, expected: Expected) -> Resolved:
    """The one input of a request, or the model's default.

    Raises:
        InputError: there is more than one input, or its sizes fit no reading.
    """
    if len(request.shapes) > 1:
        raise InputError(f"{name} has 1 input, got {len(request.shapes)}")
    sizes = request.shapes[0] if request.shapes else expected.sizes[1:]
    # A default is in the model's own layout, whatever the user's is.
    return resolve(sizes, expected, request.layout if request.shapes else expected.layout, request.batch)


def expected_input(flavor: Flavor, channels: int, image: tuple[int, int]) -> Expected:
    """An image in a flavor's layout."""
    sizes = (channels, *image) if flavor.layout == "NCHW" else (*image, channels)
    return Expected(flavor.layout, (1, *sizes))


class _Values:
    """What the rules have found, by the ids of the nodes, which are those of the layers that give them."""

    def __init__(self, outputs: dict[str, Tensor]) -> None:
        self.tensor = outputs.__getitem__

    source = staticmethod(str)

    def produced(self, value: str, layer: str, layout: str | None) -> None:
        """Nothing to record: a value's name says which layer gives it."""


def run(graph: Graph, resolved: Resolved, dtype: str) -> Summary:
    """Every node's shapes, weights and MACs, in order.

    Raises:
        InputError: with the layer that refuses its input, and the shapes it met.
    """
    flavor = graph.flavor
    source = Tensor(resolved.shape, dtype, resolved.layout)
    outputs = {INPUT: source}
    rows = Rows(_Values(outputs))
    rows.add_input(INPUT, INPUT, flavor.types["input"])
    parameters: dict[str, tuple[Parameter, ...]] = {}
    for node in graph.nodes:
        inputs = [outputs[name] for name in node.inputs]
        kind = flavor.types[node.op]
        try:
            effect = ops.apply(node.op, dict(node.attributes), inputs)
        except InputError as error:
            raise InputError(f"{graph.name}: {node.path} ({kind}) {error}", node.path) from error
        outputs[node.id] = effect.output
        uses = parameters.get(node.path) or flavor.parameters(node.path, effect, dtype)
        parameters[node.path] = uses
        layouts = (effect.output.layout,)
        view = node.op == "flatten" or ("inplace", True) in node.attributes
        rows.add(
            node.path, kind, node.op, node.inputs, (node.id,), uses, node.attributes, effect.macs, layouts, view=view
        )
    return Summary(
        model=Model(graph.name, "local", graph.builder, graph.arguments),
        inputs=(source,),
        outputs=(outputs[graph.nodes[-1].id],),
        layers=tuple(rows.layers),
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
