"""Walls around the process that opens a stranger's file.

A framework's own loader is large, and a file may find what its authors didn't. Behind these walls it can take no more
than some memory and processor time, writes no file, starts no program and reaches no network. What the system hasn't
got (``host.limits``; seccomp and Landlock are Linux') is left to Python's audit hooks, which see Python's own calls
alone.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from .. import process
from ..host import limits


def confine(seconds: float, memory: int) -> None:
    """Raises the walls around this process: nothing takes them down again.

    ``seconds`` are of processor time, ``memory`` is in bytes; both counted from here on.
    """
    process.be_confined()
    limits.confine(seconds, memory)
    sys.addaudithook(_refuse)


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    """Python's own calls that a reader of files has no use for."""
    if event.startswith(_FORBIDDEN) and event != "socket.__del__":
        raise PermissionError(f"no file's loader may do that: {event}")
    if event == "open" and isinstance(arguments[2], int) and arguments[2] & _WRITES and arguments[0] != os.devnull:
        raise PermissionError(f"no file's loader may write {arguments[0]}")


_FORBIDDEN = (
    *("socket.", "urllib.", "http.", "ftplib.", "smtplib.", "webbrowser."),
    *("subprocess.", "os.exec", "os.posix_spawn", "os.spawn", "os.system", "os.fork", "os.kill"),
    *(
        "os.startfile",
        "_winapi.CreateProcess",
        "_winapi.CreateFile",
        "_winapi.CreateNamedPipe",
        "_winapi.CreateJunction",
    ),
    *("winreg.CreateKey", "winreg.DeleteKey", "winreg.DeleteValue", "winreg.LoadKey", "winreg.SetValue"),
    *("os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.link", "os.symlink", "os.truncate", "shutil."),
)
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
