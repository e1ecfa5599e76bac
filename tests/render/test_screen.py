"""What a terminal's height folds: the deepest level that fits, and never more lines than there are."""

from __future__ import annotations

import csv
import io

import pytest

from resnet_inspect import ir_json
from resnet_inspect.ir import Summary
from resnet_inspect.readers.local.reader import summarize
from resnet_inspect.readers.request import Request
from resnet_inspect.render import View, render
from resnet_inspect.render.screen import fitted
from resnet_inspect.units import binary
from tests.support.command import needs, run

SUMMARY = summarize(Request("resnet50")).summary


def drawn(height: int) -> tuple[int, int]:
    """Lines of the table, and of all."""
    lines = render(SUMMARY, "table", View(width=100, height=height, rails=True)).splitlines()
    return sum(line[0] in "╭│├╰" for line in lines), len(lines)


@pytest.mark.parametrize("height", range(17, 60))
def test_a_table_never_needs_more_lines_than_the_screen_has(height: int) -> None:
    # At depth 1 there are 12 rows; a frame of four lines and the prompt stand beside them.
    assert drawn(height)[0] + 1 <= height


def test_what_stands_below_the_table_fits_too_where_some_level_lets_it() -> None:
    assert all(drawn(height)[1] + 1 <= height for height in range(24, 80))  # with brief totals, if need be
    below = drawn(200)[1] - drawn(200)[0]
    heights = range(17 + below, 80)
    assert all(drawn(height)[1] + 1 <= height for height in heights)
    # Depth 1, equal blocks as one, every block: the taller the screen, the more of it is used.
    rows = [drawn(height)[0] - 4 for height in heights]
    assert rows == sorted(rows)
    assert set(rows) <= {12, 16, 24}
    assert rows[-1] == 24


def test_a_table_that_fits_is_not_folded() -> None:
    view = View(width=100, height=250)
    assert fitted(SUMMARY, view, 20, 6) == (SUMMARY, view, False)
    assert fitted(SUMMARY, view._replace(height=176 + 20 + 5), 20, 6)[1].depth is None
    assert fitted(SUMMARY, view._replace(height=176 + 20 + 4), 20, 6)[1].depth is not None


@pytest.fixture(scope="module")
def keras_resnet(tmp_path_factory: pytest.TempPathFactory) -> Summary:
    path = tmp_path_factory.mktemp("keras") / "r.json"
    assert run("summary", "keras:ResNet50", "-o", str(path)).returncode == 0
    return ir_json.loads(path.read_bytes())


@needs("tensorflow")
def test_keras_flat_names_are_folded_to_their_blocks(keras_resnet: Summary) -> None:
    text = render(keras_resnet, "table", View(width=100, height=45, rails=True))
    rows = [line.strip("│").split("│") for line in text.splitlines() if line[:3] in ("│ ○", "│ ●")]
    cells = {row[0].strip(" ○●"): row[3].strip() for row in rows}
    assert list(cells)[7:10] == ["conv2_block1", "conv2_block2 … conv2_block3  x2", "conv3_block1"]
    assert sum(int(cell.replace(",", "")) for cell in cells.values()) == 25_636_712
    assert f"Rows shown         {len(rows)} for 177 layers: --all shows each\n" in text


@needs("tensorflow")
@pytest.mark.parametrize("height", [24, 32, 40, 50, 60, 80])
def test_headings_are_lines_too(height: int, keras_resnet: Summary) -> None:
    lines = render(keras_resnet, "table", View(width=100, height=height, rails=True)).splitlines()
    assert sum(line[0] in "╭│├╰" for line in lines) + 1 <= height


@needs("tensorflow")
def test_blocks_that_names_say_leave_lives_of_outputs_as_they_are(keras_resnet: Summary) -> None:
    # They are not modules: nothing was called with an input that lives until they return.
    table = csv.DictReader(io.StringIO(render(keras_resnet, "csv", View(columns=("path", "live_bytes")))))
    live = [int(row["live_bytes"]) for row in table if row["path"].startswith("conv2_block1")]
    folded = render(keras_resnet, "table", View(width=100, height=45, columns=("path", "live_bytes")))
    (row,) = (line for line in folded.splitlines() if " block1 " in line or " conv2_block1 " in line)
    assert binary(max(live)) in row
