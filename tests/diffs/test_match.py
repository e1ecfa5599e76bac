"""Which layer is which, of networks in which one thing was changed by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from resnet_inspect.diffs import compare
from resnet_inspect.diffs.match import by_structure, match
from resnet_inspect.diffs.names import masked, renamings
from resnet_inspect.diffs.result import Renaming
from resnet_inspect.ir import Layer
from tests.support.toys import IMAGE, network, toy


def chain(*kinds: str, prefix: str = "") -> tuple[Layer, ...]:
    """Layers one after the other, as (name, op, width): each has weights of its width."""
    made = [IMAGE]
    for kind in kinds:
        name, op, width = kind.split()
        size = int(width)
        made.append(toy(prefix + name, op, made[-1].id, (1, size, 8, 8), params=size, attributes={"channels": size}))
    return network(*made).layers


def paired(old: tuple[Layer, ...], new: tuple[Layer, ...]) -> dict[str, str]:
    """The pairs by name; the input, which is always one, apart."""
    return {old[a].id: new[b].id for a, b in match(old, new) if old[a].id != "x"}


NET = chain("conv conv2d 8", "act relu 8", "mid conv2d 16", "fc dense 4")


def test_a_network_is_itself() -> None:
    assert match(NET, NET) == [(index, index) for index in range(5)]


def test_the_same_name_is_the_same_layer_with_other_settings() -> None:
    wider = chain("conv conv2d 8", "act relu 8", "mid conv2d 32", "fc dense 4")
    assert paired(NET, wider) == {name: name for name in ("conv", "act", "mid", "fc")}
    other = chain("conv conv2d 8", "act gelu 8", "mid conv2d 16", "fc dense 4")
    assert paired(NET, other)["act"] == "act"


def test_another_thing_of_the_same_name_is_another_layer_unless_nothing_is_left() -> None:
    old = chain("a conv2d 8", "b dense 4")
    new = chain("a dense 4", "b conv2d 8")
    assert paired(old, new) in ({"a": "b"}, {"b": "a"}, {"a": "b", "b": "a"})
    assert paired(chain("a conv2d 8"), chain("a dense 4")) == {"a": "a"}


def test_in_a_sequence_that_is_only_numbered_the_order_counts() -> None:
    old = chain("0 conv2d 8", "1 relu 8", "2 conv2d 16", "3 relu 16", prefix="features.")
    new = chain("0 conv2d 8", "1 batch_norm 8", "2 relu 8", "3 conv2d 16", "4 relu 16", prefix="features.")
    found = paired(old, new)
    assert found == {f"features.{a}": f"features.{b}" for a, b in ((0, 0), (1, 2), (2, 3), (3, 4))}


def test_a_renamed_layer_is_found_by_what_it_is() -> None:
    renamed = chain("stem conv2d 8", "act relu 8", "mid conv2d 16", "head dense 4")
    assert paired(NET, renamed) == {"conv": "stem", "act": "act", "mid": "mid", "fc": "head"}


def test_a_prefix_that_others_changed_leads_to_a_layer_with_other_settings() -> None:
    old = chain("conv conv2d 8", "mid conv2d 16", "fc dense 4", prefix="body.")
    new = chain("conv conv2d 8", "mid conv2d 32", "fc dense 4", prefix="net.trunk.")
    assert paired(old, new)["body.mid"] == "net.trunk.mid"
    gone = chain("conv conv2d 8", "mid conv2d 32", "fc dense 4")
    assert paired(old, gone)["body.mid"] == "mid"


def test_a_moved_layer_is_found_elsewhere() -> None:
    old = chain("a conv2d 8", "b relu 8", "c dense 4", "d conv2d 16")
    new = chain("d conv2d 16", "a conv2d 8", "b relu 8", "c dense 4")
    assert paired(old, new) == {name: name for name in "abcd"}


def test_another_name_and_other_settings_are_found_by_neighbours() -> None:
    old = chain("a conv2d 8", "mid conv2d 16", "z dense 4")
    new = chain("a conv2d 8", "other conv2d 32", "z dense 4")
    assert paired(old, new)["mid"] == "other"
    # Another operation at the same place is another layer.
    assert "mid" not in paired(old, chain("a conv2d 8", "other dense 32", "z dense 4"))


def test_what_came_and_went_has_no_partner() -> None:
    shorter = chain("conv conv2d 8", "mid conv2d 16", "fc dense 4")
    assert paired(NET, shorter) == {name: name for name in ("conv", "mid", "fc")}
    assert paired(shorter, NET) == {name: name for name in ("conv", "mid", "fc")}
    assert match(NET, ()) == match((), NET) == []


def test_structure_pairs_what_has_other_names() -> None:
    new = chain("c1 conv2d 8", "a1 gelu 8", "c2 conv2d 16", "d dense 4")
    pairs = by_structure(NET, new)
    assert pairs == [(index, index) for index in range(5)]
    # One more convolution of other channels is left over: the others are found by theirs.
    more = chain("c1 conv2d 8", "a1 relu 8", "extra conv2d 8", "c2 conv2d 16", "d dense 4")
    assert (3, 4) in by_structure(NET, more)
    assert 3 not in {b for _, b in by_structure(NET, more)}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("features.3.conv", "features.#.conv"),
        ("0", "#"),
        ("12.0.w", "#.#.w"),
        ("conv2d_7", "conv2d"),
        ("layer1.relu_1.x", "layer1.relu.x"),
        ("conv2d", "conv2d"),
        ("layer1.block2", "layer1.block2"),
        ("a_1b", "a_1b"),
        ("3x.y", "3x.y"),
    ],
)
def test_numbers_that_count_are_masked(path: str, found: str) -> None:
    assert masked(path) == found


def test_renamings_in_as_few_lines_as_say_them() -> None:
    assert renamings([("a.w", "a.w")]) == []
    # A shared prefix is one, however many layers are below it.
    assert renamings([("old.a", "new.a"), ("old.b", "new.b")]) == [Renaming("old", "new", 2)]
    # So is a wrapper that came.
    assert renamings([("a", "net.a"), ("b", "net.b")]) == [Renaming("", "net", 2)]
    # Numbers that shift by the same are a run.
    shifted = [(f"f.{n}", f"f.{n + 1}") for n in (2, 3, 4)]
    assert renamings(shifted) == [Renaming("f.2…f.4", "f.3…f.5", 3)]
    # Other shifts are other runs.
    assert renamings([*shifted, ("f.5", "f.8")]) == [Renaming("f.2…f.4", "f.3…f.5", 3), Renaming("f.5", "f.8", 1)]
    assert renamings([("a", "b"), ("c", "d")]) == [Renaming("a", "b", 1), Renaming("c", "d", 1)]


def test_every_layer_is_told_once_with_what_became_of_it() -> None:
    shorter = network(*chain("conv conv2d 8", "mid conv2d 16", "fc dense 4"))
    found = compare(network(*NET), shorter)
    # What went is told behind the layer that it followed.
    assert [(layer.layer.id, layer.status) for layer in found.layers] == [
        ("x", "same"),
        ("conv", "same"),
        ("act", "removed"),
        ("mid", "same"),
        ("fc", "same"),
    ]
    assert [layer.layer.id for layer in compare(shorter, network(*NET)).of("added")] == ["act"]
    renamed = compare(network(*NET), network(*chain("stem conv2d 8", "act relu 8", "mid conv2d 16", "fc dense 4")))
    assert renamed.kinds == {"layers"}
    assert renamed.renamings == (Renaming("conv", "stem", 1),)
    # What went before anything that stayed comes first.
    first = network(*(replace(layer, inputs=()) for layer in NET[1:]))
    assert compare(first, network(*(replace(layer, inputs=()) for layer in NET[2:]))).layers[0].status == "removed"


def test_the_largest_module_that_went_is_told() -> None:
    old = network(*chain("a.b.c conv2d 8", "a.b.d conv2d 9", "a.e dense 4", "f.g dense 5"))
    new = network(*chain("a.e dense 4"))
    modules = {layer.layer.id: layer.module for layer in compare(old, new).of("removed")}
    assert modules == {"a.b.c": "a.b", "a.b.d": "a.b", "f.g": "f"}
    assert {layer.module for layer in compare(new, old).of("added")} == {"a.b", "f"}
