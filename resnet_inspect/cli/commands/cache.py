"""``resnet-inspect cache``."""

from __future__ import annotations

import json

import click

from ... import units
from ...answers.cache import LIMIT, VARIABLE, clear, contents
from ...visible import in_json, visible
from .. import Group, debug_option


@click.group("cache", cls=Group)
def command() -> None:
    """Show or clear the cached summaries of models.

    Summaries of models of torchvision and Keras are cached, if they have a name and no weights. Summaries of your own
    code and files never are. An entry is used only while everything is the same: this program, the installed
    frameworks, Python, settings and options. If you edit a framework's installed files by hand, use --no-cache.

    --no-cache builds a model again. RESNET_INSPECT_CACHE=off switches the cache off; another value is its folder.

    \b
    resnet-inspect cache info
    resnet-inspect cache clear
    """


@command.command("info")
@click.option("--format", "output_format", type=click.Choice(["table", "json"]), default="table", show_default=True)
@debug_option
def info(output_format: str) -> None:
    """Show where summaries are kept, how many, and how large they are."""
    found = contents()
    if output_format == "json":
        folder = None if found.folder is None else str(found.folder)
        document = {"folder": folder, "entries": found.entries, "bytes": found.bytes, "limit_bytes": LIMIT}
        document |= {"problem": found.problem} if found.problem else {}
        click.echo(in_json(json.dumps(document, indent=2)))
        return
    if found.folder is None:
        click.echo(f"Nothing is kept: {VARIABLE} is off, or no framework's extra is installed")
        return
    click.echo(f"Folder   {visible(str(found.folder))}")
    if found.problem:
        click.echo(f"Problem  not used: {visible(found.problem)}")
        return
    click.echo(f"Entries  {found.entries:,}")
    click.echo(f"Size     {units.binary(found.bytes)} of at most {units.binary(LIMIT)}")


@command.command("clear")
@debug_option
def clear_all() -> None:
    """Remove the summaries that are kept. Other files in the folder stay."""
    found = clear()
    click.echo(f"{found.entries:,} {'entry' if found.entries == 1 else 'entries'} removed, {units.binary(found.bytes)}")
