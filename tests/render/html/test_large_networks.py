"""Pages of networks that are large, wide or empty: written in time that grows with them, and drawn in parts."""

from __future__ import annotations

import itertools
import time
from dataclasses import replace

import pytest

from resnet_inspect.ir import Summary
from resnet_inspect.render.html.tree import tree
from resnet_inspect.render.picture import shortcuts
from tests.support.browser import Opener
from tests.support.reports import ready, report
from tests.support.toys import network, toy


def flat(count: int, op: str = "relu") -> Summary:
    """A chain of layers that stand in no module; each reads the four before."""
    names = [f"n{number}" for number in range(count)]
    return network(
        *(toy(name, op, " ".join(names[max(0, place - 4) : place])) for place, name in enumerate(names)),
    )


@pytest.mark.parametrize("count", [120, 121, 2_345, 31_000])
def test_no_module_has_more_nodes_inside_than_a_browser_draws(count: int) -> None:
    made = flat(count)
    nodes = tree(made)
    inside: dict[int, int] = {}
    for place, node in enumerate(nodes):
        assert node.parent < place
        inside[node.parent] = inside.get(node.parent, 0) + 1
    assert max(inside.values()) <= 120
    assert [node.row.id for node in nodes if node.is_layer] == [layer.id for layer in made.layers]
    for node in nodes:
        ends = node.row.layers[0].id, node.row.layers[-1].id
        assert node.is_layer or not node.row.id or node.label == " … ".join(ends)


def test_a_page_of_thousands_of_layers_without_modules_is_drawn(opened: Opener) -> None:
    page = ready(opened(report(flat(5_000, "add")), fragment="n4321"))
    assert page.locator(".details .path bdi").inner_text() == "n4321"
    assert 70 < page.locator(".network .box").count() < 250


def test_shortcuts_of_joins_are_those_that_each_pair_of_inputs_says() -> None:
    reads = ["", "a", "b", "a c", "b d a", "c", "e f d", "g a", "h"]
    ops = ["relu", "relu", "relu", "add", "concat", "relu", "concat", "add", "relu"]
    made = network(*(toy(name, op, read) for name, op, read in zip("abcdefghi", ops, reads, strict=True)))
    behind: dict[str, set[str]] = {}
    for layer in made.layers:
        behind[layer.id] = {*layer.inputs}.union(*(behind[source] for source in layer.inputs))
    expected = {
        (one, layer.id)
        for layer in made.layers
        for one, other in itertools.permutations(layer.inputs, 2)
        if layer.op in ("add", "concat") and one in behind[other]
    }
    assert expected
    assert set(shortcuts(made, ())) == expected


def test_a_join_of_many_is_looked_at_once() -> None:
    """All-to-all: each join has as many shortcuts as inputs but one, in a second instead of minutes."""
    names = [f"n{number}" for number in range(500)]
    made = network(*(toy(name, "concat", " ".join(names[:place])) for place, name in enumerate(names)))
    begun = time.process_time()
    assert len(shortcuts(made, ())) == sum(range(1, 499))
    assert time.process_time() - begun < 3


def test_a_network_without_layers_has_a_page(opened: Opener) -> None:
    page = ready(opened(report(network())))
    assert page.title() == "torch:toy"


def test_of_a_text_of_millions_of_characters_the_beginning_is_drawn(opened: Opener) -> None:
    long = "T" * 3_000_000
    made = network(toy("x", "input"), toy("a", "relu", "x", type=long, attributes={"note": long}))
    page = ready(opened(report(replace(made, model=replace(made.model, name=long)), columns=("type", "attributes"))))
    page.locator(".network .box").last.click()
    texts = page.evaluate("() => [document.title, document.querySelector('main').outerHTML].map(text => text.length)")
    assert max(texts) < 100_000
