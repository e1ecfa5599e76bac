"""Ours and the others, each asked as its documentation says: parameters, multiply-adds, shapes of results.

A tool that doesn't claim one of these gives None. Who claims floating-point operations as well as multiply-adds is
asked for the latter. Functions prepare (imports aren't timed) and give what is then timed.
"""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from inspect import signature
from typing import Any

from building import Built


@dataclass(frozen=True, slots=True)
class Claim:
    """What a tool says of a network; None is what it doesn't say."""

    params: int | None = None
    macs: int | None = None
    outputs: list[list[int]] | None = None


class RefusedError(Exception):
    """The tool can't be given such a network, or says nothing."""


def ours() -> Callable[[Built], Claim]:
    from resnet_inspect import summarize
    from resnet_inspect.answers import adapter
    from resnet_inspect.readers.request import Request

    def ask(net: Built) -> Claim:
        if isinstance(net.model, str):
            summary = adapter("file").summarize(Request(net.model)).summary
        elif net.kwargs:
            summary = summarize(net.model, by_keyword(net))
        elif type(net.model).__module__.startswith("keras"):
            summary = summarize(net.model, [item.shape[1:] for item in net.args])
        else:
            summary = summarize(net.model, list(net.args))
        totals = summary.totals
        macs = None if totals.uncounted else totals.macs
        return Claim(totals.params, macs, [list(tensor.shape) for tensor in summary.outputs])

    return ask


def torchinfo() -> Callable[[Built], Claim]:
    from torchinfo import summary

    def ask(net: Built) -> Claim:
        given: dict[str, Any] = dict(net.kwargs) if net.kwargs else {"input_data": net.args}
        if net.kwargs:  # it hands a dict on as keywords
            given = {"input_data": given}
        found = summary(net.model, verbose=0, device="cpu", **given)
        size = found.summary_list[0].output_size
        plain = bool(size) and all(isinstance(item, int) for item in size)
        return Claim(found.total_params, found.total_mult_adds, [list(size)] if plain else None)

    return ask


def torchsummary() -> Callable[[Built], Claim]:
    from torchsummary import summary

    def ask(net: Built) -> Claim:
        if net.kwargs or any(
            item.shape[0] != net.args[0].shape[0] or not item.is_floating_point() for item in net.args
        ):
            raise RefusedError("takes shapes of floats, by place")
        shapes = [tuple(item.shape[1:]) for item in net.args]
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            summary(net.model, shapes if len(shapes) > 1 else shapes[0], device="cpu")
        params = re.search(r"Total params: ([\d,]+)", said.getvalue())
        if params is None:
            raise RefusedError("printed no total")
        return Claim(int(params[1].replace(",", "")))

    return ask


def fvcore() -> Callable[[Built], Claim]:
    from fvcore.nn import FlopCountAnalysis, parameter_count

    def ask(net: Built) -> Claim:
        found = FlopCountAnalysis(net.model, in_places(net)).unsupported_ops_warnings(False)
        return Claim(int(parameter_count(net.model)[""]), int(found.total()))

    return ask


def ptflops() -> Callable[[Built], Claim]:
    from ptflops import get_model_complexity_info

    def ask(net: Built) -> Claim:
        shape = tuple((net.args or tuple(value for _, value in net.kwargs))[0].shape)
        macs, params = get_model_complexity_info(
            net.model, shape, as_strings=False, print_per_layer_stat=False, input_constructor=lambda _: by_keyword(net)
        )
        if macs is None:
            raise RefusedError("gave nothing")
        return Claim(int(params), int(macs))

    return ask


def calflops() -> Callable[[Built], Claim]:
    from calflops import calculate_flops

    def ask(net: Built) -> Claim:
        _, macs, params = calculate_flops(
            net.model, args=list(net.args), kwargs=dict(net.kwargs), output_as_string=False, print_results=False
        )
        return Claim(int(params), int(macs))

    return ask


def thop() -> Callable[[Built], Claim]:
    from thop import profile

    def ask(net: Built) -> Claim:
        macs, params = profile(net.model, inputs=in_places(net), verbose=False)
        return Claim(int(params), int(macs))

    return ask


def torchlens() -> Callable[[Built], Claim]:
    from torchlens import trace

    def ask(net: Built) -> Claim:
        found = trace(net.model, list(net.args), dict(net.kwargs))
        outputs = [list(found[label].shape) for label in found.output_layers]
        return Claim(int(found.num_params), int(found.total_macs_forward), outputs)

    return ask


def deepspeed() -> Callable[[Built], Claim]:
    from deepspeed.profiling.flops_profiler import get_model_profile

    def ask(net: Built) -> Claim:
        _, macs, params = get_model_profile(
            net.model, args=list(net.args), kwargs=dict(net.kwargs), as_string=False, print_profile=False, warm_up=0
        )
        return Claim(int(params), int(macs))

    return ask


def keras() -> Callable[[Built], Claim]:
    """``count_params`` and ``output_shape``, as its own ``summary`` has them."""

    def ask(net: Built) -> Claim:
        shape = [net.args[0].shape[0], *net.model.output_shape[1:]]
        return Claim(int(net.model.count_params()), None, None if None in shape else [shape])

    return ask


def keras_flops() -> Callable[[Built], Claim]:
    """What keras-flops does, which itself registers formulas that TensorFlow has by now: TensorFlow's own profiler."""
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2_as_graph

    def ask(net: Built) -> Claim:
        specs = [tf.TensorSpec(item.shape, "float32") for item in net.args]
        traced = tf.function(lambda *given: net.model(given[0] if len(given) == 1 else list(given)))
        _, graph = convert_variables_to_constants_v2_as_graph(traced.get_concrete_function(*specs))
        profiler = tf.compat.v1.profiler
        options = profiler.ProfileOptionBuilder(profiler.ProfileOptionBuilder.float_operation())
        with tf.Graph().as_default() as plain:
            tf.graph_util.import_graph_def(graph, name="")
            found = profiler.profile(plain, options=options.with_empty_output().build())
        return Claim(None, found.total_float_ops // 2)

    return ask


def onnx_tool() -> Callable[[Built], Claim]:
    import onnx_tool as tool

    def ask(net: Built) -> Claim:
        model = tool.Model(net.model, {"verbose": False})
        model.graph.shape_infer(None)
        model.graph.profile()
        outputs = [list(model.graph.tensormap[name].get_shape()) for name in model.graph.output]
        return Claim(int(model.graph.params), int(model.graph.macs[0]), outputs)

    return ask


def in_places(net: Built) -> tuple[Any, ...]:
    """All inputs by place, for who takes no keywords."""
    if not net.kwargs:
        return net.args
    given = dict(net.kwargs)
    names = list(signature(net.model.forward).parameters)
    last = max(names.index(name) for name in given)
    return tuple(given.get(name) for name in names[: last + 1])


def by_keyword(net: Built) -> dict[str, Any]:
    """All inputs by keyword, for who takes no places."""
    names = list(signature(net.model.forward).parameters)
    return {**dict(zip(names, net.args, strict=False)), **dict(net.kwargs)}


TOOLS: dict[str, dict[str, Callable[[], Callable[[Built], Claim]]]] = {
    "torch": {
        "ours": ours,
        "torchinfo": torchinfo,
        "torchsummary": torchsummary,
        "fvcore": fvcore,
        "ptflops": ptflops,
        "calflops": calflops,
        "thop": thop,
        "torchlens": torchlens,
        "deepspeed": deepspeed,
    },
    "keras": {"ours": ours, "keras": keras, "keras-flops": keras_flops},
    "onnx": {"ours": ours, "onnx-tool": onnx_tool},
}
