"""A training step of networks of a few layers, by arithmetic."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resnet_inspect.analysis import OPTIMIZERS
from resnet_inspect.analysis.batches import at_batch
from resnet_inspect.analysis.memory import inference_peak
from resnet_inspect.analysis.training.plan import Plan
from resnet_inspect.analysis.training.timeline import Timeline, inference, timeline, with_optimizer
from resnet_inspect.ir import Layer, Summary
from tests.support.summaries import summaries
from tests.support.toys import network, toy

#: Every tensor has 100 numbers, every weight 50.
TENSOR, WEIGHT = 400, 200


def line(name: str, op: str = "dense", reads: str = "", **fields: Any) -> Layer:
    return toy(name, op, reads, (1, 100), **fields)


CHAIN = network(
    line("x", "input"),
    line("a", reads="x", params=50),
    line("r", "relu", reads="a"),
    line("b", reads="r", params=50),
)


def live(found: Timeline) -> dict[str, int]:
    return {f"{step.phase} {step.layer}".strip(): step.live for step in found.steps}


def test_each_step_of_a_chain() -> None:
    held = 2 * WEIGHT + TENSOR  # the weights and the input
    assert live(timeline(CHAIN, Plan())) == {
        "forward x": held,
        "forward a": held + TENSOR,
        "forward r": held + 2 * TENSOR,  # a, for the last time, and r
        "forward b": held + 2 * TENSOR,  # r, which stays, and b
        "backward b": held + TENSOR + TENSOR + WEIGHT,  # r, its gradient, that of b's weight
        "backward r": held + TENSOR + 2 * TENSOR + WEIGHT,  # r, and the gradients of r and a
        "backward a": held + TENSOR + 2 * WEIGHT,  # the gradients of a and of both weights
        "optimizer": held + 2 * WEIGHT,
    }


def test_the_peak_and_its_parts() -> None:
    found = timeline(CHAIN, Plan(optimizer="adam"))
    assert found.peak is not None
    assert (found.peak.phase, found.peak.layer) == ("backward", "r")
    assert {part: size for part, size in found.parts.items() if size} == {
        "weights": 2 * WEIGHT,
        "input": TENSOR,
        "gradients": WEIGHT,
        "optimizer_states": 2 * 2 * WEIGHT,
        "saved": TENSOR,
        "output_gradients": 2 * TENSOR,
    }
    assert [step.live for step in timeline(network(), Plan()).steps] == [0]
    assert [step.live for step in inference(network()).steps] == [0]


@pytest.mark.parametrize(
    ("optimizer", "implementation", "states", "temporaries"),
    [
        ("sgd", "foreach", 0, 0),
        ("momentum", "foreach", 2, 0),
        ("lion", "foreach", 2, 1),
        ("adam", "foreach", 4, 2),  # the root of every second moment
        ("adamw", "for-loop", 4, 3),  # the root and the quotient of one, and the quotient of the one before
        ("adam", "fused", 4, 0),
    ],
)
def test_what_an_optimizer_keeps_and_needs(optimizer: str, implementation: str, states: int, temporaries: int) -> None:
    last = timeline(CHAIN, Plan(optimizer=optimizer, implementation=implementation)).steps[-1]
    assert last.live == 2 * WEIGHT + TENSOR + 2 * WEIGHT + (states + temporaries) * WEIGHT


@pytest.mark.parametrize("implementation", ["foreach", "fused"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_another_optimizer_needs_no_other_timeline(optimizer: str, implementation: str) -> None:
    before, after = Plan("adam"), Plan(optimizer, implementation=implementation)
    assert with_optimizer(timeline(CHAIN, before), before, after) == max(timeline(CHAIN, after).live)


def test_the_second_gradient_of_a_value_is_added_to_the_first() -> None:
    layers = (
        line("x", "input"),
        line("a", reads="x", params=50),
        line("b", reads="a", params=50),
        line("s", "add", reads="b a"),
    )
    held = 2 * WEIGHT + TENSOR
    # The sum's gradient is one number seen in s' shape, so b's gradient for a and the sum of both are new.
    assert live(timeline(network(*layers), Plan()))["backward b"] == held + TENSOR + WEIGHT + 2 * TENSOR
    after = network(*layers, line("t", "tanh", reads="s"))
    # Now tanh gives it memory, which both branches share until b has run: then a's sum is new once more.
    steps = live(timeline(after, Plan()))
    assert steps["backward t"] == held + TENSOR + TENSOR + TENSOR  # a, t, the gradient of s
    assert steps["backward b"] == held + TENSOR + WEIGHT + 2 * TENSOR  # a; in place, as nobody else has it by now


def test_a_checkpoint_keeps_what_its_module_was_called_with() -> None:
    inside = [
        line("x", "input"),
        line("a", reads="x", params=50),
        line("m.b", "tanh", reads="a"),
        line("m.c", "tanh", reads="m.b"),
        line("m.d", "tanh", reads="m.c"),
    ]
    summary = network(*inside, modules=(("", "Net"), ("m", "Block")))
    held = WEIGHT + TENSOR
    plain, again = (live(timeline(summary, plan)) for plan in (Plan(), Plan(checkpoint=("m",))))
    assert plain["forward m.d"] == held + 4 * TENSOR  # a, which the module's caller gave it, and three results
    assert again["forward m.d"] == held + 3 * TENSOR  # a, m.c and m.d
    assert again["recompute m.d"] == held + 4 * TENSOR
    assert again["backward m.d"] == held + 4 * TENSOR + TENSOR
    nowhere = live(timeline(summary, Plan(checkpoint=("m.*.q", "elsewhere"))))
    assert nowhere == plain


def test_a_module_in_a_checkpointed_one_is_no_checkpoint_of_its_own() -> None:
    layers = [
        line("x", "input"),
        line("a", reads="x", params=50),
        line("m.b", "tanh", reads="a"),
        line("m.n.c", "tanh", reads="m.b"),
        line("m.n.d", "tanh", reads="m.n.c"),
        line("m.e", "tanh", reads="m.n.d"),
    ]
    summary = network(*layers, modules=(("", "Net"), ("m", "Block"), ("m.n", "Block")))
    outer, both, inner = (timeline(summary, Plan(checkpoint=(pattern,))) for pattern in ("m", "m*", "m.n"))
    assert both.steps == outer.steps != inner.steps
    assert [step.layer for step in both.steps if step.phase == "recompute"] == ["m.b", "m.n.c", "m.n.d", "m.e"]


def test_a_checkpoint_runs_again_until_it_has_what_it_keeps() -> None:
    layers = [
        line("x", "input"),
        line("a", reads="x", params=50),
        line("m.b", "tanh", reads="a"),
        line("m.c", reads="m.b", params=50),  # keeps m.b alone: torch stops before it runs
        line("m.d", "add", reads="m.c a"),
        line("e", "tanh", reads="m.d"),
    ]
    summary = network(*layers, modules=(("", "Net"), ("m", "Block")))
    found = timeline(summary, Plan(checkpoint=("m",)))
    assert [step.layer for step in found.steps if step.phase == "recompute"] == ["m.b"]
    held = 2 * WEIGHT + TENSOR
    steps = live(found)
    assert steps["recompute m.b"] == held + TENSOR + TENSOR + TENSOR  # a, the gradient of m.d, m.b
    assert steps["backward m.c"] == held + 4 * TENSOR + WEIGHT  # and the gradient of m.b


def test_what_is_frozen_gets_no_gradient_and_keeps_nothing() -> None:
    frozen = timeline(CHAIN, Plan(optimizer="adam", frozen=("a",)))
    assert "backward a" not in live(frozen)
    assert "backward r" not in live(frozen)
    assert frozen.steps[-1].live == 2 * WEIGHT + TENSOR + WEIGHT * (1 + 2 + 1)


def test_accumulated_gradients_are_there_from_the_start() -> None:
    once, twice = (live(timeline(CHAIN, Plan(accumulate=n))) for n in (1, 2))
    assert twice["forward x"] == once["forward x"] + 2 * WEIGHT
    assert twice["backward b"] == once["backward b"] + 2 * WEIGHT  # both weights' and the new one of b's


def test_autocast_casts_weights_and_inputs_of_products() -> None:
    steps = live(timeline(CHAIN, Plan(amp="bf16")))
    held = 2 * WEIGHT + TENSOR
    assert steps["forward a"] == held + WEIGHT // 2 + TENSOR // 2 + TENSOR // 2  # copies of weight and input, a
    norm = network(line("x", "input"), line("a", reads="x", params=50), line("n", "layer_norm", reads="a"))
    result = timeline(norm, Plan(amp="bf16")).steps[2]
    # The cached copy of the weight, the saved one of the input, a, its copy in float32, the result and its statistics
    assert result.live == WEIGHT + TENSOR + (WEIGHT + TENSOR + TENSOR) // 2 + 2 * TENSOR + 2 * 4


def test_an_adapter_trains_two_thin_matrices() -> None:
    found = timeline(CHAIN, Plan(optimizer="adam", lora=2, lora_layers=("b",)))
    adapter = 4 * 2 * (100 + 100)
    assert found.steps[-1].live == 2 * WEIGHT + TENSOR + adapter * (1 + 1 + 2 + 1)


def test_inference_is_what_is_alive_without_gradients() -> None:
    found = inference(CHAIN)
    assert found.peak is not None
    assert found.peak.live == 2 * WEIGHT + (inference_peak(CHAIN) or 0)


def test_what_nobody_knows_is_counted() -> None:
    layers = [line("x", "input"), line("a", reads="x", params=50), line("o", "other", reads="a")]
    assert timeline(network(*layers), Plan()).unknown == ("o",)
    assert timeline(CHAIN, Plan()).unknown == ()


@given(
    summary=summaries(),
    optimizer=st.sampled_from(OPTIMIZERS),
    amp=st.sampled_from([None, "bf16"]),
    checkpoint=st.sampled_from([(), ("*",), ("0*",)]),
    lora=st.sampled_from([None, 2]),
)
def test_any_summary_has_a_timeline(
    summary: Summary, optimizer: str, amp: str | None, checkpoint: tuple[str, ...], lora: int | None
) -> None:
    plan = Plan(optimizer, amp, checkpoint, lora=lora, lora_layers=("*",) if lora else ())
    for found in (timeline(summary, plan), inference(summary)):
        assert all(size >= 0 for step in found.steps for size in step.parts)
        assert (found.peak.live if found.peak else 0) == max((step.live for step in found.steps), default=0)
    for batch in (1, 3):
        assert at_batch(summary, summary, (2, 4), batch) == summary
