"""The page of one network in a browser: it shows every number and every shortcut, however it is folded."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

import pytest

from resnet_inspect import ir_json
from resnet_inspect.analysis.residual import residual_blocks
from resnet_inspect.ir import Summary
from resnet_inspect.render import View, render
from resnet_inspect.shape import format_shape
from tests.support.browser import Opener
from tests.support.command import needs
from tests.support.reports import press, ready, report, rows, show_all_columns, summary

if TYPE_CHECKING:
    from playwright.sync_api import Page

#: A model -> the residual blocks that its paper gives it, None where it has another kind of skips.
MODELS = {
    "torch:resnet18": 8,
    "torch:resnet50": 16,
    "torch:densenet121": 0,
    "torch:efficientnet_b0": 9,
    "torch:vit_b_16": 24,
    "torch:swin_t": 24,
    "keras:ResNet50": 16,
    "onnx:residual": 1,
}
_NEEDS = {"torch": "torchvision", "keras": "tensorflow", "onnx": "onnx"}
#: Columns that a module has the sums of.
SUMS = ("params", "macs", "activation_bytes", "param_bytes", "trainable", "frozen", "statistics")

#: What is drawn: each arrow of a shortcut, how many blocks each box has inside, and the modules that are closed.
_DRAWN = """() => ({
  arrows: [...document.querySelectorAll(".network path[data-blocks]")].map((path) => ({
    source: Number(path.dataset.source), target: Number(path.dataset.target),
    blocks: path.dataset.blocks.split(" ").map(Number), drawn: path.getBoundingClientRect().height > 0,
  })),
  boxes: Object.fromEntries([...document.querySelectorAll(".network .box")].map(
    (box) => [box.dataset.node, Number(box.dataset.residual ?? 0)])),
  closed: [...document.querySelectorAll(".network .box.module")].map((box) => Number(box.dataset.node)),
})"""
_OPEN = """nodes => {
  for (const node of nodes) {
    document.querySelector(`.network [data-node="${node}"]`).dispatchEvent(new MouseEvent("click", {bubbles: true}));
  }
}"""


def _marked(model: str) -> Any:
    return pytest.param(model, marks=needs(_NEEDS[model.partition(":")[0]]))


@pytest.mark.parametrize("model", [_marked(model) for model in MODELS])
def test_every_number_and_every_shortcut(model: str, opened: Opener) -> None:
    network = summary(model)
    page = ready(opened(report(network), viewport=(1600, 1600)))
    assert len(residual_blocks(network)) == MODELS[model]

    press(page, "Unfold")
    show_all_columns(page)
    listed = rows(page)
    assert_numbers(network, listed)
    assert_shortcuts(network, listed, page)


def assert_numbers(network: Summary, listed: list[dict[str, Any]]) -> None:
    """Rows of layers are the JSON document's and the CSV's, rows of modules the sums of those in them."""
    document = ir_json.to_dict(network)
    layers = {layer["id"]: layer for layer in document["layers"]}
    table = {row["id"]: row for row in csv.DictReader(io.StringIO(render(network, "csv", View())))}
    own = [row for row in listed if row["layer"]]
    assert [row["name"] for row in own] == list(layers)
    for row in own:
        layer, cells = layers[row["name"]], row["cells"]
        assert cells["params"] == f"{layer['params']:,}"
        assert cells["macs"] == ("n/a" if layer["macs"] is None else f"{layer['macs']:,}")
        assert cells["output"] == ", ".join(format_shape(tuple(shape)) for shape in layer["output_shapes"])
        assert cells.keys() >= {*SUMS, "type", "saved_bytes", "live_bytes", "rf"}
        for key, cell in cells.items():
            expected = table[row["name"]][key]
            wanted = (expected.replace(",", ""), expected or "n/a", f"{expected} (not called)")
            assert cell.replace(",", "") in wanted, (row["name"], key)

    sums: list[dict[str, int | None]] = []
    for row in reversed(listed):
        # From below, what stands in a module comes before it.
        sums += [dict.fromkeys(SUMS, 0) for _ in range(row["level"] + 1 - len(sums))]
        inside = sums[row["level"]]
        del sums[row["level"] + 1 :]
        for key in SUMS:
            cell, total = row["cells"][key].replace(",", ""), sums[row["level"] - 1]
            amount = int(cell) if cell.isdigit() else None
            assert row["layer"] or amount == inside[key], (row["name"], key)
            total[key] = None if amount is None else _plus(total[key], amount)
            inside[key] = 0
    totals = document["totals"]
    assert sums[0]["params"] == totals["params"]
    assert sums[0]["macs"] == totals["macs"]


def _plus(one: int | None, other: int) -> int | None:
    return None if one is None else one + other


def assert_shortcuts(network: Summary, listed: list[dict[str, Any]], page: Page) -> None:
    """At every level of folding each residual block is drawn as arrows between its own layers, or is in one box."""
    place = {layer.id: index for index, layer in enumerate(network.layers)}
    # The layers of each node, from the rows of the unfolded table alone.
    inside: dict[int, set[int]] = {}
    around: list[int] = []
    for row in listed:
        around[row["level"] - 1 :] = [row["node"]]
        for node in around if row["layer"] else ():
            inside.setdefault(node, set()).add(place[row["name"]])
    blocks = []
    for block in residual_blocks(network):
        members = {place[name] for name in (*block.branch, *block.shortcut, block.join)}
        path = [place[name] for name in (block.fork, *block.shortcut, block.join)]
        blocks.append((members, set(path), path[-1]))

    press(page, "Fold")
    deepest = max((row["level"] for row in listed if not row["layer"]), default=0)
    levels = 0
    while True:
        drawn = page.evaluate(_DRAWN)
        boxes = {int(node): inside[int(node)] for node in drawn["boxes"]}
        assert sorted(layer for layers in boxes.values() for layer in layers) == list(range(len(place)))
        hidden = {int(node): count for node, count in drawn["boxes"].items()}
        shown = set()
        for arrow in drawn["arrows"]:
            assert arrow["drawn"]
            for block in arrow["blocks"]:
                _, path, _ = blocks[block]
                assert path & boxes[arrow["source"]]
                assert path & boxes[arrow["target"]]
                shown.add(block)
        for index, (members, _, join) in enumerate(blocks):
            if index not in shown:
                (box,) = (node for node, layers in boxes.items() if join in layers)
                hidden[box] -= 1
            else:
                assert not any(members <= layers for layers in boxes.values())
        assert not any(hidden.values())
        if not drawn["closed"]:
            break
        levels += 1
        if levels < deepest:
            page.evaluate(_OPEN, drawn["closed"])
        else:
            press(page, "Unfold")
    assert len(shown) == len(blocks)
    assert levels == deepest
