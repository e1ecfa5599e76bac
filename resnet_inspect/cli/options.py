"""Options that several commands share, and the values that their texts stand for."""

from __future__ import annotations

import functools
import json
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from .. import stranger_json
from ..analysis import OPTIMIZERS
from ..errors import BadRequestError
from ..ir import Attributes, frozen_value
from ..readers import Limits
from ..readers.backend import CALLED
from ..render import FORMATS, View
from . import debug_option, open_option
from .delivery import say

if TYPE_CHECKING:
    from ..devices import Device

F = TypeVar("F", bound=Callable[..., Any])


class BackendName(click.Choice):  # type: ignore[type-arg]  # generic from click 8.2 on
    """A choice of backends, which other names that people give them stand for as well: ``pytorch``, ``tf``."""

    name = "backend"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The backend's own name."""
        return super().convert(CALLED.get(str(value).lower(), value), param, ctx)


def _list_columns(ctx: click.Context, _param: click.Parameter, text: str | None) -> str | None:
    if text == "list":
        from ..render.columns import described

        click.echo(described(), nl=False)
        ctx.exit()
    return text


def _complete_columns(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Keys of columns, behind those that stand there already."""
    from ..render.columns import COLUMNS

    before, comma, begun = incomplete.rpartition(",")
    plus = begun[: begun.startswith("+")]
    return [f"{before}{comma}{plus}{key}" for key in COLUMNS if key.startswith(begun.removeprefix(plus))]


def _find_device(ctx: click.Context, _param: click.Parameter, name: str | None) -> Device | None:
    """The device of a name. ``list`` shows all of them, and is the end of the command."""
    if name is None:
        return None
    from .. import devices
    from .config import own_devices

    if name == "list":
        from ..render.report.devices import render

        click.echo(render(), nl=False)
        ctx.exit()
    return devices.device(name, own_devices())


def complete_device(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """The names of devices that a shell completes one with."""
    from .. import devices

    return [name for name in devices.names() if name.startswith(incomplete.lower())]


def device_option(words: str) -> Callable[[F], F]:
    """``--device``, which the command gets as a ``Device``."""
    return click.option(
        "--device",
        metavar="NAME",
        is_eager=True,
        callback=_find_device,
        shell_complete=complete_device,
        help=f"{words} list: what there is; resnet-inspect.toml may have others.",
    )


def output_options(*extra_formats: str) -> Callable[[F], F]:
    """``--format``, ``--output``, and the options that shape a table, which the command gets as ``view``."""
    options = [
        click.option(
            "--format",
            "output_format",
            type=click.Choice((*FORMATS, *extra_formats)),
            help="Default: table, or by -o's ending."
            + (" native: what the framework prints." if extra_formats else ""),
        ),
        click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write to a file."),
        open_option,
        click.option("--depth", type=click.IntRange(min=0), help="Fold modules below this depth into one row."),
        click.option(
            "--all",
            "everything",
            is_flag=True,
            help="Show every row, by a pager if they don't fit. Default: a terminal's table is folded to fit.",
        ),
        click.option(
            "--pager/--no-pager",
            default=None,
            help="Show a table or tree that is longer than the screen by PAGER or less. Default: with --all.",
        ),
        click.option("--only", multiple=True, metavar="GLOB", help="Show only these paths: 'layer3.*'. Repeatable."),
        click.option(
            "--columns",
            metavar="NAMES",
            is_eager=True,
            callback=_list_columns,
            shell_complete=_complete_columns,
            help="Columns, separated by commas: path,type,params; +rf adds one to the default. list: what there is.",
        ),
        click.option(
            "--sort",
            metavar="COLUMN",
            shell_complete=_complete_columns,
            help="Sort rows by this column, the largest first, and show its share.",
        ),
        click.option("--top", type=click.IntRange(min=1), metavar="N", help="Show at most N rows."),
        click.option(
            "--rails/--no-rails",
            default=None,
            help="Draw connections other than to the row above as lanes. Default: on a terminal and in table-svg.",
        ),
        click.option(
            "--optimizer",
            type=click.Choice(OPTIMIZERS),
            help="Estimate the memory of training with it, from the graph of train mode.",
        ),
        device_option("Show each layer's least time on this device, and what it waits for: columns floor_ms, bound."),
        click.option("--ascii", "ascii_only", is_flag=True, help="Draw tables without box characters."),
        debug_option,
    ]

    def decorate(function: F) -> F:
        @functools.wraps(function)
        def shaped(
            *arguments: Any,
            depth: int | None,
            everything: bool,
            pager: bool | None,
            only: tuple[str, ...],
            columns: str | None,
            sort: str | None,
            top: int | None,
            rails: bool | None,
            optimizer: str | None,
            device: Device | None,
            ascii_only: bool,
            **others: Any,
        ) -> Any:
            if top and not sort:
                say("note", f"--top without --sort shows the first rows: --sort macs --top {top} shows the largest")
            view = View(
                depth=depth,
                everything=everything,
                pager=pager,
                only=only,
                columns=split_words(columns),
                sort=sort,
                top=top,
                rails=rails,
                optimizer=optimizer,
                device=device,
                ascii=ascii_only,
            )
            return function(*arguments, view=view, **others)

        decorated = cast(F, shaped)
        for option in reversed(options):
            decorated = option(decorated)
        return decorated

    return decorate


def _parse_memory(_ctx: click.Context, _param: click.Parameter, text: str | None) -> int | None:
    if text is None:
        return None
    from ..quantity import parse

    size = parse(text)
    if not size:
        raise click.BadParameter("no model fits into no memory: give 2GiB")
    return size


max_memory_option = click.option(
    "--max-memory",
    metavar="SIZE",
    callback=_parse_memory,
    help="Memory that a model may take, beyond its framework's own: 2GiB. Default for a file: 1GiB.",
)


def limits_options(function: F) -> F:
    """``--timeout`` and ``--max-memory``, which the command gets as ``limits``."""

    @functools.wraps(function)
    def limited(*arguments: Any, timeout: float | None, max_memory: int | None, **options: Any) -> Any:
        return function(*arguments, limits=Limits(timeout, max_memory), **options)

    timeout = click.option(
        "--timeout",
        type=click.FloatRange(min=0, min_open=True),
        metavar="SECONDS",
        help="Give up after this long. Default for a file: 10 seconds, after its framework's import.",
    )
    return cast(F, timeout(max_memory_option(limited)))


def _switch_cache_off(_ctx: click.Context, _param: click.Parameter, given: bool) -> None:
    if given:
        from ..answers.cache import VARIABLE

        os.environ[VARIABLE] = "off"


no_cache_option = click.option(
    "--no-cache",
    is_flag=True,
    expose_value=False,
    callback=_switch_cache_off,
    help="Build the model again, even if its summary is cached.",
)


def parse_arguments(pairs: Sequence[str]) -> Attributes:
    """``key=value`` pairs; a value that is JSON is that, anything else is text.

    Raises:
        BadRequestError: a pair has no ``=``, or its value is nested too deeply or has too many digits.
    """
    arguments = {}
    for pair in pairs:
        key, separator, text = pair.partition("=")
        if not separator or not key:
            raise BadRequestError(f"--arg {pair!r:.60} is not of the form key=value")
        try:
            arguments[key] = frozen_value(stranger_json.loads(text))
        except json.JSONDecodeError:
            arguments[key] = text
        except ValueError as error:
            raise BadRequestError(f"--arg {key}: {error}") from error
    return tuple(arguments.items())


def parse_share(_ctx: click.Context, _param: click.Parameter, text: str | None) -> float:
    """``1%`` as 0.01; nothing is 0.

    Raises:
        BadRequestError: it is no percentage from 0 to 100.
    """
    if text is None:
        return 0
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*%?", text)
    if not found or not 0 <= float(found[1]) <= 100:
        raise BadRequestError(f"{text!r:.40} is not a percentage from 0 to 100: 1%")
    return float(found[1]) / 100


def split_words(text: str | None) -> tuple[str, ...]:
    """``path, params`` as the words between the commas."""
    return tuple(word.strip() for word in (text or "").split(",") if word.strip())
