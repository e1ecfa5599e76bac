"""The graph in Graphviz' language."""

from __future__ import annotations

from ..analysis.rows import rows
from ..ir import Summary
from . import View
from .picture import ACCENT, FAMILIES, Node, outlined, picture

_HEAD = """\
  labelloc=t;
  graph [fontname="Helvetica", fontsize=11, nodesep=0.3, ranksep=0.25, style="rounded", color="#afb8c1"];
  node [fontname="Helvetica", fontsize=10, shape=box, style="rounded,filled", fontcolor="#1f2328"];
  edge [color="#57606a", arrowsize=0.6];
"""


def render(summary: Summary, view: View) -> str:
    """A ``digraph`` with a cluster for each module; shortcuts are drawn beside, and don't shape the layout."""
    found = picture(summary, rows(summary, view.depth, view.only))
    names = {node.id: f"n{index}" for index, node in enumerate(found.nodes)}
    numbers = {path: index for index, path in enumerate(found.groups)}
    lines = outlined(
        found.nodes,
        begin=lambda path: f"subgraph cluster_{numbers[path]} {{ label={_quoted(found.groups[path])};",
        end="}",
        line=lambda node: f"{names[node.id]} [{_attributes(node)}];",
        indent="  ",
    )
    for edge in found.edges:
        style = [f'color="{ACCENT}", penwidth=2'] if edge.shortcut else []
        style += ["style=dashed"] if edge.shortcut == "projection" else []
        style += [f"constraint=false, tooltip={_quoted(f'{edge.shortcut} shortcut')}"] if edge.skip else []
        attributes = f" [{', '.join(style)}]" if style else ""
        lines.append(f"  {names[edge.source]} -> {names[edge.target]}{attributes};")
    if not summary.has_graph and len(names) > 1:
        # Seen by nobody, they keep what has no edges in one column.
        lines.append(f"  {' -> '.join(names.values())} [style=invis];")
    head = f"digraph {_quoted(found.title)} {{\n  label={_quoted(found.title, found.facts)};\n{_HEAD}"
    return head + "".join(f"{line}\n" for line in lines) + "}\n"


def _attributes(node: Node) -> str:
    texts = ("  ".join(node.heading), node.shape, ", ".join(node.cost), node.note)
    label = _quoted(*filter(None, texts))
    tooltip = _quoted(*(f"{title}: {text}" for title, text in node.details))
    family = FAMILIES[node.family]
    return f'label={label}, fillcolor="{family.fill}", color="{family.stroke}", tooltip={tooltip}'


def _quoted(*lines: str) -> str:
    """Lines as a quoted string; a backslash and an entity stand for themselves."""
    escaped = (line.replace("&", "&amp;").replace("\\", "\\\\").replace('"', '\\"') for line in lines)
    return '"' + "\\n".join(escaped) + '"'
