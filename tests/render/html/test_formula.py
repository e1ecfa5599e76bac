"""The formulas that a page shows where somebody points at a number: those of ``explain``, put together in the page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from resnet_inspect.explain.derivation import counts
from resnet_inspect.render.html.network import formulas
from tests.explain.formulas import value
from tests.support import small_residual as small
from tests.support.browser import opening
from tests.support.reports import ready, report, summary

if TYPE_CHECKING:
    from playwright.sync_api import Browser

#: 8 filters of 3x3x3 on 8x8 places.
CONV = small.summary().layers[1]


def test_a_formula_is_written_once() -> None:
    found = formulas(small.summary().layers)
    texts = ["k_h*k_w*C_in*C_out/groups + bias", "N*H_out*W_out*k_h*k_w*C_in*C_out/groups", "vectors*features"]
    assert found["texts"] == [*texts, "in_features*out_features + bias", "rows*in_features*out_features"]
    assert found["of"]["1"] == {"params": [0, 3, 3, 3, 8, 1, 0], "macs": [1, 1, 8, 8, 3, 3, 3, 8, 1]}
    assert "2" in found["of"]
    assert "3" not in found["of"]  # a ReLU


@pytest.mark.parametrize("model", ["local:resnet18", "torch:mobilenet_v3_small"])
def test_pointing_at_a_number_shows_where_it_comes_from(model: str, browser: Browser, tmp_path: Path) -> None:
    network = summary(model)
    (tmp_path / "page.html").write_text(report(network, everything=True), encoding="utf-8")
    with opening(browser, tmp_path) as opened:
        for layer in [layer for layer in network.layers if layer.params][:4]:
            page = ready(opened(tmp_path / "page.html", viewport=(1440, 900), fragment=layer.id))
            row = page.locator('.row[aria-selected="true"]')
            for each in counts(layer):
                assert each.formula is not None
                title = row.locator(f'[data-key="{each.quantity}"]').get_attribute("title")
                assert title is not None
                text, numbers, result = title.split(" = ")
                assert (text, int(result.replace(",", ""))) == (each.formula.text, each.result)
                assert value(numbers) == each.result
                assert f"{text} = {numbers}" in page.locator(".details").inner_text()
