"""What stands above a page's script as plain markup. Every text in it is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape


def facts(pairs: Iterable[tuple[str, str]]) -> str:
    """Labels and texts, as a list of definitions."""
    items = "".join(f"<div><dt>{escape(label.strip())}</dt><dd>{escape(text)}</dd></div>" for label, text in pairs)
    return f'<dl class="facts">{items}</dl>' if items else ""


def table(titles: Sequence[str], lines: Iterable[Sequence[str]], numbers: Sequence[int] = ()) -> str:
    """Cells, those in the columns of ``numbers`` to the right."""

    def row(cells: Sequence[str], tag: str) -> str:
        kinds = (' class="number"' if at in numbers else "" for at in range(len(cells)))
        texts = (escape(cell.strip()) for cell in cells)
        return "".join(f"<{tag}{kind}>{text}</{tag}>" for kind, text in zip(kinds, texts, strict=True))

    body = "".join(f"<tr>{row(cells, 'td')}</tr>" for cells in lines)
    inner = f'<table class="plain"><thead><tr>{row(titles, "th")}</tr></thead><tbody>{body}</tbody></table>'
    return f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(titles[0])}">{inner}</div>'
