"""TorchScript archives: what is refused without being loaded, and what a run of the others records."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.support.command import document, in_child, needs, release, run, script

pytestmark = needs("torch")


def save(folder: str) -> None:
    """Writes all archives that the tests read; runs in a process of its own."""
    import warnings

    import torch
    import torchvision
    from torch import nn

    warnings.simplefilter("ignore")

    class Prints(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(8, 8)

        def forward(self, x):  # type: ignore[no-untyped-def]
            print("hello")
            if bool(x.sum() > 0):
                x = x + 1
            return self.fc(x)

    class Writes(nn.Module):
        def forward(self, x):  # type: ignore[no-untyped-def]
            torch.save(x, "written")
            return x

    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.emb, self.out = nn.Embedding(10, 4), nn.Linear(4, 10, bias=False)
            self.out.weight = self.emb.weight

        def forward(self, x):  # type: ignore[no-untyped-def]
            return self.out(self.emb(x))

    class Odd(nn.Module):
        """Modules of names that ours has as well, and weights that are used in another form than they are stored."""

        def __init__(self) -> None:
            super().__init__()
            self.listen, self.run, self.fc = nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 4, bias=False)

        def forward(self, x):  # type: ignore[no-untyped-def]
            y = self.run(self.listen(x))
            y = nn.functional.linear(y, nn.functional.dropout(self.fc.weight, 0.5, False))
            z = torch.addmm(self.run.bias, y, self.run.weight.t(), beta=1, alpha=1)
            return z if int(torch.sum(z)) == 1 else y

    class Turned(nn.Module):
        """A weight of 4 MiB that every step of a loop lays out anew; a sum of values keeps it off meta."""

        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(1024, 1024, bias=False)

        def forward(self, x):  # type: ignore[no-untyped-def]
            for _ in range(300):
                x = torch.mm(x, self.fc.weight.t().contiguous())
            return x if int(torch.sum(x)) == 1 else -x

    class Recurrent(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm = nn.LSTM(5, 6, 2, batch_first=True, bidirectional=True)

        def forward(self, x):  # type: ignore[no-untyped-def]
            return self.lstm(x)[0]

    class Named(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = nn.Linear(4, 3), nn.Linear(5, 3)

        def forward(self, batch: Any) -> Any:
            return {"sum": self.a(batch["x"]) + self.b(batch["y"])}

    class Sets(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = 2.0

        @torch.jit.export
        def __getstate__(self):  # type: ignore[no-untyped-def]
            return (self.scale, self.training)

        @torch.jit.export
        def __setstate__(self, state: tuple[float, bool]):  # type: ignore[no-untyped-def]
            self.scale = state[0]
            self.training = state[1]

        def forward(self, x):  # type: ignore[no-untyped-def]
            return x * self.scale

    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU()).eval()
    quantised = torch.ao.quantization.quantize_dynamic(nn.Sequential(nn.Linear(4, 5)), {nn.Linear})
    made = {
        "resnet18": torch.jit.trace(torchvision.models.resnet18().eval(), torch.zeros(1, 3, 224, 224)),
        "network": torch.jit.script(network),
        "frozen": torch.jit.freeze(torch.jit.script(network)),
        "bfloat16": torch.jit.script(nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()).bfloat16()),
        "linear": torch.jit.script(nn.Linear(8, 8)),
        "prints": torch.jit.script(Prints()),
        "writes": torch.jit.script(Writes()),
        "tied": torch.jit.script(Tied()),
        "odd": torch.jit.script(Odd()),
        "turned": torch.jit.script(Turned()),
        "recurrent": torch.jit.script(Recurrent()),
        "recurrent_traced": torch.jit.trace(Recurrent(), torch.zeros(2, 7, 5)),
        "named": torch.jit.trace(Named(), ({"x": torch.zeros(2, 4), "y": torch.zeros(2, 5)},), strict=False),
        "quantised": torch.jit.script(quantised),
        "sets": torch.jit.script(Sets()),
    }
    for name, module in made.items():
        torch.jit.save(module, f"{folder}/{name}.pt")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("torchscript")
    script(f"from tests.readers.torchscript.test_torchscript import save; save({str(path)!r})")
    return path


def test_a_traced_resnet18_counts_what_the_live_one_counts(folder: Path) -> None:
    found = document("summary", str(folder / "resnet18.pt"), "--input", "3x224x224", warm="torch")
    live = document("summary", "--backend", "torch", "resnet18", warm="torch")
    totals = found["totals"]
    assert (totals["params"], totals["macs"], totals["statistics"]) == (11_689_512, 1_814_073_344, 9_600)
    assert found["trace"]["method"] == "meta"
    assert (found["inputs"], found["outputs"]) == (live["inputs"], live["outputs"])
    kept = ("id", "type", "op", "params", "parameters", "macs", "output_shapes", "attributes")
    weighted, expected = (
        [{key: layer[key] for key in kept} for layer in one["layers"] if layer["params"]] for one in (found, live)
    )
    assert weighted == expected
    adds = [layer["inputs"] for layer in found["layers"] if layer["op"] == "add"]
    assert len(adds) == 8
    assert adds[0] == ["layer1.0.bn2", "max_pool2d"]
    assert adds[2] == ["layer2.0.bn2", "layer2.0.downsample.1"]


def test_a_file_that_writes_files_is_refused(folder: Path, tmp_path: Path) -> None:
    done = run("summary", str(folder / "writes.pt"), "--input", "8", warm="torch")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (3, "", 1)
    assert "refused: its code calls aten::save, which is not an operator that is read" in done.stderr
    assert not Path("written").exists()


def test_a_method_that_sets_the_state_is_run_by_our_own_interpreter(folder: Path) -> None:
    found = document("summary", str(folder / "sets.pt"), "--input", "1x1x2x8", warm="torch")
    assert found["outputs"][0]["shape"] == [1, 1, 2, 8]


@in_child("torch")
def test_published_architectures_pass() -> None:
    import tempfile
    import warnings

    import torch
    import torchvision
    from torchvision import models

    from resnet_inspect.call import Call, Spec
    from resnet_inspect.readers import file as from_file
    from resnet_inspect.readers.request import Request

    warnings.simplefilter("ignore")
    none = {"weights": None, "weights_backbone": None}
    detector = models.detection.fasterrcnn_mobilenet_v3_large_320_fpn(**none).eval()
    transformer = models.VisionTransformer(32, 16, 1, 2, 8, 16).eval()  # vit_b_16's code
    windows = models.SwinTransformer([4, 4], 8, [1, 1], [1, 1], [2, 2]).eval()
    torch.backends.quantized.engine = torch.backends.quantized.supported_engines[-1]
    made = {
        "resnet18": torch.jit.script(models.resnet18().eval()),
        "vit": torch.jit.script(transformer),
        "vit traced": torch.jit.trace(transformer, torch.zeros(1, 3, 32, 32), check_trace=False),
        "swin": torch.jit.script(windows),
        "swin traced": torch.jit.trace(windows, torch.zeros(1, 3, 32, 32), check_trace=False),
        "fasterrcnn": torch.jit.script(detector),
    }
    if release(torch.__version__) >= (2, 5):  # on meta, 2.4 can't quantise
        quantised = torchvision.models.quantization.resnet18(quantize=True).eval()
        made["quantised resnet18"] = torch.jit.script(quantised)
    called = Call(([Spec((3, 64, 64))],)).to_json()
    with tempfile.TemporaryDirectory() as folder:
        for name, module in made.items():
            path = Path(folder, f"{name}.pt")
            torch.jit.save(module, str(path))
            size = 32 if "vit" in name or "swin" in name else 64
            asked: dict[str, Any] = {"input_json": called} if name == "fasterrcnn" else {"input": f"3x{size}x{size}"}
            answer = from_file.summarize(Request.from_options(str(path), **asked))
            assert any("packed weights" in note for note in answer.notes) is (name == "quantised resnet18"), name
            params = sum(p.numel() for p in module.parameters())
            assert answer.summary.totals.params == params, name
            assert answer.summary.totals.macs or name == "quantised resnet18", name


def test_what_a_script_prints_stays_out_of_the_document(folder: Path) -> None:
    found = document("summary", str(folder / "prints.pt"), "--input", "2x8", warm="torch")
    # The sum's value decides, which meta tensors haven't got; zeros aren't greater than 0.
    assert found["trace"]["method"] == "real"
    assert [layer["op"] for layer in found["layers"] if layer["op"] == "add"] == []
    assert (found["totals"]["params"], found["totals"]["macs"]) == (72, 2 * 64)


def test_requests_that_do_not_fit_are_told_in_one_line(folder: Path, tmp_path: Path) -> None:
    whole = (folder / "network.pt").read_bytes()
    (tmp_path / "cut.pt").write_bytes(whole[: len(whole) // 2])
    for path, asked, code, said in (
        (folder / "network.pt", ("--batch", "2"), 2, "the input of network.pt is unknown: add --input 3x224x224"),
        (folder / "network.pt", ("--input", "5x8x8"), 4, "network.pt: 0 (Conv2d) fails on 1x5x8x8 float32: "),
        (tmp_path / "cut.pt", ("--input", "3x8x8"), 3, "cut.pt is damaged"),
    ):
        done = run("summary", str(path), *asked, warm="torch")
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (code, "", 1)
        assert said in done.stderr


def test_archives_that_cannot_be_run_are_refused_with_the_reason(folder: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bomb.pt", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("m/constants.pkl", b"")
        archive.writestr("m/code/__torch__.py", b"#" * 50_000_000)
    with zipfile.ZipFile(folder / "network.pt") as whole, zipfile.ZipFile(tmp_path / "hollow.pt", "w") as archive:
        for name in whole.namelist():
            archive.writestr(name, b"" if name.endswith("data.pkl") else whole.read(name))
    _check_refusals(folder=str(folder), damaged=str(tmp_path))


@in_child("torch")
def _check_refusals(folder: str, damaged: str) -> None:
    from resnet_inspect.errors import BadRequestError, InputError, ModelError
    from resnet_inspect.readers import file as from_file
    from resnet_inspect.readers.request import Request

    for path, asked, kind, said in (
        (f"{damaged}/bomb.pt", {}, ModelError, "would have 50000000 bytes"),
        (f"{damaged}/hollow.pt", {}, ModelError, "is damaged"),
        (f"{folder}/network.pt", {"weights": "default"}, BadRequestError, "--weights does not apply"),
        (f"{folder}/network.pt", {"mode": "train"}, BadRequestError, "--mode does not apply"),
        (f"{folder}/network.pt", {"batch": 2, "input": "1x3x8x8"}, BadRequestError, "but batch says 2"),
        (f"{folder}/prints.pt", {"input": "2x9"}, InputError, r"cannot be multiplied \(2x9 and 8x8\)"),
    ):
        with pytest.raises(kind, match=said) as error:
            from_file.summarize(Request.from_options(path, **{"input": "3x8x8", **asked}))
        assert "\n" not in str(error.value)


def test_numbers_are_those_of_the_arithmetic(folder: Path) -> None:
    _check_numbers(folder=str(folder))


@in_child("torch")
def _check_numbers(folder: str) -> None:
    from resnet_inspect.call import Call, Spec
    from resnet_inspect.ir import Summary
    from resnet_inspect.readers import file as from_file
    from resnet_inspect.readers.inputs import CallJson, Shapes
    from resnet_inspect.readers.request import Answer, Request

    def answered(name: str, *inputs: tuple[int, ...], call: Call | None = None) -> Answer:
        told = Request(f"{folder}/{name}.pt", CallJson(call.to_json()) if call else Shapes(inputs))
        return from_file.summarize(told)

    def layers(summary: Summary) -> list[tuple[str, str, str, int]]:
        return [(layer.id, layer.type, layer.op, layer.params) for layer in summary.layers if layer.op != "input"]

    # 4 filters of 3 x 3 x 3, and their biases, at 6 x 6 places.
    network = answered("network", (3, 8, 8)).summary
    assert layers(network) == [
        ("0", "Conv2d", "conv2d", 112),
        ("1", "BatchNorm2d", "batch_norm", 8),
        ("relu", "relu", "relu", 0),
    ]
    assert (network.totals.macs, network.totals.statistics) == (4 * 27 * 36, 8)
    assert network.inputs[0].layout == "NCHW"
    assert answered("network", (8,)).summary.layers == network.layers

    frozen = answered("frozen", (2, 3, 8, 8))
    assert (frozen.summary.totals.params, frozen.summary.totals.macs) == (0, 2 * 4 * 27 * 36)
    assert "constants of its code" in frozen.notes[0]

    halves = answered("bfloat16", (3, 8, 8)).summary
    assert (halves.inputs[0].dtype, halves.totals.param_bytes) == ("bfloat16", 2 * 112)

    linear = answered("linear", (2, 1, 1, 8)).summary
    assert (linear.totals.params, linear.totals.macs) == (72, 2 * 64)

    tied = answered("tied", call=Call((Spec((2, 3), "int64"),))).summary
    assert (tied.totals.params, tied.totals.macs) == (40, 2 * 3 * 40)
    dense = next(layer for layer in tied.layers if layer.op == "dense")
    assert (dense.path, dense.params, dense.shared) == ("emb.linear", 0, ("emb.weight",))

    odd = answered("odd", call=Call((Spec((2, 4)),))).summary
    assert layers(odd)[:4] == [
        ("listen", "Linear", "dense", 20),
        ("run", "Linear", "dense", 20),
        ("fc", "Linear", "dense", 16),
        ("run:2", "Linear", "dense", 0),
    ]
    assert odd.trace.method == "real"

    turned = answered("turned", call=Call((Spec((1, 1024)),))).summary
    assert (turned.totals.params, turned.totals.macs) == (1024 * 1024, 300 * 1024 * 1024)

    # Both directions of both layers of an LSTM: four gates of 6 read the input, the state, and two biases.
    params = 2 * 4 * 6 * (5 + 6 + 2) + 2 * 4 * 6 * (12 + 6 + 2)
    macs = 2 * 7 * (2 * 24 * (5 + 6) + 2 * 24 * (12 + 6))
    for name in ("recurrent", "recurrent_traced"):
        totals = answered(name, (2, 7, 5)).summary.totals
        assert (totals.params, totals.macs, totals.uncounted) == (params, macs, ()), name

    named = answered("named", call=Call(({"x": Spec((2, 4)), "y": Spec((2, 5))},))).summary
    assert (named.totals.params, named.totals.macs) == (15 + 18, 2 * 3 * (4 + 5))

    quantised = answered("quantised", (2, 4))
    assert quantised.summary.totals.uncounted == ("linear_dynamic",)
    assert any("packed weights" in note for note in quantised.notes)
