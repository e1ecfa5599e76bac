"""``check --base``: what a branch did to the models of the settings, without a committed baseline."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.checks.test_command import checked, levels
from tests.diffs.test_command import git
from tests.support.command import local

SETTINGS = """
[models.backbone]
model = "local:resnet18"
max-params = "12M"

[models.other]
model = "local:resnet34"
"""
NOTE = "differs from main... in params, shapes, config, macs: 1 changed"


@pytest.fixture
def branch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository whose branch has another backbone than main had, which has gone on meanwhile."""
    git(tmp_path, "init", "--quiet", "--initial-branch", "main")
    settings = tmp_path / "resnet-inspect.toml"
    settings.write_text(SETTINGS)
    git(tmp_path, "add", "."), git(tmp_path, "commit", "--quiet", "-m", "first")
    git(tmp_path, "checkout", "--quiet", "-b", "branch")
    settings.write_text(SETTINGS.replace('"12M"', '"12M"\nargs = { num_classes = 10 }'))
    git(tmp_path, "commit", "--quiet", "-am", "ten classes")
    git(tmp_path, "checkout", "--quiet", "main")
    settings.write_text(SETTINGS.replace("resnet34", "resnet50"))
    git(tmp_path, "commit", "--quiet", "-am", "another model")
    git(tmp_path, "checkout", "--quiet", "branch")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_settings_of_both_sides_count_and_other_peoples_work_doesnt(branch: Path) -> None:
    answer = checked("--base", "main...", code=0)
    assert [levels(answer, model)["base main..."] for model in (0, 1)] == ["pass", "pass"]
    models = answer["models"]
    assert isinstance(models, list)
    found = [
        check["findings"][0]["message"] for model in models for check in model["checks"] if check["rule"][:5] == "base "
    ]
    assert found == [NOTE, "as it is at main..."]
    # At the tip of main, the other model has become another one.
    assert local("check", "other", "--base", "main").stdout.count("resnet50") > 0
    assert local("diff", "--base", "main...", "backbone", "--exit-code").returncode == 1
    assert local("diff", "--base", "main...", "other", "--exit-code").returncode == 0


def test_a_kind_of_difference_may_fail(branch: Path) -> None:
    assert levels(checked("--base", "main...", "--fail-on", "params", code=1))["base main..."] == "fail"
    assert levels(checked("--base", "main...", "--fail-on", "edges,layers", code=0))["base main..."] == "pass"
    # Without --base, the file of settings alone says what fails.
    assert local("check", "--fail-on", "params").returncode == 2


def test_one_run_writes_every_form(branch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    step = branch / "step.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(step))
    done = local(
        "check", "--base", "main...", "--format", "github", "--also", "a.md", "--also", "a.html", "--also", "a.json"
    )
    assert (done.returncode, done.stderr) == (0, "")
    notice, last = done.stdout.splitlines()
    assert notice.startswith(
        "::notice file=resnet-inspect.toml,line=2,title=backbone base main...::-508 k parameters: fc"
    )
    assert last.startswith("::notice title=resnet-inspect check::2 models, 9 checks: 9 passed")
    text = (branch / "a.md").read_text()
    assert text == step.read_text()
    assert text.startswith(
        "### 2 models, 9 checks: 9 passed, 0 failed\n\n#### backbone: main → this branch\n\n**-508 k parameters"
    )
    assert text.count("#### ") == 1
    assert "<details><summary>9 checks passed</summary>" in text
    assert (branch / "a.html").read_text().startswith("<!doctype html>")
    assert json.loads((branch / "a.json").read_text())["passed"] is True
    assert local("check", "--base", "main...", "--also", "a.xyz").returncode == 2


def test_the_threshold_folds_rows(branch: Path) -> None:
    shown = local("check", "backbone", "--base", "main...", "--format", "markdown", "--threshold", "5%").stdout
    assert "<details><summary>1 smaller change</summary>" in shown
    assert "smaller" not in local("check", "backbone", "--base", "main...", "--format", "markdown").stdout
    for wrong in ("5 of", "101%", "-1"):
        assert local("diff", "resnet18", "resnet18", "--threshold", wrong, "--format", "markdown").returncode == 2
    assert local("diff", "resnet18", "resnet18", "--threshold", "1%").returncode == 2


def test_a_model_that_is_new_is_a_warning(branch: Path) -> None:
    with (branch / "resnet-inspect.toml").open("a") as file:
        file.write('\n[models.new]\nmodel = "local:resnet18"\n')
    answer = checked("--base", "main...", code=0)
    assert levels(answer, 2)["base main..."] == "warn"
    assert local("check", "resnet18", "resnet34", "--base", "HEAD").stdout.count("as it is at HEAD") == 2


def test_a_file_that_only_the_settings_are_new_for_is_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first pull request with a file of settings says already what it does to the network."""
    monkeypatch.chdir(tmp_path)
    weights = tmp_path / "net.safetensors"
    git(tmp_path, "init", "--quiet", "--initial-branch", "main")
    for width in (3, 5):
        size = 4 * width
        header = json.dumps({"fc.weight": {"dtype": "F32", "shape": [width], "data_offsets": [0, size]}}).encode()
        weights.write_bytes(len(header).to_bytes(8, "little") + header + bytes(size))
        git(tmp_path, "add", "."), git(tmp_path, "commit", "--quiet", "-m", f"width {width}")
    (tmp_path / "resnet-inspect.toml").write_text('[models.net]\nmodel = "net.safetensors"\n')
    done = local("check", "--base", "HEAD~1", "--fail-on", "params")
    assert "HEAD~1 → this branch" in done.stdout, done.stderr
    assert "+2 parameters" in done.stdout
    # A file that was not there is new, whatever the settings say.
    weights.rename(tmp_path / "new.safetensors")
    (tmp_path / "resnet-inspect.toml").write_text('[models.net]\nmodel = "new.safetensors"\n')
    assert "A model that is new has nothing to be compared with" in local("check", "--base", "HEAD~1").stdout


@pytest.mark.parametrize(
    ("base", "words"),
    [
        ("nothing", "fetch-depth: 0"),
        ("nothing...", "fetch-depth: 0"),
        ("--help", "no revision"),
        ("elsewhere...", "elsewhere"),
    ],
)
def test_a_revision_that_isnt_there(branch: Path, base: str, words: str) -> None:
    git(branch, "checkout", "--quiet", "--orphan", "elsewhere"), git(branch, "commit", "--quiet", "-m", "alone")
    git(branch, "checkout", "--quiet", "branch")
    done = local("check", "backbone", f"--base={base}")
    assert done.returncode == 2
    assert words in done.stdout
