"""How a network is trained: the options that say it, and which summary training is estimated from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

import click

from ..analysis import OPTIMIZERS
from ..analysis.training.plan import IMPLEMENTATIONS, LOWER, USUAL, Plan
from ..errors import BadRequestError, InputError
from ..readers import Answer, Request

F = TypeVar("F", bound=Callable[..., Any])
#: The options below, by their parameters.
FIELDS = ("optimizer", "implementation", "amp", "checkpoint", "accumulate", "frozen", "lora", "lora_layers")


def training_options(function: F) -> F:
    """The options that say how a network is trained; ``plan_of`` reads them."""
    for option in (
        click.option("--lora-layers", multiple=True, metavar="GLOB", help="Linear layers with adapters. Default: all."),
        click.option("--lora", type=click.IntRange(1, 2**20), metavar="R", help="Train adapters of rank R alone."),
        click.option("--frozen", multiple=True, metavar="GLOB", help="Modules that aren't trained. Repeatable."),
        click.option("--accumulate", type=click.IntRange(1, 2**31), metavar="N", help="Batches for an optimizer step."),
        click.option(
            "--checkpoint", multiple=True, metavar="GLOB", help="Modules that run again backward. Repeatable."
        ),
        click.option("--amp", type=click.Choice([*LOWER]), help="torch's autocast to this type."),
        click.option(
            "--implementation",
            type=click.Choice(IMPLEMENTATIONS),
            help="Implementation of the optimizer in torch. Default: foreach.",
        ),
        click.option("--optimizer", type=click.Choice(OPTIMIZERS), help="Default: adamw."),
        click.option(
            "--train", is_flag=True, help="Follow a training step; any option below does so, too. Default: inference."
        ),
    ):
        function = option(function)
    return function


def plan_of(options: Mapping[str, Any]) -> tuple[Plan | None, dict[str, Any]]:
    """The plan that options of training make, None where none was given, and the other options.

    Raises:
        BadRequestError: adapters have a place and no rank.
    """
    others = {name: value for name, value in options.items() if name not in (*FIELDS, "train")}
    given = {name: options[name] for name in FIELDS if options[name]}
    if not given and not options["train"]:
        return None, others
    if "lora_layers" in given and "lora" not in given:
        raise BadRequestError("--lora-layers says where adapters are: give their rank, --lora 8")
    return replace(USUAL, **{"lora_layers": ("*",) if "lora" in given else (), **given}), others


def in_training(ask: Callable[[Request], Answer], request: Request) -> Answer:
    """The summary in train mode if the model runs in it, else in eval mode.

    Raises:
        InspectError: the model runs in neither.
    """
    try:
        return ask(replace(request, mode="train"))
    except BadRequestError:
        return ask(request)  # a file's graph has one mode
    except InputError as error:
        answer = ask(request)
        said = f"training is estimated from the graph in eval mode, as train mode fails: {error}"
        return replace(answer, notes=(*answer.notes, said))
