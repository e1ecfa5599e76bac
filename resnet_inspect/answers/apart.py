"""What gets a process of its own, so that nothing in it reaches the command's, and what such a process may take."""

from __future__ import annotations

from ..readers.backend import module_of
from ..readers.inputs import UserFunction
from ..readers.request import Request

#: Modules whose functions open a stranger's file, and those that run users' code.
FILES = (module_of("file"), "resnet_inspect.readers.checkpoint.hdf5")
CODE = (module_of("python"),)

#: What a file may take where nobody says otherwise: seconds of processor time, and bytes beyond its framework's own.
SECONDS, MEMORY = 10.0, 2**30
#: How many times the processor's time may pass on the clock: other work on the machine, and waiting for the disk.
CLOCK = 2
#: Bytes of an answer: a network of a hundred thousand layers has so many.
MOST_BYTES = 2**27
#: Variables that keep frameworks from the network and to one thread, whose stacks would count as memory.
ENVIRONMENT = {
    **dict.fromkeys(("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_DATASETS_OFFLINE"), "1"),
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "MALLOC_ARENA_MAX": "2",
    **dict.fromkeys(("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"), "1"),
}


def is_apart(module: str, request: Request) -> bool:
    """Whether a task of a backend's module runs users' code or opens a stranger's file."""
    return module in (*FILES, *CODE) or isinstance(request.inputs, UserFunction)
