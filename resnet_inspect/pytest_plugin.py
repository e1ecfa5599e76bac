"""The plugin for pytest: ``model_baseline.assert_matches(model, "3x224x224")`` holds a model to its accepted summary.

Baselines are files beside the test, ``model_baselines/MODULE/NAME.json``. ``--update-model-baselines=WHY`` writes those
that differ. pytest loads this file in every run, so nothing else of this package is imported before a test asks for it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .api import Held

_FOLDER = "model_baselines"
_OPTION = "--update-model-baselines"
#: What workers of pytest-xdist give to the process that reports.
_OUTPUT = "resnet_inspect_model_baselines"
_KEPT = re.compile(r"[^\w.\[\]-]+")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("resnet-inspect", "baselines of models (resnet-inspect)")
    group.addoption(_OPTION, metavar="WHY", help="write the baselines of models that differ, with the reason")


def pytest_configure(config: pytest.Config) -> None:
    reason = config.getoption(_OPTION)
    if reason is not None and not reason.strip():
        raise pytest.UsageError(f'{_OPTION} needs a reason, which the baselines keep: {_OPTION}="wider stem"')
    config.pluginmanager.register(_Session(config), "resnet-inspect-session")


@pytest.fixture
def model_baseline(request: pytest.FixtureRequest) -> ModelBaseline:
    """Holds models to the summaries that were accepted: ``model_baseline.assert_matches(model, "3x224x224")``."""
    session: _Session = request.config.pluginmanager.getplugin("resnet-inspect-session")
    return ModelBaseline(request.node, session)


class ModelBaseline:
    """The baselines of one test."""

    def __init__(self, item: pytest.Item, session: _Session) -> None:
        self._item = item
        self._session = session
        self._count = 0

    def path(self, name: str | None = None) -> Path:
        """The file of a baseline; ``name`` is the test's, unless one is given."""
        text = name or self._item.name
        kept = _KEPT.sub("-", text).strip("-.") or "baseline"
        if kept != text:  # two names must not become one
            import zlib

            kept += f"-{zlib.crc32(text.encode(errors='surrogatepass')):08x}"
        return self._item.path.parent / _FOLDER / self._item.path.stem / f"{kept}.json"

    def assert_matches(
        self,
        model: Any,
        input: Any = None,  # noqa: A002 - as in summarize
        name: str | None = None,
        *,
        fail_on: Iterable[str] = (),
    ) -> None:
        """The model, or its summary, is the one of its baseline; the report of a failure has the table of differences.

        ``input`` is as ``summarize`` has it, and by default the baseline's own. Of several models in one test, each but
        the first needs a ``name``. ``fail_on`` are the kinds of differences that fail (``params``, ``shapes``,
        ``layers``, ``config``, ``edges``, ``macs``), by default all.

        Raises:
            AssertionError: something differs, or there is no baseline.
            InspectError: the model can't be summarised.
        """
        __tracebackhide__ = True
        from .api import hold

        self._count += name is None
        if self._count > 1:
            raise ValueError("this test has a baseline without a name already: give name='...'")
        path = self.path(name)
        held = hold(model, path, input, fail_on, self._session.reason)
        self._session.record(path, held)
        if held.diff is not None:
            self._session.tables[self._item.nodeid] = str(held.diff)
        if held.outcome in ("missing", "differs"):
            # An absolute path is long, and another one on each machine.
            root = self._item.config.rootpath
            shown = path.relative_to(root) if path.is_relative_to(root) else path
            why = "to write it" if held.outcome == "missing" else "to accept it"
            message = held.message.replace(str(path), shown.as_posix())
            raise AssertionError(f"{message}; run pytest {_OPTION}='why' {why}")


class _Session:
    """What tests of one process do with baselines, and what came of it in all of them."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.reason: str = (config.getoption(_OPTION) or "").strip()
        #: Path -> what came of it, and of a failure, a test's id -> the table of differences.
        self.used: dict[str, str] = {}
        self.tables: dict[str, str] = {}
        #: Test modules -> the tests that they have, and of these, how many did what they should.
        self.collected: Counter[str] = Counter()
        self.passed: Counter[str] = Counter()
        #: Modules of which not every test was asked for.
        self.partial: set[str] = set()

    def record(self, path: Path, held: Held) -> None:
        self.used[str(path)] = held.outcome

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
        outcome = yield
        table = self.tables.pop(item.nodeid, "") if call.when == "call" else ""
        if table and call.excinfo is not None:
            outcome.get_result().sections.append(("model baseline", table))

    def pytest_deselected(self, items: Iterable[pytest.Item]) -> None:
        self.partial |= {str(item.path) for item in items}

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.collected.update(str(item.path) for item in session.items)
        asked = [str(argument) for argument in self.config.args]
        self.partial |= {str(item.path) for item in session.items if any("::" in argument for argument in asked)}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" and report.passed:
            self.passed[str(self.config.rootpath / report.nodeid.split("::")[0])] += 1

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        # On a worker of pytest-xdist, and only there.
        if (output := getattr(self.config, "workeroutput", None)) is not None:
            output[_OUTPUT] = [self.used, dict(self.collected), sorted(self.partial)]

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        used, collected, partial = getattr(node, "workeroutput", {}).get(_OUTPUT, ({}, {}, ()))
        self.used |= used
        self.collected |= collected  # each worker has collected all
        self.partial |= {*partial}

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        lines = [
            f"{path} {outcome}" for path, outcome in sorted(self._shown().items()) if outcome in ("created", "updated")
        ]
        lines += [f"{path} is unused: no test reads it" for path in self._unused()]
        if lines:
            terminalreporter.section("model baselines")
            for line in lines:
                terminalreporter.write_line(line)

    def _shown(self) -> dict[str, str]:
        return {self._short(path): outcome for path, outcome in self.used.items()}

    def _unused(self) -> list[str]:
        """Baselines of modules all of whose tests ran and passed, that none of them read."""
        found = []
        for module, count in self.collected.items():
            if self.passed[module] == count and module not in self.partial:
                path = Path(module)
                there = (path.parent / _FOLDER / path.stem).glob("*.json")
                found += [str(each) for each in there if str(each) not in self.used]
        return sorted(map(self._short, found))

    def _short(self, path: str) -> str:
        root = self.config.rootpath
        return Path(path).relative_to(root).as_posix() if Path(path).is_relative_to(root) else path
