"""What explains a difference in the totals, of networks whose numbers are chosen so that the sums tell."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from resnet_inspect.diffs import compare
from resnet_inspect.diffs.result import Cause
from resnet_inspect.ir import Layer, Summary
from tests.support.toys import IMAGE, network, tensor, toy


def conv(name: str, reads: str, params: int, macs: int, **attributes: Any) -> Layer:
    return toy(name, "conv2d", reads, params=params, macs=macs, attributes=attributes)


def causes(old: Summary, new: Summary, total: str = "params") -> list[tuple[int, str, Any, Any, str, int, int]]:
    """The causes of one total: amount, what, old, new, place, layers changed and layers behind them."""
    found = [cause for cause in compare(old, new, any_input=True).causes if cause.total == total]
    return [(c.amount, c.what, c.old, c.new, c.place, c.layers, c.followers) for c in found]


def test_a_setting_is_the_cause_where_it_changed() -> None:
    old = network(IMAGE, conv("a.conv", "x", 10, 100, kernel_size=(1, 1), stride=1))
    new = network(IMAGE, conv("a.conv", "x", 90, 900, kernel_size=(3, 3), stride=1))
    assert compare(old, new).causes == (
        Cause("params", 80, 80, "kernel_size", (1, 1), (3, 3), "a.conv", 1),
        Cause("macs", 800, 800, "kernel_size", (1, 1), (3, 3), "a.conv", 1),
    )


def test_layers_behind_a_change_are_laid_to_it() -> None:
    """Without its stride, the first convolution gives four times as much work to the second."""
    old = network(
        IMAGE, conv("a", "x", 10, 100, stride=2), replace(conv("b", "a", 10, 50), output_tensors=(tensor(1, 4, 4, 4),))
    )
    new = network(IMAGE, conv("a", "x", 10, 400, stride=1), conv("b", "a", 10, 200))
    assert causes(old, new, "macs") == [(450, "stride", 2, 1, "a", 1, 1)]
    assert causes(old, new) == []


def test_what_came_and_went_is_the_cause_and_so_is_what_it_did_to_its_readers() -> None:
    old = network(IMAGE, conv("a", "x", 10, 100), conv("head.b", "a", 5, 50))
    new = network(IMAGE, conv("a", "x", 10, 100), conv("m.new", "a", 7, 70), conv("head.b", "m.new", 5, 60))
    assert causes(old, new) == [(7, "added", None, None, "m", 1, 0)]
    assert causes(old, new, "macs") == [(80, "added", None, None, "m", 1, 1)]
    assert causes(new, old) == [(-7, "removed", None, None, "m", 1, 0)]
    assert causes(new, old, "macs") == [(-80, "removed", None, None, "m", 1, 1)]


def test_modules_that_differ_only_in_their_number_came_together() -> None:
    base = [IMAGE, conv("stem", "x", 1, 1)]
    blocks = [conv(f"layer.{n}.conv", "stem" if n == 0 else f"layer.{n - 1}.conv", 10 + n, 0, n=n) for n in range(3)]
    # The stem's own settings keep the rest apart.
    found = causes(network(*base), network(*base, *blocks))
    assert found == [(10 + 11 + 12, "added", None, None, "layer", 3, 0)]
    kept = [*base, blocks[0]]
    found = causes(network(*kept), network(*base, *blocks))
    assert found == [(11 + 12, "added", None, None, "layer.1…layer.2", 2, 0)]


def test_what_pulls_the_other_way_explains_nothing_and_the_largest_comes_first() -> None:
    names = ["a", "b", "c", "d", "e"]
    sizes = {"a": (1, 6), "b": (1, 21), "c": (1, 11), "d": (20, 1), "e": (1, 2)}
    kinds = {"a": "groups", "b": "dilation", "c": "bias", "d": "stride", "e": "padding"}

    def built(side: int) -> Summary:
        return network(IMAGE, *(conv(n, "x", sizes[n][side], 0, **{kinds[n]: side}) for n in names))

    # 20 + 10 + 5 + 1 - 19 = 17: the three largest of what helps.
    found = compare(built(0), built(1)).causes
    assert [(c.amount, c.difference, c.what) for c in found] == [
        (20, 17, "dilation"),
        (10, 17, "bias"),
        (5, 17, "groups"),
    ]


def test_the_most_telling_setting_is_named() -> None:
    old = network(IMAGE, conv("a", "x", 1, 1, zzz=1, in_channels=2, padding=0, groups=1))
    new = network(IMAGE, conv("a", "x", 5, 1, zzz=2, in_channels=4, padding=1, groups=2))
    assert causes(old, new)[0][1:4] == ("groups", 1, 2)
    for name in ("out_channels", "out_features", "channels", "embed_dim", "normalized_shape", "in_features"):
        one, other = (network(IMAGE, conv("a", "x", n, 1, zzz=n, **{name: n})) for n in (1, 2))
        assert causes(one, other)[0][1:4] == ("width", 1, 2)
    for name in ("kernel_size", "groups", "stride", "dilation", "padding", "bias"):
        one, other = (network(IMAGE, conv("a", "x", n, 1, aaa=n, in_channels=n, **{name: n})) for n in (1, 2))
        assert causes(one, other)[0][1] == name
    unusual = [network(IMAGE, conv("a", "x", n, 1, zzz=n)) for n in (1, 2)]
    assert causes(unusual[0], unusual[1])[0][1] == "zzz"


def test_widths_of_one_kind_are_one_cause_wherever_they_are() -> None:
    def built(width: int) -> Summary:
        names = ["top.m.a", "top.m.b", "top.n"]
        return network(IMAGE, *(conv(name, "x", width, 0, out_channels=width) for name in names))

    assert causes(built(2), built(3)) == [(3, "width", 2, 3, "top", 3, 0)]


@pytest.mark.parametrize("fitted", ["channels", "normalized_shape", "in_channels", "in_features"])
def test_what_has_to_fit_follows(fitted: str) -> None:
    def built(width: int) -> Summary:
        wide = conv("a", "x", 10 * width, 0, out_channels=width)
        return network(IMAGE, wide, toy("n", "layer_norm", "a", params=width, attributes={fitted: width}))

    assert causes(built(2), built(3)) == [(11, "width", 2, 3, "a", 1, 1)]
    # With another setting of its own, a layer is a cause.
    both = network(
        IMAGE, conv("a", "x", 20, 0), toy("n", "layer_norm", "a", params=5, attributes={fitted: 3, "eps": 1})
    )
    alone = network(
        IMAGE, conv("a", "x", 20, 0), toy("n", "layer_norm", "a", params=2, attributes={fitted: 2, "eps": 0})
    )
    assert causes(alone, both) == [(3, "width", 2, 3, "n", 1, 0)]


def test_modules_at_the_top_are_named_where_paths_have_nothing_in_common() -> None:
    def built(width: int) -> Summary:
        return network(IMAGE, *(conv(f"{name}.c", "x", width, 0, out_channels=width) for name in "abcde"))

    assert causes(built(2), built(4))[0][4] == "a, b, c and 2 more"


def test_another_input_is_the_cause_of_all_that_follows() -> None:
    small = toy("x", "input", shape=(1, 4, 4, 4), type="Input")
    old = network(small, toy("a", "conv2d", "x", (1, 4, 4, 4), params=9, macs=16))
    new = network(IMAGE, toy("a", "conv2d", "x", (1, 4, 8, 8), params=9, macs=64))
    assert causes(old, new, "macs") == [(48, "input", ((1, 4, 4, 4),), ((1, 4, 8, 8),), "x", 1, 1)]


def test_without_anything_upstream_a_layer_explains_itself() -> None:
    old = network(IMAGE, conv("m.a", "x", 9, 100))
    new = network(IMAGE, conv("m.a", "x", 9, 150))
    assert causes(old, new, "macs") == [(50, "macs", 100, 150, "m.a", 1, 0)]
