"""What is true of a network, found without resnet-inspect: parameters by ``numel``, MACs by torch's own counter.

The counter hears one real run on the CPU. It is blind where a kernel does several products at once, so these are done
one by one: attention by its formula instead of a fused kernel (which counts 0 on the CPU, pytorch 126268 and 195460),
recurrent layers by matrices instead of oneDNN's. Products with a vector get a formula here. What it lacks even so is
worked out by hand in ``networks.py``, and that is the truth then. Networks of Keras run on Keras' torch backend.

The same run says what the products belong to, which is what ``reasons.py`` explains wrong answers with.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from math import prod
from typing import Any

import torch
from building import Built, built
from networks import Network, named
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode, flop_registry, register_flop_formula

#: Layers whose products every tool should see.
_LAYERS = (nn.Linear, nn.modules.conv._ConvNd)
_RECURRENT = (nn.RNNBase, nn.RNNCellBase)


@register_flop_formula([torch.ops.aten.mv, torch.ops.aten.dot, torch.ops.aten.vdot])
def _of_vectors(left: Any, right: Any, *_: Any, **__: Any) -> int:
    """Products with a vector, which torch's counter has no formula for: each number of the left side is used once."""
    return 2 * prod(left)


class Products(TorchDispatchMode):
    """Adds up the products of a run by what they belong to, and how many numbers all operators gave."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.products: Counter[str] = Counter()
        self.numbers = 0
        self.inside: list[str] = []
        seen: set[nn.Module] = set()
        for module in model.modules():
            kind = _kind(module)
            if kind:
                module.register_forward_pre_hook(lambda it, _, kind=kind: self._enter(it, kind, seen))
                module.register_forward_hook(lambda *_: self.inside.pop() and None)

    def _enter(self, module: nn.Module, kind: str, seen: set[nn.Module]) -> None:
        self.inside.append("later calls of a layer" if module in seen else kind)
        seen.add(module)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        if formula := flop_registry.get(func._overloadpacket):
            where = self.inside[-1] if self.inside else "products outside of layers"
            self.products[where] += formula(*args, **(kwargs or {}), out_val=out) // 2
        if not func.is_view:
            self.numbers += sum(item.numel() for item in tensors(out))
        return out


def _kind(module: nn.Module) -> str:
    """The name under which a module's products are added up; nothing for one that is made of others."""
    if isinstance(module, nn.MultiheadAttention):
        return "nn.MultiheadAttention"
    if isinstance(module, _RECURRENT):
        return "recurrent layers"
    return "layers" if isinstance(module, _LAYERS) else ""


class _Attention(TorchFunctionMode):
    """Says which products are attention's own."""

    def __init__(self, products: Products) -> None:
        super().__init__()
        self.products = products

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is not nn.functional.scaled_dot_product_attention:
            return func(*args, **(kwargs or {}))
        self.products.inside.append("products of attention")
        try:
            return func(*args, **(kwargs or {}))
        finally:
            self.products.inside.pop()


def tensors(value: Any) -> Iterator[torch.Tensor]:
    """All tensors of a nested result, in order."""
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from tensors(item)
    elif isinstance(value, (tuple, list)):
        for item in value:
            yield from tensors(item)


def true(network: Network) -> dict[str, Any]:
    """Parameters, MACs and results of a network, and the amounts that explain other answers."""
    if network.framework == "onnx":
        return _of_onnx(network)
    net = built(network)
    found = _of_keras(net) if network.framework == "keras" else of_torch(net)
    counted = found["macs"]
    if network.macs is not None:
        if counted != network.macs and not network.blind:
            raise AssertionError(f"{network.name}: by hand {network.macs}, torch's counter {counted}")
        found |= {"macs": network.macs, "by": "hand"}
        if network.blind:
            found["products"]["products of an operator without a known formula"] += network.macs - counted
    return found


def of_torch(net: Built) -> dict[str, Any]:
    """Parameters, products and results of a module and its inputs."""
    # Tied parameters are one tensor; ``parameters`` gives each once.
    params = sum(parameter.numel() for parameter in net.model.parameters())
    names = sum(parameter.numel() for _, parameter in net.model.named_parameters(remove_duplicate=False))
    buffers = sum(buffer.numel() for buffer in net.model.buffers())
    return {"params": params, "names": names, "buffers": buffers, "held": _held(net.model), **_run(net)}


def _held(model: nn.Module) -> Counter[str]:
    """How many parameters layers of each kind hold."""
    found: Counter[str] = Counter()
    seen: set[nn.Parameter] = set()
    for module in model.modules():
        for parameter in module.parameters(recurse=False):
            if parameter not in seen:
                seen.add(parameter)
                ours = type(module).__module__.startswith("torch.nn.modules.")
                found[type(module).__name__ if ours else "modules of other classes"] += parameter.numel()
                found["frozen layers"] += 0 if parameter.requires_grad else parameter.numel()
    return found


def _of_keras(net: Built) -> dict[str, Any]:
    weights = {id(weight): prod(weight.shape) for weight in net.model.weights}
    given = tuple(torch.from_numpy(item) for item in net.args)
    found = _run(Built(net.model, (given[0] if len(given) == 1 else list(given),)))
    return {"params": sum(weights.values()), **found}


def _run(net: Built) -> dict[str, Any]:
    # The counter's hooks for a backward would wait for gradients that nobody asks for.
    for parameter in net.model.parameters():
        parameter.requires_grad_(False)
    products = Products(net.model)
    counter = FlopCounterMode(display=False)
    with ExitStack() as stack:
        for context in (
            torch.no_grad(),
            torch.backends.mkldnn.flags(enabled=False),
            sdpa_kernel(SDPBackend.MATH),
            counter,
            products,
            _Attention(products),
        ):
            stack.enter_context(context)
        torch.backends.mha.set_fastpath_enabled(False)
        out = net.called()
    return {
        "macs": counter.get_total_flops() // 2,
        "products": products.products,
        "numbers": products.numbers,
        "outputs": [list(item.shape) for item in tensors(out)],
        "by": "torch's counter",
    }


def _of_onnx(network: Network) -> dict[str, Any]:
    """The weights that the file holds. An export does the same products as the network before it."""
    import onnx

    model = onnx.load(built(network).model)
    # Whole numbers of 64 bits are shapes and counts, and scales belong to how a weight is stored.
    scales = {name for node in model.graph.node if node.op_type == "DequantizeLinear" for name in node.input[1:]}
    kept = [item for item in model.graph.initializer if item.name not in scales]
    weights = [item for item in kept if item.data_type != onnx.TensorProto.INT64]
    params = sum(prod(item.dims) for item in weights)
    if network.group == "onnx exported":
        return {**true(named(str(dict(network.settings)["of"]))), "params": params}
    [result] = model.graph.output
    shape = [size.dim_value for size in result.type.tensor_type.shape.dim]
    return {"params": params, "macs": network.macs, "outputs": [shape], "numbers": prod(shape), "by": "hand"}
