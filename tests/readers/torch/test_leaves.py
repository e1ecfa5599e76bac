"""Leaves that users write: which have rows for their operations, and who counts the parameters of experts."""

from __future__ import annotations

from typing import Any

from resnet_inspect import summarize
from tests.readers.torch.test_complaints import module
from tests.support.command import in_child, needs


def _parameter(*shape: int) -> Any:
    import torch
    from torch import nn

    return nn.Parameter(torch.zeros(*shape))


def _rows(summary: Any) -> list[tuple[str, int, int | None]]:
    """Id, parameters and MACs of each row behind the input."""
    return [(layer.id, layer.params, layer.macs) for layer in summary.layers[1:]]


@in_child("torch")
def test_an_attention_of_bare_parameters_has_a_row_for_each_operation() -> None:
    import torch
    import torch.nn.functional as F  # noqa: N812 - everybody's name for it
    from torch import nn

    def forward(self: Any, x: Any) -> Any:
        query, key = F.linear(x, self.query, self.bias), x @ self.key.t()
        return torch.softmax(query @ key.mT, -1) @ x

    attention = module(forward, query=_parameter(4, 4), bias=_parameter(4), key=_parameter(4, 4))
    net = module(lambda self, x: self.fc(self.attention(x)), attention=attention, fc=nn.Linear(4, 2))
    summary = summarize(net, ["2x5x4:float32"])
    assert _rows(summary) == [
        ("attention.linear", 20, 2 * 5 * 4 * 4),
        ("attention.t", 0, 0),  # a view of the key's weight, which the product counts
        ("attention.matmul", 16, 2 * 5 * 4 * 4),
        ("attention.mT", 0, 0),
        ("attention.matmul_1", 0, 2 * 5 * 5 * 4),
        ("attention.softmax", 0, 0),
        ("attention.matmul_2", 0, 2 * 5 * 5 * 4),
        ("fc", 10, 2 * 5 * 4 * 2),
    ]
    assert summary.layers[-1].inputs == ("attention.matmul_2",)
    assert summary.totals.params == sum(parameter.numel() for parameter in net.parameters())
    # A model that is such a leaf has its rows as well, without a name before theirs.
    assert [identity for identity, *_ in _rows(summarize(attention, ["2x5x4:float32"]))][:2] == ["linear", "t"]


@in_child("torch")
def test_norms_activations_single_products_and_torchs_layers_stay_one_row() -> None:
    import torch
    import torch.nn.functional as F  # noqa: N812 - everybody's name for it
    from torch import nn

    norm = module(lambda self, x: x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True)) * self.scale, scale=_parameter(4))
    swish = module(lambda self, x: x * nn.Sigmoid()(x))
    product = module(lambda self, x: x @ self.weight.t() + self.bias, weight=_parameter(3, 4), bias=_parameter(3))

    class Adapted(nn.Linear):
        """One of torch's layers, with two products beside its own."""

        def __init__(self) -> None:
            super().__init__(3, 3)
            self.down, self.up = _parameter(2, 3), _parameter(3, 2)

        def forward(self, x: Any) -> Any:
            return super().forward(x) + F.linear(F.linear(x, self.down), self.up)

    summary = summarize(nn.Sequential(norm, swish, product, Adapted(), nn.GRU(3, 2)), ["2x5x4:float32"])
    gates = 3 * 2 * (3 + 2)
    assert _rows(summary) == [
        ("0", 4, 0),
        ("1", 0, 0),
        ("2", 12 + 3, 10 * 12),
        ("3", 12 + 6 + 6, 10 * (9 + 6 + 6)),
        ("4", gates + 2 * 6, 10 * gates),
    ]


@in_child("torch")
def test_modules_that_a_leaf_is_given_have_rows() -> None:
    """As in peft's DoRA: the low-rank layers are called inside of the module that holds the magnitudes."""
    import torch.nn.functional as F  # noqa: N812 - everybody's name for it
    from torch import nn

    def magnitudes(self: Any, x: Any, down: Any, up: Any, base: Any) -> Any:
        scale = self.magnitude / (base.weight + up.weight @ down.weight).norm(dim=1)
        return F.linear(x, base.weight) * scale + up(down(x)) * scale

    dora = module(magnitudes, magnitude=_parameter(6))
    parts = {"base": nn.Linear(4, 6), "down": nn.Linear(4, 2, bias=False), "up": nn.Linear(2, 6, bias=False)}
    net = module(lambda self, x: self.base(x) + self.dora(x, self.down, self.up, self.base), **parts, dora=dora)
    summary = summarize(net, ["3x4:float32"])
    found = {layer.id: (layer.params, layer.macs) for layer in summary.layers if layer.params or layer.macs}
    assert found == {
        "base": (30, 3 * 24),
        "dora.matmul": (12 + 8, 6 * 2 * 4),  # the first that uses the low-rank weights
        "dora.div": (6, 0),
        "dora.linear": (0, 3 * 24),
        "down": (0, 3 * 8),
        "up": (0, 3 * 12),
    }
    assert summary.totals.params == sum(parameter.numel() for parameter in net.parameters())


@in_child("torch")
def test_a_subclass_of_attention_has_rows_for_the_modules_that_it_calls() -> None:
    import torch.nn.functional as F  # noqa: N812 - everybody's name for it
    from torch import nn

    class Fused(nn.MultiheadAttention):
        def forward(self, x: Any) -> Any:
            parts = F.linear(x, self.in_proj_weight, self.in_proj_bias).chunk(3, -1)
            return self.out_proj(F.scaled_dot_product_attention(*parts))

    assert _rows(summarize(nn.Sequential(Fused(8, 2)), ["2x5x8:float32"])) == [
        ("0.linear", 8 * 24 + 24, 10 * 8 * 24),
        ("0.chunk", 0, 0),
        ("0.scaled_dot_product_attention", 0, 2 * 5 * 5 * (8 + 8)),
        ("0.out_proj", 72, 10 * 64),
    ]


@in_child("torch")
def test_a_layer_that_a_leaf_makes_counts_its_macs_and_its_parameters_are_told() -> None:
    from torch import nn

    summary = summarize(nn.Sequential(module(lambda self, x: nn.Linear(4, 6)(x).relu())), ["2x4:float32"])
    assert _rows(summary) == [("0.Linear", 0, 2 * 24), ("0.relu", 0, 0)]
    assert summary.trace.reason == "0.Linear isn't registered in the model, which doesn't count its 30 parameters"


@in_child("torch")
def test_what_computes_a_leafs_weight_is_part_of_the_leaf() -> None:
    from torch import nn
    from torch.nn.utils import parametrize

    gated = module(lambda self, x: x * self.scale, scale=_parameter(4))
    parametrize.register_parametrization(gated, "scale", nn.Softplus())
    assert _rows(summarize(nn.Sequential(gated), ["2x4:float32"])) == [("0", 4, 0)]


@in_child("torch")
def test_experts_weights_stand_on_their_products() -> None:
    import torch

    def forward(self: Any, x: Any) -> Any:
        every = torch.bmm(x.expand(3, 2, 4), self.up.transpose(1, 2))  # all experts at once
        return sum(every[expert].relu() @ self.down[expert] for expert in range(3))  # and one after the other

    summary = summarize(module(forward, up=_parameter(3, 5, 4), down=_parameter(3, 5, 4)), ["1x2x4:float32"])
    assert {layer.id: layer.params for layer in summary.layers if layer.params} == {"bmm": 60, "matmul": 60}
    assert [layer.id for layer in summary.layers if layer.shared] == ["matmul_1", "matmul_2"]
    assert summary.totals.macs == 2 * 3 * (2 * 4 * 5)


@in_child("torch")
def test_a_leaf_that_calls_one_function_is_what_that_does() -> None:
    import torch
    from torch import nn

    class Wrapped(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return nn.functional.gelu(x, approximate="tanh")

    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.factor = nn.Parameter(torch.ones(4))
            self.start = 0.5

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x * self.factor

    class Several(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.relu() + x

    layers = summarize(nn.Sequential(Wrapped(), Scaled(), Several()), torch.zeros(2, 4)).layers[1:]
    assert [(layer.op, layer.type) for layer in layers] == [
        ("gelu", "Wrapped"),
        ("mul", "Scaled"),
        ("other", "Several"),
    ]
    assert dict(layers[0].attributes) == {"approximate": "tanh"}
    assert dict(layers[1].attributes) == {"start": 0.5}


@needs("transformers")
@in_child("torch")
def test_the_linear_layer_of_gpt2() -> None:
    import torch
    from torch import nn
    from transformers.pytorch_utils import Conv1D

    layer = summarize(nn.Sequential(Conv1D(6, 4)), torch.zeros(2, 3, 4)).layers[1]
    assert (layer.op, layer.type, layer.params, layer.macs) == ("dense", "Conv1D", 4 * 6 + 6, 2 * 3 * 4 * 6)
    assert dict(layer.attributes) == {"in_features": 4, "out_features": 6, "bias": True}


@in_child("torch")
def test_a_norm_written_by_hand_has_its_steps_and_keeps_what_torch_keeps() -> None:
    import torch

    from resnet_inspect.analysis.memory import saved_bytes

    def rms(self: Any, x: Any) -> Any:
        return self.scale * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6))

    def centered(self: Any, x: Any) -> Any:
        x = x - x.mean(-1, keepdim=True)
        return x / (x.pow(2).mean(-1, keepdim=True) + 1e-6).sqrt()

    def wide(self: Any, x: Any) -> Any:
        y = x.to(torch.float32)
        return self.scale * (y * torch.rsqrt(y.pow(2).mean(-1, keepdim=True))).to(x.dtype)

    norms = {
        "rms": (rms, "float32", ("pow 0", "mean 1", "add 2", "rsqrt 3", "mul 0 4", "mul scale 5")),
        "centered": (centered, "float32", ("mean 0", "sub 0 1", "pow 2", "mean 3", "add 4", "sqrt 5", "div 2 6")),
        "wide": (
            wide,
            "bfloat16",
            (
                *("copy 0 float32", "pow 1 float32", "mean 2 float32", "rsqrt 3 float32", "mul 1 4 float32"),
                *("copy 5", "mul scale 6"),
            ),
        ),
    }
    for name, (forward, dtype, steps) in norms.items():
        norm = module(forward, scale=_parameter(4)).to(getattr(torch, dtype))
        summary = summarize(module(lambda self, x: self.norm(x), norm=norm), [f"2x3x4:{dtype}"])
        layer = summary.layers[-1]
        assert (layer.op, layer.attribute("steps")) == ("other", steps), name
        kept: dict[int, int] = {}

        def keep(tensor: torch.Tensor, kept: dict[int, int] = kept) -> torch.Tensor:
            kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
            return tensor

        given = torch.ones(2, 3, 4, requires_grad=True, dtype=getattr(torch, dtype))
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            made = norm(given)
        kept.pop(norm.scale.untyped_storage().data_ptr(), None)
        assert made.shape == given.shape
        assert saved_bytes(summary)[layer.id] == sum(kept.values()), name


@in_child("torch")
def test_what_reads_no_real_number_is_a_constant() -> None:
    import torch

    def angles(self: Any, x: Any, positions: Any) -> Any:
        return torch.outer(positions.float(), self.frequencies).cos().to(x.dtype)

    def forward(self: Any, x: Any) -> Any:
        return x * self.angles(x, torch.arange(3, device=x.device))

    table = module(angles)
    table.register_buffer("frequencies", torch.ones(4))
    layers = {layer.id: layer for layer in summarize(module(forward, angles=table), ["2x3x4:float32"]).layers}
    assert layers["angles"].op == "fill"
    scaled = module(lambda self, x, _: (self.scale + 1).cos(), scale=_parameter(3, 4))
    layers = {layer.id: layer for layer in summarize(module(forward, angles=scaled), ["2x3x4:float32"]).layers}
    assert layers["angles"].op == "other"
