"""Readers: a folder for each framework or format. ``backend.py`` and ``kind.py`` have the tables of them."""

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
