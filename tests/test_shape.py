"""What people type as a shape."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resnet_inspect.errors import BadRequestError, InputError
from resnet_inspect.shape import (
    CHANNELS_FIRST,
    MOST_SIZE,
    Expected,
    format_shape,
    order,
    parse_shape,
    resolve,
    twin,
)

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


CHANNELS_LAST = Expected("NHWC", (1, 224, 224, 3))
SINGLE = Expected("CHW", (3, 224, 224))


@pytest.mark.parametrize(
    ("expected", "sizes", "layout", "batch", "shape"),
    [
        # One size or two keep the model's own channels, wherever they are.
        (CHANNELS_LAST, (5,), None, None, (1, 5, 5, 3)),
        (CHANNELS_LAST, (5, 6), None, 4, (4, 5, 6, 3)),
        (SINGLE, (5, 6), None, None, (3, 5, 6)),
        (SINGLE, (3, 5, 6), None, None, (3, 5, 6)),
        (SINGLE, (5, 6, 3), None, 2, (3, 5, 6)),
        # Channels are 1, 3 or 4 at one end.
        *((IMAGE, (5, 6, channels), None, None, (1, channels, 5, 6)) for channels in (1, 3, 4)),
        (IMAGE, (5, 6, 2), None, None, (1, 5, 6, 2)),
        (IMAGE, (3, 6, 4), None, None, (1, 3, 6, 4)),
        (CHANNELS_LAST, (3, 5, 6), None, None, (1, 5, 6, 3)),
        (CHANNELS_LAST, (3, 6, 4), None, None, (1, 3, 6, 4)),
        # What --layout says is so.
        (IMAGE, (3, 6, 8), "NHWC", None, (1, 8, 3, 6)),
        (CHANNELS_LAST, (8, 6, 3), "NCHW", None, (1, 6, 3, 8)),
        (CHANNELS_LAST, (8, 6, 3), "NHWC", None, (1, 8, 6, 3)),
        (IMAGE, (2, 3, 5, 6), None, 2, (2, 3, 5, 6)),
        (IMAGE, (3, 5, 6), None, 7, (7, 3, 5, 6)),
        # Lines and volumes.
        (Expected("NCL", (1, 3, 9)), (3, 5), None, None, (1, 3, 5)),
        (Expected("NCL", (1, 8, 9)), (5, 3), None, None, (1, 3, 5)),
        (Expected("NDHWC", (1, 4, 5, 6, 3)), (3, 7, 8, 9), None, None, (1, 7, 8, 9, 3)),
        (Expected("NCDHW", (1, 3, 4, 5, 6)), (8, 9), None, None, (1, 3, 4, 8, 9)),
    ],
)
def test_sizes_in_the_models_own_layout(
    expected: Expected, sizes: tuple[int, ...], layout: str | None, batch: int | None, shape: tuple[int, ...]
) -> None:
    found = resolve(sizes, expected, layout, batch)
    assert (found.shape, found.layout) == (shape, expected.layout)


def test_what_is_told_of_a_conversion() -> None:
    found = resolve((480, 640, 3), IMAGE)
    assert found.note == "input 480x640x3 was read as NHWC and converted to NCHW: 3x480x640"
    assert resolve((3, 480, 640), CHANNELS_LAST).note == (
        "input 3x480x640 was read as NCHW and converted to NHWC: 480x640x3"
    )
    assert resolve((3, 480, 640), IMAGE).note is None
    hint = resolve((224, 224, 3), IMAGE, layout="NCHW").hint
    assert hint == "224x224x3 looks like NHWC: did you mean --layout NHWC?"
    assert resolve((3, 224, 224), IMAGE, layout="NHWC").hint == "3x224x224 looks like NCHW: did you mean --layout NCHW?"
    # Channels that are the model's own, and an end that isn't, are not a mix-up; without --layout nothing is said.
    for sizes, layout in (((3, 5, 3), "NCHW"), ((5, 6, 7), "NCHW"), ((3, 5, 6), None), ((5, 6, 3), None)):
        assert resolve(sizes, IMAGE, layout=layout).hint is None


def test_numbers_of_sizes_that_no_reading_fits() -> None:
    said = "5x5x5x5x5 has 5 sizes; this model reads CxHxW or NxCxHxW, for example 3x224x224"
    with pytest.raises(InputError) as found:
        resolve((5,) * 5, IMAGE)
    assert str(found.value) == said
    with pytest.raises(InputError, match=r"this model reads CxHxW, for example 3x224x224$"):
        resolve((1, 3, 5, 6), SINGLE)
    with pytest.raises(InputError, match="1 sizes; this model reads CxL or NxCxL, for example 3x9"):
        resolve((5,), Expected("NCL", (1, 3, 9)))
    with pytest.raises(BadRequestError, match="2x3x4x5 has batch 2, but --batch says 3"):
        resolve((2, 3, 4, 5), IMAGE, batch=3)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("()", "'()' is not a shape: give sizes such as 3x224x224"),
        ("3xax5", "'3xax5' is not a shape: 'a' is not a whole number; try 3x224x224"),
        ("3x0", "'3x0' is not a shape: every size must be at least 1, got 0"),
        ("3x-2", "'3x-2' is not a shape: every size must be at least 1, got -2"),
        ("x".join("1" * 17), "has 17 dimensions; at most 16 are possible"),
        ("1" * 19, "no size has 19 digits"),
        ("x".join(["1" + "0" * 15] * 5), "no tensor has 1.0e+75 elements"),
    ],
)
def test_why_a_text_is_no_shape(text: str, said: str) -> None:
    with pytest.raises(BadRequestError) as found:
        parse_shape(text)
    assert said in str(found.value)


def test_the_largest_shapes() -> None:
    assert parse_shape("9" * 18) == (MOST_SIZE,) == (10**18 - 1,)
    assert len(parse_shape("x".join("1" * 16))) == 16
    assert parse_shape("x".join(["1" + "0" * 15] * 4 + ["9" + "9" * 14])) == (*[10**15] * 4, 10**15 - 1)
    assert parse_shape("[3 * 4]") == (3, 4)


def test_layouts_and_their_twins() -> None:
    for first, last in (("NCHW", "NHWC"), ("NCDHW", "NDHWC"), ("NCL", "NLC"), ("CHW", "HWC")):
        assert (twin(first), twin(last)) == (last, first)
        assert (order(first), order(last)) == ("NCHW", "NHWC")
    assert (IMAGE.channels, CHANNELS_LAST.channels) == (3, 3)
    assert (IMAGE.text(), CHANNELS_LAST.text(), SINGLE.text()) == ("3x224x224", "224x224x3", "3x224x224")
    assert format_shape(()) == "scalar"
    assert CHANNELS_FIRST == {3: "NCL", 4: "NCHW", 5: "NCDHW"}
