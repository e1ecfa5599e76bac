"""Memory: by arithmetic, and against what torch keeps and saves in a real run."""

from __future__ import annotations

from typing import Any

import pytest

from resnet_inspect.analysis.memory import inference_peak, live_bytes, saved_bytes
from resnet_inspect.blocks.residual import BlockSpec
from resnet_inspect.ir import Layer, Model, Summary, Tensor
from resnet_inspect.ops.vocabulary import is_view
from resnet_inspect.readers.inputs import Shapes
from resnet_inspect.readers.local.reader import summarize, summarize_block
from resnet_inspect.readers.request import Request
from tests.support.command import in_child, local, needs
from tests.support.summaries import kept_in_all

#: A difference of a twentieth is allowed: what is counted is tensors, not everything that a kernel does.
TOLERANCE = 0.05
BLOCK = summarize_block(BlockSpec(flavor="torch"), Request("block", inputs=Shapes(((3, 24, 24),)))).summary
#: Bytes of each of the block's images.
IMAGE = 3 * 24 * 24 * 4


def test_the_block_by_hand() -> None:
    """The shortcut keeps the input while the branch runs; every other image lives for its one reader."""
    live = live_bytes(BLOCK)
    assert {name: size // IMAGE for name, size in live.items() if size is not None} == {
        "input": 1,
        "conv1": 2,  # the input, which its caller has anyway, and conv1
        "bn1": 3,  # and conv1, until bn1 has read it
        "relu1": 3,
        "conv2": 3,
        "bn2": 3,
        "add": 3,  # the input, bn2, the sum
        "relu2": 3,
    }
    assert inference_peak(BLOCK) == 3 * IMAGE


def test_what_training_keeps_of_the_block_by_hand() -> None:
    """Convolutions and norms keep what they read, a ReLU what it gives, an addition nothing."""
    pair = 2 * 3 * 4  # mean and deviation of 3 channels
    assert {name: size for name, size in saved_bytes(BLOCK).items() if size} == {
        "conv1": IMAGE,  # the input
        "bn1": IMAGE + pair,  # conv1
        "relu1": IMAGE,  # its own, which conv2 keeps too
        "bn2": IMAGE + pair,
        "relu2": IMAGE,
    }
    # 5 images, and means and deviations of two batch norms.
    assert kept_in_all(BLOCK) == (5 * IMAGE + 2 * pair, 0)


def chain(*layers: tuple[str, str, tuple[tuple[str, bool], ...]]) -> Summary:
    """Layers as (path, op, attributes), each reading the one before, of 1,000 bytes."""
    tensor = Tensor((1, 250), "float32")
    made = [Layer("x", "x", "Input", "input", output_tensors=(tensor,))]
    for path, op, attributes in layers:
        view = is_view(op, attributes)
        made.append(Layer(path, path, op, op, (made[-1].id,), (tensor,), (tensor,), attributes=attributes, view=view))
    return Summary(Model("m", "torch", "b"), (tensor,), (), tuple(made))


def test_in_place_layers_and_views_take_no_memory() -> None:
    in_place = (("inplace", True),)
    summary = chain(("a", "dense", ()), ("b", "relu", in_place), ("c", "flatten", ()), ("d", "dense", ()))
    assert live_bytes(summary) == {"x": 1000, "a": 2000, "b": 2000, "c": 2000, "d": 3000}


def test_a_module_keeps_what_it_was_called_with() -> None:
    """``m(a)`` holds a until it returns, whatever runs inside; a plain sequence lets go."""
    inside = chain(("a", "dense", ()), ("m.b", "dense", ()), ("m.c", "dense", ()), ("d", "dense", ()))
    assert live_bytes(inside)["m.c"] == 4000
    flat = chain(("a", "dense", ()), ("b", "dense", ()), ("c", "dense", ()), ("d", "dense", ()))
    assert live_bytes(flat)["c"] == 3000


def test_what_isnt_known_is_nothing_that_is_known() -> None:
    odd = Tensor((4,), "float3")
    summary = Summary(Model("m", "torch", "b"), (), (), (Layer("x", "x", "X", "other", output_tensors=(odd,)),))
    assert inference_peak(summary) is None


def kept_by_torch(model: Any, x: Any) -> int:
    """The most bytes of tensors alive at once in one inference, the input among them."""
    import torch
    from torch.multiprocessing.reductions import StorageWeakRef
    from torch.utils._python_dispatch import TorchDispatchMode

    weights = {tensor.untyped_storage().data_ptr() for tensor in [*model.parameters(), *model.buffers(), x]}

    class Watch(TorchDispatchMode):
        alive: dict[int, tuple[StorageWeakRef, int]] = {}  # noqa: RUF012
        most = 0

        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            output = func(*args, **(kwargs or {}))
            for item in torch.utils._pytree.tree_leaves(output):
                if isinstance(item, torch.Tensor) and item.untyped_storage().data_ptr() not in weights:
                    storage = item.untyped_storage()
                    self.alive[storage._cdata] = StorageWeakRef(storage), storage.nbytes()
            self.alive = {key: pair for key, pair in self.alive.items() if not pair[0].expired()}
            self.most = max(self.most, sum(size for _, size in self.alive.values()))
            return output

    with torch.no_grad(), Watch() as watch:
        model.eval()(x)
    return watch.most + int(x.nbytes)


def saved_by_torch(model: Any, x: Any) -> int:
    """Bytes of the tensors that autograd keeps for the backward pass, each storage once, parameters left out."""
    import torch

    weights = {tensor.untyped_storage().data_ptr() for tensor in [*model.parameters(), *model.buffers()]}
    saved: dict[int, tuple[Any, int]] = {}

    def pack(tensor: Any) -> Any:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            saved[storage.data_ptr()] = storage, storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        output = model.train()(x)
    assert getattr(output, "logits", output).requires_grad  # GoogLeNet returns those of its heads as well
    return sum(size for _, size in saved.values())


@pytest.mark.parametrize(
    "name",
    [
        "resnet18",
        "resnet50",
        "alexnet",
        "squeezenet1_0",
        "mobilenet_v2",
        "mobilenet_v3_large",
        "efficientnet_b0",
        "regnet_y_400mf",
        "convnext_tiny",
        "shufflenet_v2_x1_0",
        # Old versions keep attention's output twice.
        pytest.param("vit_b_16", marks=needs("torch", "2.14")),
    ],
)
@in_child("torch")
def test_peak_and_saved_tensors_are_what_torch_keeps(name: str) -> None:
    import torch
    from torchvision import models

    from resnet_inspect.readers.torch.reader import summarize as trace

    torch.backends.mha.set_fastpath_enabled(False)
    batch = 2
    summary = trace(Request(name, batch=batch)).summary
    model, x = models.get_model(name), torch.zeros(batch, 3, 224, 224)
    assert inference_peak(summary) == pytest.approx(kept_by_torch(model, x), rel=TOLERANCE)
    assert kept_in_all(summary)[0] == pytest.approx(saved_by_torch(model, x), rel=TOLERANCE)


@in_child("torch")
def test_training_keeps_what_auxiliary_heads_save() -> None:
    """GoogLeNet's heads, which run in training alone, add to the estimate what autograd keeps for them."""
    import torch
    from torchvision import models

    from resnet_inspect.readers.torch.reader import summarize as trace

    ours, torchs = [], []
    for heads in (False, True):
        request = Request("googlenet", batch=2, mode="train", arguments=(("aux_logits", heads),))
        ours.append(kept_in_all(trace(request).summary)[0])
        model = models.googlenet(weights=None, init_weights=False, aux_logits=heads)
        torchs.append(saved_by_torch(model, torch.zeros(2, 3, 224, 224)))
    assert ours[1] - ours[0] == torchs[1] - torchs[0] > 0


def test_the_local_backend_says_the_same_as_torch_would() -> None:
    """Paths, order and in-place flags are torchvision's: 3 x 2 images of 64 x 112 x 112 at bn1, and the input."""
    summary = summarize(Request("resnet18", batch=2)).summary
    assert inference_peak(summary) == 2 * 4 * (3 * 224 * 224 + 2 * 64 * 112 * 112)


def test_totals_and_columns() -> None:
    done = local("summary", "resnet18", "--optimizer", "momentum", "--depth", "1")
    assert "Inference peak      6.70 MiB of outputs, at bn1\n" in done.stdout
    # Weights, gradients and velocities are 3 x 4 x 11,689,512 bytes: the step holds those and the statistics.
    assert "Training, momentum  " in done.stdout
    assert " at batch 1, in the " in done.stdout
    table = local(
        "summary",
        "resnet18",
        "--columns",
        "path,live_bytes,saved_bytes,param_bytes,statistics_bytes",
        "--format",
        "csv",
    )
    rows = {line.split(",")[0]: line.split(",")[1:] for line in table.stdout.splitlines()}
    image = 4 * 64 * 112 * 112
    assert rows["bn1"] == [
        str(2 * image + 4 * 3 * 224 * 224),
        str(image + 2 * 4 * 64),
        str(2 * 4 * 64),
        str(2 * 4 * 64),
    ]
    assert local("summary", "--optimizer", "adam", "--format", "mermaid").returncode == 2


def test_sorting_shows_where_the_cost_is() -> None:
    done = local("summary", "resnet18", "--sort", "params", "--top", "3", "--columns", "path,type", "--ascii")
    lines = [line for line in done.stdout.splitlines() if "Conv2d" in line]
    # 9 x 512 x 512 weights each; 2,359,296 of 11,689,512 are 20.2 %, and no row has more: the bar is full
    assert [line.split() for line in lines] == [
        ["|", f"layer4.{path}", "|", "Conv2d", "|", "2,359,296", "|", "########", "20.2", "%", "|"]
        for path in ("0.conv2", "1.conv1", "1.conv2")
    ]
    assert "Rows shown         3 for 70 layers" in done.stdout
    csv = local("summary", "resnet18", "--sort", "macs", "--top", "1", "--columns", "path", "--format", "csv")
    assert csv.stdout == f"path,macs\nconv1,{64 * 112 * 112 * 3 * 7 * 7}\n"
    assert (
        local("summary", "resnet18", "--sort", "path", "--columns", "path")
        .stdout.split("\n")[3]
        .startswith("│ avgpool")
    )
    unknown = local("summary", "--sort", "mac")
    assert (unknown.returncode, unknown.stdout) == (2, "")
    assert "did you mean macs" in unknown.stderr
    for wrong in (
        ["--format", "json", "--top", "3"],
        ["--format", "tree", "--sort", "macs"],
        ["--rails", "--top", "1"],
    ):
        assert local("summary", *wrong).returncode == 2


@in_child("torch")
def test_norms_pools_and_pads_keep_what_torch_keeps() -> None:
    from collections.abc import Sequence

    import torch
    from torch import nn

    from resnet_inspect import summarize as live

    class Swish(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x * torch.sigmoid(x) ** 2

    image, tokens = (2, 4, 8, 8), (2, 8, 4)
    cases: Sequence[tuple[nn.Module, tuple[int, ...]]] = (
        (nn.GroupNorm(2, 4), image),
        (nn.InstanceNorm2d(4), image),
        (nn.BatchNorm2d(4), image),
        (nn.BatchNorm2d(4, affine=False, track_running_stats=False), image),
        (nn.LayerNorm(4), tokens),
        (nn.LayerNorm((8, 4)), tokens),
        (nn.RMSNorm(4), tokens),
        (nn.RMSNorm(4, elementwise_affine=False), tokens),
        (nn.MaxPool2d(2), image),
        (nn.AdaptiveMaxPool2d(2), image),
        (nn.ReflectionPad2d(1), image),
        (nn.ZeroPad2d(1), image),
        (Swish(), image),
    )
    for module, shape in cases:
        x = torch.rand(shape) + 0.5
        estimate = kept_in_all(live(module.train(), x, mode="train"))
        weights = {t.untyped_storage().data_ptr() for t in module.state_dict().values()}
        kept: dict[int, int] = {}
        alive = []

        def remember(tensor: torch.Tensor) -> torch.Tensor:
            storage = tensor.untyped_storage()
            if storage.data_ptr() not in weights:  # noqa: B023 - called before the next round
                kept[storage.data_ptr()] = storage.nbytes()  # noqa: B023
                alive.append(tensor)  # noqa: B023 - else another tensor may get its memory
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(remember, lambda tensor: tensor):
            module(x.requires_grad_())
        assert estimate == (sum(kept.values()), 0), module


@in_child("torch")
def test_what_nobody_knows_is_a_lower_bound_and_said() -> None:
    import torch
    from torch import nn

    from resnet_inspect import summarize as live

    class Spectrum(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x * torch.fft.fft(x).abs()

    for module, shape, unknown in (
        (nn.LSTM(4, 5), (2, 8, 4), 1),
        (nn.Sequential(nn.Linear(4, 4), Spectrum()), (8, 4), 1),
        (nn.LocalResponseNorm(2), (2, 4, 8, 8), 1),
        (nn.Linear(4, 4), (8, 4), 0),
    ):
        assert kept_in_all(live(module, torch.rand(shape)))[1] == unknown
