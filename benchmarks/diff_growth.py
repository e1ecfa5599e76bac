"""How comparing two summaries grows with their layers, beside the time that reading them takes: ``make bench``."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from dataclasses import replace

from resnet_inspect import ir_json
from resnet_inspect.diffs import compare
from resnet_inspect.ir import Layer, Model, Parameter, Summary, Tensor

KINDS = (("conv", "conv2d"), ("bn", "batch_norm"), ("act", "relu"), ("add", "add"))


def chain(layers: int, prefix: str = "blocks", width: int = 64) -> Summary:
    """Residual blocks of a convolution, a batch norm, an activation and an addition, one behind the other."""
    tensors = (Tensor((1, width, 8, 8), "float32", "NCHW"),)
    made = [Layer("input", "input", "Input", "input", output_tensors=tensors)]
    for index in range(layers):
        name, op = KINDS[index % 4]
        path = f"{prefix}.{index // 4}.{name}"
        sources = (made[-1].id, made[-4].id) if op == "add" else (made[-1].id,)
        weights: tuple[Parameter, ...] = ()
        attributes: tuple[tuple[str, object], ...] = (("eps", 1e-5),) if op == "batch_norm" else ()
        if op == "conv2d":
            weights = (Parameter(f"{path}.weight", (width, width, 3, 3), "float32", "trainable"),)
            attributes = (("in_channels", width), ("out_channels", width), ("kernel_size", (3, 3)), ("stride", (1, 1)))
        made.append(Layer(path, path, name, op, sources, tensors * len(sources), tensors, weights, (), 0, attributes))  # type: ignore[arg-type]
    return Summary(Model("chain", "torch", "chain"), tensors, tensors, tuple(made))


def slower(summary: Summary) -> Summary:
    """Every hundredth layer with another setting."""
    layers = [
        replace(layer, attributes=(*layer.attributes, ("groups", 2))) if index % 100 == 1 else layer
        for index, layer in enumerate(summary.layers)
    ]
    return replace(summary, layers=tuple(layers))


def seconds(work: Callable[[], object]) -> float:
    """The best of three."""
    times = []
    for _ in range(3):
        gc.collect()
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    """A table: rows are sizes, columns what differs, as multiples of the time that reading both takes."""
    print("| layers | read both | no difference | 1 % changed | renamed | all wider | half removed |")
    print("| ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for layers in (1_000, 10_000, 100_000):
        old = chain(layers)
        text = ir_json.dumps(old)
        read = 2 * seconds(lambda text=text: ir_json.loads(text))  # type: ignore[misc]
        others = [chain(layers), slower(old), chain(layers, "stages"), chain(layers, width=80), chain(layers // 2)]
        ratios = [seconds(lambda old=old, new=new: compare(old, new, any_input=True)) / read for new in others]  # type: ignore[misc]
        print(f"| {layers:,} | {read:.2f} s | " + " | ".join(f"{ratio:.2f} x" for ratio in ratios) + " |")


if __name__ == "__main__":
    main()
