"""Settings in the one form that all readers give them."""

from __future__ import annotations

import pytest

from resnet_inspect.ir import Value
from resnet_inspect.ops.attributes import clamped, dimension_or_several, in_each_dimension, pad, padded


def test_one_number_stands_for_all_dimensions() -> None:
    assert in_each_dimension(3, 2) == in_each_dimension((3,), 2) == (3, 3)
    assert in_each_dimension((None, 7), 2) == (None, 7)


def test_one_dimension_is_a_number_and_several_are_a_row() -> None:
    assert dimension_or_several((1,)) == dimension_or_several(1) == 1
    assert dimension_or_several((2, 3)) == (2, 3)
    assert dimension_or_several(None) is None


@pytest.mark.parametrize(
    ("limits", "word"),
    [((0.0, 6.0), "relu6"), ((-1, 1), "hard_tanh"), ((0, None), "clamp"), ((-2, 2), "clamp"), ((None, None), "clamp")],
)
def test_limits_tell_the_word(limits: tuple[Value, Value], word: str) -> None:
    op, settings = clamped({"x_min": limits[0], "x_max": limits[1], "other": True}, "x_min", "x_max")
    assert op == word
    assert (settings.get("min"), settings.get("max")) == limits
    assert settings["other"] is True


def test_limits_are_called_min_and_max_unless_they_have_other_names() -> None:
    assert clamped({"min": 0, "max": 6, "inplace": True}) == ("relu6", {"min": 0, "max": 6, "inplace": True})
    assert clamped({"min": 1}) == ("clamp", {"min": 1})


def test_a_pad_has_the_dimensions_from_the_first_padded_one_on() -> None:
    assert pad([(0, 0), (0, 0), (1, 2), (0, 0)]) == {"padding": ((1, 2), 0), "mode": "constant", "value": 0}
    assert pad([(1, 1)], "reflect", 0.5) == {"padding": (1,), "mode": "reflect"}
    assert pad([(0, 0)])["padding"] == ()


def test_torchs_pad_has_the_last_dimension_first() -> None:
    assert padded(4, (1, 2, 3, 4)) == ("zero_pad2d", {"padding": ((3, 4), (1, 2))})
    assert padded(3, (1, 2)) == ("pad", {"padding": ((1, 2),), "mode": "constant", "value": 0})
    assert padded(4, (0, 0, 1, 1), "replicate") == ("pad", {"padding": (1, 0), "mode": "replicate"})
    assert padded(4, (-1, 0, 0, 0)) == ("pad", {"padding": ((-1, 0),), "mode": "constant", "value": 0})
    assert padded(4, None) is None
    assert padded(4, (1, "n")) is None
