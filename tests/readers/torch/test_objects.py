"""What people's own torch modules do: every number here is arithmetic, every edge is drawn by hand."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from resnet_inspect import Summary, summarize
from resnet_inspect.errors import BadRequestError, InputError, ModelError
from tests.support.command import in_child

if TYPE_CHECKING:
    from torch import nn


def network(forward: Callable[..., Any], **modules: Any) -> nn.Module:
    """A module with linear layers ``fc`` and ``fc2`` of 8 features, others by name, and the given forward."""
    from torch import nn

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(8, 8)
            self.fc2 = nn.Linear(8, 8)
            for name, module in modules.items():
                setattr(self, name, module)

        def forward(self, x: Any) -> Any:
            return forward(self, x)

    return Net()


def edges(forward: Callable[..., Any], **modules: Any) -> dict[str, tuple[str, ...]]:
    """Called layers and what they read."""
    summary = summarize(network(forward, **modules), (8,), batch=2)
    assert summary.totals.params == sum(layer.params for layer in summary.layers)
    return {layer.id: layer.inputs for layer in summary.layers if layer.called}


@in_child("torch")
def test_macs_do_not_depend_on_inference_mode() -> None:
    import torch
    from torch import nn

    def inside(self: Any, x: Any) -> Any:
        with torch.inference_mode():
            return self.fc(x)

    with torch.inference_mode():
        assert summarize(nn.Linear(8, 8), (2, 8)).totals.macs == 2 * 8 * 8
        # 4 filters of 3 x 3 x 3 at 6 x 6 places.
        assert summarize(nn.Conv2d(3, 4, 3), "3x8x8").totals.macs == 4 * 27 * 36
    assert summarize(network(inside), (2, 8)).totals.macs == 2 * 8 * 8
    assert summarize(network(inside), torch.ones(2, 8)).outputs[0].shape == (2, 8)


@in_child("torch")
def test_whatever_a_forward_writes_is_undone() -> None:
    import torch
    from torch import nn

    def writes(self: Any, x: Any) -> Any:
        x.add_(1)
        self.steps += 1
        self.count += 1
        self.history.append(x)
        self.register_buffer("late", torch.zeros(1))
        if self.cache is None:
            self.cache = torch.arange(8.0)
        with torch.no_grad():
            self.fc.weight.data.fill_(7)
        y = self.fc(x) + self.cache
        return y * 2 if self.peeks and y.sum() > 0 else y

    for peeks in (False, True):
        model = network(writes, cache=None, steps=0, history=[], count=torch.zeros(1), peeks=peeks)
        model.register_buffer("named", None)
        before = {key: value.clone() for key, value in model.state_dict().items()}
        x = torch.zeros(2, 8)
        summary = summarize(model, x)
        assert summary.trace.method == ("real" if peeks else "meta")
        assert (model.cache, model.steps, model.history, model.count.item(), x.sum().item()) == (None, 0, [], 0, 0)
        after = model.state_dict()
        assert after.keys() == before.keys()
        assert all(torch.equal(after[key], before[key]) for key in before)
        model(x)

    normalised = nn.utils.weight_norm(nn.Linear(8, 8))
    summarize(normalised, (8,))
    assert normalised.weight.device.type == "cpu"


@in_child("torch")
def test_scripted_models() -> None:
    import torch
    from torch import nn

    model = nn.Sequential(nn.Linear(8, 8), nn.ReLU())
    for scripted in (torch.jit.script(model), torch.jit.trace(model, torch.zeros(2, 8))):
        summary = summarize(scripted, (2, 8))
        assert (summary.totals.params, summary.totals.macs) == (72, 128)
        assert scripted(torch.zeros(2, 8)).device.type == "cpu"


@in_child("torch")
def test_edges_follow_values_written_in_place() -> None:
    def through_a_view(self: Any, x: Any) -> Any:
        h = self.fc(x)
        h.view(-1).relu_()
        return self.fc2(h)

    def into_a_part(self: Any, x: Any) -> Any:
        h = self.fc(x)
        h[:, :4].mul_(self.fc2(x)[:, :4])
        return h.sum(1)

    def into_a_buffer(self: Any, x: Any) -> Any:
        self.cache[:, 0].copy_(self.fc(x)[:, 0])
        return self.cache.sum(1)

    import torch

    assert edges(through_a_view)["fc2"] == ("relu",)
    assert edges(into_a_part)["sum"] == ("mul",)
    found = edges(into_a_buffer, cache=torch.zeros(2, 8))
    assert found["sum"] == ("copy",)


@in_child("torch")
def test_edges_through_what_changes_nothing() -> None:
    from torch import nn

    class Tap(nn.Module):
        def forward(self, x: Any) -> Any:
            return {"a": x}, [x]

    def tapped(self: Any, x: Any) -> Any:
        a = self.tap(x)[0]["a"]
        return self.fc(x) + self.fc2(a)

    found = edges(tapped, tap=Tap())
    assert (found["fc"], found["fc2"]) == (("input",), ("tap",))
    found = edges(lambda self, x: self.fc(self.identity(x)) + x, identity=nn.Identity())
    assert (found["fc"], found["add"]) == (("identity",), ("fc", "input"))


@in_child("torch")
def test_parameters_handed_to_layers_are_used() -> None:
    import torch
    from torch import nn

    model = network(lambda self, x: x + self.fc(self.drop(self.q)), q=nn.Parameter(torch.ones(2, 8)), drop=nn.Dropout())
    summary = summarize(model, (2, 8))
    assert summary.unused == ("fc2.weight", "fc2.bias")
    by_id = {layer.id: layer for layer in summary.layers}
    assert [p.name for p in by_id["drop"].parameters] == ["q"]
    assert (by_id["fc"].inputs, by_id["add"].inputs) == (("drop",), ("input", "fc"))


@in_child("torch")
def test_autocast_and_wrong_types() -> None:
    import torch
    from torch import nn

    def cast(self: Any, x: Any) -> Any:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return self.fc(x.bfloat16())

    summary = summarize(network(cast), (2, 8))
    assert (summary.outputs[0].dtype, summary.trace.method) == ("bfloat16", "real")
    with pytest.raises(InputError, match="has float32 weights, got a float64 input"):
        summarize(nn.Sequential(nn.Linear(8, 8)), torch.zeros(2, 8, dtype=torch.float64))

    def off(self: Any, x: Any) -> Any:
        # Rotary embeddings shut it off on the device that they are on, and torch knows no autocast on meta.
        kind = x.device.type
        assert torch.is_autocast_enabled(kind) is False
        assert torch.get_autocast_dtype(device_type=kind) is torch.bfloat16
        with torch.autocast(device_type=kind, enabled=False), torch.autocast(kind, torch.float16, False):
            return self.fc(x)

    def on(self: Any, x: Any) -> Any:
        with torch.autocast(x.device.type):
            return self.fc(x)

    def set_by_hand(self: Any, x: Any) -> Any:
        torch.set_autocast_dtype(x.device.type, torch.bfloat16)
        torch.set_autocast_enabled(x.device.type, True)
        try:
            return self.fc(x)
        finally:
            torch.set_autocast_enabled(x.device.type, False)

    shut = summarize(network(off), (2, 8))
    assert (shut.outputs[0].dtype, shut.trace.method) == ("float32", "meta")
    for function in (on, set_by_hand):
        cast_there = summarize(network(function), (2, 8))
        assert (cast_there.outputs[0].dtype, cast_there.trace.method) == ("bfloat16", "real")
    for of in (torch.get_autocast_dtype, torch.is_autocast_enabled, torch.autocast):
        with pytest.raises(RuntimeError):
            of("meta")


@in_child("torch")
def test_products_without_a_formula_in_torch() -> None:
    import torch
    from torch import nn

    def macs(function: Callable[..., Any], *shapes: tuple[int, ...]) -> int | None:
        class Net(nn.Module):
            def forward(self, *tensors: Any) -> Any:
                return function(*tensors)

        totals = summarize(Net(), [torch.zeros(shape) for shape in shapes]).totals
        return None if totals.uncounted else totals.macs

    assert macs(torch.addbmm, (3, 5), (2, 3, 4), (2, 4, 5)) == 2 * 3 * 4 * 5
    assert macs(torch.mv, (3, 4), (4,)) == 3 * 4
    assert macs(torch.dot, (4,), (4,)) == macs(torch.vdot, (4,), (4,)) == macs(torch.inner, (4,), (4,)) == 4
    # 4 positions of 2 sequences, each 3 x 4 inputs to 5 outputs.
    assert macs(lambda x, w, b: torch.conv_tbc(x, w, b), (6, 2, 4), (3, 4, 5), (5,)) == 4 * 2 * 3 * 4 * 5
    assert macs(lambda a: torch.fft.fft(a), (8,)) is None


@in_child("torch")
def test_a_function_never_takes_the_path_of_a_module() -> None:
    import torch
    from torch import nn

    def forward(self: Any, x: Any) -> Any:
        return self.add(x) + torch.relu(self.relu(x))

    assert edges(forward, add=nn.Sequential(nn.Linear(8, 8)), relu=nn.ReLU()) == {
        "input": (),
        "add.0": ("input",),
        "relu": ("input",),
        "relu_1": ("relu",),
        "add_1": ("add.0", "relu_1"),
    }
    both = nn.ModuleDict({"a": nn.Linear(8, 8), "a:2": nn.Linear(8, 8)})
    summary = summarize(network(lambda self, x: self.d["a:2"](self.d["a"](self.d["a"](x))), d=both), (2, 8))
    assert [layer.id for layer in summary.layers if layer.path.startswith("d")] == ["d.a", "d.a:2", "d.a:2:2"]


@in_child("torch")
def test_attributes_of_functions() -> None:
    def attributes(function: Callable[..., Any]) -> dict[str, Any]:
        (layer,) = (layer for layer in summarize(network(lambda self, x: function(x)), (2, 8)).layers if layer.inputs)
        return dict(layer.attributes)

    import torch

    assert attributes(lambda x: x.mean(-1, keepdim=True)) == {"dim": -1, "keepdim": True}
    assert attributes(lambda x: x.max(1)) == {"dim": 1}
    assert attributes(lambda x: x.to(torch.float16)) == {"dtype": "torch.float16"}
    assert attributes(lambda x: 2**x) != attributes(lambda x: x**2)
    assert attributes(lambda x: 1 - x) != attributes(lambda x: x - 1)


@in_child("torch")
def test_subclasses_are_what_they_derive_from() -> None:
    from torch import nn

    class P12(nn.MaxPool2d):
        pass

    (_, pool) = summarize(nn.Sequential(P12(2)), "3x8x8").layers
    assert (pool.type, pool.op, pool.attribute("kernel_size")) == ("P12", "max_pool2d", (2, 2))


@in_child("torch")
def test_a_model_may_catch_the_errors_of_its_layers() -> None:
    def forward(self: Any, x: Any) -> Any:
        with contextlib.suppress(RuntimeError):
            return self.fc(x[:, :4])
        return self.fc(x)

    assert edges(forward)["fc"] == ("input",)


@in_child("torch")
def test_tensors_in_plain_objects() -> None:
    def forward(self: Any, x: Any) -> Any:
        return SimpleNamespace(hidden=self.fc(x), nothing=None, count=3)

    summary = summarize(network(forward), (2, 8))
    assert [tensor.shape for tensor in summary.outputs] == [(1, 2, 8)]


@in_child("torch")
def test_bad_arguments_are_said() -> None:
    import torch
    from torch import nn

    linear, conv = nn.Linear(8, 8), nn.Conv2d(3, 4, 3)
    bad: list[tuple[Any, dict[str, Any], str]] = [
        ((8.0,), {}, "an input is a shape"),
        ({1: (2, 8)}, {}, "names of keyword arguments"),
        ({}, {}, "names of keyword arguments"),
        ([None, 3], {}, "an input is a shape"),
        ((-1, 8), {}, "at least 1"),
        ((2, 8), {"batch": 0}, "batch must be a whole number from 1 on"),
        ((2, 8), {"dtype": "foo"}, "dtype must be one of float32"),
        (torch.zeros(2, 8), {"batch": 8}, "leave batch and dtype out"),
    ]
    for given, options, words in bad:
        with pytest.raises(BadRequestError, match=words):
            summarize(linear, given, **options)
    with pytest.raises(BadRequestError, match="has batch 1"):
        summarize(conv, "1x3x8x8", batch=8)
    assert summarize(linear, (2, 8), dtype=torch.float32).inputs[0].dtype == "float32"
    with pytest.raises(InputError, match="expects 8 input features"):
        summarize(linear, ())  # the shape of a scalar
    with pytest.raises(ModelError, match=r"torch\.nn\.Module, got int"):
        summarize(3, (2, 8))


def test_a_damaged_document_is_no_summary() -> None:
    for text in ("[" * 100_000, "[]", '{"schema_version": 2}', '{"schema_version": 1, "model": 3}'):
        with pytest.raises(ModelError):
            Summary.from_json(text)
