"""Small honest files of every kind, those of a framework made in a process of its own, if it is installed."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path


def make(place: Path) -> None:
    """Writes all of them into a folder."""
    makers = {"torch_seeds": "torchvision", "keras_seeds": "keras", "onnx_seed": "onnx"}
    for maker in (maker for maker, framework in makers.items() if find_spec(framework)):
        command = [sys.executable, "-m", f"{__package__}.{maker}", str(place)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    config = {"model_type": "bert", "num_hidden_layers": 1, "hidden_size": 16, "num_attention_heads": 2}
    config |= {"intermediate_size": 16, "vocab_size": 20, "architectures": ["BertModel"]}
    (place / "config.json").write_text(json.dumps(config))
    header = {"__metadata__": {"format": "pt"}, "a.weight": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}}
    header["a.bias"] = {"dtype": "BF16", "shape": [4], "data_offsets": [24, 32]}
    text = json.dumps(header).encode()
    (place / "net.safetensors").write_bytes(len(text).to_bytes(8, "little") + text + bytes(32))
    index = {"metadata": {}, "weight_map": {"a.weight": "net.safetensors", "a.bias": "net.safetensors"}}
    (place / "model.safetensors.index.json").write_text(json.dumps(index))
    summary = [sys.executable, "-m", "resnet_inspect", "summary", "resnet18", "-o", str(place / "summary.json")]
    subprocess.run(summary, check=True, capture_output=True)
