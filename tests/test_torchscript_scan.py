"""What the code of a TorchScript archive may say: judged from its text, without torch."""

from __future__ import annotations

from typing import Any

import pytest

from resnet_inspect.backends.torchscript_scan import danger


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("torch.save(x, 'f')", "torch.save, which writes files"),
        ("_0 = torch.from_file('f')", "reads and makes files"),
        ("_0 = ops.aten.from_file('f')", "ops.aten.from_file, which reads and makes files"),
        ("_0 = getattr(torch, 'save')(x, 'f')", "save by getattr"),
        ("_0 = x.save('f')", "x.save"),
        ("_0 = ops.image.read_file('f')", "operators of ops.image, which are foreign code"),
        ("_0 = __torch__.torch.classes.mine.Thing()", "which is foreign code"),
        ("_0 = ops", "could be any operator"),
        ("_0 = rpc_sync('w', x)", "runs code on other machines"),
        ("def (", "can't be judged"),
        ("_0 = ops.aten._sparse_coo_tensor_unsafe(x, x, [2, 2])", "reaches memory that isn't the tensor's"),
        ("_0 = x._sparse_csr_tensor_unsafe(x, x, [2, 2])", "reaches memory"),
        ("_0 = torch.sparse_coo_tensor(x, x, [2, 2])", "reaches memory"),
        ("_0 = x.to_sparse()", "x.to_sparse, which reaches memory"),
        ("_0 = torch.set_(x, x, 0, [9], [1])", "torch.set_, which reaches memory"),
        ("_0 = getattr(x, 'resize_')([9])", "resize_ by getattr, which reaches memory"),
        ("_0 = ops.aten._nested_view_from_buffer(x, x, x, x)", "reaches memory"),
        ("_0 = torch._unsafe_masked_index(x, x, [x], 0)", "reaches memory"),
    ],
)
def test_code_that_does_more_than_compute_is_dangerous(line: str, said: str) -> None:
    found = danger([("code/__torch__.py", f"def forward(self, x):\n  {line}\n  return x\n")], [])
    assert found is not None
    assert said in found


@pytest.mark.parametrize(
    "line",
    [
        "_0 = torch.conv2d(x, self.weight)",
        "_0 = ops.prim.NumToTensor(1)",
        "_0 = ops.torchvision.nms(x, x, 0.5)",
        "ops.prim.RaiseException('torch.save could not load')",
        "_0 = getattr(self.layer1, '0')",
        "_0 = annotate(List[int], [])",
        "_0 = torch.unsafe_chunk(x, 2)",
        "_0 = torch._unsafe_view(x, [4])",
        "_0 = torch._set_item([x], 0, x)",
        "_0 = torch.as_strided(x, [2], [1])",
    ],
)
def test_code_that_computes_is_harmless(line: str) -> None:
    assert danger([("code/__torch__.py", f"def forward(self, x):\n  {line}\n  return x\n")], []) is None


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("while True:\n      pass", "a loop"),
        ("for _0 in range(9):\n      pass", "a loop"),
        ("_0 = [1 for _1 in state]", "a loop"),
        ("_0 = torch.zeros([99])", "a call of torch.zeros"),
        ("_0 = self.slow(1)", "a loop"),
        ("_0 = self.part.forward(1)", "a call of self.part.forward"),
        ("_0 = self.quick(1)\n    _1 = self.quick(1)", "a call of self.quick after another"),
        ("_0 = self.deep(1)", "a call of self.quick"),
        ("_0 = __torch__.other(1)", "a call of __torch__.other"),
        ("torch = state\n    _0 = torch.eq(1, 1)", "a variable torch"),
        ("self = state\n    _0 = self.quick(1)", "a variable self"),
        ("_0 = 'a' * 99999999", "an expression of the kind BinOp"),
    ],
)
def test_what_loading_runs_sets_values_and_no_more(body: str, said: str) -> None:
    found = danger([("code/__torch__.py", CLASS.replace("BODY", body))], [])
    assert found == f"__setstate__ with {said} in it, which runs when the file is loaded"


def test_what_loading_runs_may_pack_weights() -> None:
    body = "self.scale = state[0]\n    _0 = self.packs(state[1], None)"
    assert danger([("code/__torch__.py", CLASS.replace("BODY", body))], []) is None


#: A class whose ``__setstate__`` has methods of its own to call.
CLASS = """class Net(Module):
  def __setstate__(self: Net, state: Any) -> NoneType:
    BODY
    return None
  def packs(self: Net, w: Tensor, b: Optional[Tensor]) -> NoneType:
    if torch.eq(self.mode, "zeros"):
      _0, _1 = self.stride
      self._packed_params = ops.quantized.conv2d_prepack(w, b, [_0, _1], [0, 0], [1, 1], 1)
    else:
      ops.prim.RaiseException("no such mode", "builtins.RuntimeError")
    return None
  def slow(self: Net, x: int) -> int:
    while True:
      pass
    return x
  def quick(self: Net, x: int) -> int:
    return x
  def deep(self: Net, x: int) -> int:
    return self.quick(x)
"""


def test_pickled_objects_of_foreign_classes_are_dangerous() -> None:
    pickled: dict[bytes, Any] = {
        b"c__torch__.torch.classes.mine\nThing\n": "foreign code",
        b"c__torch__.torch.classes.quantized\nLinearPackedParamsBase\n": None,
        b"c__torch__.torch.nn.modules.linear\nLinear\n": None,
        b"ctorch._utils\n_rebuild_sparse_tensor\n": "nobody checks",
    }
    for data, said in pickled.items():
        found = danger([], [data])
        assert said in found if found else said is None, data
