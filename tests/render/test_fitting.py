"""Names and columns on a narrow terminal: what is cut, what goes, and that no two names become one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from resnet_inspect.blocks import networks
from resnet_inspect.readers.local.reader import summarize
from resnet_inspect.readers.request import Request
from resnet_inspect.render import View, render
from resnet_inspect.render.fitting import fit, least_width, shorten, shortened

PATHS = st.lists(st.text("ab.12_", min_size=1, max_size=30), unique=True, max_size=30)


@given(PATHS, st.integers(6, 40), st.booleans())
def test_no_two_names_become_the_same(names: list[str], width: int, ascii_only: bool) -> None:
    short = shortened(names, [0] * len(names), width, ascii_only)
    assert len(set(short)) == len(names)
    assert [name for name, cut in zip(names, short, strict=True) if cell_len(name) <= width and cut != name] == []
    assert all(
        cell_len(cut) <= max(width, cell_len(name) if cell_len(name) <= width else width)
        for cut, name in zip(short, names, strict=True)
    )


@given(PATHS, st.integers(3, 40))
def test_at_their_least_width_names_are_told_apart_without_numbers(names: list[str], most: int) -> None:
    least = least_width(names, [0] * len(names), most)
    assert least <= max(most, 3)
    if least < most:
        assert not any("~" in name for name in shortened(names, [0] * len(names), least))


def test_names_of_two_scopes_may_be_the_same() -> None:
    assert shortened(["  conv1.weight", "  conv1.weight"], [1, 2], 9) == ["  co…ight"] * 2
    assert shortened(["conv1.weight.a", "conv1.weight.b"], [0, 0], 6) == ["co…t.a", "co…t.b"]


def test_both_ends_of_a_name_are_kept_unless_they_are_the_same() -> None:
    assert shorten("features.denseblock1", 9) == "feat…ock1"
    assert shorten("BatchNorm2d", 8, beginning=1.0) == "BatchNo…"
    assert shorten("BatchNorm2d", 8, ascii_only=True, beginning=1.0) == "Batch..."
    assert shorten("層層層層", 5) == "層…層"
    # Their ends are what differs, so that is what stays.
    names = ["a.same.x1.same", "a.same.y1.same"]
    assert len(set(shortened(names, [0, 0], 9))) == 2


def test_words_give_way_before_columns_and_names_last() -> None:
    keys, priorities = ("path", "type", "params", "connected_to"), (0, 1, 3, -1)
    widths, least = (20, 17, 9, 20), (6, 4, 6, 12)
    room = 20 + 17 + 9 + 20 + 13
    assert fit(keys, priorities, widths, least, room) == {0: 20, 1: 17, 2: 9, 3: 20}
    assert fit(keys, priorities, widths, least, room - 8) == {0: 20, 1: 17, 2: 9, 3: 12}
    assert fit(keys, priorities, widths, least, room - 8 - 9) == {0: 20, 1: 8, 2: 9, 3: 12}
    assert fit(keys, priorities, widths, least, room - 8 - 9 - 14) == {0: 6, 1: 8, 2: 9, 3: 12}
    # One less, and what stands in the lanes goes; all others are as wide as they were.
    assert fit(keys, priorities, widths, least, room - 8 - 9 - 15) == {0: 20, 1: 8, 2: 9}
    assert fit(keys, priorities, widths, least, 12) == {0: 8}


def test_tables_of_the_local_networks_fit_and_name_every_row_once() -> None:
    for name in networks.names("keras"):
        summary = summarize(Request(name, flavor="keras")).summary
        for width in (60, 80, 100, 140):
            for depth in (None, 1, 2):
                view = View(width=width, depth=depth)
                assert_told_apart(render(summary, "table", view), width)
                assert max(map(cell_len, render(summary, "table", view._replace(rails=True)).splitlines())) <= width


def assert_told_apart(text: str, width: int) -> None:
    """No line is wider than the terminal, no number is cut, and under its heading every row has a name of its own."""
    assert max(map(cell_len, text.splitlines())) <= width
    (_, *titles), *lines = [line[1:-1].split("│") for line in text.splitlines() if line.startswith("│")]
    titles = [title.strip() for title in titles]
    seen, heading = set(), ""
    for first, *cells in lines:
        if not cells:
            heading = first.strip()
            continue
        key = (heading if first.startswith("   ") else "", first.strip())
        assert key not in seen, f"{key} stands twice"
        seen.add(key)
        assert not [
            cell for title, cell in zip(titles, cells, strict=True) if title in ("Params", "MACs") and "…" in cell
        ]


def test_the_library_that_all_names_begin_with_goes_before_anything_of_a_name() -> None:
    names = ["torch:resnet18", "torch:resnet101", "torch:vgg16"]
    assert shortened(names, [0] * 3, 15) == names
    assert shortened(names, [0] * 3, 10) == ["…resnet18", "…resnet101", "…vgg16"]
    assert shortened(names, [0] * 3, 9) == ["resnet18", "resnet101", "vgg16"]
    assert shortened(names, [0] * 3, 8) == ["resnet18", "res…t101", "vgg16"]
    # Where two libraries are compared, the library is a part of the name.
    mixed = shortened([*names, "keras:VGG16"], [0] * 4, 12)
    assert mixed[2:] == ["torch:vgg16", "keras:VGG16"]
