"""``resnet-inspect weights``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from ...activity import doing
from ...analysis.checkpoint_match import CheckpointMatch, Entry, compare
from ...answers import adapter
from ...readers import WITH_BLOCKS, Request
from ...readers.checkpoint import reader as checkpoint
from ...readers.weights import legacy
from ...render.width import padded, width
from ...shape import format_shape
from ...visible import cleaned, in_json
from .. import Command, debug_option
from ..building import building_option
from ..delivery import emit
from ..naming import complete_model, split_model
from ..options import BackendName, parse_arguments

_SCHEMA_VERSION = 1


@click.command("weights", cls=Command)
@click.argument("model", shell_complete=complete_model)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--backend", type=BackendName(WITH_BLOCKS), help="Default: local, or what the file's kind asks for.")
@building_option("arg")
@click.option("--format", "output_format", type=click.Choice(["table", "json"]), default="table", show_default=True)
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write to a file.")
@debug_option
def command(
    model: str,
    file: Path,
    backend: str | None,
    arg: tuple[str, ...],
    output_format: str,
    output: Path | None,
) -> int:
    """Show whether the checkpoint FILE fits MODEL, entry by entry; exit 1 if it doesn't.

    FILE is .safetensors, torch's .pth or .pt, Keras' .weights.h5 or .keras. Nothing in it is run, and of
    safetensors only the header is read.

    \b
    resnet-inspect weights torch:resnet50 resnet50.pth
    """
    backend, name = split_model(model, backend)
    kind, found = checkpoint.read(file)
    with doing(f"building {backend}:{name}"):
        expected = adapter(backend).state(Request.from_options(name, arg=dict(parse_arguments(arg))))
    match = compare(legacy(expected) if kind == "legacy keras" else expected, found)
    if output_format == "json":
        document = _document(f"{backend}:{name}", file, kind, match)
        text = in_json(json.dumps(document, indent=2, ensure_ascii=False)) + "\n"
    else:
        text = _table(*cleaned((f"{backend}:{name}", file.name, kind, match)))
    emit(text, output, output_format or "")
    return 0 if match.is_loadable else 1


def _document(model: str, file: Path, kind: str, match: CheckpointMatch) -> dict[str, Any]:
    return {
        "schema_version": _SCHEMA_VERSION,
        "model": model,
        "file": file.name,
        "kind": kind,
        "fits": match.is_loadable,
        "prefix": match.prefix,
        "matching": match.matching,
        "missing": [{**_entry(entry), "closest": match.closest(entry)} for entry in match.missing],
        "unexpected": [_entry(entry) for entry in match.unexpected],
        "wrong_shape": [
            {**_entry(ours), "file_shape": theirs.shape, "file_dtype": theirs.dtype}
            for ours, theirs in match.mismatched
        ],
    }


def _entry(entry: Entry) -> dict[str, Any]:
    named = {"called": entry.alias} if entry.alias else {}
    return {"name": entry.name, **named, "shape": entry.shape, "dtype": entry.dtype}


def _table(model: str, file: str, kind: str, match: CheckpointMatch) -> str:
    rows = [("wrong shape", ours, _size(ours), _size(theirs)) for ours, theirs in match.mismatched]
    rows += [("missing", entry, _size(entry), "") for entry in match.missing]
    rows += [("unexpected", entry, "", _size(entry)) for entry in match.unexpected]
    cells = [("What", "Entry", "Model", "File")] if rows else []
    for what, entry, ours, theirs in rows:
        closest = match.closest(entry) if what == "missing" else None
        said = f"{entry.name} ({entry.alias})" if entry.alias and entry.alias != entry.name else entry.name
        cells.append((what, said + (f", perhaps {closest}" if closest else ""), ours, theirs))
    widths = [max(width(row[index]) for row in cells) for index in range(4)] if cells else []
    lines = ["  ".join(map(padded, row, widths)).rstrip() for row in cells]
    verdict = "fits" if match.is_loadable else "doesn't fit"
    counts = f"{match.matching} matching, {len(match.missing)} missing, {len(match.unexpected)} unexpected"
    lines.append(f"{file} ({kind}) {verdict} {model}: {counts}, {len(match.mismatched)} of another shape")
    if match.prefix:
        lines.append(f"Every name in the file begins with '{match.prefix}', which was taken off")
    return "\n".join(lines) + "\n"


def _size(entry: Entry) -> str:
    return f"{format_shape(entry.shape)} {entry.dtype}"
