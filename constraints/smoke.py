"""Main commands in the environment of this interpreter, each with its exit code and the numbers it must tell.

Prints a line each, and a last line of JSON: how many passed and which failed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

#: torchvision's ResNet50: parameters, and MACs of an image of 3x224x224.
RESNET50 = (25_557_032, 4_089_184_256)
TORCH_FILES = (
    "import torch, torchvision; model = torchvision.models.resnet18().eval(); image = torch.zeros(1, 3, 64, 64)\n"
    "torch.jit.trace(model, image).save('net.pt'); torch.save(model.state_dict(), 'net.pth')\n"
    "torch.export.save(torch.export.export(model, (image,)), 'net.pt2')"
)
KERAS_FILES = (
    "import keras; from keras import layers\n"
    "model = keras.Sequential([keras.Input((32, 32, 3)), layers.Conv2D(4, 3), layers.Flatten(), layers.Dense(2)])\n"
    "model.save('net.keras'); model.save('net.h5'); model.export('saved')"
)
ONNX_FILE = (
    "import onnx; from onnx import TensorProto as types, helper\n"
    "image = helper.make_tensor_value_info('image', types.FLOAT, [1, 3, 8, 8])\n"
    "maps = helper.make_tensor_value_info('maps', types.FLOAT, [1, 4, 6, 6])\n"
    "kernel = helper.make_tensor('kernel', types.FLOAT, [4, 3, 3, 3], [0.0] * 108)\n"
    "node = helper.make_node('Conv', ['image', 'kernel'], ['maps'], kernel_shape=[3, 3])\n"
    "graph = helper.make_graph([node], 'net', [image], [maps], [kernel])\n"
    "onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid('', 17)]), 'net.onnx')"
)
NET = "from torch import nn\ndef build(classes=10):\n    return nn.Sequential(nn.Flatten(), nn.Linear(12, classes))\n"
TOML = '[models.small]\nmodel = "resnet18"\nmax-params = "12M"\n'
LINES = '{"model": "resnet50"}\n{"model": "resnet18", "input": "3x64x64"}\n'

failed: list[str] = []
passed = 0


def main() -> int:
    """Runs them all in a folder of their own."""
    os.environ["RESNET_INSPECT_CACHE"] = "off"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        without_framework()
        if has("torch"):
            torch()
        if has("keras") and has("tensorflow"):
            keras()
        libraries()
        everything_works()
    print(json.dumps({"passed": passed, "failed": failed}))
    return 1 if failed else 0


def without_framework() -> None:
    run("--version")
    run("--help")
    run("nope", code=2)
    run("summary", "--nope", code=2)
    totals(RESNET50, "resnet50")
    run("summary", "resnet18", "--rails")
    run("summary", "--depth", "2", "-o", "net.svg")
    run("summary", "resnet18", "--format", "table-svg", "-o", "table.svg")
    run("residual")
    run("block")
    run("diff", "resnet50", "resnet101")
    run("check", "resnet50", "--max-params", "26M", "--format", "junit")
    run("check", "resnet50", "--max-params", "20M", code=1)
    Path("resnet-inspect.toml").write_text(TOML)
    run("check")
    run("compare", "local:resnet*")
    run("sweep", "resnet18", "--input", "128..256:64")
    run("models", "resnet*")
    for shell in ("bash", "zsh", "fish"):
        run("completion", shell)
    Path("lines.jsonl").write_text(LINES)
    run("batch", "lines.jsonl", "-o", "results.jsonl", "--jobs", "2")


def torch() -> None:
    totals((25_557_032, 21_355_249_664), "--backend", "torch", "--input", "3x512x512")
    totals((86_567_656, 17_563_828_224), "torch:vit_b_16")
    run("residual", "torch:resnet18")
    run("block", "--backend", "torch")
    run("summary", "torch:resnet18", "--format", "native")
    run("identity", "block", "--shape", "24x24x3")
    run("diff", "resnet50", "torch:resnet50", "--exit-code")
    Path("net.py").write_text(NET)
    totals((91, 84), "net.py:build", "--input", "3x2x2", "--arg", "classes=7")
    made(TORCH_FILES)
    # The published 1,814,073,344 without the last layer's 512,000, at 64 x 64 of 224 x 224 pixels, and that layer.
    totals((11_689_512, 148_557_824), "net.pt", "--input", "3x64x64")
    totals((11_689_512, 148_557_824), "net.pt2")
    run("weights", "torch:resnet18", "net.pth")


def keras() -> None:
    totals((25_636_712, 3_857_973_248), "keras:ResNet50")
    run("block", "--backend", "keras")
    run("summary", "keras:MobileNetV3Small")
    run("summary", "keras:ResNet50", "--format", "native")
    run("diff", "keras:ResNet50", "resnet50")
    made(KERAS_FILES)
    # 3 x 3 x 3 x 4 + 4 and 30 x 30 x 4 x 2 + 2 parameters; each weight of the kernel is used at 30 x 30 places.
    for name in ("net.keras", "net.h5", "saved"):
        totals((112 + 7_202, 108 * 900 + 7_200), name)


def libraries() -> None:
    if has("onnx"):
        made(ONNX_FILE)
        totals((108, 108 * 36), "net.onnx")
    if has("timm"):
        run("summary", "timm:resnet50.a1_in1k", "--depth", "1")
        run("summary", "timm:vit_tiny_patch16_224")
    if has("transformers"):
        run("summary", "transformers:bert", "--arg", "num_hidden_layers=2", "--input", "1x128")
        run("summary", "transformers:gpt2")
    if has("keras_hub"):
        sizes = ("vocabulary_size=8", "num_layers=1", "num_heads=1", "hidden_dim=8", "intermediate_dim=8")
        run("summary", "keras_hub:BertBackbone", *(part for size in sizes for part in ("--arg", size)))
    if has("matplotlib"):
        run("compare", "resnet18", "resnet50", "--plot", "plot.svg")
    if has("plotille"):
        run("sweep", "resnet50", "--input", "128..256:64", "--plot", "-")


def everything_works() -> None:
    said = run("doctor", "--format", "json")
    for name, finding in json.loads(said or "{}").get("backends", {}).items():
        problem = finding["problem"]
        told(f"doctor: {name}", problem is None or "not installed" in problem, problem or "")


def has(package: str) -> bool:
    return find_spec(package) is not None


def made(source: str) -> None:
    """Files that a framework writes."""
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=False)
    told("the framework writes its files", done.returncode == 0, done.stderr)


def run(*arguments: str, code: int = 0) -> str | None:
    """A command's output if it ends with this code, and neither a traceback nor an error of ours."""
    command = [sys.executable, "-m", "resnet_inspect", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    bad = "Traceback" in done.stderr or "internal error" in done.stderr
    good = done.returncode == code and not bad
    told(" ".join(arguments), good, f"exit code {done.returncode}: {done.stderr}")
    return done.stdout if good else None


def totals(expected: tuple[int, int], *arguments: str) -> None:
    """The parameters and MACs of a summary."""
    said = run("summary", *arguments, "--format", "json")
    if said is not None:
        found = json.loads(said)["totals"]
        numbers = (found["params"], found["macs"])
        told(f"numbers of {' '.join(arguments)}", numbers == expected, f"{numbers} instead of {expected}")


def told(what: str, good: bool, why: str) -> None:
    global passed
    if good:
        passed += 1
    else:
        failed.append(what)
    print(
        "ok  " if good else "FAIL", what, "" if good else " | ".join(why.strip().splitlines()[-3:])[-600:], flush=True
    )


if __name__ == "__main__":
    sys.exit(main())
