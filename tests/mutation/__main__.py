"""How many of the mistakes that could be made in the core do the tests notice, without any framework?

``python -m tests.mutation N SEED [PART]``: N mutants, spread evenly over the modules whose path has PART in it. With
``all`` for N every mutant is tried, which takes hours on one core.

The tests run once, to find out which lines each of them runs. Then each mutant has a process of its own, in which the
tests that run its line are run, file by file, until one fails. Tests that begin other processes don't see a
mutant and count for nothing. A report of those that live on is written to ``mutation-report/``.

Neither mutmut nor cosmic-ray is used. mutmut changes functions only, and here much is in tables. cosmic-ray starts an
interpreter and every test for each mutant.
"""

from __future__ import annotations

import ast
import json
import random
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from . import child
from .equivalent import EQUIVALENT
from .mutators import Mutant, mutants

ROOT = Path(__file__).parents[2]
#: The modules that are changed: all that works on the IR alone.
PACKAGES = ("ops", "analysis", "diffs", "checks")
MODULES = ("quantity", "shape", "units")
#: The tests that are asked.
TESTS = (*(f"tests/{name}" for name in PACKAGES), "tests/readers/local", "tests/test_shape.py", "tests/test_units.py")
#: Seconds after which a test is too slow to be asked about every mutant.
_SLOW = 1.0
REPORT = ROOT / "mutation-report"


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a mutant: ``killed``, ``slow`` (stopped, which counts as killed), ``lives`` or ``equivalent``."""

    path: str
    line: int
    kind: str
    what: str
    source: str
    outcome: str
    tests: int
    seconds: float


def main(count: int | None, seed: int, only: str = "") -> None:
    """Tries mutants and prints what became of them."""
    child.without_frameworks()
    paths = [path for package in PACKAGES for path in sorted((ROOT / "resnet_inspect" / package).rglob("*.py"))]
    paths += [ROOT / "resnet_inspect" / f"{module}.py" for module in MODULES]
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in paths}
    found = {path: mutants(tree) for path, tree in trees.items() if only in str(path)}
    chosen = sampled(found, count, seed)
    print(f"{len(chosen)} of {sum(map(len, found.values()))} mutants, seed {seed}", flush=True)
    report = _recorded(paths)
    print(f"{len(report)} tests run these modules", flush=True)
    results = []
    for path, mutant in chosen:
        results.append(tried(path, trees[path], mutant, report))
        if not len(results) % 50:
            print(f"{len(results)} tried", flush=True)
        if results[-1].outcome == "lives":
            print(f"{results[-1].path}:{mutant.line}: {mutant.kind}: {mutant.what}", flush=True)
    _write(results, seed)


def sampled(found: dict[Path, list[Mutant]], count: int | None, seed: int) -> list[tuple[Path, Mutant]]:
    """``count`` mutants, one of each module after the other as long as it has any; without a number, all."""
    if count is None:
        return [(path, mutant) for path, items in found.items() for mutant in items]
    order = random.Random(seed)
    piles = {path: order.sample(items, len(items)) for path, items in found.items()}
    longest = max(map(len, piles.values()), default=0)
    return [(path, pile[turn]) for turn in range(longest) for path, pile in piles.items() if turn < len(pile)][:count]


def _recorded(paths: Sequence[Path]) -> child.Report:
    """What each test runs, from one run of all in a child; it tells by a file."""
    REPORT.mkdir(exist_ok=True)
    told = REPORT / "lines.json"

    def record() -> int:
        recorder = child.Recorder({str(path) for path in paths})
        code = child.run(TESTS, recorder)
        kept = {
            test: (seconds, {file: sorted(lines) for file, lines in ran.items()})
            for test, (seconds, ran) in recorder.report.items()
            if test not in recorder.failed
        }
        told.write_text(json.dumps(kept))
        return code

    if child.forked(record) != 0:
        sys.exit("the tests fail without any mutant")
    return {
        test: (seconds, {file: set(lines) for file, lines in ran.items()})
        for test, (seconds, ran) in json.loads(told.read_text()).items()
        if seconds < _SLOW
    }


def tried(path: Path, tree: ast.Module, mutant: Mutant, report: child.Report) -> Result:
    """One mutant against the tests that run it; of what runs at import, those that run anything of the module."""
    source = path.read_text(encoding="utf-8").splitlines()[mutant.line - 1].strip()
    here = str(path.relative_to(ROOT))

    def result(outcome: str, tests: int = 0, seconds: float = 0) -> Result:
        return Result(here, mutant.line, mutant.kind, mutant.what, source, outcome, tests, round(seconds, 2))

    if (here, source, mutant.what) in EQUIVALENT:
        return result("equivalent")
    ran = {test: lines[str(path)] for test, (_, lines) in report.items() if str(path) in lines}
    in_function = any(
        node.lineno <= mutant.line <= (node.end_lineno or 0)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
    )
    tests = [test for test, lines in ran.items() if mutant.line in lines] if in_function else list(ran or report)
    if in_function and not tests:
        # A line in the middle of a statement: the statement is known by its first line, and so by its function.
        tests = _of_the_statement(tree, mutant, ran)
    if not tests:
        return result("lives")
    by_file: defaultdict[str, list[str]] = defaultdict(list)
    for test in tests:
        by_file[test.partition("::")[0]].append(test)
    # What stands where the module does knows it best; of the others, the quickest come first.
    files = sorted(by_file, key=lambda file: (path.parent.name not in file, sum(report[t][0] for t in by_file[file])))
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")

    seconds = int(20 + 5 * sum(report[test][0] for test in tests))

    def attempt() -> int:
        child.limit(seconds)
        mutant.put()
        sys.meta_path.insert(0, child.Finder(name, path, compile(tree, str(path), "exec")))
        codes = (child.run(["-x", file], child.Chosen(by_file[file], report)) for file in files)
        return next((code for code in codes if code not in (0, 5)), 0)

    begun = time.monotonic()
    code = child.forked(attempt, timeout=10 * seconds)
    outcome = "slow" if code is None else "lives" if code == 0 else "killed"
    return result(outcome, len(tests), time.monotonic() - begun)


def _of_the_statement(tree: ast.Module, mutant: Mutant, ran: dict[str, set[int]]) -> list[str]:
    around = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.stmt) and node.lineno <= mutant.line <= (node.end_lineno or 0)
    ]
    innermost = max(around, key=lambda node: node.lineno)
    lines = set(range(innermost.lineno, (innermost.end_lineno or 0) + 1))
    return [test for test, seen in ran.items() if lines & seen]


def _write(results: Sequence[Result], seed: int) -> None:
    by_path: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for result in results:
        by_path[result.path][result.outcome] += 1
    whole = sum(by_path.values(), Counter())
    lines = [_share(path, counts) for path, counts in by_path.items()] + [_share(f"all, seed {seed}", whole)]
    (REPORT / "results.json").write_text(json.dumps([asdict(result) for result in results], indent=1))
    (REPORT / "report.txt").write_text(
        "\n".join(
            [
                *lines,
                "",
                *(f"{r.path}:{r.line}: {r.kind}: {r.what}    {r.source}" for r in results if r.outcome == "lives"),
                "",
            ]
        )
    )
    print("\n".join(lines))


def _share(name: str, counts: Counter[str]) -> str:
    killed, lives = counts["killed"] + counts["slow"], counts["lives"]
    share = f"{100 * killed / (killed + lives):.1f} %" if killed + lives else "n/a"
    return f"{name}: {share} of {killed + lives} killed, {counts['slow']} by time, {counts['equivalent']} equivalent"


if __name__ == "__main__":
    how_many, seed_of_the_sample, *part = sys.argv[1:]
    main(None if how_many == "all" else int(how_many), int(seed_of_the_sample), *part)
