"""Linux' own: a process' end with its parent's, and walls by Landlock and seccomp."""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import signal
import sys
from collections.abc import Callable
from typing import Any

_PR_SET_PDEATHSIG, _PR_SET_SECCOMP, _PR_SET_CHILD_SUBREAPER, _PR_SET_NO_NEW_PRIVS = 1, 22, 36, 38


def end_with_parent(parent: int) -> None:
    """From here on, this process ends as soon as the process ``parent``, which has started it, does."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it had ended before
        os._exit(1)


def outlive_parent() -> None:
    """This process doesn't end with its parent, and becomes the parent of all that its descendants leave behind."""
    _prctl(_PR_SET_PDEATHSIG, 0)
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def raise_walls() -> None:
    """From here on, this process writes no file, starts no process and reaches no network."""
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    _close_files()
    _close_calls()


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
