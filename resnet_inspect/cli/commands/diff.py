"""``resnet-inspect diff``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from ...answers.source import Source, load
from ...diffs import KINDS, compare, kinds
from ...errors import BadRequestError
from ...readers import Limits
from ...readers.options import SHARED
from ...render.diff import ENDINGS, FORMATS, DiffView, render
from ...visible import line
from .. import Command, debug_option, open_option
from ..building import building_options, check_saved, place_of, source
from ..delivery import add_to_job_summary, draw_options, emit, format_of, show_notes
from ..naming import complete_model
from ..options import limits_options, parse_share, split_words


def parse_kinds(_ctx: click.Context, _param: click.Parameter, text: str | None) -> frozenset[str]:
    """``params,shapes`` as a set of ``diffs.KINDS``."""
    return kinds(split_words(text))


@click.command("diff", cls=Command)
@click.argument("old", required=False, metavar="OLD", shell_complete=complete_model)
@click.argument("new", required=False, shell_complete=complete_model)
@click.option(
    "--base",
    metavar="REVISION",
    help="OLD is the one MODEL, as it was at a git revision. origin/main...: where this branch left it.",
)
@click.option("--any-input", is_flag=True, help="Compare even if the inputs' shapes differ.")
@click.option("--exit-code", is_flag=True, help="Exit 1 if anything differs.")
@click.option(
    "--fail-on", callback=parse_kinds, metavar="KINDS", help=f"Exit 1 if one of these differs: {','.join(KINDS)}."
)
@click.option(
    "--all/--hide-unchanged", "everything", help="Show every row, unchanged ones too. Default: hide unchanged."
)
@click.option(
    "--threshold", callback=parse_share, metavar="PERCENT", help="In Markdown, fold changes below this share: 1%."
)
@click.option("--format", "output_format", type=click.Choice(FORMATS), help="Default: table, or by -o's ending.")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write to a file.")
@open_option
@click.option("--ascii", "ascii_only", is_flag=True, help="Use ASCII characters only.")
@building_options("old", "new", backend="Backend of models that don't name theirs. Default: local.")
@limits_options
@debug_option
def command(
    old: str | None,
    new: str | None,
    base: str | None,
    any_input: bool,
    exit_code: bool,
    fail_on: frozenset[str],
    everything: bool,
    threshold: float,
    output_format: str | None,
    output: Path | None,
    ascii_only: bool,
    limits: Limits,
    **building: Any,
) -> int:
    """Show what changed from OLD to NEW, layer by layer.

    Each is a saved summary (model.json), - for standard input, or a model (torch:resnet50). Across frameworks, layouts
    are brought together, layers matched by structure, and the difference in parameters explained.

    \b
    resnet-inspect diff baseline.json torch:resnet50
    resnet-inspect diff keras:ResNet50 torch:resnet50
    resnet-inspect diff resnet50 resnet101 --fail-on params,config
    resnet-inspect diff --base origin/main... net.py:Net -o report.md
    """
    if old is None or (new is None) == (base is None):
        raise BadRequestError("give OLD and NEW, or --base REVISION and one model: --base main net.py:Net")
    if (old, new) == ("-", "-"):
        raise BadRequestError("standard input can be one side only")
    sources = (_source(old, new or old, "old", building), _source(new or old, old, "new", building))
    if base is None:
        before, after = load(sources, limits)
    else:
        from ...answers.revision import at_revision

        before = at_revision(base, sources[0], limits.seconds)
        (after,) = load(sources[1:], limits)
    found = compare(before.summary, after.summary, any_input)
    chosen = format_of(output_format, output, ENDINGS)
    if threshold and chosen not in ("markdown", "github"):
        raise BadRequestError("--threshold folds rows of Markdown: use --format markdown")
    title = line(f"{old}: {base.removesuffix('...')} → this branch") if base else ""
    place = place_of(new or old) if chosen == "github" else None
    view = DiffView(everything, fail_on, title, place, threshold, **draw_options(output, ascii_only))
    text = render(found, chosen, view)
    show_notes(before, after)
    emit(text, output, chosen)
    if chosen == "github":
        add_to_job_summary(lambda: render(found, "markdown", replace(view, place=None)))
    return int(bool(found.kinds if exit_code else found.kinds & fail_on))


def _source(text: str, other: str, side: str, building: dict[str, Any]) -> Source:
    """One side, with the options of its own before those of both; constructor arguments add up."""
    own = {option: building[f"{side}_{option.parameter}"] for option in SHARED}
    saved = Source(text)
    if saved.is_saved:
        check_saved(text, {f"{side}-{option.name}": value for option, value in own.items()})
        return saved
    from ...readers.kind import kind_of

    of_tensors = [kind_of(Path(each)) == "state" for each in (text, other)]
    # What is said of both sides is for the one that is built, where the other is a file of tensors.
    given = {} if of_tensors == [True, False] else building
    options = {option.parameter: value or given.get(option.parameter) for option, value in own.items()}
    options["arg"] = (*given.get("arg", ()), *(options["arg"] or ()))
    return source(text, {**options, "backend": None if ":" in text else options["backend"]})
