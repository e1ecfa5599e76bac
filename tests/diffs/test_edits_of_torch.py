"""Edits that people make to their torch modules, and the one thing that each of them is."""

from __future__ import annotations

from typing import Any

from resnet_inspect import summarize
from resnet_inspect.diffs import compare
from resnet_inspect.render.diff.words import headlines
from tests.support.command import in_child
from tests.support.differences import ids, settings


@in_child("torch")
def test_a_function_in_front_of_others_of_its_name() -> None:
    import torch.nn.functional as F  # noqa: N812
    from torch import nn

    class Net(nn.Module):
        def __init__(self, first: bool = False, activation: Any = F.relu) -> None:
            super().__init__()
            self.a, self.b, self.c = nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 4)
            self.first, self.activation = first, activation

        def forward(self, x: Any) -> Any:
            x = F.relu(x) if self.first else x
            return F.relu(self.c(self.activation(self.b(F.relu(self.a(x))))))

    plain = summarize(Net(), (4,))
    inserted = compare(plain, summarize(Net(first=True), (4,)))
    assert [layer.layer.id for layer in inserted.layers if layer.status != "same"] == ["relu"]
    assert ids(inserted, "added") == ["relu"]
    assert inserted.renamings == ()
    other = compare(plain, summarize(Net(activation=F.gelu), (4,)))
    assert settings(other) == {"gelu": {"type", "op"}}
    assert not ids(other, "added", "removed", "moved")
    assert other.renamings == ()  # a function's name is nobody's


@in_child("torch")
def test_a_concatenation_of_one_more() -> None:
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self, more: Any = None) -> None:
            super().__init__()
            self.a, self.b = nn.Linear(4, 4), nn.Linear(4, 4)
            self.more = more
            self.head = nn.Linear(12 if more else 8, 4)

        def forward(self, x: Any) -> Any:
            parts = [self.a(x), self.b(x)]
            return self.head(torch.cat([*parts, self.more(parts[0])] if self.more else parts, 1))

    plain = summarize(Net(), (4,))
    found = compare(plain, summarize(Net(nn.ReLU()), (4,)))
    assert ids(found, "added") == ["more"]
    joined, _ = found.of("changed")
    assert [change.words for change in joined.changes if change.words] == ["input from more added"]
    again = compare(plain, summarize(Net(lambda part: part), (4,)))
    assert headlines(again)[1] == "+16 parameters: cat inputs a, b → a, b, a, and 1 layer after it"


@in_child("torch")
def test_ties_that_come_go_and_move() -> None:
    from torch import nn

    class Net(nn.Module):
        def __init__(self, owner: str | None) -> None:
            super().__init__()
            self.a, self.b, self.c = nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 4)
            if owner:
                self.c.weight = getattr(self, owner).weight

        def forward(self, x: Any) -> Any:
            return self.c(self.b(self.a(x)))

    free, tied, other = (summarize(Net(owner), (4,)) for owner in (None, "a", "b"))
    assert settings(compare(free, tied)) == {"c": {"shared"}}
    assert settings(compare(tied, free)) == {"c": {"shared"}}
    assert settings(compare(tied, other)) == {"c": {"shared"}}
    assert compare(tied, tied).kinds == frozenset()
    assert headlines(compare(free, tied))[1] == "-16 parameters: c shares nothing → a.weight"
    assert headlines(compare(tied, free))[1] == "+16 parameters: c shares a.weight → nothing"


@in_child("torch")
def test_what_only_another_kind_of_layer_can_set_is_no_change_of_its_own() -> None:
    from torch import nn

    def net(norm: Any) -> Any:
        return nn.Sequential(nn.Conv2d(3, 16, 3), norm)

    found = compare(summarize(net(nn.BatchNorm2d(16)), "3x8x8"), summarize(net(nn.GroupNorm(4, 16)), "3x8x8"))
    assert settings(found) == {"1": {"type", "op"}}


@in_child("torch")
def test_a_renamed_module_with_a_parameter_of_its_own() -> None:
    import torch
    from torch import nn

    class Encoder(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.position = nn.Parameter(torch.zeros(1, 4))
            self.dense = nn.Linear(4, 4)

        def forward(self, x: Any) -> Any:
            return self.dense(x + self.position)

    class Net(nn.Module):
        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name
            setattr(self, name, Encoder())

        def forward(self, x: Any) -> Any:
            return getattr(self, self.name)(x)

    found = compare(summarize(Net("encoder"), (4,)), summarize(Net("backbone"), (4,)))
    assert [(item.old, item.new, item.layers) for item in found.renamings] == [("encoder", "backbone", 2)]
    assert found.kinds == {"layers"}


@in_child("torch")
def test_the_cause_is_the_edited_layer_and_what_follows_is_counted() -> None:
    from torch import nn

    def net(stride: int) -> Any:
        stem = nn.Sequential(nn.Conv2d(3, 8, 3, stride, 1), nn.ReLU())
        return nn.Sequential(stem, *(nn.Conv2d(8, 8, 3, padding=1) for _ in range(3)))

    found = compare(summarize(net(1), "3x16x16"), summarize(net(2), "3x16x16"))
    (cause,) = found.causes
    assert (cause.place, cause.what, cause.layers, cause.followers) == ("0.0", "stride", 1, 3)
    # A quarter of 16 * 16 * 8 * (3 * 9 + 3 * 8 * 9) is left.
    assert cause.amount == cause.difference == -3 * 8 * 8 * 8 * (27 + 3 * 72)
    assert headlines(found)[1].endswith("MACs: 0.0 stride 1x1 → 2x2, and 3 layers after it")
