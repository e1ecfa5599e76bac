"""Where documents go: to stdout, to a file, to the page of a job; and what is said beside them on stderr."""

from __future__ import annotations

import codecs
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import click

from .. import activity
from ..errors import BadRequestError
from ..readers import Answer
from ..render import ENDINGS, GRAPHS, View, with_notes
from ..visible import in_ascii, line, visible

T = TypeVar("T")

#: Characters that a step may write on the page of a job: GitHub takes 1 MiB, and each may have three bytes.
_MOST_OF_A_PAGE = 2**20 // 3


def deliver(answer: Answer, output_format: str | None, output: Path | None, view: View) -> None:
    """Renders a summary to stdout or a file, its notes to stderr.

    Raises:
        BadRequestError: the file's ending names no format, or an option doesn't go with the format.
    """
    chosen = format_of(output_format, output, ENDINGS)
    _refuse(chosen, view)
    view = view._replace(**draw_options(output, view.ascii))
    if view.rails is None:
        drawn = chosen == "table-svg" or (chosen == "table" and view.width is not None)
        view = view._replace(rails=drawn and answer.summary.has_graph and not view.sort and view.top is None)
    asked = view.everything or view.depth is not None or view.only or view.sort or view.top is not None
    if chosen == "table" and view.width is not None and not asked:
        view = view._replace(height=_terminal_size()[1])
    text, notes = with_notes(answer.summary, chosen, view)
    show_notes(replace(answer, notes=(*answer.notes, *notes)))
    paged = view.everything if view.pager is None else view.pager
    if paged and view.width is not None and chosen in ("table", "tree"):
        page(text)
    else:
        emit(text, output, chosen)


def page(text: str) -> None:
    """A document for a terminal, by ``PAGER`` or less where it is longer than the screen and somebody can answer."""
    if text.count("\n") < _terminal_size()[1] or not sys.stdin.isatty():
        emit(text, None)
        return
    # As git has it: lines aren't wrapped, colours are, and what was shown stays on the screen.
    os.environ.setdefault("LESS", "FRSX")
    click.echo_via_pager(text.removesuffix("\n"), color=True)  # it ends the last line itself


def _refuse(output_format: str, view: View) -> None:
    """Raises BadRequestError for an option that would change nothing in this format."""
    shaping: dict[str, object] = {"--columns": view.columns, "--sort": view.sort, "--top": view.top}
    if output_format == "html":
        shaping |= {"--only": view.only, "--rails": view.rails is not None, "--optimizer": view.optimizer}
        shaping |= {"--device": view.device}
    if output_format == "json":
        shaping |= {"--depth": view.depth is not None, "--only": view.only, "--device": view.device}
    if output_format in GRAPHS:
        shaping |= {"--rails": view.rails is not None, "--optimizer": view.optimizer, "--device": view.device}
    refusals = {
        "json": "JSON always has every layer",
        "html": "a report has every layer, and its reader sorts, chooses columns and searches there",
        "tree": "a tree has no columns and its own order",
        **dict.fromkeys(
            GRAPHS, f"{output_format} draws the graph (--depth, --only); table-svg is a picture of the table"
        ),
    }
    if output_format in refusals and (given := [name for name, value in shaping.items() if value]):
        raise BadRequestError(f"{given[0]} shapes tables; {refusals[output_format]}")
    if view.rails and output_format in ("json", "csv"):
        raise BadRequestError(f"--rails draws; {output_format} has the connections of every layer as they are")


def draw_options(output: Path | None, ascii_only: bool) -> dict[str, Any]:
    """What a view must know of where it is shown: ``width``, ``color`` and ``ascii``."""
    terminal = output is None and sys.stdout.isatty()
    return {
        "width": _terminal_size()[0] if terminal else None,
        "color": _wants_color(terminal) and output is None,
        "ascii": ascii_only or (output is None and not _speaks_unicode()),
    }


def with_progress(items: Iterable[T], length: int, label: str) -> Iterator[T]:
    """The items as they come; a person who waits at a terminal sees how many of how many there are."""
    with activity.doing(f"{label}, 0 of {length:,}" if length > 1 else label) as say_now:
        for number, item in enumerate(items, 1):
            yield item
            if length > 1:
                say_now(f"{label}, {number:,} of {length:,}")


def add_to_job_summary(text: Callable[[], str]) -> None:
    """Appends Markdown to the page of a GitHub job, where there is one."""
    if page := os.environ.get("GITHUB_STEP_SUMMARY"):
        from ..render.comment import fitted

        with Path(page).open("a", encoding="utf-8") as file:
            file.write(fitted(text(), _MOST_OF_A_PAGE) + "\n")


def show_notes(*answers: Answer) -> None:
    """How requests were read, on stderr, each thing once."""
    for note in dict.fromkeys(note for answer in answers for note in answer.notes):
        say("note", note)


def say(kind: str, message: str) -> None:
    """A line on stderr: ``note: ...`` or ``error: ...``, one line whatever the message holds."""
    # Where a line moves on the terminal, the message takes its place.
    begin = "\r\x1b[K" if activity.current() else ""
    click.echo(f"{begin}{kind}: {line(message)}", err=True)


def deliver_native(text: str, output: Path | None, view: View) -> None:
    """Writes a framework's own words.

    Raises:
        BadRequestError: an option would have to change them.
    """
    for name in ("depth", "only", "columns", "sort", "top", "rails", "optimizer", "device"):
        if getattr(view, name) not in (None, ()):
            raise BadRequestError(f"--{name} shapes our tables; native output is the framework's own")
    # A tab is the framework's own; anything else in a line that isn't seen is a name's.
    emit("".join(f"{visible(line.expandtabs())}\n" for line in text.splitlines()), output)


def emit(text: str, output: Path | None, output_format: str = "") -> None:
    """Writes a document to stdout, or whole to a file; a report that is to be opened, to a temporary one.

    A page says which command wrote it.
    """
    if output_format == "html" and (command := _invocation("command")):
        from ..render.html.page import signed

        text = signed(text, command)
    if _opens():
        _open(text, output)
    elif output is None:
        # JSON is UTF-8 by its standard, whatever a console speaks: elsewhere it gets along with ASCII.
        if output_format == "json" and not text.isascii():
            encoding = codecs.lookup(sys.stdout.encoding or "ascii").name
            text = text if encoding.startswith("utf-8") else in_ascii(text)
        sys.stdout.write(text)
    else:
        from ..files import write_whole

        write_whole(output, text)


def _opens() -> bool:
    """Whether ``--open`` was given."""
    return bool(_invocation("opens"))


def _invocation(field: str) -> Any:
    """What ``main`` noted of this run; None where it isn't what runs."""
    context = click.get_current_context(silent=True)
    return getattr(context.find_root().obj, field, None) if context else None


def _open(text: str, output: Path | None) -> None:
    from ..errors import ModelError
    from ..render.html.showing import in_browser, temporary

    if output is None:
        output = temporary(text)
    else:
        from ..files import write_whole

        write_whole(output, text)
    try:
        in_browser(output)
    except ModelError as error:
        say("note", str(error))  # the report is there, and so is what the command has found


def format_of(asked: str | None, output: Path | None, endings: Mapping[str, str]) -> str:
    """The format that somebody asked for, or else the one that goes with a file's ending.

    Raises:
        BadRequestError: none does.
    """
    if asked:
        return asked
    if output is None:
        return "html" if _opens() and "html" in endings.values() else "table"
    try:
        return endings[output.suffix.lower()]
    except KeyError:
        raise BadRequestError(
            f"{output.name}: no format goes with this ending; use {', '.join(endings)} or give --format"
        ) from None


def _terminal_size() -> tuple[int, int]:
    import shutil

    return shutil.get_terminal_size()


def _wants_color(terminal: bool) -> bool:
    """What a terminal can show, unless a variable says otherwise: https://no-color.org, https://bixense.com/clicolors."""
    if os.environ.get("NO_COLOR"):
        return False
    if any(os.environ.get(name, "0") not in ("", "0") for name in ("FORCE_COLOR", "CLICOLOR_FORCE")):
        return True
    return terminal and os.environ.get("TERM") != "dumb" and os.environ.get("CLICOLOR") != "0"


def _speaks_unicode() -> bool:
    try:
        "╭…×".encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
