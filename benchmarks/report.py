"""What was measured as Markdown, and where it stands in a README."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from cases import GROUPS, TRACE_LIMITS
from measure import exponent

BEGIN, END = "<!-- measured: `make bench` writes what follows -->", "<!-- measured until here -->"
#: The exponent that time and memory may grow by with the number of layers.
GROWTH_LIMIT = 1.1
#: Less memory than this is noise, and so are fewer seconds: caches of the processor hold what takes them.
LEAST_MEMORY, LEAST_SECONDS = 2**20, 0.5


@dataclass(frozen=True, slots=True)
class Row:
    """One ratio. ``by_instructions`` is the same of instructions; ``error`` says why there is none."""

    ours: str
    beside: str
    of: str
    left: float = 0.0
    right: float = 0.0
    limit: float | None = None
    by_instructions: float | None = None
    error: str = ""

    @property
    def ratio(self) -> float:
        """How much of the peer's, or of the limit where there is no peer."""
        return self.left / (self.right if self.beside else self.limit or 1.0)

    @property
    def allowed(self) -> float | None:
        """The limit of ``ratio``."""
        return self.limit if self.beside or self.limit is None else 1.0

    @property
    def verdict(self) -> str:
        """Met, missed or failed; nothing without a limit."""
        if self.error:
            return f"failed: {self.error}"
        return "" if self.allowed is None else "met" if self.ratio <= self.allowed else "**missed**"


def ratios(results: dict[str, Any]) -> list[Row]:
    """All ratios, those with limits first."""
    rows = []
    for group in GROUPS:
        measured = results["groups"].get(group.name, {}).get("cases")
        for ratio in group.ratios if measured else ():
            ours, beside = measured[ratio.ours], measured.get(ratio.beside)
            error = ours["error"] or (beside["error"] if beside else "")
            key = "peak" if ratio.of == "memory" else "seconds"
            counts = [side["instructions"] if side and ratio.of == "time" else None for side in (ours, beside)]
            rows.append(
                Row(
                    ours=ratio.ours,
                    beside=ratio.beside,
                    of=ratio.of,
                    left=ours[key],
                    right=beside[key] if beside else 0.0,
                    limit=ratio.limit,
                    by_instructions=counts[0] / counts[1] if counts[0] and counts[1] else None,
                    error=error,
                )
            )
    rows += [row for model in results["in_process"] for row in _traced(model)]
    return sorted(rows, key=lambda row: row.limit is None)


def _traced(model: dict[str, Any]) -> Iterator[Row]:
    """Our trace beside the others' in the same process. What they can't do is said in the table of traces only."""
    ours = model["tools"]["ours"]
    for tool, found in model["tools"].items():
        limit = TRACE_LIMITS.get((model["name"], model["on"], tool))
        error = ours.get("error") or found.get("error", "")
        if tool != "ours" and (limit or not error):
            times = ours.get("seconds", 0.0), found.get("seconds", 0.0)
            yield Row(f"tracing {model['name']}", f"{tool}, {model['on']}", "time", *times, limit, error=error)


def markdown(results: dict[str, Any]) -> str:
    """Everything as one text."""
    rows = ratios(results)
    limited, free = [row for row in rows if row.limit is not None], [row for row in rows if row.limit is None]
    parts = [_head(results)]
    if limited:
        parts += ["## Limits", _ratios(limited, limits=True), "![Ratios and their limits](ratios.svg)"]
    if free:
        parts += ["## Beside others", _ratios(free, limits=False)]
    if results["groups"]:
        parts += ["## Processes", _processes(results)]
    if results["in_process"]:
        parts += ["## In one process", _in_process(results["in_process"])]
    if results["growth"]:
        parts += ["## Growth", _growth(results["growth"])]
        parts += ["![Time and memory against the number of layers](growth.svg)"]
    return "\n\n".join(parts) + "\n"


def _head(results: dict[str, Any]) -> str:
    versions = ", ".join(f"{name} {number}" for name, number in results["versions"].items())
    rounds = ", ".join(f"{name} {group['rounds']}" for name, group in results["groups"].items())
    quick = " This was a quick run (`--quick`): a try, not a measurement." if results["quick"] else ""
    return (
        "Medians of alternating rounds in one run, after one that warms up. The ratios are what counts: absolute times "
        f"are of one machine, of {results['cores']} cores.{quick}\n\n"
        f"Rounds: {rounds}, in one process {results['in_process_rounds']}.\n\n"
        f"Python {results['python']}, {versions}."
    )


def _ratios(rows: Iterable[Row], limits: bool) -> str:
    head = ["ours", "beside", "of", "ours", "beside", "ratio", "by instructions", *(["at most", ""] if limits else [])]
    lines = []
    for row in rows:
        show = _mib if row.of == "memory" else _seconds
        line = [row.ours, row.beside or "–", row.of]
        if row.error:
            line += ["–", "–", "–", "–"] if limits else ["–", "–", row.verdict, ""]
        else:
            line += [show(row.left), show(row.right) if row.beside else "–"]
            line += [f"{row.ratio:.2f}" if row.beside else "–"]
            line += ["" if row.by_instructions is None else f"{row.by_instructions:.2f}"]
        if limits:
            line += [f"{row.limit:.2f}" if row.beside else _seconds(row.limit or 0.0), row.verdict]
        lines.append(line)
    return table(head, lines, 3)


def _processes(results: dict[str, Any]) -> str:
    lines = []
    least = results["least_memory"]
    for name, group in results["groups"].items():
        for case, found in group["cases"].items():
            if found["error"]:
                lines.append([name, case, f"fails: {found['error']}", "", "", "", ""])
                continue
            spread = f"{min(found['rounds']):.2f} – {max(found['rounds']):.2f}"
            count = "" if found["instructions"] is None else f"{found['instructions'] / 1e6:,.0f} M"
            lines.append(
                [
                    name,
                    case,
                    _seconds(found["seconds"]),
                    spread,
                    _seconds(found["cpu"]),
                    _mib(found["peak"], least),
                    count,
                ]
            )
    return table(["", "process", "time", "all rounds", "CPU", "peak memory", "instructions"], lines, 2)


def _in_process(models: Sequence[dict[str, Any]]) -> str:
    tools = list(dict.fromkeys(tool for model in models for tool in model["tools"]))
    notes: list[str] = []
    lines = []
    for model in models:
        line = [model["name"], model["on"]]
        for tool in tools:
            found = model["tools"].get(tool)
            if found is None:
                line.append("")
            elif "error" in found:
                notes.append(f"{tool}, {model['name']}: {found['error']}")
                line.append(f"fails ({len(notes)})")
            else:
                line.append(_seconds(found["seconds"]) + (f", {_mib(found['peak'])}" if found.get("peak") else ""))
        lines.append(line)
    said = "".join(f"\n{number}. {_plain(note)}" for number, note in enumerate(notes, 1))
    text = "Time, and memory beside the model, of one trace in a process that has imported everything.\n\n"
    return text + table(["model", "on", *tools], lines, 2) + ("\n" + said if said else "")


def growth_of(points: Sequence[Sequence[float]], which: int) -> float | None:
    """The exponent of a job's seconds (1) or bytes (2); None where its largest size costs too little to tell."""
    least = LEAST_MEMORY * 32 if which == 2 else LEAST_SECONDS
    if not points or points[-1][which] < least:
        return None
    return exponent([(point[0], point[which]) for point in points])


def _growth(jobs: Sequence[dict[str, Any]]) -> str:
    sizes = sorted({int(point[0]) for job in jobs for point in job["points"]})[-4:]
    head = ["", *(f"{size:,}" for size in sizes), "memory", "exponent: time", "instructions", "memory", ""]
    lines, bounds = [], {}
    for job in jobs:
        points = {int(point[0]): point for point in job["points"]}
        if not points or job["error"]:
            lines.append([job["name"], f"fails: {job['error']}", *[""] * (len(sizes) + 4)])
            continue
        if job["bound"] and max(points) < sizes[-1]:
            bounds[job["name"]] = f"{job['name']} to {max(points):,} layers ({job['bound']})"
        times, memory = growth_of(job["points"], 1), growth_of(job["points"], 2)
        work = job.get("by_instructions")
        met = round(max((times if work is None else work) or 0.0, memory or 0.0), 2) <= GROWTH_LIMIT
        line = [job["name"], *(_seconds(points[size][1]) if size in points else "–" for size in sizes)]
        line += [_mib(job["points"][-1][2]), *("–" if x is None else f"{x:.2f}" for x in (times, work, memory))]
        lines.append([*line, "met" if met else "**missed**"])
    text = (
        "Seconds of the processor by number of layers, and memory of the largest. The exponent is fitted to the three "
        f"largest sizes: 1 is linear growth, 2 quadratic, {GROWTH_LIMIT:g} the limit. It isn't told where the largest "
        f"takes less than {LEAST_SECONDS:g} s or 32 MiB. Where time grows faster than the limit, instructions are "
        "counted, and decide: beyond the processor's caches, a network waits for its memory, however little is done. "
        "Files are written by the frameworks themselves.\n\n"
    )
    said = f"\n\nMeasured up to a bound: {'; '.join(bounds.values())}." if bounds else ""
    return text + table(head, lines) + said + "\n\n" + _diffs(jobs, sizes)


def _diffs(jobs: Sequence[dict[str, Any]], sizes: Sequence[int]) -> str:
    """Comparing as a multiple of what reading both sides takes."""
    times = {(job["name"], int(point[0])): point[1] for job in jobs for point in job["points"]}
    lines = []
    for name in dict.fromkeys(job["name"] for job in jobs if job["kind"] == "diff"):
        cells = [
            f"{times[name, size] / (2 * times['reading JSON', size]):.2f} x" if (name, size) in times else "–"
            for size in sizes
        ]
        lines.append([name, *cells])
    text = "Comparing two summaries, as a multiple of the time that reading both takes:\n\n"
    return text + table(["", *(f"{size:,}" for size in sizes)], lines)


def table(head: Sequence[str], lines: Sequence[Sequence[str]], left: int = 1) -> str:
    """A Markdown table, the first ``left`` columns to the left, the others to the right."""
    aligned = [":---" if place < left else "---:" for place in range(len(head))]
    rows = [head, aligned, *([_plain(cell) for cell in line] for line in lines)]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def _plain(text: str) -> str:
    """What others say, without what would be Markdown, and without addresses and paths of this machine."""
    text = re.sub(r" at 0x[0-9a-f]+|(?<![\w.])/[\w./-]+/", "", text)
    return text.replace("|", "\\|").replace("<", "&lt;").replace("[", "\\[")


def _seconds(value: float) -> str:
    return f"{value:.3f} s" if value < 1 else f"{value:.2f} s"


def _mib(size: float, least: float = 0.0) -> str:
    """``least`` is the smallest that can be told."""
    return f"{size / 2**20:,.0f} MiB" if size > 1.1 * least else f"< {1.1 * least / 2**20:,.0f} MiB"


def filled(text: str, measured: str) -> str:
    """A README with what was measured between its markers, behind everything else if it has none."""
    if BEGIN not in text:
        return f"{text.rstrip()}\n\n{BEGIN}\n\n{measured}\n{END}\n".lstrip()
    before, _, rest = text.partition(BEGIN)
    _, _, behind = rest.partition(END)
    return f"{before}{BEGIN}\n\n{measured}\n{END}{behind}"
