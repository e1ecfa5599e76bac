"""The gutter beside a table's rows: read back, its lanes are the edges."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resnet_inspect.analysis.rows import rows
from resnet_inspect.blocks.networks import names
from resnet_inspect.blocks.residual import BlockSpec
from resnet_inspect.errors import BadRequestError
from resnet_inspect.ir import Layer, Model, Summary
from resnet_inspect.readers.inputs import Shapes
from resnet_inspect.readers.local.reader import summarize, summarize_block
from resnet_inspect.readers.request import Request
from resnet_inspect.render import View, render
from resnet_inspect.render.rails import LIMIT, gutter
from tests.support.command import local

GOLDEN = Path(__file__).parents[1] / "fixtures" / "resnet18-rails.txt"
Edges = set[tuple[int, int]]


def drawn_edges(lines: list[str]) -> Edges:
    """The edges (from row, to row) that lanes show, from nothing but the characters."""
    edges: Edges = set()
    lanes: dict[int, int] = {}
    for index, line in enumerate(lines):
        if line[0] in "●*":
            edges.add((index - 1, index))
        for place in range(2, len(line), 2):
            glyph = line[place]
            # A lane may open where the row's line ends or, below others, where it goes on.
            if glyph in "╯┴'":
                edges.add((lanes.pop(place), index))
            elif glyph in "┤┼+":
                edges.add((lanes[place], index))
            elif glyph in "╮┬.":
                assert place not in lanes, "a lane opened twice"
                lanes[place] = index
            elif glyph in "│|":
                assert place in lanes, "a lane from nowhere"
            else:
                assert glyph in " ─-", glyph
                assert place not in lanes, "a lane that was lost"
    assert not lanes, "a lane that never ends"
    return edges


def edges_of(summary: Summary) -> Edges:
    """The edges of the IR."""
    place = {layer.id: index for index, layer in enumerate(summary.layers)}
    return {(place[source], index) for index, layer in enumerate(summary.layers) for source in layer.inputs}


@st.composite
def graphs(draw: st.DrawFn) -> Summary:
    """Layers that read any earlier ones."""
    layers: list[Layer] = []
    for index in range(draw(st.integers(1, 14))):
        sources = draw(st.lists(st.sampled_from(range(index)), max_size=4)) if index else []
        layers.append(Layer(str(index), str(index), "X", "other", inputs=tuple(map(str, sources))))
    return Summary(Model("m", "torch", "b"), (), (), tuple(layers))


@given(graphs(), st.booleans())
def test_lanes_are_the_edges_of_any_graph(summary: Summary, ascii_only: bool) -> None:
    lines = gutter(rows(summary), ascii_only, limit=20)
    assert len({len(line) for line in lines}) == 1
    assert drawn_edges(lines) == edges_of(summary)


@pytest.mark.parametrize(
    ("flavor", "name"), [(flavor, name) for flavor in ("torch", "keras") for name in names(flavor)]
)
def test_lanes_are_the_edges_of_every_local_network(flavor: str, name: str) -> None:
    summary = summarize(Request(name, flavor=flavor)).summary
    lines = gutter(rows(summary))
    assert drawn_edges(lines) == edges_of(summary)
    # A shortcut and, at projections, the branch that waits for it; Keras' order of V2's layers makes one more wait.
    assert len(lines[0]) == 1 + 2 * (3 if name.endswith("V2") else 2)


def test_resnet50_has_a_lane_for_every_shortcut_and_one_more_at_projections() -> None:
    summary = summarize(Request("resnet50")).summary
    text = "\n".join(gutter(rows(summary)))
    assert text.count("╮") == 16 + 4
    assert text.count("○") == 1 + 4  # the input, and the projections, which read the shortcut's lane


def test_the_picture_of_resnet18() -> None:
    summary = summarize(Request("resnet18")).summary
    picture = "".join(f"{line} {row.id}\n" for line, row in zip(gutter(rows(summary)), rows(summary), strict=True))
    assert picture == GOLDEN.read_text(encoding="utf-8")
    assert drawn_edges([line[:5] for line in picture.splitlines()]) == edges_of(summary)


def dense(count: int) -> Summary:
    """Every layer reads all earlier ones, as in a DenseNet without transitions."""
    layers = [Layer(str(i), str(i), "X", "concat", inputs=tuple(map(str, range(i)))) for i in range(count)]
    return Summary(Model("dense", "torch", "b"), (), (), tuple(layers))


def test_beyond_a_width_the_gutter_says_how_many_more() -> None:
    count = LIMIT + 5
    lines = gutter(rows(dense(count)))
    # All but the last two outputs are kept for a row below the next one.
    assert lines[count - 3].rstrip().endswith(f"+{count - 2 - LIMIT}")
    assert len(lines[0]) <= 2 * LIMIT + 1 + len(" +99")
    assert lines[-1].rstrip().endswith("+0")


def test_folded_modules_and_chosen_layers_keep_the_edges_among_them() -> None:
    summary = summarize(Request("resnet18")).summary
    folded = rows(summary, depth=1)
    assert drawn_edges(gutter(folded)) == {(index, index + 1) for index in range(len(folded) - 1)}
    block = rows(summary, only=["layer2.0*"])
    names_of = [row.id.rpartition("layer2.0.")[2] for row in block]
    named = {(names_of[a], names_of[b]) for a, b in drawn_edges(gutter(block))}
    assert ("downsample.1", "add") in named
    assert ("bn2", "add") in named
    assert not [edge for edge in named if edge[1] in ("conv1", "downsample.0")]  # both read what isn't shown


def test_every_format_that_draws_has_rails_on_request_and_no_other() -> None:
    summary = summarize_block(BlockSpec(), Request("block", inputs=Shapes(((24, 24, 3),)))).summary
    plain = gutter(rows(summary))
    for name in ("table", "tree"):
        text = render(summary, name, View(rails=True))
        assert [line.strip("│ ")[:3].strip() for line in text.splitlines() if "●" in line or "○" in line][:1] == [
            plain[0].strip()
        ]
        assert "╮" not in render(summary, name, View()).replace("───╮", "")
    markdown = render(summary, "markdown", View(rails=True))
    assert "| `●─╯` | add |" in markdown
    assert "`" not in render(summary, "markdown", View())
    with pytest.raises(BadRequestError, match="order of execution"):
        render(summary, "table", View(rails=True, sort="macs"))
    for name in ("json", "csv"):
        done = local("block", "--rails", "--format", name)
        assert (done.returncode, done.stdout) == (2, "")
        assert "--rails draws" in done.stderr


def test_a_tree_with_rails_is_in_the_order_of_execution() -> None:
    summary = summarize(Request("resnet18")).summary
    lines = render(summary, "tree", View(rails=True, only=("layer2.0*",))).split("\n\n")[0].splitlines()
    calls = [line for line in lines if line[0] in "●○"]
    assert len(calls) == 11 - 3 + 1  # conv, bn, relu, conv, bn; conv, bn of the projection; add, relu
    assert "  │     (downsample): Sequential" in lines
    assert drawn_edges([line[:3] for line in calls]) >= {(4, 7), (6, 7), (7, 8)}
