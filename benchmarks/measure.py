"""Measuring: whole processes in alternating rounds, and single functions in a forked child."""

from __future__ import annotations

import gc
import json
import math
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Run:
    """What one process took. ``peak`` is the largest process's, if it started others."""

    seconds: float
    cpu: float
    peak: int


@dataclass(frozen=True, slots=True)
class Measured:
    """Medians over all rounds; ``error`` says why there are none."""

    seconds: float = 0.0
    cpu: float = 0.0
    peak: int = 0
    rounds: tuple[float, ...] = ()
    instructions: int | None = None
    error: str = ""


class FailedError(Exception):
    """A process failed, or didn't print what it should have."""


def run(command: Sequence[str], environment: Mapping[str, str], folder: Path, expects: Sequence[str]) -> Run:
    """One process, from its start to its end.

    Raises:
        FailedError: it failed, or didn't say all of ``expects``.
    """
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as complained:
        start = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=folder, env=dict(environment), stdin=subprocess.DEVNULL, stdout=said, stderr=complained
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            complained.seek(0)
            raise FailedError(f"exit code {process.returncode}: {_last_line(complained.read())}")
        said.seek(0)
        text = said.read().decode(errors="replace")
    if missing := [words for words in expects if words not in text]:
        raise FailedError(f"its output lacks {missing[0]!r}")
    return Run(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


def _last_line(said: bytes) -> str:
    lines = said.decode(errors="replace").strip().splitlines()
    return lines[-1][:200] if lines else "it said nothing"


def alternating(
    works: Mapping[str, Callable[[], Run]], rounds: int, say: Callable[[str], None] = lambda text: None
) -> dict[str, Measured]:
    """Every work once a round: a slow moment of the machine hits all of them.

    Of several rounds, one before them warms up. Each starts with another work, so that none always comes behind the
    same. What fails once isn't run again.
    """
    found: dict[str, list[Run]] = {name: [] for name in works}
    errors: dict[str, str] = {}
    names = list(works)
    warming = min(1, rounds - 1)
    for number in range(1 - warming, rounds + 1):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            if name in errors:
                continue
            try:
                result = works[name]()
            except FailedError as error:
                errors[name] = str(error)
                say(f"{name}: {error}")
                continue
            if number:
                found[name].append(result)
        say(f"round {number} of {rounds}")
    return {name: Measured(error=errors[name]) if name in errors else _medians(found[name]) for name in names}


def _medians(runs: Sequence[Run]) -> Measured:
    return Measured(
        seconds=statistics.median(one.seconds for one in runs),
        cpu=statistics.median(one.cpu for one in runs),
        peak=int(statistics.median(one.peak for one in runs)),
        rounds=tuple(one.seconds for one in runs),
    )


def instructions(command: Sequence[str], environment: Mapping[str, str], folder: Path) -> int | None:
    """Instructions of one process, by perf, else by callgrind; None where neither works."""
    perf = ["perf", "stat", "-x,", "-e", "instructions:u"]
    callgrind = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
    for tool, pattern in ((perf, r"^(\d+),.*instructions"), (callgrind, r"Collected : (\d+)")):
        if shutil.which(tool[0]) is None:
            continue
        done = subprocess.run([*tool, *command], cwd=folder, env=dict(environment), capture_output=True, text=True)
        # Callgrind tells of each process that was forked, and of the one that was asked for last.
        if done.returncode == 0 and (counts := re.findall(pattern, done.stderr, re.MULTILINE)):
            return int(counts[-1])
    return None


def in_child(work: Callable[[], Any]) -> Any:
    """What ``work`` gives, which must be good for JSON, in a child forked for it.

    Raises:
        FailedError: it raised something, or the child crashed.
    """
    reading, writing = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if not child:
        try:
            answer = {"found": work()}
        except BaseException as error:
            answer = {"error": f"{type(error).__name__}: {error}"[:200]}
        with os.fdopen(writing, "w") as out:
            out.write(json.dumps(answer))
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as said:
        text = said.read()
    os.waitpid(child, 0)
    answer = json.loads(text or '{"error": "it crashed"}')
    if "error" in answer:
        raise FailedError(answer["error"])
    return answer["found"]


def cost(prepare: Callable[[], Callable[[], object]], again: float = 0.0) -> tuple[float, int]:
    """Seconds and bytes that the function takes that ``prepare`` makes; the bytes are right in a child that is new.

    Seconds of the processor: what else the machine does in the meantime doesn't count.

    It is run again as long as all runs together take less than ``again`` seconds, three times at most; the best counts.
    """
    work = prepare()
    gc.collect()
    before = int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
    times: list[float] = []
    peak = 0
    while not times or (len(times) < 3 and sum(times) < again):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
        peak = peak or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return min(times), max(peak - before, 0)


def exponent(points: Sequence[tuple[float, float]]) -> float | None:
    """The power of its size that a cost grows by, fitted to the three largest sizes: 1 is linear, 2 quadratic.

    None where there are fewer.
    """
    last = [(math.log(size), math.log(cost)) for size, cost in points[-3:] if cost > 0]
    if len(last) < 3:
        return None
    return statistics.linear_regression(*zip(*last, strict=True)).slope
