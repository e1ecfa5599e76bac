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


@needs("transformers")
@needs("torch", "2.14")
@in_child("torch")
def test_the_peak_of_transformers() -> None:
    import pytest
    import torch
    from torch import nn
    from transformers import BertConfig, BertModel, GPT2Config, GPT2LMHeadModel

    from benchmarks import fake_step
    from resnet_inspect import summarize
    from resnet_inspect.analysis.training.plan import Plan
    from resnet_inspect.analysis.training.timeline import timeline

    def gpt2() -> nn.Module:
        sizes = {"n_layer": 2, "n_embd": 64, "n_head": 4, "n_positions": 64, "vocab_size": 100}
        return GPT2LMHeadModel(GPT2Config(**sizes, use_cache=False, attn_implementation="sdpa"))

    def bert() -> nn.Module:
        sizes = {"num_hidden_layers": 2, "hidden_size": 64, "intermediate_size": 256, "num_attention_heads": 4}
        return BertModel(BertConfig(**sizes, vocab_size=100, attn_implementation="sdpa"))

    def inputs() -> tuple[torch.Tensor]:
        return (torch.zeros(16, 32, dtype=torch.int64),)

    for build, amp in ((gpt2, None), (gpt2, "bf16"), (bert, None)):
        with torch.device("meta"):
            summary = summarize(build(), *inputs(), mode="train")
        found = timeline(summary, Plan(amp=amp))
        assert found.unknown == ()
        assert found.peak is not None
        assert found.peak.live == pytest.approx(fake_step.peak(build, inputs, "sgd", amp), rel=0.02), (build, amp)


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
