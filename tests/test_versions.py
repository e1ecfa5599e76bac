"""What is declared is what was run: bounds, locks, results, the page and doctor's list are of one piece."""

from __future__ import annotations

import importlib
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.command import document, script

PROJECT = Path(__file__).parent.parent
CONSTRAINTS = PROJECT / "constraints"


def toml(path: Path) -> dict[str, Any]:
    reader = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    found: dict[str, Any] = reader.loads(path.read_text())
    return found


def versions(lock: Path) -> dict[str, str]:
    return dict(re.findall(r"^([\w.-]+)==([^\s;]+)", lock.read_text(), re.MULTILINE))


def number(version: str) -> tuple[int, ...]:
    """Without the zeros at its end: 2.4 is 2.4.0."""
    parts = [int(part) for part in version.split(".")]
    while parts and not parts[-1]:
        parts.pop()
    return tuple(parts)


METADATA = toml(PROJECT / "pyproject.toml")["project"]
COMBINATIONS: dict[str, dict[str, Any]] = {
    f"{family}/{name}": settings
    for family, tables in toml(CONSTRAINTS / "combinations.toml").items()
    for name, settings in tables.items()
}
RESULTS: dict[str, dict[str, Any]] = json.loads((CONSTRAINTS / "results.json").read_text())


def bounds(extra: str | None) -> dict[str, str]:
    """Package -> its lower bound, of what an extra asks for and what that rests on."""
    lines = METADATA["dependencies"] if extra is None else METADATA["optional-dependencies"][extra]
    found = {}
    for line in lines:
        if inner := re.fullmatch(r"resnet-inspect\[(.*)\]", line):
            for name in inner[1].split(","):
                found.update(bounds(name))
            continue
        match = re.match(r"([\w.-]+)>=([\d.]+)", line)
        assert match, f"{line} has no lower bound"
        found[match[1]] = match[2]
    return found


LOWEST = [name for name, settings in COMBINATIONS.items() if settings.get("resolution") == "lowest-direct"]


@pytest.mark.parametrize("name", LOWEST)
def test_the_lowest_versions_are_the_bounds(name: str) -> None:
    locked = versions(CONSTRAINTS / "locks" / f"{name}.txt")
    asked = bounds(None)
    for extra in COMBINATIONS[name].get("extras", []):
        asked.update(bounds(extra))
    for package, bound in asked.items():
        # A bound that no release has, or that another package's lies above, is one that isn't run.
        assert number(locked[package]) >= number(bound), package
        if name != "all/lowest":
            assert number(locked[package])[: len(number(bound))] == number(bound), f"{package} {locked[package]}"


def test_every_bound_is_run_somewhere() -> None:
    run = {extra for name in LOWEST for extra in COMBINATIONS[name].get("extras", [])}
    pinned = {extra for settings in COMBINATIONS.values() if "pins" in settings for extra in settings.get("extras", [])}
    assert run | pinned >= set(METADATA["optional-dependencies"]) - {"dev", "docs"}


@pytest.mark.parametrize("name", COMBINATIONS)
def test_a_lock_is_of_its_combination(name: str) -> None:
    lock = CONSTRAINTS / "locks" / f"{name}.txt"
    assert "://" not in lock.read_text()
    locked = versions(lock)
    for pin in COMBINATIONS[name].get("pins", []):
        package, sign, version = re.fullmatch(r"([\w-]+)(==|<)([\d.]+)(?:\.\*)?", pin).groups()  # type: ignore[union-attr]
        if sign == "<":
            assert number(locked[package]) < number(version)
        else:
            assert locked[package] == version or locked[package].startswith(version + "."), pin


def test_no_lock_is_left_over() -> None:
    locks = {str(path.relative_to(CONSTRAINTS / "locks")) for path in CONSTRAINTS.glob("locks/*/*.txt")}
    assert locks == {f"{name}.txt" for name in COMBINATIONS}


def test_results_are_of_todays_locks() -> None:
    assert set(RESULTS) <= set(COMBINATIONS)
    for name, result in RESULTS.items():
        locked = versions(CONSTRAINTS / "locks" / f"{name}.txt")
        assert result["versions"].items() <= locked.items(), name
        assert result["good"], name
        assert result["python"].startswith(COMBINATIONS[name]["python"] + "."), name


def test_the_page_and_doctors_list_are_made_of_the_results(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(CONSTRAINTS))
    table = importlib.import_module("table")
    assert table.PAGE.read_text() == table.page(RESULTS)
    assert table.TESTED.read_text() == table.tested(RESULTS)


def test_classifiers_are_the_pythons_that_ran() -> None:
    ran = {settings["python"] for settings in COMBINATIONS.values()}
    found = {line.rsplit(" ", 1)[1] for line in METADATA["classifiers"] if re.search(r":: 3\.\d+$", line)}
    assert found == ran
    assert METADATA["requires-python"] == f">={min(ran, key=number)}"


def test_each_change_is_run_beside_both_ends() -> None:
    assert "constraints/matrix.py run --ci\n" in (PROJECT / ".ci" / "run").read_text()
    ci = [name for name, settings in COMBINATIONS.items() if settings.get("ci")]
    assert ci == ["base/lowest", "base/newest", "torch/2.4", "keras/3.10-lowest"]


def test_doctor_says_which_versions_were_tested_and_warns_of_others() -> None:
    tested = json.loads((PROJECT / "resnet_inspect" / "tested.json").read_text())
    assert document("doctor", "local")["tested"] == tested
    said = script(
        "from resnet_inspect.answers import diagnosis\n"
        "diagnosis.tested = lambda: {'torch': ['2.4.0', '2.7.1'], 'keras-hub': ['0.18.1']}\n"
        "given = [('torch', '9.1'), ('torch', '2.7.0'), ('keras_hub', '0.19'), ('keras', '3.0'), ('timm', None)]\n"
        "print(*diagnosis.untested(given), sep='\\n')"
    )
    assert said == "torch 9.1 was not tested; 2.4.0, 2.7.1 were\nkeras_hub 0.19 was not tested; 0.18.1 were\n"
