"""Options that several commands share, and what they all do with a summary."""

from __future__ import annotations

import codecs
import functools
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar, cast

import click

from .. import stranger_json
from ..analysis import OPTIMIZERS
from ..errors import BadRequestError
from ..ir import Attributes, frozen_value
from ..readers import LIBRARIES, NAMES, Answer, Limits
from ..render import ENDINGS, FORMATS, GRAPHS, View, notes, render
from ..visible import in_ascii, line, visible

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")


def output_options(*extra_formats: str) -> Callable[[F], F]:
    """``--format``, ``--output`` and what shapes a table."""
    options = [
        click.option(
            "--format",
            "output_format",
            type=click.Choice((*FORMATS, *extra_formats)),
            help="Default: table, or by -o's ending."
            + (" native: what the framework prints." if extra_formats else ""),
        ),
        click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write to a file."),
        click.option("--depth", type=click.IntRange(min=0), help="Fold modules below this depth into one row."),
        click.option("--only", multiple=True, metavar="GLOB", help="Show only these paths: 'layer3.*'. Repeatable."),
        click.option("--columns", metavar="NAMES", help="Columns, separated by commas: path,type,params,attributes."),
        click.option("--sort", metavar="COLUMN", help="Rows by this column, the largest first, with its share."),
        click.option("--top", type=click.IntRange(min=1), help="So many rows."),
        click.option(
            "--rails/--no-rails",
            default=None,
            help="Draw connections other than to the row above as lanes. Default: on a terminal and in table-svg.",
        ),
        click.option("--optimizer", type=click.Choice([*OPTIMIZERS]), help="Estimate the memory of training with it."),
        click.option("--ascii", "ascii_only", is_flag=True, help="Draw tables without box characters."),
        click.option("--debug", is_flag=True, help="Show a traceback with an error."),
    ]

    def decorate(function: F) -> F:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


#: What a model's file ends with; of one that exists, the content tells what it is.
MODEL_ENDINGS = (".keras", ".h5", ".hdf5", ".onnx", ".pb", ".pt2", ".pt", ".pth", ".bin", ".ckpt", ".safetensors")


def _parse_memory(_ctx: click.Context, _param: click.Parameter, text: str | None) -> int | None:
    if text is None:
        return None
    from ..checks.quantity import parse

    size = parse(text)
    if not size:
        raise click.BadParameter("nothing fits into no memory: give 2GiB")
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
    help="Build the model anew, though an earlier run has kept its summary.",
)


def split_model(model: str, backend: str | None) -> tuple[str, str]:
    """The backend and the name in ``torch:resnet50``; the backend is ``--backend``, or local, where it isn't named.

    ``net.py:Net`` and ``package.module:build`` are users' code; ``model.onnx`` and folders are files.

    Raises:
        BadRequestError: ``--backend`` says another one, or a file of code is named without what is in it.
    """
    prefix, separator, name = model.partition(":")
    if prefix in (*NAMES, *LIBRARIES) and separator:
        if backend not in (None, prefix):
            raise BadRequestError(f"{model} names the backend {prefix}, but --backend says {backend}")
        # A configuration is a stranger's file, whoever's library it is for.
        is_configuration = prefix == "transformers" and (name.endswith(".json") or Path(name).exists())
        return ("file", name) if is_configuration else (prefix, name)
    if model.endswith(".py"):
        raise BadRequestError(f"{model} is code: name the class or function in it that gives the model, {model}:Net")
    own = "python" if separator and _is_code(model) else None
    if _is_file(model) or (backend is None and _is_folder_of_model(model)):
        own = "file"
    if own is None:
        if not separator:
            return backend or "local", model
        from ..host.paths import has_drive

        return (backend or "local", model) if has_drive(model) else (prefix, name)
    if backend:
        what = "a file" if own == "file" else "code"
        raise BadRequestError(f"{model} is {what}, which brings its framework along: leave --backend out")
    return own, model


def _is_file(model: str) -> bool:
    """Whether a model is named by its file or folder: one that exists, or whose name looks like one."""
    path = Path(model)
    if path.suffix in MODEL_ENDINGS:
        return True
    if path.suffix == ".py" or not path.exists():
        return False
    from ..host.paths import has_folder

    return path.is_file() or has_folder(model)


def _is_folder_of_model(model: str) -> bool:
    """Whether a name without a slash is a folder with a model in it, and none of our own networks'."""
    path = Path(model)
    if not path.is_dir():
        return False
    from ..blocks import networks
    from ..readers.kind import kind_of

    return kind_of(path) is not None and model not in networks.names("torch")


def _is_code(model: str) -> bool:
    """Whether what stands before the last colon is a file or module of Python."""
    from ..host.paths import split_reference
    from ..readers.code.user_code import is_reference

    return is_reference(split_reference(model)[0])


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


def deliver(
    answer: Answer,
    output_format: str | None,
    output: Path | None,
    depth: int | None,
    only: tuple[str, ...],
    columns: str | None,
    sort: str | None,
    top: int | None,
    rails: bool | None,
    optimizer: str | None,
    ascii_only: bool,
) -> None:
    """Renders a summary to stdout or a file, its notes to stderr.

    Raises:
        BadRequestError: the file's ending names no format, or an option doesn't go with the format.
    """
    chosen = output_format or format_of(output, ENDINGS)
    shaping: dict[str, object] = {"--columns": columns, "--sort": sort, "--top": top}
    if chosen == "json":
        shaping |= {"--depth": depth is not None, "--only": only, "--optimizer": optimizer}
    if chosen in GRAPHS:
        shaping |= {"--rails": rails is not None, "--optimizer": optimizer}
    refusals = {
        "json": "JSON always has every layer",
        "tree": "a tree has no columns and its own order",
        **dict.fromkeys(GRAPHS, f"{chosen} draws the graph (--depth, --only); table-svg is a picture of the table"),
    }
    if chosen in refusals and (given := [name for name, value in shaping.items() if value]):
        raise BadRequestError(f"{given[0]} shapes tables; {refusals[chosen]}")
    if rails and chosen in ("json", "csv"):
        raise BadRequestError(f"--rails draws; {chosen} has the connections of every layer as they are")
    draw = draw_options(output, ascii_only)
    if rails is None:
        drawn = chosen == "table-svg" or (chosen == "table" and draw["width"] is not None)
        rails = drawn and not sort and top is None
    view = View(
        depth=depth,
        only=only,
        columns=split_words(columns),
        sort=sort,
        top=top,
        rails=rails,
        optimizer=optimizer,
        **draw,
    )
    text = render(answer.summary, chosen, view)
    show_notes(replace(answer, notes=(*answer.notes, *notes(answer.summary, chosen, view))))
    emit(text, output, chosen)


def draw_options(output: Path | None, ascii_only: bool) -> dict[str, Any]:
    """What a view must know of where it is shown: ``width``, ``color`` and ``ascii``."""
    terminal = output is None and sys.stdout.isatty()
    return {
        "width": _terminal_width() if terminal else None,
        "color": terminal and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb",
        "ascii": ascii_only or (output is None and not _speaks_unicode()),
    }


def split_words(text: str | None) -> tuple[str, ...]:
    """``path, params`` as the words between the commas."""
    return tuple(word.strip() for word in (text or "").split(",") if word.strip())


def with_progress(items: Iterable[T], length: int, label: str) -> Iterator[T]:
    """The items as they come, with a bar for people who wait: on stderr, and only where it is a terminal."""
    bar: AbstractContextManager[Any] = nullcontext()
    if sys.stderr.isatty() and length > 1:
        bar = click.progressbar(length=length, label=label, file=sys.stderr)
    with bar as progress:
        for item in items:
            yield item
            if progress is not None:
                progress.update(1)


def add_to_job_summary(text: Callable[[], str]) -> None:
    """Appends Markdown to the page of a GitHub job, where there is one."""
    if page := os.environ.get("GITHUB_STEP_SUMMARY"):
        with Path(page).open("a", encoding="utf-8") as file:
            file.write(text())


def show_notes(*answers: Answer) -> None:
    """How requests were read, on stderr, each thing once."""
    for note in dict.fromkeys(note for answer in answers for note in answer.notes):
        say("note", note)


def say(kind: str, message: str) -> None:
    """A line on stderr: ``note: ...`` or ``error: ...``, one line whatever the message holds."""
    click.echo(f"{kind}: {line(message)}", err=True)


def deliver_native(text: str, output: Path | None, **shaping: Any) -> None:
    """Writes a framework's own words.

    Raises:
        BadRequestError: an option would have to change them.
    """
    for name in ("depth", "only", "columns", "sort", "top", "rails", "optimizer"):
        if shaping[name] not in (None, ()):
            raise BadRequestError(f"--{name} shapes our tables; native output is the framework's own")
    # A tab is the framework's own; anything else in a line that isn't seen is a name's.
    emit("".join(f"{visible(line.expandtabs())}\n" for line in text.splitlines()), output)


def emit(text: str, output: Path | None, output_format: str = "") -> None:
    """Writes a document to stdout, or whole to a file."""
    if output is None:
        # JSON is UTF-8 by its standard, whatever a console speaks: elsewhere it gets along with ASCII.
        if output_format == "json" and not text.isascii():
            encoding = codecs.lookup(sys.stdout.encoding or "ascii").name
            text = text if encoding.startswith("utf-8") else in_ascii(text)
        sys.stdout.write(text)
    else:
        from ..files import write_whole

        write_whole(output, text)


def format_of(output: Path | None, endings: Mapping[str, str]) -> str:
    """The format that goes with a file's ending.

    Raises:
        BadRequestError: none does.
    """
    if output is None:
        return "table"
    try:
        return endings[output.suffix.lower()]
    except KeyError:
        raise BadRequestError(
            f"{output.name}: no format goes with this ending; use {', '.join(endings)} or give --format"
        ) from None


def _terminal_width() -> int:
    import shutil

    return shutil.get_terminal_size().columns


def _speaks_unicode() -> bool:
    try:
        "╭…×".encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
