"""Bytes of all outputs that are stored, as if none were freed: views store nothing, nor does what is done in place.

The total leaves out the network's inputs, which its caller has.
"""

from __future__ import annotations

from ... import units
from ...ir import sum_known
from .metric import Metric, Total

METRIC: Metric[int | None] = Metric(
    key="activation_bytes",
    title="Activations",
    of_layer=lambda layer, facts: layer.stored_bytes,
    fold=sum_known,
    word=units.binary,
)
TOTAL = Total(
    label="Activation memory",
    unit="of activations",
    of=lambda facts: facts.totals.activation_bytes,
    word=units.binary,
    name="activation_bytes",
)
