"""Other libraries' models by prefix: timm, transformers, and whatever an entry point brings."""

from __future__ import annotations

import importlib.metadata
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.command import document, in_child, needs, release, run, script

#: A model of each of timm's families that differ in what they are made of.
TIMM = (
    *("resnet18", "mobilenetv3_small_050", "efficientnet_b0", "vit_tiny_patch16_224", "swin_tiny_patch4_window7_224"),
    *("convnext_atto", "mixer_s32_224", "maxvit_rmlp_pico_rw_256", "cait_xxs24_224", "levit_128s", "nf_regnet_b0"),
    *("hrnet_w18_small", "dla34", "xcit_nano_12_p8_224"),
)
#: Text, images, sound, two encoders, states instead of attention, experts.
TRANSFORMERS = ("gpt2", "vit", "whisper", "t5", "clip", "mamba", "qwen2_moe", "longformer")


@needs("timm")
@needs("torch", "2.14")  # the counter of older ones reads values of attention's, which meta has not
@in_child("torch")
def test_timm_models_equal_torchs_own_counts() -> None:
    from benchmarks import library_counts
    from benchmarks.libraries import verdict
    from resnet_inspect.readers.request import Request

    for name in TIMM:
        found = json.loads(library_counts.timm(Request(name)))
        assert (verdict(found), found["method"]) == ("agree", "meta"), found


@needs("transformers", "5.0")  # before, experts are chosen by values, and half of a machine must hold them
@in_child("transformers")
def test_architectures_of_transformers_equal_torchs_own_counts() -> None:
    from benchmarks import library_counts
    from benchmarks.libraries import verdict
    from resnet_inspect.readers.request import Request

    for name in TRANSFORMERS:
        found = json.loads(library_counts.transformers(Request(name)))
        assert verdict(found) == "agree", found


@needs("timm")
def test_timm_has_its_own_input_and_the_tag_of_weights() -> None:
    found = document("summary", "timm:vit_tiny_patch16_384.augreg_in21k_ft_in1k", warm="timm")
    assert found["inputs"][0]["shape"] == [1, 3, 384, 384]
    # Dosovitskiy et al. 2021: patches of 16, 12 layers of width 192 and an MLP of 4 times that; 576 + 1 positions.
    layer = 4 * (192 * 192 + 192) + 2 * 192 * 768 + 768 + 192 + 4 * 192
    params = 192 * 3 * 256 + 192 + 192 + 577 * 192 + 12 * layer + 2 * 192 + 1000 * 193
    assert found["totals"]["params"] == params
    again = document("summary", "timm:vit_tiny_patch16_384", "--arg", "num_classes=10", warm="timm")
    assert again["totals"]["params"] == params - 990 * 193


@needs("transformers")
def test_a_default_configuration_by_the_name_of_its_type() -> None:
    found = document("summary", "transformers:bert", warm="transformers")
    # Devlin et al. 2019, BERT-base: 12 layers of width 768, an MLP of 3072, 30522 pieces, 512 positions, 2 segments.
    layer = 4 * (768 * 768 + 768) + 2 * 768 * 3072 + 3072 + 768 + 2 * 2 * 768
    params = (30522 + 512 + 2) * 768 + 2 * 768 + 12 * layer + 768 * 768 + 768

    def macs(sentences: int, length: int) -> int:
        dense, attention = length * (4 * 768 * 768 + 2 * 768 * 3072), 2 * length * length * 768
        return sentences * (12 * (dense + attention) + 768 * 768)

    assert (found["totals"]["params"], found["totals"]["macs"]) == (params, macs(3, 5))
    assert found["inputs"][0]["dtype"] == "int64"
    longer = document("summary", "transformers:bert", "--input", "1x128", warm="transformers")
    assert longer["totals"]["macs"] == macs(1, 128)


#: Llama 3 70B (Grattafiori et al. 2024, table 3).
LLAMA = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": 8192,
    "intermediate_size": 28672,
    "num_hidden_layers": 80,
    "num_attention_heads": 64,
    "num_key_value_heads": 8,
    "vocab_size": 128256,
    "torch_dtype": "bfloat16",
    "auto_map": {"AutoModel": "evil.Evil"},
}


@needs("transformers")
def test_seventy_billion_parameters_from_a_configuration(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(LLAMA))
    (tmp_path / "evil.py").write_text("raise SystemExit('ran')")
    source = f"""
import resource
from resnet_inspect.answers import adapter
from resnet_inspect.readers.request import Request
ours = adapter("transformers")
import transformers.models.llama.modeling_llama
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
totals = ours.summarize(Request({str(tmp_path)!r})).summary.totals
print(totals.params, totals.macs, totals.param_bytes, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    params, macs, size, kibibytes = map(int, script(source).split())
    attention, mlp, norms = 8192 * (8192 + 2 * 1024 + 8192), 3 * 8192 * 28672, 2 * 8192
    assert params == 2 * 128256 * 8192 + 80 * (attention + mlp + norms) + 8192 == 70_553_706_496
    # 3 sequences of 5 tokens; each of 64 heads of 128 meets 5 by 5, twice; and every token has its logits.
    # Version 4 multiplies 5 positions by 64 frequencies as matrices, and builds in float32 whatever the file says.
    is_old = release(importlib.metadata.version("transformers")) < (5, 0)
    rotary = 5 * 64 if is_old else 0
    assert macs == 15 * (80 * (attention + mlp) + 128256 * 8192) + 80 * 3 * 64 * 5 * 5 * 2 * 128 + rotary
    assert size == (4 if is_old else 2) * params
    assert kibibytes < 200 * 1000
    # The folder by itself is told from its content.
    asked = ("--depth", "1", "--format", "csv", "--columns", "path,params")
    done = run("summary", str(tmp_path), *asked, warm="transformers")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"lm_head,{128256 * 8192}" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["timm:resnet5o"], 3, "timm has no model 'resnet5o'; did you mean resnet50"),
        (["timm:resnet18", "--arg", "num_clases=3"], 3, "num_clases"),
        (["timm:resnet18", "--input", "4x64x64"], 4, "conv1 (Conv2d) expects 3 input channels, got 4"),
        (["timm:resnet18", "--weights", "default"], 3, "the weights of timm:resnet18"),
        (["transformers:bertt"], 3, "transformers has no architecture 'bertt'; did you mean bert"),
        (["transformers:bert", "--arg", "hiden_size=8"], 3, "did you mean hidden_size"),
        (["transformers:bert", "--arg", "num_attention_heads=7"], 3, "can't be built"),
        (["transformers:bert", "--weights", "default"], 2, "built from their configuration"),
        (["transformers:none.json"], 3, "no such file: none.json"),
        (["torch:resnet18", "--input", "x=1x3x64x64", "--batch", "2"], 2, "leave --batch out"),
        (["transformers:bert", "--input", "input_ids=1x8:int64", "--batch", "2"], 2, "leave --batch out"),
    ],
)
@needs("timm")
@needs("transformers")
def test_what_goes_wrong_is_one_line(arguments: list[str], code: int, words: str) -> None:
    done = run("summary", *arguments, warm=arguments[0].partition(":")[0])
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (code, "", 1), done.stderr
    assert words in done.stderr


@needs("timm")
def test_models_of_a_library_are_listed() -> None:
    done = run("models", "resnet1??", "--backend", "timm")
    assert (done.returncode, done.stdout.split()) == (
        0,
        ["timm:resnet10t", "timm:resnet14t", "timm:resnet18d", "timm:resnet101", "timm:resnet152"],
    )


def test_an_entry_point_brings_a_backend(tmp_path: Path) -> None:
    (tmp_path / "their_backend.py").write_text(
        "from dataclasses import replace\n"
        "from resnet_inspect.readers.local import reader as from_local\n"
        "def summarize(request):\n"
        "    return from_local.summarize(replace(request, model='resnet18'))\n"
    )
    metadata = tmp_path / "their_backend-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: their-backend\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[resnet_inspect.backends]\ntheirs = their_backend\n")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    command = [sys.executable, "-m", "resnet_inspect", "summary", "--format", "json"]
    done = subprocess.run([*command, "theirs:any"], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["totals"]["params"] == 11_689_512
    done = subprocess.run([*command, "nobodys:any"], capture_output=True, text=True, env=environment, check=False)
    assert (done.returncode, "no such backend: 'nobodys'" in done.stderr) == (3, True)
