"""transformers' config.json of strangers: built by the library's own classes, without code, weights or a network."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest

from resnet_inspect.errors import InspectError, ModelError
from resnet_inspect.readers.request import Request
from tests.support.command import in_child, needs

SMALL = {
    "model_type": "bert",
    "hidden_size": 8,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 16,
    "vocab_size": 20,
}
AUTO = {"auto_map": {"AutoConfig": "evil.Layer", "AutoModel": "evil.Layer"}}
DPT = {"model_type": "dpt", "backbone": "org/x"}
#: What the error says -> the documents that it is for.
REFUSED: dict[str, list[dict[str, Any]]] = {
    r"no architecture 'mine', only the code that the file names \(auto_map\)": [{"model_type": "mine", **AUTO}],
    "made.json": [{"model_type": "pix2struct", **AUTO}],
    "no file's code is run": [
        {**SMALL, "attn_implementation": "org/kernel"},
        {**SMALL, "_attn_implementation": {"": "org/kernel"}},
        {**SMALL, "_attn_implementation_internal": "org/kernel:function"},
        {**SMALL, "experts_implementation": "org/kernel"},
    ],
    "nothing is fetched": [
        {"model_type": "timm_backbone", "backbone": "hf-hub:org/x"},
        {"model_type": "timm_wrapper", "architecture": "local-dir:somewhere"},
    ],
    "more than the 1000000 that are built": [
        {**SMALL, "num_hidden_layers": 10**8},
        {**SMALL, "num_labels": 10**9},
        {"model_type": "swin", "depths": [10**8]},
    ],
    "modules that are built": [{**SMALL, "num_hidden_layers": 90_000}],
}
#: Version 4 has no model for the first, and builds the others without what they name.
ELSEWHERE: list[dict[str, Any]] = [
    {"model_type": "upernet", "backbone": "org/x", "use_timm_backbone": False},
    DPT,
    {**DPT, "use_pretrained_backbone": True},
]


def summary_of(document: Any) -> Any:
    """The summary of a configuration in a file."""
    from resnet_inspect.readers import file as from_file

    Path("made.json").write_text(json.dumps(document))
    return from_file.summarize(Request("made.json")).summary


def watch() -> list[Any]:
    """What is asked of the network from here on; beside it, code that a file could name."""
    seen: list[Any] = []

    def hook(event: str, arguments: Any) -> None:
        if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname"):
            seen.append((event, arguments))

    sys.addaudithook(hook)
    Path("evil.py").write_text("open('ran', 'w')\nclass Layer: pass\n")
    sys.path.insert(0, str(Path.cwd()))
    return seen


@needs("transformers")
@in_child("transformers")
@pytest.mark.filterwarnings("ignore")
def test_code_weights_and_what_is_elsewhere_are_refused_without_a_network() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        seen = watch()
        for words, documents in REFUSED.items():
            for document in documents:
                start = time.process_time()
                with pytest.raises(ModelError, match=words):
                    summary_of(document)
                assert time.process_time() - start < 60
        assert (seen, "evil" in sys.modules, Path("ran").exists()) == ([], False, False)


@needs("transformers", "5.0")
@in_child("transformers")
@pytest.mark.filterwarnings("ignore")
def test_a_backbone_from_elsewhere_is_refused() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        seen = watch()
        for document in ELSEWHERE:
            with pytest.raises(ModelError, match="nothing is fetched"):
                summary_of(document)
        assert seen == []


@needs("transformers")
@in_child("transformers")
@pytest.mark.filterwarnings("ignore")
def test_what_a_file_says_beside_its_architecture_is_left_out() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        seen = watch()
        plain = summary_of(SMALL)
        for more in (
            AUTO,
            {"attn_implementation": "flash_attention_2"},
            {"_attn_implementation": "sdpa"},
            {"_name_or_path": "org/x", "name_or_path": "org/x"},
            {"quantization_config": {"quant_method": "awq"}},
            # Not every name in the library is a model for this configuration.
            {"architectures": ["pipeline", "AutoModel", "GPT2Model", "os", "__builtins__", 5, None]},
            {"architectures": 5},
        ):
            found = summary_of({**SMALL, **more})
            assert (found.totals, found.model.builder) == (plain.totals, "transformers.AutoModel")
        named = summary_of({**SMALL, "architectures": ["BertForMaskedLM"]})
        assert named.model.builder == "transformers.BertForMaskedLM"
        built = summary_of({"model_type": "timm_backbone", "backbone": "resnet18", "use_pretrained_backbone": True})
        assert built.totals.params == 11_176_512
        assert (seen, "evil" in sys.modules, Path("ran").exists()) == ([], False, False)


@needs("transformers", "4.48")
@in_child("transformers")
@pytest.mark.filterwarnings("ignore")
def test_no_file_that_a_file_names_is_opened() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        seen = watch()
        # A pickle, which is a program, is not opened.
        Path("evil.pth").write_bytes(b"cos\nsystem\n(S'touch ran'\ntR.")
        arguments = {"checkpoint_path": "evil.pth", "pretrained_cfg_overlay": {"file": "evil.pth"}}
        summary_of({"model_type": "timm_wrapper", "architecture": "resnet18", "model_args": arguments})
        assert (seen, "evil" in sys.modules, Path("ran").exists()) == ([], False, False)


@needs("transformers")
@in_child("transformers")
@pytest.mark.filterwarnings("ignore")
def test_of_wrong_types_each_is_read_or_refused() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        seen = watch()
        odd: list[Any] = [None, -1, 0, 1e999, "x", [], {}, [[1]], {"a": {}}, True, 10**90]
        keys = [*SMALL, "architectures", "auto_map", "torch_dtype", "dtype", "id2label", "pruned_heads", "hidden_act"]
        refused = 0
        for key in keys:
            for item in odd:
                try:
                    summary_of({**SMALL, key: item})
                except InspectError:
                    refused += 1
        assert 20 < refused < len(keys) * len(odd)
        for text in ("[" * 100_000, '{"model_type": 5}', '{"model_type": ["bert"]}', '{"model_type": "\\ud800"}'):
            Path("made.json").write_text(text)
            with pytest.raises(ModelError):
                from_transformers_summary("made.json")
        assert seen == []


def from_transformers_summary(path: str) -> Any:
    """What the reader makes of a file, whatever kind it seems to be."""
    from resnet_inspect.readers.libraries import transformers as from_transformers

    return from_transformers.summarize(Request(path)).summary


@needs("transformers")
def test_a_yes_on_stdin_runs_nothing(tmp_path: Path) -> None:
    (tmp_path / "evil.py").write_text("open('ran', 'w')\nclass Layer: pass\n")
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "pix2struct", **AUTO}))
    command = [sys.executable, "-m", "resnet_inspect", "summary", str(tmp_path / "config.json")]
    done = subprocess.run(command, capture_output=True, text=True, input="y\n" * 9, check=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (3, "", 1)
    assert not (tmp_path / "ran").exists()
