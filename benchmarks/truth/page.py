"""The page of the results: what each tool says of each network, and why."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

from networks import NETWORKS, Network
from reasons import Judged, judged

_HEAD = """# Who counts right

{count} networks are given to resnet-inspect (*ours*) and to the tools that count the same. The truth beside them comes
from none of these: parameters by `numel`, results by a real run, multiply-adds by hand or by torch's `FlopCounterMode`
in a run on the CPU. [`truth.py`](truth.py) says how, and [`networks.py`](networks.py) has the formulas. `make truth`
asks all tools again and writes this page.

Products are compared: one multiply-add is one MAC. A tool that also claims floating-point operations is asked for MACs.
A tool that adds norms, activations, pooling or biases has another convention: `+` is such a number, and isn't wrong.

Three choices were made after a first run disagreed with ours. Products of a matrix and a vector have a formula of this
table, as torch's counter has none. Mixtral's experts are worked out by hand, as they are one operator that the counter
doesn't know. In ONNX, scales and zero points of quantised weights aren't parameters.

Each question has a process of its own and {seconds} seconds. Seconds and memory are what the tool takes on top of the
network, measured once on a machine with other work: they are good to a factor of two.
"""
_LEGEND = """
Each cell has three marks: parameters, MACs, shapes of results. `=` is right, `+` is another convention of MACs, a
number is wrong for the reason of that number below, `–` is not said, `✗` is refused: an error, or no answer.
"""
_MARKS = {"right": "=", "more": "+", "not said": "–", "refused": "✗"}
_TITLES = {"torch": "Networks of torch", "keras": "Networks of Keras", "onnx": "Files of ONNX"}
_WHATS = ("params", "macs", "outputs")
_COLUMNS = (
    *("networks", "refused", "parameters right", "wrong", "MACs right", "other convention", "wrong", "not said"),
    *("results right", "wrong", "time", "memory"),
)


def page(results: Mapping[str, Any]) -> str:
    """The page as Markdown."""
    networks = [
        network for network in NETWORKS if "params" in results["networks"].get(network.name, {}).get("truth", {})
    ]
    verdicts = {network.name: _verdicts(results["networks"][network.name]) for network in networks}
    reasons: list[str] = []
    tables = [_table(framework, networks, results, verdicts, reasons) for framework in _TITLES]
    versions = ", ".join(f"{name} {number}" for name, number in results["versions"].items())
    parts = [
        _HEAD.format(count=len(networks), seconds=120),
        f"\nVersions: {versions}.\n",
        "\n## In short\n\n",
        _short(networks, results, verdicts),
        _LEGEND,
        *tables,
        "\n## Reasons\n\n",
        *(f"{number}. {_capital(reason)}: {_counts(reason, verdicts)}.\n" for number, reason in enumerate(reasons, 1)),
        "\n## Refused\n\n",
        _refused(verdicts),
    ]
    return "".join(parts)


def wrong(results: Mapping[str, Any], tool: str) -> list[str]:
    """What a tool says wrong, a line each."""
    found = []
    for name, answers in results["networks"].items():
        for what, verdict in _verdicts(answers).get(tool, {}).items():
            if verdict.verdict in ("wrong", "more"):
                found.append(f"{name}: {what} {answers[tool][what]}, true {answers['truth'][what]}: {verdict.reason}")
    return found


def _verdicts(answers: Mapping[str, Any]) -> dict[str, dict[str, Judged]]:
    truth = answers["truth"]
    return {tool: judged(truth, claim) for tool, claim in answers.items() if tool != "truth"}


def _short(networks: list[Network], results: Mapping[str, Any], verdicts: Mapping[str, Any]) -> str:
    lines = [
        f"| tool | {' | '.join(_COLUMNS)} |\n",
        "|---|" + "---:|" * len(_COLUMNS) + "\n",
    ]
    for framework in _TITLES:
        named = [network.name for network in networks if network.framework == framework]
        for tool in verdicts[named[0]] if named else ():
            counts = {what: Counter(verdicts[name][tool][what].verdict for name in named) for what in _WHATS}
            params, macs, outputs = (counts[what] for what in _WHATS)
            answers = [results["networks"][name][tool] for name in named]
            seconds = [answer["seconds"] for answer in answers if "seconds" in answer] or [0]
            memory = [answer["mebibytes"] for answer in answers if "seconds" in answer] or [0]
            cells = (
                tool if tool != "ours" else f"**ours** ({framework})",
                len(named),
                params["refused"],
                *(_of(params, "right"), params["wrong"]),
                *(_of(macs, "right"), macs["more"], macs["wrong"], macs["not said"]),
                *(_of(outputs, "right"), outputs["wrong"]),
                f"{median(seconds):.2f} s",
                f"{median(memory):.0f} MiB",
            )
            lines.append(f"| {' | '.join(map(str, cells))} |\n")
    return "".join(lines)


def _of(counts: Counter[str], verdict: str) -> str:
    """A count, or a dash for who never says such a thing."""
    said = sum(counts[word] for word in ("right", "more", "wrong"))
    return str(counts[verdict]) if said else "–"


def _table(
    framework: str,
    networks: list[Network],
    results: Mapping[str, Any],
    verdicts: Mapping[str, Any],
    reasons: list[str],
) -> str:
    mine = [network for network in networks if network.framework == framework]
    if not mine:
        return ""
    tools = list(verdicts[mine[0].name])
    lines = [
        f"\n## {_TITLES[framework]}\n\n| network | of | parameters | MACs | {' | '.join(tools)} |\n",
        "|---|---|---:|---:|" + "---|" * len(tools) + "\n",
    ]
    for network in mine:
        truth = results["networks"][network.name]["truth"]
        by = "" if truth["by"] == "hand" else "*"
        numbers = f"{truth['params']:,} | {truth['macs']:,}{by}"
        cells = [_cell(verdicts[network.name][tool], reasons) for tool in tools]
        lines.append(f"| {network.name} | {network.group} | {numbers} | {' | '.join(cells)} |\n")
    lines.append(
        "\n`*` is torch's counter; the other MACs are worked out by hand, and the counter agrees where it can.\n"
    )
    return "".join(lines)


def _cell(found: Mapping[str, Judged], reasons: list[str]) -> str:
    if found["params"].verdict == "refused":
        return "✗"
    marks = []
    for what in _WHATS:
        verdict = found[what]
        if verdict.verdict == "wrong":
            if verdict.reason not in reasons:
                reasons.append(verdict.reason)
            marks.append(str(reasons.index(verdict.reason) + 1))
        else:
            marks.append(_MARKS[verdict.verdict])
    return " ".join(marks)


def _counts(reason: str, verdicts: Mapping[str, Any]) -> str:
    """How many numbers of which tools a reason explains."""
    tools = Counter(
        tool
        for found in verdicts.values()
        for tool, whats in found.items()
        for verdict in whats.values()
        if (verdict.verdict, verdict.reason) == ("wrong", reason)
    )
    return ", ".join(f"{tool} {count}" for tool, count in tools.most_common())


def _refused(verdicts: Mapping[str, Any]) -> str:
    """What each tool can't be given, by what it says then."""
    found: dict[tuple[str, str], list[str]] = {}
    for name, tools in verdicts.items():
        for tool, whats in tools.items():
            if whats["params"].verdict == "refused":
                found.setdefault((tool, whats["params"].reason.replace("|", "\\|")), []).append(name)
    lines = [f"- {tool}, {', '.join(names)}: `{error}`\n" for (tool, error), names in sorted(found.items())]
    return "".join(lines) or "Nothing.\n"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


if __name__ == "__main__":
    here = Path(__file__).parent
    (here / "README.md").write_text(page(json.loads((here / "results.json").read_text())))
