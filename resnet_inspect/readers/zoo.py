"""Names of the models in an installed library, read from its source: importing it would take seconds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from .backend import BACKENDS

#: Library -> the folder of its models, and what announces one.
_ANNOUNCED = {
    "torchvision": ("models", re.compile(r'^@register_model\((?:name="(\w+)")?\)$[\s\S]*?^def (\w+)', re.MULTILINE)),
    "keras": ("src/applications", re.compile(r'"keras\.applications\.([A-Z]\w+)"()')),
}


def names(library: str) -> tuple[str, ...]:
    """The models of ``torchvision`` or ``keras`` in alphabetical order; empty if the library isn't installed."""
    spec = find_spec(library)
    if spec is None or not spec.submodule_search_locations:
        return ()
    folder, announced = _ANNOUNCED[library]
    sources = (Path(spec.submodule_search_locations[0]) / folder).rglob("*.py")
    texts = (source.read_text(encoding="utf-8") for source in sources)
    return tuple(sorted({given or function for text in texts for given, function in announced.findall(text)}))


def known() -> Iterator[tuple[str, str]]:
    """The backend and the name of every model of an installed library, without importing one."""
    for backend in BACKENDS.values():
        if backend.zoo:
            yield from ((backend.name, name) for name in names(backend.zoo))
