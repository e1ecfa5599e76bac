"""Plots: by matplotlib as a picture, by plotille in a terminal."""

from __future__ import annotations

import io
import math
import re
import string
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from ...errors import BadRequestError, ModelError
from ...visible import cleaned
from .plot_labels import Rectangle, placed

#: File name endings that name a kind of picture.
PICTURES = {".svg": "svg", ".png": "png"}

#: Colours in light and in dark, by what they are for.
_PAGE, _TEXT = ("#ffffff", "#0d1117"), ("#1f2328", "#e6edf3")
_LINE, _MISSING = ("#818b98", "#7d8590"), ("#d1242f", "#f85149")
#: The colours of families, in light and in dark. Beyond these, they come again with another mark.
_FAMILIES = (
    ("#0969da", "#58a6ff"),
    ("#bc4c00", "#f0883e"),
    ("#1a7f37", "#3fb950"),
    ("#8250df", "#bc8cff"),
    ("#9a6700", "#d29922"),
    ("#bf3989", "#f778ba"),
    ("#1b7c83", "#39c5cf"),
    ("#57606a", "#b1bac4"),
)
_MARKS = "os^D"
#: What a family of networks is called by: ``resnet`` of ``resnet50``, ``EfficientNet`` of ``EfficientNetB0``.
_FAMILY = re.compile(r"[A-Za-z]+?(?=[A-Z]?\d|[^A-Za-z]|$)")
#: What points are called in a terminal.
_LETTERS = string.ascii_uppercase + string.ascii_lowercase + string.digits


@dataclass(frozen=True, slots=True)
class Point:
    """One point and its name."""

    x: float
    y: float
    label: str = ""

    @property
    def family(self) -> str:
        """Which family of networks the name is of, whichever library has it: ``resnet`` for ``keras:ResNet50``."""
        found = _FAMILY.match(self.label.rpartition(":")[2])
        return found[0].lower() if found else self.label


@dataclass(frozen=True, slots=True)
class Panel:
    """Points of one quantity against another: a line, or apart with their labels.

    At every x of ``missing`` there is nothing to measure, which is marked. ``has_front``: little of x and much of y is
    what people look for.
    """

    x_title: str
    y_title: str
    points: tuple[Point, ...]
    line: bool = False
    missing: tuple[float, ...] = ()
    has_front: bool = False

    @property
    def front(self) -> tuple[Point, ...]:
        """The Pareto front: the points of which each has more of y than all that have no more of x."""
        found: list[Point] = []
        for point in sorted(self.points, key=lambda point: (point.x, -point.y)) if self.has_front else ():
            if not found or point.y > found[-1].y:
                found.append(point)
        return tuple(found)


def picture(title: str, panels: Sequence[Panel], kind: str, dark: bool = False) -> bytes:
    """The panels side by side, as ``svg`` or ``png``; the same bytes for the same panels.

    An ``svg`` has the colours of the page that shows it, a ``png`` those of a light page or of a ``dark`` one.

    Raises:
        ModelError: matplotlib isn't installed.
    """
    title, panels = cleaned((title, panels))
    matplotlib = library("matplotlib")
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    theme = int(dark and kind == "png")
    colors = dict.fromkeys(("figure.facecolor", "axes.facecolor"), _PAGE[theme])
    colors |= dict.fromkeys(("text.color", "axes.labelcolor", "xtick.color", "ytick.color"), _TEXT[theme])
    colors |= dict.fromkeys(("axes.edgecolor", "grid.color"), _LINE[theme])
    fonts = {"svg.hashsalt": "resnet-inspect", "svg.fonttype": "path", "font.size": 9}
    with matplotlib.rc_context({**fonts, **colors}), warnings.catch_warnings():
        # A name in letters that the font hasn't got is drawn as boxes, and stands in the table all the same.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        # Many names need more room; their letters keep their size.
        larger = max(1.0, math.sqrt(max((len(panel.points) for panel in panels if not panel.line), default=0) / 24))
        size = (7.5 * larger, 4.5 * larger) if len(panels) == 1 else (4 * len(panels), 4.5)
        figure = Figure(figsize=size, dpi=150, layout="constrained")
        FigureCanvasAgg(figure)
        figure.suptitle(title, parse_math=False)
        all_axes = [figure.add_subplot(1, len(panels), index + 1) for index in range(len(panels))]
        for axes, panel in zip(all_axes, panels, strict=True):
            _draw(axes, panel, theme)
        explained = {
            label: mark for axes in all_axes for mark, label in zip(*axes.get_legend_handles_labels(), strict=True)
        }
        if explained:
            # Below the panels, and not over them.
            figure.legend(list(explained.values()), list(explained), loc="outside lower right", frameon=False)
        # Names go where nothing else is, which is known when all else has its place.
        figure.draw_without_rendering()
        figure.set_layout_engine("none")
        for axes, panel in zip(all_axes, panels, strict=True):
            _name(axes, panel, theme)
        out = io.BytesIO()
        # A picture has no date and no program's version: only what is in it.
        metadata: dict[str, Any] = {"Date": None, "Creator": None} if kind == "svg" else {"Software": None}
        figure.savefig(out, format=kind, metadata=metadata)
    return _following_the_page(out.getvalue()) if kind == "svg" else out.getvalue()


def _draw(axes: Any, panel: Panel, theme: int) -> None:
    axes.set(xlabel=panel.x_title, ylabel=panel.y_title)
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    xs, ys = [point.x for point in panel.points], [point.y for point in panel.points]
    if panel.line:
        axes.plot(xs, ys, "-o", markersize=3, color=_FAMILIES[0][theme])
        axes.set_ylim(bottom=0)
    else:
        axes.margins(0.08)
        if xs and min(xs) > 0 and max(xs) / min(xs) > 30:
            _scale(axes)
        families = list(dict.fromkeys(point.family for point in panel.points))
        for point in panel.points:
            turn, color = divmod(families.index(point.family), len(_FAMILIES))
            mark = _MARKS[turn % len(_MARKS)]
            axes.plot(point.x, point.y, mark, markersize=5, color=_FAMILIES[color][theme], zorder=3)
    if len(panel.front) > 1:
        front = [point.x for point in panel.front], [point.y for point in panel.front]
        axes.plot(*front, "--", color=_LINE[theme], linewidth=1, zorder=1, label="Pareto front")
    if panel.missing:
        zeros = [0] * len(panel.missing)
        axes.plot(panel.missing, zeros, "x", color=_MISSING[theme], label="doesn't fit", clip_on=False)


def _scale(axes: Any) -> None:
    """Logarithms across, with numbers as people write them."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())


def _name(axes: Any, panel: Panel, theme: int) -> None:
    """The names of points, each beside its own; a line leads to one that stands apart."""
    from matplotlib.patheffects import withStroke

    named = [] if panel.line else [point for point in panel.points if point.label]
    style = {
        "fontsize": 7,
        "parse_math": False,
        "zorder": 2.5,
        "path_effects": [withStroke(linewidth=2, foreground=_PAGE[theme])],
    }
    sizes = []
    for point in named:
        text = axes.text(0, 0, point.label, **style)
        extent = text.get_window_extent()
        sizes.append((extent.width + 2, extent.height + 2))
        text.remove()
    room = Rectangle(*axes.get_window_extent().extents)
    at = [tuple(axes.transData.transform((point.x, point.y))) for point in named]
    radius = 0.045 * axes.figure.dpi  # of a mark, and a little
    front = [tuple(axes.transData.transform((point.x, point.y))) for point in panel.front]
    for point, (x, y), place in zip(named, at, placed(at, sizes, room, radius, front), strict=True):
        offset = [(side - middle + 1) * 72 / axes.figure.dpi for side, middle in ((place.left, x), (place.bottom, y))]
        near = Rectangle(x - 2 * radius, y - 2 * radius, x + 2 * radius, y + 2 * radius)
        line = {"arrowstyle": "-", "color": _LINE[theme], "linewidth": 0.5, "shrinkA": 0, "shrinkB": 2}
        axes.annotate(
            point.label,
            (point.x, point.y),
            xytext=offset,
            textcoords="offset points",
            arrowprops=None if place.shared(near) else line,
            **style,
        )


def _following_the_page(svg: bytes) -> bytes:
    """The same picture with the dark colours for pages that are dark: matplotlib writes each where it is used."""
    rules = [
        f'[style*="{what}: {light}"]{{{what}:{dark}!important}}'
        for light, dark in (_PAGE, _TEXT, _LINE, _MISSING, *_FAMILIES)
        for what in ("fill", "stroke")
    ]
    style = "<style>@media (prefers-color-scheme:dark){" + "".join(rules) + "}</style>"
    return svg.replace(b"<defs>", style.encode() + b"<defs>", 1)


def drawing(panels: Sequence[Panel], width: int) -> str:
    """The panels one below the other as text of ``width`` characters; points are named by letters, explained below.

    Raises:
        ModelError: plotille isn't installed.
    """
    plotille = library("plotille")
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
        names = [_LETTERS[index % len(_LETTERS)] for index in range(len(xs))]
        figure.text(xs, ys, names)
    # Where letters hide one another, the numbers still tell where each point is.
    below = [
        f"{name} {point.label} ({point.x:.4g}, {point.y:.4g}){' *' * (point in panel.front)}"
        for name, point in zip(names, panel.points, strict=False)
    ]
    below += ["* on the Pareto front"] if panel.front else []
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


def library(name: str) -> ModuleType:
    """matplotlib, which draws pictures, or plotille, which draws in a terminal.

    Raises:
        ModelError: it isn't installed, with the command that installs it.
    """
    import importlib

    try:
        return importlib.import_module(name)
    except ImportError as error:
        from ...requirements import advice

        raise ModelError(f"a plot needs {name}: {error}. {advice('plot', error)}") from error


def picture_kind(ending: str) -> str:
    """``svg`` or ``png``.

    Raises:
        BadRequestError: the ending is neither's.
    """
    if ending.lower() not in PICTURES:
        raise BadRequestError(f"a plot is a file that ends with {' or '.join(PICTURES)}, or - for the terminal")
    return PICTURES[ending.lower()]
