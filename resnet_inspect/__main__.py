"""The process of ``resnet-inspect``, and of ``python -m resnet_inspect``."""

from __future__ import annotations

import os
import sys

if __name__ == "__main__":
    # ``python -m`` imports from the folder that it is started in, where a stranger's json.py may stand.
    try:
        _here = os.getcwd()  # noqa: PTH109 - as Python writes it there
    except OSError:  # a folder that is gone
        _here = ""
    if sys.path[:1] == [_here]:
        del sys.path[0]

from types import FrameType
from typing import NoReturn

from . import process


def main() -> NoReturn:
    """Runs the command line in a process that is ours from its first import to its end."""
    whole = _is_whole_process()
    if whole:
        process.own()
    from .cli import main as run

    if not whole:
        run()
    try:
        run()
    except SystemExit as end:
        # ``run`` ends so, with a number, after it has said everything.
        process.leave(end.code if isinstance(end.code, int) else 1)


def _is_whole_process() -> bool:
    """Whether nobody else is at work here: a profiler, or a program that runs us by ``runpy``."""
    if sys.getprofile() or sys.gettrace():
        return False
    callers = []
    frame: FrameType | None = sys._getframe(2)  # whoever called ``main``
    while frame is not None:
        callers.append(frame.f_code.co_name)
        frame = frame.f_back
    return callers in (["<module>"], ["<module>", "_run_code", "_run_module_as_main"])


if __name__ == "__main__":
    main()
