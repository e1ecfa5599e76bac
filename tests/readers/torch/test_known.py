"""Results that are known without running an operator are what running it gives."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.command import in_child

ZOO = ["resnet18", "mobilenet_v3_small", "swin_t", "googlenet", "quantized_resnet18", "ssdlite320_mobilenet_v3_large"]


@in_child("torch")
@pytest.mark.parametrize("name", ZOO)
def test_rows_are_the_same_without_it(name: str) -> None:
    from resnet_inspect import ir_json
    from resnet_inspect.readers import Request
    from resnet_inspect.readers.torch import known as torch_known
    from resnet_inspect.readers.torch import reader as from_torch

    made, again = [], torch_known._made
    torch_known._made = lambda form: (made.append(form), again(form))[1]  # type: ignore[func-returns-value]
    known = ir_json.dumps(from_torch.summarize(Request(name)).summary)
    assert len(made) > 20
    torch_known._is_pure = lambda func: False  # type: ignore[assignment]
    torch_known._PRODUCTS = {}
    assert ir_json.dumps(from_torch.summarize(Request(name)).summary) == known


@in_child("torch")
def test_what_an_operator_is_given_decides_over_its_form() -> None:
    import torch

    from resnet_inspect.readers.torch.known import Known

    aten = torch.ops.aten
    x, wide = (torch.empty(2, 3, 8, 8, dtype=torch.int64, device="meta") for _ in range(2))
    wide = wide.to(memory_format=torch.channels_last)
    cases: list[tuple[Any, ...]] = [
        *[(aten.add.Tensor, x, value) for value in (1, 1.0, True)],
        *[(aten.add.Tensor, tensor, tensor) for tensor in (x, wide, x.float(), x[0], x.transpose(2, 3))],
        *[(aten.sum.dim_IntList, x, dims) for dims in ([0], [1], [0, 1])],
        (aten.sum.dim_IntList, x, [0], True),
        (aten.empty.memory_format, [2, 3]),
        (aten.native_batch_norm.default, x.float(), *[torch.empty(3, device="meta")] * 4, False, 0.1, 1e-5),
        (aten.split.Tensor, x, 4, 2),
        (aten.max.dim, x, 1),
        (aten.addmm.default, *[torch.empty(4, 4, device="meta")] * 3),
    ]
    known = Known()
    for _ in range(2):
        for func, *args in cases:
            keywords = {"device": torch.device("meta")} if func is aten.empty.memory_format else {}
            expected, found = func(*args, **keywords), known.run(func, tuple(args), keywords)
            assert type(found) is type(expected), func
            pairs = [(found, expected)] if isinstance(found, torch.Tensor) else zip(found, expected, strict=True)
            for one, other in pairs:
                assert (one.shape, one.stride(), one.dtype, one.device) == (
                    (other.shape, other.stride(), other.dtype, other.device)
                ), func


@in_child("torch")
def test_views_and_writes_are_always_run() -> None:
    import torch

    from resnet_inspect.readers.torch.known import Known

    aten, known = torch.ops.aten, Known()
    x = torch.empty(2, 8, device="meta")
    for _ in range(2):
        assert known.run(aten.view.default, (x, [4, 4]), {}).untyped_storage()._cdata == x.untyped_storage()._cdata
        assert known.run(aten.relu_.default, (x,), {}) is x
    real = torch.ones(3)
    assert known.run(aten.add.Tensor, (real, real), {}).tolist() == [2.0] * 3
    assert known.run(aten.add.Tensor, (real, real * 2), {}).tolist() == [3.0] * 3


@in_child("torch")
def test_products_with_zeros_are_zeros_and_others_are_run() -> None:
    import torch

    from resnet_inspect.readers.torch.known import Known

    aten, known = torch.ops.aten, Known(zeros=True)
    x, weight = torch.randn(2, 3, 8, 8), torch.zeros(4, 3, 3, 3)
    tail: tuple[Any, ...] = ([2, 2], [1, 1], [1, 1], False, [0, 0], 1)

    def same(func: Any, *args: Any) -> bool:
        found, expected = known.run(func, args, {}), func(*args)
        assert found.stride() == expected.stride()
        return torch.equal(found.nan_to_num(7), expected.nan_to_num(7))

    assert known.run(aten.convolution.default, (x, weight, None, *tail), {}).shape == (2, 4, 4, 4)
    assert same(aten.convolution.default, x, weight, None, *tail)
    assert same(aten.convolution.default, x, weight, torch.zeros(4), *tail)
    assert same(aten.convolution.default, x, weight, torch.ones(4), *tail)
    assert same(aten.convolution.default, x, torch.randn(4, 3, 3, 3), None, *tail)
    assert same(aten.mm.default, torch.randn(2, 3), torch.zeros(3, 4))
    assert same(aten.addmm.default, torch.zeros(4), torch.randn(2, 3), torch.zeros(3, 4))
    assert same(aten.addmm.default, torch.randn(4), torch.randn(2, 3), torch.zeros(3, 4))
    assert same(aten.convolution.default, x.to(memory_format=torch.channels_last), weight, None, *tail)
    for value in (float("inf"), float("nan")):
        assert same(aten.mm.default, torch.full((2, 3), value), torch.zeros(3, 4))
    for bad in ((torch.randn(2, 3), torch.zeros(3, 4).double()), (torch.randn(2, 3), torch.zeros(4, 4))):
        with pytest.raises(RuntimeError):
            known.run(aten.mm.default, bad, {})
    sparse = torch.zeros(3, 4).to_sparse_csr()
    assert known.run(aten.mm.default, (torch.randn(2, 3), sparse), {}).shape == (2, 4)


@in_child("torch")
def test_only_weights_that_we_made_zero_are() -> None:
    import torch
    from torch import nn

    from resnet_inspect import summarize
    from resnet_inspect.readers.torch.known import Known

    class Reads(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(3, 4)
            nn.init.zeros_(self.fc.weight)
            nn.init.zeros_(self.fc.bias)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            y = self.fc(x / 0 * 0)  # not a number, and so is its product with zero
            return y[(y == 0).all(1).nonzero()[:, 0]]

    ran = []
    run = Known.run

    def watched(self: Known, *given: Any) -> Any:
        ran.append(self._zeros)
        return run(self, *given)

    Known.run = watched  # type: ignore[assignment, method-assign]
    assert summarize(Reads(), (3,), batch=2).outputs[0].shape == (0, 4)
    assert set(ran) == {False}


@in_child("torch")
def test_views_that_no_schema_tells_of_and_other_peoples_operators_are_always_run() -> None:
    import torch

    from resnet_inspect.readers.torch.known import Known

    known, x = Known(), torch.empty(2, 8, device="meta")
    for _ in range(2):
        parts = known.run(torch.ops.aten.unsafe_split.Tensor, (x, 4, 1), {})
        assert all(part.untyped_storage()._cdata == x.untyped_storage()._cdata for part in parts)
    whole = torch.empty(3, dtype=torch.int64, device="meta")
    assert known.run(torch.ops.aten.div.Tensor, (whole, 2), {}).dtype == torch.float32
    torch.set_default_dtype(torch.float64)
    assert known.run(torch.ops.aten.div.Tensor, (whole, 2), {}).dtype == torch.float64
    torch.set_default_dtype(torch.float32)

    widths = iter((1, 2, 3, 4))
    torch.library.define("known_test::wider", "(Tensor x) -> Tensor")
    torch.library.impl("known_test::wider", "Meta")(lambda x: x.new_empty(next(widths)))
    found = [known.run(torch.ops.known_test.wider.default, (x,), {}).shape[0] for _ in range(2)]
    assert found == [1, 2]


@in_child("torch")
def test_a_constructor_may_read_what_it_set() -> None:
    import torch
    from torch import nn

    from resnet_inspect.readers.torch.build import with_zeros

    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.empty(1))
            nn.init.constant_(self.scale, 4.0)
            self.fc = nn.Linear(4, int(self.scale.item()))
            self.register_buffer("inverse", 1 / self.scale.detach())

    model = with_zeros(Scaled)
    assert model.fc.weight.shape == (4, 4)
    assert model.inverse.item() == 0.25
    assert not any(parameter.any() for parameter in model.parameters())


@in_child("torch")
def test_the_commonest_operators_give_what_torch_gives() -> None:
    import itertools

    import torch

    from resnet_inspect.readers.torch.known import Known

    aten = torch.ops.aten
    dtypes = (torch.float32, torch.bfloat16, torch.int64, torch.bool)

    def outcome(run: Any, func: Any, args: tuple[Any, ...]) -> Any:
        try:
            found = run(func, args, {})
        except (RuntimeError, NotImplementedError) as error:
            return type(error), str(error)
        return found.shape, found.stride(), found.dtype, found.device, found.requires_grad

    plain = torch.empty(2, 3, 8, 8, device="meta")
    odd = torch.empty_strided((1, 4), (9, 1), device="meta")
    tensors = [plain, plain.to(memory_format=torch.channels_last), plain.transpose(0, 3), plain[..., ::2], odd]
    cases: list[tuple[Any, ...]] = [(aten.relu.default, t.to(dtype)) for t in tensors for dtype in dtypes]
    sizes = itertools.product((3, 4), (2,), (2, 3), (4, 5))
    for (rows, inner, other, columns), dtype in itertools.product(sizes, dtypes):
        first, second = (torch.empty(shape, device="meta") for shape in ((rows, inner), (columns, other)))
        for bias in ((columns,), (1,), (rows, columns), (7,)):
            cases.append((aten.addmm.default, torch.empty(bias, device="meta", dtype=dtype), first, second.t()))
    for func, *args in cases:
        expected = outcome(lambda func, args, kwargs: func(*args, **kwargs), func, tuple(args))
        assert outcome(Known().run, func, tuple(args)) == expected, (func, args)


@in_child("torch")
def test_plain_products_and_activations_are_never_run() -> None:
    import torch
    from torch import nn

    from resnet_inspect import summarize

    ran = []
    original = torch._ops.OpOverload.__call__

    def run(func: Any, *args: Any, **kwargs: Any) -> Any:
        ran.append(str(func))
        return original(func, *args, **kwargs)

    torch._ops.OpOverload.__call__ = run
    summary = summarize(nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2), nn.Hardswish()), (4,))
    assert [layer.macs for layer in summary.layers] == [0, 12, 0, 6, 0]
    assert "aten.hardswish.default" in ran
    assert not {"aten.addmm.default", "aten.relu.default"} & set(ran)
