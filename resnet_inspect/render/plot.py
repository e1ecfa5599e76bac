"""Plots: by matplotlib as a picture, by plotille in a terminal."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from ..errors import BadRequestError, ModelError
from ..visible import cleaned

#: File name endings that name a kind of picture.
PICTURES = {".svg": "svg", ".png": "png"}


@dataclass(frozen=True, slots=True)
class Point:
    """One point and its name."""

    x: float
    y: float
    label: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """Points of one quantity against another: a line, or apart with their labels.

    At every x of ``missing`` there is nothing to measure, which is marked.
    """

    x_title: str
    y_title: str
    points: tuple[Point, ...]
    line: bool = False
    missing: tuple[float, ...] = ()


def picture(title: str, panels: Sequence[Panel], kind: str) -> bytes:
    """The panels side by side, as ``svg`` or ``png``; the same bytes for the same panels.

    Raises:
        ModelError: matplotlib isn't installed.
    """
    title, panels = cleaned((title, panels))
    matplotlib = _library("matplotlib")
    matplotlib.use("Agg")
    from matplotlib.figure import Figure

    with matplotlib.rc_context({"svg.hashsalt": "resnet-inspect", "svg.fonttype": "path", "font.size": 9}):
        figure = Figure(figsize=(7.5 if len(panels) == 1 else 4 * len(panels), 4.5), layout="constrained")
        figure.suptitle(title, parse_math=False)
        for index, panel in enumerate(panels):
            _draw(figure.add_subplot(1, len(panels), index + 1), panel)
        out = io.BytesIO()
        # A picture has no date and no program's version: only what is in it.
        metadata: dict[str, Any] = {"Date": None, "Creator": None} if kind == "svg" else {"Software": None}
        figure.savefig(out, format=kind, dpi=150, metadata=metadata)
    return out.getvalue()


def _draw(axes: Any, panel: Panel) -> None:
    xs, ys = [point.x for point in panel.points], [point.y for point in panel.points]
    axes.plot(xs, ys, "-o" if panel.line else "o", markersize=3 if panel.line else 5)
    axes.set(xlabel=panel.x_title, ylabel=panel.y_title)
    axes.grid(alpha=0.3)
    if not panel.line and xs and min(xs) > 0 and max(xs) / min(xs) > 30:
        axes.set_xscale("log")
    for point in panel.points:
        # A name on the right side of the picture goes to the left of its point: it stays inside.
        left = axes.transLimits.transform(axes.transScale.transform((point.x, point.y)))[0] > 0.7
        place = {"xytext": (-5 if left else 5, 3), "ha": "right" if left else "left"}
        axes.annotate(
            point.label, (point.x, point.y), textcoords="offset points", fontsize=7, parse_math=False, **place
        )
    if panel.missing:
        axes.plot(panel.missing, [0] * len(panel.missing), "x", color="tab:red", label="doesn't fit", clip_on=False)
        axes.legend()
    if panel.line:
        axes.set_ylim(bottom=0)


def drawing(panels: Sequence[Panel], width: int) -> str:
    """The panels one below the other as text of ``width`` characters; points are named by letters, explained below.

    Raises:
        ModelError: plotille isn't installed.
    """
    plotille = _library("plotille")
    return "\n".join(_text(plotille, panel, width) for panel in cleaned(panels))


def _text(plotille: ModuleType, panel: Panel, width: int) -> str:
    figure = plotille.Figure()
    figure.with_colors = False
    figure.origin = False
    figure.width, figure.height = max(20, width - 24), 14
    figure.x_label, figure.y_label = "X", "Y"
    xs, ys = [point.x for point in panel.points], [point.y for point in panel.points]
    if not xs:
        return f"{panel.y_title}: nothing to draw\n"
    low, high = min(ys), max(ys)
    spread, step = (max(xs) - min(xs)) or max(xs) or 1, (high - low) or high or 1
    figure.set_x_limits(min_=max(min(xs) - 0.05 * spread, 0), max_=max(xs) + 0.05 * spread)
    figure.set_y_limits(min_=0 if panel.line else max(low - 0.1 * step, 0), max_=high + 0.1 * step)
    figure.register_label_formatter(float, _tick)
    figure.register_label_formatter(int, _tick)
    names = []
    if panel.line:
        figure.plot(xs, ys)
    else:
        names = [chr(ord("A") + index % 26) for index in range(len(xs))]
        figure.text(xs, ys, names)
    below = [f"{name} {point.label}" for name, point in zip(names, panel.points, strict=False)]
    if panel.missing:
        below.append(f"doesn't fit: {', '.join(f'{x:g}' for x in panel.missing)}")
    # What plotille leaves empty it fills with empty braille.
    drawn = "\n".join(
        line.replace("\N{BRAILLE PATTERN BLANK}", " ").rstrip() for line in str(figure.show()).splitlines()
    )
    return "\n".join([f"{panel.y_title} (up) against {panel.x_title}", drawn, *below]) + "\n"


def _tick(value: float, chars: int, delta: float = 0, left: bool = False) -> str:
    """A number beside an axis, to as many places as the step between two of them asks for."""
    places = max(0, 2 - math.floor(math.log10(abs(delta)))) if delta else 2
    text = f"{value:.{min(places, 6)}f}"[:chars]
    return f"{text:<{chars}}" if left else f"{text:>{chars}}"


def _library(name: str) -> ModuleType:
    import importlib

    try:
        return importlib.import_module(name)
    except ImportError as error:
        from ..requirements import advice

        raise ModelError(f"a plot needs {name}: {error}. {advice('plot', error)}") from error


def picture_kind(ending: str) -> str:
    """``svg`` or ``png``.

    Raises:
        BadRequestError: the ending is neither's.
    """
    if ending.lower() not in PICTURES:
        raise BadRequestError(f"a plot is a file that ends with {' or '.join(PICTURES)}, or - for the terminal")
    return PICTURES[ending.lower()]
