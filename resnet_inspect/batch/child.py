"""Lines in a child process of this machine: what is sent there and what comes back is text."""

from __future__ import annotations

import gc
import importlib
import json
from collections.abc import Sequence
from dataclasses import astuple

from ..answers.worker import Child, Task
from ..errors import InspectError, ModelError
from ..readers.request import Limits, Request
from .lines import Done, Line, Result, Work

GO_ON = "repeat the command to continue from there"


def ask(child: Child, work: Work, lines: Sequence[Line]) -> Done:
    """What ``work`` gives for some lines, in a child.

    Raises:
        ModelError: the child has ended.
    """
    asked = {
        "read": [work.read.__module__, work.read.__qualname__],
        "full": work.full,
        "limits": work.limits,
        "version": work.version,
        "lines": [(number, line.decode("latin-1")) for number, line in lines],
    }
    try:
        text = child.ask(Task(__name__, "answer", Request(json.dumps(asked))))["text"]
    except InspectError:
        if child.answered:
            raise
        raise ModelError(f"a worker was killed, probably because memory ran out; with fewer --jobs, {GO_ON}") from None
    found = json.loads(text)
    return Done(tuple(Result(*result) for result in found["results"]), found["seconds"])


def answer(request: Request) -> str:
    """What the child does with what ``ask`` has sent."""
    gc.enable()  # a child may live for days
    asked = json.loads(request.model)
    module, name = asked["read"]
    read = getattr(importlib.import_module(module), name)
    work = Work(read, asked["full"], Limits(*asked["limits"]), asked["version"])
    done = work([(number, line.encode("latin-1")) for number, line in asked["lines"]])
    return json.dumps({"results": [astuple(result) for result in done.results], "seconds": done.seconds})
