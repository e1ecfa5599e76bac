"""Residual blocks whose branch reads more than the fork: masks, steps of time, an encoder's output."""

from __future__ import annotations

from typing import Any

from resnet_inspect import summarize
from resnet_inspect.analysis.residual import residual_blocks
from tests.readers.torch.test_complaints import module
from tests.support.command import in_child, needs


@in_child("torch")
def test_a_condition_that_enters_the_branch_hides_no_shortcut() -> None:
    from torch import nn

    def forward(self: Any, x: Any, c: Any) -> Any:
        c = self.embed(c)
        for block in self.blocks:
            x = x + block(x * c)
        return x

    net = module(forward, embed=nn.Linear(4, 16), blocks=nn.ModuleList(nn.Linear(16, 16) for _ in range(3)))
    found = residual_blocks(summarize(net, ["2x16:float32", "2x4:float32"]))
    assert [(block.fork, block.join, block.kind) for block in found] == [
        ("input", "add", "identity"),
        ("add", "add_1", "identity"),
        ("add_1", "add_2", "identity"),
    ]


@in_child("torch")
def test_a_vector_added_to_an_image_is_a_condition_and_no_block() -> None:
    from torch import nn

    def forward(self: Any, x: Any, time: Any) -> Any:
        time = self.embed(time)
        for first, project, second in zip(self.first, self.project, self.second, strict=True):
            h = first(x) + project(time)[:, :, None, None]
            x = x + second(h)
        return x

    convolutions = [nn.ModuleList(nn.Conv2d(4, 4, 3, padding=1) for _ in range(2)) for _ in range(2)]
    net = module(
        forward,
        embed=nn.Linear(3, 8),
        first=convolutions[0],
        project=nn.ModuleList(nn.Linear(8, 4) for _ in range(2)),
        second=convolutions[1],
    )
    found = residual_blocks(summarize(net, ["1x4x8x8:float32", "1x3:float32"]))
    # Of four additions, two spread a vector over the image.
    assert [(block.join, block.kind) for block in found] == [("add_1", "identity"), ("add_3", "identity")]


@needs("transformers", "5.0")  # before, a decoder's mask is added to all scores, which are blocks of it as well
@in_child("torch")
def test_the_blocks_of_an_encoder_and_a_decoder() -> None:
    from resnet_inspect.readers.libraries import transformers as from_transformers
    from resnet_inspect.readers.request import Request

    summary = from_transformers.summarize(
        Request("t5", arguments=(("num_layers", 2), ("num_decoder_layers", 3)))
    ).summary
    # Raffel et al. 2020, section 2.1: attention and a feed-forward in each layer; a decoder's attends twice.
    assert len(residual_blocks(summary)) == 2 * 2 + 3 * 3
