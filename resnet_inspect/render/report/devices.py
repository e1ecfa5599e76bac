"""The devices that are known, a line each."""

from __future__ import annotations

from ... import devices, units


def render() -> str:
    """Name, memory, bandwidth, and what is computed a second at most on dense matrices."""
    found = [devices.device(name) for name in devices.names()]
    lines = [("name", "memory", "bandwidth", "operations a second at most", "source")]
    for each in found:
        peaks = " ".join(f"{kind} {units.si(most)}" for kind, most in each.peaks)
        rate = f"{units.si(each.bandwidth)}B/s" if each.bandwidth else units.NOT_AVAILABLE
        source = f"{each.source}, {each.date}"
        lines.append((each.name, units.binary(each.memory), rate, peaks or units.NOT_AVAILABLE, source))
    widths = [max(len(line[place]) for line in lines) for place in range(len(lines[0]) - 1)]
    return "".join(
        "  ".join((*(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=False)), line[-1])) + "\n"
        for line in lines
    )
