"""Metrics: a file each, found by its name, folded as its quantity is."""

from __future__ import annotations

from pathlib import Path

import pytest

import resnet_inspect.analysis.metrics as registry
from resnet_inspect.analysis.facts import Facts
from resnet_inspect.analysis.memory import live_bytes
from resnet_inspect.analysis.metrics import METRICS, TOTALS, metric, total
from resnet_inspect.ir import Summary
from resnet_inspect.readers import Request
from resnet_inspect.readers.local.reader import summarize
from resnet_inspect.render.columns import COLUMNS

#: Metrics whose sum over the layers is the network's total, as ``ir.Totals`` has it.
SUMMED = ("params", "trainable", "frozen", "statistics", "macs")


@pytest.fixture(scope="module")
def summary() -> Summary:
    return summarize(Request("resnet18")).summary


def test_every_file_is_registered() -> None:
    assert registry.__file__
    files = {path.stem for path in Path(registry.__file__).parent.glob("*.py")} - {"__init__", "metric"}
    assert files == {*METRICS, *TOTALS}


@pytest.mark.parametrize("key", METRICS)
def test_a_column_is_called_as_its_file(key: str) -> None:
    assert metric(key).key == key
    assert key in COLUMNS


@pytest.mark.parametrize("key", SUMMED)
def test_layers_together_have_what_the_network_has(key: str, summary: Summary) -> None:
    facts = Facts(summary)
    assert metric(key).of(summary.layers, facts) == total(key).of(facts)


def test_comparisons_list_totals_of_the_ir(summary: Summary) -> None:
    facts = Facts(summary)
    named = [found for found in map(total, TOTALS) if found.name]
    assert [getattr(summary.totals, found.name or "") for found in named] == [found.of(facts) for found in named]


def test_the_peak_is_the_largest_of_the_layers(summary: Summary) -> None:
    facts = Facts(summary)
    assert metric("live_bytes").of(summary.layers, facts) == max(size or 0 for size in live_bytes(summary).values())


def test_the_field_of_a_module_is_its_last_layers(summary: Summary) -> None:
    facts = Facts(summary)
    first, second = summary.layers[1], summary.layers[4]
    assert (
        metric("rf").of((first, second), facts) == metric("rf").of((second,), facts) != metric("rf").of((first,), facts)
    )


def test_an_analysis_runs_once(summary: Summary) -> None:
    asked = []

    def analysis(given: Summary) -> int:
        asked.append(given)
        return 7

    facts = Facts(summary)
    assert [facts.of(analysis), facts.of(analysis)] == [7, 7]
    assert asked == [summary]
