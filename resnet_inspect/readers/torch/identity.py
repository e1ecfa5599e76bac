"""The identity experiment in torch: on a lowered block, and on torchvision's ResNets."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import replace

import torch
from torch import nn
from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet

from ...activity import doing
from ...blocks.residual import BlockSpec, residual_block
from ...errors import ModelError
from ..identity import INPUTS, Experiment, Variant, measured, measured_network, spread_over
from ..local.reader import resolve_block
from ..request import Request
from . import reader as from_torch
from .lower import lower
from .object import summarize_object
from .state import kept_random_state


def block(spec: BlockSpec, request: Request, seed: int) -> Experiment:
    """A block with an identity shortcut: its branch at zero, as initialised, and with the last gamma at zero.

    Expected is the input, rectified if the block ends with a ReLU.

    Raises:
        InputError: shapes differ, so that the shortcut can't be the identity.
    """
    spec, resolved = resolve_block(replace(spec, shortcut="identity", flavor="torch"), request)
    graph = residual_block(spec)
    with kept_random_state(), torch.no_grad():
        torch.manual_seed(seed)
        x = torch.randn(resolved.shape)
        expected = x if spec.kind == "preactivation" else torch.relu(x)
        usual = lower(graph).eval()
        zero, last_gamma = copy.deepcopy(usual), copy.deepcopy(usual)
        set_to_zero(zero.parameters())
        # Goyal et al. 2017, section 5.1: training starts from the identity.
        set_to_zero([[module for module in last_gamma.modules() if isinstance(module, nn.BatchNorm2d)][-1].weight])
        variants = {"branch at zero": zero, "usual initialisation": usual, "last gamma at zero": last_gamma}
        cases = tuple(measured(name, expected, module(x)) for name, module in variants.items())
    return Experiment("torch", f"block, {spec.kind}", seed, resolved.shape, cases)


def network(request: Request, insert: int, seed: int) -> Experiment:
    """A ResNet of torchvision, and the same with ``insert`` more blocks after its stage ends. Expected are its logits.

    Raises:
        ModelError: the model isn't one of torchvision's ResNets.
        InputError: the input doesn't fit.
    """
    name, build = from_torch.constructor(request)
    with kept_random_state(), torch.no_grad():
        torch.manual_seed(seed)
        base = build().eval()
        if type(base) is not ResNet:
            raise ModelError(f"torch:{name} has no stages to insert blocks into; take a resnet, resnext or wide_resnet")
        (resolved,) = from_torch.resolved_inputs(request, name, base)
        shape = (INPUTS, *resolved.shape[1:])
        x = torch.randn(shape)
        expected = base(x)
        cases = [_case(name, base, x, expected)]
        for words, usual in (("branch at zero", False), ("usual initialisation", True)):
            torch.manual_seed(seed + 1)
            blocks = _blocks(base, insert, usual)
            for shortcut in (True, False):
                ending = "" if shortcut else ", no shortcut"
                with doing(f"network {len(cases) + 1} of 5, {words}{ending}"):
                    deeper = _deeper(base, blocks, shortcut)
                    cases.append(_case(f"+{insert} blocks, {words}{ending}", deeper, x, expected))
    return Experiment("torch", name, seed, shape, tuple(cases))


def set_to_zero(parameters: Iterable[nn.Parameter]) -> None:
    """Every element of every parameter."""
    for parameter in parameters:
        parameter.zero_()


class WithoutShortcut(nn.Module):
    """The layers of a residual block one after the other, nothing added."""

    def __init__(self, block: BasicBlock | Bottleneck) -> None:
        super().__init__()
        self.block = block

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Convolution, normalisation, ReLU, as often as the block has them."""
        block = self.block
        for index in range(1, 4 if isinstance(block, Bottleneck) else 3):
            x = torch.relu(getattr(block, f"bn{index}")(getattr(block, f"conv{index}")(x)))
        return x


def _blocks(base: ResNet, insert: int, usual: bool) -> list[list[nn.Module]]:
    """What is inserted after the end of each stage: blocks of the network's own kind, as wide as its last one."""
    blocks: list[list[nn.Module]] = []
    for stage, count in zip(_stages(base), spread_over(insert, 4), strict=True):
        blocks.append([_block_after(stage[-1], base).eval() for _ in range(count)])
        if not usual:
            set_to_zero(parameter for block in blocks[-1] for parameter in block.parameters())
    return blocks


def _deeper(base: ResNet, blocks: list[list[nn.Module]], shortcut: bool) -> nn.Module:
    """The network with more blocks after its stages. All tensors are those of ``base`` and of the blocks themselves."""
    tensors = (*base.parameters(), *base.buffers())
    deeper = copy.deepcopy(base, {id(tensor): tensor for tensor in tensors})
    for stage, more in zip(_stages(deeper), blocks, strict=True):
        stage.extend(block if shortcut else WithoutShortcut(block) for block in more)
    return deeper


def _stages(network: ResNet) -> list[nn.Sequential]:
    return [network.layer1, network.layer2, network.layer3, network.layer4]


def _block_after(last: nn.Module, base: ResNet) -> BasicBlock | Bottleneck:
    if isinstance(last, Bottleneck):
        channels = last.conv3.out_channels
        return Bottleneck(channels, channels // 4, groups=base.groups, base_width=base.base_width)
    return BasicBlock(last.conv2.out_channels, last.conv2.out_channels)


def _case(name: str, model: nn.Module, x: torch.Tensor, expected: torch.Tensor) -> Variant:
    summary = summarize_object(model, [x[:1]])
    macs = None if summary.totals.uncounted else summary.totals.macs
    return measured_network(name, expected, model(x), sum(p.numel() for p in model.parameters()), macs)
