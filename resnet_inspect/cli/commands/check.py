"""``resnet-inspect check``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from ... import ir_json
from ...answers.examine import Since, Target, examine
from ...answers.source import read
from ...checks import BUDGETS, RULES, Checked, Finding, Outcome, accept, exit_code
from ...checks.settings import AMOUNTS
from ...diffs import KINDS, compare, kinds
from ...errors import BadRequestError, InspectError
from ...files import write_whole
from ...readers import Limits
from ...readers.options import SHARED
from ...render.check import ENDINGS, FORMATS, CheckView, render
from ...render.check.words import SAID, said, verdict
from .. import Command, config, debug_option, open_option, show_waiting
from ..building import building_options, may_name
from ..delivery import add_to_job_summary, draw_options, emit, format_of, say, with_progress
from ..naming import complete_model
from ..options import complete_device, limits_options, parse_arguments, parse_share, split_words
from ..targets import target as make_target
from ..training import plan_of, training_options

#: So many lines are told of what is in a file.
_MOST_TOLD = 10


def _budget_options(function: Callable[..., Any]) -> Callable[..., Any]:
    for rule in reversed(BUDGETS):
        amount = rule.name.removeprefix("max-")
        helps = {"warn": f"As --max-{amount}, but only a warning.", "max": f"Upper limit: {rule.example}."}
        for kind, text in helps.items():
            function = click.option(f"--{kind}-{amount}", multiple=True, metavar="[PART=]AMOUNT", help=text)(function)
    return function


def show_rules(ctx: click.Context, _param: click.Parameter, wanted: bool) -> None:
    """Prints the page of the rules and ends."""
    if wanted:
        from ...render.check.rules import page

        click.echo(page(), nl=False)
        ctx.exit()


@click.command("check", cls=Command)
@click.argument("models", metavar="[MODEL]...", nargs=-1, shell_complete=complete_model)
@building_options(
    input="An input that has to fit. Repeatable; rules use the first that fits. Several inputs of a model: 3x64x64+10."
)
@click.option("--find-min", is_flag=True, help="Find the smallest input that fits, and what drops rows or columns.")
@_budget_options
@click.option(
    "--fits",
    multiple=True,
    metavar="DEVICE",
    help="A device that it has to fit into: rtx-4090. Repeatable.",
    shell_complete=complete_device,
)
@training_options
@click.option("--baseline", metavar="FILE", help="A saved summary that the model must not differ from.")
@click.option(
    "--fail-on",
    metavar="KINDS",
    help=f"Differences from a baseline or --base that fail: {','.join(KINDS)}. Default: all, and with --base none.",
)
@click.option(
    "--base", metavar="REVISION", help="Show what changed since a git revision. origin/main...: on this branch."
)
@click.option(
    "--threshold", callback=parse_share, metavar="PERCENT", help="In Markdown, fold changes below this share: 1%."
)
@click.option("--update-baseline", is_flag=True, help="Accept what differs: write the baseline. Needs --reason.")
@click.option("--reason", help="Why the baseline changes; it is kept in the file.")
@click.option("--strict", is_flag=True, help="Exit 5 if the MACs of a layer aren't known.")
@click.option(
    "--ignore",
    multiple=True,
    metavar="RULE",
    shell_complete=lambda _ctx, _param, incomplete: [name for name in RULES if name.startswith(incomplete)],
    help="Leave out a rule: unused-parameters. Repeatable.",
)
@click.option(
    "--config", "config_file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Default: see above."
)
@click.option("--format", "output_format", type=click.Choice(FORMATS), help="Default: table, or by -o's ending.")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write to a file.")
@click.option(
    "--also",
    multiple=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write to one more file, in the format of its ending. Repeatable.",
)
@open_option
@click.option("--ascii", "ascii_only", is_flag=True, help="Use ASCII characters only.")
@click.option("-q", "--quiet", is_flag=True, callback=show_waiting, help="Exit code only.")
@click.option(
    "--rules", is_flag=True, is_eager=True, expose_value=False, callback=show_rules, help="Explain the rules and end."
)
@limits_options
@debug_option
def command(
    models: tuple[str, ...],
    config_file: Path | None,
    base: str | None,
    fail_on: str | None,
    threshold: float,
    also: tuple[Path, ...],
    update_baseline: bool,
    reason: str | None,
    output_format: str | None,
    output: Path | None,
    ascii_only: bool,
    quiet: bool,
    limits: Limits,
    **settings: Any,
) -> int:
    """Check each MODEL: inputs that fit, budgets, drift from a baseline, structure. Exit 1 if a rule isn't kept.

    MODEL is torch:resnet50, a saved summary, - for standard input, or a name in the configuration. Without MODEL,
    all models of the configuration: resnet-inspect.toml or [tool.resnet-inspect] in pyproject.toml, found upwards.

    \b
    resnet-inspect check torch:resnet50 --input 3x512x512 --input 3x20x20
    resnet-inspect check resnet50 --max-params 26M --max-macs layer4=1G
    resnet-inspect check torch:resnet50 --baseline resnet50.json
    resnet-inspect check --base origin/main... -o report.md
    """
    if update_baseline != (reason is not None) or (reason is not None and not reason.strip()):
        raise BadRequestError('--update-baseline and --reason "..." go together')
    gates = kinds(split_words(fail_on))
    formats = {path: format_of(None, path, ENDINGS) for path in also}
    targets = _targets(models, config_file, settings if base else {**settings, "fail_on": fail_on})
    if base:
        since = Since(base, gates, limits.seconds)
        targets = [replace(item, fail_on=gates or item.fail_on, since=since) for item in targets]
    if update_baseline and not any(item.baseline for item in targets):
        raise BadRequestError("--update-baseline needs a --baseline FILE to write")
    chosen = format_of(output_format, output, ENDINGS)
    if update_baseline:
        blind = [replace(item, baseline=None) for item in targets]
        found = zip(with_progress(examine(blind, limits), len(targets), "Checking"), targets, strict=True)
        checked = [_updated(item, target.baseline, str(reason).strip()) for item, target in found]
    else:
        checked = list(with_progress(examine(targets, limits), len(targets), "Checking"))
    checked = [
        replace(item, place=target.place, lines=target.lines) for item, target in zip(checked, targets, strict=True)
    ]
    code = exit_code(checked)
    if not quiet:
        drawing = draw_options(output, ascii_only)
        emit(render(checked, chosen, CheckView(threshold=threshold, **drawing)), output, chosen)
        for path, form in formats.items():
            emit(render(checked, form, CheckView(threshold=threshold)), path, form)
        if output is not None:
            _say_verdict(checked)
        if chosen == "github":
            add_to_job_summary(lambda: render(checked, "markdown", CheckView(threshold=threshold)))
    return code


def _say_verdict(checked: Sequence[Checked]) -> None:
    """What failed or warns, a line each, and the verdict: on stderr, where the document is in a file."""
    told = [
        (SAID[outcome.level], f"{item.name}: {outcome.rule}: {next(iter(said(outcome)), '')}")
        for item in checked
        for outcome in item.outcomes
        if outcome.level != "pass"
    ]
    for kind, message in told[:_MOST_TOLD]:
        say(kind, message)
    more = f", {len(told) - _MOST_TOLD} more lines in the file" if len(told) > _MOST_TOLD else ""
    say("note", verdict(checked) + more)


def _targets(models: Sequence[str], config_file: Path | None, settings: dict[str, Any]) -> list[Target]:
    given = any(settings.values())
    # A model with options needs no file, whatever is wrong with the one above.
    needed = not models or not given
    path = config_file or (config.find(Path.cwd()) if needed else None)
    known = {item.name: item for item in config.load(path)} if path is not None else {}
    if config_file is None:
        known = {name: _called(name, item) for name, item in known.items()}
    named = [model for model in models or known if model in known]
    if named and given:
        raise BadRequestError(
            "the file of settings decides what is checked: for options that build or limit, give a MODEL"
        )
    if not models and not known:
        raise BadRequestError(
            f"give a MODEL, or name models in {config.FILE} or in pyproject.toml's [tool.{config.TABLE}]"
        )
    options = _of_options(settings) if len(named) < len(models) else {}
    return [
        known[model] if model in known else make_target(model, {"model": model, **options}, Path())
        for model in models or known
    ]


def _called(name: str, target: Target) -> Target:
    """The model of the nearest file of settings, which other revisions may have under the same name."""
    return replace(target, source=replace(target.source, name=name)) if may_name(name) else target


def _of_options(settings: dict[str, Any]) -> dict[str, Any]:
    """The options as the settings that a file would have."""
    plan, settings = plan_of(settings)
    found: dict[str, Any] = {key.replace("_", "-"): value for key, value in settings.items() if value}
    if plan is not None and not any(key == "fits" or key.endswith("-training-memory") for key in found):
        raise BadRequestError("options of training are for --fits and --max-training-memory: give one of them")
    found["train"] = plan
    for key in [f"{kind}-{amount}" for kind in ("max", "warn") for amount in AMOUNTS]:
        if key in found:
            found[key] = _limits(key, found[key])
    for option in SHARED:
        if option.setting:
            found[option.setting] = found.pop(option.name, ())
    found["args"] = dict(parse_arguments(found["args"]))
    found["fail-on"] = split_words(found.get("fail-on"))
    return found


def _limits(key: str, texts: Sequence[str]) -> dict[str, str]:
    """Part of the model -> amount. Two amounts for one part are a slip."""
    found: dict[str, str] = {}
    for part, amount in map(_part, texts):
        if part in found:
            raise BadRequestError(f"--{key} is given twice for {part or 'the whole model'}: {found[part]} and {amount}")
        found[part] = amount
    return found


def _part(text: str) -> tuple[str, str]:
    part, separator, amount = text.rpartition("=")
    if separator and not part:
        raise BadRequestError(f"{text!r} names no part: give layer4=15M, or 15M for the whole model")
    return part, amount


def _updated(item: Checked, baseline: Path | None, reason: str) -> Checked:
    """Writes the baseline of a model that differs from it; of one that couldn't be looked at, nothing."""
    if baseline is None or item.summary is None:
        return item
    try:
        old = read(str(baseline)).summary if baseline.exists() else None
    except InspectError as error:
        finding = Finding("error", f"{error}. Remove it to write a new one")
        return replace(item, outcomes=(*item.outcomes, Outcome("baseline", (finding,))), error_code=error.exit_code)
    new = accept(old, item.summary, reason)
    if new is not old:
        baseline.parent.mkdir(parents=True, exist_ok=True)
        write_whole(baseline, ir_json.dumps(new))
    said = "no difference" if new is old else f"{baseline.name} {'updated' if old else 'written'}: {reason}"
    diff = compare(old, new, any_input=True) if old and new is not old else None
    return replace(item, outcomes=(*item.outcomes, Outcome("baseline", (Finding("note", said, diff=diff),))))
