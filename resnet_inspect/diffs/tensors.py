"""A model reduced to what a checkpoint knows of it: its tensors, by the modules that their names say."""

from __future__ import annotations

from dataclasses import replace

from ..errors import BadRequestError
from ..ir import UNKNOWN, Parameter, Summary, Trace


def tensors_alone(summary: Summary, other: Summary) -> Summary:
    """The summary with a row for each module that has tensors, as a checkpoint's reader gives it.

    Roles that a checkpoint can't tell are unknown on both sides. Left out are buffers, those too that only the
    ``other`` side knows as such, and further names of a tensor that the other side's modules share.

    Raises:
        BadRequestError: it is one of Keras' checkpoints, which number their tensors instead of naming them.
    """
    from ..analysis.checkpoint_match import unwrapped  # two models need none of these
    from ..rows.builder import Keyed, Rows

    if not summary.has_graph and summary.model.backend == "keras":
        raise BadRequestError(
            f"{summary.model.name} numbers its tensors, so only Keras can say which is which: "
            "resnet-inspect weights MODEL FILE compares them"
        )
    found = [p for layer in summary.layers for p in layer.parameters if p.role != "buffer"]
    shapes = {p.name: p.shape for layer in other.layers for p in layer.parameters}
    buffers = {p.name for layer in other.layers for p in layer.parameters if p.role == "buffer"}
    shared = {layer.path: {shapes.get(name) for name in layer.shared} for layer in other.layers if layer.shared}
    modules: dict[str, list[Parameter]] = {}
    for name, parameter in zip(unwrapped([parameter.name for parameter in found]), found, strict=True):
        is_tied = name not in shapes and parameter.shape in shared.get(name.rpartition(".")[0], ())
        if name in buffers or is_tied:
            continue
        role = "statistics" if parameter.role == "statistics" else "unknown"
        modules.setdefault(name.rpartition(".")[0], []).append(replace(parameter, name=name, role=role))
    rows = Rows(Keyed[str](lambda _: UNKNOWN))
    for path, held in modules.items():
        rows.add_uncalled(path, "Tensors", "other", sorted(held, key=lambda parameter: parameter.name), macs=None)
    return replace(
        summary,
        inputs=(),
        outputs=(),
        layers=tuple(rows.layers),
        modules=(),
        trace=Trace("header"),
        unused=(),
        inactive=None,
        decoding=None,
    )
