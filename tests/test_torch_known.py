"""Results that are known without running an operator are what running it gives."""

from __future__ import annotations

from typing import Any

import pytest

from .command import in_child

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
    torch_known._is_pure = lambda func: False
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
