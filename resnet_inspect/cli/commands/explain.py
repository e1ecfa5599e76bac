"""``resnet-inspect explain``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from ...answers.source import load
from ...errors import BadRequestError, InspectError, ModelError, closest, meant, unknown
from ...explain.explanation import Explanation
from ...explain.known import Known
from ...ir import Summary
from ...readers import Answer, Limits, Request
from ...render.explain import ENDINGS, FORMATS, render
from .. import Command, debug_option
from ..building import building_options, source
from ..delivery import draw_options, emit, format_of, show_notes
from ..naming import complete_model
from ..options import limits_options

#: Family -> its members as the local backend builds them: (flavor, name).
FAMILIES = {
    "resnet": (
        *(("torch", f"resnet{depth}") for depth in (18, 34, 50, 101, 152)),
        *(("keras", f"ResNet{depth}") for depth in (50, 101, 152)),
        *(("keras", f"ResNet{depth}V2") for depth in (50, 101, 152)),
        *(("torch", name) for name in ("resnext50_32x4d", "resnext101_32x8d", "resnext101_64x4d")),
        *(("torch", name) for name in ("wide_resnet50_2", "wide_resnet101_2")),
    )
}


@click.command("explain", cls=Command)
@click.argument("model", required=False, shell_complete=complete_model)
@click.argument("what", required=False, shell_complete=complete_model)
@click.option("--family", metavar="NAME", help=f"Explain a family of networks: {', '.join(FAMILIES)}.")
@click.option("--quiz", type=click.IntRange(1, 1000), metavar="N", help="Ask N questions, and explain each answer.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of the questions.")
@click.option("--list-terms", is_flag=True, help="List the words that explanations use, and what they mean.")
@building_options()
@limits_options
@click.option("--format", "output_format", type=click.Choice(FORMATS), help="Default: table, or by -o's ending.")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write to a file.")
@click.option("--ascii", "ascii_only", is_flag=True, help="Draw tables without box characters.")
@debug_option
def command(
    model: str | None,
    what: str | None,
    family: str | None,
    quiz: int | None,
    seed: int,
    list_terms: bool,
    limits: Limits,
    output_format: str | None,
    output: Path | None,
    ascii_only: bool,
    **building: Any,
) -> None:
    """Explain why the numbers of MODEL (default: resnet50) are what they are.

    WHAT is a layer or a module of MODEL, by its path, or else another model to compare it with. Formulas show the
    numbers that go in; reasons come from the network's graph. Where no formula gives a number, it says so.

    \b
    resnet-inspect explain resnet50 layer2.0.conv2
    resnet-inspect explain resnet34 resnet50
    resnet-inspect explain --family resnet
    resnet-inspect explain resnet50 --quiz 5
    """
    chosen = format_of(output_format, output, ENDINGS)
    alone = {"--family": family is not None, "--list-terms": list_terms, "--quiz": quiz is not None}
    given = [option for option, is_given in alone.items() if is_given]
    if len(given) > 1:
        raise BadRequestError(f"{given[0]} and {given[1]} ask for two different things: leave one out")
    if given and (what or (model and not quiz)):
        raise BadRequestError(f"{given[0]} explains no layer and no other model: leave {what or model} out")
    if list_terms:
        from ...explain.terms import explain_terms

        found = explain_terms()
    elif family is not None:
        found = _family(family)
    else:
        (answer,) = load([source(model or "resnet50", building)], limits)
        show_notes(answer)
        if quiz is not None:
            if chosen != "table" or output is not None:
                raise BadRequestError("--quiz asks in the terminal: leave --format and --output out")
            _ask(answer.summary, quiz, seed)
            return
        found = _explained(answer.summary, what, limits, building)
    emit(render(found, chosen, **_drawing(output, ascii_only)), output, chosen)


def _drawing(output: Path | None, ascii_only: bool) -> dict[str, Any]:
    options = draw_options(output, ascii_only)
    return {"width": options["width"], "color": options["color"], "ascii_only": options["ascii"]}


def _explained(summary: Summary, what: str | None, limits: Limits, building: dict[str, Any]) -> Explanation:
    known = Known(summary)
    if what is None:
        from ...explain.network import explain_network

        return explain_network(known)
    layers = [layer for layer in summary.layers if what in (layer.id, layer.path)]
    if layers:
        from ...explain.layer import explain_layer

        return explain_layer(known, next((layer for layer in layers if layer.id == what), layers[0]))
    from ...explain.module import explain_module, members

    if members(known, what):
        return explain_module(known, what)
    from ...explain.pair import explain_pair

    other = _other(summary, what, limits, building)
    show_notes(other)
    return explain_pair(summary, other.summary)


def _other(summary: Summary, what: str, limits: Limits, building: dict[str, Any]) -> Answer:
    """The second model.

    Raises:
        BadRequestError: it is not a model, nor a layer of the first.
    """
    try:
        (answer,) = load([source(what, building)], limits)
    except (ModelError, BadRequestError) as error:
        if ":" in what or Path(what).exists():
            raise
        paths = {layer.path for layer in summary.layers} | {path for path, _ in summary.modules if path}
        hint = meant(closest(what, sorted(paths)[:10_000]), "resnet-inspect summary shows the paths of its layers")
        raise BadRequestError(
            f"{what!r:.60} is neither a layer of {summary.model.title} nor a model; {hint}"
        ) from error
    return answer


def _family(name: str) -> Explanation:
    from ...explain.family import explain_family
    from ...readers.local.reader import summarize

    if name not in FAMILIES:
        raise BadRequestError(unknown("family", name, FAMILIES))
    members = [summarize(Request(member, flavor=flavor)).summary for flavor, member in FAMILIES[name]]
    return explain_family(name, members)


def _ask(summary: Summary, number: int, seed: int) -> None:
    """Asks on stdout, reads answers from stdin, and ends where stdin ends."""
    from ...explain.quiz import questions, read
    from ...render.explain import shown
    from ...visible import visible

    asked = questions(Known(summary), number, seed)
    if not asked:
        raise InspectError(f"{summary.model.title} has no number that a formula gives, so there is nothing to ask")
    right = answered = 0
    for place, question in enumerate(asked, 1):
        click.echo(f"{place} of {len(asked)}: {visible(question.text)}\n? ", nl=False)
        line = _line()
        if line is None:
            click.echo()
            break
        if not sys.stdin.isatty():
            click.echo(visible(line[:60]))
        value = read(line)
        answered += 1
        right += value == question.answer.result
        verdict = "Right" if value == question.answer.result else "Not quite" if value is not None else "No number"
        click.echo(f"{verdict}: {' = '.join(part for part in shown(question.answer) if part)}\n")
    click.echo(f"{right} of {answered} right." if answered else "Nothing was answered.")


def _line() -> str | None:
    """A line from stdin without its newline, None at the end; of a very long one, how it begins."""
    line = piece = sys.stdin.readline(1000) if sys.stdin else ""
    while piece and not piece.endswith("\n"):
        piece = sys.stdin.readline(1000)
    return line.rstrip("\n") if line else None
