"""keras-hub's models by name. Numbers are Keras' own count, or arithmetic by hand."""

from __future__ import annotations

import json
import tempfile
from typing import Any

import pytest

from resnet_inspect.errors import BadRequestError, InputError, ModelError
from resnet_inspect.ir import Attributes
from resnet_inspect.readers.request import Request
from tests.support.command import in_child, needs, run

BERT: Attributes = (
    ("vocabulary_size", 100),
    ("num_layers", 2),
    ("num_heads", 2),
    ("hidden_dim", 16),
    ("intermediate_dim", 32),
    ("max_sequence_length", 64),
)
RESNET: Attributes = (
    ("input_conv_filters", (64,)),
    ("input_conv_kernel_sizes", (7,)),
    ("stackwise_num_filters", (64, 128)),
    ("stackwise_num_blocks", (1, 1)),
    ("stackwise_num_strides", (1, 2)),
    ("block_type", "basic_block"),
)


def bert_macs(tokens: int) -> int:
    """Two layers: four projections, scores and sums, two dense layers; then the pooled token's dense layer."""
    attention = 4 * tokens * 16 * 16 + 2 * tokens * tokens * 16
    return 2 * (attention + 2 * tokens * 16 * 32) + 16 * 16


@in_child("tensorflow")
@pytest.mark.skipif("not __import__('importlib.util').util.find_spec('keras_hub')")
def test_models_by_name_with_arguments() -> None:
    import keras_hub

    from resnet_inspect.readers.libraries import keras_hub as backend

    def summary(name: str, arguments: Attributes, **request: Any) -> Any:
        return backend.summarize(Request.from_options(name, arg=dict(arguments), **request)).summary

    theirs = keras_hub.models.BertBackbone(**dict(BERT))
    found = summary("bertbackbone", BERT)
    assert found.totals.params == theirs.count_params()
    assert (found.totals.uncounted, found.unused) == ((), ())
    # Texts are as long as the model can read, up to 128 tokens.
    assert found.totals.macs == bert_macs(64)
    assert {tensor.shape for tensor in found.inputs} == {(1, 64)}
    assert {tensor.dtype for tensor in found.inputs} == {"int32"}
    # One shape stands for all inputs that are declared alike.
    assert summary("BertBackbone", BERT, input="8", batch=2).totals.macs == 2 * bert_macs(8)
    call = '{"token_ids": "1x8:int32", "segment_ids": "1x8:int32", "padding_mask": "1x8:int32"}'
    assert summary("BertBackbone", BERT, input_json=call).totals.macs == bert_macs(8)
    with pytest.raises(BadRequestError, match=r"reads .*token_ids.*got 2 shapes"):
        summary("BertBackbone", BERT, input=["8", "8"])

    theirs = keras_hub.models.ResNetBackbone(**dict(RESNET))
    found = summary("ResNetBackbone", RESNET)
    assert found.totals.params == theirs.count_params()
    assert found.inputs[0].shape == (1, 224, 224, 3)
    # 7 x 7 of 3 to 64 at 32 x 32; pooled to 16 x 16: two of 64 to 64; then to 8 x 8 x 128, with a shortcut of 1 x 1.
    stem, first = 32 * 32 * 49 * 3 * 64, 16 * 16 * 2 * 9 * 64 * 64
    second = 8 * 8 * (9 * 64 * 128 + 9 * 128 * 128 + 64 * 128)
    small = summary("ResNetBackbone", RESNET, input="64")
    assert (small.totals.macs, small.outputs[0].shape) == (stem + first + second, (1, 8, 8, 128))
    # A task gives its backbone what it doesn't take itself.
    task = summary("ResNetImageClassifier", (*RESNET, ("num_classes", 3)), input="3x64x64")
    assert task.totals.params == theirs.count_params() + 128 * 3 + 3
    assert task.totals.macs == stem + first + second + 128 * 3
    with pytest.raises(InputError, match=r"found shape=\(1, 64, 64, 5\)"):
        summary("ResNetBackbone", RESNET, input="64x64x5")

    gpt = (*BERT[:-1], ("max_sequence_length", 8))
    body, whole = summary("GPT2Backbone", gpt), summary("GPT2CausalLM", gpt)
    # The table of 100 words is used twice and there once; backwards it multiplies.
    assert whole.totals.params == body.totals.params
    assert whole.totals.macs - body.totals.macs == 8 * 16 * 100

    for name, arguments, words in [
        ("BertBackbon", (), r"no model 'BertBackbon'; did you mean BertBackbone"),
        ("nothing_like_it_at_all", (), r"no model 'nothing_like_it_at_all'; it has \d+"),
        ("BertBackbone", BERT[:2], r"needs --arg num_heads=... --arg hidden_dim=... --arg intermediate_dim=..."),
        ("BertBackbone", (*BERT, ("hiden_dim", 3)), r"no argument 'hiden_dim'; did you mean hidden_dim"),
        ("ResNetBackbone", (*RESNET[:-1], ("block_type", "none")), r"can't be built: .block_type. must be"),
        ("resnet_50_imagenet", (), r"preset resnet_50_imagenet of keras_hub can't be downloaded"),
    ]:
        with pytest.raises(ModelError, match=words):
            summary(name, arguments)
    with pytest.raises(BadRequestError, match="weights as a file"):
        summary("BertBackbone", BERT, weights="default")

    names = backend.known_names()
    assert {"BertBackbone", "ResNetImageClassifier"} <= set(names)
    assert not {"Backbone", "Task", "BertTokenizer", "ImageClassifier"} & set(names)
    entries = backend.state(Request("BertBackbone", arguments=BERT))
    assert sum(_product(entry.shape) for entry in entries) == keras_hub.models.BertBackbone(**dict(BERT)).count_params()
    said = backend.native(Request("BertBackbone", arguments=BERT))
    assert "…" not in said
    assert f"{keras_hub.models.BertBackbone(**dict(BERT)).count_params():,}" in said


def _product(shape: tuple[int, ...]) -> int:
    result = 1
    for size in shape:
        result *= size
    return result


@needs("keras_hub")
@in_child("tensorflow")
@pytest.mark.filterwarnings("ignore")
def test_files_with_layers_of_the_library_open() -> None:
    import keras
    import keras_hub

    from resnet_inspect.readers import file as from_file

    words = keras_hub.layers.TokenAndPositionEmbedding(10, 6, 4)
    model = keras.Sequential([keras.Input((6,), dtype="int32"), words, keras_hub.layers.TransformerEncoder(8, 2)])
    with tempfile.TemporaryDirectory() as folder:
        for name in ("saved.keras", "saved.h5"):
            model.save(f"{folder}/{name}")
            assert from_file.summarize(Request(f"{folder}/{name}")).summary.totals.params == model.count_params()


@needs("keras_hub")
def test_a_model_on_the_command_line() -> None:
    arguments = [f"--arg={key}={json.dumps(value)}" for key, value in BERT]
    done = run("summary", "keras_hub:BertBackbone", *arguments, "--input", "8", "--format", "json", warm="keras_hub")
    assert (done.returncode, done.stderr) == (0, "")
    document = json.loads(done.stdout)
    assert document["totals"]["macs"] == bert_macs(8)
    assert document["model"]["builder"] == "keras_hub.models.BertBackbone"
