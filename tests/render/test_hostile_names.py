"""Names of strangers in every document: nothing in them acts on a terminal, a page, a spreadsheet or a CI job."""

from __future__ import annotations

import csv
import html
import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from unicodedata import category
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resnet_inspect import Summary as ShownSummary
from resnet_inspect import api, diffs, ir_json
from resnet_inspect.analysis.checkpoint_match import CheckpointMatch, Entry
from resnet_inspect.checks import Checked, Finding, Outcome
from resnet_inspect.cli.commands.weights import _table as weights_table
from resnet_inspect.ir import Summary
from resnet_inspect.readers.local.reader import summarize
from resnet_inspect.readers.request import Request
from resnet_inspect.render import FORMATS, View, render
from resnet_inspect.render import check as check_render
from resnet_inspect.render import diff as diff_render
from resnet_inspect.render.columns import every
from resnet_inspect.render.report import FORMATS as REPORT_FORMATS
from resnet_inspect.render.report import render as render_report
from resnet_inspect.render.report.compare import compared
from resnet_inspect.render.report.compare import report as compare_report
from resnet_inspect.render.report.plot import Panel, Point, drawing, picture
from resnet_inspect.render.report.residual import report as residual_report
from resnet_inspect.visible import _mapped, cleaned, in_json, line, visible
from tests.cli.test_terminal import on_terminal
from tests.support.command import local
from tests.support.examples import examples

ZOO = (
    "\x1b[31mred\x1b]0;title\x07\x1b[2J",
    "\x9b31m\x7f\x00\x08\x0c",
    "a\n::error::b",
    "::warning file=x::b",
    "  ::set-output name=a::b",
    ":",
    "##[error]b ##vso[task.setvariable]",
    "a\r\n# Heading\n\n```\n",
    "\u202eright\u2066left\u200f\u061c",
    "zero\u200bwidth\ufeff\u3164\ufe0f\u2028\u2029\x85",
    "\ud800half",
    "=cmd|' /C calc'!A0",
    "+1+cmd()",
    "-cmd()",
    "@SUM(A1)",
    "\t=1",
    "\uff1d1+1",
    "</svg><script>alert(1)</script>]]>&amp;<!-- -->",
    '"]:::x\nclick n0 "javascript:alert(1)"',
    "%%{init: {'securityLevel': 'loose'}}%%",
    "| a | b |`c`*d*_e_[f](http://g)<img src=x>@octocat #12 https://h www.i ~~j~~ $k$",
    "[bold red]markup[/]",
    "\\x1b\\n \\",
    "卷积/étage",
    "e\u0301" * 3,
    "$\\frac{$",
    "x" * 3000,
)
HARMLESS = tuple(f"name{index}" for index in range(len(ZOO)))
#: A command that is ours: an annotation.
_OURS = re.compile(r"::(error|warning|notice) title=[^:,\r\n]*::.*")


def named(summary: Summary, names: tuple[str, ...]) -> Summary:
    """A network whose every string (but the words that the IR defines) holds one of the names, each in its turn."""
    kept = {"NCHW", "NHWC", "trainable", "frozen", "statistics", "real", *(layer.op for layer in summary.layers)}
    seen: dict[str, str] = {}

    def change(text: str) -> str:
        if text in kept or re.fullmatch(r"\w*int\d+|\w*float\d+|groups|kernel_size|stride", text):
            return text
        found = []
        for part in text.split("."):
            # A dot would make another module of a name.
            name = names[len(seen) % len(names)].replace(".", "")
            found.append(seen.setdefault(part, f"{name} {len(seen)}"))
        return ".".join(found)

    changed: Summary = _mapped(replace(summary, trace=replace(summary.trace, method="real", reason="why")), change)
    first, second, *others = changed.layers
    # Names alone, so that a line or a cell begins with them.
    whole = [replace(layer, type=name) for layer, name in zip(others, names * 9, strict=False)]
    first = replace(first, output_tensors=tuple(replace(t, dtype=names[2]) for t in first.output_tensors))
    modules = (("", names[3]), *changed.modules[1:])
    model = replace(changed.model, backend=names[5], name=names[2])
    return replace(changed, layers=(first, second, *whole), modules=modules, model=model, unused=(names[0], names[8]))


NETWORK = summarize(Request("resnet18")).summary
HOSTILE, PLAIN = named(NETWORK, ZOO), named(NETWORK, HARMLESS)


def other(summary: Summary, name: str) -> Summary:
    """The same network with one layer more, one less and settings changed."""
    layers = [layer for layer in summary.layers if layer.op != "softmax"]
    end = replace(layers[-1], id=name, path=name, type=name, inputs=(layers[-1].id,), parameters=())
    changed = [replace(layer, attributes=((name, (name, 2)), *layer.attributes)) for layer in layers[3:9]]
    return replace(summary, layers=(*layers[:3], *changed, *layers[9:], end), unused=(name,))


def checked(summary: Summary, names: tuple[str, ...]) -> list[Checked]:
    """Findings of every level with each of the names, and a comparison."""
    levels = ("error", "fail", "warn", "note")
    findings = [Finding(levels[i % 4], f"{name} is {name!r}", names[i - 1]) for i, name in enumerate(names)]
    found = diffs.compare(summary, other(summary, names[2]))
    findings.append(Finding("fail", "differs", diff=found))
    outcomes = tuple(Outcome(name, (finding,)) for name, finding in zip((*names, "baseline"), findings, strict=True))
    return [Checked(names[2], outcomes, summary=summary), Checked(names[3], outcomes[:5], summary=summary)]


def assert_harmless(text: str, ours: bool = False, colors: bool = False) -> None:
    if colors:
        text = re.sub(r"\x1b\[[0-9;]*m", "", text)
    for row in text.split("\n"):
        # The gutter of rails has spaces that a page keeps, in Markdown.
        unseen = {char for char in row if category(char) in ("Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp")}
        assert not unseen | (set(row) & set("\u3164\ufe0f")), repr(row[:200])
        if not (ours and _OURS.fullmatch(row)):
            assert not row.lstrip().startswith("::"), repr(row[:200])
            assert not re.search(r"##\w*\[", row), repr(row[:200])


def assert_table(text: str) -> int:
    """The number of rows; none has a formula."""
    rows = list(csv.reader(io.StringIO(text)))
    assert {len(row) for row in rows} == {len(rows[0])}
    for row in rows:
        for cell in row:
            assert cell.lstrip()[:1] not in "=+-@＝＋－＠" or not cell or re.fullmatch(r"-?\d+", cell), cell
    return len(rows)


def markdown_columns(text: str) -> list[int]:
    """Bars that part cells, of every row."""
    return [len(re.findall(r"(?<!\\)(?:\\\\)*\|", row)) for row in text.splitlines() if row.startswith("|")]


def _lines(text: str) -> int:
    """How many there are, but those on which a long text goes on."""
    return sum(not line.startswith(" " * 4) for line in text.splitlines())


def assert_alike(form: str, hostile: str, plain: str) -> None:
    """A document of hostile names has the structure of one of harmless names."""
    assert_harmless(hostile, ours=form == "github")
    hostile.encode()
    assert _lines(hostile) == _lines(plain)
    if form == "json":
        json.loads(hostile)
    elif form == "csv":
        assert assert_table(hostile) == assert_table(plain)
    elif form in ("svg", "table-svg", "junit"):
        shapes = [[element.tag for element in ElementTree.fromstring(text).iter()] for text in (hostile, plain)]
        assert form == "table-svg" or shapes[0] == shapes[1]
        assert not {tag for tag in shapes[0] if "script" in tag}
    elif form == "markdown":
        assert markdown_columns(hostile) == markdown_columns(plain)
        assert not re.search(r"<(?!!-- -->|br>|/?details>|/?summary>)", hostile)
        assert not re.search(r"@octocat|https?:(?!<)//|www\.", hostile.replace("<!-- -->", "\0"))
    elif form == "mermaid":
        counted = [re.findall(r"^ *(n\d+\[|subgraph|end$|n\d+ [-=]+>|click|class)", t, re.M) for t in (hostile, plain)]
        assert counted[0] == counted[1]
        assert "%%{" not in hostile
    elif form == "dot":
        counted = [re.findall(r"^ *(n\d+ \[|subgraph|}|n\d+ ->)", text, re.M) for text in (hostile, plain)]
        assert counted[0] == counted[1]


VIEWS = (
    View(),
    View(depth=1),
    View(depth=2, rails=True),
    View(only=("*",), columns=every(View())),
    View(columns=("path", "type", "dtype", "attributes"), sort="type"),
    View(sort="macs", top=200),
    View(width=80),
    View(width=80, ascii=True, rails=True),
)


@pytest.mark.parametrize("view", VIEWS, ids=range(len(VIEWS)))
@pytest.mark.parametrize("form", FORMATS)
def test_a_summary(form: str, view: View) -> None:
    if view.rails and view.sort:
        return
    assert_alike(form, render(HOSTILE, form, view), render(PLAIN, form, view))


def test_a_file_of_tensors() -> None:
    for form in FORMATS:
        stored = [replace(s, trace=replace(s.trace, method="header")) for s in (HOSTILE, PLAIN)]
        stored[0] = replace(stored[0], model=replace(stored[0].model, name="%%{init: {}}%%\n"))
        assert_alike(form, *(render(s, form, View()) for s in stored))


def test_colours_on_a_terminal_are_ours() -> None:
    assert_harmless(render(HOSTILE, "table", View(width=80, color=True)), colors=True)


def test_lines_of_a_table_are_of_one_width() -> None:
    from rich.cells import cell_len

    for wide in (None, 80):
        lines = [row for row in render(HOSTILE, "table", View(width=wide)).splitlines() if row[:1] in "╭│├╰"]
        assert len({cell_len(row) for row in lines}) == 1


@pytest.mark.parametrize("everything", [False, True])
@pytest.mark.parametrize("form", diff_render.FORMATS)
def test_a_comparison(form: str, everything: bool) -> None:
    texts = []
    for summary, name in ((HOSTILE, ZOO[2]), (PLAIN, HARMLESS[2])):
        found = diffs.compare(summary, other(summary, name))
        texts.append(diff_render.render(found, form, diff_render.DiffView(everything, frozenset({"layers"}))))
    assert_alike(form, *texts)


@pytest.mark.parametrize("form", check_render.FORMATS)
def test_a_check(form: str) -> None:
    texts = [
        check_render.render(checked(summary, names), form, check_render.CheckView())
        for summary, names in ((HOSTILE, ZOO), (PLAIN, HARMLESS))
    ]
    assert_alike(form, *texts)


@pytest.mark.parametrize("form", REPORT_FORMATS)
@pytest.mark.parametrize("made", [residual_report, lambda summary: compare_report([compared(summary, ())])])
def test_a_report(made: Callable[[Summary], Any], form: str) -> None:
    assert_alike(form, render_report(made(HOSTILE), form), render_report(made(PLAIN), form))


def test_a_plot() -> None:
    pytest.importorskip("matplotlib")
    panels = [Panel("x", "y", tuple(Point(1.0 + i, 2.0, ZOO[i]) for i in (0, 2, 17, 25)))]
    ElementTree.fromstring(picture(ZOO[25] + ZOO[0], panels, "svg"))
    pytest.importorskip("plotille")
    assert_harmless(drawing(panels, 80))


def test_entries_of_a_checkpoint() -> None:
    entries = tuple(Entry(name, (1, 2), name, alias=name) for name in ZOO)
    plain = tuple(Entry(name, (1, 2), name, alias=name) for name in HARMLESS)
    texts = [
        weights_table(
            *cleaned((e[0].name, e[2].name, "k", CheckpointMatch(1, e, e, tuple(zip(e, e, strict=True)), e[3].name)))
        )
        for e in (entries, plain)
    ]
    assert_alike("table", *texts)


def test_what_a_library_user_sees() -> None:
    summary = ShownSummary.of(HOSTILE)
    assert_harmless(str(summary))
    page = summary._repr_html_()
    assert_harmless(page)
    styled = r' style="[^"<>]*"| title="[^"<>]*"| alt="[^"<>]*" src="data:image/svg\+xml;base64,[\w+/=]*"| open'
    assert not re.search(rf"<(?!/?(?:div|bdi|b|span|details|summary|img)(?:{styled})*>)", page)
    assert html.unescape(page) != page
    assert_harmless(str(api.diff(HOSTILE, other(HOSTILE, ZOO[2]))))
    ir_json.loads(summary.to_json().replace("\\ud800", ""))


def test_rich_reads_no_markup_in_a_name() -> None:
    from rich.console import Console

    out = io.StringIO()
    Console(file=out, width=100, force_terminal=False).print(ShownSummary.of(HOSTILE))
    assert "[bold" in out.getvalue()
    assert_harmless(out.getvalue())


def test_commands(tmp_path: Path) -> None:
    """A handful of processes: stdout, stderr, a pipe and a terminal."""
    saved = tmp_path / "\x1b[31m\u202enet.json"
    clean = _mapped(HOSTILE, lambda text: text.replace("\ud800", ""))
    saved.write_text(ir_json.dumps(clean))
    for command in ("summary", "residual", "compare", "check"):
        done = local(command, str(saved))
        assert done.returncode in (0, 1, 5), done.stderr
        assert_harmless(done.stdout)
        assert_harmless(done.stderr)
    assert_harmless(on_terminal("summary", str(saved), width=80), colors=True)
    assert_harmless(on_terminal("diff", str(saved), str(saved), width=80), colors=True)
    broken = tmp_path / "\x1b[31m::error::\n\u202e.json"
    broken.write_text('{"schema_version": "\\u001b[31m' + "x" * 10**6 + '"}')
    for arguments in (
        ("summary", str(broken)),
        ("summary", str(broken), "--debug"),
        ("summary", str(saved), "--columns", ZOO[0]),
        ("summary", str(saved), "--only", ZOO[2] + "x" * 50_000),
        ("\x1b[31m::error::\n",),
        ("summary", "--format", "\x1b[31m\n::error::"),
        ("weights", "resnet18", str(broken)),
        ("models", ZOO[2]),
    ):
        done = local(*arguments)
        assert done.returncode in (2, 3), done.stderr[:2000]
        assert "internal error" not in done.stderr
        assert "a bug" not in done.stderr
        assert_harmless(done.stderr)
        assert "--debug" in arguments or done.stderr.count("\n") == 1
        assert "--debug" in arguments or len(done.stderr) < 2200


def test_printable_text_stays() -> None:
    for text in ("卷积/étage", "aten::conv2d", "C:\\runs\\net.onnx", "# a", "x: y", "", "é", "a  b", "#1 ## x"):
        assert visible(text) == text
    assert cleaned(NETWORK) is NETWORK
    assert visible("\x1b[0m\n\u202e\x9b\U000e0100") == r"\x1b[0m\n\u202e\x9b\U000e0100"


def test_names_that_differ_stay_different() -> None:
    names = ("a\x1b", r"a\x1b", r"a\\x1b", "a\\\x1b", "\\", "\\\\")
    assert len(set(cleaned(names))) == len(names)
    assert cleaned((r"a\x1b",)) == (r"a\x1b",)


@given(st.text(), st.text())
@examples(300)
def test_any_text(one: str, two: str) -> None:
    assert visible(one).isprintable()
    assert visible(visible(one)) == visible(one)
    assert (cleaned((one, two, "\0"))[0] == cleaned((one, two, "\0"))[1]) == (one == two)
    document = json.dumps([one, two], ensure_ascii=False)
    assert json.loads(in_json(document)) == [one, two]
    assert in_json(document).isprintable()


def test_a_message_is_one_short_line() -> None:
    assert line("a\n  b\x1b") == r"a b\x1b"
    long = line("start" + "x" * 10**6 + "end")
    assert long.startswith("start")
    assert long.endswith("end")
    assert len(long) < 2100
    assert re.search(r"998,008 characters", long)
