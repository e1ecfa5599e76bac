"""What the combinations showed: results.json; and what is made of it, VERSIONS.md and what doctor knows."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results.json"
PAGE = HERE.parent / "VERSIONS.md"
TESTED = HERE.parent / "resnet_inspect" / "tested.json"
#: Packages of a combination that the page and doctor tell, in this order.
TOLD = (
    *("click", "rich", "torch", "torchvision", "tensorflow", "keras", "timm", "transformers", "keras-hub", "onnx"),
    *("matplotlib", "plotille", "pandas", "distributed", "numpy", "protobuf"),
)
HEAD = """# Versions

What resnet-inspect was run beside, one environment at a time, on Linux (`make versions`; the versions of every package
are in `constraints/locks/`). A smoke is the main commands with the numbers that they must tell; counts are parameters
and MACs of all models of torchvision and of Keras, held against `constraints/counts.json`; tests that need a package
which isn't there are skipped. `make test` runs everything beside the newest of all, on one Python.

Windows and macOS: see the end of [SECURITY.md](SECURITY.md) for what holds there and what was never run there.

| combination | Python | versions | smoke | counts equal | tests: passed, failed, skipped |
|---|---|---|---|---|---|
"""


def record(name: str, result: dict[str, Any]) -> None:
    """Adds a result, or takes the old one away where something failed, and writes what is made of them all."""
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    results.pop(name, None)
    if result["good"]:
        results[name] = {**result, "versions": {key: value for key, value in result["versions"].items() if key in TOLD}}
    results = dict(sorted(results.items()))
    RESULTS.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n")
    PAGE.write_text(page(results))
    TESTED.write_text(tested(results))


def page(results: dict[str, Any]) -> str:
    """The table in Markdown."""
    lines = []
    for name, result in results.items():
        versions = ", ".join(f"{key} {result['versions'][key]}" for key in TOLD[:-2] if key in result["versions"])
        tests = result["tests"]
        ran = f"{tests['passed']}, {tests['failed']}, {tests['skipped']}" if tests else ""
        lines.append(f"| {name} | {result['python']} | {versions} | {_smoke(result)} | {_counts(result)} | {ran} |\n")
    return HEAD + "".join(lines)


def tested(results: dict[str, Any]) -> str:
    """Package -> the versions beside which nothing failed, and Python's, as JSON.

    It is empty until the newest of all was run: doctor would call that untested.
    """
    found: dict[str, set[str]] = defaultdict(set)
    if not results.get("all/newest", {}).get("good"):
        return "{}\n"
    for result in results.values():
        if result["good"]:
            found["python"].add(result["python"])
            for package, version in result["versions"].items():
                found[package].add(version)
    return json.dumps({key: sorted(found[key], key=_number) for key in sorted(found)}, indent=1) + "\n"


def words(result: dict[str, Any], good: bool) -> str:
    """A result in a line."""
    parts = [f"smoke {_smoke(result)}", f"counts {_counts(result)}" if result["counts"] else ""]
    parts += [", ".join(f"{number} {word}" for word, number in result["tests"].items())]
    return ", ".join(["good" if good else f"BAD {result['problem'] or ''}", *filter(None, parts)])


def _smoke(result: dict[str, Any]) -> str:
    smoke = result["smoke"]
    return f"{smoke.get('passed', 0)} of {smoke.get('passed', 0) + len(smoke.get('failed', []))}" if smoke else "n/a"


def _counts(result: dict[str, Any]) -> str:
    counts = sorted(result["counts"].items())
    return ", ".join(f"{backend} {count['equal']} of {count['of']}" for backend, count in counts)


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) if part.isdigit() else 0 for part in version.split("+")[0].split("."))
