"""What is wrong with a backend, in plain words, and the command that fixes it."""

from __future__ import annotations

import functools
import json
import os
import socket
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

from ..errors import InspectError
from ..readers import BACKENDS, module_of
from ..readers.request import Limits
from ..requirements import installed
from .worker import Session, Task


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The state of one backend; ``problem`` is None where it works. An absent package's version is None."""

    backend: str
    versions: tuple[tuple[str, str | None], ...]
    problem: str | None = None
    fix: str | None = None
    notes: tuple[str, ...] = ()


def diagnoses(backends: Sequence[str], timeout: float) -> Iterator[Diagnosis]:
    """The state of each backend, in the given order and as soon as it is known.

    Frameworks are looked at side by side, each in a process of its own. Libraries of one framework share its process,
    one after the other, for its import is what takes long.
    """
    by_framework: dict[str | None, list[str]] = {}
    for name in backends:
        by_framework.setdefault(BACKENDS[name].framework, []).append(name)
    found: dict[str, Future[Diagnosis]] = {name: Future() for name in backends}
    sessions = []
    try:
        for names in by_framework.values():
            session = Session(BACKENDS[names[0]].reader or names[0], Limits(timeout))
            sessions.append(session)
            threading.Thread(target=_examine_all, args=(names, session, found), daemon=True).start()
        for name in backends:
            yield found[name].result()
    finally:
        for session in sessions:  # where somebody has interrupted this, one may still be asked
            session.close()


def _examine_all(backends: Sequence[str], session: Session, found: Mapping[str, Future[Diagnosis]]) -> None:
    for name in backends:
        try:
            finding = _examined(name, session)
        except BaseException as error:
            found[name].set_exception(error)  # whoever waits for it raises it
            continue
        found[name].set_result(finding)
        if finding.problem:
            session.end()  # the next one isn't to meet what this one has left half imported


def _examined(backend: str, session: Session) -> Diagnosis:
    """Looks at a backend's packages, and has it summarise a small model in a child process."""
    about = BACKENDS[backend]
    packages = about.packages
    if backend == "keras":
        packages = ("keras", os.environ.get("KERAS_BACKEND", "tensorflow"))
    versions = tuple((package, installed(package)) for package in packages)
    missing = [package for package, version in versions if version is None and package != "torchsummary"]
    if missing:
        extra = about.extra if missing != ["jax"] else "all"
        return Diagnosis(
            backend, versions, f"{' and '.join(missing)} not installed", f"pip install 'resnet-inspect[{extra}]'"
        )
    notes = untested(versions)
    if ("torchsummary", None) in versions:
        notes.append("--format native needs torchsummary: pip install torchsummary")
    if about.weights_host and not _reachable(about.weights_host):
        notes.append(f"no network to {about.weights_host}: --weights default can't download, --weights PATH works")
    try:
        if about.smallest:
            session.answer(Task(module_of(backend), "summarize", about.smallest))
    except InspectError as error:
        fix = f"pip install --upgrade --force-reinstall {' '.join(packages)}" if packages else None
        if "built for different versions" in str(error):
            fix = "pip install --upgrade torch torchvision"
        return Diagnosis(backend, versions, f"doesn't work: {error}", fix, tuple(notes))
    return Diagnosis(backend, versions, notes=tuple(notes))


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


@functools.cache
def _reachable(host: str) -> bool:
    try:
        with socket.create_connection((host, 443), timeout=3):
            return True
    except OSError:
        return False
