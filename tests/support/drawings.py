"""Reads drawings of the graph back from their text alone."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable

#: Numbers of boxes in the order of execution: ``n0`` to ``n1``.
Edges = set[tuple[str, str]]
SVG = "{http://www.w3.org/2000/svg}"


def read_mermaid(text: str) -> Edges:
    """The edges of a flowchart."""
    found = re.findall(r"^ (n\d+) (?:-->|==>)(?:\|\w+\|)? (n\d+)$", text, re.MULTILINE)
    assert len(found) == len(set(found))
    return set(found)


def read_dot(text: str) -> Edges:
    """The edges of a digraph: what stands in no quotes."""
    bare = re.sub(r'"(?:[^"\\]|\\.)*"', "", text, flags=re.DOTALL)
    assert '"' not in bare
    assert bare.count("{") == bare.count("}") == 1 + bare.count("subgraph")
    found = re.findall(r"(n\d+) -> (n\d+)", bare)
    assert len(found) == len(set(found)) == bare.count("->")
    return set(found)


def read_svg(text: str) -> Edges:
    """The edges from nothing but where arrows begin and end, and lanes that are never two outputs' at once."""
    page = ET.fromstring(text)
    box_at: dict[int, str] = {}
    for index, box in enumerate(page.findall(f"{SVG}g/{SVG}rect")):
        top, height = int(box.attrib["y"]), int(box.attrib["height"])
        inside = dict.fromkeys(range(top, top + height + 1), f"n{index}")
        assert not inside.keys() & box_at.keys(), "a box over another"
        box_at |= inside
    found: list[tuple[str, str]] = []
    lanes: dict[tuple[int, int], str] = {}
    for path in page.findall(f"{SVG}path"):
        numbers = [int(number) for number in re.findall(r"-?\d+", path.attrib["d"])]
        start, end = numbers[1], numbers[-2] if "Q" in path.attrib["d"] else numbers[-1]
        source = box_at[start]
        found.append((source, box_at[end]))
        if "Q" in path.attrib["d"]:
            x = numbers[5]
            for y in range(min(start, end), max(start, end)):
                assert lanes.setdefault((x, y), source) == source, "a lane of two outputs"
    assert len(found) == len(set(found))
    return set(found)


READERS: dict[str, Callable[[str], Edges]] = {"mermaid": read_mermaid, "dot": read_dot, "svg": read_svg}
