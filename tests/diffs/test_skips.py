"""Skip connections that came and went in blocks of their own: none of them moved from one block to another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

import pytest

from resnet_inspect import summarize
from resnet_inspect.diffs import Diff, compare
from resnet_inspect.ir import Summary
from tests.support.command import in_child
from tests.support.differences import ids

#: Which of three blocks have a skip connection, before and after.
Skips = tuple[bool, ...]


def edits(made: Mapping[Skips, Summary]) -> Iterator[tuple[Skips, Skips, Diff]]:
    """Each network against each other one."""
    for before, after in product(made, repeat=2):
        yield before, after, compare(made[before], made[after])


def check(before: Skips, after: Skips, found: Diff) -> None:
    """That so many additions went and came as blocks lost and got one, and that nothing else differs."""
    went = sum(a and not b for a, b in zip(before, after, strict=True))
    came = sum(b and not a for a, b in zip(before, after, strict=True))
    gone, added = found.of("removed"), found.of("added")
    told = [(layer.layer.op, layer.skip is not None) for layer in (*gone, *added)]
    assert told == [("add", True)] * (went + came), (before, after)
    assert (len(gone), len(added)) == (went, came), (before, after)
    assert {layer.status for layer in found.layers} <= {"same", "added", "removed"}, (before, after)
    assert found.renamings == ()
    assert "edges" in found.kinds or before == after


@pytest.mark.parametrize("form", ["modules", "one forward", "ends in the sum", "BasicBlock", "Bottleneck"])
@in_child("torch")
def test_an_addition_belongs_to_its_block(form: str) -> None:
    import torch.nn.functional as F  # noqa: N812
    from torch import nn
    from torchvision.models import resnet

    class Block(nn.Module):
        def __init__(self, has_skip: bool) -> None:
            super().__init__()
            self.conv1, self.conv2 = nn.Conv2d(4, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1)
            self.has_skip = has_skip

        def forward(self, x: Any) -> Any:
            y = self.conv2(F.relu(self.conv1(x)))
            return F.relu(y + x if self.has_skip else y)

    class Flat(nn.Module):
        def __init__(self, skips: Skips) -> None:
            super().__init__()
            self.convs, self.skips = nn.ModuleList(nn.Conv2d(4, 4, 1) for _ in skips), skips

        def forward(self, x: Any) -> Any:
            for conv, has_skip in zip(self.convs, self.skips, strict=True):
                y = F.relu(conv(x))
                y = y + x if has_skip else y
                x = y if form == "ends in the sum" else F.relu(y)
            return x

    class Plain(nn.Module):
        """A block of torchvision's whose forward leaves out the sum."""

        def __init__(self, block: Any) -> None:
            super().__init__()
            self.__dict__.update(block.__dict__)

        def forward(self, x: Any) -> Any:
            out = self.relu(self.bn1(self.conv1(x)))
            if hasattr(self, "conv3"):
                return self.relu(self.bn3(self.conv3(self.relu(self.bn2(self.conv2(out))))))
            return self.relu(self.bn2(self.conv2(out)))

    def net(skips: Skips) -> Any:
        if form in ("one forward", "ends in the sum"):
            return Flat(skips)
        if form == "modules":
            return nn.Sequential(*map(Block, skips))
        kind: Any = getattr(resnet, form)
        blocks = [kind(4 * kind.expansion, 4) for _ in skips]
        return nn.Sequential(*(b if has else Plain(b) for b, has in zip(blocks, skips, strict=True)))

    size = "16x8x8" if form == "Bottleneck" else "4x8x8"
    made = {skips: summarize(net(skips), size) for skips in product((True, False), repeat=3)}
    for each in edits(made):
        check(*each)


@pytest.mark.parametrize("named", [False, True])
@in_child("tensorflow")
def test_an_addition_of_keras_belongs_to_its_block(named: bool) -> None:
    import keras

    def net(skips: Sequence[bool]) -> Any:
        x = source = keras.Input((8, 8, 4))
        for number, has_skip in enumerate(skips):
            y = keras.layers.Conv2D(4, 3, padding="same", name=f"block{number}_conv")(x)
            name = f"block{number}_add" if named else None
            y = keras.layers.Add(name=name)([y, x]) if has_skip else y
            x = keras.layers.ReLU(name=f"block{number}_relu" if named else None)(y)
        return keras.Model(source, x)

    made = {skips: summarize(net(skips)) for skips in product((True, False), repeat=3)}
    for each in edits(made):
        check(*each)


@in_child("torch")
def test_what_moved_with_its_block_moved() -> None:
    import torch.nn.functional as F  # noqa: N812
    from torch import nn

    class Block(nn.Module):
        def __init__(self, width: int) -> None:
            super().__init__()
            self.conv1, self.conv2 = nn.Conv2d(4, width, 3, padding=1), nn.Conv2d(width, 4, 3, padding=1)

        def forward(self, x: Any) -> Any:
            return F.relu(self.conv2(F.relu(self.conv1(x))) + x)

    class Net(nn.Module):
        def __init__(self, order: str) -> None:
            super().__init__()
            self.a, self.b, self.c = Block(4), Block(5), Block(6)
            self.order = order

        def forward(self, x: Any) -> Any:
            for name in self.order:
                x = getattr(self, name)(x)
            return x

    found = compare(summarize(Net("abc"), "4x8x8"), summarize(Net("bca"), "4x8x8"))
    assert not ids(found, "added", "removed")
    # The addition and the activation went along with the convolutions that they are between.
    assert {layer.layer.id for layer in found.layers if layer.moved} <= {
        f"a.{name}" for name in ("conv1", "relu", "conv2", "add", "relu_1")
    }
    assert {"a.conv1", "a.add"} <= {layer.layer.id for layer in found.layers if layer.moved}
