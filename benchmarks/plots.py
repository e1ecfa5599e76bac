"""The pictures: ratios with their limits, and growth with guides. The same numbers give the same bytes."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, floor, log10
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("svg")

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter
from report import LEAST_MEMORY, Row

MET, MISSED, FREE, INK, FAINT = "#3b7dd8", "#d1495b", "#b9c6d6", "#24292f", "#d9dee4"
LINES = (
    *("#3b7dd8", "#d1495b", "#2a9d8f", "#e09f3e", "#7b5ea7"),
    *("#8c564b", "#e377c2", "#57606a", "#a3b018", "#17becf"),
)
#: What is longer is cut; the number beside it says how long it was.
LONGEST = 2.4

plt.rcParams.update(
    {
        "font.size": 9,
        "svg.fonttype": "none",
        "svg.hashsalt": "resnet-inspect",
        "axes.edgecolor": FAINT,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "text.color": INK,
        "axes.labelcolor": INK,
        "xtick.color": INK,
        "ytick.color": INK,
    }
)


def ratios(rows: Sequence[Row], file: Path) -> None:
    """A bar for each ratio, the limited ones first, with a mark at the limit."""
    shown = [row for row in rows if not row.error]
    figure, axes = plt.subplots(figsize=(9.5, 0.9 + 0.27 * len(shown)), layout="constrained")
    limited = sum(row.allowed is not None for row in shown)
    # A gap parts those without a limit.
    places = [index + (0.7 if index >= limited else 0.0) for index in range(len(shown))]
    for place, row in zip(places, shown, strict=True):
        color = FREE if row.allowed is None else MET if row.ratio <= row.allowed else MISSED
        length = min(row.ratio, LONGEST)
        axes.barh(place, length, height=0.66, color=color, zorder=2)
        end = length
        if row.allowed is not None:
            axes.plot([row.allowed] * 2, [place - 0.4, place + 0.4], color=INK, linewidth=2, zorder=3)
            end = max(length, row.allowed)
        white = {"facecolor": "white", "edgecolor": "none", "pad": 0.6}
        text = {"xytext": (6, 0), "textcoords": "offset points", "va": "center", "fontsize": 8, "bbox": white}
        axes.annotate(_number(row), (end, place), zorder=4, **text)
    axes.set_yticks(places, [_label(row) for row in shown])
    axes.set_ylim(max(places, default=0) + 0.8, -0.8)
    axes.set_xlim(0, LONGEST + 0.35)
    axes.axvline(1.0, color=FAINT, linewidth=1, zorder=1)
    axes.tick_params(length=0)
    axes.set_title("Ours as a multiple of what it is beside; the black mark is the limit", fontsize=10, loc="left")
    _save(figure, file)


def _label(row: Row) -> str:
    ours = f"{row.ours} (memory)" if row.of == "memory" else row.ours
    return f"{ours}  /  {row.beside or f'{row.limit:g} s'}"


def _number(row: Row) -> str:
    if row.limit is None:
        return f"{row.ratio:.2f}"
    return f"{row.ratio:.2f} of {row.limit:.2f}" if row.beside else f"{row.left:.1f} s of {row.limit:g} s"


def growth(jobs: Sequence[dict[str, Any]], file: Path) -> None:
    """A panel for each kind of job, time above and memory below, with lines of slope one."""
    kinds = list(dict.fromkeys(job["kind"] for job in jobs if job["points"]))
    if not kinds:
        return
    figure, panels = plt.subplots(
        2, len(kinds), figsize=(3.1 * len(kinds), 6.4), layout="constrained", sharex=True, sharey="row", squeeze=False
    )
    for column, kind in enumerate(kinds):
        own = [job for job in jobs if job["kind"] == kind]
        time, memory = panels[:, column]
        for job, color in zip(own, LINES, strict=False):
            _line(time, [(x, seconds) for x, seconds, _ in job["points"]], color, job["name"])
            _line(
                memory, [(x, size / 2**20) for x, _, size in job["points"] if size >= LEAST_MEMORY], color, job["name"]
            )
        time.set_title(kind, fontsize=10, loc="left")
        time.legend(fontsize=7.5, frameon=False, loc="upper left", handlelength=1.4, borderaxespad=0.1)
        memory.set_xlabel("layers")
    panels[0, 0].set_ylabel("time")
    panels[1, 0].set_ylabel("memory")
    panels[0, 0].yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g} s"))
    panels[1, 0].yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g} MiB"))
    panels[1, 0].xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    _guides(panels[0], room=60)
    _guides(panels[1])
    title = "Time and memory against the number of layers; grey lines are linear growth"
    figure.suptitle(title, fontsize=10, x=0.01, ha="left")
    _save(figure, file)


def _line(axes: Axes, points: Sequence[tuple[float, float]], color: str, name: str) -> None:
    if points:
        axes.loglog(*zip(*points, strict=True), "o-", color=color, label=name, linewidth=1.6, markersize=3.5, zorder=3)


def _guides(row: Sequence[Axes], room: float = 1) -> None:
    """Linear growth through every power of ten; the ``room`` at the top is the legend's."""
    low, high = row[0].get_ylim()
    low, high = low, high * room
    left, right = row[0].get_xlim()
    for axes in row:
        for power in range(floor(log10(low / right)), ceil(log10(high / left))):
            scale = 10.0**power
            axes.plot([left, right], [left * scale, right * scale], color=FAINT, linewidth=0.8, zorder=1)
        axes.set_xlim(left, right)
        axes.set_ylim(low, high)
        axes.minorticks_off()
        axes.tick_params(which="major", color=FAINT)


def _save(figure: Any, file: Path) -> None:
    figure.savefig(file, metadata={"Date": None, "Creator": None}, facecolor="white")
    plt.close(figure)
