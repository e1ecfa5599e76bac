"""Real arrays for the inputs that a Keras model declares."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.command import needs, run

_NET = """
import keras

def build():
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])

def given():
    return keras.ops.zeros({shape})
"""


@needs("tensorflow")
@pytest.mark.parametrize(("shape", "said"), [((), "scalar"), ((4,), "4")])
def test_an_array_of_another_rank_than_declared_is_refused_by_name(
    shape: tuple[int, ...], said: str, tmp_path: Path
) -> None:
    path = tmp_path / "net.py"
    path.write_text(_NET.format(shape=shape))
    done = run("summary", f"{path}:build", "--input-from", f"{path}:given", warm="keras")
    assert done.returncode == 4
    assert done.stderr.strip().endswith(f"the input input is ?x4, got {said}")
