"""What networks that none of us wrote do to torch's modules. Every number is arithmetic, written out beside it."""

from __future__ import annotations

import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from resnet_inspect import summarize
from resnet_inspect.errors import BadRequestError, InputError
from tests.support.command import in_child, needs


def _dynamic(module: Any, kinds: set[Any]) -> Any:
    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.ao.quantization.quantize_dynamic(module.eval(), kinds, dtype=torch.qint8)


@in_child("torch")
def test_weights_that_are_packed_with_their_activation_are_counted() -> None:
    import torchvision

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = torchvision.models.quantization.resnet18(weights=None, quantize=True)
    totals = summarize(model, "3x224x224").totals
    # resnet18 has 11,689,512; each batch norm's scale and shift (4,800 channels) became one bias of its convolution.
    assert totals.params == 11_689_512 - 4_800
    assert totals.macs == 1_814_073_344  # as of the float one: torchvision publishes 1.81 GFLOPs
    assert totals.uncounted == ()


@in_child("torch")
def test_recurrent_layers_that_are_quantised_as_they_run() -> None:
    import torch
    from torch import nn

    for layer, gates in ((nn.LSTM(8, 16, 2), 4), (nn.GRU(8, 16, 2), 3)):
        summary = summarize(_dynamic(nn.Sequential(layer), {type(layer)}), torch.zeros(5, 1, 8))
        (row,) = summary.layers[1:]
        # Two layers: the gates' products with 8 inputs or 16 states, and 16 states; two biases each.
        assert row.params == gates * 16 * (8 + 16 + 2) + gates * 16 * (16 + 16 + 2)
        assert row.macs == 5 * gates * 16 * (8 + 16 + 16 + 16)
    for cell, gates in ((nn.LSTMCell(8, 16), 4), (nn.GRUCell(8, 16), 3), (nn.RNNCell(8, 16), 1)):
        for model in (nn.Sequential(cell), _dynamic(nn.Sequential(cell), {type(cell)})):
            (row,) = summarize(model, torch.zeros(3, 8)).layers[1:]
            assert row.params == gates * 16 * (8 + 16 + 2)
            assert row.macs == 3 * gates * 16 * (8 + 16)


@in_child("torch")
def test_weights_that_a_users_module_packs_are_counted() -> None:
    import torch
    from torch import nn

    class Packed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            weight = torch.quantize_per_tensor(torch.zeros(7, 6), 0.1, 0, torch.qint8)
            self.held = torch.ops.quantized.linear_prepack(weight, torch.zeros(7))

        def forward(self, x: Any) -> Any:
            return torch.ops.quantized.linear_dynamic(x, self.held)

    class WithHead(Packed):
        def __init__(self) -> None:
            super().__init__()
            self.head = nn.Linear(7, 2)

        def forward(self, x: Any) -> Any:
            return self.head(super().forward(x))

    class Own(torch.ao.nn.quantized.dynamic.Linear):
        pass

    x = torch.zeros(3, 6)
    # As a layer, as a function beside one, and as what a class of the user's inherits: 7 sums of 6, and a bias.
    for model, paths in ((Packed(), ["Packed"]), (WithHead(), ["linear_dynamic", "head"]), (Own(6, 7), ["Own"])):
        summary = summarize(model, [x])
        assert [(layer.path, layer.params) for layer in summary.layers[1:]] == [
            (path, 7 * 2 + 2 if path == "head" else 7 * 6 + 7) for path in paths
        ]
        assert summary.unused == ()
    assert summarize(WithHead()).totals.params == 7 * 6 + 7 + 7 * 2 + 2


@in_child("torch")
def test_modules_that_a_pool_of_threads_calls() -> None:
    from torch import nn

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.parts = nn.ModuleList(nn.Linear(4, 4) for _ in range(3))

        def forward(self, x: Any) -> Any:
            with ThreadPoolExecutor(2) as pool:
                return sum(pool.map(lambda part: part(x), self.parts))

    summary = summarize(Net(), (4,))
    assert [layer.id for layer in summary.layers] == ["input", "parts.0", "parts.1", "parts.2", "add", "add_1", "add_2"]
    assert (summary.totals.macs, summary.totals.uncounted, summary.unused) == (3 * 4 * 4, (), ())


@in_child("torch")
def test_what_other_threads_call_is_not_known() -> None:
    from torch import nn

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = nn.Linear(4, 4), nn.Linear(4, 4)

        def forward(self, x: Any) -> Any:
            found: list[Any] = []
            thread = threading.Thread(target=lambda: found.append(self.b(x)))
            thread.start()
            thread.join()
            return self.a(x) + found[0]

    summary = summarize(Net(), (4,))
    assert {layer.id: layer.macs for layer in summary.layers if layer.params} == {"a": 16, "b": None}
    assert (summary.totals.params, summary.totals.uncounted, summary.unused) == (40, ("b",), ())


@in_child("torch")
def test_sizes_are_those_of_the_weights_and_hooks_may_change_what_comes_in() -> None:
    from torch import nn

    conv, dense, norm = nn.Conv2d(8, 8, 3), nn.Linear(8, 8), nn.BatchNorm2d(8)
    conv.weight = nn.Parameter(conv.weight[:, :4])
    dense.weight = nn.Parameter(dense.weight[:, :4])
    norm.weight, norm.bias = nn.Parameter(norm.weight[:4]), nn.Parameter(norm.bias[:4])
    norm.running_mean, norm.running_var = norm.running_mean[:4], norm.running_var[:4]
    assert summarize(nn.Sequential(conv), "4x16x16").totals.macs == 14 * 14 * 8 * 4 * 9
    assert summarize(nn.Sequential(dense), (4,)).totals.macs == 8 * 4
    assert summarize(nn.Sequential(norm), "4x16x16").totals.params == 8
    sliced = nn.Linear(8, 8)
    sliced.register_forward_pre_hook(lambda _, inputs: (inputs[0][..., :8],))
    assert summarize(nn.Sequential(sliced), (10,)).totals.macs == 64


@in_child("torch")
def test_what_a_real_run_would_refuse_is_refused_in_our_words() -> None:
    import torch
    from torch import nn

    norm = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(8))
    with pytest.raises(InputError, match=r"1 \(BatchNorm2d\) expects 8 channels, got 4 \(1x4x14x14\)"):
        summarize(norm, "3x16x16")
    with pytest.raises(InputError, match=r"0 \(Linear\) has float32 weights, got a float64 input"):
        summarize(nn.Sequential(nn.Linear(4, 4)), torch.zeros(1, 4, dtype=torch.float64))
    with pytest.raises(InputError, match=r"0 \(Conv2d\) expects 3 input channels, got 5 \(1x5x8x8 in NCHW\)"):
        summarize(nn.Sequential(nn.Conv2d(3, 4, 3)), torch.zeros(1, 5, 8, 8))


@in_child("torch")
def test_a_shape_is_read_by_torchs_own_layers_and_otherwise_where_that_fails() -> None:
    import torch
    from torch import nn

    class ConvBlock(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv1d(3, 4, 3)

        def forward(self, x: Any) -> Any:
            return self.conv(x)

    class Waves(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv1d(1, 4, 10, 5)

        def forward(self, x: Any) -> Any:
            batch, _ = x.shape
            return self.conv(x.reshape(batch, 1, -1))

    class Patches(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.dense = nn.Linear(3 * 16 * 16, 8)
            self.encoder = nn.TransformerEncoderLayer(8, 2, 8, batch_first=True)

        def forward(self, x: Any) -> Any:
            b, c, h, w = x.shape
            cut = x.reshape(b, c, h // 16, 16, w // 16, 16).permute(0, 2, 4, 3, 5, 1)
            return self.encoder(self.dense(torch.flatten(cut.flatten(3), 1, 2)))

    assert summarize(ConvBlock(), "3x32").inputs[0].shape == (1, 3, 32)
    assert summarize(Waves(), "1x16000").inputs[0].shape == (1, 16000)
    assert summarize(Patches(), "3x64x64").inputs[0].shape == (1, 3, 64, 64)
    with pytest.raises(InputError, match="1x5x32 is how the input was read; as 5x32 it fails, too"):
        summarize(ConvBlock(), "5x32")

    class Product(nn.Module):
        def forward(self, a: Any, b: Any) -> Any:
            return torch.einsum("ab,bc->ac", a, b)

    assert summarize(Product(), ["5x6", "6x7"]).totals.macs == 5 * 6 * 7
    with pytest.raises(InputError, match="1x5x6 and 1x5x7 are how the inputs were read; as 5x6 and 5x7 it fails, too"):
        summarize(Product(), ["5x6", "5x7"])


@needs("torch", "2.8")
@in_child("torch")
def test_operators_that_are_given_functions_are_counted_by_what_these_run() -> None:
    import torch
    from torch import nn
    from torch._higher_order_ops import scan, while_loop
    from torch.nn.attention.flex_attention import flex_attention

    class Choice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.small, self.large = nn.Linear(4, 4), nn.Sequential(nn.Linear(4, 64), nn.Linear(64, 4))

        def forward(self, x: Any) -> Any:
            return torch.cond(x.sum() > 0, lambda x: self.small(x), lambda x: self.large(x), (x,))

    class Steps(nn.Module):
        def __init__(self, kind: str) -> None:
            super().__init__()
            self.kind, self.dense = kind, nn.Linear(4, 4)

        def forward(self, x: Any) -> Any:
            if self.kind == "scan":
                return scan(lambda c, y: (self.dense(c + y), y.clone()), torch.zeros(4), x[0])[0]
            step = lambda i, x: (i + 1, self.dense(x))  # noqa: E731
            return while_loop(lambda i, x: i < 3, step, (torch.tensor(0), x))[1]

    class Attention(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.qkv = nn.Linear(16, 48)

        def forward(self, x: Any) -> Any:
            q, k, v = (part.reshape(1, 10, 2, 8).transpose(1, 2) for part in self.qkv(x).chunk(3, -1))
            return flex_attention(q, k, v, score_mod=lambda score, b, h, i, j: score + i - j)

    class Bare(nn.Module):
        """A module without children, whose functions are all that it calls."""

        def __init__(self, kind: str) -> None:
            super().__init__()
            self.kind, self.weight = kind, nn.Parameter(torch.zeros(4, 4))

        def forward(self, x: Any) -> Any:
            if self.kind == "flex":
                return flex_attention(x, x, x)
            return torch.cond(x.sum() > 0, lambda x: x @ self.weight, lambda x: x @ self.weight @ self.weight, (x,))

    assert summarize(nn.Sequential(Bare("cond")), (5, 4)).totals.macs == 2 * 5 * 4 * 4
    heads = summarize(nn.Sequential(Bare("flex")), [torch.zeros(1, 2, 10, 4)])
    assert heads.totals.macs == 2 * 10 * 10 * (4 + 4)
    choice = summarize(Choice(), (4,))
    assert (choice.totals.macs, choice.totals.uncounted, choice.unused) == (2 * 4 * 64, (), ())
    assert choice.totals.params == 20 + 320 + 260
    assert choice.trace.reason == "of cond, the branch with more MACs is shown"
    assert summarize(Steps("scan"), (5, 4)).totals.macs == 5 * 16
    loop = summarize(Steps("loop"), (5, 4))
    assert (loop.totals.macs, loop.trace.reason) == (5 * 16, "of while_loop, one step is counted")
    attention = summarize(Attention(), (10, 16))
    assert {layer.op: layer.macs for layer in attention.layers if layer.macs} == {
        "dense": 10 * 16 * 48,
        "attention": 2 * 10 * 10 * (8 + 8),  # scores and what they weigh, of two heads
    }


@in_child("torch")
def test_what_is_known_of_a_layer_with_an_unknown_operator_is_kept() -> None:
    import torch
    from torch import nn

    from resnet_inspect.ir_json import dumps, loads

    class Fourier(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(4, 4))

        def forward(self, x: Any) -> Any:
            return torch.fft.irfft(torch.fft.rfft(x @ self.weight))

    model = nn.Sequential(nn.utils.parametrizations.orthogonal(nn.Linear(8, 8)), nn.Linear(8, 4))
    summary = summarize(model, (8,))
    first, second = summary.layers[1:3]
    assert first.macs is None
    assert first.macs_at_least >= 8 * 8  # its own product, and what finds the orthogonal matrix
    assert summary.totals.macs == first.macs_at_least + (second.macs or 0)
    assert summary.totals.uncounted == ("0",)
    assert dumps(loads(dumps(summary))) == dumps(summary)
    assert summarize(Fourier(), (3, 4)).totals.macs == 3 * 4 * 4


@in_child("torch")
def test_without_an_input_a_module_is_a_table_of_what_it_holds() -> None:
    from torch import nn

    from resnet_inspect.readers.torch.inputs.shapes import likely

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.act, self.head = nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Linear(8, 10)
            self.tied = nn.Linear(8, 10)
            self.tied.weight = self.head.weight

    summary = summarize(Net())  # it has no forward
    assert [(layer.path, layer.op, layer.params) for layer in summary.layers] == [
        ("conv", "conv2d", 3 * 8 * 9 + 8),
        ("act", "relu", 0),
        ("head", "dense", 80 + 10),
        ("tied", "dense", 10),
    ]
    assert summary.totals.params == sum(parameter.numel() for parameter in Net().parameters())
    assert (summary.totals.macs, len(summary.totals.uncounted)) == (0, 4)
    assert summary.trace.reason == "no input was given, so nothing ran"
    for module, shape in (
        (Net(), "3x224x224"),
        (nn.Conv1d(2, 4, 3), "2x1000"),
        (nn.Conv3d(1, 4, 3), "1x16x112x112"),
        (nn.Sequential(nn.Embedding(9, 4)), "1x128:int64"),
        (nn.ModuleList([nn.Linear(7, 4)]), "7"),
        (nn.LSTM(5, 4), "100x5"),
        (nn.ReLU(), "3x224x224"),
    ):
        assert likely(module) == shape


@in_child("torch")
def test_words_and_other_values_are_given_as_they_are() -> None:
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.dense = nn.Linear(4, 4)

        def forward(self, x: Any, kind: str = "none", flag: Any = None, more: Any = ()) -> Any:
            return self.dense(x) if kind == "conv" or flag or list(more) == [{}] else x

    for given, macs in (
        ({"x": (1, 4), "kind": "conv"}, 16),
        ({"x": torch.zeros(1, 4), "flag": True}, 16),
        ({"x": "1x4", "more": [{}]}, 16),
        ({"x": "1x4", "more": []}, 0),
        ({"x": "1x4", "flag": None}, 0),
    ):
        assert summarize(Net(), given).totals.macs == macs, given


@in_child("torch")
def test_inputs_that_no_table_can_show_and_signals_of_complex_models() -> None:
    import torch
    from torch import nn

    class Filter(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(4, 9, dtype=torch.complex64))

        def forward(self, x: Any) -> Any:
            return torch.fft.irfft(torch.fft.rfft(x) * self.weight)

    summary = summarize(Filter(), (4, 16))
    assert (summary.inputs[0].dtype, summary.totals.params, summary.totals.uncounted) == ("float32", 36, ("Filter",))
    rows = torch.nested.nested_tensor([torch.zeros(2, 4), torch.zeros(3, 4)], layout=torch.jagged)
    with pytest.raises(InputError, match="nested tensor, whose rows have sizes of their own: give a padded one"):
        summarize(nn.Linear(4, 4), [rows])

    class Ragged(nn.Module):
        def forward(self, x: Any) -> Any:
            parts = torch.nested.nested_tensor([x[:2], x[2:]], layout=torch.jagged)
            return nn.functional.linear(parts, x) @ x

    with pytest.raises(InputError, match="the rows of a nested tensor have sizes of their own"):
        summarize(nn.Sequential(Ragged()), [torch.zeros(4, 4)])
    itself: list[Any] = [torch.zeros(1, 4)]
    itself.append(itself)
    with pytest.raises(BadRequestError, match="an input holds itself"):
        summarize(nn.Linear(4, 4), [itself])


@needs("torch")
@in_child("torch")
def test_an_object_with_a_tensor_may_hold_itself_and_a_dict_may_be_empty() -> None:
    import torch
    from torch import nn

    from resnet_inspect import summarize

    class Wrapped:
        def __init__(self) -> None:
            self.tensor, self.itself = torch.ones(5, 3), self

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.dense = nn.Linear(3, 4)

        def forward(self, wrapped: Wrapped, more: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
            return {**more, "result": self.dense(wrapped.itself.tensor)}

    found = summarize(Net(), [Wrapped(), {}])
    assert (found.totals.macs, found.inputs[0].shape, found.outputs[0].shape) == (5 * 3 * 4, (5, 3), (5, 4))


@in_child("torch")
def test_a_module_that_isnt_registered_is_told() -> None:
    from torch import nn

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.own = nn.Linear(4, 4)
            self.listed = [nn.Sequential(nn.Linear(4, 4), nn.ReLU())]

        def forward(self, x: Any) -> Any:
            return nn.Linear(4, 5)(self.listed[0](self.own(x)))

    summary = summarize(Net(), (4,))
    assert (summary.totals.params, summary.totals.macs) == (20, 16 + 16 + 20)
    assert summary.trace.reason is not None
    assert summary.trace.reason.endswith(
        "; Sequential isn't registered in the model, which doesn't count its 20 parameters; "
        "Linear isn't registered in the model, which doesn't count its 25 parameters"
    )
