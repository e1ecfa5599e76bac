"""A report as a comment: short enough, cut at whole rows; and a stranger's, in which nothing acts."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from resnet_inspect.render.comment import fitted, inert, length
from resnet_inspect.render.markdown import escape
from resnet_inspect.visible import visible

#: Parts of texts that a forge acts on, and what hides them from a careless eye.
PIECES = st.sampled_from(
    [
        *("@octocat", "#1", "!1", "%1", "GH-1", "https://evil.example", "www.evil.example", "me@evil.example", "word"),
        *("[x](https://evil.example)", "![x](https://evil.example)", "[x]: https://evil.example", "<https://evil.ex>"),
        *("<img src=x onerror=a>", "<script>", "</details>", "<details>", "<br>", "<!--", "-->", "<!-- -->", "&lt;"),
        *("&#64;octocat", "&commat;octocat", "```", "~~~", "`", "$", "\\", "\\\\", "\n", "\n\n", " ", "    ", "|"),
        *("\u202e", "\x1b[31m", "\u200b", "::error::", "- ", "> ", "# ", "<a href='x'>", "javascript:alert(1)"),
        *("*", "_", "/close"),
    ]
)
TEXTS = st.lists(PIECES, max_size=12).map("".join)
#: What our reports may become as HTML.
TAGS = {*("h1", "h2", "h3", "h4", "p", "ul", "ol", "li", "strong", "em", "code", "pre", "hr", "blockquote", "s")} | {
    *("table", "thead", "tbody", "tr", "th", "td", "details", "summary", "br")
}


class Seen(HTMLParser):
    """The tags, the attributes and the visible text of a page; comments part texts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text: list[str] = [""]
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.text.append("")

    def handle_comment(self, data: str) -> None:
        self.text.append("")

    def handle_data(self, data: str) -> None:
        self.text[-1] += data


def page(text: str) -> Seen:
    """As GitHub makes HTML of it, before it looks for mentions in what is seen."""
    return Seen(MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(text))


def assert_nothing_acts(seen: Seen) -> None:
    assert seen.tags <= TAGS
    assert seen.attributes <= {"style", "start"}  # the sides of a table's columns, the first number of a list
    for text in seen.text:
        assert not re.search(r"@\w|[#!%]\d|GH-\d|https?:|www\.", text), text


@given(TEXTS)
def test_nothing_acts_in_a_strangers_report(text: str) -> None:
    assert_nothing_acts(page(inert(text)))


@given(TEXTS)
def test_nothing_acts_in_a_cell(text: str) -> None:
    name = visible(text)
    row = page(f"| a |\n| - |\n| {escape(name)} |\n")
    assert_nothing_acts(row)
    # The name is seen as it is, but for spaces that a page doesn't show.
    assert "".join("".join(row.text).split()) == "a" + "".join(name.split())
    within = page(f"<details><summary>{escape(name)}</summary></details>")
    assert within.tags == {"details", "summary"}
    assert_nothing_acts(within)


@given(TEXTS)
def test_what_is_inert_stays_as_it_is(text: str) -> None:
    once = inert(text)
    assert inert(once) == once
    cell = f"| {escape(visible(text))} | ~ | **bold** | +1.2 % |\n"
    assert inert(cell) == cell


def test_a_report_that_fits_stays_as_it_is() -> None:
    assert fitted("a\nb\n", 100) == "a\nb"
    assert fitted("a\nb\n", 11, "[x](y)") == "a\nb\n\n[x](y)"


@given(st.lists(st.sampled_from(["| a | b |", "text", "<details>", "</details>", "😀" * 7, "", "x" * 90])), st.data())
def test_what_doesnt_fit_ends_at_a_whole_line(lines: list[str], data: st.DataObject) -> None:
    report, most = "\n".join(lines), data.draw(st.integers(120, 600))
    short = fitted(report, most, "[The whole report](https://x.y)")
    assert length(short) <= most
    assert short.endswith("[The whole report](https://x.y)")
    if length(report.strip("\n")) + 33 <= most:
        assert "doesn't fit" not in short
        return
    kept, _, _ = short.partition("\n\nThe rest doesn't fit")
    opened, closed = kept.count("<details>"), kept.count("</details>")
    assert closed >= opened or report.count("</details>") > report.count("<details>")
    body = re.sub(r"\n\n(</details>)+$", "", kept)
    assert report.strip("\n").startswith(body)


def test_characters_outside_the_first_plane_count_twice() -> None:
    assert length("a😀") == len("a😀".encode("utf-16-le")) // 2


@pytest.mark.parametrize("rows", [10**5])
def test_many_rows_are_cut_in_one_go(rows: int) -> None:
    report = "| a | b |\n| - | - |\n" + "| layer | changed |\n" * rows
    assert 65_000 < length(fitted(report, 65_536)) <= 65_536
