"""Options that build a model: said once, and the same for the command line, a file, a request line and Python."""

from __future__ import annotations

import inspect
import json
from dataclasses import asdict
from typing import Any

import click
import pytest

from resnet_inspect import api
from resnet_inspect.cli import COMMANDS, cli, config
from resnet_inspect.cli.requests import read_request
from resnet_inspect.errors import BadRequestError
from resnet_inspect.readers.inputs import CallJson, RequestInputs, Shapes, UserFunction, from_fields, read_inputs
from resnet_inspect.readers.options import OPTIONS, SHARED, command_line
from resnet_inspect.readers.request import Request

#: A value of each option, but for those of which only one may describe the inputs.
VALUES: dict[str, Any] = {
    "batch": 2,
    "dtype": "float16",
    "mode": "train",
    "layout": "NHWC",
    "arg": {"num_classes": 10, "sizes": (1, (2, 3)), "name": "wide", "none": None},
    "flavor": "keras",
    "decode": 1024,
    "weights": "net.pth",
}
INPUTS: list[tuple[dict[str, Any], RequestInputs]] = [
    ({}, Shapes()),
    ({"input": "3x8x8"}, Shapes(((3, 8, 8),))),
    ({"input": ["3x8x8", "10"]}, Shapes(((3, 8, 8), (10,)))),
    ({"input": ["ids=1x8:int64"]}, CallJson('{"args": [], "kwargs": {"ids": "1x8:int64"}}')),
    ({"input_json": '["1x8"]'}, CallJson('{"args": ["1x8"], "kwargs": {}}')),
    ({"input_json": ["1x8"]}, CallJson('{"args": ["1x8"], "kwargs": {}}')),
    ({"input_from": "net:real"}, UserFunction("net:real")),
]


def test_values_are_there_for_every_option() -> None:
    """A new option is tested below as the others are."""
    described = {"backend", "input", "input-json", "input-from"}
    assert {option.parameter for option in OPTIONS.values()} - set(VALUES) == {
        OPTIONS[name].parameter for name in described
    }


@pytest.mark.parametrize(("given", "inputs"), INPUTS)
def test_a_request_and_its_options_are_the_same(given: dict[str, Any], inputs: RequestInputs) -> None:
    request = Request.from_options("net", **given, **VALUES)
    assert request.inputs == inputs
    assert Request.from_options("net", **request.options()) == request
    assert from_fields(json.loads(json.dumps(asdict(inputs)))) == inputs
    assert {
        key: getattr(request, key) for key in ("batch", "dtype", "mode", "layout", "flavor", "decode", "weights")
    } == {key: value for key, value in VALUES.items() if key != "arg"}
    assert request.arguments == tuple(VALUES["arg"].items())


def test_a_request_without_options_is_the_default_one() -> None:
    assert (
        Request.from_options(
            "resnet50", **dict.fromkeys(option.parameter for option in OPTIONS.values() if option.name != "backend")
        )
        == Request()
    )
    assert Request().options() == {}


@pytest.mark.parametrize(("given", "inputs"), INPUTS)
def test_the_command_line_of_a_request_asks_for_it_again(given: dict[str, Any], inputs: RequestInputs) -> None:
    words = command_line(Request.from_options("net", **given, **VALUES).options())
    command = cli.get_command(click.Context(cli), "summary")
    assert command is not None
    parsed = command.make_context("summary", ["net", *words]).params
    from resnet_inspect.cli.options import parse_arguments

    options = {option.parameter: parsed[option.parameter] for option in OPTIONS.values() if option.name != "backend"}
    again = Request.from_options("net", **{**options, "arg": dict(parse_arguments(options["arg"]))})
    assert again == Request.from_options("net", **given, **VALUES)


@pytest.mark.parametrize("command", ["summary", "residual", "compare", "diff", "check"])
def test_commands_that_build_have_all_options(command: str) -> None:
    found = cli.get_command(click.Context(cli), command)
    assert found is not None
    flags = {flag for parameter in found.params for flag in parameter.opts}
    assert {f"--{option.name}" for option in SHARED} <= flags
    assert ("--weights" in flags) == (command == "summary")


def test_no_command_has_a_building_option_of_its_own_making() -> None:
    """One of the same name takes the same values, wherever it is."""
    for command in COMMANDS:
        found = cli.get_command(click.Context(cli), command)
        assert found is not None
        for parameter in found.params:
            option = OPTIONS.get(parameter.opts[0].removeprefix("--"))
            if option and option.kind.choices and isinstance(parameter.type, click.Choice):
                assert set(parameter.type.choices) <= set(option.kind.choices), (command, option.name)


def test_files_and_request_lines_and_python_take_the_same() -> None:
    assert {option.setting or option.name for option in SHARED} <= set(config.keys())
    with pytest.raises(
        BadRequestError, match="There are id, model, " + ", ".join(option.name for option in SHARED[:8])
    ):
        read_request({"qqqqq": 1})
    told = (cli.get_command(click.Context(cli), "batch") or cli).help or ""
    assert all(option.name in told for option in SHARED)
    for function in (api.summarize, api.check):
        names = set(inspect.signature(function).parameters) & {"input", "batch", "dtype", "mode"}
        assert names <= {option.parameter for option in OPTIONS.values()}
        assert len(names) == 4


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"bach": 2}, "no such option: bach. Did you mean batch?"),
        ({"batch": 0}, "batch must be a whole number from 1 on, of 18 digits at most, got 0"),
        ({"batch": 2.0}, "batch must be a whole number"),
        ({"batch": True}, "batch must be a whole number"),
        ({"dtype": "int4"}, "dtype must be one of float32, float64, float16, bfloat16, got 'int4'"),
        ({"mode": "training"}, "mode must be one of eval, train, got 'training'"),
        ({"input": [3, 8, 8]}, "input must be text or a list of texts"),
        ({"arg": ["a=1"]}, "arg must be names and their values"),
        ({"input": "8", "input_json": {}}, "--input and --input-json both describe the model's inputs"),
        ({"input_json": "[]", "input_from": "a:b"}, "--input-json and --input-from both describe"),
        ({"input_json": "{"}, "can't be read as JSON"),
    ],
)
def test_what_is_wrong_is_said_in_the_same_words(given: dict[str, Any], words: str) -> None:
    with pytest.raises(BadRequestError) as raised:
        Request.from_options("net", **given)
    assert words in str(raised.value)


def test_a_backend_is_no_part_of_a_request() -> None:
    with pytest.raises(TypeError, match="has no backend"):
        Request.from_options("net", backend="torch")


@pytest.mark.parametrize("setting", ["backend", "dtype", "mode", "layout", "flavor"])
def test_a_file_takes_the_words_that_the_command_line_does(setting: str) -> None:
    with pytest.raises(BadRequestError, match=f"{setting} must be one of"):
        config.keys()[setting].check(setting, "nothing")


def test_inputs_are_read_alike_with_and_without_names() -> None:
    assert read_inputs(["3x8x8"]) == Shapes(((3, 8, 8),))
    assert read_inputs(["1x3x8x8:float16", "mask=scalar:bool"]) == CallJson(
        '{"args": ["1x3x8x8:float16"], "kwargs": {"mask": "scalar:bool"}}'
    )
