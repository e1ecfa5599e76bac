"""Networks of a few layers, written down by hand, whose numbers are known by arithmetic."""

from __future__ import annotations

from typing import Any

from resnet_inspect.ir import Layer, Model, Parameter, Shape, Summary, Tensor
from resnet_inspect.ops.vocabulary import is_view


def tensor(*shape: int, layout: str | None = None, dtype: str = "float32") -> Tensor:
    """A tensor of numbers; one of four dimensions is an image with the channels first."""
    return Tensor(shape, dtype, layout or ("NCHW" if len(shape) == 4 else None))


def toy(
    name: str, op: str, reads: str = "", shape: Shape | None = (1, 4, 8, 8), params: int = 0, **fields: Any
) -> Layer:
    """A layer that reads the layers named in ``reads``; its path is its name, unless it has another one."""
    layout = fields.pop("layout", None)
    output = () if shape is None else (tensor(*shape, layout=layout),)
    weights = (Parameter(f"{name}.weight", (params,), "float32", "trainable"),) if params else ()
    attributes = tuple(fields.pop("attributes", {}).items())
    base: dict[str, Any] = {"path": name, "type": op, "output_tensors": output, "parameters": weights}
    base["view"] = is_view(op, attributes)
    return Layer(id=name, op=op, inputs=tuple(reads.split()), attributes=attributes, **{**base, **fields})


def network(*layers: Layer, backend: str = "torch", **fields: Any) -> Summary:
    """These layers in this order, each given what the layers that it reads put out."""
    made: dict[str, Layer] = {}
    for item in layers:
        read = tuple(made[source].output_tensors[0] for source in item.inputs if made[source].output_tensors)
        values = {name: getattr(item, name) for name in item.__slots__}
        made[item.id] = Layer(**{**values, "input_tensors": item.input_tensors or read})
    base: dict[str, Any] = {
        "inputs": tuple(t for item in layers if item.op == "input" for t in item.output_tensors),
        "outputs": layers[-1].output_tensors if layers else (),
    }
    return Summary(Model("toy", backend, "test"), layers=tuple(made.values()), **{**base, **fields})


IMAGE = toy("x", "input", type="Input")
