"""``diff``, ``check`` and ``assert_matches`` in Python."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

import resnet_inspect
from resnet_inspect import Summary, assert_matches, check, diff, ir_json, summarize
from resnet_inspect.errors import BadRequestError, ModelError
from resnet_inspect.readers.inputs import Shapes
from resnet_inspect.readers.local.reader import summarize as build
from resnet_inspect.readers.request import Request
from tests.support.command import in_child, needs, script

RESNET18 = build(Request("resnet18")).summary
TEN = build(Request("resnet18", arguments=(("num_classes", 10),))).summary


def test_names_are_functions_whatever_was_imported_before() -> None:
    said = script(
        "import resnet_inspect, resnet_inspect.diffs, resnet_inspect.checks, resnet_inspect.render.diff\n"
        "from resnet_inspect import check, diff\n"
        "print(callable(check), callable(diff), set(resnet_inspect.__all__) <= set(dir(resnet_inspect)) | {1})"
    )
    assert said.startswith("True True")
    for name in resnet_inspect.__all__:
        assert getattr(resnet_inspect, name)


def test_diff_of_summaries_and_files(tmp_path: Path) -> None:
    (tmp_path / "old.json").write_text(ir_json.dumps(RESNET18))
    found = diff(tmp_path / "old.json", TEN)
    assert found.kinds == {"params", "macs", "config", "shapes"}
    assert "fc width 1000 → 10" in str(found)
    assert not diff(str(tmp_path / "old.json"), RESNET18).kinds
    with pytest.raises(ModelError, match=r"none\.json"):
        diff("none.json", TEN)


def test_check_of_a_summary() -> None:
    assert check(RESNET18, max_params=11_689_512, max_macs={"layer4": "1G"}).passed
    found = check(RESNET18, max_params=11_689_511, baseline=TEN, fail_on=["edges"], strict=True)
    assert not found.passed
    assert [outcome.level for outcome in found.outcomes] == ["fail", "pass", "pass", "pass", "pass", "warn"]
    assert "1 over the limit of 11,689,511" in str(found)
    assert check(RESNET18, max_params=1, ignore=["max-params"]).passed
    with pytest.raises(BadRequestError, match="max_parameters"):
        check(RESNET18, max_parameters=3)
    with pytest.raises(BadRequestError, match="needs an input"):
        check(object())


def test_a_baseline_that_differs_fails_with_the_diff(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    baseline = tmp_path / "net.json"
    with pytest.raises(AssertionError, match="no such baseline"):
        assert_matches(RESNET18, baseline)
    monkeypatch.setenv("RESNET_INSPECT_UPDATE_BASELINES", "the first")
    assert_matches(RESNET18, baseline)
    monkeypatch.delenv("RESNET_INSPECT_UPDATE_BASELINES")
    assert_matches(RESNET18, str(baseline))
    with pytest.raises(AssertionError, match=r"fc +Linear +out_features 1000 → 10"):
        assert_matches(TEN, baseline)
    assert_matches(TEN, baseline, fail_on=["edges", "layers"])
    with pytest.raises(AssertionError, match="the inputs differ"):
        assert_matches(build(Request("resnet18", inputs=Shapes(((64,),)))).summary, baseline)
    assert Summary.from_json(baseline.read_text()).reasons == ("the first",)


def narrow(framework: str, classes: int) -> Any:
    """A convolution of 3 to 4 channels and a head, in a framework."""
    if framework == "torch":
        from torch import nn

        return nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, classes))
    import keras

    layers = keras.layers
    return keras.Sequential([layers.Conv2D(4, 3), layers.GlobalAveragePooling2D(), layers.Dense(classes)])


def drift(framework: str) -> None:
    """A module is checked at its baseline's own input; another seed makes no difference, another head is one."""
    shape = (2, 3, 16, 16) if framework == "torch" else (2, 16, 16, 3)
    with TemporaryDirectory() as folder:
        baseline = Path(folder) / "net.json"
        baseline.write_text(summarize(narrow(framework, 5), shape).to_json())
        assert_matches(narrow(framework, 5), baseline)
        with pytest.raises(AssertionError, match="5 → 6"):
            assert_matches(narrow(framework, 6), baseline)
        if framework == "torch":
            with pytest.raises(AssertionError, match="float32 → float16"):
                assert_matches(narrow(framework, 5).half(), baseline)
        baseline.write_text(json.dumps({**json.loads(baseline.read_text()), "inputs": []}))
        with pytest.raises(BadRequestError, match="needs an input"):
            assert_matches(narrow(framework, 5), baseline)
    # 3x3x3x4 weights and 4 biases, then 4x5 and 5.
    assert check(narrow(framework, 5), shape, max_params=3 * 3 * 3 * 4 + 4 + 4 * 5 + 5).passed
    assert not check(narrow(framework, 5), shape, max_params=3 * 3 * 3 * 4 + 4 + 4 * 5 + 4).passed


@in_child("torch")
def test_a_torch_module_against_its_baseline() -> None:
    drift("torch")


@in_child("tensorflow")
def test_a_keras_model_against_its_baseline() -> None:
    drift("keras")


def test_a_name_is_no_model_and_no_file() -> None:
    with pytest.raises(ModelError, match=r"takes a model and not a name: 'resnet18'"):
        summarize("resnet18")
    with pytest.raises(ModelError, match="resnet18 is not a saved summary: no such file"):
        diff("resnet18", "resnet34")


@needs("torch")
def test_a_first_baseline_makes_its_folder(tmp_path: Path) -> None:
    script(
        f"import os; os.environ['RESNET_INSPECT_UPDATE_BASELINES'] = 'first'; os.chdir({str(tmp_path)!r})\n"
        "from torch import nn\nimport resnet_inspect\n"
        "resnet_inspect.assert_matches(nn.Linear(2, 3), 'kept/net.json', (2,))"
    )
    assert (tmp_path / "kept" / "net.json").exists()
