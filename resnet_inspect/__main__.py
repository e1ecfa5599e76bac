"""The process of ``resnet-inspect``, and of ``python -m resnet_inspect``."""

from __future__ import annotations

from typing import NoReturn

from . import process


def main() -> NoReturn:
    """Runs the command line in a process that is ours from its first import to its end."""
    process.own()
    from .cli import main as run

    try:
        run()
    except SystemExit as end:
        # ``run`` ends so, with a number, after it has said everything.
        process.leave(end.code if isinstance(end.code, int) else 1)


if __name__ == "__main__":
    main()
