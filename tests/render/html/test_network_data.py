"""What a page is given of a network: which nodes are held together, and what is alive at the peak."""

from __future__ import annotations

import pytest

from resnet_inspect.render.html.network import network as data
from resnet_inspect.render.html.tree import tree
from tests.support.toys import network, toy


@pytest.mark.parametrize(("blocks", "others", "held"), [(3, 0, 0), (4, 0, 4), (1, 1, 0), (2, 1, 2)])
def test_equal_modules_are_a_run_unless_a_few_are_all_there_is(blocks: int, others: int, held: int) -> None:
    names = [f"{kind}{at}" for kind, count in (("a", blocks), ("b", others)) for at in range(count)]
    layers = [toy(f"{name}.{op}", op) for name in names for op in ("relu", "sigmoid" if name[0] == "a" else "tanh")]
    made = network(*layers, modules=(("", "Net"), *((name, name[0]) for name in names)))
    assert [node.count for node in tree(made) if node.is_run] == [held] * bool(held)


def test_of_many_outputs_that_are_alive_the_largest_are_listed_and_the_others_counted() -> None:
    sizes = {f"n{at}": at + 1 for at in range(15)}
    each = [toy(name, "relu", "x", shape=(1, size)) for name, size in sizes.items()]
    memory = data(
        network(toy("x", "input", shape=(1, 1)), *each, toy("all", "concat", " ".join(sizes), shape=(1, 120)))
    )["memory"]
    # While the last one runs: its own 120 numbers of four bytes, those of all that it reads, and the caller's input.
    assert memory["peak"] == 16
    assert memory["live"][16] == 4 * (120 + sum(sizes.values()) + 1)
    assert memory["alive"] == [[16, 480], *([place, 4 * place] for place in range(15, 4, -1))]
    assert memory["others"] == 5
