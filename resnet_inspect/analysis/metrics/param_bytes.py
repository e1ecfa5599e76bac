"""Bytes of the parameters. The column leaves out statistics; the total has them where the framework counts them."""

from __future__ import annotations

from ... import units
from ...ir import HELD, sum_known
from .metric import Metric, Total

METRIC: Metric[int | None] = Metric(
    key="param_bytes",
    title="Param memory",
    of_layer=lambda layer, facts: sum_known(p.bytes for p in layer.parameters if p.role not in HELD),
    fold=sum_known,
    word=units.binary,
)
TOTAL = Total(
    label="Parameter memory",
    unit="of parameters",
    of=lambda facts: facts.totals.param_bytes,
    word=units.binary,
    name="param_bytes",
)
