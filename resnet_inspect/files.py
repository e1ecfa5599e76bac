"""Files that are written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from .errors import BadRequestError


def write_whole(path: Path, content: str | bytes) -> None:
    """Writes a file whole or not at all: to a temporary neighbour first, renamed when complete."""
    import tempfile  # most commands write no file

    # A name that no encoding can write is better escaped than an error.
    data = content.encode(errors="backslashreplace") if isinstance(content, str) else content
    try:
        mode = path.stat().st_mode & 0o777
    except FileNotFoundError:
        umask = os.umask(0)
        os.umask(umask)
        mode = 0o666 & ~umask
    if path.exists() and not path.is_file():
        # A pipe or a device (/dev/stdout) can't be replaced.
        path.write_bytes(data)
        return
    if not path.resolve().parent.is_dir():
        raise BadRequestError(f"{path} can't be written: no such folder: {path.parent}")
    try:
        # A part of the name: it may be as long as the system allows.
        descriptor, temporary = tempfile.mkstemp(dir=path.resolve().parent, prefix=f".{path.name[:32]}.")
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error  # the temporary name tells nobody anything
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        Path(temporary).chmod(mode)
        Path(temporary).replace(path.resolve())
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
