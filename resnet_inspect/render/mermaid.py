"""The graph as a Mermaid flowchart, which GitHub and GitLab draw where they find it in Markdown."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from functools import cached_property
from itertools import pairwise

from ..analysis.rows import rows
from ..ir import Summary
from . import View
from .picture import ACCENT, FAMILIES, Node, Picture, connections, outlined, picture
from .picture import notes as picture_notes

#: What Mermaid draws where nobody has configured it otherwise, as on GitHub.
MAX_EDGES = 500
MAX_CHARACTERS = 50_000
#: Seen by nobody, it parts what Mermaid reads even where it is escaped: ``\n``, ``$$`` and ``fa:fa-car``.
_JOINER = "#8288;"
_LIMITS = f"{MAX_EDGES} edges, {MAX_CHARACTERS:,} characters"


def render(summary: Summary, view: View) -> str:
    """The flowchart; without a depth, folded until GitHub draws it. ``notes`` are comments in its first lines."""
    return drawn(summary, view)[0]


def notes(summary: Summary, view: View) -> tuple[str, ...]:
    """Why there are no arrows; what became of a graph that GitHub refuses, and the depth that folds it enough."""
    return drawn(summary, view)[1]


def drawn(summary: Summary, view: View) -> tuple[str, tuple[str, ...]]:
    """The document of ``render``, and its ``notes``."""
    said = picture_notes(summary)
    asked = _Chart(summary, view, view.depth)
    if asked.fits(said):
        return _comments(said) + asked.text, said
    large = f"GitHub draws no flowchart of {asked.size} (at most {_LIMITS})"
    chosen, last = asked, f"{large}, and no --depth folds it enough: --only draws a part of it, svg draws it whole"
    for depth in range(_deepest(summary, view), 0, -1):
        folded = _Chart(summary, view, depth)
        note = f"folded at --depth {depth}: {large}; --only draws a part of it in full"
        if folded.fits((*said, note)):
            if view.depth is None:
                chosen, last = folded, note
            else:
                last = f"{large}: --depth {depth} is the deepest that fits; --only draws a part of it"
            break
    said = (*said, last)
    return _comments(said) + chosen.text, said


class _Chart:
    """The flowchart at one depth. It is drawn when its text is asked for: too many edges are counted sooner."""

    def __init__(self, summary: Summary, view: View, depth: int | None) -> None:
        self._summary = summary
        self._rows = rows(summary, depth, view.only)
        self._links = list(pairwise(range(len(self._rows)))) if not summary.has_graph else []
        self._edges = len(connections(self._rows)) + len(self._links)

    @cached_property
    def text(self) -> str:
        """The document without comments."""
        return _flowchart(picture(self._summary, self._rows), self._links)

    @property
    def size(self) -> str:
        """What is too large about it."""
        edges = f"{self._edges:,} edges"
        return edges if self._edges > MAX_EDGES else f"{edges} and {_characters(self.text):,} characters"

    def fits(self, said: Sequence[str]) -> bool:
        """Whether GitHub draws it, with these comments."""
        return self._edges <= MAX_EDGES and _characters(_comments(said) + self.text) <= MAX_CHARACTERS


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
