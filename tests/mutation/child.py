"""What runs in a process of its own, forked from one that has imported pytest and no module of ours."""

from __future__ import annotations

import importlib.abc
import importlib.util
import os
import resource
import signal
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Generator, Sequence
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import CodeType, FrameType, ModuleType
from typing import Any

import jsonschema  # noqa: F401 - imported once, for all children
import pytest
from hypothesis import Phase, settings

#: Packages that a computer without frameworks hasn't got. Their tests are skipped, and no test takes long.
FRAMEWORKS = {
    *("torch", "torchvision", "torchsummary", "tensorflow", "keras", "timm", "transformers", "keras_hub", "onnx"),
    *("h5py", "matplotlib", "plotille", "distributed"),
}
#: Bytes that a mutant may take: one that collects without end is stopped by it.
_MEMORY = 4 * 1024**3

Lines = dict[str, set[int]]
Report = dict[str, tuple[float, Lines]]


def without_frameworks() -> None:
    """Makes ``find_spec`` say that no framework is there, as ``tests.support.command.needs`` asks it."""
    real = importlib.util.find_spec

    def find_spec(name: str, package: str | None = None) -> ModuleSpec | None:
        return None if name.partition(".")[0] in FRAMEWORKS else real(name, package)

    importlib.util.find_spec = find_spec
    # A failing example is enough: to look for the smallest one would take longer than a mutant may.
    phases = (Phase.explicit, Phase.generate)
    settings.register_profile("mutation", derandomize=True, database=None, deadline=None, phases=phases)
    settings.load_profile("mutation")


def forked(work: Callable[[], int], timeout: int = 0) -> int | None:
    """The exit code of some work in a child without a terminal; None if it had to be stopped."""
    sys.stdout.flush()
    child = os.fork()
    if not child:
        code = 70
        try:
            signal.alarm(timeout)
            os.setsid()
            silent = os.open(os.devnull, os.O_RDWR)
            for stream in range(3):
                os.dup2(silent, stream)
            code = work()
        finally:
            os._exit(code)
    status = os.waitpid(child, 0)[1]
    return None if os.WIFSIGNALED(status) else os.waitstatus_to_exitcode(status)


class Recorder:
    """A plugin that notes how long each test takes, and which lines of some files it runs."""

    def __init__(self, files: Collection[str]) -> None:
        self._files = files
        self._lines: Lines = {}
        self.report: Report = {}
        self.failed: set[str] = set()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, Any, Any]:
        self._lines = defaultdict(set)
        begun = time.monotonic()
        sys.settrace(self._calls)
        try:
            return (yield)
        finally:
            sys.settrace(None)
            if self._lines:
                self.report[item.nodeid] = time.monotonic() - begun, dict(self._lines)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if not report.passed:
            self.failed.add(report.nodeid)

    def _calls(self, frame: FrameType, _event: str, _argument: Any) -> Any:
        return self._line if frame.f_code.co_filename in self._files else None

    def _line(self, frame: FrameType, event: str, _argument: Any) -> Any:
        if event == "line":
            self._lines[frame.f_code.co_filename].add(frame.f_lineno)
        return self._line


class Chosen:
    """A plugin that keeps the tests that matter for a mutant, and those that only the mutant makes."""

    def __init__(self, chosen: Collection[str], known: Collection[str]) -> None:
        self._chosen, self._known = chosen, known

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [item for item in items if item.nodeid in self._chosen or item.nodeid not in self._known]


class _Loader(SourceFileLoader):
    code: CodeType

    def get_code(self, _fullname: str) -> CodeType:
        return self.code


class Finder(importlib.abc.MetaPathFinder):
    """Imports one module from a mutant's code."""

    def __init__(self, name: str, path: Path, code: CodeType) -> None:
        self._name, self._path, self._code = name, path, code

    def find_spec(self, name: str, _path: Sequence[str] | None, _target: ModuleType | None = None) -> ModuleSpec | None:
        if name != self._name:
            return None
        loader = _Loader(name, str(self._path))
        loader.code = self._code
        return importlib.util.spec_from_file_location(name, self._path, loader=loader)


def limit(seconds: int) -> None:
    """Lets the process take no more memory and time of its core than a mutant needs, however busy the machine is."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))


def run(arguments: Sequence[str], plugin: object) -> int:
    """pytest's exit code in this process."""
    # hypothesis is imported before pytest can rewrite it, which changes nothing.
    ignored = "ignore::pytest.PytestAssertRewriteWarning"
    return int(pytest.main(["-q", "-p", "no:cacheprovider", "-W", ignored, *arguments], [plugin]))
