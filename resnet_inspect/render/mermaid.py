"""The graph as a Mermaid flowchart, which GitHub and GitLab draw where they find it in Markdown."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from itertools import pairwise

from ..analysis.rows import rows
from ..ir import Summary
from . import View
from .picture import ACCENT, FAMILIES, Node, Picture, is_unconnected, outlined, picture
from .picture import notes as picture_notes

#: What Mermaid draws where nobody has configured it otherwise, as on GitHub.
MAX_EDGES = 500
MAX_CHARACTERS = 50_000
#: Seen by nobody, it parts what Mermaid reads even where it is escaped: ``\n``, ``$$`` and ``fa:fa-car``.
_JOINER = "#8288;"
_LIMITS = f"{MAX_EDGES} edges, {MAX_CHARACTERS:,} characters"


def render(summary: Summary, view: View) -> str:
    """The flowchart; without a depth, folded until GitHub draws it. ``notes`` are comments in its first lines."""
    text, said = _drawn(summary, view)
    return _comments(said) + text


def notes(summary: Summary, view: View) -> tuple[str, ...]:
    """Why there are no arrows; what became of a graph that GitHub refuses, and the depth that folds it enough."""
    return _drawn(summary, view)[1]


def _drawn(summary: Summary, view: View) -> tuple[str, tuple[str, ...]]:
    said = picture_notes(summary)
    text, edges = _at_depth(summary, view, view.depth)
    size = _characters(_comments(said) + text)
    if edges <= MAX_EDGES and size <= MAX_CHARACTERS:
        return text, said
    large = f"GitHub draws no flowchart of {edges:,} edges and {size:,} characters (at most {_LIMITS})"
    for depth in range(_deepest(summary, view), 0, -1):
        folded, edges = _at_depth(summary, view, depth)
        note = f"folded at --depth {depth}: {large}; --only draws a part of it in full"
        if edges <= MAX_EDGES and _characters(_comments((*said, note)) + folded) <= MAX_CHARACTERS:
            if view.depth is None:
                return folded, (*said, note)
            return text, (*said, f"{large}: --depth {depth} is the deepest that fits; --only draws a part of it")
    return text, (*said, f"{large}, and no --depth folds it enough: --only draws a part of it, svg draws it whole")


def _comments(lines: Sequence[str]) -> str:
    # Mermaid reads %%{init: ...}%% as settings wherever it stands.
    return "".join(f"%% {line.replace('{', '(').replace('}', ')')}\n" for line in lines)


def _characters(text: str) -> int:
    """As JavaScript counts them: two for each beyond the first 65,536 of Unicode."""
    return len(text.encode("utf-16-le")) // 2


def _deepest(summary: Summary, view: View) -> int:
    """The largest depth that folds anything more."""
    paths = [layer.path for layer in summary.layers]
    if view.only:
        paths = [path for path in paths if any(fnmatchcase(path, pattern) for pattern in view.only)]
    deepest = max(path.count(".") for path in paths)
    return deepest if view.depth is None else min(deepest, view.depth - 1)


def _at_depth(summary: Summary, view: View, depth: int | None) -> tuple[str, int]:
    """The flowchart and the number of its edges."""
    found = picture(summary, rows(summary, depth, view.only))
    links = list(pairwise(range(len(found.nodes)))) if is_unconnected(summary) else []
    return _flowchart(found, links), len(found.edges) + len(links)


def _flowchart(found: Picture, links: Sequence[tuple[int, int]]) -> str:
    """``links`` are seen by nobody: they keep what has no edges in one column."""
    names = {node.id: f"n{index}" for index, node in enumerate(found.nodes)}
    numbers = {path: index for index, path in enumerate(found.groups)}
    lines = ["flowchart TD"]
    lines += outlined(
        found.nodes,
        begin=lambda path: f'subgraph g{numbers[path]}["{_escaped(found.groups[path])}"]',
        end="end",
        line=lambda node: f'{names[node.id]}["{_label(node)}"]:::{node.family}',
        indent=" ",
    )
    for edge in found.edges:
        arrow = "-->" if edge.shortcut is None else "==>"
        word = f"|{edge.shortcut}|" if edge.skip and edge.shortcut != "identity" else ""
        lines.append(f" {names[edge.source]} {arrow}{word} {names[edge.target]}")
    lines += [f" n{above} ~~~ n{below}" for above, below in links]
    if accented := [str(index) for index, edge in enumerate(found.edges) if edge.shortcut is not None]:
        lines.append(f" linkStyle {','.join(accented)} stroke:{ACCENT},stroke-width:3px")
    for name in dict.fromkeys(node.family for node in found.nodes):
        family = FAMILIES[name]
        # The colour of the text too: on a dark page it would be white on these light boxes.
        lines.append(f" classDef {name} fill:{family.fill},stroke:{family.stroke},color:#1f2328")
    if numbers:
        lines.append(" classDef group fill:#8c959f1f,stroke:#8c959f66")
        lines.append(f" class {','.join(f'g{number}' for number in numbers.values())} group")
    return "".join(f"{line}\n" for line in lines)


def _label(node: Node) -> str:
    lines = (_escaped(text) for text in (node.shape, *node.cost, node.note) if text)
    return "<br>".join([" · ".join(map(_escaped, node.heading)), *lines])


def _escaped(text: str) -> str:
    """Text that is neither Mermaid's syntax, nor HTML, nor Markdown, all of which it reads in a label.

    Punctuation stays only between letters or digits, where it can't begin a list, emphasis or an address (``www.``).
    """
    return re.sub(
        r"(?<=[^\W_])(?:, |[ ,_-]|:(?=\d)|(?<![wW])[.])(?=[^\W_])|[^\W_]|(.)",
        lambda match: match[0] if match[1] is None else f"#{ord(match[1])};" + _JOINER * (match[1] in "\\$:"),
        text,
    )
