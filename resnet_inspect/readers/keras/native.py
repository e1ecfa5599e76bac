"""Keras' own words about a model."""

from __future__ import annotations

import os
from itertools import accumulate
from typing import Any
from unittest import mock

from ...ir import Summary

_TITLES = ("Layer (type)", "Output Shape", "Param #", "Connected to")


def describe_with_keras(model: Any, summary: Summary) -> str:
    """What ``model.summary()`` prints, wide enough that nothing in it is cut or wrapped.

    ``summary`` is ours of the same model: its names tell how wide that is.
    """
    widths = [
        max(len(layer.path) + len(layer.type) for layer in summary.layers) + 3,
        max((len(str(tensor.shape)) for layer in summary.layers for tensor in layer.output_tensors), default=0) + 3,
        len(f"{summary.totals.params:,}"),
        max(sum(len(source) + len("[0][0], ") for source in layer.inputs) for layer in summary.layers),
    ]
    columns = [max(width, len(title)) for width, title in zip(widths, _TITLES, strict=True)]
    read = [source for layer in summary.layers for source in layer.inputs]
    if len(set(read)) == len(read) and all(len(layer.inputs) < 2 for layer in summary.layers):
        del columns[3]  # Keras shows no connections where one layer follows the other
    length = sum(columns) + 3 * len(columns) + 1  # with the lines between them
    lines: list[str] = []
    # Keras draws for the terminal's width all the same, and crops.
    with mock.patch.dict(os.environ, COLUMNS=str(length)):
        model.summary(
            line_length=length,
            positions=[(end + 0.5) / length for end in accumulate(columns)],
            print_fn=lambda line, **_: lines.append(line),
        )
    return "\n".join(lines).rstrip() + "\n"
