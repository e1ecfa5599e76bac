"""A GitHub-flavoured Markdown table, for pull requests."""

from __future__ import annotations

import re

from ..ir import Summary
from . import View
from .selection import select
from .totals import totals


def render(summary: Summary, view: View) -> str:
    """The rows as a table, the totals as another."""
    chosen = select(summary, view)
    titles = [column.title for column in chosen.columns]
    sides = ["---:" if column.number else ":---" for column in chosen.columns]
    cells = [[escape(column.text(row)) for column in chosen.columns] for row in chosen.rows]
    if chosen.gutter:
        titles, sides = ["Rails", *titles], [":---", *sides]
        cells = [[_code(line), *row] for line, row in zip(chosen.gutter, cells, strict=True)]
    lines = [table_row(row) for row in (titles, sides, *cells)]
    lines += ["", table_row(["Total", ""]), table_row([":---", ":---"])]
    lines += [table_row([label.strip(), escape(value)]) for label, value in totals(summary, view)]
    return "\n".join(lines) + "\n"


def table_row(cells: list[str]) -> str:
    """One row of a Markdown table."""
    return "| " + " | ".join(cells) + " |"


def _code(text: str) -> str:
    """Text of fixed width, whose spaces a page keeps."""
    return "`" + text.replace(" ", "\u00a0").replace("|", "\\|") + "`"


def escape(text: str) -> str:
    """Text that Markdown takes as it stands, and of which GitHub makes no link and no mention."""
    text = re.sub(r"[\\|`*_<>\[\]&~$]", r"\\\g<0>", text)
    # An empty comment parts what GitHub finds in text: @user, #12, https://, www. and addresses of mail.
    return re.sub(r"@(?=[\w-])|#(?=\d)|(?i:\bhttps?|\bftp)(?=:)|(?i:\bwww)(?=\.)", r"\g<0><!-- -->", text)
