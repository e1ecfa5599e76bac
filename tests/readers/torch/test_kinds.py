"""Torch modules of every kind: lazy, compiled, reparametrised, of other dtypes, deep, many, made in forward."""

from __future__ import annotations

import sys
import time
from typing import Any

import pytest

from resnet_inspect import summarize
from resnet_inspect.errors import InputError
from tests.readers.torch.test_complaints import layers, module
from tests.support.command import in_child


@in_child("torch")
def test_lazy_modules_are_sized_by_the_input_and_stay_lazy() -> None:
    from torch import nn

    def model() -> Any:
        return nn.Sequential(nn.LazyConv2d(8, 3), nn.LazyBatchNorm2d(), nn.Flatten(), nn.LazyLinear(10))

    lazy = model()
    totals = summarize(lazy, "3x8x8").totals
    # 3 x 3 x 3 weights and a bias for 8 filters; two weights of the norm for each; 8 x 6 x 6 features to 10.
    assert totals.params == 8 * 28 + 2 * 8 + 288 * 10 + 10
    assert totals.macs == 8 * 27 * 36 + 288 * 10
    assert isinstance(lazy[0], nn.LazyConv2d)
    assert isinstance(lazy[3].weight, nn.UninitializedParameter)
    # Another size next time: nothing was fixed.
    assert summarize(lazy, "1x9x9").totals.params == 8 * 10 + 2 * 8 + 8 * 49 * 10 + 10


@in_child("torch")
def test_reparametrised_weights() -> None:
    from torch import nn
    from torch.nn.utils import parametrizations as p

    # Weight norm: a length for each of 6 rows beside 6 x 4 directions.
    normed = p.weight_norm(nn.Linear(4, 6))
    assert sum(q.numel() for q in normed.parameters()) == 6 * 4 + 6 + 6
    assert summarize(normed, ["2x4:float32"]).totals.params == 6 * 4 + 6 + 6
    # Spectral norm: two vectors of the power iteration are buffers.
    spectral = p.spectral_norm(nn.Linear(4, 6))
    summary = summarize(nn.Sequential(spectral, nn.ReLU()), ["2x4:float32"])
    assert summary.totals.params == 6 * 4 + 6
    assert sorted(q.shape for x in summary.layers for q in x.parameters if q.role == "buffer") == [(4,), (6,)]
    rows = [layer.path for layer in summary.layers]
    assert rows == ["input", "0", "1"]
    orthogonal = nn.utils.parametrizations.orthogonal(nn.Linear(4, 4, bias=False))
    assert summarize(orthogonal, ["2x4:float32"]).totals.params == 16


@in_child("torch")
def test_compiled_modules_are_what_they_compile() -> None:
    import torch
    from torch import nn

    model = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 2))
    plain = summarize(model, ["3x4:float32"])
    assert summarize(torch.compile(model), ["3x4:float32"]) == plain
    inside = nn.Sequential(torch.compile(model), nn.ReLU())
    totals = summarize(inside, ["3x4:float32"]).totals
    assert (totals.params, totals.macs) == (plain.totals.params, plain.totals.macs) == (30 + 14, 3 * (24 + 12))


@in_child("torch")
def test_other_devices_and_dtypes() -> None:
    import torch
    from torch import nn

    with torch.device("meta"):
        there = nn.Linear(4, 6)
    assert summarize(there, ["2x4:float32"]).totals.macs == 2 * 24
    assert there.weight.is_meta
    for dtype, size in ((torch.float16, 2), (torch.bfloat16, 2), (torch.float64, 8), (torch.complex64, 8)):
        summary = summarize(nn.Linear(4, 6, dtype=dtype), [(2, 4)])
        name = str(dtype).removeprefix("torch.")
        assert [t.dtype for t in (*summary.inputs, *summary.outputs)] == [name, name]
        assert (summary.totals.param_bytes, summary.totals.activation_bytes) == (30 * size, 12 * size)


@in_child("torch")
def test_batch_norm_in_train_mode_at_batch_1() -> None:
    from torch import nn

    # Trained on one value a channel, torch itself refuses; a summary runs in eval mode.
    model = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6)).train()
    totals = summarize(model, ["1x4:float32"]).totals
    assert (totals.params, totals.statistics) == (30 + 12, 12)
    assert model.training
    assert model[1].num_batches_tracked == 0


@in_child("torch")
def test_control_flow_by_values_takes_real_tensors() -> None:
    from torch import nn

    def forward(self: Any, x: Any) -> Any:
        return self.a(x) if x.sum() >= 0 else self.b(x)

    summary = summarize(module(forward, a=nn.Linear(4, 6), b=nn.Linear(4, 3)), ["2x4:float32"])
    assert summary.trace.method == "real"
    assert (summary.totals.params, summary.totals.macs, summary.unused) == (30 + 15, 2 * 24, ("b.weight", "b.bias"))


@in_child("torch")
def test_code_that_reads_no_values_for_a_compiler_stays_on_meta() -> None:
    import torch
    from torch import nn

    def forward(self: Any, x: Any) -> Any:
        if not torch.compiler.is_compiling() and torch.isnan(x).any():
            raise ValueError("not a number")
        return self.fc(x)

    summary = summarize(module(forward, fc=nn.Linear(4, 6)), ["2x4:float32"])
    assert summary.trace.method == "meta"
    assert "export" in str(summary.trace.reason)
    assert not torch.compiler.is_compiling()


@in_child("torch")
def test_weights_too_large_for_real_tensors_are_refused() -> None:
    import torch
    from torch import nn

    with torch.device("meta"):
        huge = nn.Linear(2**20, 2**20, bias=False)  # 4 TiB
    forward = lambda self, x: self.fc(x) if x.sum() > 0 else x  # noqa: E731
    with pytest.raises(InputError, match=r"needs real tensors, and 4\.00 TiB of weights are too much"):
        summarize(module(forward, fc=huge), ["1x1048576:float32"])


@in_child("torch")
def test_views_and_in_place_everything() -> None:
    from torch import nn

    def forward(self: Any, x: Any) -> Any:
        y = self.conv(x)
        y += 1
        y.relu_().mul_(2)
        part = y[:, :2]
        part.add_(x[:, :2])
        return self.drop(y.view(y.shape[0], -1))

    parts = {"conv": nn.Conv2d(3, 4, 1), "drop": nn.Dropout(inplace=True)}
    found = layers(module(forward, **parts), "3x2x2")
    chain = ["conv", "add", "relu", "mul"]
    assert [found[name].inputs for name in chain[1:]] == [(name,) for name in chain[:-1]]
    # The part that was added to is read through the whole.
    assert "add_1" in found["view"].inputs
    assert found["drop"].inputs == ("view",)
    assert sum(layer.params for layer in found.values()) == 4 * 3 + 4


@in_child("torch")
def test_recomputed_blocks_run_once() -> None:
    from torch import nn
    from torch.utils.checkpoint import checkpoint, checkpoint_sequential

    def forward(self: Any, x: Any) -> Any:
        x = checkpoint(self.a, x, use_reentrant=False)
        x = checkpoint(self.b, x, use_reentrant=True)
        return checkpoint_sequential(self.c, 2, x, use_reentrant=False)

    parts = {name: nn.Sequential(nn.Linear(4, 4), nn.ReLU()) for name in "abc"}
    summary = summarize(module(forward, **parts), ["2x4:float32"])
    assert [layer.id for layer in summary.layers] == ["input", "a.0", "a.1", "b.0", "b.1", "c.0", "c.1"]
    assert (summary.totals.params, summary.totals.macs) == (3 * 20, 3 * 2 * 16)


@in_child("torch")
def test_modules_that_override_call() -> None:
    from torch import nn

    class Called(nn.Linear):
        def __call__(self, x: Any, times: int = 1) -> Any:
            for _ in range(times):
                x = super().__call__(x)
            return x

    summary = summarize(module(lambda self, x: self.fc(x, times=2), fc=Called(4, 4)), ["2x4:float32"])
    assert [layer.id for layer in summary.layers] == ["input", "fc", "fc:2"]
    assert (summary.totals.params, summary.totals.macs) == (20, 2 * 2 * 16)


@in_child("torch")
def test_layers_made_in_forward() -> None:
    from torch import nn

    def forward(self: Any, x: Any) -> Any:
        return nn.Linear(6, 2)(nn.ReLU()(self.fc(x)))

    summary = summarize(module(forward, fc=nn.Linear(4, 6)), ["2x4:float32"])
    # What isn't the model's own has no parameters of the model, but its work is done all the same.
    assert summary.totals.params == 30
    assert [layer.macs for layer in summary.layers] == [0, 2 * 24, 0, 2 * 12]


#: Levels that are promised: Python 3.12 and 3.13 count calls that go through C, up to 1,500 and 10,000 of them.
LEVELS = {(3, 12): 400, (3, 13): 2000}.get(sys.version_info[:2], 2000)


def nested(levels: int) -> Any:
    from torch import nn

    model: Any = nn.Linear(4, 4)
    for _ in range(levels):
        model = nn.Sequential(model)
    return model


@in_child("torch")
def test_thousands_of_levels() -> None:
    summary = summarize(nested(LEVELS), ["2x4:float32"])
    (_, fc) = summary.layers
    assert fc.path.count("0") == LEVELS
    assert (summary.totals.params, summary.totals.macs) == (20, 32)
    assert len(summary.modules) == LEVELS + 1
    assert type(summary).from_json(summary.to_json()) == summary


@pytest.mark.skipif(sys.version_info[:2] not in ((3, 12), (3, 13)), reason="this Python doesn't count calls through C")
@in_child("torch")
def test_more_levels_than_python_allows() -> None:
    model = nested(4000)
    with pytest.raises(InputError, match=r"^Sequential: .* Python 3\.1[23]\.\d+ allows: .* nested 4000 deep"):
        summarize(model, ["2x4:float32"])
    assert summarize(nested(3), ["2x4:float32"]).totals.params == 20


@in_child("torch")
def test_a_forward_that_never_ends() -> None:
    from torch import nn

    def forward(self: Any, x: Any) -> Any:
        return forward(self, self.fc(x))

    with pytest.raises(InputError, match=r"nests more calls than Python .* allows: a recursion .* nested 1 deep"):
        summarize(module(forward, fc=nn.Linear(4, 4)), ["2x4:float32"])


@in_child("torch")
def test_a_hundred_thousand_submodules() -> None:
    from torch import nn

    model = nn.Sequential(*(nn.Sequential(*(nn.Identity() for _ in range(99))) for _ in range(1000)))
    assert sum(1 for _ in model.modules()) == 1 + 1000 + 99_000
    started = time.process_time()
    summary = summarize(module(lambda self, x: self.m[0](x) + self.m[999](x), m=model), ["2x4:float32"])
    assert len(summary.layers) == 1 + 2 * 99 + 1
    assert len(summary.modules) == 1 + 100_001
    # Looking for a path among so many must not be a search: 198 searches would take minutes.
    assert time.process_time() - started < 60


@in_child("torch")
def test_constructors_that_read_values_are_built_all_the_same() -> None:
    import torch
    from torch import nn

    from resnet_inspect.readers.inputs import Shapes
    from resnet_inspect.readers.request import Request
    from resnet_inspect.readers.torch.object import summarize_built

    class Rates(nn.Module):
        """Drop-path rates as numbers, as half of timm's models have them."""

        def __init__(self) -> None:
            super().__init__()
            self.rates = [float(x) for x in torch.linspace(0, 0.1, 3)]
            self.fc = nn.Linear(4, 3)

        def forward(self, x: Any) -> Any:
            return self.fc(x) * self.rates[1]

    summary, _ = summarize_built(Rates, Request("m:Rates", inputs=Shapes(((4,),))))
    assert (summary.totals.params, summary.trace.method) == (15, "meta")


@in_child("torch")
def test_lstms_on_real_tensors_cost_what_they_cost_on_meta() -> None:
    from torch import nn

    def forward(self: Any, x: Any) -> Any:
        return self.rnn(x)[0] if float(x.sum()) < 1 else x

    for bidirectional in (False, True):
        rnn = nn.LSTM(8, 6, num_layers=2, batch_first=True, bidirectional=bidirectional)
        summary = summarize(module(forward, rnn=rnn), ["2x5x8:float32"])
        both = 1 + bidirectional
        # 10 steps; four gates of 6 units read the input and the state, and then the layer below.
        first, second = 4 * 6 * (8 + 6), 4 * 6 * (both * 6 + 6)
        assert (summary.trace.method, summary.totals.macs) == ("real", 10 * both * (first + second))


@in_child("torch")
def test_a_forward_that_differentiates() -> None:
    import torch
    from torch import nn

    def forward(self: Any, x: Any) -> Any:
        x = x.requires_grad_(True)
        (slope,) = torch.autograd.grad(self.fc(x).sum(), x, create_graph=True)
        return slope

    summary = summarize(module(forward, fc=nn.Linear(4, 3)), ["2x4:float32"])
    assert summary.outputs[0].shape == (2, 4)
    assert summary.totals.params == 15


@in_child("torch")
def test_what_a_shape_means_to_a_net_that_says_nothing() -> None:
    from torch import nn

    image = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1))
    vector = nn.Sequential(nn.Linear(32, 48), nn.Unflatten(-1, (3, 4, 4)), nn.Conv2d(3, 4, 3))
    both = nn.ModuleDict({"conv": nn.Conv2d(3, 4, 3), "fc": nn.Linear(10, 4)})
    cases: list[tuple[Any, Any, list[tuple[int, ...]]]] = [
        (image, "3x8x8", [(1, 3, 8, 8)]),
        (image, "8x8x3", [(1, 3, 8, 8)]),
        (image, "8", [(1, 3, 8, 8)]),
        (image, "2x3x8x8", [(2, 3, 8, 8)]),
        (vector, "32", [(1, 32)]),
        # The second input is not an image, though the net has a convolution.
        (
            module(lambda self, x, y: self.m["conv"](x).mean() + self.m["fc"](y), m=both),
            ["1x3x8x8", "10"],
            [(1, 3, 8, 8), (1, 10)],
        ),
    ]
    for net, given, shapes in cases:
        assert [tensor.shape for tensor in summarize(net, given).inputs] == shapes
