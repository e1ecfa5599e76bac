"""What stands above a page's script as plain markup. Every text in it is escaped."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Sequence
from html import escape

from ...ir import Model
from ...version import __version__
from ...visible import line

#: What is longer than this has the width of the page, in a list of short facts.
_LONG = 70


def facts(pairs: Iterable[tuple[str, str]]) -> str:
    """Labels and texts, as a list of definitions. Those with an indented label are parts of the one above them."""
    groups: list[list[tuple[str, str]]] = []
    for label, text in pairs:
        if label.startswith(" ") and groups:
            groups[-1].append((label.strip(), text))
        else:
            groups.append([(label.strip(), text)])
    return f'<dl class="facts">{"".join(map(_fact, groups))}</dl>' if groups else ""


def _fact(group: Sequence[tuple[str, str]]) -> str:
    (label, text), *parts = group
    below = "".join(f'<dd class="part"><span>{escape(name)}</span> {escape(said)}</dd>' for name, said in parts)
    width = ' class="wide"' if any(len(text) > _LONG for _, text in group) else ""
    return f"<div{width}><dt>{escape(label)}</dt><dd>{escape(text)}</dd>{below}</div>"


def source(model: Model) -> str:
    """A model as a command names it, with its constructor's arguments, and what built it if that says more.

    ``torch:resnet50 --arg num_classes=10 (torchvision.models.resnet.resnet50)``.
    """
    arguments = (f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in model.arguments)
    given = [f"--arg {shlex.quote(argument)}" for argument in arguments]
    is_said = model.title == model.builder or not model.builder or model.builder.startswith("resnet_inspect.")
    return " ".join([model.title, *given, *([] if is_said else [f"({model.builder})"])])


def provenance(sources: Iterable[tuple[str, Model]]) -> str:
    """Where a page comes from: its networks, and the version that wrote it. ``page.signed`` adds the command."""
    labelled = [(label, line(source(model))) for label, model in sources]
    parts = [f"<span>{escape(label)}: <code>{escape(text)}</code></span>" for label, text in labelled]
    return f'<div class="made">{"".join(parts)}<span>Written by resnet-inspect {escape(__version__)}</span></div>'


def table(titles: Sequence[str], lines: Iterable[Sequence[str]], numbers: Sequence[int] = ()) -> str:
    """Cells, those in the columns of ``numbers`` to the right. Indented ones stay indented."""

    def row(cells: Sequence[str], tag: str) -> str:
        kinds = (
            ' class="number"' if at in numbers else ' class="part"' if cell.startswith(" ") else ""
            for at, cell in enumerate(cells)
        )
        texts = (escape(cell.strip()) for cell in cells)
        return "".join(f"<{tag}{kind}>{text}</{tag}>" for kind, text in zip(kinds, texts, strict=True))

    body = "".join(f"<tr>{row(cells, 'td')}</tr>" for cells in lines)
    inner = f'<table class="plain"><thead><tr>{row(titles, "th")}</tr></thead><tbody>{body}</tbody></table>'
    return f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(titles[0])}">{inner}</div>'
