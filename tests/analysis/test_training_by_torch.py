"""A training step against torch's MemTracker, on fake tensors. The whole table: ``benchmarks/training_memory.py``."""

from __future__ import annotations

from tests.support.command import in_child, needs


@needs("torch", "2.14")
@in_child("torch")
def test_the_peak_is_what_mem_tracker_finds() -> None:
    import pytest
    import torch
    from torchvision import models

    from benchmarks import fake_step
    from resnet_inspect import summarize
    from resnet_inspect.analysis.training.plan import Plan
    from resnet_inspect.analysis.training.timeline import timeline

    def inputs() -> tuple[torch.Tensor]:
        return (torch.empty(4, 3, 64, 64),)

    for name, optimizer, amp, checkpoints in (
        ("resnet18", "sgd", None, ()),
        ("resnet18", "adam", "bf16", ("layer?.*",)),
        ("mobilenet_v2", "momentum", "bf16", ()),
        ("convnext_tiny", "sgd", "bf16", ("features.[1357].*",)),
    ):
        build = models.get_model_builder(name)
        with fake_step.without_gpu(), torch.device("meta"):
            summary = summarize(build(), *inputs(), mode="train")
        found = timeline(summary, Plan(optimizer=optimizer, amp=amp, checkpoint=checkpoints)).peak
        assert found is not None
        truth = fake_step.peak(build, inputs, optimizer, amp, checkpoints)
        assert found.live == pytest.approx(truth, rel=0.02), (name, optimizer, amp, checkpoints)


@needs("torch", "2.14")
@in_child("torch")
def test_the_benchmarks_engine_peaks_where_torchs_does() -> None:
    from functools import partial

    import torch
    from torchvision import models

    from benchmarks import fake_step

    build = models.get_model_builder("resnet18")
    peak = partial(fake_step.peak, build, lambda: (torch.empty(4, 3, 64, 64),), "sgd", device="cpu", in_place=False)
    assert abs(peak(own_engine=True) - peak(own_engine=False)) <= 8  # a number of the loss
