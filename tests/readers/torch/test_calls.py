"""What a torch module may be called with, and what it may give: nested, named, typed, packed, or no tensor at all."""

from __future__ import annotations

from collections import OrderedDict, namedtuple
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from resnet_inspect import summarize
from resnet_inspect.errors import BadRequestError, InputError
from resnet_inspect.readers import Request
from resnet_inspect.shape import Expected
from tests.support.command import in_child

if TYPE_CHECKING:
    from torch import nn


@dataclass
class Sample:
    """What a person's own data loader gives."""

    image: Any
    label: Any = None
    weight: float = 1.0


def fed(take: Any) -> nn.Module:
    """A linear layer of 4 to 3 features on what ``take`` finds in the arguments."""
    from torch import nn

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(4, 3)

        def forward(self, *args: Any, **kwargs: Any) -> Any:
            return self.fc(take(*args, **kwargs))

    return Net()


@in_child("torch")
def test_nested_inputs() -> None:
    import torch

    x = torch.zeros(2, 4)
    pair = namedtuple("pair", "first second")
    cases: list[tuple[Any, Any]] = [
        (lambda batch: batch["a"], [{"a": x, "b": None}]),
        (lambda batch: batch["a"]["b"][1], [{"a": {"b": [3, x]}}]),
        (lambda batch: batch.image, [Sample(x)]),
        (lambda batch: batch.image["left"], [Sample({"left": x}, label="cat")]),
        (lambda batch: batch.second, [pair(None, x)]),
        (lambda batch: batch["a"], [OrderedDict(a=x)]),
        (lambda x, mask, scale: x * scale, [x, None, 2]),
        (lambda *, image, flag: image if flag else None, {"image": "2x4", "flag": True}),
        (lambda *, image, flag: image["deep"][0], {"image": {"deep": [(2, 4)]}, "flag": None}),
    ]
    for take, given in cases:
        summary = summarize(fed(take), given)
        fc = next(layer for layer in summary.layers if layer.path == "fc")
        # 4 weights and a bias for each of 3 features; a product a weight for each of 2 rows.
        assert (fc.params, fc.macs, fc.output_tensors[0].shape) == (3 * 5, 2 * 12, (2, 3))
        assert [tensor.shape for tensor in summary.inputs] == [(2, 4)]
        assert set(fc.inputs) <= {layer.id for layer in summary.layers if layer.op in ("input", "mul")}
        assert len(fc.inputs) == 1


@in_child("torch")
def test_outputs_of_every_form() -> None:
    from torch import nn

    class Net(nn.Module):
        def __init__(self, form: Any) -> None:
            super().__init__()
            self.a, self.b, self.form = nn.Linear(4, 3), nn.Linear(4, 5), form

        def forward(self, x: Any) -> Any:
            return self.form(self.a(x), self.b(x))

    pair = namedtuple("pair", "a b")
    both, first = [(2, 3), (2, 5)], [(2, 3)]
    forms: list[tuple[Any, Any]] = [
        (lambda a, b: (a, b), both),
        (lambda a, b: [a, [b, None]], both),
        (lambda a, b: {"a": a, "rest": {"b": b, "loss": 1.5}}, both),
        (lambda a, b: pair(a, b), both),
        (lambda a, b: Sample(a, b), both),
        (lambda a, b: (a, a.shape[0], "text", None), first),
        (lambda a, b: a, first),
        (lambda a, b: None, []),
        (lambda a, b: 7, []),
    ]
    for form, shapes in forms:
        summary = summarize(Net(form), ["2x4:float32"])
        assert [tensor.shape for tensor in summary.outputs] == shapes
        assert (summary.totals.params, summary.totals.macs) == (3 * 5 + 5 * 5, 2 * (12 + 20))


@in_child("torch")
def test_modules_that_pass_on_nested_values() -> None:
    from torch import nn

    class Split(nn.Module):
        def forward(self, x: Any) -> Any:
            return {"low": x[:, :2], "high": [x[:, 2:], 5]}

    class Join(nn.Module):
        def forward(self, parts: Any) -> Any:
            return parts["low"] + parts["high"][0]

    summary = summarize(nn.Sequential(Split(), Join()), ["3x4:float32"])
    join = next(layer for layer in summary.layers if layer.path == "1")
    assert join.inputs == ("0", "0")
    assert summary.outputs[0].shape == (3, 2)


@in_child("torch")
def test_integers_and_flags_as_inputs() -> None:
    import torch
    from torch import nn

    class Text(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed, self.out = nn.Embedding(100, 8), nn.Linear(8, 2)

        def forward(self, ids: Any, mask: Any = None) -> Any:
            x = self.embed(ids)
            return self.out(x if mask is None else x * mask.unsqueeze(-1))

    for given in (["2x6:int64"], {"ids": "2x6:int64", "mask": "2x6:bool"}, torch.zeros(2, 6, dtype=torch.int32)):
        summary = summarize(Text(), given)
        assert summary.outputs[0].shape == (2, 6, 2)
        assert (summary.totals.params, summary.totals.macs) == (100 * 8 + 9 * 2, 2 * 6 * 16)
    with pytest.raises(InputError, match=r"embed .*int64 or int32 indices, got float32"):
        summarize(Text(), (2, 6))
    with pytest.raises(BadRequestError, match=r"no such element type: int65\. Did you mean int64"):
        summarize(Text(), ["2x6:int65"])
    with pytest.raises(InputError, match="unexpected keyword argument 'idz'"):
        summarize(Text(), {"idz": "2x6:int64"})


@in_child("torch")
def test_recurrent_layers_and_packed_sequences() -> None:
    import torch
    from torch import nn
    from torch.nn.utils import rnn

    def weights(gates: int, inputs: int, hidden: int, layers: int = 1, directions: int = 1) -> int:
        """Products of one step: every gate reads the input and the state."""
        first = gates * hidden * (inputs + hidden)
        return directions * (first + (layers - 1) * gates * hidden * (directions * hidden + hidden))

    def check(model: Any, given: Any, steps: int, products: int, biases: int) -> None:
        totals = summarize(model, given).totals
        assert (totals.params, totals.macs) == (products + biases, steps * products)

    for kind, gates in ((nn.LSTM, 4), (nn.GRU, 3), (nn.RNN, 1)):
        # Two biases a gate, as cuDNN has them.
        check(kind(5, 7), "6x2x5", 6 * 2, weights(gates, 5, 7), 2 * gates * 7)
        both = kind(5, 7, num_layers=2, bidirectional=True, batch_first=True)
        check(both, "2x6x5", 2 * 6, weights(gates, 5, 7, 2, 2), 2 * 2 * 2 * gates * 7)
    check(nn.LSTMCell(5, 7), torch.zeros(3, 5), 3, weights(4, 5, 7), 2 * 4 * 7)
    check(nn.GRUCell(5, 7), torch.zeros(3, 5), 3, weights(3, 5, 7), 2 * 3 * 7)
    packed = rnn.pack_padded_sequence(torch.zeros(4, 2, 5), [4, 1])
    # 4 + 1 steps are in it, not 2 x 4.
    check(nn.LSTM(5, 7), [packed], 5, weights(4, 5, 7), 2 * 4 * 7)
    projected = nn.LSTM(5, 7, proj_size=3)
    # Hochreiter's gates read the projected state; the projection is one more product (Sak et al. 2014).
    assert summarize(projected, "6x2x5").totals.macs == 6 * 2 * (4 * 7 * (5 + 3) + 3 * 7)


@in_child("torch")
def test_the_examples_that_a_lightning_module_has() -> None:
    import torch
    from torch import nn

    from resnet_inspect.readers.request import Request
    from resnet_inspect.readers.torch.object import summarize_built

    class Lit(nn.Module):
        def __init__(self, example: Any) -> None:
            super().__init__()
            self.fc, self.example_input_array = nn.Linear(4, 3), example

        def forward(self, x: Any, y: Any = 0) -> Any:
            return self.fc(x) + y

        def training_step(self, batch: Any, index: int) -> Any:
            raise AssertionError("isn't called")

    for example in (torch.zeros(2, 4), (torch.zeros(2, 4), torch.zeros(3)), {"x": torch.zeros(2, 4)}):
        summary, _ = summarize_built(lambda example=example: Lit(example), Request("lit.py:Lit"))  # type: ignore[misc]
        assert summary.outputs[0].shape == (2, 3)
    summary, notes = summarize_built(lambda: Lit(None), Request("lit.py:Lit"))
    assert notes == ("the input of lit.py:Lit is unknown, so nothing ran: add --input 4, if that is its input",)
    assert [(layer.path, layer.macs) for layer in summary.layers] == [("fc", None)]
    with pytest.raises(BadRequestError, match=r"the input of lit\.py:Lit is unknown: add --input 4"):
        summarize_built(lambda: Lit(None), Request("lit.py:Lit", batch=2))


@in_child("torch")
def test_a_list_of_images_has_no_batch() -> None:
    from resnet_inspect.readers.torch.reader import _resolve

    image = [Expected("CHW", (3, 8, 8))]
    assert [found.shape for found in _resolve(Request("net", batch=1), "net", image)] == [(3, 8, 8)]
    with pytest.raises(BadRequestError, match="takes a list of images"):
        _resolve(Request("net", batch=2), "net", image)
