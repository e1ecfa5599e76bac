"""ONNX files at the command line: formats, inputs, and whatever may be wrong with a file."""

from __future__ import annotations

import json
import random
import re
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from resnet_inspect.errors import BadRequestError, InputError, InspectError, ModelError
from tests.support import onnx_models as models
from tests.support.command import SCHEMA, document, loaded_by, local, needs
from tests.support.onnx_models import by_type, file_of, read

pytestmark = needs("onnx")


def test_the_command_line_shows_a_file_in_every_format(tmp_path: Path) -> None:
    path = file_of(tmp_path, models.residual())
    first, second = local("summary", path, "--format", "json"), local("summary", path, "--format", "json")
    assert first.stdout == second.stdout
    assert str(tmp_path) not in first.stdout
    found = json.loads(first.stdout)
    jsonschema.validate(found, json.loads(SCHEMA.read_text()))
    # 4 x 27 and 4 x 36 weights at 64 places each, 5 x 4 in the classifier; twice as much of a batch of two.
    assert found["totals"]["macs"] == 4 * 27 * 64 + 4 * 36 * 64 + 20
    assert document("summary", path, "--batch", "2")["totals"]["macs"] == 2 * found["totals"]["macs"]
    table = local("summary", path)
    assert (table.returncode, table.stderr) == (0, "")
    assert re.search(r"^Parameters +289$", table.stdout, re.MULTILINE)
    assert "layer1.0.conv1, stem" in table.stdout
    blocks = document("residual", path)
    (block,) = blocks["blocks"]
    assert (block["fork"], block["join"], block["shortcut"]) == ("stem", "layer1.0.add", "identity")
    assert local("summary", "-", text=first.stdout).stdout == table.stdout
    assert not {"torch", "tensorflow", "keras", "onnxruntime"} & loaded_by("summary", path)


def test_two_files_are_compared(tmp_path: Path) -> None:
    old, new = file_of(tmp_path, models.perceptron(), "old.onnx"), tmp_path / "new.onnx"
    same = local("diff", old, old)
    assert (same.returncode, same.stderr) == (0, "")
    new.write_bytes(models.perceptron(width=32).SerializeToString())
    changed = local("diff", old, str(new), "--format", "json", "--fail-on", "params")
    assert changed.returncode == 1
    assert json.loads(changed.stdout)["totals"]["params"] == [8 * 16 + 16 + 16 * 4, 8 * 32 + 32 + 32 * 4]


def test_sizes_of_external_tensors_come_from_the_header_and_their_files_are_never_opened() -> None:
    from onnx import TensorProto

    model = models.written("e (float[1, 5] x) => (float[1, 3] y) { y = MatMul(x, w) }")
    held = model.graph.initializer.add(name="w", data_type=TensorProto.FLOAT, dims=(5, 3))
    held.data_location = TensorProto.EXTERNAL
    held.external_data.add(key="location", value="../../../etc/passwd")
    summary = read(model)
    assert (summary.totals.params, summary.totals.param_bytes, summary.totals.macs) == (15, 60, 15)


def test_open_sizes_are_asked_for_by_name_and_given_by_input(tmp_path: Path) -> None:
    path = file_of(tmp_path, models.looks_up())
    asked = local("summary", path)
    assert (asked.returncode, asked.stdout) == (2, "")
    assert "dimension 1 (steps) of its input 'ids'" in asked.stderr
    assert "--input 1x128" in asked.stderr
    for given in ("ids=3x7:int64", "3x7:int64", "3x7"):
        assert document("summary", path, "--input", given)["totals"]["macs"] == 3 * 7 * 4 * 10
    model = models.looks_up()
    for wrong, error in (
        ({"input_json": '{"words": "3x7"}'}, r"has 1 input\(s\): ids; there is none called 'words'"),
        ({"input_json": '{"ids": "3x7:float32"}'}, "its input 'ids' is int64, got float32"),
        ({"input_json": '["3x7", "3x7"]'}, "has 1 input"),
        ({"input": "3x7x2"}, "the input 'ids' is batchxsteps in the file, got 3x7x2"),
        ({"input": "3x7", "batch": 2}, "batch"),
        ({"arg": {"classes": 3}}, "--arg does not apply"),
        ({"weights": "default"}, "--weights does not apply"),
        ({"mode": "train"}, "--mode does not apply"),
    ):
        with pytest.raises((BadRequestError, InputError), match=error):
            read(model, **wrong)


def test_an_input_that_contradicts_the_file_is_refused_with_both_shapes(tmp_path: Path) -> None:
    path = file_of(tmp_path, models.residual())
    done = local("summary", path, "--input", "3x9x9")
    assert (done.returncode, done.stdout) == (4, "")
    assert "'image' is batchx3x8x8 in the file, got 3x9x9, read as 1x3x9x9" in done.stderr
    assert "Traceback" not in done.stderr
    fixed = models.residual()
    fixed.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1
    with pytest.raises(InputError, match="fixed batch, it can't be 4"):
        read(fixed, batch=4)


def test_a_symbol_stands_for_one_size() -> None:
    model = models.written(
        "s (float[batch, n] a, float[batch, n] b) => (float[batch, n] y) { y = Add(a, b) }",
    )
    summary = read(model, input_json='{"a": "2x5"}')
    assert [tensor.shape for tensor in (*summary.inputs, *summary.outputs)] == [(2, 5)] * 3
    with pytest.raises(InputError, match="n is 6 in the input 'b' of 2x6, but 5 in another"):
        read(model, input_json='["2x5", "2x6"]')


def test_files_that_contradict_themselves_are_damaged() -> None:
    def broken(text: str, **held: Any) -> Any:
        return models.written(f"b (float[1, 4] x) => (float[1, 4] y) {{ {text} }}", **held)

    short = broken("y = MatMul(x, w)", w=(4, 4))
    short.graph.initializer[0].dims[0] = 1 << 40
    negative = broken("y = MatMul(x, w)", w=(4, 4))
    negative.graph.initializer[0].dims[0] = -4
    empty = models.residual()
    empty.ClearField("graph")
    for model, error in (
        (broken("y = Add(z, x)  z = Relu(y)"), "its nodes read one another in a circle"),
        (broken("y = Add(x, nothing)"), "Add '' reads 'nothing', which nothing makes"),
        (broken("y = Relu(x)  y = Tanh(x)"), "the value 'y' is made twice"),
        (short, r"the tensor 'w' needs \d+ bytes and has 64"),
        (negative, "the tensor 'w' has a negative size"),
        (empty, "it holds no graph"),
    ):
        with pytest.raises(ModelError, match=rf"model\.onnx is damaged: {error}"):
            read(model)


def test_nodes_may_stand_in_any_order() -> None:
    model = models.residual()
    nodes = list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend(reversed(nodes))
    summary = read(model)
    assert summary.totals.macs == 4 * 27 * 64 + 4 * 36 * 64 + 20
    assert [layer.id for layer in summary.layers] == [layer.id for layer in read(models.residual()).layers]


def test_what_a_file_claims_of_huge_values_is_not_made() -> None:
    model = models.written(
        """h (float[1, 4] x) => (float[1, 4] y) {
            much = ConstantOfShape(sizes)
            line = Range(start, limit, step)
            tiles = Tile(sizes, many)
            most = ReduceMax<keepdims = 0>(line)
            y = Clip(x, , most)
        }""",
        sizes=[1 << 40, 1 << 20],
        start=[0],
        limit=[1 << 22],
        step=[1],
        many=[1 << 50],
    )
    model.graph.value_info.add(name="line").type.tensor_type.elem_type = 7
    model.graph.value_info[-1].type.tensor_type.shape.dim.add(dim_value=1)
    clip = by_type(read(model))["Clip"]
    assert clip.output_tensors[0].shape == (1, 4)
    assert clip.attribute("max") is None  # 4,194,303, had all numbers been made that the file says are one


def test_constants_of_one_name_in_many_branches_take_time_in_proportion() -> None:
    from onnx import helper

    count = 3_200
    model = models.written("b (float[1, 4] x, bool t) => (float[1, 4] y) { y = Relu(x) }")
    result = helper.make_tensor_value_info("r", 1, [1, 4])
    for place in range(count):
        branches = [
            helper.make_graph(
                [
                    helper.make_node("Constant", [], ["c"], value_floats=[1.0] * size),
                    helper.make_node("Add", ["y" if not place else f"y{place}", "c"], ["r"]),
                ],
                "branch",
                [],
                [result],
            )
            for size in (4, 1)
        ]
        node = helper.make_node("If", ["t"], [f"y{place + 1}"], then_branch=branches[0], else_branch=branches[1])
        model.graph.node.append(node)
    start = time.process_time()
    summary = read(model)
    assert sum(layer.type == "Add" for layer in summary.layers) == count
    # It takes a second or two; that names were made longer by a letter at a time, took eleven.
    assert time.process_time() - start < 6


def test_truncated_and_changed_files_end_with_an_error_or_a_summary(tmp_path: Path) -> None:
    whole = models.residual().SerializeToString()
    (tmp_path / "half.onnx").write_bytes(whole[: len(whole) // 2])
    done = local("summary", str(tmp_path / "half.onnx"))
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.count("\n") == 1
    assert "half.onnx is damaged" in done.stderr
    chance = random.Random(7)
    refused = 0
    for content in (whole, models.quantised().SerializeToString(), models.controlled().SerializeToString()):
        for _ in range(120):
            changed = bytearray(content)
            changed[chance.randrange(2, len(changed))] = chance.randrange(256)
            try:
                read(bytes(changed))
            except InspectError:
                refused += 1
    assert 0 < refused < 360
