"""Drawings of large graphs, and of no graph: what is folded, and what is said of it."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from types import FrameType

import pytest

from resnet_inspect.analysis.rows import Row
from resnet_inspect.ir import Layer, Model, Parameter, Summary, Trace
from resnet_inspect.render import GRAPHS, View, mermaid, notes, render, with_notes
from resnet_inspect.render.mermaid import MAX_CHARACTERS, MAX_EDGES
from resnet_inspect.render.picture import Picture, picture
from tests.support.command import local
from tests.support.drawings import READERS, read_mermaid


def chain(count: int, modules: int = 1) -> Summary:
    """Layers one after the other, in so many modules."""
    ids = [f"m{index % modules if modules > 1 else 0}.{index}" for index in range(count)]
    ids.sort(key=lambda name: int(name[1:].partition(".")[0]))
    layers = [Layer(name, name, "ReLU", "relu", inputs=tuple(ids[i - 1 : i])) for i, name in enumerate(ids)]
    kinds = [(f"m{index}", "Stage") for index in range(modules)]
    return Summary(Model("chain", "torch", "b"), (), (), tuple(layers), modules=(("", "Net"), *kinds))


@pytest.mark.parametrize(
    ("layers", "modules", "folded"), [(MAX_EDGES + 1, 7, False), (MAX_EDGES + 2, 7, True), (10_000, 40, True)]
)
def test_mermaid_folds_until_github_draws_it(layers: int, modules: int, folded: bool) -> None:
    text = render(chain(layers, modules), "mermaid", View())
    said = notes(chain(layers, modules), "mermaid", View())
    assert text.startswith(f"%% {said[0]}\nflowchart TD" if folded else "flowchart TD")
    assert [note.partition(":")[0] for note in said] == ["folded at --depth 1"] * folded
    assert len(read_mermaid(text)) == (modules if folded else layers) - 1
    assert len(text) <= MAX_CHARACTERS


def test_mermaid_folds_what_has_few_edges_and_long_names() -> None:
    wide = chain(100)
    layers = [Layer(layer.id, layer.path, "🙂" * 300, "relu", inputs=layer.inputs) for layer in wide.layers]
    summary = Summary(wide.model, (), (), tuple(layers), modules=wide.modules)
    # 300 characters that JavaScript counts twice, in 100 layers: 30,000 and 60,000.
    text = render(summary, "mermaid", View())
    assert text.startswith("%% folded at --depth 1")
    assert len(text) < 1000


def test_a_depth_that_is_asked_for_is_drawn_and_the_note_says_which_one_fits(tmp_path: Path) -> None:
    file = tmp_path / "chain.json"
    file.write_text(render(chain(600, 7), "json", View()))
    done = local("summary", str(file), "--depth", "2", "--format", "mermaid")
    assert done.returncode == 0
    assert len(read_mermaid(done.stdout)) == 599
    assert "note: GitHub draws no flowchart of 599 edges" in done.stderr
    assert "--depth 1 is the deepest that fits" in done.stderr
    # As it says: no note, and an arrow less than there are modules.
    done = local("summary", str(file), "--depth", "1", "--format", "mermaid")
    assert (done.returncode, done.stderr, len(read_mermaid(done.stdout))) == (0, "", 6)


def test_what_no_depth_folds_is_drawn_whole_with_a_note() -> None:
    # As Keras' networks are: no modules.
    ids = [f"layer_{index}" for index in range(600)]
    layers = [Layer(name, name, "ReLU", "relu", inputs=tuple(ids[max(i - 1, 0) : i])) for i, name in enumerate(ids)]
    flat = Summary(Model("flat", "keras", "b"), (), (), tuple(layers))
    assert len(read_mermaid(render(flat, "mermaid", View()))) == 599
    assert "no --depth folds it enough" in notes(flat, "mermaid", View())[0]
    assert not notes(flat, "mermaid", View(only=("layer_1*",)))
    assert not notes(flat, "svg", View())


def test_tensors_alone_are_drawn_without_arrows_and_the_note_says_why(tmp_path: Path) -> None:
    parts = [("a.conv", 8 * 3), ("a.bn", 8), ("fc", 10 * 8)]
    layers = [
        Layer(name, name, "Tensors", "other", parameters=(Parameter("w", (size,), "float32", "unknown"),), macs=None)
        for name, size in parts
    ]
    model = Model("w.safetensors", "torch", "")
    summary = Summary(model, (), (), tuple(layers), modules=(("", "C"), ("a", "Module")), trace=Trace("header"))
    file = tmp_path / "tensors.json"
    file.write_text(render(summary, "json", View()))
    for form in GRAPHS:
        done = local("summary", str(file), "--format", form)
        assert done.returncode == 0
        assert done.stderr == "note: w.safetensors holds tensors and no graph: there are no connections to draw\n"
        assert all(f"{size} params" in done.stdout or f">{size}<" in done.stdout for _, size in parts)
        # 24 + 8 + 80 parameters; nobody knows the MACs, which isn't 0.
        assert form == "mermaid" or "112 params · n/a MACs · no connections known" in done.stdout
    assert not READERS["svg"](render(summary, "svg", View()))
    # What can't be seen keeps the boxes in one column.
    mermaid = render(summary, "mermaid", View())
    assert not read_mermaid(mermaid)
    assert re.findall("(n.) ~~~ (n.)", mermaid) == [("n0", "n1"), ("n1", "n2")]
    assert "n0 -> n1 -> n2 [style=invis];" in render(summary, "dot", View())


def residual(count: int) -> Summary:
    """So many blocks of three layers and an addition, 50 in each module."""
    layers = [Layer("x", "x", "Input", "input")]
    for index in range(count):
        fork = layers[-1].id
        for name in ("conv", "relu", "conv2"):
            path = f"s{index // 50}.b{index}.{name}"
            layers.append(Layer(path, path, "T", name.strip("2"), inputs=(layers[-1].id,)))
        path = f"s{index // 50}.b{index}.add"
        layers.append(Layer(path, path, "T", "add", inputs=(layers[-1].id, fork)))
    modules = [
        ("", "Net"),
        *((f"s{i}", "S") for i in range(count // 50)),
        *((f"s{i // 50}.b{i}", "B") for i in range(count)),
    ]
    return Summary(Model("m", "torch", "b"), (), (), tuple(layers), modules=tuple(modules))


def test_it_is_folded_no_more_than_needed() -> None:
    summary = residual(250)
    (note,) = notes(summary, "mermaid", View())
    # 250 blocks of five edges; as boxes, each reads the one before, and the first the input.
    assert note.startswith("folded at --depth 2: GitHub draws no flowchart of 1,250 edges")
    assert len(read_mermaid(render(summary, "mermaid", View()))) == 250
    (note,) = notes(summary, "mermaid", View(depth=3))
    assert "--depth 2 is the deepest that fits" in note


def test_what_github_never_draws_is_counted_and_not_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = []

    def drawing(summary: Summary, rows: Sequence[Row]) -> Picture:
        sizes.append(len(rows))
        return picture(summary, rows)

    monkeypatch.setattr(mermaid, "picture", drawing)
    # 2,500 edges are too many before anything is drawn. 500 blocks as rows, and the input, have 500.
    text, said = with_notes(residual(500), "mermaid", View())
    assert sizes == [501]
    assert (text, said) == (render(residual(500), "mermaid", View()), notes(residual(500), "mermaid", View()))
    assert said[0].startswith("folded at --depth 2: GitHub draws no flowchart of 2,500 edges (at most")


def steps(action: Callable[[], object]) -> int:
    """Calls of functions: what a slow machine doesn't change."""
    count = 0

    def seen(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(seen)
    try:
        action()
    finally:
        sys.setprofile(before)
    return count


@pytest.mark.parametrize("form", GRAPHS)
def test_2000_layers_take_twice_the_work_of_1000(form: str) -> None:
    half, whole = residual(250), residual(500)
    render(half, form, View(depth=3))  # imports
    work = [steps(partial(render, summary, form, View(depth=3))) for summary in (half, whole)]
    assert 1.5 < work[1] / work[0] < 2.3
    # Four edges in a block, and the shortcut, of which the first block's goes from the input.
    assert len(READERS[form](render(whole, form, View(depth=3)))) == 500 * 5


def test_a_chain_of_10000_layers_has_no_lane() -> None:
    half, whole = chain(5_000), chain(10_000)
    for form in ("dot", "svg"):
        texts = [render(summary, form, View()) for summary in (half, whole)]
        assert READERS[form](texts[1]) == {(f"n{i}", f"n{i + 1}") for i in range(9_999)}
        assert len(texts[1]) < 2.2 * len(texts[0])
    assert re.findall(r'width="(\d+)"', texts[0])[0] == re.findall(r'width="(\d+)"', texts[1])[0]
