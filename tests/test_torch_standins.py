"""Stand-ins for modules of torch: in a process of our own alone, and gone at the first question they can't answer."""

from __future__ import annotations

from .command import needs, script

#: A process of our own that has summarised a ResNet50.
OWN = """
import sys
from resnet_inspect import process
process.own()
from resnet_inspect.backends import adapter, Request
summary = adapter("torch").summarize(Request("resnet50", inputs=((3, 512, 512),))).summary
assert summary.totals.params == 25_557_032
from resnet_inspect.backends.torch_standins import is_real
"""


@needs("torch")
def test_a_summary_imports_neither_the_compiler_nor_symbolic_shapes() -> None:
    said = script(f"""{OWN}
names = ["torch._dynamo", "torch.fx.experimental.symbolic_shapes", "sympy", "triton"]
print([name for name in names if is_real(name)])
""")
    assert said == "[]\n"


@needs("torch")
def test_a_caller_keeps_torch_as_it_is() -> None:
    said = script("""
import gc, sys
import torch, torchvision, resnet_inspect
before = gc.isenabled(), gc.get_threshold(), gc.get_freeze_count()
with torch.device("meta"):
    model = torchvision.models.resnet18()
resnet_inspect.summarize(model, (3, 64, 64))
from resnet_inspect.backends.torch_standins import is_real
print(is_real("torch._dynamo"), is_real("torch.fx.experimental.symbolic_shapes"))
assert (gc.isenabled(), gc.get_threshold(), gc.get_freeze_count()) == before
assert not any(type(module).__name__ == "_StandIn" for module in sys.modules.values())
""")
    assert said == "True True\n"


@needs("torch")
def test_the_first_other_question_is_the_real_modules() -> None:
    said = script(f"""{OWN}
import torch
standin = torch._dynamo
print(standin.config.suppress_errors, is_real("torch._dynamo"), torch._dynamo is standin)
import torch._dynamo.eval_frame
assert torch._dynamo.eval_frame is sys.modules["torch._dynamo.eval_frame"]
from torch.fx.experimental.symbolic_shapes import ShapeEnv
print(ShapeEnv.__module__, is_real("torch.fx.experimental.symbolic_shapes"))
print(torch.compile(lambda x: x + 1, backend="eager")(torch.ones(2)).tolist())
""")
    assert said == "False True False\ntorch.fx.experimental.symbolic_shapes True\n[2.0, 2.0]\n"


@needs("torch")
def test_a_submodule_is_the_one_that_its_package_has() -> None:
    said = script(f"""{OWN}
import torch._dynamo.config as config
import torch
print(config is torch._dynamo.config, config is sys.modules["torch._dynamo.config"], is_real("torch._dynamo"))
""")
    assert said == "True True True\n"


@needs("torch")
def test_functions_of_symbolic_shapes_answer_as_torchs_do() -> None:
    said = script(f"""{OWN}
import torch
from torch.fx.experimental import symbolic_shapes as standin
names = ["expect_true", "guard_or_false", "guard_or_true", "guard_size_oblivious", "statically_known_true",
         "guarding_hint_or_throw", "has_guarding_hint", "is_nested_int", "sym_and", "sym_or", "sym_eq"]
ours = [getattr(standin, name) for name in names]
conditions = [(True,), (False,)]
pairs = [(True, True), (True, False), (False, False)]
arguments = [*[conditions] * 5, [(0,), (7,), (True,)], [(7,), (0.5,)], [(7,), (0.5,)], pairs, pairs,
             [(3, 3), (3, 4), ((1, 2), [1, 2]), ((1, 2), (1, 3)), (torch.Size([2]), (2, 3)), ((), ())]]
answered = [[function(*given) for given in cases] for function, cases in zip(ours, arguments)]
assert not is_real("torch.fx.experimental.symbolic_shapes")
standin.ShapeEnv
from torch.fx.experimental import symbolic_shapes as real
assert is_real("torch.fx.experimental.symbolic_shapes") and real is not standin
theirs = [[getattr(real, name)(*given) for given in cases] for name, cases in zip(names, arguments)]
assert answered == theirs, (answered, theirs)
try: ours[0](1)
except AssertionError as error: print(error)
""")
    assert said == "Expected bool, got 1\n"


@needs("torch")
def test_sympy_is_there_for_whoever_wants_it() -> None:
    said = script(f"""{OWN}
import sympy
import sympy.core.numbers
x = sympy.Symbol("x")
print(sympy.diff(x**2, x), isinstance(x, sympy.Basic), is_real("sympy"), sympy.__version__ is not None)
""")
    assert said == "2*x True True True\n"


@needs("torch")
def test_what_asks_for_the_module_itself_is_answered_too() -> None:
    said = script(f"""{OWN}
import importlib.util
names = "sympy", "torch._dynamo", "torch._dynamo.utils"
print(*[importlib.util.find_spec(name).name for name in names], is_real("sympy"))
import inspect
inspect.getmodule(print)
assert not is_real("sympy")
from sympy import *
print(simplify(Symbol("x") + Symbol("x")), is_real("sympy"))
""")
    assert said == "sympy torch._dynamo torch._dynamo.utils False\n2*x True\n"


@needs("torch")
def test_compiled_modules_are_looked_into_all_the_same() -> None:
    said = script(f"""{OWN}
import torch
from torch import nn
from resnet_inspect import summarize
model = torch.compile(nn.Sequential(nn.Linear(3, 5), nn.ReLU()))
print([layer.type for layer in summarize(model, (3,)).layers])
""")
    assert said == "['Input', 'Linear', 'ReLU']\n"
