"""Saved summaries that somebody else wrote or changed: read and shown in every format, or one clear error."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resnet_inspect import ir_json
from resnet_inspect.analysis.residual import residual_blocks
from resnet_inspect.checks.sizes import drops
from resnet_inspect.checks.structure import EqualSkips
from resnet_inspect.diffs import compare
from resnet_inspect.errors import InspectError, ModelError
from resnet_inspect.ir import Summary
from resnet_inspect.render import FORMATS, View, render
from resnet_inspect.render.columns import every
from resnet_inspect.render.diff import DiffView
from resnet_inspect.render.diff import render as render_diff
from resnet_inspect.render.report import render as render_report
from resnet_inspect.render.report.residual import report
from tests.support.command import local
from tests.support.examples import examples

FIXTURES = Path(__file__).parents[1] / "fixtures"
REAL: list[dict[str, Any]] = [json.loads((FIXTURES / name).read_text()) for name in ("block-1.json", "module-1.json")]

#: What stands in place of any value of a real summary.
ODD: list[Any] = [
    None, True, False, 0, 1, -1, 2**40, 10**59, 10**99, -(10**99), 0.5, 1e308, float("nan"), float("inf"), "", "a",
    "1x3", "\x1b[31m", "a\nb", "a.b.c", ".", "..", "\u202e", [], [1], [-1], [[1, 2], [3]], ["a"], [None], {}, {"a": 1},
    {"a": {"b": []}}, [0] * 65, [10**18] * 4, "x" * 5000,
]  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every value in a document, its own aside."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, item in inner for place in ((*path, key), *places(item, (*path, key)))]


def changed(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    """A copy with another value at a path, or without it for ``...``."""
    document = copy.deepcopy(document)
    target = document
    for key in path[:-1]:
        target = target[key]
    if value is ...:
        del target[path[-1]]
    else:
        target[path[-1]] = value
    return document


def shown(summary: Summary) -> None:
    """A summary in every format and with every column; what it can't show is an InspectError."""
    for view in (View(), View(depth=1), View(rails=True), View(columns=every(View())), View(optimizer="adam")):
        for name in FORMATS:
            try:
                render(summary, name, view)
            except InspectError:
                continue
    render_report(report(summary), "table")
    drops(summary)
    render_diff(compare(summary, summary, any_input=True), "table", DiffView())
    assert ir_json.loads(ir_json.dumps(summary)) == summary


@given(st.sampled_from(REAL), st.data())
@examples(60)
def test_a_changed_summary_is_shown_or_refused(real: dict[str, Any], data: st.DataObject) -> None:
    document = real
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(places(document)))
        document = changed(document, path, data.draw(st.sampled_from([*ODD, ...])))
    try:
        summary = ir_json.loads(json.dumps(document))
    except ModelError as error:
        assert len(str(error)) < 400  # noqa: PT017 - an error is one of two good ends
        return
    shown(summary)


def test_edges_to_nowhere_and_numbers_that_are_none_are_damage() -> None:
    for path, value in [
        (("layers", 1, "inputs", 0), "nowhere"),
        (("layers", 1, "inputs", 0), "relu2"),
        (("layers", 1, "output_shapes", 0, 0), -1),
        (("layers", 1, "macs"), 1.5),
        (("layers", 1, "macs"), 10**99),
        (("layers", 1, "parameters", 0, "shape"), [10**60, 10**60]),
        (("layers", 1, "called"), 1),
        (("model", "weights"), {}),
    ]:
        with pytest.raises(ModelError, match=r"damaged.{1,250}$"):
            ir_json.loads(json.dumps(changed(REAL[0], path, value)))


def test_a_path_of_thousands_of_modules_is_shown_in_every_format() -> None:
    path = ".".join("a" * 5000)
    document = changed(REAL[0], ("layers", 1, "path"), path)
    document["modules"] |= {path[: 2 * depth + 1]: "Inner" for depth in range(5000)}
    summary = ir_json.loads(json.dumps(document))
    for name in FORMATS:
        for view in (View(), View(depth=3)):
            assert render(summary, name, view)


def test_paths_of_thousands_of_modules_are_refused_where_there_are_many(tmp_path: Path) -> None:
    layer = {**REAL[0]["layers"][0], "inputs": []}
    layers = [{**layer, "id": f"{number}", "path": "a." * 3000 + str(number)} for number in range(500)]
    (tmp_path / "deep.json").write_text(json.dumps({**REAL[0], "layers": layers}))
    result = local("summary", str(tmp_path / "deep.json"), "--format", "tree")
    assert result.returncode == 3
    assert "nested too deeply" in result.stderr


def of(layers: list[dict[str, Any]]) -> dict[str, Any]:
    """A summary of these layers, with their totals."""
    sums = {key: sum(layer[key] or 0 for layer in layers) for key in ("params", "macs")}
    return {**REAL[0], "layers": layers, "totals": {**REAL[0]["totals"], **sums}}


def test_totals_that_are_not_the_layers_were_changed_by_hand() -> None:
    for key in ("params", "macs"):
        with pytest.raises(ModelError, match=f"changed by hand: its totals say 7 {key}, its layers have"):
            ir_json.loads(json.dumps(changed(REAL[0], ("totals", key), 7)))


@pytest.mark.parametrize(
    ("where", "value", "said"),
    [
        (("layers", 1, "op"), 5, r"layer 2 \(conv1\): its op, 5 is of the wrong kind"),
        (("layers", 1, "inputs"), ["nobody"], "layer conv1: an edge that doesn't run forward"),
        (("trace",), {"method": "rules"}, "it has no 'reason'"),
        (("inputs",), 3, "3 is of the wrong kind|not iterable"),
    ],
)
def test_damage_is_located(where: tuple[Any, ...], value: Any, said: str) -> None:
    with pytest.raises(ModelError, match=said):
        ir_json.loads(json.dumps(changed(REAL[0], where, value)))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-8"])
def test_what_powershell_writes_is_read(tmp_path: Path, encoding: str) -> None:
    plain, other = tmp_path / "plain.json", tmp_path / "other.json"
    text = json.dumps(REAL[0])
    plain.write_text(text)
    other.write_bytes(b"\xff\xfe" * (encoding == "utf-16-le") + text.encode(encoding))
    done = local("diff", str(plain), str(other))
    assert (done.returncode, done.stdout.splitlines()[1:]) == (0, ["No difference"])


def test_thousands_of_strides_dont_grow_a_number_that_cant_be_printed() -> None:
    """Each doubles the step between outputs: 2**20000 has 6,020 digits."""
    (conv,) = [layer for layer in REAL[0]["layers"] if layer["id"] == "conv1"]
    layers = [REAL[0]["layers"][0]]
    for number in range(20_000):
        before = layers[-1]["id"]
        attributes = {**conv["attributes"], "stride": [2, 2]}
        layers.append({**conv, "id": f"c{number}", "path": f"c{number}", "inputs": [before], "attributes": attributes})
    summary = ir_json.loads(json.dumps(of(layers)))
    lines = render(summary, "csv", View(columns=("path", "rf_stride"))).splitlines()
    assert (lines[3], lines[-1]) == ("c1,4", "c19999,")


def added(count: int, reads: Any) -> Summary:
    """Additions in a row; ``reads(number)`` are the places of what each reads, 0 being the input."""
    (first, *_), add = REAL[0]["layers"], next(layer for layer in REAL[0]["layers"] if layer["op"] == "add")
    layers = [first]
    shapes = {"input_shapes": add["input_shapes"][:1] * 2, "output_shapes": add["input_shapes"][:1]}
    for number in range(count):
        inputs = [layers[place]["id"] for place in reads(number)]
        layers.append({**add, **shapes, "id": f"a{number}", "path": f"a{number}", "inputs": inputs})
    return ir_json.loads(json.dumps(of(layers)))


def test_paths_whose_number_has_thousands_of_digits() -> None:
    """Every second addition doubles them: 2**15000 has 4,516 digits, and Python writes 4,300."""
    found = report(added(30_000, lambda number: (number, number - number % 2)))
    assert "2^15000 = 2.81e4515" in render_report(found, "table")
    assert json.loads(render_report(found, "json"))["network"]["paths"] is None


def test_skips_within_skips_are_refused_in_time() -> None:
    """4,000 forks, then their 4,000 additions, the innermost first: each is looked at from its fork on."""
    with pytest.raises(ModelError, match="nested too deeply to search for residual blocks"):
        residual_blocks(added(8_000, lambda number: (number, number if number < 4_000 else 8_000 - number)))


def test_layers_without_outputs_and_with_fewer_shapes_than_inputs() -> None:
    for document in REAL:
        for place in range(len(document["layers"])):
            for side in ("input", "output"):
                changed_one = document
                for part in ("shapes", "dtypes", "layouts"):
                    changed_one = changed(changed_one, ("layers", place, f"{side}_{part}"), [])
                summary = ir_json.loads(json.dumps(changed_one))
                assert all(len(layer.inputs) == len(layer.input_tensors) for layer in summary.layers)
                shown(summary)
                list(EqualSkips().check(summary))


@pytest.mark.parametrize(
    "text",
    [
        b"", b"{", b"[" * 100_000, b'{"schema_version": ' + b"1" * 5000 + b"}",
        b'{"schema_version": "' + b"x" * 10**6 + b'"}',
        b"\xff\xfe\x00", b'{"schema_version": 1, "model": "\\ud800"}', b"\0" * 100, b'{"schema_version": NaN}',
        b'{"schema_version":' + b"[" * 700 + b"]" * 700 + b"}",
    ],
    ids=range(10),
)  # fmt: skip
def test_what_is_no_summary_is_one_short_line(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "net.json"
    path.write_bytes(text)
    for command in (
        ("summary", str(path)),
        ("diff", str(path), "resnet18"),
        ("check", str(path), "--max-params", "1M"),
    ):
        done = local(*command)
        assert done.returncode == 3, (command, done.stdout, done.stderr)
        said = done.stderr + done.stdout * (command[0] == "check")
        assert "a bug" not in said
        assert "Traceback" not in said
        assert len(said) < 1000


def test_a_summary_larger_than_any_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "net.json"
    with path.open("wb") as file:
        file.write(b'{"schema_version": 1')
        file.truncate(2**36)
    done = local("summary", str(path))
    assert (done.returncode, done.stdout) == (3, "")
    assert "more than the 67108864 that are read" in done.stderr
