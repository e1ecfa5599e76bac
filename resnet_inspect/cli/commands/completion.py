"""``resnet-inspect completion``."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from .. import PROGRAM, Command, cli


@click.command("completion", cls=Command)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print the completion script of SHELL: eval "$(resnet-inspect completion bash)".

    \b
    resnet-inspect completion fish | source
    """
    completion = get_completion_class(shell)
    if completion is None:
        raise click.UsageError(f"no completion for {shell}")
    if shell == "bash":
        # Without this, bash takes torch:resnet50 for three words.
        click.echo('COMP_WORDBREAKS="${COMP_WORDBREAKS//:}"')
    click.echo(completion(cli, {}, PROGRAM, f"_{PROGRAM.replace('-', '_').upper()}_COMPLETE").source())
