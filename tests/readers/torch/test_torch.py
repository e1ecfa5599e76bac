"""The torch backend against torch itself."""

from __future__ import annotations

import contextlib
import io
import itertools
import os
import random
import re

import pytest

from resnet_inspect import ir_json, summarize
from resnet_inspect.answers import adapter
from resnet_inspect.blocks.residual import BlockSpec, residual_block
from resnet_inspect.checks import STRUCTURE, judge
from resnet_inspect.diffs import compare
from resnet_inspect.errors import InputError
from resnet_inspect.readers import zoo
from resnet_inspect.readers.inputs import Shapes
from resnet_inspect.readers.request import Request
from tests.support.command import document, in_child, needs, run, script
from tests.support.structure import check_structure

TEN = [
    "resnet18",
    "resnet34",
    "resnet50",
    "resnet101",
    "resnet152",
    "wide_resnet50_2",
    "wide_resnet101_2",
    "resnext50_32x4d",
    "resnext101_32x8d",
    "resnext101_64x4d",
]

#: Models whose weights describe another constructor, and what makes up the difference in parameters:
#: frozen BatchNorms keep scale and shift as buffers; auxiliary heads exist only when asked for.
FROZEN_RESNET50 = 2 * 26_560
FROZEN_MOBILENET = 2 * 12_200
OTHER_CONSTRUCTOR = {
    "fasterrcnn_resnet50_fpn": FROZEN_RESNET50,
    "fcos_resnet50_fpn": FROZEN_RESNET50,
    "keypointrcnn_resnet50_fpn": FROZEN_RESNET50,
    "maskrcnn_resnet50_fpn": FROZEN_RESNET50,
    "retinanet_resnet50_fpn": FROZEN_RESNET50,
    "fasterrcnn_mobilenet_v3_large_fpn": FROZEN_MOBILENET,
    "fasterrcnn_mobilenet_v3_large_320_fpn": FROZEN_MOBILENET,
}
#: Arguments that build what the weights were published for.
ARGUMENTS = {
    "googlenet": {"aux_logits": False},
    "quantized_googlenet": {"aux_logits": False},
    **{f"{head}_resnet{depth}": {"aux_loss": True} for head in ("fcn", "deeplabv3") for depth in (50, 101)},
    "deeplabv3_mobilenet_v3_large": {"aux_loss": True},
}
#: How many boxes reach the second stage depends on trained weights: these MACs can't be compared.
DATA_DEPENDENT = {
    "fasterrcnn_mobilenet_v3_large_fpn",
    "fasterrcnn_mobilenet_v3_large_320_fpn",
    "keypointrcnn_resnet50_fpn",
    "maskrcnn_resnet50_fpn_v2",
}


#: Heads that run in training only; ARGUMENTS leave out googlenet's.
AUXILIARY = {"inception_v3", "quantized_inception_v3"}

#: One of each family, for its others are the same with more or wider layers, and three detectors, whose boxes take
#: seconds each: ``ZOO=all`` takes every model. The numbers of all stand in ``constraints/counts.json``, which
#: ``constraints/matrix.py`` holds against ours.
SMALLEST = (
    *(
        "alexnet",
        "convnext_tiny",
        "deeplabv3_mobilenet_v3_large",
        "densenet121",
        "efficientnet_b0",
        "efficientnet_v2_s",
    ),
    *("fasterrcnn_mobilenet_v3_large_320_fpn", "fcn_resnet50", "fcos_resnet50_fpn", "googlenet", "inception_v3"),
    *("lraspp_mobilenet_v3_large", "maskrcnn_resnet50_fpn_v2", "maxvit_t", "mc3_18", "mnasnet0_5", "mobilenet_v2"),
    *("mobilenet_v3_small", "mvit_v1_b", "mvit_v2_s", "quantized_inception_v3", "quantized_mobilenet_v3_large"),
    *("quantized_resnet18", "quantized_shufflenet_v2_x0_5", "r2plus1d_18", "r3d_18", "raft_small", "regnet_x_400mf"),
    *("regnet_y_400mf", "resnet18", "resnet50", "resnext50_32x4d", "s3d", "shufflenet_v2_x0_5", "squeezenet1_0"),
    *("swin3d_t", "swin_t", "swin_v2_t", "vgg11", "vgg11_bn", "vit_b_16", "wide_resnet50_2"),
)


@in_child("torch")
def test_the_zoo_equals_what_torchvision_publishes() -> None:
    from torchvision import models

    names = models.list_models()
    assert len(names) >= 121
    assert set(SMALLEST) <= set(names)
    for name in names if os.environ.get("ZOO") == "all" else SMALLEST:
        request = Request(name, arguments=tuple(ARGUMENTS.get(name, {}).items()))
        summary = adapter("torch").summarize(request).summary
        totals = summary.totals
        assert sum(layer.params for layer in summary.layers) == totals.params, name
        assert not totals.uncounted, name
        seen: set[str] = set()
        for layer in summary.layers:
            assert set(layer.inputs) <= seen, (name, layer.id)
            seen.add(layer.id)
        published = [weights.meta for weights in models.get_model_weights(name)]
        if published:
            extra = OTHER_CONSTRUCTOR.get(name, 0)
            assert totals.params - extra in {meta["num_params"] for meta in published}, name
        if published and name not in DATA_DEPENDENT:
            # Published GMACs are rounded to three decimals.
            assert any(abs(totals.macs / 1e9 - m["_ops"]) <= max(0.005 * m["_ops"], 0.0005) for m in published), name
        assert compare(summary, ir_json.loads(ir_json.dumps(summary))).kinds == set(), name
        found = {outcome.rule for outcome in judge([rule() for rule in STRUCTURE], summary) if outcome.level != "pass"}
        assert found == ({"unused-parameters"} if name in AUXILIARY else set()), name
        check_structure(name, summary)


@in_child("torch")
def test_names_read_from_the_source_are_torchvisions() -> None:
    from torchvision import models

    assert list(zoo.names("torchvision")) == sorted(models.list_models())


@in_child("torch")
def test_the_local_rows_equal_torchs() -> None:
    for name in TEN:
        local, torch = (adapter(backend).summarize(Request(name)).summary for backend in ("local", "torch"))
        assert local.layers == torch.layers, name
        assert dict(local.modules) == dict(torch.modules), name
        assert (local.totals, local.outputs) == (torch.totals, torch.outputs), name


@in_child("torch")
def test_a_lowered_block_equals_the_local_rows_and_runs() -> None:
    import torch

    from resnet_inspect.readers.torch.lower import lower

    options = itertools.product(("basic", "bottleneck", "preactivation"), (1, 2), (1, 2, 3, 5), (None, 8, 16), (1, 2))
    for count, (kind, stride, kernel, filters, groups) in enumerate(options):
        bias = count % 4 in (0, 3)  # with and without it beside each value of each other option
        if (kernel % 2 == 0 and stride > 1) or (kind == "bottleneck" and groups == 2 and filters != 16):
            continue  # torch pads evenly; two groups don't divide a width of 2 into 8 / 4 channels each
        spec = BlockSpec(kind, 8, (12, 10), filters, kernel, stride, groups, bias, flavor="torch")
        request = Request(inputs=Shapes(((1, 8, 12, 10),)))
        local, traced = (adapter(backend).summarize_block(spec, request).summary for backend in ("local", "torch"))
        assert local.layers == traced.layers, spec
        module = lower(residual_block(spec))
        assert tuple(module(torch.zeros(1, 8, 12, 10)).shape) == local.outputs[0].shape


@in_child("torch")
def test_the_rows_of_resnet50_equal_torchsummary() -> None:
    import torchsummary
    import torchvision

    model = torchvision.models.resnet50()
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        torchsummary.summary(model, (3, 512, 512), device="cpu")
    found = re.findall(r"^ *([A-Za-z]\w*)-[0-9]+ +\[-1, ([0-9, ]+)\] +([0-9,]+)$", out.getvalue(), re.MULTILINE)
    theirs = [
        (kind, tuple(int(size) for size in shape.split(",")), int(params.replace(",", "")))
        for kind, shape, params in found
        if kind != "Bottleneck"
    ]
    ours = [
        (layer.type, layer.output_tensors[0].shape[1:], layer.params)
        for layer in summarize(model, "3x512x512").layers
        if layer.op not in ("input", "add", "flatten")
    ]
    assert "25,557,032" in out.getvalue()
    assert ours == theirs
    assert len(ours) == 53 + 53 + 49 + 3


@in_child("torch")
def test_a_callers_model_is_left_as_it_was() -> None:
    import torch
    import torchvision

    model = torchvision.models.resnet18()
    model.layer1.eval()
    model.fc.weight.requires_grad_(False)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    pointers = [parameter.data_ptr() for parameter in model.parameters()]
    modes = [module.training for module in model.modules()]
    rng, python, call = torch.get_rng_state(), random.getstate(), torch.nn.Module.__call__
    for shape in ("5x64x64", "3x64x64"):
        with contextlib.suppress(InputError):
            summary = summarize(model, shape)
        assert [module.training for module in model.modules()] == modes
        assert [parameter.data_ptr() for parameter in model.parameters()] == pointers
        assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
        assert torch.equal(torch.get_rng_state(), rng)
        assert random.getstate() == python
        assert torch.is_grad_enabled()
        assert torch.nn.Module.__call__ is call
        assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())
    assert (summary.totals.frozen_params, summary.totals.params) == (512 * 1000, 11_689_512)


@in_child("torch")
def test_shared_functional_and_unused_parameters() -> None:
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a = nn.Linear(4, 4)
            self.tied = nn.Linear(4, 4)
            self.tied.weight = self.a.weight
            self.scale = nn.Parameter(torch.ones(4))
            self.unused = nn.Linear(2, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            y = self.a(self.a(x))
            return self.tied(y) * self.scale + x

    model = Net()
    summary = summarize(model, (4,))
    assert [(layer.id, layer.params, layer.macs, layer.inputs) for layer in summary.layers] == [
        ("input", 0, 0, ()),
        ("a", 20, 16, ("input",)),  # 4 x 4 + 4
        ("a:2", 0, 16, ("a",)),
        ("tied", 4, 16, ("a:2",)),  # its own bias; the weight is a's
        ("mul", 4, 0, ("tied",)),
        ("add", 0, 0, ("mul", "input")),
        ("unused", 6, 0, ()),  # 2 x 2 + 2, never called
    ]
    assert summary.unused == ("unused.weight", "unused.bias")
    assert summary.totals.params == sum(parameter.numel() for parameter in model.parameters())


#: Prints the peak memory in KiB of a process that imports torchvision, and of one that summarises vit_h_14.
PEAK = "import resource; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"


@in_child("torch")
def test_no_weight_is_allocated() -> None:
    command = ["resnet-inspect", "summary", "--backend", "torch", "vit_h_14", "--format", "csv", "-o", "/dev/null"]
    imports = int(script(f"import torchvision.models\n{PEAK}"))
    summary = int(
        script(f"""
import sys; sys.argv = {command!r}
from resnet_inspect.cli import main
try: main()
except SystemExit as end: assert end.code == 0
{PEAK}""")
    )
    # Its 632,045,800 parameters alone would be 2.4 GiB.
    assert summary - imports < 60 * 1024


@needs("torch")
@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["resnet50", "--input", "5x224x224"], 4, "conv1 (Conv2d) expects 3 input channels, got 5"),
        (["alexnet", "--input", "3x20x20"], 4, "features"),
        (["resnet51"], 3, "resnet50"),
        (["resnet50", "--arg", "nonsense=1"], 3, "nonsense"),
        (["raft_small", "--input", "3x128x128", "--input", "3x128x128", "--input", "3x128x128"], 4, "got 3"),
    ],
)
def test_bad_input(arguments: list[str], code: int, words: str) -> None:
    done = run("summary", "--backend", "torch", *arguments, warm="torch")
    assert (done.returncode, done.stdout) == (code, "")
    assert words in done.stderr
    assert done.stderr.count("\n") == 1


@needs("torch")
def test_the_readmes_command() -> None:
    answer = document("summary", "--backend", "torch", "--input", "3x512x512")
    assert answer["inputs"] == [{"shape": [1, 3, 512, 512], "dtype": "float32", "layout": "NCHW"}]
    assert answer["totals"]["params"] == 25_557_032
    assert sum(layer["op"] == "add" for layer in answer["layers"]) == 16
