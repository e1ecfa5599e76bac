"""The judge of the table of truth, and that our numbers in it are right."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parents[1] / "benchmarks" / "truth"
TRUTH = {
    "params": 100,
    "macs": 1000,
    "outputs": [[1, 10], [1, 5]],
    "products": {"layers": 700, "products of attention": 300},
    "held": {"Linear": 60, "Conv2d": 40},
    "numbers": 10,
}


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The scripts import one another by their names alone."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(FOLDER))
    yield
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(FOLDER)):
            del sys.modules[name]


@pytest.mark.parametrize(
    ("macs", "verdict", "reason"),
    [
        (1000, "right", ""),
        (1079, "more", "adds norms, activations, pooling or biases"),
        (1081, "wrong", "products: counts more, by no rule that is known here"),
        (2000, "wrong", "counts a multiply-add as two"),
        (700, "wrong", "leaves out products of attention"),
        (310, "wrong", "leaves out layers"),
        (0, "wrong", "leaves out all products"),
        (500, "wrong", "products: sees fewer of them, by no rule that is known here"),
        (None, "not said", ""),
    ],
)
def test_macs_are_judged_by_what_makes_the_difference(
    folder: None, macs: int | None, verdict: str, reason: str
) -> None:
    import reasons  # type: ignore[import-not-found]

    found = reasons.judged(TRUTH, {"params": 100, "macs": macs, "outputs": None})
    assert (found["macs"].verdict, found["macs"].reason) == (verdict, reason)


@pytest.mark.parametrize(
    ("params", "verdict", "reason"),
    [
        (100, "right", ""),
        (60, "wrong", "leaves out parameters of Conv2d"),
        (140, "wrong", "counts parameters once for each name or call"),
    ],
)
def test_parameters_are_judged_by_who_holds_them(folder: None, params: int, verdict: str, reason: str) -> None:
    import reasons

    found = reasons.judged(TRUTH, {"params": params, "macs": None, "outputs": [[1, 5]]})
    assert (found["params"].verdict, found["params"].reason) == (verdict, reason)
    assert found["outputs"].verdict == "right"


def test_the_page_is_made_of_the_results_in_which_ours_are_right(folder: None) -> None:
    import page  # type: ignore[import-not-found]

    results = json.loads((FOLDER / "results.json").read_text())
    assert page.page(results) == (FOLDER / "README.md").read_text(), "make truth writes both"
    assert page.wrong(results, "ours") == []
    ours = [answers["ours"] for answers in results["networks"].values()]
    assert len(ours) >= 80
    assert sum("error" in answer for answer in ours) <= 0.02 * len(ours)
