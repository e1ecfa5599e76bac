"""What people type as a shape."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resnet_inspect.errors import BadRequestError, InputError
from resnet_inspect.shape import Expected, format_shape, parse_shape, resolve

IMAGE = Expected("NCHW", (1, 3, 224, 224))


@pytest.mark.parametrize("text", ["3x512x512", "3,512,512", "3 512 512", "(3, 512, 512)", "3X512×512"])
def test_separators(text: str) -> None:
    assert parse_shape(text) == (3, 512, 512)


@pytest.mark.parametrize("text", ["", "x", "3xax5", "0x5x5", "-3x5x5", "3.5x2"])
def test_what_is_no_shape(text: str) -> None:
    with pytest.raises(BadRequestError):
        parse_shape(text)


@given(st.lists(st.integers(1, 10**9), min_size=1, max_size=8))
def test_a_formatted_shape_reads_back(sizes: list[int]) -> None:
    assert parse_shape(format_shape(sizes)) == tuple(sizes)


@pytest.mark.parametrize(
    ("sizes", "shape"),
    [
        ((512,), (1, 3, 512, 512)),
        ((480, 640), (1, 3, 480, 640)),
        ((3, 480, 640), (1, 3, 480, 640)),
        ((480, 640, 3), (1, 3, 480, 640)),
        ((8, 3, 480, 640), (8, 3, 480, 640)),
        ((8, 480, 640, 3), (8, 3, 480, 640)),
        ((3, 4, 3), (1, 3, 4, 3)),
    ],
)
def test_readings(sizes: tuple[int, ...], shape: tuple[int, ...]) -> None:
    assert resolve(sizes, IMAGE).shape == shape


def test_only_an_inferred_conversion_is_noted() -> None:
    assert "NHWC" in (resolve((480, 640, 3), IMAGE).note or "")
    assert resolve((480, 640, 3), IMAGE, layout="NHWC").note is None


def test_a_layout_mix_up_is_recognised() -> None:
    assert "--layout NHWC" in (resolve((224, 224, 3), IMAGE, layout="NCHW").hint or "")


def test_too_many_sizes() -> None:
    with pytest.raises(InputError, match="5 sizes"):
        resolve((1, 1, 3, 4, 5), IMAGE)


def test_two_different_batches() -> None:
    with pytest.raises(BadRequestError, match="batch 2"):
        resolve((2, 3, 4, 5), IMAGE, batch=3)
