"""Runs resnet-inspect beside the versions of ``combinations.toml``, one environment at a time.

    matrix.py lock [NAME ...]        resolve the combinations again into locks/
    matrix.py run [--ci] [NAME ...]  make each, look at it, remove it; exit 1 if anything isn't as it should be
    matrix.py record [NAME ...]      the same, and write results.json, ../VERSIONS.md and what ``doctor`` says

A NAME is a table of combinations.toml (torch/2.7.0) or its first part (torch).
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import environment
import table
import tomllib

Say = Callable[[str], None]

#: Environments that are looked at side by side: one has the processors while another is installed.
AT_ONCE = 2
HERE = Path(__file__).resolve().parent
PROJECT = HERE.parent
COUNTS = HERE / "counts.json"
#: Extra -> the packages that must be importable with it, each in a process of its own.
IMPORTS = {
    "torch": ("torchvision", "torchsummary"),
    "tensorflow": ("keras",),
    "timm": ("timm",),
    "transformers": ("transformers",),
    "keras-hub": ("keras_hub",),
    "onnx": ("onnx",),
    "plot": ("matplotlib", "plotille"),
    "pandas": ("pandas",),
    "dask": ("distributed",),
}
IMPORTS["all"] = tuple(package for packages in IMPORTS.values() for package in packages)


@dataclass(frozen=True)
class Combination:
    """A table of ``combinations.toml``."""

    name: str
    python: str
    extras: tuple[str, ...] = ()
    pins: tuple[str, ...] = ()
    resolution: str = "highest"
    counts: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    ci: bool = False

    @property
    def lock(self) -> Path:
        """The file of its versions."""
        return HERE / "locks" / f"{self.name}.txt"


@dataclass
class Result:
    """What a combination showed. Numbers are of commands, models and tests."""

    python: str
    versions: dict[str, str]
    problem: str | None = None
    smoke: dict[str, Any] = field(default_factory=dict)
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    tests: dict[str, int] = field(default_factory=dict)

    @property
    def good(self) -> bool:
        """Whether nothing failed."""
        equal = all(count["equal"] == count["of"] for count in self.counts.values())
        return self.problem is None and not self.smoke.get("failed") and equal and not self.tests.get("failed")


def combinations() -> list[Combination]:
    """All of them, in the order of the file."""
    document = tomllib.loads((HERE / "combinations.toml").read_text())
    found = []
    for family, tables in document.items():
        for name, settings in tables.items():
            tests = settings.pop("tests", [])
            lists = {key: tuple(value) if isinstance(value, list) else value for key, value in settings.items()}
            found.append(Combination(f"{family}/{name}", tests=("tests",) if tests == "all" else tuple(tests), **lists))
    return found


def locked(path: Path) -> dict[str, str]:
    """Package -> version of a lock."""
    return dict(re.findall(r"^([\w.-]+)==([^\s;]+)", path.read_text(), re.MULTILINE))


def look(combination: Combination, python: str, say: Say) -> Result:
    """Makes the environment, runs everything that is asked for in it, and says which lines tell of a failure."""
    versions = locked(combination.lock)
    with tempfile.TemporaryDirectory() as folder:
        try:
            own = environment.make(Path(folder, "environment"), python, combination.lock, bool(combination.tests))
            version = _run(own, "-c", "import platform; print(platform.python_version())").stdout.strip()
            result = Result(version, versions)
            for package in (name for extra in combination.extras for name in IMPORTS[extra]):
                done = _run(own, "-c", f"import {package}")
                if done.returncode:
                    result.problem = f"import {package}: {done.stderr.strip().splitlines()[-1]}"
                    return result
        except RuntimeError as error:
            return Result(combination.python, versions, f"install: {error}")
        done = _run(own, str(HERE / "smoke.py"))
        lines = done.stdout.splitlines()
        _show(say, lines, "FAIL")
        result.smoke = (
            json.loads(lines[-1]) if lines and lines[-1].startswith("{") else {"failed": [done.stderr[-500:]]}
        )
        for backend in combination.counts:
            result.counts[backend] = _counted(own, backend, say)
        if combination.tests:
            result.tests = _tested(own, combination.tests, say)
    return result


def _timed(combination: Combination, python: str) -> tuple[Result, list[str], float]:
    """What an environment showed, the lines that tell of failures, and the seconds that it took."""
    said: list[str] = []
    begun = time.monotonic()
    result = look(combination, python, said.append)
    return result, said, time.monotonic() - begun


def _counted(python: Path, backend: str, say: Say) -> dict[str, int]:
    done = _run(python, "-m", "resnet_inspect", "models", "--counts", "--backend", backend, "--format", "json")
    found = {row["model"]: [row["params"], row["macs"]] for row in json.loads(done.stdout or "[]")}
    known = json.loads(COUNTS.read_text())[backend]
    if not found:
        say(f"FAIL no model of {backend} was counted: {done.stderr.strip()[-500:]}")
        return {"equal": 0, "of": len(known)}
    # An older library has fewer models; those that it has are what they are.
    both = known.keys() & found.keys()
    unequal = [name for name in sorted(both) if known[name] != found[name]]
    for name in unequal[:10]:
        say(f"FAIL {name}: {found[name]} instead of {known[name]}")
    return {"equal": len(both) - len(unequal), "of": len(found)}


def _tested(python: Path, patterns: tuple[str, ...], say: Say) -> dict[str, int]:
    files = sorted({str(path) for pattern in patterns for path in PROJECT.glob(pattern)})
    # These hold results and locks against one another, and the results are being made.
    options = ("-q", "-p", "no:cacheprovider", "--ignore", str(PROJECT / "tests" / "test_versions.py"))
    # What a file's tests share, as a framework that takes seconds to import, is made once.
    done = _run(python, "-m", "pytest", *options, "-n", "2", "--dist", "loadfile", *files)
    lines = done.stdout.splitlines()
    _show(say, lines, "FAILED", "ERROR")
    # A library may print a line of its own after pytest's last one, as the processes end.
    last = next((line for line in reversed(lines) if re.search(r" in [\d.]+s( \([\d:]+\))?$", line)), "")
    found = {word: int(number) for number, word in re.findall(r"(\d+) (passed|failed|skipped|error)", last)}
    failed = found.get("failed", 0) + found.get("error", 0)
    if not failed and (done.returncode or not found):
        failed = 1
        say(f"FAILED pytest itself, with {done.returncode}; the end of what it said:")
        for line in (*lines[-30:], *done.stderr.splitlines()[-30:]):
            say(f"    {line}")
    return {"passed": found.get("passed", 0), "failed": failed, "skipped": found.get("skipped", 0)}


def _show(say: Say, lines: Iterable[str], *starts: str) -> None:
    """Says the lines that begin so."""
    for line in lines:
        if line.startswith(starts):
            say(line)


def _run(python: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    # Tests read the checkout; everything else is to find what was installed.
    cwd = PROJECT if "pytest" in arguments else python.parent
    return subprocess.run([str(python), *arguments], capture_output=True, text=True, cwd=cwd, check=False)


def main() -> int:
    """See the module's docstring."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=["lock", "run", "record"])
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--ci", action="store_true", help="only those that run with every change")
    asked = parser.parse_args()
    chosen = [
        item
        for item in combinations()
        if (not asked.names or item.name in asked.names or item.name.split("/")[0] in asked.names)
        and (item.ci or not asked.ci)
    ]
    if not chosen:
        parser.error(f"no combination is called {' or '.join(asked.names)}")
    looked = []
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for item in chosen:
            python = environment.interpreter(item.python)
            if python is None:
                print(f"{item.name}: left out, for there is no Python {item.python} here", flush=True)
            elif asked.action == "lock":
                item.lock.parent.mkdir(parents=True, exist_ok=True)
                item.lock.write_text(environment.lock(python, item.extras, item.pins, item.resolution) + "\n")
            else:
                looked.append((item, pool.submit(_timed, item, python)))
        bad = []
        for item, future in looked:
            result, said, seconds = future.result()
            print(
                *said, f"{item.name}: {table.words(asdict(result), result.good)}, {seconds:.0f} s", sep="\n", flush=True
            )
            if not result.good:
                bad.append(item.name)
            if asked.action == "record":
                table.record(item.name, {**asdict(result), "good": result.good})
    if bad:
        print("not as they should be:", *bad)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
