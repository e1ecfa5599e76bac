"""Walls around the process that opens a stranger's file, and a process' end with its parent's.

A framework's own loader is large, and a file may find what its authors didn't. Behind these walls it can take no more
than some memory and processor time, writes no file, starts no program and reaches no network. What the system hasn't
got (seccomp and Landlock are Linux') is left to Python's audit hooks, which see Python's own calls alone.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import math
import os
import platform
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .. import process

_PR_SET_PDEATHSIG, _PR_SET_SECCOMP, _PR_SET_CHILD_SUBREAPER, _PR_SET_NO_NEW_PRIVS = 1, 22, 36, 38


def end_with_parent(parent: int) -> None:
    """From here on, this process ends as soon as the process ``parent``, which has started it, does.

    On Linux the system sees to that; elsewhere a thread does, as soon as whatever runs lets it.
    """
    if sys.platform == "linux":
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it had ended before
            os._exit(1)
    else:
        threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def outlive_parent() -> None:
    """This process has others to end before itself, and sees to that when its parent has ended.

    Linux makes it the parent of all that its descendants leave behind, in whichever session.
    """
    if sys.platform == "linux":
        _prctl(_PR_SET_PDEATHSIG, 0)
        _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def end_descendants() -> None:
    """Ends what this process has started, and on Linux what that has left behind, after ``outlive_parent``."""
    with contextlib.suppress(OSError):  # another user's may stay
        while children := [
            int(pid) for thread in Path("/proc/self/task").glob("*/children") for pid in thread.read_text().split()
        ]:
            for pid in children:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)  # what it had started is ours now


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.2)
    os._exit(1)


def limit_memory(memory: int) -> None:
    """From here on, this process can take so many bytes more than it has; then Python raises a MemoryError."""
    status = Path("/proc/self/status")
    try:
        taken = int(status.read_text().partition("VmData:")[2].split()[0]) * 1024
    except (OSError, ValueError, IndexError):
        taken = 0  # no Linux; its limits of memory aren't kept elsewhere, either
    _limit(resource.RLIMIT_DATA, taken + memory)


def confine(seconds: float, memory: int) -> None:
    """Raises the walls around this process: nothing takes them down again.

    ``seconds`` are of processor time, ``memory`` is in bytes; both counted from here on. At the end of its time, the
    process gets SIGXCPU.
    """
    process.be_confined()
    limit_memory(memory)
    used = resource.getrusage(resource.RUSAGE_SELF)
    _limit(resource.RLIMIT_CPU, math.ceil(used.ru_utime + used.ru_stime + seconds), 1)
    _limit(resource.RLIMIT_FSIZE, 0)
    _limit(resource.RLIMIT_CORE, 0)
    if sys.platform == "linux":
        _prctl(_PR_SET_NO_NEW_PRIVS, 1)
        _close_files()
        _close_calls()
    sys.addaudithook(_refuse)


def _limit(kind: int, most: int, more: int = 0) -> None:
    """Sets the limit at which a process is told, and ``more`` than that the one at which it is ended."""
    _, hard = resource.getrlimit(kind)
    limits = (most, most + more) if hard == resource.RLIM_INFINITY else (min(most, hard), min(most + more, hard))
    try:
        resource.setrlimit(kind, limits)
    except (OSError, ValueError):  # macOS refuses some
        return


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    """Python's own calls that a reader of files has no use for."""
    if event.startswith(_FORBIDDEN) and event != "socket.__del__":
        raise PermissionError(f"no file's loader may do that: {event}")
    if event == "open" and isinstance(arguments[2], int) and arguments[2] & _WRITES and arguments[0] != os.devnull:
        raise PermissionError(f"no file's loader may write {arguments[0]}")


_FORBIDDEN = (
    *("socket.", "urllib.", "http.", "ftplib.", "smtplib.", "webbrowser."),
    *("subprocess.", "os.exec", "os.posix_spawn", "os.spawn", "os.system", "os.fork", "os.kill"),
    *("os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.link", "os.symlink", "os.truncate", "shutil."),
)
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def _prctl(*arguments: Any) -> int:
    padded = [*arguments, *[0] * (5 - len(arguments))]
    made = (ctypes.c_ulong(item) if isinstance(item, int) else item for item in padded)
    result: int = _libc().prctl(*made)
    return result


def _libc() -> Any:
    return ctypes.CDLL(None, use_errno=True)


# Landlock (linux/landlock.h): whatever writes, and programs that would be started, have no rule that allows them.

_LANDLOCK = {"create_ruleset": 444, "add_rule": 445, "restrict_self": 446}
_EXECUTE, _WRITE_FILE = 1 << 0, 1 << 1
_REMOVE_AND_MAKE = sum(1 << bit for bit in range(4, 13))
_REFER, _TRUNCATE = 1 << 13, 1 << 14
_BIND_AND_CONNECT_TCP = 3
_ABSTRACT_SOCKETS_AND_SIGNALS = 3
_PATH_BENEATH = 1


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = (("allowed", ctypes.c_uint64), ("folder", ctypes.c_int32))


def _close_files() -> None:
    syscall: Callable[..., int] = _libc().syscall
    version = syscall(_LANDLOCK["create_ruleset"], None, 0, 1)
    if version < 1:
        return  # an old kernel, or one without it
    files = (
        _EXECUTE | _WRITE_FILE | _REMOVE_AND_MAKE | (_REFER if version > 1 else 0) | (_TRUNCATE if version > 2 else 0)
    )
    ruleset = _Ruleset(
        files, _BIND_AND_CONNECT_TCP if version > 3 else 0, _ABSTRACT_SOCKETS_AND_SIGNALS if version > 5 else 0
    )
    size = 24 if version > 5 else 16 if version > 3 else 8
    rules = syscall(_LANDLOCK["create_ruleset"], ctypes.byref(ruleset), size, 0)
    if rules < 0:
        return
    null = os.open(os.devnull, os.O_PATH)
    allowed = _PathBeneath(_WRITE_FILE, null)
    syscall(_LANDLOCK["add_rule"], rules, _PATH_BENEATH, ctypes.byref(allowed), 0)
    syscall(_LANDLOCK["restrict_self"], rules, 0)
    os.close(null)
    os.close(rules)


# seccomp (linux/seccomp.h): a program for the kernel that looks at the number of each system call.

_LOAD, _EQUALS, _AT_LEAST, _HAS_BITS, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOWED, _DENIED, _UNKNOWN = 0x7FFF0000, 0x00050000 | errno.EACCES, 0x00050000 | errno.ENOSYS
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16  # where they stand in what the program sees
_X32 = 0x40000000
#: What makes threads and processes. Whose flags can't be seen here is unknown: libraries then take the other.
_CLONE, _CLONE3, _CLONE_THREAD = {"x86_64": 56, "aarch64": 220}, 435, 0x10000
#: Of sockets, of other programs and processes, and of the kernel's side doors to both.
_CALLS = {
    "x86_64": (
        0xC000003E,
        (
            *(41, 42, 43, 44, 46, 49, 50, 53, 288, 299, 307),  # socket ... sendmmsg
            *(57, 58, 59, 62, 101, 129, 297, 310, 311, 322, 424, 434, 438),  # fork, execve, kill, ptrace, pidfd ...
            *(248, 249, 250, 298, 321, 323, 425, 426, 427),  # keys, perf, bpf, userfaultfd, io_uring
            *(155, 161, 165, 166, 175, 176, 246, 272, 308, 313, 320),  # mount, chroot, modules, namespaces, kexec
        ),
    ),
    "aarch64": (
        0xC00000B7,
        (
            *(198, 199, 200, 201, 202, 203, 206, 211, 242, 269),
            *(117, 129, 138, 221, 240, 270, 271, 281, 424, 434, 438),
            *(217, 218, 219, 241, 280, 282, 425, 426, 427),
            *(39, 40, 41, 51, 97, 104, 105, 106, 268, 273, 294),
        ),
    ),
}


class _Instruction(ctypes.Structure):
    _fields_ = (("code", ctypes.c_uint16), ("yes", ctypes.c_uint8), ("no", ctypes.c_uint8), ("k", ctypes.c_uint32))


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_uint16), ("first", ctypes.POINTER(_Instruction)))


def _close_calls() -> None:
    if platform.machine() not in _CALLS or sys.maxsize < 2**32:
        return
    machine = platform.machine()
    architecture, numbers = _CALLS[machine]
    count = len(numbers)
    steps = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUALS, 0, count + 7, architecture),  # another's numbers mean something else: denied
        (_LOAD, 0, 0, _NUMBER),
        (_AT_LEAST, count + 5, 0, _X32),
        *((_EQUALS, count + 4 - index, 0, number) for index, number in enumerate(numbers)),
        (_EQUALS, 5, 0, _CLONE3),
        (_EQUALS, 0, 2, _CLONE[machine]),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),  # its flags
        (_HAS_BITS, 0, 1, _CLONE_THREAD),
        (_RETURN, 0, 0, _ALLOWED),
        (_RETURN, 0, 0, _DENIED),
        (_RETURN, 0, 0, _UNKNOWN),
    ]
    program = (_Instruction * len(steps))(*(_Instruction(*step) for step in steps))
    described = _Program(len(steps), program)
    _prctl(_PR_SET_SECCOMP, 2, ctypes.byref(described))
