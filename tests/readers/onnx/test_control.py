"""If, Loop and Scan: what they run is counted, by hand arithmetic."""

from __future__ import annotations

from pathlib import Path

import pytest

from resnet_inspect.ir import Summary
from tests.support import onnx_models as models
from tests.support.command import local, needs
from tests.support.onnx_models import file_of, read

pytestmark = needs("onnx")

_LOOP = "of Loop, one step is shown, with the MACs of all"


def _macs(summary: Summary) -> list[tuple[str, int | None]]:
    return [(layer.type, layer.macs) for layer in summary.layers if layer.type not in ("Input", "Initializer")]


def test_a_branch_and_a_loop_are_the_layers_of_what_they_run(tmp_path: Path) -> None:
    summary = read(models.controlled())
    assert _macs(summary) == [("MatMul", 16), ("MatMul", 16), ("MatMul", 3 * 16)]
    before, branch, loop = summary.layers[2:5]
    assert (branch.inputs, loop.inputs) == ((before.id,), (before.id,))
    assert (loop.shared, loop.attribute("steps")) == (("w1",), 3)
    assert [tensor.shape for tensor in summary.outputs] == [(1, 4), (1, 4)]
    assert (summary.totals.params, summary.unused) == (3 * 4 * 4, ())  # w2 belongs to the branch that isn't shown
    assert summary.trace.reason == f"of If, the branch with more MACs of its own is shown; {_LOOP}"
    path = file_of(tmp_path, models.controlled())
    assert local("check", path, "--strict").returncode == 0


@pytest.mark.parametrize("wide", ["then_branch", "else_branch"])
def test_the_dearer_branch_is_shown(wide: str) -> None:
    narrow = "else_branch" if wide == "then_branch" else "then_branch"
    summary = read(
        models.written(
            f"""b (float[2, 4] x, bool which) => (float[2, 4] z) {{
                y = If(which) <
                    {wide} = a () => (float[2, 8] r) {{ r = MatMul(x, large) }},
                    {narrow} = b () => (float[2, 8] r) {{ h = MatMul(x, small) r = Concat<axis = 1>(h, h) }}
                >
                z = MatMul(y, last)
            }}""",
            large=(4, 8),
            small=(4, 4),
            last=(8, 4),
        )
    )
    assert [kind for kind, _ in _macs(summary)] == ["MatMul", "MatMul"]
    assert (summary.totals.macs, summary.outputs[0].shape) == (2 * 4 * 8 + 2 * 8 * 4, (2, 4))
    assert summary.layers[3].inputs == (summary.layers[2].id,)
    assert summary.totals.uncounted == ()


def test_a_condition_that_the_file_knows_decides() -> None:
    summary = read(
        models.written(
            """k (float[2, 4] x) => (float[2, 4] y) {
                shape = Shape(x)
                rank = Size(shape)
                is_three = Equal(rank, three)
                y = If(is_three) <
                    then_branch = a () => (float[2, 4] r) { r = MatMul(x, w) },
                    else_branch = b () => (float[2, 4] r) { r = Relu(x) }
                >
            }""",
            w=(4, 4),
            three=3,
        )
    )
    assert _macs(summary) == [("Relu", 0)]
    assert (summary.trace.reason, summary.unused) == (None, ("w",))


def test_a_loop_that_data_ends_counts_one_step() -> None:
    summary = read(
        models.written(
            """w (float[1, 4] x, int64 times) => (float[1, 4] y, float[steps, 1, 4] all) {
                y, all = Loop(times, , x) <
                    body = b (int64 i, bool on, float[1, 4] s) => (bool go, float[1, 4] t, float[1, 4] u) {
                        go = Identity(on)
                        t = MatMul(s, w)
                        u = Relu(t)
                    }
                >
            }""",
            w=(4, 4),
        ),
        input=["x=1x4", "times=scalar"],
    )
    assert _macs(summary) == [("MatMul", 16), ("Relu", 0)]
    assert summary.trace.reason == "of Loop, one step is counted"
    assert summary.outputs[0].shape == (1, 4)
    assert summary.outputs[1].dtype == "unknown"


@pytest.mark.parametrize(
    ("times", "go", "macs"), [(5, "Identity(on)", 5 * 16), (0, "Identity(on)", 0), (5, "Not(on)", 16)]
)
def test_a_known_number_of_steps(times: int, go: str, macs: int) -> None:
    summary = read(
        models.written(
            f"""t (float[1, 4] x) => (float[1, 4] y) {{
                y = Loop(times, , x) <
                    body = b (int64 i, bool on, float[1, 4] s) => (bool more, float[1, 4] t) {{
                        more = {go}
                        t = MatMul(s, w)
                    }}
                >
            }}""",
            w=(4, 4),
            times=times,
        )
    )
    assert (summary.totals.macs, summary.outputs[0].shape) == (macs, (1, 4))


def test_a_state_that_grows_is_counted_once() -> None:
    summary = read(
        models.written(
            """g (float[1, 4] x) => (float[n, 4] y) {
                y = Loop(times, , x) <
                    body = b (int64 i, bool on, float[n, 4] s) => (bool more, float[m, 4] t) {
                        more = Identity(on)
                        h = MatMul(s, w)
                        t = Concat<axis = 0>(s, h)
                    }
                >
            }""",
            w=(4, 4),
            times=3,
        )
    )
    assert (summary.totals.macs, summary.trace.reason) == (16, "of Loop, one step is counted")
    assert summary.outputs[0].dtype == "unknown"


def test_a_scan_makes_as_many_steps_as_its_axis_is_long() -> None:
    summary = read(
        models.written(
            """s (float[2, 7, 4] x, float[2, 4] h) => (float[2, 4] last, float[2, 7, 4] all) {
                last, all = Scan<num_scan_inputs = 1, scan_input_axes = [1], scan_output_axes = [1],
                    body = b (float[2, 4] s, float[2, 4] item) => (float[2, 4] t, float[2, 4] u) {
                        a = Add(s, item)
                        t = MatMul(a, w)
                        u = Identity(t)
                    }>(h, x)
            }""",
            w=(4, 4),
        )
    )
    assert _macs(summary) == [("Add", 0), ("MatMul", 7 * 2 * 4 * 4), ("Identity", 0)]
    assert [tensor.shape for tensor in summary.outputs] == [(2, 4), (2, 7, 4)]
    assert set(summary.layers[2].inputs) == {"x", "h"}
    assert summary.trace.reason == "of Scan, one step is shown, with the MACs of all"


def test_steps_of_loops_in_one_another_multiply_and_no_file_makes_them_endless() -> None:
    def nested(times: int) -> Summary:
        return read(
            models.written(
                """n (float[1, 4] x) => (float[1, 4] y) {
                    y = Loop(times, , x) <
                        body = b (int64 i, bool on, float[1, 4] s) => (bool more, float[1, 4] t) {
                            more = Identity(on)
                            t = Loop(times, , s) <
                                body = c (int64 i, bool on, float[1, 4] s) => (bool more, float[1, 4] t) {
                                    more = Identity(on)
                                    t = MatMul(s, w)
                                }
                            >
                        }
                    >
                }""",
                w=(4, 4),
                times=times,
            )
        )

    assert nested(5).totals.macs == 25 * 16
    assert nested(1 << 40).totals.macs == (1 << 40) * 16  # the outer loop counts once


def test_sizes_without_a_name_are_different_ones() -> None:
    model = models.written("q (float[a, 4] x, float[a, 4] y) => (float[a, 4] z) { z = Concat<axis = 0>(x, y) }")
    for value in model.graph.input:
        value.type.tensor_type.shape.dim[0].dim_param = "?"
    summary = read(model, input=["x=2x4", "y=3x4"])
    assert summary.outputs[0].shape == (5, 4)


def test_a_scalar_can_be_asked_for(tmp_path: Path) -> None:
    model = models.written("s (float[n, k] x, float t) => (float[n, k] y) { y = Mul(x, t) }")
    path = file_of(tmp_path, model)
    for given in (("2x4", "scalar"), ("x=2x4", "t=scalar")):
        done = local("summary", path, "--input", given[0], "--input", given[1])
        assert (done.returncode, done.stderr) == (0, ""), given
