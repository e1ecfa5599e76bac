"""Stand-ins for modules of torch: in a process of our own alone, and gone at the first question they can't answer."""

from __future__ import annotations

import os

import pytest

from resnet_inspect.readers import zoo
from tests.support.command import needs, script

#: A process of our own that has summarised a ResNet50.
OWN = """
import sys
from resnet_inspect import process
process.own()
from resnet_inspect.readers.inputs import Shapes
from resnet_inspect.readers import Request
from resnet_inspect.answers import adapter
summary = adapter("torch").summarize(Request("resnet50", inputs=Shapes(((3, 512, 512),)))).summary
assert summary.totals.params == 25_557_032
from resnet_inspect.readers.torch.standins import is_real
"""


def own(source: str) -> str:
    """What a script prints in such a process."""
    return script(source, after=OWN)


@needs("torch")
def test_a_summary_imports_neither_the_compiler_nor_symbolic_shapes() -> None:
    said = own("""
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
from resnet_inspect.readers.torch.standins import is_real
print(is_real("torch._dynamo"), is_real("torch.fx.experimental.symbolic_shapes"))
assert (gc.isenabled(), gc.get_threshold(), gc.get_freeze_count()) == before
assert not any(type(module).__name__ == "_StandIn" for module in sys.modules.values())
""")
    assert said == "True True\n"


@needs("torch")
def test_the_first_other_question_is_the_real_modules() -> None:
    said = own("""
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
    said = own("""
import torch._dynamo.config as config
import torch
print(config is torch._dynamo.config, config is sys.modules["torch._dynamo.config"], is_real("torch._dynamo"))
""")
    assert said == "True True True\n"


@needs("torch")
def test_functions_of_symbolic_shapes_answer_as_torchs_do() -> None:
    said = own("""
import torch
from torch.fx.experimental import symbolic_shapes as standin
from resnet_inspect.readers.torch.compat import ANSWERS, SEVERAL
values = {bool: [True, False], int: [0, 7], float: [0.5]}
more = {"_advise_is_bounded": (9,)}
cases = {name: [(value, *more.get(name, ())) for kind in kinds for value in values[kind]]
         for name, (kinds, _) in ANSWERS.items()}
pairs = [(True, True), (True, False), (False, False)]
sizes = [(3, 3), (3, 4), ((1, 2), (1, 2)), ((1, 2), (1, 3)), (torch.Size([2]), (2, 3)), ((), ())]
cases.update(zip(SEVERAL, [pairs, pairs, sizes]))
ours = [getattr(standin, name) for name in cases]
answered = [[function(*given) for given in rows] for function, rows in zip(ours, cases.values())]
mixed = (1, 2), [1, 2]
of_mixed = standin.sym_eq(*mixed)
assert not is_real("torch.fx.experimental.symbolic_shapes")
standin.ShapeEnv
from torch.fx.experimental import symbolic_shapes as real
assert is_real("torch.fx.experimental.symbolic_shapes") and real is not standin
for (name, rows), said in zip(cases.items(), answered):
    if hasattr(real, name):
        theirs = [getattr(real, name)(*given) for given in rows]
        assert said == theirs, (name, said, theirs)
try: assert of_mixed == real.sym_eq(*mixed)
except AssertionError as error: assert "unexpected sym_eq" in str(error)  # before torch took them for the same
def refused(function):
    try: function(1)
    except AssertionError as error: return str(error)
assert refused(ours[list(cases).index("expect_true")]) == refused(real.expect_true) is not None
print("refused")
""")
    assert said == "refused\n"


@needs("torch")
def test_sympy_is_there_for_whoever_wants_it() -> None:
    said = own("""
import sympy
import sympy.core.numbers
x = sympy.Symbol("x")
print(sympy.diff(x**2, x), isinstance(x, sympy.Basic), is_real("sympy"), sympy.__version__ is not None)
""")
    assert said == "2*x True True True\n"


@needs("torch")
def test_what_asks_for_the_module_itself_is_answered_too() -> None:
    said = own("""
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
    said = own("""
import torch
from torch import nn
from resnet_inspect import summarize
model = torch.compile(nn.Sequential(nn.Linear(3, 5), nn.ReLU()))
print([layer.type for layer in summarize(model, (3,)).layers])
""")
    assert said == "['Input', 'Linear', 'ReLU']\n"


#: A network whose forward asks the compiler for something, as ``{asks}``, where every observer of ours looks on.
NETWORK = """
import sys
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8)

    def forward(self, x):
        {asks}
        return self.norm(self.conv(x)).mean((2, 3))

from resnet_inspect import summarize
summary = summarize(Net(), (3, 8, 8))
print(summary.totals.params, summary.totals.macs, [layer.type for layer in summary.layers])
"""
#: Weights and biases of the two; multiply-adds of the convolution alone.
SAID = f"{8 * 27 + 8 + 16} {8 * 27 * 36} ['Input', 'Conv2d', 'BatchNorm2d', 'mean']\n"


@needs("torch")
def test_standins_may_go_in_the_middle_of_a_run() -> None:
    asks = "torch._dynamo.config.suppress_errors"
    said = own(NETWORK.format(asks=asks) + 'print(is_real("torch._dynamo"))')
    assert said == f"{SAID}True\n"


@needs("torch")
def test_a_callers_torch_imports_its_compiler_before_the_run() -> None:
    """No library has imported it: torch 2.7 and later do in their first operators."""
    assert script(NETWORK.format(asks="pass") + 'assert "torchvision" not in sys.modules') == SAID


#: Of each kind of network one, those that run on real tensors among them: ``ZOO=all`` takes every model.
KINDS = (
    *("resnet18", "googlenet", "densenet121", "efficientnet_b0", "vit_b_16", "swin_t", "quantized_resnet18"),
    *("lraspp_mobilenet_v3_large", "maskrcnn_resnet50_fpn", "raft_small", "s3d"),
)


#: The same process, but that its torch is as everybody has it.
WITHOUT = f"""
from resnet_inspect.readers.torch import standins
standins.install = lambda: None
{OWN}
"""


@needs("torch")
@pytest.mark.parametrize("model", zoo.names("torchvision") if os.environ.get("ZOO") == "all" else KINDS)
def test_summaries_are_the_same_without_standins(model: str) -> None:
    source = f"""
from resnet_inspect import ir_json
document = ir_json.dumps(adapter("torch").summarize(Request("{model}")).summary)
print(any(map(is_real, ["torch._dynamo", "torch.fx.experimental.symbolic_shapes", "sympy"])), document)
"""
    with_them, without = own(source).split(maxsplit=1), script(source, after=WITHOUT).split(maxsplit=1)
    assert (with_them[0], without[0]) == ("False", "True")
    assert with_them[1] == without[1]
