"""What ``check`` found: one file per output format, each ``render(checked, view) -> text``."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass

from ...checks import Checked

FORMATS = ("table", "json", "junit", "github", "markdown")
#: File name endings that name a format.
ENDINGS = {".json": "json", ".xml": "junit", ".md": "markdown", ".markdown": "markdown", ".txt": "table"}


@dataclass(frozen=True, slots=True)
class CheckView:
    """Where it is shown: ``width`` is a terminal's; None where nothing is wrapped."""

    width: int | None = None
    color: bool = False
    ascii: bool = False


def render(checked: Sequence[Checked], output_format: str, view: CheckView) -> str:
    """The document, with a newline at its end."""
    text: str = importlib.import_module(f"{__name__}.{output_format}").render(checked, view)
    return text
