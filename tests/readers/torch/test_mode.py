"""``--mode train`` in torch: what only training runs is counted, and nothing of the model or the process changes."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path
from typing import Any

import pytest

from resnet_inspect import assert_matches, check, summarize
from resnet_inspect.errors import BadRequestError, InputError
from resnet_inspect.readers.request import Request
from tests.support.command import in_child


def with_head() -> Any:
    """A network whose second head runs in training alone."""
    from torch import nn

    class WithHead(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem, self.norm, self.drop = nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.Dropout(0.5)
            self.head, self.auxiliary = nn.Conv2d(4, 2, 1), nn.Conv2d(4, 5, 1)

        def forward(self, x: Any) -> Any:
            x = self.drop(self.norm(self.stem(x)))
            return (self.head(x), self.auxiliary(x)) if self.training else self.head(x)

    return WithHead()


@pytest.mark.parametrize("name", ["googlenet", "inception_v3"])
@in_child("torch")
def test_auxiliary_heads_cost_what_torch_counts(name: str) -> None:
    """Against torch's own list of parameters and its own FLOP counter, in the same mode."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode
    from torchvision import models

    from resnet_inspect.readers.torch.reader import summarize as trace

    for mode in ("eval", "train"):
        summary = trace(Request(name, batch=2, mode=mode)).summary
        with torch.device("meta"):
            model = models.get_model(name, weights=None, init_weights=False).train(mode == "train")
            image = torch.zeros(summary.inputs[0].shape)
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            outputs = model(image)
        assert 2 * summary.totals.macs == counter.get_total_flops()
        assert summary.totals.params == sum(parameter.numel() for parameter in model.parameters())
        assert len(summary.outputs) == (1 if mode == "eval" else len(outputs))
        assert all(layer.called for layer in summary.layers) == (mode == "train")
        assert bool(summary.unused) == (mode == "eval")
        assert summary.trace.training == (mode == "train")


@in_child("torch")
def test_a_module_is_left_as_it_was() -> None:
    """Its modes, weights, statistics and counters, and the random numbers of Python, NumPy and torch."""
    import numpy
    import torch

    model = with_head()
    model.drop.eval()
    modes = [module.training for module in model.modules()]
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    numbers = random.getstate(), numpy.random.get_state(legacy=False)["state"]["key"].tolist(), torch.get_rng_state()
    summary = summarize(model, "3x8x8", mode="train")
    assert [layer.path for layer in summary.layers] == ["input", "stem", "norm", "drop", "head", "auxiliary"]
    # 64 pixels through 3 x 4, 4 x 2 and 4 x 5 weights.
    assert [layer.macs for layer in summary.layers] == [0, 64 * 12, 0, 0, 64 * 8, 64 * 20]
    assert [module.training for module in model.modules()] == modes
    after = model.state_dict()
    assert all(torch.equal(tensor, after[name]) for name, tensor in before.items())
    assert after["norm.num_batches_tracked"] == 0
    assert random.getstate() == numbers[0]
    assert numpy.random.get_state(legacy=False)["state"]["key"].tolist() == numbers[1]
    assert torch.equal(torch.get_rng_state(), numbers[2])
    # The default is eval mode, whatever mode the module is in.
    assert summarize(model, "3x8x8") == summarize(model.train(), "3x8x8", mode="eval")


@in_child("torch")
def test_checks_and_baselines_in_python_take_the_mode() -> None:
    model = with_head()
    assert not check(model, "3x8x8").passed
    assert check(model, "3x8x8", mode="train").passed
    with pytest.raises(BadRequestError, match="mode must be one of eval, train, got 'training'"):
        summarize(model, "3x8x8", mode="training")
    with tempfile.TemporaryDirectory() as folder:
        baseline = Path(folder) / "baseline.json"
        baseline.write_text(summarize(model, "3x8x8", mode="train").to_json())
        assert_matches(model, baseline)


@in_child("torch")
def test_parts_that_a_model_keeps_out_of_training_stay_out() -> None:
    """A frozen backbone's ``train`` leaves it in eval mode, as it does in a real run of training."""
    from torch import nn

    class Frozen(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.backbone, self.head = with_head(), nn.Conv2d(2, 1, 1)

        def train(self, mode: bool = True) -> Any:
            super().train(mode)
            self.backbone.eval()
            return self

        def forward(self, x: Any) -> Any:
            assert self.training
            return self.head(self.backbone(x))

    summary = summarize(Frozen(), "3x8x8", mode="train")
    assert summary.unused == ("backbone.auxiliary.weight", "backbone.auxiliary.bias")


@in_child("torch")
def test_a_model_that_is_never_trained_says_so() -> None:
    from torch import nn

    class Deployed(nn.Conv2d):
        def train(self, mode: bool = True) -> Any:
            raise NotImplementedError("it was exported for inference")

    model = Deployed(3, 4, 1)
    model.training = False
    with pytest.raises(InputError, match="Deployed has no train mode: it was exported for inference"):
        summarize(model, "3x8x8", mode="train")
    assert summarize(model, "3x8x8").totals.macs == 64 * 12


@in_child("torch")
def test_layers_dropped_at_random_are_the_same_at_each_run() -> None:
    """Code that reads random numbers runs on real tensors; the same model has the same summary."""
    import torch
    from torch import nn

    class LayerDrop(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.steps = nn.ModuleList(nn.Linear(4, 4) for _ in range(20))
            self.norm = nn.BatchNorm1d(4)

        def forward(self, x: Any) -> Any:
            x = self.norm(x)
            for step in self.steps:
                if not self.training or torch.rand(()) > 0.5:
                    x = step(x)
            return x

    model = LayerDrop()
    first, second = (summarize(model, "2x4", mode="train") for _ in range(2))
    assert first == second
    assert first.trace.method == "real"
    assert 0 < sum(layer.called and layer.op == "dense" for layer in first.layers) < 20
    assert (model.norm.num_batches_tracked, model.norm.running_var.tolist()) == (0, [1.0] * 4)


@in_child("torch")
def test_what_training_lacks_is_named() -> None:
    """BatchNorm refuses one value a channel, detection reads targets."""
    import torch
    from torchvision import models

    from resnet_inspect.readers.torch.reader import summarize as trace

    with pytest.raises(InputError, match=r"AuxLogits.conv1.bn \(BatchNorm2d\) fails.*larger batch: --batch 2$"):
        trace(Request("inception_v3", mode="train"))
    name = "fasterrcnn_mobilenet_v3_large_320_fpn"
    with pytest.raises(InputError, match=r"the model reads targets beside its images: .* with --input-from$"):
        trace(Request(name, mode="train"))
    with torch.device("meta"):
        params = sum(item.numel() for item in models.get_model(name, weights_backbone=None).parameters())
    targets = [{"boxes": torch.tensor([[10.0, 10, 90, 90]]), "labels": torch.tensor([1])}]
    model = models.get_model(name, weights=None, weights_backbone=None)
    summary = summarize(model, [[torch.rand(3, 320, 320)], targets], mode="train")
    assert (summary.totals.params, summary.unused) == (params, ())
    assert len(summary.outputs) == 4  # the losses
