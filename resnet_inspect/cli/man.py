"""The man pages, made from the commands as ``--help`` is. The wheel has them: ``hatch_build.py`` calls ``pages``."""

from __future__ import annotations

from collections.abc import Iterable

import click

from ..version import __version__
from . import COMMANDS, PROGRAM, cli
from .help import grouped, sections, split_examples

#: What each exit code of the command line means.
EXIT_CODES = {
    0: "success",
    1: "a difference or a check that should fail",
    2: "usage: an unknown command, option or column, a shape that is not valid",
    3: "the model can't be loaded or built, or its backend is missing",
    4: "the input doesn't fit the model, or the run of the model failed",
    5: "a number is unknown, and --strict was given",
}
_VARIABLES = {
    "RESNET_INSPECT_CACHE": "off switches the cache of summaries off; another value is its folder.",
    "PAGER": "Program that shows long tables. Default: less.",
    "NO_COLOR, FORCE_COLOR": "Switch colours off or on.",
}
#: Characters that roff would show as others.
_ESCAPES = str.maketrans(
    {"\\": r"\e", "-": r"\-", "'": r"\(aq", "`": r"\(ga", "^": r"\(ha", "~": r"\(ti"},
)
_FILES = {"resnet-inspect.toml": "Models, budgets and baselines of check, and devices of your own."}


def pages() -> dict[str, str]:
    """A page for the program and one for each command: the names of the files, and roff (``man 7 man``)."""
    root = click.Context(cli, info_name=PROGRAM, **cli.context_settings)
    found = {f"{PROGRAM}.1": _page(cli, root, PROGRAM, "look at neural networks from the shell")}
    for name, line in COMMANDS.items():
        command = cli.get_command(root, name)
        assert command is not None
        context = click.Context(command, info_name=name, parent=root)
        found[f"{PROGRAM}-{name}.1"] = _page(command, context, f"{PROGRAM}-{name}", line.removesuffix("."))
    return found


def _page(command: click.Command, context: click.Context, name: str, line: str) -> str:
    text, examples = split_examples(command.help or "")
    usage = " ".join(command.collect_usage_pieces(context))
    body = [
        f'.TH {_text(name.upper())} 1 "" "{_text(PROGRAM)} {__version__}" "User Commands"',
        *(".SH NAME", rf"{_text(name)} \- {_text(line)}"),
        *(".SH SYNOPSIS", f".B {_text(context.command_path)}", _text(usage)),
        *(".SH DESCRIPTION", *_paragraphs(text)),
    ]
    if isinstance(command, click.Group):
        body.append(".SH COMMANDS")
        if command is cli:
            for title, records in grouped(COMMANDS).items():
                body += [f".SS {_text(title)}", *_list((f"{PROGRAM}-{key}(1)", words) for key, words in records)]
        else:
            body += _list(
                (key, command.commands[key].get_short_help_str(200)) for key in command.list_commands(context)
            )
    body.append(".SH OPTIONS")
    for title, records in (found := sections(command, context)).items():
        body += [*([f".SS {title}"] if len(found) > 1 else []), *_list(records)]
    body += [".SH EXIT STATUS", *_list((str(code), words) for code, words in EXIT_CODES.items())]
    if command is cli:
        body += [".SH ENVIRONMENT", *_list(_VARIABLES.items()), ".SH FILES", *_list(_FILES.items())]
    if examples:
        body += [".SH EXAMPLES", ".nf", *map(_text, examples), ".fi"]
    if command is not cli:
        body += [".SH SEE ALSO", f".BR {_text(PROGRAM)} (1)"]
    return "\n".join([*body, ""])


def _list(records: Iterable[tuple[str, str]]) -> Iterable[str]:
    for key, text in records:
        yield from (".TP", f".B {_text(key)}", _text(text))


def _paragraphs(text: str) -> Iterable[str]:
    r"""Paragraphs of a docstring; one that begins with ``\b`` keeps its lines."""
    for paragraph in text.split("\n\n"):
        lines = [line.strip() for line in paragraph.strip().splitlines()]
        if lines[:1] == ["\b"]:
            yield from (".PP", ".nf", *map(_text, lines[1:]), ".fi")
        elif lines:
            yield from (".PP", _text(" ".join(lines)))


def _text(words: str) -> str:
    """Words that roff shows as they are: no hyphen that becomes a dash, no line that is a request of its own."""
    escaped = words.translate(_ESCAPES)
    return rf"\&{escaped}" if escaped.startswith(".") else escaped
