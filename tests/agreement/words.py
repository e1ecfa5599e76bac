"""The words that each reader may say, by its own list. A list that needs a framework is read in its process."""

from __future__ import annotations

_DIMENSIONS = (1, 2, 3)


def listed(framework: str) -> dict[str, list[str]]:
    """Name of a list -> its words, of those that need this framework or nothing."""
    found = _of_torch() if framework == "torch" else _of_keras()
    return {name: sorted(words) for name, words in found.items()}


def _of_torch() -> dict[str, set[str]]:
    from resnet_inspect.readers.aten import operators as aten
    from resnet_inspect.readers.onnx import operators as onnx_ops
    from resnet_inspect.readers.torch import functions as torch_functions
    from resnet_inspect.readers.torch import operators

    convolutions = {f"{op}{d}d" for op in ("conv", "conv_transpose") for d in _DIMENSIONS}
    families = [*onnx_ops.CONVOLUTIONS.values(), *onnx_ops.POOLS.values(), *onnx_ops._GLOBAL_POOLS.values()]
    return {
        "torch modules": set(operators._MODULE_OPS.values()),
        "torch functions": set(torch_functions._FUNCTION_OPS.values()),
        "aten": {*aten._OPS.values(), *aten._FAMILIES.values(), *convolutions},
        "onnx": {*onnx_ops._OPS.values(), *(f"{op}{d}d" for op in families for d in _DIMENSIONS), "clamp"},
    }


def _of_keras() -> dict[str, set[str]]:
    from resnet_inspect.readers.keras import layers

    return {"keras layers and operations": {*layers.LAYER_OPS.values(), *layers.OPERATION_OPS.values()}}
