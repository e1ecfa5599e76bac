"""What is wrong with a backend, in plain words, and the command that mends it."""

from __future__ import annotations

import functools
import json
import os
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ..errors import InspectError
from ..readers import EXTRAS, module_of
from ..readers.request import Limits, Request
from ..requirements import installed
from .worker import Remote

#: Backend -> the packages that it rests on, the first one its framework.
_PACKAGES = {
    "local": (),
    "torch": ("torch", "torchvision", "torchsummary"),
    "keras": ("keras", "tensorflow"),
    "timm": ("timm", "torch"),
    "transformers": ("transformers", "torch"),
    "keras_hub": ("keras_hub", "tensorflow"),
}
#: Backend -> its smallest model, and the host of its pretrained weights.
_SMALLEST = {
    "local": Request("resnet18"),
    "torch": Request("squeezenet1_1"),
    "keras": Request("MobileNet"),
    "timm": Request("resnet18"),
    "transformers": Request("bert", arguments=(("num_hidden_layers", 1),)),
    "keras_hub": Request(
        "BertBackbone",
        arguments=(
            ("vocabulary_size", 8),
            ("num_layers", 1),
            ("num_heads", 1),
            ("hidden_dim", 8),
            ("intermediate_dim", 8),
        ),
    ),
}
_WEIGHTS = {
    "torch": "download.pytorch.org",
    "keras": "storage.googleapis.com",
    "timm": "huggingface.co",
    "transformers": "huggingface.co",
    "keras_hub": "www.kaggle.com",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """The state of one backend; ``problem`` is None where it works. An absent package's version is None."""

    backend: str
    versions: tuple[tuple[str, str | None], ...]
    problem: str | None = None
    mend: str | None = None
    notes: tuple[str, ...] = ()


def examine(backend: str, timeout: float) -> Finding:
    """Looks at a backend's packages, and has it summarise a small model in a child process."""
    packages = _PACKAGES[backend]
    if backend == "keras":
        packages = ("keras", os.environ.get("KERAS_BACKEND", "tensorflow"))
    versions = tuple((package, installed(package)) for package in packages)
    missing = [package for package, version in versions if version is None and package != "torchsummary"]
    if missing:
        extra = EXTRAS[backend] if missing != ["jax"] else "all"
        return Finding(
            backend, versions, f"{' and '.join(missing)} not installed", f"pip install 'resnet-inspect[{extra}]'"
        )
    notes = untested(versions)
    if ("torchsummary", None) in versions:
        notes.append("--format native needs torchsummary: pip install torchsummary")
    if backend in _WEIGHTS and not _reachable(_WEIGHTS[backend]):
        notes.append(f"no network to {_WEIGHTS[backend]}: --weights default can't download, --weights PATH works")
    try:
        Remote(module_of(backend), Limits(timeout)).summarize(_SMALLEST[backend])
    except InspectError as error:
        mend = f"pip install --upgrade --force-reinstall {' '.join(packages)}" if packages else None
        if "built for different versions" in str(error):
            mend = "pip install --upgrade torch torchvision"
        return Finding(backend, versions, f"doesn't work: {error}", mend, tuple(notes))
    return Finding(backend, versions, notes=tuple(notes))


@functools.cache
def tested() -> dict[str, list[str]]:
    """Package, or ``python``, -> the versions beside which every test passed, the oldest first."""
    found: dict[str, list[str]] = json.loads((Path(__file__).parent.parent / "tested.json").read_text())
    return found


def untested(versions: Iterable[tuple[str, str | None]]) -> list[str]:
    """A note for each package of whose series (2.7 of 2.7.1) no version was tested."""
    notes = []
    for package, version in versions:
        known = tested().get(package.replace("_", "-"), [])
        if version and known and _series(version) not in map(_series, known):
            notes.append(f"{package} {version} was not tested; {', '.join(known)} were")
    return notes


def _series(version: str) -> str:
    return ".".join(version.split(".")[:2])


def _reachable(host: str) -> bool:
    try:
        with socket.create_connection((host, 443), timeout=3):
            return True
    except OSError:
        return False
