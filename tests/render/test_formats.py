"""Every format, for summaries of any content."""

from __future__ import annotations

import csv
import html
import io
import json
import re
from dataclasses import dataclass

import jsonschema
import pytest
from hypothesis import given
from rich.console import Console

from resnet_inspect import Summary, ir_json
from resnet_inspect.analysis.metrics import params
from resnet_inspect.analysis.rows import rows
from resnet_inspect.ir import Layer, Model, Parameter
from resnet_inspect.ir import Summary as IrSummary
from resnet_inspect.readers.local.reader import summarize
from resnet_inspect.readers.request import Request
from resnet_inspect.render import FORMATS, View, render, report
from resnet_inspect.render.grid import grid
from resnet_inspect.render.report import residual
from tests.support.command import SCHEMA
from tests.support.summaries import summaries

#: A name that rich, HTML and Markdown would each read as something else.
NASTY = "[bold]<b>|*x*[/bold]"


@given(summaries())
def test_json_reads_back_to_the_same_summary_and_the_same_bytes(summary: IrSummary) -> None:
    text = ir_json.dumps(summary)
    again = ir_json.loads(text)
    assert again == summary
    assert ir_json.dumps(again) == text
    jsonschema.validate(json.loads(text), json.loads(SCHEMA.read_text()))


@given(summaries())
def test_every_format_shows_every_summary(summary: IrSummary) -> None:
    for name in FORMATS:
        drawn = name not in ("json", "csv")
        assert render(summary, name, View(rails=drawn, optimizer="adam")).endswith("\n")
    for name in report.FORMATS:
        assert report.render(residual.report(summary), name).endswith("\n")
    assert Summary.of(summary)._repr_html_().count("<bdi title=") == len(summary.layers)


@given(summaries())
def test_folding_loses_nothing(summary: IrSummary) -> None:
    for depth in (0, 1, 2, None):
        folded = rows(summary, depth)
        assert sum(params.METRIC.of(row.layers, row.facts) or 0 for row in folded) == summary.totals.params
        assert sum(layer.macs or 0 for row in folded for layer in row.layers) == summary.totals.macs


def nasty() -> IrSummary:
    """One layer with a name made to be misread."""
    layer = Layer(NASTY, NASTY, "Conv2d", "conv2d", parameters=(Parameter("w", (2, 3), "float32", "trainable"),))
    return IrSummary(Model("m", "torch", "b"), (), (), (layer,))


def test_names_are_never_read_as_markup() -> None:
    assert NASTY in render(nasty(), "table", View())
    assert NASTY in render(nasty(), "tree", View())
    assert next(csv.DictReader(io.StringIO(render(nasty(), "csv", View()))))["path"] == NASTY
    page = Summary.of(nasty())._repr_html_()
    assert NASTY not in page
    assert NASTY in html.unescape(page)
    assert r"\[bold\]&lt;b&gt;\|\*x\*" in render(nasty(), "markdown", View())


@pytest.mark.parametrize("terminal", [True, False])
def test_rich_prints_a_summary_that_fits(terminal: bool) -> None:
    out = io.StringIO()
    Console(file=out, force_terminal=terminal, width=60, color_system=None).print(
        Summary.of(summarize(Request("resnet18")).summary)
    )
    drawn = [line for line in out.getvalue().splitlines() if line[:1] in "│╭╰├"]
    assert len(drawn) == 70 + 8 + 4  # layers, headings of their blocks, and the frame
    assert max(map(len, drawn)) <= 60
    assert any("2,359,296" in line for line in drawn)


def test_a_picture_is_the_same_every_time_and_holds_every_row() -> None:
    summary = summarize(Request("resnet18")).summary
    first, second = (render(summary, "svg", View()) for _ in range(2))
    assert first == second
    text = html.unescape(re.sub(r"<[^>]+>", "\n", first))
    assert {layer.id for layer in summary.layers} <= set(text.split())


@dataclass(frozen=True)
class Titled:
    """A column by its title alone."""

    key: str
    title: str
    number: bool = False
    priority: int = 0


def test_a_table_is_drawn_as_it_is_written_here() -> None:
    columns = (Titled("path", "Layer"), Titled("type", "Type"), Titled("params", "Params", number=True))
    lines = [["conv1", "Conv2d", "9,408"], ["層", "ReLU in place", "0"]]
    text, hidden = grid(columns, lines)
    assert hidden == ()
    assert text.splitlines() == [
        "╭───────┬───────────────┬────────╮",
        "│ Layer │ Type          │ Params │",
        "├───────┼───────────────┼────────┤",
        "│ conv1 │ Conv2d        │  9,408 │",
        "│ 層    │ ReLU in place │      0 │",
        "╰───────┴───────────────┴────────╯",
    ]
