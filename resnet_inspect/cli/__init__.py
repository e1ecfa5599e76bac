"""The command line: thin commands that are imported when they are called, and the exit codes."""

from __future__ import annotations

import errno
import importlib
import io
import os
import sys
from typing import Any, NoReturn

import click

from ..errors import InspectError
from ..version import __version__

#: Command -> its module and its line in ``--help``: listing the commands must not import them.
COMMANDS = {
    "summary": (
        "resnet_inspect.cli.summary",
        "Show a network: layers, shapes, parameters, MACs, connections.",
    ),
    "block": ("resnet_inspect.cli.block", "Show a single residual block."),
    "residual": ("resnet_inspect.cli.residual", "Show the residual blocks of a network, and its depth and paths."),
    "identity": ("resnet_inspect.cli.identity", "Show why residual networks work: zeroed blocks change nothing."),
    "compare": ("resnet_inspect.cli.compare", "Put networks side by side: cost, memory, depth, accuracy; plots."),
    "sweep": ("resnet_inspect.cli.sweep", "Show what a network costs at many input sizes."),
    "diff": ("resnet_inspect.cli.diff", "Tell what changed from one network to another."),
    "check": ("resnet_inspect.cli.check", "Check a network: inputs, budgets, structure, drift from a baseline."),
    "weights": ("resnet_inspect.cli.weights", "Tell whether a checkpoint fits a network."),
    "batch": ("resnet_inspect.cli.batch", "Summarise many models: a request a line, results in order."),
    "models": ("resnet_inspect.cli.models", "List the models that every backend has."),
    "cache": ("resnet_inspect.cli.cache", "Show or clear the summaries of zoo models that are kept."),
    "doctor": ("resnet_inspect.cli.doctor", "Tell what works here, and how to mend what doesn't."),
    "completion": ("resnet_inspect.cli.completion", "Print the script that completes commands in a shell."),
}

PROGRAM = "resnet-inspect"


class LazyGroup(click.Group):
    """A group whose commands live in modules that are imported when needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(COMMANDS[cmd_name][0]).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            import difflib

            nearest = difflib.get_close_matches(name, COMMANDS, n=1)
            hint = f"Did you mean {nearest[0]}?" if nearest else f"There are {', '.join(COMMANDS)}"
            ctx.fail(f"no such command: {name}. {hint}")
        return super().resolve_command(ctx, args)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name=PROGRAM)
def cli() -> None:
    """Look at a neural network from the shell.

    \b
    resnet-inspect summary                              ResNet50, no framework needed
    resnet-inspect summary --backend torch --input 3x512x512
    resnet-inspect block --shape 24x24x3                the tutorial's residual block
    resnet-inspect summary --format json | ...          for scripts and CI
    resnet-inspect diff resnet50 resnet101              what changed, layer by layer
    resnet-inspect check resnet50 --max-params 26M      exit 1 if it isn't as it should be
    """


#: What a group without a command ends with: since click 8.2; before, it prints its help and that is all.
_NO_ARGUMENTS: Any = getattr(click.exceptions, "NoArgsIsHelpError", ())


def main() -> NoReturn:
    """Runs the command line; every error is one line on stderr and an exit code of the README's table."""
    debug = "--debug" in sys.argv
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A name that the terminal's encoding can't write is better escaped than an error.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        code = cli.main(prog_name=PROGRAM, standalone_mode=False)
        if sys.stdout is not None:
            sys.stdout.flush()
        sys.exit(code if isinstance(code, int) else 0)
    except _NO_ARGUMENTS as error:
        click.echo(error.format_message(), err=True)
        sys.exit(error.exit_code)
    except click.UsageError as error:
        path = error.ctx.command_path if error.ctx else PROGRAM
        _fail(f"{error.format_message()} (see {path} --help)", error.exit_code)
    except click.Abort:
        _fail("interrupted", 130)
    except InspectError as error:
        _trace(debug, error)
        _fail(str(error), error.exit_code)
    except OSError as error:
        from ..host.streams import has_lost_its_reader

        if has_lost_its_reader(error):
            # The reader has gone (| head): no error, and nothing more to write when Python closes stdout.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(0)
        _trace(debug, error)
        closed = error.errno == errno.EBADF and error.filename is None
        _fail("standard output is closed" if closed else f"{error.filename or 'output'}: {error.strerror or error}", 3)
    except MemoryError:
        _fail("not enough memory for this model and input", 3)
    except Exception as error:
        _trace(debug, error)
        _fail(f"internal error: {type(error).__name__}: {error}. Please report it; --debug shows where", 3)


def _trace(debug: bool, error: Exception) -> None:
    """Where an error comes from: from the process in which it happened, if that was another."""
    if debug:
        import traceback

        from ..visible import visible

        told = getattr(error, "traceback", "") or "".join(traceback.format_exception(error))
        for text in told.splitlines():
            click.echo(visible(text), err=True)


def _fail(message: str, code: int) -> NoReturn:
    from ..visible import line

    click.echo(f"error: {line(message)}", err=True)
    sys.exit(code)
