"""``diff`` as a process: its sides, formats, gates and errors; and what holds for any two summaries."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given

from resnet_inspect import ir_json
from resnet_inspect.diffs import KINDS, compare
from resnet_inspect.errors import InputError
from resnet_inspect.ir import Summary
from resnet_inspect.render.diff import FORMATS, DiffView, render
from tests.cli.test_terminal import on_terminal
from tests.support.command import SCHEMA, document, loaded_by, local, needs, run
from tests.support.summaries import summaries

FIXTURES = Path(__file__).parents[1] / "fixtures"
DIFF_SCHEMA = json.loads((SCHEMA.parent / "diff-1.schema.json").read_text())


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A folder with ResNet18 as ``old.json``, and with ten classes as ``new.json``."""
    assert local("summary", "resnet18", "-o", str(tmp_path / "old.json")).returncode == 0
    assert local("summary", "resnet18", "--arg", "num_classes=10", "-o", str(tmp_path / "new.json")).returncode == 0
    return tmp_path


def test_json_has_old_and_new_of_what_changed(saved: Path) -> None:
    answer = document("diff", str(saved / "old.json"), str(saved / "new.json"))
    jsonschema.validate(answer, DIFF_SCHEMA)
    (changed,) = answer["changed"]
    assert changed["ids"] == ["fc", "fc"]
    # 512 weights and a bias for each of the 1,000 or 10 classes.
    assert changed["changes"]["params"] == [513_000, 5_130]
    assert changed["changes"]["out_features"] == [1000, 10]
    assert answer["totals"]["params"] == [11_689_512, 11_689_512 - 513_000 + 5_130]
    assert answer["whole"] == {"outputs": [[[1, 1000]], [[1, 10]]]}
    assert not answer["added"] + answer["removed"] + answer["renamed"] + answer["moved"]
    assert answer["differs_in"] == ["config", "macs", "params", "shapes"]


def test_a_side_may_be_standard_input_or_a_model(saved: Path) -> None:
    text = (saved / "old.json").read_text()
    for done in (
        local("diff", "-", "resnet18", "--exit-code", text=text),
        local("diff", "local:resnet18", str(saved / "old.json"), "--exit-code"),
        local(
            "diff", "resnet18", "resnet18", "--old-arg", "num_classes=7", "--new-arg", "num_classes=7", "--exit-code"
        ),
    ):
        assert done.returncode == 0, done.stderr
        assert "No difference" in done.stdout


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ([], 0),
        (["--exit-code"], 1),
        (["--fail-on", "params"], 1),
        (["--fail-on", "edges,layers"], 0),
        (["--fail-on", "edges, macs"], 1),
    ],
)
def test_gates(saved: Path, options: list[str], code: int) -> None:
    done = local("diff", str(saved / "old.json"), str(saved / "new.json"), *options)
    assert (done.returncode, done.stderr) == (code, "")
    assert "fc" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["resnet18"], 2, "give OLD and NEW"),
        (["--base", "HEAD"], 2, "--base REVISION and one model"),
        (["-", "-"], 2, "one side only"),
        (["nothing.json", "resnet18"], 3, "nothing.json: No such file"),
        (["bad.json", "resnet18"], 3, "not JSON"),
        (["other.json", "resnet18"], 3, "no schema_version"),
        (["later.json", "resnet18"], 3, "schema version 999"),
        (["old.json", "resnet18", "--old-arg", "num_classes=2"], 2, "saved summary"),
        (["resnet18", "resnet18", "--new-input", "64"], 4, "--any-input"),
        (["resnet18", "resnet19"], 3, "resnet18"),
        (["resnet18", "resnet18", "--fail-on", "param"], 2, "params"),
        (["--base", "HEAD", "resnet18"], 2, "git"),
        (["--base", "HEAD", "resnet18", "resnet18"], 2, "one model"),
        (["torch:resnet18", "resnet18", "--flavor", "keras"], 2, "--flavor"),
        (["resnet18", "old.json", "-o", "x.xyz"], 2, "ending"),
    ],
)
def test_bad_input_is_one_line_with_its_exit_code(
    saved: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], code: int, words: str
) -> None:
    monkeypatch.chdir(saved)
    (saved / "bad.json").write_text("{")
    (saved / "other.json").write_text("{}")
    (saved / "later.json").write_text((saved / "old.json").read_text().replace('version": 1', 'version": 999', 1))
    done = local("diff", *arguments)
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    assert words in done.stderr
    assert done.stderr.count("\n") == 1


def test_two_files_are_compared_without_a_framework_and_without_rich(saved: Path) -> None:
    modules = loaded_by("diff", str(saved / "old.json"), str(saved / "new.json"), "--format", "json")
    assert "resnet_inspect.diffs.compare" in modules
    assert not {"rich", "torch", "torchvision", "keras", "tensorflow", "numpy"} & modules


def test_lines_fit_a_terminal(saved: Path) -> None:
    seen = on_terminal("diff", "resnet18", "resnet34", width=80)
    lines = [line for line in seen.replace("\r", "").split("\n") if line]
    assert any("\x1b[32m+" in line for line in lines)
    plain = on_terminal("diff", "resnet18", "resnet34", width=80, NO_COLOR="1").replace("\r", "").split("\n")
    assert max(map(len, plain)) <= 80
    assert max(map(len, local("diff", "resnet18", "resnet34").stdout.split("\n"))) > 80


def test_all_rows_on_request(saved: Path) -> None:
    old, new = str(saved / "old.json"), str(saved / "new.json")
    assert "layer3.1.conv2" not in local("diff", old, new).stdout
    assert "layer3.1.conv2" in local("diff", old, new, "--all").stdout


def test_github_gets_annotations_and_a_job_summary(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = saved / "step.md"
    page.write_text("# before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(page))
    old, new = str(saved / "old.json"), str(saved / "new.json")
    lines = local("diff", old, new, "--format", "github", "--fail-on", "params").stdout.splitlines()
    assert lines[0].startswith("::error title=local%3Aresnet18")
    assert lines[1].startswith("::error title=fc::Linear · out_features 1000 → 10")
    assert page.read_text().startswith("# before\n### local:resnet18")
    assert local("diff", old, new, "--format", "github").stdout.startswith("::notice ")


def git(folder: Path, *arguments: str) -> str:
    """What git says in a folder."""
    identity = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    for role in ("AUTHOR", "COMMITTER"):
        identity |= {f"GIT_{role}_NAME": "a", f"GIT_{role}_EMAIL": "a@example.org"}
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, env={**os.environ, **identity}, capture_output=True, text=True, check=True).stdout


def test_another_revision_is_the_old_side_and_nothing_is_left(
    saved: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tmp_path_factory.mktemp("project")
    scratch = tmp_path_factory.mktemp("scratch")
    git(project, "init", "--quiet")
    (project / "models").mkdir()
    (project / "models" / "net.json").write_text((saved / "old.json").read_text())
    git(project, "add", "."), git(project, "commit", "--quiet", "-m", "old")
    (project / "models" / "net.json").write_text((saved / "new.json").read_text())
    monkeypatch.chdir(project / "models")
    monkeypatch.setenv("TMPDIR", str(scratch))
    answer = document("diff", "--base", "HEAD", "net.json")
    assert answer["changed"][0]["changes"]["out_features"] == [1000, 10]
    assert git(project, "worktree", "list").count("\n") == 1
    assert list(scratch.iterdir()) == []
    assert local("diff", "--base", "HEAD", "resnet18", "--exit-code").returncode == 0
    for arguments, words in ((["nowhere", "net.json"], "no revision 'nowhere'"), (["HEAD", "resnet19"], "at HEAD: ")):
        done = local("diff", "--base", *arguments)
        assert done.returncode in (2, 3)
        assert words in done.stderr
    assert git(project, "worktree", "list").count("\n") == 1
    assert list(scratch.iterdir()) == []


def test_the_old_revision_is_built_by_its_own_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the program itself is what changed: here a copy of it, whose ResNet18 gets another width."""
    package = Path(ir_json.__file__).parent
    subprocess.run(["cp", "-r", str(package), str(tmp_path)], check=True)
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", "resnet_inspect"), git(tmp_path, "commit", "--quiet", "-m", "old")
    networks = tmp_path / "resnet_inspect" / "blocks" / "resnet_torch.py"
    text = networks.read_text()
    assert text.count("num_classes: int = 1000") == 1
    networks.write_text(text.replace("num_classes: int = 1000", "num_classes: int = 7"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    answer = document("diff", "--base", "HEAD", "resnet18", warm="")
    assert answer["totals"]["params"] == [11_689_512, 11_689_512 - 993 * 513]


@needs("torch")
@needs("tensorflow")
def test_two_frameworks_side_by_side_are_reconciled() -> None:
    done = local("diff", "keras:ResNet50", "torch:resnet50", "--fail-on", "edges")
    assert (done.returncode, done.stderr) == (0, "")
    assert "-79,680 parameters: " in done.stdout
    assert "26,560" in done.stdout
    assert "53,120" in done.stdout


def test_what_this_version_wrote_is_read_for_ever() -> None:
    block = ir_json.loads((FIXTURES / "block-1.json").read_bytes())
    totals = block.totals
    # Two 3x3 convolutions of 3 to 3 channels with bias, two batch norms of 3 channels with four values each.
    assert totals.params == 2 * (3 * 3 * 3 * 3 + 3) + 2 * 4 * 3 == 192
    assert (totals.trainable_params, totals.statistics) == (180, 12)
    assert [layer.inputs for layer in block.layers if layer.op == "add"] == [("bn2", "input")]
    module = ir_json.loads((FIXTURES / "module-1.json").read_bytes())
    totals = module.totals
    # Frozen: 3x3x3x4; batch norm 2x4, a 4x4 matrix that two layers share, two biases of 4, an unused 2x2 with bias.
    assert (totals.frozen_params, totals.trainable_params) == (108, 8 + 16 + 4 + 4 + 6)
    assert totals.uncounted == ("fft_fft",)
    assert module.unused == ("unused.weight", "unused.bias")
    assert [layer.shared for layer in module.layers if layer.shared] == [
        ("bn.weight", "bn.bias", "bn.running_mean", "bn.running_var"),
        ("head.weight",),
    ]
    assert compare(module, module).kinds == set()


@given(summaries())
def test_a_summary_doesnt_differ_from_itself(summary: Summary) -> None:
    again = replace(ir_json.loads(ir_json.dumps(summary)), environment=(("python", "4"),), reasons=("another",))
    assert compare(summary, again).kinds == set()


@given(summaries(), summaries())
def test_every_layer_is_in_a_comparison_once(old: Summary, new: Summary) -> None:
    diff = compare(old, new, any_input=True)
    assert sorted(item.old.id for item in diff.layers if item.old) == sorted(layer.id for layer in old.layers)
    assert [item.new.id for item in diff.layers if item.new] == [layer.id for layer in new.layers]
    back = compare(new, old, any_input=True)
    assert [(total.old, total.new) for total in back.totals] == [(total.new, total.old) for total in diff.totals]
    assert compare(old, new, any_input=True) == diff
    document = json.loads(render(diff, "json", DiffView()))
    jsonschema.validate(document, DIFF_SCHEMA)
    for name in FORMATS:
        for everything in (False, True):
            assert render(diff, name, DiffView(everything, frozenset(KINDS), width=60)).endswith("\n")
    if diff.whole and diff.whole[0].field == "inputs":
        with pytest.raises(InputError, match="--any-input"):
            compare(old, new)


@needs("torch")
def test_a_title_says_the_revision_and_an_annotation_the_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text("from torch import nn\n\ndef net():\n    return nn.Conv2d(3, 4, 1)\n")
    settings = '# ours\n[models.backbone]\nmodel = "net.py:net"\ninputs = ["3x8x8"]\n'
    (tmp_path / "resnet-inspect.toml").write_text(settings)
    git(tmp_path, "init", "--quiet", "-b", "main")
    git(tmp_path, "add", "."), git(tmp_path, "commit", "--quiet", "-m", "old")
    (tmp_path / "net.py").write_text("from torch import nn\n\ndef net():\n    return nn.Conv2d(3, 5, 1)\n")
    assert local("diff", "--base", "main", "backbone").stdout.startswith("backbone: main → this branch\n")
    notes = local("diff", "--base", "main", "backbone", "--format", "github").stdout.splitlines()
    assert notes[0].startswith("::notice file=resnet-inspect.toml,line=2,title=backbone%3A main → this branch::")
    assert all(note.startswith("::notice file=resnet-inspect.toml,line=2,title=") for note in notes)
    asked = ("--base", "main", "net.py:net", "--input", "3x8x8", "--format", "github")
    notes = run("diff", *asked, warm="torch").stdout.splitlines()
    assert notes[0].startswith("::notice file=net.py,title=net.py%3Anet%3A main → this branch::")
