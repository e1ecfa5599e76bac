"""The command line: thin commands that are imported when they are called, and the exit codes.

``commands/`` has a file for each command. Exit codes are decided here only, and ``--debug`` is read here.
``options.py`` has the options that several commands share, ``building.py`` those that build a model, ``naming.py``
finds out what a model's name means, ``delivery.py`` writes documents and notes. What shapes a table is one ``View``,
from the options to the formats.
"""

from __future__ import annotations

import errno
import importlib
import io
import os
import sys
from collections.abc import Mapping
from typing import Any, NoReturn

import click

from ..errors import BadRequestError, InspectError, unknown
from ..version import __version__

#: Command -> its line in ``--help``: listing the commands must not import them.
COMMANDS = {
    "summary": "Show a network: layers, shapes, parameters, MACs, connections.",
    "block": "Show a single residual block.",
    "residual": "Show the residual blocks of a network, its depth and paths.",
    "identity": "Show why residual networks work: zeroed blocks change nothing.",
    "explain": "Explain why the numbers of a network are what they are.",
    "compare": "Show networks side by side: cost, memory, depth, accuracy.",
    "sweep": "Show what a network costs at many input sizes.",
    "fit": "Report whether a network fits into memory, and at which batch.",
    "diff": "Show what changed from one network to another.",
    "check": "Check a network: inputs, budgets, structure, baseline.",
    "comment": "Write a report as the comment on a pull or merge request.",
    "weights": "Report whether a checkpoint fits a network.",
    "batch": "Summarise many models: one request a line, results in order.",
    "models": "List the models of every backend.",
    "cache": "Show or clear the cached summaries of models.",
    "doctor": "Report which backends work, and how to fix those that don't.",
    "completion": "Print the script that completes commands in a shell.",
}

PROGRAM = "resnet-inspect"


class _LostReaderError(Exception):
    """Whoever read stdout has gone (``| head``): no error, and nothing more to write."""


def show_waiting(_ctx: click.Context, _param: click.Parameter, quiet: bool) -> bool:
    """While the command works, something moves on a terminal, unless it is to be ``quiet``."""
    if not quiet and sys.stderr is not None and sys.stderr.isatty():
        from .waiting import watch

        watch()
    return quiet


class Helped(click.Command):
    """A command whose ``--help`` has its options in sections, and its examples at the end."""

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from .help import split_examples

        whole = self.help
        self.help, _ = split_examples(whole or "")
        try:
            super().format_help_text(ctx, formatter)
        finally:
            self.help = whole

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from .help import split_examples, write_examples, write_options

        if isinstance(self, click.Group):
            self.format_commands(ctx, formatter)
        write_options(self, ctx, formatter)
        if examples := split_examples(self.help or "")[1]:
            write_examples(examples, formatter)


class Command(Helped):
    """A command that does something with networks.

    While it works, something moves on a terminal, unless it is to be ``--quiet``. A command with a ``--quiet`` of its
    own has ``show_waiting`` as that option's callback.
    """

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        if not any(param.name == "quiet" for param in self.params):
            words = "Show nothing that moves while this works."
            quiet = click.Option(["-q", "--quiet"], is_flag=True, expose_value=False, callback=show_waiting, help=words)
            self.params.append(quiet)

    def invoke(self, ctx: click.Context) -> Any:
        if getattr(ctx.find_root().obj, "opens", False):
            _check_opening(ctx.params)
        try:
            return super().invoke(ctx)
        except OSError as error:
            from ..host.streams import has_lost_its_reader

            if has_lost_its_reader(error):
                raise _LostReaderError from None  # click would make an exit code of 1 of it
            raise
        finally:
            from .. import activity

            # Whatever ended it, what is written next begins on a line of its own.
            activity.watch(None)


class Group(Helped, click.Group):
    """A command with commands of its own. One that it doesn't have is answered with the nearest."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        known = self.list_commands(ctx)
        if name not in known and not name.startswith("-"):
            ctx.fail(unknown("command", name, known))
        return super().resolve_command(ctx, args)


class LazyGroup(Group):
    """A group whose commands live in modules that are imported when needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"{__name__}.commands.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from .help import write_commands

        write_commands(COMMANDS, formatter)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args[:1] == ["help"]:
            args = [*args[1:2], "--help"]
        return super().parse_args(ctx, args)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name=PROGRAM)
def cli() -> None:
    """Look at a neural network from the shell.

    Show its layers, parameters, multiply-adds, memory and skip connections, and compare, measure and check networks.
    `COMMAND --help` explains a command.

    \b
    resnet-inspect summary                          ResNet50, no framework needed
    resnet-inspect summary torch:vit_b_16 --depth 2
    resnet-inspect summary net.py:Net --input 3x64x64
    resnet-inspect diff resnet50 resnet101          what changed, layer by layer
    resnet-inspect fit resnet50 --memory 8GiB       the largest batch that fits
    resnet-inspect check resnet50 --max-params 26M  exit code 1 if it is larger
    """


class Invocation:
    """What ``main`` has to know of a run of the command line. It is the ``obj`` of click's root context."""

    #: Whether an error shows its traceback.
    debug = False
    #: Whether the document is a report that is opened in the browser.
    opens = False
    #: What was typed, the program's name first; empty where ``main`` wasn't what ran.
    command: tuple[str, ...] = ()


def _note(ctx: click.Context, param: click.Parameter, given: bool) -> None:
    """Sets the field of ``Invocation`` that an option is named after."""
    if given:
        setattr(ctx.find_root().ensure_object(Invocation), str(param.name), True)


#: Read before the other options, whose values may be errors already.
debug_option = click.option(
    "--debug",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_note,
    help="Show a traceback with an error.",
)


open_option = click.option(
    "--open",
    "opens",
    is_flag=True,
    expose_value=False,
    callback=_note,
    help="Open the report in the browser. Without -o, it is a temporary file.",
)


def _check_opening(options: Mapping[str, Any]) -> None:
    """Raises BadRequestError where ``--open`` has nothing to open, before a model is built."""
    chosen, output = options.get("output_format"), options.get("output")
    asked = chosen or (output.suffix.lower().lstrip(".") if output else "html")
    if asked not in ("html", "htm"):
        raise BadRequestError(f"--open is for a report, not for {asked or output}: use --format html")
    if options.get("quiet"):
        raise BadRequestError("--open shows a report, and --quiet shows nothing: leave one of them out")


#: What a group without a command ends with: since click 8.2; before, it prints its help and that is all.
_NO_ARGUMENTS: Any = getattr(click.exceptions, "NoArgsIsHelpError", ())


def main() -> NoReturn:
    """Runs the command line; every error is one line on stderr and an exit code of docs/exit-codes.md."""
    invocation = Invocation()
    invocation.command = (PROGRAM, *sys.argv[1:])
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A name that the terminal's encoding can't write is better escaped than an error.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        code = cli.main(prog_name=PROGRAM, standalone_mode=False, obj=invocation)
        if sys.stdout is not None:
            sys.stdout.flush()
        sys.exit(code if isinstance(code, int) else 0)
    except _NO_ARGUMENTS as error:
        # Who asks for nothing gets help, as before click 8.2.
        click.echo(error.format_message())
        sys.exit(0)
    except click.UsageError as error:
        path = error.ctx.command_path if error.ctx else PROGRAM
        _fail(f"{error.format_message()} (see {path} --help)", error.exit_code)
    except click.Abort:
        _fail("interrupted", 130)
    except InspectError as error:
        _trace(invocation, error)
        _fail(str(error), error.exit_code)
    except _LostReaderError:
        _end_without_a_reader()
    except OSError as error:
        from ..host.streams import has_lost_its_reader

        if has_lost_its_reader(error):
            _end_without_a_reader()
        _trace(invocation, error)
        closed = error.errno == errno.EBADF and error.filename is None
        _fail("standard output is closed" if closed else f"{error.filename or 'output'}: {error.strerror or error}", 3)
    except MemoryError:
        _fail("not enough memory for this model and input", 3)
    except Exception as error:
        _trace(invocation, error)
        _fail(f"internal error: {type(error).__name__}: {error}. Please report it; --debug shows where", 3)


def _end_without_a_reader() -> NoReturn:
    # Python writes what is left when it closes stdout.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(0)


def _trace(invocation: Invocation, error: Exception) -> None:
    """Where an error comes from: from the process in which it happened, if that was another."""
    if invocation.debug:
        import traceback

        from ..visible import visible

        told = getattr(error, "traceback", "") or "".join(traceback.format_exception(error))
        for text in told.splitlines():
            click.echo(visible(text), err=True)


def _fail(message: str, code: int) -> NoReturn:
    from ..visible import line

    click.echo(f"error: {line(message)}", err=True)
    sys.exit(code)
