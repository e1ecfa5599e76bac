"""``resnet-inspect doctor``."""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Iterator
from typing import Any

import click

from ...activity import doing
from ...answers import diagnosis
from ...answers.diagnosis import Diagnosis
from ...readers import NAMED
from ...version import __version__
from ...visible import in_json, line, visible
from .. import Command, debug_option
from ..options import BackendName


@click.command("doctor", cls=Command)
@click.argument("backend", type=BackendName(NAMED), required=False)
@click.option("--timeout", type=click.FloatRange(min=0, min_open=True), default=120, show_default=True, help="Seconds.")
@click.option("--format", "output_format", type=click.Choice(["table", "json"]), default="table", show_default=True)
@debug_option
def command(backend: str | None, timeout: float, output_format: str) -> int:
    """Report which backends work here, and the command that fixes those that don't.

    Every backend summarises a small model in a process of its own. With a BACKEND, exit 3 if that one is unusable.

    \b
    resnet-inspect doctor
    """
    diagnoses = _awaited(diagnosis.diagnoses([backend] if backend else NAMED, timeout))
    if output_format == "json":
        found = [(item.backend, _document(item)) for item in diagnoses]
        document = {
            "resnet_inspect": __version__,
            "python": platform.python_version(),
            "tested": diagnosis.tested(),
            "backends": dict(found),
        }
        click.echo(in_json(json.dumps(document, indent=2)))
        works = all(backend["usable"] for _, backend in found)
    else:
        click.echo(f"resnet-inspect {__version__}, Python {platform.python_version()} on {sys.platform}")
        for note in diagnosis.untested([("python", platform.python_version())]):
            click.echo(f"  note: {note}")
        works = True
        for item in diagnoses:  # each is shown when it is known
            click.echo("\n".join(_lines(item)))
            works &= item.problem is None
    return 0 if works or not backend else 3


def _awaited(diagnoses: Iterator[Diagnosis]) -> Iterator[Diagnosis]:
    """The diagnoses as they come: a person who waits for one sees that something goes on."""
    while True:
        with doing("trying every backend"):
            item = next(diagnoses, None)
        if item is None:
            return
        yield item


def _document(item: Diagnosis) -> dict[str, Any]:
    return {
        "usable": item.problem is None,
        "versions": dict(item.versions),
        "problem": item.problem,
        "fix": item.fix,
        "notes": list(item.notes),
    }


def _lines(item: Diagnosis) -> list[str]:
    versions = ", ".join(f"{package} {version or 'not installed'}" for package, version in item.versions)
    return [
        line(f"{item.backend}: {'works' if item.problem is None else item.problem}"),
        *([f"  {visible(versions)}"] if versions else []),
        *(f"  note: {line(note)}" for note in item.notes),
        *([f"  fix it with: {visible(item.fix)}"] if item.fix else []),
    ]
