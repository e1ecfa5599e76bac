"""What fills the trackers of torchsummary, torchinfo, ptflops and thop, each with its numbers worked out by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from resnet_inspect import summarize
from resnet_inspect.errors import InputError
from resnet_inspect.ir import Layer
from tests.support.command import in_child, needs

if TYPE_CHECKING:
    from torch import nn


def module(forward: Any, **parts: Any) -> nn.Module:
    """A module with these parts, modules or parameters, and this forward."""
    from torch import nn

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            for name, part in parts.items():
                setattr(self, name, part)

        def forward(self, *args: Any) -> Any:
            return forward(self, *args)

    return Net()


def layers(model: Any, given: Any) -> dict[str, Layer]:
    """By id."""
    return {layer.id: layer for layer in summarize(model, given).layers}


@in_child("torch")
def test_products_in_functions_are_counted() -> None:
    import torch
    import torch.nn.functional as F  # noqa: N812 - everybody's name for it
    from torch import nn

    x = torch.zeros(2, 3, 4)
    weight = nn.Parameter(torch.zeros(5, 4))
    cases: list[tuple[Any, list[Any], int]] = [
        (lambda self, a: a @ a.transpose(1, 2), [x], 2 * 3 * 4 * 3),
        (lambda self, a: torch.matmul(a, self.w.t()), [x], 2 * 3 * 4 * 5),
        (lambda self, a: torch.einsum("bij,kj->bik", a, self.w), [x], 2 * 3 * 4 * 5),
        (lambda self, a: F.linear(a, self.w), [x], 2 * 3 * 4 * 5),
        (lambda self, a: torch.bmm(a, a.mT), [x], 2 * 3 * 4 * 3),
        (lambda self, a: torch.baddbmm(torch.zeros(2, 3, 3), a, a.mT), [x], 2 * 3 * 4 * 3),
        (lambda self, a: torch.tensordot(a, self.w, dims=([2], [1])), [x], 2 * 3 * 4 * 5),
        # 6 filters of 3 x 3 x 3 at 8 x 8 places.
        (lambda self, a: F.conv2d(a, torch.zeros(6, 3, 3, 3), padding=1), [torch.zeros(1, 3, 8, 8)], 6 * 27 * 64),
        (lambda self, a: F.conv_transpose1d(a, torch.zeros(3, 2, 4)), [torch.zeros(1, 3, 5)], 5 * 3 * 2 * 4),
        # Each of 2 x 2 heads: 3 queries by 3 keys of 4 features, and back to 4.
        (lambda self, a: F.scaled_dot_product_attention(a, a, a), [torch.zeros(2, 2, 3, 4)], 2 * 2 * 3 * 3 * (4 + 4)),
    ]
    for function, given, macs in cases:
        totals = summarize(module(function, w=weight), given).totals
        assert (totals.macs, totals.uncounted) == (macs, ())


@in_child("torch")
def test_attention_is_counted_with_all_its_products() -> None:
    from torch import nn

    length, width, heads = 6, 8, 2
    # Queries, keys, values and the output are projected; every position meets every other, twice.
    projections, meetings = 4 * length * width * width, 2 * length * length * width
    attention = nn.MultiheadAttention(width, heads, batch_first=True)
    summary = summarize(module(lambda self, x: self.a(x, x, x)[0], a=attention), f"1x{length}x{width}")
    assert (summary.totals.macs, summary.totals.params) == (projections + meetings, 4 * width * width + 4 * width)
    encoder = nn.TransformerEncoderLayer(width, heads, 16, batch_first=True)
    totals = summarize(encoder, f"1x{length}x{width}").totals
    assert totals.macs == projections + meetings + 2 * length * width * 16
    norms, mlp = 2 * 2 * width, 2 * width * 16 + 16 + width
    assert totals.params == 4 * width * width + 4 * width + norms + mlp


@in_child("torch")
def test_custom_operators_are_listed_as_not_counted() -> None:
    import torch
    from torch import nn

    @torch.library.custom_op("complaints::twice", mutates_args=(), schema="(Tensor x) -> Tensor")
    def twice(x: Any) -> Any:
        return x * 2

    @twice.register_fake
    def _(x: Any) -> Any:
        return torch.empty_like(x)

    @torch.library.custom_op("complaints::thrice", mutates_args=(), schema="(Tensor x) -> Tensor")
    def thrice(x: Any) -> Any:
        return x * 3

    class Half(torch.autograd.Function):
        @staticmethod
        def forward(context: Any, x: Any) -> Any:
            return x @ x.t()

    fc = nn.Linear(4, 4)
    for op, method in ((twice, "meta"), (thrice, "real")):
        summary = summarize(module(lambda self, x, op=op: op(self.fc(x)), fc=fc), ["2x4:float32"])
        assert summary.trace.method == method
        assert summary.totals.uncounted == (op._name,)
        assert summary.totals.macs == 2 * 4 * 4
    # An autograd function of one's own is made of operators that are known.
    assert summarize(module(lambda self, x: Half.apply(x)), ["2x4:float32"]).totals.macs == 2 * 4 * 2


@in_child("torch")
def test_tied_and_shared_weights_are_counted_once() -> None:
    import torch
    from torch import nn

    def language(self: Any, ids: Any) -> Any:
        return self.out(self.embed(ids))

    embed, out = nn.Embedding(100, 8), nn.Linear(8, 100, bias=False)
    out.weight = embed.weight
    found = layers(module(language, embed=embed, out=out), ["1x5:int64"])
    assert (found["embed"].params, found["out"].params, found["out"].shared) == (800, 0, ("embed.weight",))
    assert found["out"].macs == 5 * 800

    activation = nn.ReLU()
    block = nn.Sequential(nn.Linear(4, 4), activation)
    model = nn.Sequential(block, activation, block)
    totals = summarize(model, ["3x4:float32"]).totals
    assert (totals.params, totals.macs, totals.layers) == (4 * 4 + 4, 2 * 3 * 16, 1 + 5)
    assert totals.params == sum(p.numel() for p in model.parameters())
    # Activations are of each call: 5 outputs of 3 x 4 floats.
    assert totals.activation_bytes == 5 * 3 * 4 * 4
    twice = torch.nn.ModuleList([block, block])
    assert summarize(module(lambda self, x: self.m[1](x), m=twice), ["3x4:float32"]).totals.params == 20


@in_child("torch")
def test_a_linear_layer_called_100_times() -> None:
    from torch import nn

    def again(self: Any, x: Any) -> Any:
        for _ in range(100):
            x = self.fc(x)
        return x

    summary = summarize(module(again, fc=nn.Linear(8, 8)), ["2x8:float32"])
    totals = summary.totals
    assert (totals.params, totals.param_bytes) == (72, 72 * 4)
    assert (totals.macs, totals.activation_bytes) == (100 * 2 * 64, 100 * 2 * 8 * 4)
    assert [layer.id for layer in summary.layers[1:4]] == ["fc", "fc:2", "fc:3"]
    assert [layer.inputs for layer in summary.layers[1:4]] == [("input",), ("fc",), ("fc:2",)]


@in_child("torch")
def test_everything_is_as_it_was_even_when_the_forward_raises() -> None:
    import random

    import torch
    from torch import nn

    def forward(self: Any, x: Any) -> Any:
        x = self.drop(self.norm(self.conv(x)))
        torch.manual_seed(7)
        random.random()
        torch.rand(3)
        self.eval()
        self.calls.append(1)
        self.norm.eps = 3.0
        if self.fails:
            raise RuntimeError("on purpose")
        return x

    for fails in (False, True):
        norm, drop = nn.BatchNorm2d(4), nn.Dropout()
        model = module(forward, conv=nn.Conv2d(3, 4, 3), norm=norm, drop=drop, calls=[], fails=fails)
        called: list[Any] = []
        model.conv.register_forward_hook(lambda *_, called=called: called.append("forward"))
        model.conv.weight.grad = torch.ones_like(model.conv.weight)
        model.conv.bias.requires_grad_(False)
        drop.eval()
        before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
        identities = {name: id(p) for name, p in model.named_parameters()}
        hooks = [dict(m._forward_hooks) for m in model.modules()]
        python, seeds = random.getstate(), torch.get_rng_state()
        if fails:
            with pytest.raises(InputError, match="RuntimeError: on purpose"):
                summarize(model, "3x8x8")
        else:
            assert summarize(model, "3x8x8").trace.method == "meta"
        assert [m.training for m in (model, model.conv, norm, drop)] == [True, True, True, False]
        assert (random.getstate(), model.calls, norm.eps) == (python, [], 1e-5)
        assert torch.equal(torch.get_rng_state(), seeds)
        assert [dict(m._forward_hooks) for m in model.modules()] == hooks
        assert {name: id(p) for name, p in model.named_parameters()} == identities
        after = model.state_dict()
        assert list(after) == list(before)
        assert all(torch.equal(after[name], tensor) for name, tensor in before.items())
        assert torch.equal(model.conv.weight.grad, torch.ones_like(model.conv.weight))
        assert [p.requires_grad for p in model.parameters()] == [True, False, True, True]
        assert not torch.is_inference_mode_enabled()
        assert torch.is_grad_enabled()
        assert nn.Module.__call__.__module__ == "torch.nn.modules.module"


@in_child("torch")
def test_the_layer_that_fails_is_named_with_its_shapes() -> None:
    from torch import nn

    inner = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(15, 4))
    with pytest.raises(InputError) as failed:
        summarize(nn.Sequential(nn.Linear(8, 8), inner), ["2x8:float32"])
    assert failed.value.layer == "1.2"
    assert "1.2 (Linear) expects 15 input features, got 2x16" in str(failed.value)

    def unfit(self: Any, x: Any) -> Any:
        return self.a(x) + self.b(x)

    with pytest.raises(InputError, match=r"add \(add\) fails on 2x3 float32 and 2x4 float32"):
        summarize(module(unfit, a=nn.Linear(8, 3), b=nn.Linear(8, 4)), ["2x8:float32"])
    with pytest.raises(InputError, match=r"0 \(Conv2d\) expects 3 input channels, got 4"):
        summarize(nn.Sequential(nn.Conv2d(3, 8, 3)), "1x4x9x9")
    with pytest.raises(InputError, match=r"test_complaints\.py:\d+: .*KeyError"):
        summarize(module(lambda self, x: vars(self)["no such key"]), ["2x8:float32"])


@needs("torch", "2.5")
@in_child("torch")
def test_sharded_parameters_have_their_global_counts() -> None:
    import torch
    import torch.distributed as dist
    from torch import nn
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.tensor import Shard, distribute_module, distribute_tensor
    from torch.testing._internal.distributed.fake_pg import FakeStore

    dist.init_process_group("fake", rank=0, world_size=4, store=FakeStore())
    mesh = init_device_mesh("cpu", (4,))

    def shard(_name: str, part: Any, mesh: Any) -> None:
        for key, tensor in list(part._parameters.items()):
            part._parameters[key] = nn.Parameter(distribute_tensor(tensor, mesh, [Shard(0)]))

    model = distribute_module(nn.Sequential(nn.Linear(8, 16), nn.Linear(16, 8)), mesh, shard)
    assert model[0].weight.to_local().shape == (4, 8)
    totals = summarize(model, ["2x8:float32"]).totals
    assert (totals.params, totals.macs) == (8 * 16 + 16 + 16 * 8 + 8, 2 * (128 + 128))
    assert totals.param_bytes == totals.params * 4
    assert isinstance(model[0].weight, nn.Parameter)
    assert model[0].weight.to_local().shape == (4, 8)
    assert torch.is_tensor(model[0].weight)


@in_child("torch")
def test_bare_parameters_lists_dicts_and_buffers() -> None:
    import torch
    from torch import nn

    def forward(self: Any, x: Any) -> Any:
        return torch.cat([self.token.expand(x.shape[0], 1, 4), x], 1) * self.scales[0] + self.named["a"]

    model = module(
        forward,
        token=nn.Parameter(torch.zeros(1, 1, 4)),
        scales=nn.ParameterList([nn.Parameter(torch.ones(4)), nn.Parameter(torch.ones(5))]),
        named=nn.ParameterDict({"a": nn.Parameter(torch.zeros(1)), "b": nn.Parameter(torch.zeros(3))}),
    )
    model.register_buffer("table", torch.zeros(7))
    summary = summarize(model, ["2x6x4:float32"])
    assert summary.totals.params == 4 + 4 + 5 + 1 + 3
    assert summary.unused == ("scales.1", "named.b")
    assert {p.name: p.role for layer in summary.layers for p in layer.parameters}["table"] == "buffer"
    assert summary.totals.statistics == 0
    owners = {p.name: layer.id for layer in summary.layers for p in layer.parameters}
    assert (owners["scales.0"], owners["named.a"]) == ("mul", "add")


@in_child("torch")
def test_no_weight_is_allocated() -> None:
    from torch import nn

    from resnet_inspect.readers.inputs import Shapes
    from resnet_inspect.readers.request import Request
    from resnet_inspect.readers.torch.object import summarize_built

    # 160 GB of weights: nobody's machine could hold them.
    build = lambda: nn.Sequential(nn.Linear(200_000, 200_000, bias=False))  # noqa: E731 - a constructor, as users have
    summary, notes = summarize_built(build, Request("huge.py:build", inputs=Shapes(((200_000,),))))
    assert (summary.totals.params, summary.totals.param_bytes, notes) == (200_000**2, 4 * 200_000**2, ())


@in_child("torch")
def test_packed_weights_have_logical_counts_and_stored_bytes() -> None:
    import torch
    from torch import nn

    class Packed(torch.Tensor):
        """Two numbers of 4 bits a byte, as torchao keeps them."""

        @staticmethod
        def __new__(cls: Any, inner: Any, scale: Any) -> Any:
            shape = (inner.shape[0], 2 * inner.shape[1])
            return torch.Tensor._make_wrapper_subclass(cls, shape, dtype=torch.float32)

        def __init__(self, inner: Any, scale: Any) -> None:
            self.inner, self.scale = inner, scale

        def __tensor_flatten__(self) -> Any:
            return ["inner", "scale"], None

        @classmethod
        def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            if func is torch.ops.aten.detach.default:
                return args[0]
            raise NotImplementedError(f"{func} isn't needed")

    linear = nn.Linear(8, 16, bias=False)
    weight = Packed(torch.zeros(16, 4, dtype=torch.uint8), torch.zeros(16))
    linear.weight = nn.Parameter(weight, requires_grad=False)
    totals = summarize(linear, ["2x8:float32"]).totals
    # 16 x 8 / 2 bytes, and a scale of 4 bytes for each of 16 rows.
    assert (totals.params, totals.macs, totals.param_bytes) == (128, 2 * 128, 64 + 64)
    assert linear.weight.inner.device.type == "cpu"

    class Bits(nn.Parameter):
        """As bitsandbytes keeps them: the shape is in ``quant_state``."""

    four = nn.Module()
    four.weight = Bits(torch.zeros(64, 1, dtype=torch.uint8), requires_grad=False)
    four.weight.quant_state = type("State", (), {"shape": torch.Size([16, 8])})()
    (layer,) = summarize(module(lambda self, x: x + 1, four=four), ["2x8:float32"]).layers[2:]
    assert (layer.params, layer.parameters[0].shape, layer.parameters[0].bytes) == (128, (16, 8), 64)

    dynamic = torch.ao.quantization.quantize_dynamic(nn.Sequential(nn.Linear(8, 16)), {nn.Linear})
    totals = summarize(dynamic, ["2x8:float32"]).totals
    # A byte a weight; biases stay floats.
    assert (totals.params, totals.macs, totals.param_bytes) == (128 + 16, 2 * 128, 128 + 16 * 4)


@in_child("torch")
def test_containers_are_expanded_with_their_totals() -> None:
    from torch import nn

    from resnet_inspect.analysis.metrics import macs, params
    from resnet_inspect.analysis.rows import Row, rows

    def cost(row: Row) -> tuple[int | None, int | None]:
        return params.METRIC.of(row.layers, row.facts), macs.METRIC.of(row.layers, row.facts)

    block = nn.ModuleDict({"a": nn.Linear(8, 8), "b": nn.ModuleList([nn.Linear(8, 8), nn.Linear(8, 4)])})

    def forward(self: Any, x: Any) -> Any:
        return self.block["b"][1](self.block["b"][0](self.block["a"](x)))

    summary = summarize(module(forward, block=block), ["1x8:float32"])
    assert [layer.path for layer in summary.layers[1:]] == ["block.a", "block.b.0", "block.b.1"]
    (row,) = [row for row in rows(summary, 1) if row.path == "block"]
    assert cost(row) == (72 + 72 + 36, 64 + 64 + 32)
    (row,) = [row for row in rows(summary, 2) if row.path == "block.b"]
    assert cost(row) == (72 + 36, 64 + 32)


@in_child("torch")
def test_flops_are_twice_the_macs() -> None:
    from torch import nn

    from resnet_inspect.render import View, render

    text = render(summarize(nn.Linear(10, 10), ["1x10:float32"]), "table", View())
    lines = {
        line.split()[0]: line.split()[1].strip(",") for line in text.splitlines() if line[:5] in ("MACs ", "FLOPs")
    }
    assert (lines["MACs"], lines["FLOPs"]) == ("100", "200")
