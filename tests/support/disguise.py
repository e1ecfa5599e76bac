"""Makes ``resnet_inspect`` believe that this interpreter runs on Windows or macOS. ``platforms.py`` starts it so.

Only our own modules are deceived: each gets another ``import``, by which ``sys``, ``os``, ``signal`` and a few more
come without what the system hasn't got, and with what it has instead. Python's own modules and the frameworks, which
would look for libraries of that system, stay as they are. What kernel32 is asked is done on Linux as far as it can be,
and written to the file that the variable ``RESNET_INSPECT_CALLS`` names.
"""

from __future__ import annotations

import builtins
import contextlib
import ctypes
import errno
import fcntl
import json
import os
import resource
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

OWN = "resnet_inspect"
#: What Windows' Python hasn't got.
MISSING_MODULES = {"fcntl", "resource", "pwd", "grp", "termios", "pty", "posix", "_posixsubprocess", "tty", "syslog"}
MISSING_IN_OS = {
    *("fork", "forkpty", "killpg", "setsid", "setpgid", "getpgid", "getsid", "getuid", "geteuid", "getgid", "getegid"),
    *("sysconf", "uname", "mkfifo", "wait", "wait3", "wait4", "WNOHANG", "posix_spawn", "fchmod", "fchown", "chown"),
    *("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_DIRECTORY", "O_PATH", "O_SYNC", "sched_getaffinity", "pread"),
    *("register_at_fork", "nice", "openpty", "ttyname", "fchdir", "chroot", "pipe2", "memfd_create"),
}
MISSING_IN_SIGNAL = {
    *("SIGKILL", "SIGALRM", "SIGHUP", "SIGXCPU", "SIGCHLD", "SIGUSR1", "SIGUSR2", "SIGPIPE", "SIGQUIT", "SIGSTOP"),
    *("alarm", "setitimer", "pthread_sigmask", "sigwait", "siginterrupt"),
}
#: ``os`` on macOS lacks what is Linux' alone.
MISSING_ON_MACOS = {"sched_getaffinity", "O_PATH", "pipe2", "memfd_create"}


class Disguised(ModuleType):
    """A module with other attributes in front of its own, and some of its own missing."""

    def __init__(self, real: ModuleType, missing: set[str], **other: Any) -> None:
        super().__init__(real.__name__)
        self.__dict__.update(_real=real, _missing=missing, **other)

    def __getattr__(self, name: str) -> Any:
        if name in self.__dict__["_missing"]:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        return getattr(self.__dict__["_real"], name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self.__dict__["_real"], name, value)


class Loader(SourceFileLoader):
    """Runs a module of ours with another ``import``."""

    modules: Mapping[str, ModuleType] = {}
    missing: frozenset[str] = frozenset()

    def exec_module(self, module: ModuleType) -> None:
        vars(module)["__builtins__"] = {**vars(builtins), "__import__": self._import}
        super().exec_module(module)

    def _import(self, name: str, *arguments: Any) -> Any:
        level = arguments[3] if len(arguments) > 3 else 0
        if not level and name in self.missing:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        if not level and name in self.modules:
            return self.modules[name]
        return builtins.__import__(name, *arguments)


class Finder(MetaPathFinder):
    """Finds our modules for ``Loader``."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname.partition(".")[0] != OWN:
            return None
        spec = PathFinder.find_spec(fullname, path)
        if spec is not None and isinstance(spec.loader, SourceFileLoader):
            spec.loader = Loader(spec.loader.name, spec.loader.path)
        return spec


def _family(pid: int) -> list[int]:
    """A process, its descendants and, which it may have left behind, those of its session."""
    found = [pid]
    for item in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parent, _, session = item.read_text().rpartition(")")[2].split()[1:4]
            if item.parent.name != str(pid) and str(pid) in (parent, session):
                found += _family(int(item.parent.name))
    return found


class Foreign:
    """A function as ctypes has it, which writes down what it is asked."""

    restype: Any = None

    def __init__(self, function: Callable[..., int]) -> None:
        self._function = function

    def __call__(self, *arguments: Any) -> int:
        plain = [getattr(item, "value", item) for item in arguments]
        result = self._function(*plain)
        if log := os.environ.get("RESNET_INSPECT_CALLS"):
            said = [item if isinstance(item, int) else None for item in plain]
            with Path(log).open("a") as file:
                file.write(json.dumps([self._function.__name__, said, result]) + "\n")
        return result


class Jobs:
    """Jobs, made of what Linux has. Handles are numbers: of a process above 1,000,000, else of a job."""

    _PROCESS = 1_000_000

    def __init__(self) -> None:
        self._jobs: dict[int, dict[str, Any]] = {}

    def CreateJobObjectW(self, security: None, name: None) -> int:  # noqa: N802
        self._jobs[handle := len(self._jobs) + 1] = {"pids": [], "flags": 0}
        return handle

    def SetInformationJobObject(self, job: int, kind: int, limits: Any, size: int) -> int:  # noqa: N802
        assert (kind, size) == (9, 144)  # of JOBOBJECT_EXTENDED_LIMIT_INFORMATION with 64 bits
        found = limits._obj
        self._jobs[job] |= {
            "flags": found.basic.flags,
            "time": found.basic.process_time,
            "processes": found.basic.processes,
            "memory": found.process_memory,
        }
        return 1

    def AssignProcessToJobObject(self, job: int, process: int) -> int:  # noqa: N802
        mine = self._jobs[job]
        mine["pids"].append(process - self._PROCESS)
        if mine["flags"] & 0x100:
            resource.setrlimit(resource.RLIMIT_DATA, (mine["memory"], mine["memory"]))
        if mine["flags"] & 0x2:
            seconds = -(-mine["time"] // 10**7)
            resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
        return 1

    def TerminateJobObject(self, job: int, code: int) -> int:  # noqa: N802
        for pid in self._jobs[job]["pids"]:
            for one in _family(pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(one, signal.SIGKILL)
        return 1

    def CloseHandle(self, handle: int) -> int:  # noqa: N802
        if handle < self._PROCESS and self._jobs[handle]["flags"] & 0x2000:
            self.TerminateJobObject(handle, 0)
        return 1

    def OpenProcess(self, access: int, inherit: int, pid: int) -> int:  # noqa: N802
        return self._PROCESS + pid

    def GetCurrentProcess(self) -> int:  # noqa: N802
        return self._PROCESS + os.getpid()

    def GlobalMemoryStatusEx(self, found: Any) -> int:  # noqa: N802
        assert found._obj.length == 64
        found._obj.physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        return 1

    def K32GetProcessMemoryInfo(self, process: int, found: Any, size: int) -> int:  # noqa: N802
        assert size == found._obj.length == 72
        status = Path(f"/proc/{process - self._PROCESS}/status").read_text()
        for name, key in (("committed", "VmData:"), ("resident", "VmRSS:")):
            setattr(found._obj, name, int(status.partition(key)[2].split()[0]) * 1024)
        return 1


class Kernel32:
    """The library, as ctypes opens it."""

    def __init__(self, name: str, use_last_error: bool = False) -> None:
        assert (name, use_last_error) == ("kernel32", True)
        jobs = Jobs()
        for function in (item for item in dir(Jobs) if not item.startswith("_")):
            setattr(self, function, Foreign(getattr(jobs, function)))


class WindowsPopen(subprocess.Popen[Any]):
    """Takes what only Windows' takes, refuses what only POSIX' takes."""

    def __init__(self, *arguments: Any, creationflags: int = 0, **how: Any) -> None:
        assert not {"pass_fds", "start_new_session", "preexec_fn", "process_group", "user", "umask"} & set(how)
        super().__init__(*arguments, start_new_session=bool(creationflags & 0x200), **how)

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code, which for one out of time is ERROR_NOT_ENOUGH_QUOTA."""
        code = super().wait(timeout)
        return 1816 if code == -signal.SIGXCPU else code


def _locking(descriptor: int, mode: int, count: int) -> None:
    assert count == 1
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise PermissionError(errno.EACCES, "Permission denied") from None


def _without_folder(function: Callable[..., Any]) -> Callable[..., Any]:
    """As on Windows, where no function takes an open folder."""

    def call(*arguments: Any, **how: Any) -> Any:
        if {"dir_fd", "src_dir_fd", "dst_dir_fd"} & set(how):
            raise NotImplementedError("dir_fd unavailable on this platform")
        return function(*arguments, **how)

    return call


def _no_pipes(*_: Any) -> Any:
    raise OSError(10038, "An operation was attempted on something that is not a socket")


def windows() -> dict[str, ModuleType]:
    """The modules as Windows has them."""
    msvcrt = ModuleType("msvcrt")
    msvcrt.__dict__.update(locking=_locking, LK_NBLCK=2)

    def stack_size(size: int = 0) -> int:
        if size > 2**28:  # THREAD_STACK_MAX of CPython's thread_nt.h
            raise ValueError(f"size not valid: {size} bytes")
        return threading.stack_size(size)

    library = Disguised(ctypes, set(), WinDLL=Kernel32)
    folderless = {name: _without_folder(getattr(os, name)) for name in ("open", "stat", "unlink", "replace", "link")}
    return {
        "os": Disguised(os, MISSING_IN_OS, name="nt", O_BINARY=0, O_NOINHERIT=os.O_CLOEXEC, **folderless),
        "sys": Disguised(sys, set(), platform="win32", _base_executable=sys.executable),
        "signal": Disguised(signal, MISSING_IN_SIGNAL),
        "select": Disguised(select, {"poll", "epoll"}, select=_no_pipes),
        "subprocess": Disguised(
            subprocess, set(), Popen=WindowsPopen, CREATE_NEW_PROCESS_GROUP=0x200, CREATE_NO_WINDOW=0x8000000
        ),
        "ctypes": library,
        "threading": Disguised(threading, set(), stack_size=stack_size),
        "msvcrt": msvcrt,
    }


def _is_ended(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    return False


def _kill(pid: int, number: int) -> None:
    if _is_ended(pid):
        raise ProcessLookupError(errno.ESRCH, "No such process")
    os.kill(pid, number)


def _killpg(group: int, number: int) -> None:
    # macOS passes over those that have ended, and tells so where there were no others.
    states = set()
    for item in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _, of, *_ = item.read_text().rpartition(")")[2].split()
            states |= {state} if of == str(group) else set()
    if states == {"Z"}:
        raise PermissionError(errno.EPERM, "Operation not permitted")
    os.killpg(group, number)


def macos() -> dict[str, ModuleType]:
    """The modules as macOS has them."""
    return {
        "os": Disguised(os, MISSING_ON_MACOS, kill=_kill, killpg=_killpg),
        "sys": Disguised(sys, set(), platform="darwin"),
    }


def put_on(platform: str, executable: str) -> None:
    """From here on, our modules see another system; ``executable`` starts interpreters that do so, too."""
    sys.executable = executable
    Loader.modules = windows() if platform == "win32" else macos()
    Loader.missing = frozenset(MISSING_MODULES if platform == "win32" else ())
    sys.meta_path.insert(0, Finder())
