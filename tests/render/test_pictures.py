"""Drawings of the graph: read back from their text alone, their arrows are the edges."""

from __future__ import annotations

import html
import re
import shlex
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from hypothesis import given

from resnet_inspect.analysis.rows import rows
from resnet_inspect.blocks.networks import names
from resnet_inspect.blocks.residual import BlockSpec
from resnet_inspect.ir import UNKNOWN, Layer, Model, Summary, Tensor
from resnet_inspect.readers.inputs import Shapes
from resnet_inspect.readers.local.reader import summarize, summarize_block
from resnet_inspect.readers.request import Request
from resnet_inspect.render import GRAPHS, View, render
from resnet_inspect.render.picture import Picture, picture
from resnet_inspect.visible import cleaned
from tests.support.command import local
from tests.support.drawings import READERS, SVG, Edges
from tests.support.summaries import summaries

NETWORKS = [(flavor, name) for flavor in ("torch", "keras") for name in names(flavor)]
#: What one of XML, HTML, Markdown, rich, Mermaid or Graphviz reads as something else.
HOSTILE = [
    *("end", "subgraph x", "a|b|c", "%% x", "x:y", "; }", "@{ shape: x }", "fa:fa-car", "#35; #quot;", "$$x$$"),
    *("[bold]x[/bold]", 'say "hi"', "<b>&amp;</b>", "</svg>", "]]>", "a\\nb \\N\\", "  spaced  "),
    *("1. item", "- item", "# head", "__init__ _x_ a_b", "`x`", "*x*", "www.x.org", "http://x.org/"),
    *("one\ntwo\r\x00\x1b[31m", "\u202e", "\ud800", "日本 🙂", "a.b.c"),
]


def drawn(summary: Summary, depth: int | None = None, *only: str) -> Picture:
    """The data of a picture, as ``render`` has it drawn."""
    summary = cleaned(summary)
    return picture(summary, rows(summary, depth, only))


def edges_of(summary: Summary, depth: int | None = None, *only: str) -> Edges:
    """The edges between different rows, as their numbers in execution order."""
    found = rows(summary, depth, only)
    number = {row.id: f"n{index}" for index, row in enumerate(found)}
    return {
        (number[source], number[row.id])
        for row in found
        for source in row.connected_to
        if source in number and source != row.id
    }


@pytest.mark.parametrize(("flavor", "name"), NETWORKS)
def test_arrows_are_the_edges_of_every_local_network(flavor: str, name: str) -> None:
    summary = summarize(Request(name, flavor=flavor)).summary
    for depth in (1, 2, 3):
        for form, read in READERS.items():
            assert read(render(summary, form, View(depth=depth))) == edges_of(summary, depth), (form, depth)


def test_arrows_are_the_edges_of_layers_that_are_not_folded() -> None:
    summary = summarize(Request("resnet50")).summary
    for form, read in READERS.items():
        assert read(render(summary, form, View())) == edges_of(summary)
        # A bottleneck has nine more layers than edges out of it: 3 (conv, bn, relu) and add; its fork stays outside.
        part = read(render(summary, form, View(only=("layer1.1.*",))))
        assert part == edges_of(summary, None, "layer1.1.*")
        assert len(part) == 10 - 1


@given(summaries())
def test_arrows_are_the_edges_of_any_summary(summary: Summary) -> None:
    for depth in (None, 0, 1, 2):
        for form, read in READERS.items():
            assert read(render(summary, form, View(depth=depth))) == edges_of(summary, depth)


def test_shapes_and_costs_that_nobody_knows_are_not_available() -> None:
    layers = (
        Layer("x", "x", "Input", "input", output_tensors=(UNKNOWN,)),
        Layer("y", "y", "NonZero", "other", inputs=("x",), output_tensors=(UNKNOWN,), macs=None),
    )
    summary = Summary(Model("m", "torch", "b"), (UNKNOWN,), (), layers)
    assert drawn(summary).facts == "n/a · 0 params · n/a MACs"
    assert [(node.shape, node.cost) for node in drawn(summary).nodes] == [("n/a", ()), ("n/a", ("n/a MACs",))]
    page = ET.fromstring(render(summary, "svg", View()))
    assert [[text.text for text in box.findall(f"{SVG}text")] for box in page.findall(f"{SVG}g")] == [
        ["x", "Input", "n/a"],
        ["y", "NonZero", "n/a", "n/a"],
    ]


def called_twice() -> Summary:
    """A module that runs before and after a layer, so that folded it reads what it gives."""
    layers = [
        Layer("in", "in", "Input", "input"),
        Layer("m.a", "m.a", "A", "other", inputs=("in",)),
        Layer("mid", "mid", "B", "other", inputs=("m.a",)),
        Layer("end", "end", "B", "other", inputs=("mid",)),
        Layer("m.b", "m.b", "A", "other", inputs=("end", "mid")),
        Layer("out", "out", "C", "other", inputs=("m.b", "in")),
    ]
    return Summary(Model("m", "torch", "b"), (), (), tuple(layers), modules=(("", "Net"), ("m", "M")))


def test_a_folded_module_that_runs_twice_has_arrows_back_up() -> None:
    expected = {("n0", "n1"), ("n1", "n2"), ("n2", "n3"), ("n2", "n1"), ("n3", "n1"), ("n1", "n4"), ("n0", "n4")}
    for form, read in READERS.items():
        assert read(render(called_twice(), form, View(depth=1))) == expected, form
    # Unfolded, the module has a frame around each run, but is one subgraph and one cluster.
    assert render(called_twice(), "svg", View()).count('class="frame"') == 2
    assert render(called_twice(), "mermaid", View()).count("subgraph") == 1
    assert render(called_twice(), "dot", View()).count("subgraph") == 1


@pytest.mark.parametrize("flavor", ["torch", "keras"])
def test_resnet50_has_16_skips_of_which_4_are_projections(flavor: str) -> None:
    # 3 + 4 + 6 + 3 blocks; the first of each stage changes the shape.
    summary = summarize(Request("resnet50" if flavor == "torch" else "ResNet50", flavor=flavor)).summary
    found = drawn(summary)
    skips = [edge for edge in found.edges if edge.skip]
    assert len(skips) == 16
    assert [edge.shortcut for edge in skips].count("projection") == 4
    assert [edge.shortcut for edge in skips].count("identity") == 12
    # A projection has a convolution and a normalisation: two more edges to the addition.
    along = 4 * 2
    mermaid = render(summary, "mermaid", View())
    assert mermaid.count("==>") == 16 + along
    assert mermaid.count("==>|projection|") == 4
    dot = render(summary, "dot", View())
    assert dot.count("constraint=false") == 16
    assert dot.count("style=dashed") == 4 + along
    arrows = [path.attrib["class"] for path in ET.fromstring(render(summary, "svg", View())).findall(f"{SVG}path")]
    assert arrows.count("shortcut") == 12
    assert arrows.count("shortcut projection") == 4 + along
    assert arrows.count("wire") == len(found.edges) - 16 - along


def test_folding_keeps_a_shortcut_or_says_that_it_is_inside() -> None:
    summary = summarize(Request("resnet50")).summary
    # Only downsample is folded: the same skips, and one edge on each projection's way is inside.
    assert sum(edge.skip for edge in drawn(summary, 3).edges) == 16
    assert sum(edge.shortcut == "projection" for edge in drawn(summary, 3).edges) == 4 * 2
    assert not any(node.residual for node in drawn(summary, 3).nodes)
    for depth, counts in ((2, [1] * 16), (1, [3, 4, 6, 3]), (0, [16])):
        found = drawn(summary, depth)
        assert [node.residual for node in found.nodes if node.residual] == counts
        assert not any(edge.shortcut for edge in found.edges)
    assert render(summary, "mermaid", View(depth=2)).count("<br>residual") == 16
    assert render(summary, "dot", View(depth=1)).count(r"\n6 residual blocks") == 1
    svg = render(summary, "svg", View(depth=1))
    assert re.findall(r"×(\d+)</text>", svg) == ["3", "4", "6", "3"]
    # Nothing leaves a box but the arrows of the chain: the shortcuts are drawn in the boxes, and in the legend.
    assert svg.count('class="shortcut"') == 4 + 1
    assert len(ET.fromstring(svg).findall(f"{SVG}path")) == 12 - 1


def joined(op: str, *sources: str) -> Picture:
    """``a`` to ``b`` to ``c``, ``a`` to ``d``, and what reads some of them."""
    layers = [
        Layer("a", "a", "Input", "input"),
        Layer("b", "b", "B", "relu", inputs=("a",)),
        Layer("c", "c", "C", "relu", inputs=("b",)),
        Layer("d", "d", "D", "relu", inputs=("a",)),
        Layer("e", "e", "E", op, inputs=sources),
    ]
    return drawn(Summary(Model("m", "torch", "b"), (), (), tuple(layers)))


@pytest.mark.parametrize(
    ("op", "sources", "skips"),
    [
        ("concat", "ac", "a"),  # U-Net
        ("concat", "abc", "ab"),  # DenseNet
        ("concat", "cd", ""),  # Inception: parallel branches
        ("add", "bc", "b"),
        ("mul", "ac", ""),  # a gate
        ("add", "cc", ""),
    ],
)
def test_a_skip_leaves_out_what_another_path_goes_through(op: str, sources: str, skips: str) -> None:
    assert {edge.source for edge in joined(op, *sources).edges if edge.skip} == set(skips)


def hostile() -> Summary:
    """A chain of layers with names made to be misread, in a module with such a name."""
    layers = [
        Layer(
            id=name,
            path=name,
            type=name,
            op="conv2d",
            inputs=(HOSTILE[index - 1],) if index else (),
            output_tensors=(Tensor((1, 2), "float32"),),
            attributes=((name, name),),
        )
        for index, name in enumerate(HOSTILE)
    ]
    modules = (("", "Net"), ("a", '"</title>'), ("a.b", "end\n]"))
    layers += [Layer("a.b.end", "a.b.end", "end", "other", inputs=("a.b.c",))]
    return Summary(Model('"] <&>\n%%', "torch", "b"), (), (), tuple(layers), modules=modules)


@pytest.mark.parametrize("form", GRAPHS)
def test_names_are_never_read_as_syntax(form: str) -> None:
    summary = hostile()
    text = render(summary, form, View())
    text.encode()
    assert READERS[form](text) == {(f"n{i}", f"n{i + 1}") for i in range(len(HOSTILE))}


def test_escaped_names_read_back() -> None:
    labels = [node.label for node in drawn(hostile()).nodes]
    assert all(label.isprintable() for label in labels)
    assert r"one\ntwo\r\x00\x1b[31m" in labels

    mermaid = render(hostile(), "mermaid", View())
    for line in mermaid.splitlines():
        # Outside its quotes, a line is one of the grammar's; inside, no quote, no markup, no directive.
        quoted = re.findall(r'"([^"]*)"', line)
        assert re.fullmatch(
            r"flowchart TD| *(n\d+\[\"\"\]:::\w+|subgraph g\d+\[\"\"\]|end|n\d+ --> n\d+|class(Def)? .*)",
            re.sub(r'"[^"]*"', '""', line),
        ), line
        for label in quoted:
            bare = re.sub(r"#\d+;", "", label.replace("<br>", ""))
            assert not set(bare) & set('<>&|[]{}()#`*$%\\/@;"'), line
    said = [re.sub(r"#(\d+);", lambda m: chr(int(m[1])), label) for label in re.findall(r'n\d+\["(.*?)"\]', mermaid)]
    assert [text.replace("\u2060", "").split("<br>1x2")[0] for text in said[:-1]] == [
        " · ".join(node.heading) for node in drawn(hostile()).nodes[:-1]
    ]

    dot = re.findall(r'\[label="((?:[^"\\]|\\.)*)"', render(hostile(), "dot", View()))
    unescaped = [html.unescape(re.sub(r"\\(.)", lambda m: "\n" if m[1] == "n" else m[1], label)) for label in dot]
    assert [text.split("\n1x2")[0] for text in unescaped[:-1]] == [
        "  ".join(node.heading) for node in drawn(hostile()).nodes[:-1]
    ]

    page = ET.fromstring(render(hostile(), "svg", View()))
    shown = [box.findall(f"{SVG}text")[0].text for box in page.findall(f"{SVG}g")]
    assert shown == labels
    assert page.findtext(f"{SVG}title") == r'torch:"] <&>\n%%'


@pytest.mark.parametrize("form", GRAPHS)
def test_the_same_network_gives_the_same_whole_numbers_every_time(form: str) -> None:
    first, second = (render(summarize(Request("resnet18")).summary, form, View()) for _ in range(2))
    assert first == second
    if form == "svg":
        body = re.sub(r"<style>.*?</style>|<title>.*?</title>|>[^<]*<", "", first, flags=re.DOTALL)
        assert not re.search(r"\d\.\d", body)


@pytest.mark.parametrize("form", GRAPHS)
def test_nothing_is_no_reason_to_fail(form: str) -> None:
    empty = Summary(Model("m", "torch", "b"), (), (), ())
    assert READERS[form](render(empty, form, View())) == set()


def test_a_block_is_drawn_and_endings_name_the_formats(tmp_path: Path) -> None:
    summary = summarize_block(BlockSpec(flavor="keras"), Request("residual_block", Shapes(((24, 24, 3),)))).summary
    for ending, form in ((".mmd", "mermaid"), (".dot", "dot"), (".gv", "dot"), (".svg", "svg")):
        file = tmp_path / f"block{ending}"
        done = local("block", "-o", str(file))
        assert done.returncode == 0, done.stderr
        assert file.read_text(encoding="utf-8") == render(summary, form, View())
        # Input, twice a convolution and a normalisation, two activations and the addition; one shortcut.
        assert len(READERS[form](file.read_text(encoding="utf-8"))) == 8 - 1 + 1


@pytest.mark.parametrize("form", GRAPHS)
@pytest.mark.parametrize(
    "option",
    ["--columns path", "--sort macs", "--top 3", "--optimizer adam", "--rails", "--no-rails"],
)
def test_what_shapes_tables_is_refused(form: str, option: str) -> None:
    done = local("block", "--format", form, *option.split())
    assert (done.returncode, done.stdout) == (2, "")
    assert "table-svg is a picture of the table" in done.stderr


def test_the_picture_in_the_documentation_shows_both_kinds_of_shortcuts() -> None:
    docs = Path(__file__).parents[2] / "docs"
    (command,) = re.findall(r"^resnet-inspect (.+) -o resnet50\.svg$", (docs / "pictures.md").read_text(), re.MULTILINE)
    drawn = (docs / "pictures" / "resnet50.svg").read_text(encoding="utf-8")
    assert local(*shlex.split(command), "--format", "svg").stdout == drawn
    assert ET.fromstring(drawn).tag == f"{SVG}svg"
    assert {'class="shortcut"', 'class="shortcut projection"'} <= set(re.findall(r'class="[\w ]+"', drawn))
