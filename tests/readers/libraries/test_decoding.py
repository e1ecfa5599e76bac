"""One step of decoding with a cache, against torch's own counter and against arithmetic by hand."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from resnet_inspect.ir_json import dumps, loads
from resnet_inspect.readers.request import Request
from tests.support.command import document, in_child, local, needs, run

pytestmark = needs("transformers", "5.0")  # before, caches are modules or tuples of each model's own

#: Tokens in the cache, texts, and the sizes of the small models: 2 layers, 4 heads of 8, of which 2 are of keys.
N, TEXTS, WIDTH, MLP, WORDS = 20, 3, 32, 48, 64
SMALL = {
    "num_hidden_layers": 2,
    "hidden_size": WIDTH,
    "intermediate_size": MLP,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "vocab_size": WORDS,
}
T5 = {"d_model": 32, "d_kv": 8, "num_heads": 4, "d_ff": 48, "num_layers": 2, "num_decoder_layers": 2, "vocab_size": 64}
BART = {
    "d_model": 32,
    "encoder_layers": 1,
    "decoder_layers": 2,
    "encoder_attention_heads": 4,
    "decoder_attention_heads": 4,
    "encoder_ffn_dim": 48,
    "decoder_ffn_dim": 48,
    "vocab_size": 64,
}
DEEPSEEK = {
    **{key: value for key, value in SMALL.items() if key != "head_dim"},
    "num_key_value_heads": 4,
    "n_routed_experts": 8,
    "num_experts_per_tok": 2,
    "n_group": 2,
    "topk_group": 1,
    "moe_intermediate_size": 16,
    "first_k_dense_replace": 1,
    "kv_lora_rank": 12,
    "q_lora_rank": 24,
    "qk_rope_head_dim": 4,
    "qk_nope_head_dim": 8,
    "v_head_dim": 6,
}
MODELS: dict[str, dict[str, Any]] = {
    "gpt2": {"n_layer": 2, "n_embd": 32, "n_head": 4, "vocab_size": 64},
    "llama": SMALL,
    "mistral": {**SMALL, "sliding_window": 8},
    "qwen3": SMALL,
    "gemma2": {**SMALL, "sliding_window": 8, "query_pre_attn_scalar": 8},
    "gemma3_text": {**SMALL, "sliding_window": 8, "query_pre_attn_scalar": 8},
    "phi": {key: value for key, value in SMALL.items() if key != "head_dim"},
    "gpt_neox": {key: value for key, value in SMALL.items() if key not in ("head_dim", "num_key_value_heads")},
    "mixtral": {**SMALL, "num_local_experts": 4, "num_experts_per_tok": 2},
    "deepseek_v3": DEEPSEEK,
    "t5": T5,
    "bart": BART,
}


def _step(kind: str, tokens: int = N, batch: int = TEXTS) -> Any:
    from resnet_inspect.readers.libraries import transformers

    arguments = tuple(MODELS[kind].items())
    return transformers.summarize(Request(kind, arguments=arguments, decode=tokens, batch=batch)).summary


@pytest.mark.parametrize("kind", MODELS)
@in_child("transformers")
def test_a_step_costs_what_torch_counts_of_it_on_real_tensors(kind: str) -> None:
    """Attention and experts are written out there, as torch's counter knows them; the same model leaves the cache."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode
    from transformers import AutoConfig, AutoModel

    config = AutoConfig.for_model(kind, **MODELS[kind])
    written_out = {"experts_implementation": "eager"} if "experts" in " ".join(MODELS[kind]) else {}
    model = AutoModel.from_config(config, attn_implementation="eager", **written_out).eval()
    texts = torch.ones(TEXTS, N, dtype=torch.int64)
    one = torch.ones(TEXTS, 1, dtype=torch.int64)
    counter = FlopCounterMode(display=False)
    with torch.no_grad():
        if config.is_encoder_decoder:
            encoded = {"input_ids": torch.ones(TEXTS, 5, dtype=torch.int64)}
            before = model(**encoded, decoder_input_ids=texts, use_cache=True)
            states = (before.encoder_last_hidden_state,)
            with counter:
                after = model(encoder_outputs=states, decoder_input_ids=one, **_cache(before))
        else:
            before = model(texts, use_cache=True)
            with counter:
                after = model(one, use_cache=True, **_cache(before))
    found = _step(kind)
    # Angles of a rotary embedding are products of matrices for some: the step has them, too.
    assert 2 * found.totals.macs == counter.get_total_flops()
    assert not found.totals.uncounted
    from resnet_inspect.readers.torch.tensors import tensors_in

    real = [(tuple(t.shape), str(t.dtype).removeprefix("torch.")) for t in tensors_in(_cache(after)) if t.ndim]
    assert [(t.shape, t.dtype) for t in found.decoding.cache] == real
    assert found.outputs[0].shape == (TEXTS, 1, WIDTH)


def _cache(output: Any) -> dict[str, Any]:
    """The cache in what a model returned, by the name that it has in this version."""
    return {key: output[key] for key in ("cache", "past_key_values") if key in output.keys()}  # noqa: SIM118 - old names are found, too


@in_child("transformers")
def test_llama_by_hand() -> None:
    found = _step("llama")
    keys = 2 * 8
    dense = WIDTH * (WIDTH + 2 * keys + WIDTH) + 3 * WIDTH * MLP
    attention = 4 * (N + 1) * 8 * 2
    assert found.totals.macs == TEXTS * 2 * (dense + attention)
    assert found.totals.kv_cache_bytes == 2 * 2 * TEXTS * (N + 1) * keys * 4
    assert found.totals.active_params == found.totals.params
    assert [t.shape for t in found.inputs] == [(TEXTS, 1)]
    assert [t.shape for t in found.outputs] == [(TEXTS, 1, WIDTH)]
    assert found.decoding.tokens == N
    # A longer cache costs attention alone.
    assert _step("llama", 2 * N).totals.macs - found.totals.macs == TEXTS * 2 * 4 * N * 8 * 2


@in_child("transformers")
def test_a_window_keeps_no_more_than_the_next_token_reads() -> None:
    """8 tokens with the one that is written: 7 are kept for the next."""
    assert _step("mistral").totals.kv_cache_bytes == 2 * 2 * TEXTS * 7 * 16 * 4
    # Before the window is full, all are kept.
    assert _step("mistral", 4).totals.kv_cache_bytes == 2 * 2 * TEXTS * 5 * 16 * 4
    # gemma2: one layer with a window, one without.
    assert _step("gemma2").totals.kv_cache_bytes == 2 * TEXTS * (7 + N + 1) * 16 * 4


@in_child("transformers")
def test_states_have_one_size_whatever_was_read() -> None:
    from resnet_inspect.readers.libraries import transformers

    arguments = (
        ("num_hidden_layers", 2),
        ("hidden_size", 16),
        ("state_size", 4),
        ("conv_kernel", 4),
        ("vocab_size", 9),
    )
    sizes = [
        transformers.summarize(Request("mamba", arguments=arguments, decode=tokens)).summary.totals.kv_cache_bytes
        for tokens in (3, 9)
    ]
    # Of each of 2 * 16 channels, 4 inputs of the convolution and 4 states.
    assert sizes == [2 * 32 * (4 + 4) * 4] * 2


@in_child("transformers")
def test_what_is_alive_in_a_step_is_the_cache_and_a_layer_of_the_next() -> None:
    from resnet_inspect.analysis.memory import inference_peak

    long, longer = (inference_peak(_step("llama", tokens, 1)) for tokens in (1000, 1100))
    assert long is not None
    assert longer is not None
    # Each token more is in the caches of 2 layers, and once more in the longer one of the layer that runs.
    assert longer - long == 100 * 3 * 2 * 16 * 4


@pytest.mark.parametrize("kind", MODELS)
@in_child("transformers")
def test_the_peak_of_a_transformer_is_known(kind: str) -> None:
    from resnet_inspect.analysis.memory import inference_peak
    from resnet_inspect.readers.libraries import transformers

    whole = inference_peak(transformers.summarize(Request(kind, arguments=tuple(MODELS[kind].items()))).summary)
    step = _step(kind)
    assert whole
    # The cache before the step is alive throughout.
    cache = sum(t.bytes or 0 for layer in step.layers if layer.op == "input" for t in layer.output_tensors)
    assert (inference_peak(step) or 0) > cache


@in_child("transformers")
def test_the_dtype_is_the_caches_too() -> None:
    from resnet_inspect.readers.libraries import transformers

    arguments = tuple(SMALL.items())
    found = transformers.summarize(Request("llama", arguments=arguments, decode=N, dtype="bfloat16")).summary
    assert {tensor.dtype for tensor in found.decoding.cache} == {"bfloat16"}  # type: ignore[union-attr]
    assert found.totals.kv_cache_bytes == 2 * 2 * (N + 1) * 16 * 2
    assert loads(dumps(found)) == found


def _arguments(kind: str) -> list[str]:
    return [word for key, value in MODELS[kind].items() for word in ("--arg", f"{key}={json.dumps(value)}")]


def test_the_command_shows_the_step_and_its_cache(tmp_path: Path) -> None:
    asked = ("transformers:llama", *_arguments("llama"), "--decode", str(N))
    shown = run("summary", *asked, "--depth", "1", warm="transformers")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert f"Decoding           one token after {N}\n" in shown.stdout
    assert "KV cache           5.25 KiB of float32, after this token\n" in shown.stdout
    assert "active" not in shown.stdout
    found = document("summary", *asked, warm="transformers")
    assert found["totals"]["kv_cache_bytes"] == 2 * 2 * (N + 1) * 16 * 4
    assert found["decoding"]["tokens"] == N
    assert found["inactive_params"] == {}
    schema = resources.files("resnet_inspect") / "schemas" / "summary-1.schema.json"
    jsonschema.validate(found, json.loads(schema.read_text()))


def test_steps_behind_other_numbers_of_tokens_are_not_compared(tmp_path: Path) -> None:
    files = []
    for tokens in (3, 4):
        path = tmp_path / f"{tokens}.json"
        asked = ("transformers:llama", *_arguments("llama"), "--decode", str(tokens))
        done = run("summary", *asked, "-o", str(path), warm="transformers")
        assert done.returncode == 0, done.stderr
        files.append(str(path))
    refused = local("diff", *files)
    assert (refused.returncode, refused.stdout) == (4, "")
    assert "the caches differ: of 3 tokens against 4" in refused.stderr
    told = local("diff", *files, "--any-input", "--format", "json")
    assert json.loads(told.stdout)["totals"]["kv_cache_bytes"] == [2 * 2 * tokens * 16 * 4 for tokens in (4, 5)]


def test_networks_side_by_side_have_caches_and_what_a_token_uses() -> None:
    asked = ("transformers:llama", *_arguments("llama"), "--decode", str(N))
    done = run("compare", *asked, "--format", "json", warm="transformers")
    (llama,) = json.loads(done.stdout)["models"]
    assert llama["kv_cache_bytes"] == 2 * 2 * (N + 1) * 16 * 4
    assert llama["active_params"] == llama["params"]
    (other,) = json.loads(local("compare", "resnet18", "--format", "json").stdout)["models"]
    assert {"active_params", "kv_cache_bytes"}.isdisjoint(other)
    shown = local("compare", "resnet18", "--columns", "model,active_params,kv_cache_bytes", "--format", "csv")
    assert shown.stdout.splitlines()[1] == "local:resnet18,,"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (
            ["transformers:bert"],
            2,
            "needs a model that keeps a cache from token to token, and bert keeps none",
        ),
        (["transformers:vit"], 2, "vit keeps none"),
        (["transformers:gpt2", "--arg", "n_positions=4"], 4, "reads 4 tokens at most, and --decode 4 needs 5"),
        (["transformers:gpt2", "--input", "8"], 2, "leave --input out"),
        (["transformers:gpt2", "--input", "input_ids=1x8:int64"], 2, "--decode makes the inputs of its step itself"),
        (["torch:resnet18"], 2, "--decode goes with the transformers backend, not torch"),
        (["resnet18"], 2, "--decode goes with the transformers backend, not local"),
    ],
)
def test_what_has_no_step_is_told(arguments: list[str], code: int, words: str) -> None:
    done = run("summary", *arguments, "--decode", "4", warm="transformers")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (code, "", 1), done.stderr
    assert words in done.stderr


@in_child("transformers")
def test_a_model_that_somebody_brings() -> None:
    import torch
    from transformers import AutoConfig, AutoModel

    from resnet_inspect.api import summarize
    from resnet_inspect.errors import BadRequestError

    model = AutoModel.from_config(AutoConfig.for_model("llama", **MODELS["llama"]))
    weights = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    found = summarize(model, decode=N, batch=TEXTS)
    assert (found.layers, found.decoding) == (_step("llama").layers, _step("llama").decoding)
    assert all(torch.equal(tensor, weights[name]) for name, tensor in model.state_dict().items())
    assert summarize(model, {"input_ids": "1x4:int64"}).totals.active_params == found.totals.params
    for refused, options, words in (
        (torch.nn.Linear(2, 2), {}, "decode needs a model of transformers, and Linear is none"),
        (model, {"input": "1x4"}, "leave input and dtype out"),
        (model.layers[0], {}, "and LlamaDecoderLayer is none"),
    ):
        with pytest.raises(BadRequestError, match=words):
            summarize(refused, decode=N, **options)  # type: ignore[arg-type]


def test_a_configuration_of_ones_own_decodes_as_well(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "llama", **SMALL}))
    found = document("summary", f"transformers:{tmp_path}", "--decode", str(N), warm="transformers")
    # Keys and values of 2 layers, each 2 heads of 8 floats for the tokens in the cache and the next one.
    assert found["totals"]["kv_cache_bytes"] == 2 * 2 * (N + 1) * 2 * 8 * 4
