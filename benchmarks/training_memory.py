"""Our peak of a training step against torch's: ``python benchmarks/training_memory.py [NAME...] > training_memory.md``.

The truth is torch's MemTracker on fake CUDA tensors (``fake_step.py``), the peak of the second step.
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import fake_step
import torch
import torchvision
from torch import nn

from resnet_inspect import summarize
from resnet_inspect.analysis.training.plan import Plan
from resnet_inspect.analysis.training.timeline import timeline

BATCH = 32


class Network(NamedTuple):
    """How a network is built, what it is called with, and which of its modules are run again."""

    build: Callable[[], nn.Module]
    inputs: Callable[[], tuple[Any, ...]]
    checkpoints: tuple[str, ...]


class Pair(nn.Sequential):
    """Two convolutions, each with a norm and a ReLU."""

    def __init__(self, before: int, after: int) -> None:
        sizes = ((before, after), (after, after))
        super().__init__(
            *(
                layer
                for pair in sizes
                for layer in (nn.Conv2d(*pair, 3, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU(inplace=True))
            )
        )


class UNet(nn.Module):
    """Ronneberger et al. 2015, with padding."""

    def __init__(self) -> None:
        super().__init__()
        widths = (3, 16, 32, 64, 128)
        self.down = nn.ModuleList(Pair(a, b) for a, b in itertools.pairwise(widths))
        self.up = nn.ModuleList(nn.ConvTranspose2d(b, a, 2, 2) for a, b in itertools.pairwise(widths[1:]))
        self.merge = nn.ModuleList(Pair(2 * a, a) for a in widths[1:-1])
        self.pool = nn.MaxPool2d(2)
        self.head = nn.Conv2d(widths[1], 2, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Images (N, 3, H, W) -> classes of pixels (N, 2, H, W); sides are multiples of 8."""
        kept = []
        for index, pair in enumerate(self.down):
            x = pair(x if not index else self.pool(x))
            kept.append(x)
        for up, merge, skip in zip(reversed(self.up), reversed(self.merge), reversed(kept[:-1]), strict=True):
            x = merge(torch.cat((up(x), skip), 1))
        return self.head(x)


def _images(side: int = 224) -> tuple[torch.Tensor]:
    return (torch.empty(BATCH, 3, side, side),)


def _tokens() -> tuple[torch.Tensor]:
    return (torch.zeros(BATCH, 128, dtype=torch.int64),)


def _bert() -> nn.Module:
    from transformers import BertConfig, BertModel

    return BertModel(BertConfig(attn_implementation="sdpa"))


def _gpt2() -> nn.Module:
    from transformers import GPT2Config, GPT2LMHeadModel

    return GPT2LMHeadModel(GPT2Config(use_cache=False, attn_implementation="sdpa"))


_CHECKPOINTS = {
    **dict.fromkeys(("resnet18", "resnet50", "resnext50_32x4d", "wide_resnet50_2"), "layer?.*"),
    "vit_b_16": "encoder.layers.*",
    **dict.fromkeys(("swin_t", "swin_v2_t", "convnext_tiny"), "features.[1357].*"),
    "densenet121": "features.denseblock?",
    **dict.fromkeys(("regnet_y_400mf", "regnet_x_800mf"), "trunk_output.*.*"),
    "inception_v3": "Mixed_*",
    "googlenet": "inception*",
    "shufflenet_v2_x1_0": "stage?.*",
    "alexnet": "features",
    "vgg11_bn": "features",
    "vgg16": "features",
}
_CHECKPOINTS |= {"squeezenet1_0": "features.[345789]", "mnasnet1_0": "layers.[89]"}  # others end in ReLUs in place
_FEATURES = ("mobilenet_v2", "mobilenet_v3_large", "efficientnet_b0", "efficientnet_v2_s")
_CHECKPOINTS |= dict.fromkeys(_FEATURES, "features.*")


def _regnet(name: str) -> nn.Module:
    """A RegNet, whose widths torchvision reads from tensors: these have to be real."""
    from torch._subclasses.fake_tensor import unset_fake_temporarily
    from torchvision.models.regnet import BlockParams

    from_init_params = BlockParams.from_init_params

    def on_real_tensors(**options: Any) -> BlockParams:
        with unset_fake_temporarily(), torch.device("cpu"):
            return from_init_params(**options)

    with mock.patch.object(BlockParams, "from_init_params", on_real_tensors):
        return torchvision.models.get_model(name)


def _torchvision(name: str) -> Network:
    options = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
    side = 299 if name == "inception_v3" else 224

    def build() -> nn.Module:
        if name.startswith("regnet"):
            return _regnet(name)
        return torchvision.models.get_model(name, **options)

    return Network(build, lambda: _images(side), (_CHECKPOINTS[name],))


NETWORKS = {name: _torchvision(name) for name in _CHECKPOINTS} | {
    "unet": Network(UNet, _images, ("down.*", "merge.*")),
    "bert": Network(_bert, _tokens, ("encoder.layer.*",)),
    "gpt2": Network(_gpt2, _tokens, ("transformer.h.*",)),
}
SETTINGS = [(amp, again, optim) for amp in (None, "bf16") for again in (False, True) for optim in ("sgd", "adam")]


class Result(NamedTuple):
    """One case: bytes of ours and of torch's."""

    name: str
    amp: str | None
    checkpointed: bool
    optimizer: str
    ours: int
    torchs: int
    unknown: int
    where: str

    @property
    def ratio(self) -> float:
        """Ours over torch's."""
        return self.ours / self.torchs


def measure(
    names: list[str], settings: list[tuple[str | None, bool, str]], known: dict[str, int], measured: bool = False
) -> Iterator[Result]:
    """Every network in every setting; ``known`` has torch's numbers of an earlier run, and takes new ones.

    ``measured`` leaves out what isn't known yet.
    """
    for name in names:
        network = NETWORKS[name]
        with mock.patch.object(nn.init, "trunc_normal_", lambda tensor, *args, **options: tensor), torch.device("meta"):
            summary = summarize(network.build(), *network.inputs(), mode="train")
        for amp, again, optimizer in settings:
            patterns = network.checkpoints if again else ()
            key = json.dumps((name, amp, again, optimizer))
            if key not in known and measured:
                continue
            if key not in known:
                known[key] = fake_step.peak(network.build, network.inputs, optimizer, amp, patterns)
            found = timeline(summary, Plan(optimizer=optimizer, amp=amp, checkpoint=patterns))
            at = found.peak
            assert at is not None
            where = f"{at.phase} {at.layer}"
            yield Result(name, amp, again, optimizer, at.live, known[key], len(found.unknown), where)


def main() -> None:
    """Write the table to stdout; progress goes to stderr."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", default=[])
    parser.add_argument("--settings", default="", help="numbers of settings, as 0,4")
    parser.add_argument("--truth", type=Path, help="a file that keeps torch's numbers from run to run")
    parser.add_argument("--measured", action="store_true", help="only what that file has")
    options = parser.parse_args()
    settings = [SETTINGS[int(n)] for n in options.settings.split(",")] if options.settings else SETTINGS
    known = json.loads(options.truth.read_text()) if options.truth and options.truth.exists() else {}
    results = []
    for result in measure(options.names or list(NETWORKS), settings, known, options.measured):
        print(f"{result.name} {result.ratio:.4f} {result.where} {result[1:]}", file=sys.stderr, flush=True)
        results.append(result)
        if options.truth:
            options.truth.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n")
    head = (
        f"Batch {BATCH}, PyTorch {torch.__version__}, `MemTracker` on fake CUDA tensors, the second step.",
        "The loss is the sum of the outputs. Bytes of tensors, without rounding to the allocator's blocks of 512.",
        "torch's autograd engine and its choice of a kernel for attention need a GPU, even for fake tensors;",
        "`fake_step.py` does both in their place. Empty cells aren't measured.",
    )
    print(page(results, head))


def page(results: list[Result], head: Iterable[str]) -> str:
    """The table, and what stands above it."""
    columns = [setting for setting in SETTINGS if any(result[1:4] == setting for result in results)]
    titles = [", ".join((amp or "fp32", *(["checkpoints"] if again else []), optim)) for amp, again, optim in columns]
    lines = ["| network | " + " | ".join(titles) + " |", "|---|" + "---:|" * len(titles)]
    for name in dict.fromkeys(result.name for result in results):
        found = {result[1:4]: result for result in results if result.name == name}
        lines.append(f"| {name} | " + " | ".join(f"{found[c].ratio:.4f}" if c in found else "" for c in columns) + " |")
    errors = [abs(result.ratio - 1) for result in results]
    worst = max(results, key=lambda result: abs(result.ratio - 1))
    middle, most = 100 * statistics.median(errors), 100 * max(errors)
    return "\n".join(
        (
            "# The peak of a training step: ours over torch's",
            "",
            *head,
            "",
            f"{len(results)} cases: median error {middle:.2f} %, largest {most:.2f} % ({worst.name}).",
            "",
            *lines,
        )
    )


if __name__ == "__main__":
    main()
