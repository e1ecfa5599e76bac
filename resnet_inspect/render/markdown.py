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


#: What GitHub and GitLab find in text: @user, #12, !12, %12, GH-12, https://, www. and addresses of mail.
_REFERENCE = re.compile(r"@(?=[\w-])|[#!%](?=\d)|(?i:gh)(?=-\d)|(?i:https?|ftp|mailto|xmpp)(?=:)|(?i:www)(?=\.)")
#: Entities, and no backslash: within HTML, Markdown's escapes are none.
_SPECIAL = {"<": "&lt;", ">": "&gt;", "&": "&amp;"}


def escape(text: str) -> str:
    """Text that Markdown takes as it stands, and of which GitHub and GitLab make no link and no mention."""
    text = re.sub(r"[\\|`*_<>\[\]&~$]", lambda found: _SPECIAL.get(found[0]) or f"\\{found[0]}", text)
    return part_references(text)


def part_references(text: str) -> str:
    """Markdown whose references to people, issues and addresses are parted by an empty comment, and lead nowhere."""
    return _REFERENCE.sub(r"\g<0><!-- -->", text)
