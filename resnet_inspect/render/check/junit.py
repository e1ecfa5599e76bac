"""JUnit's XML: a suite for each model, a case for each rule."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree

from ...checks import Checked
from ..diff import DiffView
from ..diff.table import render as render_diff
from . import CheckView
from .words import failed, said


def render(checked: Sequence[Checked], view: CheckView) -> str:
    """``failure`` for a rule that isn't kept, ``error`` for one that couldn't be looked at."""
    root = ElementTree.Element("testsuites", name="resnet-inspect")
    for item in checked:
        levels = [outcome.level for outcome in item.outcomes]
        suite = ElementTree.SubElement(
            root,
            "testsuite",
            name=item.name,
            tests=str(len(levels)),
            failures=str(levels.count("fail") + levels.count("strict")),
            errors=str(levels.count("error")),
        )
        for outcome in item.outcomes:
            case = ElementTree.SubElement(suite, "testcase", classname=item.name, name=outcome.rule)
            messages = said(outcome)
            details = [render_diff(f.diff, DiffView()) for f in outcome.findings if f.diff is not None]
            text = "\n".join([*messages, *details])
            if failed(outcome):
                kind = "error" if outcome.level == "error" else "failure"
                ElementTree.SubElement(case, kind, message=messages[0]).text = text
            elif text:
                ElementTree.SubElement(case, "system-out").text = text
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=False) + "\n"
