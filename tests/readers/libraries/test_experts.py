"""The parameters that one token uses of a mixture of experts: published numbers, and arithmetic on small ones."""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from resnet_inspect.errors import ModelError
from resnet_inspect.ir import Parameter, Summary
from resnet_inspect.ir_json import dumps, loads
from resnet_inspect.readers.request import Request
from tests.support.command import document, in_child, needs
from tests.support.toys import IMAGE, network, toy

#: Released configurations, where they differ from the library's own, and what was published of them: all parameters
#: and those that a token uses. Jiang et al. 2024; Qwen3-30B-A3B's and DeepSeek-V3's model cards.
PUBLISHED: dict[str, tuple[dict[str, Any], float, float]] = {
    "mixtral": ({}, 46.7e9, 12.9e9),
    "qwen3_moe": (
        {
            "num_hidden_layers": 48,
            "hidden_size": 2048,
            "num_attention_heads": 32,
            "num_key_value_heads": 4,
            "head_dim": 128,
            "moe_intermediate_size": 768,
            "num_experts": 128,
            "num_experts_per_tok": 8,
            "vocab_size": 151936,
            "tie_word_embeddings": False,
        },
        30.5e9,
        3.3e9,
    ),
    "deepseek_v3": ({}, 671e9, 37e9),
}


@needs("transformers", "5.0")  # before, the last one's experts are chosen by values, and no machine holds them
@pytest.mark.parametrize("kind", PUBLISHED)
@in_child("transformers")
def test_published_mixtures(kind: str) -> None:
    from resnet_inspect.readers.libraries import transformers

    settings, whole, active = PUBLISHED[kind]
    names = {"mixtral": "Mixtral", "qwen3_moe": "Qwen3Moe", "deepseek_v3": "DeepseekV3"}
    document = {"model_type": kind, "architectures": [f"{names[kind]}ForCausalLM"], **settings}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "config.json"
        path.write_text(json.dumps(document))
        totals = transformers.summarize(Request(str(path))).summary.totals
    assert totals.params == pytest.approx(whole, rel=0.005)
    # DeepSeek's 37 B leaves out one of two tables of words, each of 0.9 B.
    assert totals.active_params == pytest.approx(active, rel=0.02)


@needs("transformers", "5.0")
def test_mixtral_by_hand() -> None:
    arguments = "num_hidden_layers=2 hidden_size=32 intermediate_size=48 num_attention_heads=4 num_key_value_heads=2"
    experts = "num_local_experts=8 num_experts_per_tok=3 vocab_size=64"
    words = [word for text in f"{arguments} {experts}".split() for word in ("--arg", text)]
    found = document("summary", "transformers:mixtral", *words, warm="transformers")
    expert = 3 * 32 * 48
    left = 2 * (8 - 3) * expert
    assert found["totals"]["params"] - found["totals"]["active_params"] == left
    assert sum(found["inactive_params"].values()) == left
    assert set(found["inactive_params"]) == {
        f"layers.{layer}.mlp.experts.{name}" for layer in (0, 1) for name in ("gate_up_proj", "down_proj")
    }
    again = loads(json.dumps(found))
    assert again.totals.active_params == found["totals"]["active_params"]


CONFIG = SimpleNamespace(num_local_experts=4, num_experts_per_tok=2)


def _net(*parameters: tuple[str, tuple[int, ...]], modules: dict[str, str] | None = None) -> Summary:
    held = tuple(Parameter(name, shape, "float32", "trainable") for name, shape in parameters)
    net = network(IMAGE, toy("a", "linear", "x", parameters=held))
    return replace(net, modules=tuple((modules or {"mlp.experts": "Experts"}).items()))


def _left_out(net: Summary, config: Any = CONFIG) -> dict[str, int] | None:
    from resnet_inspect.readers.libraries.transformers_experts import inactive

    found = inactive(net, config)
    return None if found is None else dict(found)


@needs("transformers")
@in_child("transformers")
def test_experts_in_one_tensor_and_in_a_row() -> None:
    stacked = _net(("mlp.experts.up", (4, 5, 6)), ("mlp.experts.bias", (4, 5)), ("mlp.gate.weight", (4, 6)))
    assert _left_out(stacked) == {"mlp.experts.up": 60, "mlp.experts.bias": 10}
    row = _net(*((f"mlp.experts.{index}.w.weight", (5, 6)) for index in range(4)))
    assert _left_out(row) == {"mlp.experts.2.w.weight": 30, "mlp.experts.3.w.weight": 30}
    # As many outputs as experts: still a row.
    square = _net(*((f"mlp.experts.expert_{index}.w.weight", (4, 6)) for index in range(4)))
    assert _left_out(square) == {"mlp.experts.expert_2.w.weight": 24, "mlp.experts.expert_3.w.weight": 24}
    shared = _net(
        ("mlp.experts.up", (4, 5, 6)),
        ("mlp.shared_experts.up", (7, 6)),
        modules={"mlp.experts": "Experts", "mlp.shared_experts": "SharedExperts"},
    )
    assert _left_out(shared) == {"mlp.experts.up": 60}


@needs("transformers")
@in_child("transformers")
def test_what_is_not_certain_is_not_known() -> None:
    stacked = _net(("mlp.experts.up", (4, 5, 6)))
    assert _left_out(stacked, SimpleNamespace(num_experts=8, num_experts_per_tok=2)) is None
    assert _left_out(stacked, SimpleNamespace(num_experts=4)) is None
    assert _left_out(stacked, SimpleNamespace(num_experts=4, num_experts_per_tok=5)) is None
    assert _left_out(stacked, SimpleNamespace(num_experts=4, num_experts_per_tok=[1, 2])) is None
    assert _left_out(stacked, SimpleNamespace()) is None
    assert _left_out(stacked, SimpleNamespace(**vars(CONFIG), zero_expert_num=2)) is None
    assert _left_out(_net(("mlp.experts.up", (4, 5, 6)), ("mlp.experts.bias", (5,)))) is None
    assert _left_out(_net(*((f"mlp.experts.{index}.w", (5, 6 + index)) for index in range(4)))) is None
    # A configuration of experts, and no module that has any.
    assert _left_out(_net(("mlp.w", (5, 6)), modules={"mlp": "MLP"})) is None
    parts = SimpleNamespace(sub_configs={"text": None}, text=CONFIG)
    assert _left_out(stacked, parts) == {"mlp.experts.up": 60}
    two = SimpleNamespace(**vars(CONFIG), sub_configs={"text": None}, text=SimpleNamespace(num_experts=4, moe_topk=1))
    assert _left_out(stacked, two) is None


@needs("transformers")
@in_child("transformers")
def test_a_model_without_experts_uses_all() -> None:
    net = _net(("mlp.w", (5, 6)), modules={"mlp": "MLP"})
    assert _left_out(net, SimpleNamespace(num_local_experts=1)) == {}
    assert _left_out(net, None) == {}


def test_what_nobody_said_is_not_in_the_document() -> None:
    net = _net(("mlp.w", (5, 6)))
    assert net.totals.active_params is None
    assert "active" not in dumps(net)
    told = replace(net, inactive=(("mlp.w", 6),))
    assert told.totals.active_params == 24
    assert loads(dumps(told)) == told


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("inactive_params", {"mlp.w": 31}),
        ("inactive_params", {"mlp.other": 1}),
        ("inactive_params", {"mlp.w": -1}),
        ("inactive_params", ["mlp.w"]),
        ("decoding", {"tokens": -1, "cache": []}),
        ("decoding", {"tokens": 1, "cache": [[1, 2]]}),
        ("decoding", {"tokens": 1}),
    ],
)
def test_what_a_damaged_document_says_is_not_believed(key: str, value: Any) -> None:
    found = json.loads(dumps(_net(("mlp.w", (5, 6)))))
    with pytest.raises(ModelError, match="this summary is damaged"):
        loads(json.dumps({**found, key: value}))
