"""``resnet-inspect doctor``."""

from __future__ import annotations

import json
import platform
import sys
from typing import Any

import click

from ..answers import diagnosis
from ..readers import LIBRARIES, NAMES
from ..version import __version__
from ..visible import in_json, line, visible


@click.command("doctor")
@click.argument("backend", type=click.Choice((*NAMES, *LIBRARIES)), required=False)
@click.option("--timeout", type=click.FloatRange(min=0, min_open=True), default=120, show_default=True, help="Seconds.")
@click.option("--format", "output_format", type=click.Choice(["table", "json"]), default="table", show_default=True)
@click.option("--debug", is_flag=True, help="Show a traceback with an error.")
def command(backend: str | None, timeout: float, output_format: str, debug: bool) -> int:
    """Tell what works here, what doesn't, and the command that mends it.

    Every backend summarises a small model in a process of its own. With a BACKEND, exit 3 if that one is unusable.
    """
    findings = [diagnosis.examine(name, timeout) for name in ([backend] if backend else (*NAMES, *LIBRARIES))]
    if output_format == "json":
        found: dict[str, Any] = {
            "resnet_inspect": __version__,
            "python": platform.python_version(),
            "tested": diagnosis.tested(),
            "backends": {
                item.backend: {
                    "usable": item.problem is None,
                    "versions": dict(item.versions),
                    "problem": item.problem,
                    "mend": item.mend,
                    "notes": list(item.notes),
                }
                for item in findings
            },
        }
        click.echo(in_json(json.dumps(found, indent=2)))
    else:
        click.echo(f"resnet-inspect {__version__}, Python {platform.python_version()} on {sys.platform}")
        for note in diagnosis.untested([("python", platform.python_version())]):
            click.echo(f"  note: {note}")
        for item in findings:
            versions = ", ".join(f"{package} {version or 'not installed'}" for package, version in item.versions)
            click.echo(line(f"{item.backend}: {'works' if item.problem is None else item.problem}"))
            if versions:
                click.echo(f"  {visible(versions)}")
            for note in item.notes:
                click.echo(f"  note: {line(note)}")
            if item.mend:
                click.echo(f"  mend it with: {visible(item.mend)}")
    return 3 if backend and findings[0].problem else 0
