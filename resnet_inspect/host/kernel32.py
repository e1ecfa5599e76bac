"""What Windows' kernel is asked: jobs, which bound processes and end them together, and memory.

A job object is what comes nearest to a process group and to resource limits: whatever a process in it starts is in it
as well, and cannot leave it.
"""

from __future__ import annotations

import ctypes
import functools
import os
from ctypes import c_int64, c_size_t, c_uint32, c_uint64, c_void_p
from typing import Any

_EXTENDED_LIMITS = 9
_TIME, _PROCESSES, _MEMORY, _NO_DIALOGS, _ENDS_WITH_HANDLE = 0x2, 0x8, 0x100, 0x400, 0x2000
_QUERY, _SET_QUOTA, _TERMINATE = 0x1000, 0x100, 0x1
#: The clock of a job's limits ticks every 100 ns.
_TICKS = 10**7


class BasicLimits(ctypes.Structure):
    """``JOBOBJECT_BASIC_LIMIT_INFORMATION``."""

    _fields_ = (
        ("process_time", c_int64),
        ("job_time", c_int64),
        ("flags", c_uint32),
        ("least_working_set", c_size_t),
        ("most_working_set", c_size_t),
        ("processes", c_uint32),
        ("affinity", c_size_t),
        ("priority", c_uint32),
        ("scheduling", c_uint32),
    )


class Limits(ctypes.Structure):
    """``JOBOBJECT_EXTENDED_LIMIT_INFORMATION``."""

    _fields_ = (
        ("basic", BasicLimits),
        ("io", c_uint64 * 6),
        ("process_memory", c_size_t),
        ("job_memory", c_size_t),
        ("peak_process_memory", c_size_t),
        ("peak_job_memory", c_size_t),
    )


class MachineMemory(ctypes.Structure):
    """``MEMORYSTATUSEX``."""

    _fields_ = (("length", c_uint32), ("load", c_uint32), ("physical", c_uint64), ("others", c_uint64 * 6))


class ProcessMemory(ctypes.Structure):
    """``PROCESS_MEMORY_COUNTERS``."""

    _fields_ = (
        ("length", c_uint32),
        ("faults", c_uint32),
        ("peak_resident", c_size_t),
        ("resident", c_size_t),
        ("pools", c_size_t * 4),
        ("committed", c_size_t),
        ("peak_committed", c_size_t),
    )


@functools.cache
def _kernel() -> Any:
    kernel = ctypes.WinDLL("kernel32", use_last_error=True)  # type: ignore[attr-defined,unused-ignore]
    for name in ("CreateJobObjectW", "OpenProcess", "GetCurrentProcess"):
        getattr(kernel, name).restype = c_void_p  # a handle, which is wider than an int
    return kernel


def family(pid: int) -> int | None:
    """A job with a process and all that it will start, which end when the job is closed, or this process has ended.

    None where the system refuses.
    """
    limits = Limits()
    limits.basic.flags = _ENDS_WITH_HANDLE
    process = _kernel().OpenProcess(_SET_QUOTA | _TERMINATE, 0, pid)
    if not process:
        return None
    try:
        return _job(limits, process)
    finally:
        close(process)


def limit_this_process(memory: int | None = None, seconds: float | None = None, alone: bool = False) -> bool:
    """From here on, this process may take so many bytes more than it has, and so much processor time more.

    ``alone``, it starts no other one. There is no way back. Says whether the system agreed.
    """
    limits = Limits()
    limits.basic.flags = _NO_DIALOGS  # a crash is an exit code, and no window that waits for somebody
    if memory is not None:
        limits.basic.flags |= _MEMORY
        limits.process_memory = memory_of(os.getpid()).committed + memory
    if seconds is not None:
        limits.basic.flags |= _TIME
        limits.basic.process_time = int((os.times().user + seconds) * _TICKS)
    if alone:
        limits.basic.flags |= _PROCESSES
        limits.basic.processes = 1
    job = _job(limits, _kernel().GetCurrentProcess())
    if job is not None:
        close(job)  # without its handle, nobody takes the limits off again
    return job is not None


def _job(limits: Limits, process: int) -> int | None:
    kernel = _kernel()
    job: int | None = kernel.CreateJobObjectW(None, None)
    if not job:
        return None
    size = ctypes.sizeof(limits)
    if kernel.SetInformationJobObject(
        c_void_p(job), _EXTENDED_LIMITS, ctypes.byref(limits), size
    ) and kernel.AssignProcessToJobObject(c_void_p(job), c_void_p(process)):
        return job
    close(job)
    return None


def end(job: int) -> None:
    """Ends all processes of a job."""
    _kernel().TerminateJobObject(c_void_p(job), 1)


def close(handle: int) -> None:
    """Closes a handle."""
    _kernel().CloseHandle(c_void_p(handle))


def machine_memory() -> int:
    """Bytes of the machine's memory."""
    found = MachineMemory(length=ctypes.sizeof(MachineMemory))
    _kernel().GlobalMemoryStatusEx(ctypes.byref(found))
    return int(found.physical)


def memory_of(pid: int) -> ProcessMemory:
    """What a process has of memory; zeros where the system doesn't tell."""
    found = ProcessMemory(length=ctypes.sizeof(ProcessMemory))
    process = _kernel().OpenProcess(_QUERY, 0, pid)
    if process:
        _kernel().K32GetProcessMemoryInfo(c_void_p(process), ctypes.byref(found), found.length)
        close(process)
    return found
