"""The identity experiment, on the real frameworks."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from resnet_inspect.blocks.residual import BlockSpec
from resnet_inspect.errors import InputError, ModelError
from resnet_inspect.readers.identity import Experiment, measured, spread_over
from resnet_inspect.readers.inputs import Shapes
from resnet_inspect.readers.request import Request
from resnet_inspect.render.report import identity as rendered
from resnet_inspect.render.report import render
from tests.support.command import SCHEMA, in_child, local, needs, run


def experiments(framework: str) -> Any:
    """The module of a framework's experiments."""
    if framework == "torch":
        from resnet_inspect.readers.torch import identity as torch_identity

        return torch_identity
    from resnet_inspect.readers.keras import identity as keras_identity

    return keras_identity


def check_block(framework: str) -> None:
    """A zeroed branch and a zeroed last gamma are the identity; the usual initialisation is far from it."""
    for kind in ("basic", "bottleneck", "preactivation"):
        request = Request("residual_block", inputs=Shapes(((24, 24, 3),)))
        found = experiments(framework).block(BlockSpec(kind=kind), request, 0)
        zero, usual, gamma = found.cases
        assert zero.identical
        assert zero.max_difference == zero.relative_difference == 0
        assert not usual.identical
        assert usual.relative_difference > 0.01
        # A pre-activated branch ends with a convolution, whose bias (torch's isn't zero) is behind the last gamma.
        assert gamma.identical or (kind == "preactivation" and framework == "torch")
        assert experiments(framework).block(BlockSpec(kind=kind), request, 0) == found
        assert experiments(framework).block(BlockSpec(kind=kind), request, 1) != found


def check_network(found: Experiment, insert: int, params: int) -> None:
    """Zeroed blocks change no bit of the logits, and cost what they cost; without shortcuts nothing gets through."""
    base, zero, plain, usual, usual_plain = found.cases
    assert base.identical
    assert (base.agreement, base.spread) == (1.0, 1.0)
    assert zero.identical
    assert (zero.max_difference, zero.agreement, zero.spread) == (0.0, 1.0, 1.0)
    assert {case.params for case in found.cases[1:]} == {base.params + params}  # type: ignore[operator]
    assert zero.macs == usual.macs == plain.macs > base.macs  # type: ignore[operator]
    assert not plain.identical
    # Every input gives the same logits: the classifier's bias.
    assert plain.spread == 0.0
    assert not usual.identical
    assert usual.spread is not None
    assert usual_plain.spread is not None
    assert usual.spread > 0.5
    # With shortcuts the usual weights let the signal through, without them the less the more layers there are.
    assert usual_plain.spread < (1e-3 if insert == 20 else usual.spread)
    assert zero.name == f"+{insert} blocks, branch at zero"


@in_child("torch")
def test_a_block_in_torch() -> None:
    import torch

    torch.manual_seed(7)
    before = torch.get_rng_state()
    check_block("torch")
    assert torch.equal(torch.get_rng_state(), before)


@in_child("tensorflow")
def test_a_block_in_keras() -> None:
    import random

    import numpy

    def states() -> tuple[object, str]:
        return random.getstate(), repr(numpy.random.get_state())

    before = states()
    check_block("keras")
    assert states() == before


@in_child("torch")
def test_twenty_blocks_in_torchs_resnet50() -> None:
    request = Request("resnet50", inputs=Shapes(((3, 64, 64),)))
    # Five a stage of 4w channels: w x 4w twice, 9 w x w, and a pair for each of w + w + 4w normalised channels.
    params = 5 * sum(8 * w * w + 9 * w * w + 2 * 6 * w for w in (64, 128, 256, 512))
    check_network(experiments("torch").network(request, 20, 0), 20, params)


@in_child("torch")
def test_a_few_blocks_in_torchs_resnet18() -> None:
    """Two blocks of two 3x3 convolutions: after the first two stages, of 64 and 128 channels."""
    request = Request("resnet18", inputs=Shapes(((3, 64, 64),)))
    found = experiments("torch").network(request, 2, 3)
    check_network(found, 2, sum(2 * 9 * w * w + 2 * 2 * w for w in (64, 128)))
    assert experiments("torch").network(request, 2, 3) == found


@in_child("tensorflow")
def test_blocks_in_keras_resnet50() -> None:
    """Keras' convolutions have a bias, and statistics are parameters."""
    request = Request("ResNet50", inputs=Shapes(((64, 64, 3),)))
    params = sum(8 * w * w + 9 * w * w + 6 * w + 4 * 6 * w for w in (64, 128, 256, 512))
    check_network(experiments("keras").network(request, 4, 0), 4, params)


@in_child("tensorflow")
def test_blocks_in_keras_resnet50v2() -> None:
    """Pre-activated: norms of 4w, w and w channels, a bias in the last convolution only."""
    request = Request("ResNet50V2", inputs=Shapes(((64, 64, 3),)))
    params = sum(8 * w * w + 9 * w * w + 4 * w + 4 * 6 * w for w in (64, 128, 256, 512))
    check_network(experiments("keras").network(request, 4, 0), 4, params)


@in_child("torch")
def test_variants_share_what_is_the_same_in_torch() -> None:
    from torch import nn

    torch_identity = experiments("torch")
    made: list[nn.Module] = []
    deeper: list[nn.Module] = []
    initialise, extend = nn.Conv2d.reset_parameters, torch_identity._deeper

    def initialised(conv: nn.Conv2d) -> None:
        made.append(conv)
        initialise(conv)

    def extended(*given: Any) -> nn.Module:
        deeper.append(extend(*given))
        return deeper[-1]

    nn.Conv2d.reset_parameters = initialised
    torch_identity._deeper = extended
    torch_identity.network(Request("resnet18", inputs=Shapes(((3, 32, 32),))), 4, 0)
    # 20 convolutions of a ResNet18, and two in each of four blocks, for both kinds of branches.
    assert len(made) == 20 + 2 * 4 * 2
    weights = [{id(parameter) for parameter in model.parameters()} for model in deeper]
    assert weights[0] == weights[1]
    assert weights[2] == weights[3]
    own = {id(parameter) for name, parameter in deeper[0].named_parameters() if not name.startswith("layer")}
    assert own <= weights[2]


@in_child("tensorflow")
def test_variants_share_what_is_the_same_in_keras() -> None:
    import keras

    built: list[Any] = []
    build = keras.layers.Conv2D.build

    def seen(layer: Any, shape: Any) -> None:
        built.append(layer)
        build(layer, shape)

    keras.layers.Conv2D.build = seen
    experiments("keras").network(Request("ResNet50", inputs=Shapes(((32, 32, 3),))), 4, 0)
    # 53 convolutions of a ResNet50, and three in each of four blocks, for both kinds of branches.
    assert len(built) == 53 + 2 * 4 * 3


def test_blocks_are_spread_evenly() -> None:
    assert spread_over(20, 4) == [5, 5, 5, 5]
    assert spread_over(6, 4) == [2, 2, 1, 1]
    assert spread_over(1, 4) == [1, 0, 0, 0]


def test_what_isnt_finite_isnt_a_number_in_json() -> None:
    numpy = pytest.importorskip("numpy", reason="comes with the frameworks, which CI installs")
    case = measured("odd", numpy.array([1.0], "float32"), numpy.array([numpy.inf], "float32"))
    assert (case.identical, case.max_difference, case.relative_difference) == (False, None, None)
    text = render(rendered.report(Experiment("torch", "block, basic", 0, (1, 3, 4, 4), (case,))), "table")
    assert text.count("n/a") == 2


@in_child("torch")
def test_the_json_is_as_its_schema_says() -> None:
    found = experiments("torch").block(BlockSpec(), Request("residual_block", inputs=Shapes(((24, 24, 3),))), 0)
    document = json.loads(render(rendered.report(found), "json"))
    jsonschema.validate(document, json.loads(SCHEMA.with_name("identity-1.schema.json").read_text()))
    assert [case["identical"] for case in document["cases"]] == [True, False, True]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["block", "--insert", "3"], 2, "--insert goes with a network"),
        (["resnet50", "--kind", "basic"], 2, "--kind goes with block"),
        (["local:resnet50"], 2, "has no tensors to run"),
    ],
)
def test_bad_requests(arguments: list[str], code: int, words: str) -> None:
    done = local("identity", *arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert words in done.stderr
    assert done.stderr.count("\n") == 1


@in_child("torch")
def test_what_has_no_identity() -> None:
    request = Request("residual_block", inputs=Shapes(((24, 24, 3),)))
    with pytest.raises(InputError, match="the branch gives 8x24x24"):
        experiments("torch").block(BlockSpec(filters=8), request, 0)
    with pytest.raises(ModelError, match="no stages to insert blocks into"):
        experiments("torch").network(Request("squeezenet1_1"), 20, 0)


@in_child("tensorflow")
def test_what_has_no_stages_in_keras() -> None:
    with pytest.raises(ModelError, match="no stages to insert blocks into"):
        experiments("keras").network(Request("MobileNet"), 20, 0)


@needs("torch")
def test_the_command_shows_a_small_table() -> None:
    done = run("identity", "block", "--kind", "bottleneck", "--shape", "24x24x8", warm="torch")
    assert (done.returncode, done.stderr) == (0, "")
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in done.stdout.splitlines() if "│" in line]
    assert [row[:3] for row in rows if row[1] == "yes"] == [
        ["branch at zero", "yes", "0"],
        ["last gamma at zero", "yes", "0"],
    ]
    assert "Expected    the input, rectified\n" in done.stdout
