"""``check`` as a process: inputs, budgets, baselines, the file for many models, formats and exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import pytest

from resnet_inspect import ir_json
from tests.cli.test_terminal import on_terminal
from tests.support.command import SCHEMA, document, local, needs, run

CHECK_SCHEMA = json.loads((SCHEMA.parent / "check-1.schema.json").read_text())
DIFF_SCHEMA = json.loads((SCHEMA.parent / "diff-1.schema.json").read_text())

SEVERAL = """
ignore = ["dead-branch"]

[models.small]
model = "resnet18"
inputs = ["3x64x64", "3x32x32"]
max-params = "12M"
max-macs = { layer4 = "1G" }
warn-layers = 10

[models.ten]
model = "local:resnet18"
args = { num_classes = 10 }
baseline = "ten.json"
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a configuration of two models, and the baseline of one."""
    (tmp_path / "resnet-inspect.toml").write_text(SEVERAL)
    saved = local("summary", "resnet18", "--arg", "num_classes=10", "-o", str(tmp_path / "ten.json"))
    assert saved.returncode == 0
    monkeypatch.chdir(tmp_path)
    return tmp_path


def levels(answer: dict[str, object], model: int = 0) -> dict[str, str]:
    """Rule -> what came of it."""
    models = answer["models"]
    assert isinstance(models, list)
    return {item["rule"]: item["level"] for item in models[model]["checks"]}


def checked(*arguments: str, code: int, warm: str | None = None) -> dict[str, object]:
    """The JSON of a run that ends with an exit code."""
    done = run("check", *arguments, "--format", "json", warm=warm)
    assert (done.returncode, done.stderr) == (code, "")
    answer: dict[str, object] = json.loads(done.stdout)
    jsonschema.validate(answer, CHECK_SCHEMA)
    assert (answer["exit_code"], answer["passed"]) == (code, code == 0)
    return answer


def test_inputs_that_fit_and_one_that_doesnt() -> None:
    answer = checked("resnet50", "--input", "3x512x512", "--input", "512x512x3", "--input", "1x224x224", code=1)
    first, second, third = answer["models"][0]["inputs"]  # type: ignore[index]
    assert first["output_shapes"] == second["output_shapes"] == [[1, 1000]]
    assert (third["fits"], third["layer"]) == (False, "conv1")
    assert "expects 3 input channels, got 1 (1x1x224x224" in third["problem"]
    assert third["advice"] == "its own input is 3x224x224"
    assert levels(answer)["input 1x224x224"] == "fail"
    assert levels(answer)["equal-skips"] == "pass"


def test_nothing_passes_that_wasnt_looked_at() -> None:
    answer = checked("resnet50", "--input", "1x224x224", "--max-params", "1G", code=1)
    assert set(levels(answer).values()) == {"fail", "error"}
    assert levels(answer)["rules"] == "error"
    assert levels(checked("resnet51", code=3)) == {"model": "error"}
    assert levels(checked("resnet18", "--max-params", "layer5=1M", code=1))["max-params layer5"] == "error"
    assert levels(checked("resnet18", "--baseline", "missing.json", code=3))["baseline"] == "error"


@needs("torch")
@pytest.mark.parametrize(
    ("model", "least", "even"),
    [
        # Five halvings in VGG16; a dense layer behind it that reads 7x7 whatever comes, by adaptive pooling.
        ("torch:vgg16", 32, 32),
        ("torch:alexnet", 63, 32),
    ],
)
def test_the_smallest_input(model: str, least: int, even: int | None) -> None:
    answer = checked(model, "--find-min", code=0, warm="torch")
    found = answer["models"][0]["smallest"]  # type: ignore[index]
    assert found == {"square": least, "height": least, "width": least, "default": [224, 224], "even": even}


@needs("torch")
def test_what_a_stride_drops_is_told_with_its_layer() -> None:
    # 75 in VGG16: 75, 37 (drops one), 18 (one), 9, 4 (one), 2.
    done = run("check", "torch:vgg16", "--input", "3x75x75", "--find-min", warm="torch")
    assert done.returncode == 0
    for layer in ("features.4", "features.9", "features.23"):
        assert f"{layer}: at 3x75x75, it drops 1 row and 1 column of its input" in done.stdout
    assert done.stdout.count("it drops") == 3


@needs("tensorflow")
def test_keras_inputs_are_looked_at_alike() -> None:
    inputs = ("--input", "3x64x64", "--input", "64x64x1", "--input", "16x16x3")
    answer = checked("keras:VGG16", *inputs, code=1, warm="keras")
    found = levels(answer)
    assert found["input 3x64x64"] == "warn"  # another Flatten, so another dense layer
    assert found["input 64x64x1"] == "warn"
    assert found["input 16x16x3"] == "fail"
    text = json.dumps(answer)
    assert "at least 32x32" in text
    assert "its own input is 224x224x3" in text
    # 3x3 kernels of one channel instead of three in the first convolution, and 2x2 instead of 7x7 outputs.
    assert f"{138_357_544 - 2 * 3 * 3 * 64 - (49 - 4) * 512 * 4096:,} parameters" in text


@pytest.mark.parametrize(
    ("options", "code", "rule", "level"),
    [
        (["--max-params", "11689512"], 0, "max-params", "pass"),
        (["--max-params", "11689511"], 1, "max-params", "fail"),
        (["--max-params", "26M", "--warn-params", "11M"], 0, "max-params", "warn"),
        (["--max-macs", "layer1=1G", "--max-macs", "layer4=1k"], 1, "max-macs layer4", "fail"),
        (["--max-layers", "1"], 1, "max-layers", "fail"),
        (["--max-activation-memory", "1GiB"], 0, "max-activation-memory", "pass"),
        (["--strict"], 0, "counted", "pass"),
    ],
)
def test_budgets(options: list[str], code: int, rule: str, level: str) -> None:
    assert levels(checked("resnet18", *options, code=code))[rule] == level


def test_what_isnt_counted_is_5_under_strict() -> None:
    module = str(Path(__file__).parents[1] / "fixtures" / "module-1.json")
    found = levels(checked(module, "--ignore", "unused-parameters", "--strict", code=5))
    assert found == {"equal-skips": "pass", "dead-branch": "pass", "counted": "strict"}
    assert local("check", module, "--ignore", "unused-parameters").returncode == 0
    assert local("check", module, "--strict").returncode == 1


def test_a_baseline_is_written_kept_refused_and_accepted(project: Path) -> None:
    baseline = project / "baselines" / "net.json"  # the first one makes the folder
    net = ["resnet18", "--baseline", "baselines/net.json"]
    assert local("check", *net, "--update-baseline", "--reason", "the first").returncode == 0
    assert ir_json.loads(baseline.read_bytes()).reasons == ("the first",)
    before = baseline.read_bytes()
    assert local("check", *net).returncode == 0
    assert local("check", *net, "--update-baseline", "--reason", "nothing new").returncode == 0
    assert baseline.read_bytes() == before

    wider = [*net, "--arg", "num_classes=1001"]
    answer = checked(*wider, code=1)
    (finding,) = next(c for c in answer["models"][0]["checks"] if c["rule"] == "baseline")["findings"]  # type: ignore[index]
    jsonschema.validate(finding["diff"], DIFF_SCHEMA)
    assert finding["diff"]["totals"]["params"] == [11_689_512, 11_689_512 + 513]
    assert levels(checked(*wider, "--fail-on", "edges,layers", code=0))["baseline"] == "warn"
    assert levels(checked(*net, "--input", "64", code=1))["baseline"] == "error"
    assert baseline.read_bytes() == before

    assert local("check", *wider, "--update-baseline", "--reason", "one class more").returncode == 0
    assert ir_json.loads(baseline.read_bytes()).reasons == ("the first", "one class more")
    assert local("check", *wider).returncode == 0
    baseline.write_text("{")
    assert local("check", *wider, "--update-baseline", "--reason", "again").returncode == 3
    assert baseline.read_text() == "{"


def test_the_file_is_found_upwards_and_checked_whole(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "deep" / "er").mkdir(parents=True)
    monkeypatch.chdir(project / "deep" / "er")
    answer = checked(code=0)
    assert [model["name"] for model in answer["models"]] == ["small", "ten"]  # type: ignore[attr-defined]
    assert levels(answer, 0)["max-layers"] == "warn"
    assert levels(answer, 1)["baseline"] == "pass"
    assert "dead-branch" not in levels(answer, 1)
    assert levels(checked("ten", code=0)) == levels(answer, 1)


def test_pyproject_does_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.resnet-inspect.models.resnet18]\nmax-params = 1000\n")
    monkeypatch.chdir(tmp_path)
    assert levels(checked(code=1))["max-params"] == "fail"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("max-params", "max-param"), "models.small: no such setting: max-param. Did you mean max-params?"),
        (("ignore =", "ignored ="), "no such setting: ignored. Did you mean ignore?"),
        (('"3x64x64", ', "64, "), "models.small: inputs must be a list of texts"),
        (('"12M"', '"lots"'), "models.small: 'lots' is not an amount"),
        (('"12M"', "true"), "models.small: max-params must be an amount"),
        (("dead-branch", "dead-brunch"), "no such rule: dead-brunch. Did you mean dead-branch?"),
        (("[models.small]", "[models.small"), "is not valid TOML"),
        (('"resnet18"', '"keras:ResNet50"\nflavor = "keras"'), "flavor goes with the local backend"),
        (("3x32x32", "3xA"), "models.small: '3xA' is not a shape"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused(project: Path, change: tuple[str, str], words: str) -> None:
    file = project / "resnet-inspect.toml"
    assert change[0] in SEVERAL
    file.write_text(SEVERAL.replace(*change, 1))
    done = local("check")
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert words in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "give a MODEL"),
        (["resnet18", "--update-baseline"], "go together"),
        (["resnet18", "--reason", "x"], "go together"),
        (["resnet18", "--update-baseline", "--reason", "x"], "--baseline"),
        (["resnet18", "--max-params", "=3"], "names no part"),
        (["resnet18", "--max-params", "3x"], "not an amount"),
        (["resnet18", "--ignore", "nothing"], "no such rule: nothing. There are max-params"),
        (["resnet18", "--fail-on", "param"], "param"),
        (["saved.json", "--input", "64"], "saved summary"),
        (["--config", "resnet-inspect.toml"], "does not exist"),
    ],
)
def test_usage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], words: str) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "saved.json").write_text("{}")
    done = local("check", *arguments)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert words in done.stderr
    assert done.stderr.count("\n") == 1


def test_junit_has_a_case_for_each_model_and_rule(project: Path) -> None:
    (project / "resnet-inspect.toml").write_text(SEVERAL.replace('"12M"', '"10M"').replace("ten.json", "no.json"))
    assert local("check", "-o", "found.xml").returncode == 3
    suites = ElementTree.parse(project / "found.xml").getroot().findall("testsuite")
    assert [suite.get("name") for suite in suites] == ["small", "ten"]
    assert [(suite.get("failures"), suite.get("errors")) for suite in suites] == [("1", "0"), ("0", "1")]
    cases = {case.get("name"): [child.tag for child in case] for case in suites[0]}
    assert cases["max-params"] == ["failure"]
    assert cases["equal-skips"] == []
    assert [case.get("name") for case in suites[1]] == ["equal-skips", "unused-parameters", "baseline"]


def test_github_and_markdown(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = project / "step.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(page))
    done = local("check", "resnet18", "--max-params", "11M", "--warn-layers", "1", "--format", "github")
    assert done.returncode == 1
    first, second, last = done.stdout.splitlines()
    assert first.startswith("::error title=resnet18 max-params::the model has 11,689,512 parameters")
    assert second.startswith("::warning title=resnet18 max-layers::")
    assert last == "::notice title=resnet-inspect check::1 model, 5 checks: 3 passed, 1 failed, 1 warning"
    assert page.read_text().startswith("### 1 model, 5 checks")
    assert "| resnet18 | max-params | **FAIL** |" in page.read_text()


def test_quiet_says_nothing(project: Path) -> None:
    for options, code in (([], 0), (["--max-params", "1"], 1)):
        done = local("check", "resnet18", "--quiet", *options)
        assert (done.returncode, done.stdout, done.stderr) == (code, "", "")


def test_on_a_terminal(project: Path) -> None:
    seen = on_terminal("check", width=70)
    assert "\x1b[32mok" in seen
    lines = on_terminal("check", "resnet18", "--find-min", width=70, NO_COLOR="1").replace("\r", "").split("\n")
    assert max(map(len, lines)) <= 70


@needs("torch")
@needs("tensorflow")
def test_frameworks_are_looked_at_side_by_side(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "resnet-inspect.toml").write_text(
        '[models.a]\nmodel = "torch:resnet18"\nmax-params = 11689512\n'
        '[models.b]\nmodel = "keras:ResNet50"\nmax-params = 25636712\n'
        '[models.c]\nmodel = "torch:resnet50"\nmax-params = 25557031\n'
        '[models.d]\nmodel = "torch:no_such"\n'
    )
    monkeypatch.chdir(tmp_path)
    answer = checked(code=3)
    found = [levels(answer, index) for index in range(4)]
    assert [item.get("max-params") for item in found] == ["pass", "pass", "fail", None]
    assert found[3] == {"model": "error"}


def test_json_alone_needs_no_model(project: Path) -> None:
    assert document("check", "ten.json")["passed"] is True


def test_two_amounts_for_one_part_and_an_ignored_baseline_are_slips() -> None:
    twice = local("check", "resnet18", "--max-params", "1M", "--max-params", "26M")
    assert (twice.returncode, twice.stdout) == (2, "")
    assert "--max-params is given twice for the whole model: 1M and 26M" in twice.stderr
    both = local("check", "resnet18", "--max-params", "26M", "--max-params", "layer4=9M")
    assert both.returncode == 0, both.stdout
    ignored = local("check", "resnet18", "--ignore", "baseline")
    assert (ignored.returncode, ignored.stdout) == (2, "")
    assert "leave --baseline out" in ignored.stderr


def test_each_annotation_stands_beside_its_setting(project: Path) -> None:
    settings = """
[models.other]
model = "resnet18"
max-params = "99M"

[models.net]
model = "resnet18"
inputs = ["3x224x224", "7x64x64"]
baseline = "no.json"
max-layers = 99
"warn-params" = "2M"
ignore = ["dead-branch"]

[models.net.max-macs]
layer1 = "99G"
layer2 = "1"   # too little

[models.net.max-params]
"layer3" = "1"
""".lstrip("\n")
    settings = settings.replace("max-layers = 99", "max-layers = 9")
    (project / "resnet-inspect.toml").write_text(settings)
    lines = local("check", "--format", "github").stdout.splitlines()
    found = {}
    for line in lines[:-1]:
        properties = dict(each.split("=", 1) for each in line.split("::")[1].partition(" ")[2].split(","))
        found[properties["title"].removeprefix("net ")] = settings.splitlines()[int(properties["line"]) - 1]
    assert found == {
        "input 7x64x64": 'inputs = ["3x224x224", "7x64x64"]',
        "max-params": '"warn-params" = "2M"',
        "max-params layer3": '"layer3" = "1"',
        "max-macs layer2": 'layer2 = "1"   # too little',
        "max-layers": "max-layers = 9",
        "baseline": 'baseline = "no.json"',
    }


@pytest.mark.parametrize("title", ["[models.back-bone]", "[models.'back-bone']  # the one", '[ models."back-bone" ]'])
def test_annotations_stand_beside_what_somebody_would_change(project: Path, title: str) -> None:
    (project / "resnet-inspect.toml").write_text(f'# ours\n\n{title}\nmodel = "resnet18"\nmax-params = "1M"\n')
    first = local("check", "--format", "github").stdout.splitlines()[0]
    assert first.startswith("::error file=resnet-inspect.toml,line=5,title=back-bone max-params::")
    (project / "no,net.py").write_text("def net():\n    raise ValueError('no')\n")
    first = run("check", "no,net.py:net", "--format", "github", warm="torch").stdout.splitlines()[0]
    assert first.startswith("::error file=no%2Cnet.py,title=no,net.py%3Anet model::".replace("no,net", "no%2Cnet"))
