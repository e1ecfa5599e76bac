"""The plugin for pytest, by pytest's own tester: tests in a folder of their own, run with the plugin."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]
#: A network that needs no framework: a summary of the local backend.
TESTS = """
import pytest
from resnet_inspect.readers.local.reader import summarize
from resnet_inspect.readers.request import Request


def net(classes=7):
    return summarize(Request("resnet18", arguments=(("num_classes", classes),))).summary


def test_small(model_baseline):
    model_baseline.assert_matches(net())


def test_two(model_baseline):
    model_baseline.assert_matches(net())
    model_baseline.assert_matches(net(8), name="eight")


@pytest.mark.parametrize("classes", [3, 4])
def test_each(model_baseline, classes):
    model_baseline.assert_matches(net(classes))
"""
FILES = ["eight.json", "test_each[3].json", "test_each[4].json", "test_small.json", "test_two.json"]
WHY = "--update-model-baselines=the first"


class Folder:
    """A folder with tests."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self.pytester = pytester
        self.tests = pytester.path / "test_nets.py"
        self.baselines = pytester.path / "model_baselines" / "test_nets"
        self.tests.write_text(TESTS)

    def run(self, *options: str) -> pytest.RunResult:
        return self.pytester.runpytest_subprocess("-p", "resnet_inspect.pytest_plugin", *options)

    def files(self) -> list[str]:
        return sorted(path.name for path in self.baselines.iterdir()) if self.baselines.is_dir() else []


@pytest.fixture
def folder(pytester: pytest.Pytester) -> Folder:
    return Folder(pytester)


def test_baselines_are_written_with_the_reason_then_held(folder: Folder) -> None:
    missing = folder.run()
    missing.assert_outcomes(failed=4)
    missing.stdout.fnmatch_lines(
        ["*no such baseline: */test_nets/test_small.json; run pytest --update-model-baselines='why' to write it*"]
    )
    assert folder.files() == []

    written = folder.run(WHY)
    written.assert_outcomes(passed=4)
    written.stdout.fnmatch_lines(["*= model baselines =*", "model_baselines/test_nets/eight.json created"])
    assert folder.files() == FILES
    assert json.loads((folder.baselines / "eight.json").read_text())["reasons"] == ["the first"]

    held = folder.run()
    held.assert_outcomes(passed=4)
    held.stdout.no_fnmatch_line("*model baselines*")


def test_a_difference_fails_with_a_table_and_is_accepted_with_a_reason(folder: Folder) -> None:
    folder.run(WHY)
    before = (folder.baselines / "test_small.json").read_bytes()
    folder.tests.write_text(TESTS.replace("classes=7", "classes=9"))
    differs = folder.run("-k", "small")
    differs.assert_outcomes(failed=1, deselected=3)
    differs.stdout.fnmatch_lines(
        [
            ">*model_baseline.assert_matches(net())",
            "*differs from model_baselines/test_nets/test_small.json; run pytest --update-model-baselines='why'*",
            "*-- model baseline --*",
            # 512 weights and a bias for each of two classes.
            "Parameters*+1,026*",
            "~ fc*out_features 7 → 9*",
        ]
    )
    assert (folder.baselines / "test_small.json").read_bytes() == before
    updated = folder.run("--update-model-baselines= nine of them ")
    updated.stdout.fnmatch_lines(["model_baselines/test_nets/test_small.json updated"])
    updated.stdout.no_fnmatch_line("*test_each*updated*")
    reasons = json.loads((folder.baselines / "test_small.json").read_text())["reasons"]
    assert reasons == ["the first", "nine of them"]
    folder.run().assert_outcomes(passed=4)


def test_unused_baselines_are_named_where_all_tests_ran(folder: Folder) -> None:
    folder.run(WHY)
    (folder.baselines / "old.json").write_text("{}")
    line = "model_baselines/test_nets/old.json is unused: no test reads it"
    folder.run().stdout.fnmatch_lines([line])
    for options in (["-k", "small"], ["test_nets.py::test_small"]):
        folder.run(*options).stdout.no_fnmatch_line("*is unused*")
    folder.tests.write_text(TESTS + "\n\ndef test_fails():\n    assert False\n")
    folder.run().stdout.no_fnmatch_line("*is unused*")


def test_workers_of_xdist_report_together(folder: Folder) -> None:
    pytest.importorskip("xdist")
    written = folder.run("-n", "2", WHY)
    written.assert_outcomes(passed=4)
    assert folder.files() == FILES
    written.stdout.fnmatch_lines([f"model_baselines/test_nets/{name} created".replace("[", "[[]") for name in FILES])
    (folder.baselines / "old.json").write_text("{}")
    again = folder.run("-n", "2")
    again.assert_outcomes(passed=4)
    again.stdout.fnmatch_lines(["model_baselines/test_nets/old.json is unused: no test reads it"])
    again.stdout.no_fnmatch_line("*json created")


def test_kinds_names_and_slips(folder: Folder) -> None:
    folder.tests.write_text(
        TESTS.partition("def test_small")[0]
        + """
def test_kinds(model_baseline):
    model_baseline.assert_matches(net(), name="kinds")
    model_baseline.assert_matches(net(9), name="kinds", fail_on=["edges"])


def test_two_without_a_name(model_baseline):
    model_baseline.assert_matches(net())
    with pytest.raises(ValueError, match="name="):
        model_baseline.assert_matches(net())


def test_names(model_baseline, tmp_path):
    paths = {model_baseline.path(name) for name in ("a/b", "a-b", "../a", "..", "a b", "ä", None)}
    assert len(paths) == 7
    assert len({path.parent for path in paths}) == 1
"""
    )
    folder.run(WHY, "-k", "without")
    (folder.baselines / "kinds.json").write_bytes((folder.baselines / "test_two_without_a_name.json").read_bytes())
    folder.run().assert_outcomes(passed=3)
    refused = folder.run("--update-model-baselines= ")
    assert refused.ret == pytest.ExitCode.USAGE_ERROR
    refused.stderr.fnmatch_lines(["ERROR: --update-model-baselines needs a reason*"])


def test_a_run_without_it_imports_nothing_else(folder: Folder) -> None:
    folder.tests.write_text(
        "import sys\n\ndef test_nothing():\n"
        "    ours = {name for name in sys.modules if name.split('.')[0] == 'resnet_inspect'}\n"
        "    assert ours == {'resnet_inspect', 'resnet_inspect.pytest_plugin', 'resnet_inspect.version'}\n"
        "    assert not {'click', 'rich', 'torch', 'keras', 'numpy'} & {*sys.modules}\n"
    )
    folder.run().assert_outcomes(passed=1)


def test_an_installed_package_is_found_and_loaded_once(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (Path(__file__).parents[1] / "pyproject.toml").read_text()
    (found,) = re.findall(r"^\[project.entry-points.pytest11\]\n#.*\n\"(\S+)\" = \"(\S+)\"$", text, re.MULTILINE)
    installed = folder.pytester.mkdir("installed")
    information = installed / "ours-1.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: ours\nVersion: 1\n")
    (information / "entry_points.txt").write_text("[pytest11]\n{} = {}\n".format(*found))
    monkeypatch.setenv("PYTHONPATH", f"{installed}{os.pathsep}{Path(__file__).parents[1]}")
    folder.pytester.runpytest_subprocess(WHY).assert_outcomes(passed=4)
    folder.run().assert_outcomes(passed=4)
