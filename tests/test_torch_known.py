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
    from resnet_inspect.backends import Request, from_torch, torch_known

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

    from resnet_inspect.backends.torch_known import Known

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

    from resnet_inspect.backends.torch_known import Known

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

    from resnet_inspect.backends.torch_known import Known

    aten, known = torch.ops.aten, Known()
    x, weight = torch.randn(2, 3, 8, 8), torch.zeros(4, 3, 3, 3)
    tail: tuple[Any, ...] = ([2, 2], [1, 1], [1, 1], False, [0, 0], 1)

    def same(func: Any, *args: Any) -> bool:
        return torch.equal(known.run(func, args, {}), func(*args))

    assert known.run(aten.convolution.default, (x, weight, None, *tail), {}).shape == (2, 4, 4, 4)
    assert same(aten.convolution.default, x, weight, None, *tail)
    assert same(aten.convolution.default, x, weight, torch.zeros(4), *tail)
    assert same(aten.convolution.default, x, weight, torch.ones(4), *tail)
    assert same(aten.convolution.default, x, torch.randn(4, 3, 3, 3), None, *tail)
    assert same(aten.mm.default, torch.randn(2, 3), torch.zeros(3, 4))
    assert same(aten.addmm.default, torch.zeros(4), torch.randn(2, 3), torch.zeros(3, 4))
    assert same(aten.addmm.default, torch.randn(4), torch.randn(2, 3), torch.zeros(3, 4))
