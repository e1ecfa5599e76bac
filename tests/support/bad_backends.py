"""What a backend must not do, done on purpose in the child process that a worker's task runs in."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NoReturn

from resnet_inspect.errors import InputError
from resnet_inspect.readers.local import reader as from_local
from resnet_inspect.readers.request import Answer, Request


def prints(request: Request) -> Answer:
    print("{not json")
    os.write(1, b"chatter from C\n")
    return from_local.summarize(request)


def refuses(request: Request) -> NoReturn:
    raise InputError("the shape doesn't fit")


def raises(request: Request) -> NoReturn:
    raise ZeroDivisionError("a bug of its own")


def crashes(request: Request) -> NoReturn:
    os.write(2, b"LLVM ERROR: inconsistency\n")
    os.abort()


def runs_out_of_memory(request: Request) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def exits(request: Request) -> NoReturn:
    sys.exit("gone")


def hangs(request: Request) -> None:
    """Leaves its own and a grandchild's process id in the file that the request's model names."""
    grandchild = subprocess.Popen(["sleep", "600"])
    Path(request.model).write_text(f"{os.getpid()} {grandchild.pid}")
    time.sleep(600)


def tells(request: Request) -> Answer:
    """Says in notes which process answered, and with how many threads a framework would compute in it."""
    if request.model == "crash":
        os.abort()
    time.sleep(0.02)
    answer = from_local.summarize(Request("resnet18"))
    return Answer(answer.summary, (request.model, str(os.getpid()), os.environ.get("OMP_NUM_THREADS", "")))


def forks(request: Request) -> Answer:
    """Answers twice, from two processes."""
    os.fork()
    return tells(request)
