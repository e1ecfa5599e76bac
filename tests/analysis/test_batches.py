"""A network at any batch from two of them, and the largest batch that fits."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resnet_inspect.analysis.batches import NotLinearError, at_batch, largest
from resnet_inspect.analysis.fit import fit
from resnet_inspect.analysis.training.plan import Plan
from resnet_inspect.analysis.training.timeline import Timeline, doubled, inference, timeline
from resnet_inspect.blocks import networks
from resnet_inspect.ir import Summary
from resnet_inspect.readers.local.reader import summarize
from resnet_inspect.readers.request import Request
from tests.support.toys import network, toy


def local(name: str, batch: int, flavor: str = "torch") -> Summary:
    return summarize(Request(name, batch=batch, flavor=flavor)).summary


@pytest.mark.parametrize(("name", "flavor"), [("resnet18", "torch"), ("ResNet50", "keras")])
def test_shapes_are_those_of_a_summary_at_that_batch(name: str, flavor: str) -> None:
    found = at_batch(local(name, 2, flavor), local(name, 4, flavor), (2, 4), 7)
    truth = local(name, 7, flavor)
    assert found.inputs == truth.inputs
    assert found.outputs == truth.outputs
    for ours, layer in zip(found.layers, truth.layers, strict=True):
        assert (ours.input_tensors, ours.output_tensors) == (layer.input_tensors, layer.output_tensors)
        assert ours.parameters == layer.parameters


@pytest.mark.parametrize(
    "plan",
    [
        None,
        Plan("adam"),
        Plan(amp="bf16", checkpoint=("layer*.*", "conv*_block*"), accumulate=2),
        Plan(lora=4, lora_layers=("fc", "predictions")),
        Plan(frozen=("*conv1", "*_bn")),
    ],
)
@pytest.mark.parametrize("flavor", ["torch", "keras"])
def test_every_local_network_takes_twice_the_images_as_the_double_of_its_step(flavor: str, plan: Plan | None) -> None:
    for name in networks.names(flavor):
        found, truth = (_step(local(name, batch, flavor), plan) for batch in (3, 6))
        assert doubled(found).held == truth.held != found.held
        assert doubled(found).order == truth.order


def _step(summary: Summary, plan: Plan | None) -> Timeline:
    return inference(summary) if plan is None else timeline(summary, plan)


def test_the_first_batch_is_the_summary_itself() -> None:
    summary = local("resnet18", 2)
    assert at_batch(summary, local("resnet18", 4), (2, 4), 2) is summary


def test_what_does_not_grow_evenly_is_refused() -> None:
    def of(*shape: int) -> Summary:
        return network(toy("x", "input", "", (shape[0], 3)), toy("a", "matmul", "x x", shape))

    with pytest.raises(NotLinearError):  # everything with everything: n x n
        at_batch(of(2, 2), of(4, 4), (2, 4), 8)
    with pytest.raises(NotLinearError):  # half an element
        at_batch(of(2, 3), of(4, 4), (2, 4), 3)
    assert at_batch(of(2, 8), of(4, 8), (2, 4), 3).outputs[0].shape == (3, 8)
    with pytest.raises(NotLinearError):  # another rank
        at_batch(of(2, 8), of(4, 8, 1), (2, 4), 3)
    two = of(2, 8)
    with pytest.raises(NotLinearError):  # another layer
        at_batch(two, replace(two, layers=(two.layers[0], replace(two.layers[1], id="b"))), (2, 4), 3)
    with pytest.raises(NotLinearError):
        at_batch(two, replace(two, layers=two.layers[:1]), (2, 4), 3)


@given(
    weights=st.integers(0, 10**9),
    image=st.integers(1, 10**9),
    more=st.integers(0, 10**6),
    memory=st.integers(0, 10**12),
    start=st.integers(1, 300),
)
def test_the_largest_batch_is_the_last_that_fits(weights: int, image: int, more: int, memory: int, start: int) -> None:
    asked: list[int] = []

    def peak(batch: int) -> int:
        asked.append(batch)
        return max(weights + image * batch, more * batch * 2)

    found = largest(peak, memory, start)
    assert found == 0 or peak(found) <= memory
    assert peak(found + 1) > memory
    assert all(batch >= 1 for batch in asked)
    assert len(asked) < 60


def test_an_even_growth_takes_few_questions() -> None:
    asked: list[int] = []

    def peak(batch: int) -> int:
        asked.append(batch)
        return 100 + 7 * batch

    assert largest(peak, 10_000, 32) == 1414
    assert len(asked) <= 4


def test_what_never_grows_has_no_largest_batch() -> None:
    with pytest.raises(OverflowError):
        largest(lambda _: 5, 10, 1)


@pytest.mark.parametrize("plan", [None, Plan("adam"), Plan(amp="bf16", checkpoint=("layer*.*",))])
def test_a_straight_line_and_a_search_find_the_same(plan: Plan | None, monkeypatch: pytest.MonkeyPatch) -> None:
    mode = "eval" if plan is None else "train"
    two, four = (summarize(Request("resnet18", batch=batch, mode=mode)).summary for batch in (2, 4))
    memories = [2**27, 2**28 + 1, 2**31]
    found = [fit(two, four, 2, plan, memory) for memory in memories]
    monkeypatch.setattr(Timeline, "is_like", lambda *_: False)
    for memory, straight in zip(memories, found, strict=True):
        searched = fit(two, four, 2, plan, memory)
        alone = fit(two, None, 2, plan, memory)
        assert (straight.largest, straight.largest_beside) == (searched.largest, searched.largest_beside)
        assert (straight.largest, straight.largest_beside) == (alone.largest, alone.largest_beside)
    assert found[-1].largest
