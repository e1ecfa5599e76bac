"""``resnet-inspect batch``."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import click

from ...errors import BadRequestError
from ...readers import Limits
from .. import Command, debug_option
from ..delivery import say, with_progress
from ..options import max_memory_option
from ..requests import read_request


@click.command("batch", cls=Command)
@click.argument("requests", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Results file; resumed if it exists. Default: stdout.",
)
@click.option("--full", is_flag=True, help="Whole summaries, with every layer, instead of totals.")
@click.option("--restart", is_flag=True, help="Begin the results file again.")
@click.option(
    "--jobs", type=click.IntRange(min=1), metavar="N", help="Number of parallel processes. Default: one per core."
)
@click.option("--cluster", metavar="ADDRESS", help="Work on the Dask cluster with this scheduler: tcp://host:8786.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="Give up on a line after this long, including the first import of its framework.",
)
@max_memory_option
@debug_option
def command(
    requests: Path,
    output: Path | None,
    full: bool,
    restart: bool,
    jobs: int | None,
    cluster: str | None,
    timeout: float | None,
    max_memory: int | None,
) -> int:
    """Summarise many models: each line of REQUESTS (-: stdin) asks for one, and gives one line of results, in order.

    A request is a JSON object whose keys are options of summary: model, backend, input (text or a list), input-json,
    input-from, batch, dtype, mode, layout, arg (an object), decode and flavor; an id is copied into the result.

    \b
    {"model": "resnet50", "input": "3x512x512", "id": 1}
    {"model": "net.py:Net", "arg": {"width": 32}, "input": ["x=1x3x64x64"]}

    With several workers, lines are read ahead of their results.

    A result has the model, its inputs, outputs and totals as in summary --format json, or an error. An error
    in one line does not stop the others; the exit code is 3 in the end. To resume an interrupted run, repeat the
    command: it continues after the last complete line.

    Models of a framework run in child processes. On a cluster, this package must be installed for the workers too, and
    files and code must be where they run, under the same path.

    \b
    resnet-inspect batch requests.jsonl -o results.jsonl
    """
    from ...batch.child import GO_ON
    from ...batch.lines import Work, lines_of
    from ...batch.results import clear, resume, written
    from ...batch.workers import answers, pool

    gc.enable()  # it is off while a command starts, but this one may run for days
    if jobs and cluster:
        raise BadRequestError("--jobs is for this machine; a cluster has as many workers as it has")
    if restart and not output:
        raise BadRequestError("--restart begins the file of -o again: give -o")
    with pool(jobs, cluster) as workers, _read(requests) as (source, total), _results(output) as results:
        lines = enumerate(lines_of(source), 1)
        count = failed = 0
        if output:
            if restart:
                clear(results, output.name)
            there = resume(results, output.name, lines, full)
            count, failed = there.lines, there.failed
        if count:
            _note(f"{count:,} {f'of {total:,} ' if total else ''}lines were there already")
        if cluster and not workers.width():
            _note("the cluster has no workers yet: waiting for the first")
        found = written(results, answers(workers, Work(read_request, full, Limits(timeout, max_memory)), lines))
        try:
            for result in with_progress(found, total - count, "Summarising") if output else found:
                count += 1
                failed += result.failed
        except KeyboardInterrupt:
            if output:
                _note(f"{count:,} lines are in {output.name}; {GO_ON}")
            raise
    _note(f"{count:,} lines, {failed:,} of them errors")
    return 3 if failed else 0


@contextmanager
def _read(path: Path) -> Iterator[tuple[IO[bytes], int]]:
    """The requests, and how many there are if that can be known without reading all of them, else 0."""
    if str(path) == "-":
        yield sys.stdin.buffer, 0
        return
    from ...batch.lines import lines_of

    with path.open("rb") as file:
        total = 0
        if path.is_file():
            total = sum(1 for _ in lines_of(file))
            file.seek(0)
        yield file, total


@contextmanager
def _results(path: Path | None) -> Iterator[IO[bytes]]:
    from ...batch.results import opened

    if path is None:
        yield sys.stdout.buffer
        return
    with opened(path) as file:
        yield file


def _note(text: str) -> None:
    say("note", text)
