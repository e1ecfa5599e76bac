"""What makes a comment of a report in Markdown: short enough, and of a stranger's report, nothing that acts."""

from __future__ import annotations

import re

from ..visible import visible
from .markdown import part_references

#: The only HTML and entities that our reports have.
_OURS = ("<details>", "</details>", "<summary>", "</summary>", "<br>", "<!-- -->", "&amp;", "&lt;", "&gt;", "&nbsp;")
#: What is taken together: an escape, which is kept, then what is ours, then what means something to a forge, also
#: where a line begins, a slash: GitLab runs it. An escape of ``<`` or ``&`` is none within HTML.
_TOKEN = re.compile(
    rf"\\[!-%'-;=?-@\[-`{{-~]|{'|'.join(map(re.escape, _OURS))}|[<>&\[\]`$]|~(?=~)|^(?=[ \t]*/)", re.MULTILINE
)
_ENTITIES = {"<": "&lt;", ">": "&gt;", "&": "&amp;"}


def length(text: str) -> int:
    """Characters as the forges may count them: one outside the first plane of Unicode is two."""
    return len(text) + sum(char > "\uffff" for char in text)


def fitted(report: str, most: int, ending: str = "") -> str:
    """The report and an ``ending``, with at most ``most`` characters. Whole lines are left out at the report's end.

    What a line that was left out would have closed is closed, and the text says that something is missing.
    """
    report = report.strip("\n")
    tail = f"\n\n{ending}" if ending else ""
    if length(report + tail) <= most:
        return report + tail
    tail = f"\n\nThe rest doesn't fit into a comment.{' ' + ending if ending else ''}"
    room = most - length(tail)
    kept: list[str] = []
    unclosed = 0
    for line in report.split("\n"):
        room -= length(line) + 1
        opened = unclosed + line.count("<details>") - line.count("</details>")
        if room < (opened > 0) * length(_closing(opened)):
            break
        kept.append(line)
        unclosed = opened
    return "\n".join(kept).rstrip("\n") + _closing(unclosed) + tail


def _closing(unclosed: int) -> str:
    return "\n\n" + "</details>" * unclosed if unclosed > 0 else ""


def inert(report: str) -> str:
    """A report that says the same, and in which nothing acts: no HTML but ours, no link, picture, mention or reference.

    A report of ours, whose names are escaped already, stays as it is.
    """
    lines = map(visible, report.splitlines())
    return part_references(_TOKEN.sub(_safe, "\n".join(lines))) + "\n"


def _safe(found: re.Match[str]) -> str:
    text = found[0]
    if not text:
        return "<!-- -->"
    if len(text) > 1:
        return text
    return _ENTITIES.get(text) or f"\\{text}"
