"""Ours beside its peers in one run: ``make bench``.

Peers are installed into ``.venv-peers``, where ours is too, so that all run with the same interpreter and files. The
Markdown goes to stdout and, with the pictures, into ``benchmarks/``; progress goes to stderr.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, replace
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import Any

import peers
from cases import GROUPS, LLAMA, Case, Group
from in_process import REAL
from measure import FailedError, Measured, alternating, instructions, run

HERE = Path(__file__).parent
#: What would change what is measured, beside what is set for each case.
UNSET = ("PYTHONPATH", "PYTHONSTARTUP", "COLUMNS", "TF_CPP_MIN_LOG_LEVEL", "KERAS_BACKEND", "RESNET_INSPECT_CACHE")
PARTS = (*(group.name for group in GROUPS), "in-process", "growth")


def main() -> int:
    """Measures, reports, and gives 1 if one of our own cases failed."""
    options = _options()
    wanted = [name for name in PARTS if fnmatchcase(name, options.only)]
    results: dict[str, Any] = {
        "versions": peers.prepared(),
        "python": platform.python_version(),
        "cores": len(os.sched_getaffinity(0)),
        "quick": options.quick,
        "groups": {},
        "in_process": [],
        "in_process_rounds": options.rounds or (1 if options.quick else 7),
        "growth": [],
        # Others begin as copies of this process: what takes less can't be told.
        "least_memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _prepare(folder)
        for group in GROUPS:
            if group.name in wanted:
                rounds = options.rounds or (group.quick if options.quick else group.rounds)
                results["groups"][group.name] = {
                    "rounds": rounds,
                    "cases": _measure(group, rounds, folder, results["versions"]),
                }
        if "in-process" in wanted:
            results["in_process"] = _in_process(folder, results["in_process_rounds"])
        if "growth" in wanted:
            results["growth"] = _growth(folder, 4_000 if options.quick else 64_000)
    _deliver(results, options.output or (HERE if len(wanted) == len(PARTS) else None))
    failed = _failures(results)
    for line in failed:
        _say(f"failed: {line}")
    return 1 if failed else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measures resnet-inspect beside its peers.")
    parser.add_argument("--quick", action="store_true", help="few rounds and small sizes: to see that all works")
    parser.add_argument("--rounds", type=int, help="as many rounds of everything")
    parser.add_argument("--only", default="*", metavar="GLOB", help=f"some parts of: {', '.join(PARTS)}")
    parser.add_argument(
        "-o",
        dest="output",
        type=Path,
        help="folder of README.md and pictures (default: benchmarks, after a whole run)",
    )
    return parser.parse_args()


def _prepare(folder: Path) -> None:
    """The files that cases read: summaries, a configuration, and the cells of our table for a script to draw."""
    (folder / "llama").mkdir()
    (folder / "llama" / "config.json").write_text(json.dumps(LLAMA))
    for model in ("resnet50", "resnet101"):
        (folder / f"{model}.json").write_text(_output("summary", model, "--format", "json"))
    lines = [line for line in _output("summary").splitlines() if line.startswith("│")]
    titles, *rows = [tuple(cell.strip() for cell in line.split("│")[1:-1]) for line in lines]
    (folder / "cells.py").write_text(f"TITLES = {titles!r}\nROWS = {rows!r}\n")


def _output(*arguments: str) -> str:
    return subprocess.run([_ours(), *arguments], check=True, capture_output=True, text=True).stdout


def _ours() -> str:
    return str(peers.python().with_name("resnet-inspect"))


def _command(case: Case) -> list[str]:
    return [_ours(), *case.arguments] if case.arguments else [str(peers.python()), "-c", case.script]


def _environment(case: Case, folder: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in UNSET}
    return {**kept, "RESNET_INSPECT_CACHE": str(folder / "cache") if case.cached else "off"}


def _measure(group: Group, rounds: int, folder: Path, there: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """The cases of a group; those of peers that aren't ``there`` have an error."""
    _say(f"{group.name}: {len(group.cases)} cases")
    cases = [case for case in group.cases if not case.peer or case.peer in there]
    works = {
        case.name: partial(run, _command(case), _environment(case, folder), folder, case.expects) for case in cases
    }
    for case in cases:
        if case.cached:  # somebody asked for the same model before
            subprocess.run(_command(case), cwd=folder, env=_environment(case, folder), capture_output=True)
    found = alternating(works, rounds, _say)
    for case in group.cases:
        if case not in cases:
            found[case.name] = Measured(error=f"{case.peer} can't be installed beside these versions")
        elif case.counted and not found[case.name].error:
            count = instructions(_command(case), _environment(case, folder), folder)
            found[case.name] = replace(found[case.name], instructions=count)
    return {case.name: asdict(found[case.name]) for case in group.cases}


def _in_process(folder: Path, rounds: int) -> list[dict[str, Any]]:
    found = []
    for arguments in ([rounds], *([max(1, rounds // 2), tool] for tool in REAL)):
        try:
            found += _child(folder, "in_process.py", *arguments)
        except FailedError as error:
            what = str(arguments[1]) if arguments[1:] else "all models"
            found.append({"name": what, "on": "–", "tools": {"ours": {"error": str(error)}}})
    return found


def _growth(folder: Path, most: int) -> list[dict[str, Any]]:
    try:
        return _child(folder, "growth.py", most)
    except FailedError as error:
        return [{"kind": "growth", "name": "growth", "points": [], "error": str(error)}]


def _child(folder: Path, script: str, *arguments: object) -> list[dict[str, Any]]:
    """What a script of ours measures in the peers' environment.

    Raises:
        FailedError: it failed.
    """
    given = [script, *map(str, arguments)]
    _say(" ".join(given))
    command = [str(peers.python()), str(HERE / given[0]), *given[1:]]
    done = subprocess.run(command, stdout=subprocess.PIPE, cwd=folder, env=_environment(Case(script), folder))
    if done.returncode:
        raise FailedError(f"{' '.join(given)} ended with exit code {done.returncode}")
    # A library may have printed something before.
    return list(json.loads(done.stdout.splitlines()[-1]))


def _deliver(results: dict[str, Any], output: Path | None) -> None:
    # Only now: before, this process has to be small.
    import report

    text = report.markdown(results)
    print(text)
    if output is None:
        return
    import plots

    output.mkdir(parents=True, exist_ok=True)
    (output / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    readme = output / "README.md"
    readme.write_text(report.filled(readme.read_text() if readme.exists() else "# Benchmarks\n", text))
    plots.ratios(report.ratios(results), output / "ratios.svg")
    plots.growth(results["growth"], output / "growth.svg")


def _failures(results: dict[str, Any]) -> list[str]:
    """What failed that isn't a peer's."""
    optional = {case.name for group in GROUPS for case in group.cases if case.peer}
    failed = [
        f"{case}: {found['error']}"
        for group in results["groups"].values()
        for case, found in group["cases"].items()
        if found["error"] and case not in optional
    ]
    for model in results["in_process"]:
        if error := model["tools"]["ours"].get("error"):
            failed.append(f"{model['name']}: {error}")
    return failed + [f"{job['name']}: {job['error']}" for job in results["growth"] if job["error"]]


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
