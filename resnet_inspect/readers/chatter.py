"""What frameworks write to the terminal on their own: held back, and shown only if they fail."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout

from .. import activity, process

#: Bytes of it that are shown at most.
_KEPT = 2**16


@contextmanager
def held_back(progress: bool = False) -> Iterator[None]:
    """Nothing that is written to stdout or stderr inside gets out, not even by C++.

    An exception that gets out carries it in its ``chatter`` attribute. With ``progress`` (a download), a person at
    a terminal sees all of it on stderr.
    """
    if process.is_confined():
        yield  # nothing can be written into a file, and our parent holds all of it back
        return
    process.flush()
    if progress and sys.stderr.isatty():
        with redirect_stdout(sys.stderr), activity.hidden():
            yield
        return
    import tempfile

    with tempfile.TemporaryFile() as file:
        kept = [(number, os.dup(number)) for number in (1, 2)]
        for number, _ in kept:
            os.dup2(file.fileno(), number)
        try:
            yield
        except BaseException as error:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _KEPT))
            error.chatter = file.read().decode(errors="replace").strip()  # type: ignore[attr-defined]
            raise
        finally:
            process.flush()
            for number, copy in kept:
                os.dup2(copy, number)
                os.close(copy)
