"""Readers: a folder for each framework or format. ``backend.py`` and ``kind.py`` have the tables of them.

``protocols.py`` says what a reader has, and ``request.py`` what it is asked and what it answers; ``options.py`` has
the options that make a request, and ``inputs.py`` the three forms of its inputs: shapes, a call written as JSON, or a
user's function. ``format.py`` and ``kind.py`` recognise files, and ``file.py`` hands each to the reader of its format.
``frameworks.py`` imports what a reader needs, with ``chatter.py`` holding back what frameworks print.

Shared by several readers: ``weights.py`` (``--weights``), ``asked.py`` and ``graph_inputs.py`` (the inputs of a
request), ``zoo.py`` (names of models, from a library's source), ``room.py`` (the stack and recursion limits of deep
models), and ``bounds.py`` and ``archive.py`` (the door for strangers' files and archives). ``identity.py`` is what the
identity experiment measures; ``torch/identity.py`` and ``keras/identity.py`` run it.
"""

from __future__ import annotations

from .backend import BACKENDS, NAMED, WITH_BLOCKS, module_of
from .frameworks import load_framework, others
from .request import UNLIMITED, Answer, Limits, Request

#: Element types that inputs and weights may have in every backend.
DTYPES = ("float32", "float64", "float16", "bfloat16")

__all__ = [
    "BACKENDS",
    "DTYPES",
    "NAMED",
    "UNLIMITED",
    "WITH_BLOCKS",
    "Answer",
    "Limits",
    "Request",
    "load_framework",
    "module_of",
    "others",
]
