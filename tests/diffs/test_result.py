"""What a comparison says of what it found."""

from __future__ import annotations

from dataclasses import replace

import pytest

from resnet_inspect.diffs import KINDS
from resnet_inspect.diffs.result import Change, Diff, LayerDiff, Total, gates, kinds
from resnet_inspect.errors import BadRequestError
from tests.support.toys import IMAGE, network, toy


def test_the_weightiest_status_is_told() -> None:
    layer = toy("a", "relu")
    change = Change("stride", 1, 2, "config")
    assert LayerDiff(None, layer).status == "added"
    assert LayerDiff(layer, None).status == "removed"
    assert LayerDiff(layer, layer, (change,), renamed=True, moved=True).status == "changed"
    assert LayerDiff(layer, layer, renamed=True, moved=True).status == "moved"
    assert LayerDiff(layer, layer, renamed=True).status == "renamed"
    assert LayerDiff(layer, layer).status == "same"
    assert [LayerDiff(layer, None).layer, LayerDiff(None, layer).layer] == [layer, layer]


def test_in_what_a_layer_and_a_network_differ() -> None:
    layer, change = toy("a", "relu"), Change("stride", 1, 2, "config")
    for found in (LayerDiff(None, layer), LayerDiff(layer, None)):
        assert found.kinds == {"layers"}
    assert LayerDiff(layer, layer, (), True).kinds == LayerDiff(layer, layer, (), False, True).kinds == {"layers"}
    assert LayerDiff(layer, layer, (change,)).kinds == {"config"}
    assert LayerDiff(layer, layer).kinds == frozenset()
    net = network(IMAGE)
    diff = Diff(net, net, (LayerDiff(None, layer), LayerDiff(layer, layer, (change,))), (), (), ())
    assert diff.kinds == {"layers", "config"}
    assert replace(diff, whole=(Change("outputs", 1, 2, "shapes"),)).kinds == {"layers", "config", "shapes"}
    assert [found.status for found in diff.of("added", "same")] == ["added"]


def test_a_total_differs_by_what_is_known() -> None:
    assert [Total("macs", *both).difference for both in ((3, 10), (None, 1), (1, None))] == [7, None, None]


def test_kinds_to_fail_on() -> None:
    assert kinds(["params", "macs"]) == {"params", "macs"}
    assert gates([]) == set(KINDS) == {"params", "shapes", "layers", "config", "edges", "macs"}
    assert gates(["edges"]) == {"edges"}
    with pytest.raises(BadRequestError, match="no such kind of difference: 'mac'; choose from params, shapes"):
        kinds(["params", "mac"])
