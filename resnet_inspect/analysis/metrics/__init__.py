"""The quantities of layers: a file each, which has all that makes it a column.

A new column is a file with ``METRIC`` and its name in ``METRICS``. If the whole network has such an amount too, the
file has ``TOTAL`` and stands in ``TOTALS``; its budget follows from that (``checks/budgets.py``). A file is imported
when somebody asks for its column: most tables show few.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from .metric import Metric, Total

#: The files with a ``METRIC``, in the order of their columns.
METRICS = (
    "params",
    "active_params",
    "trainable",
    "frozen",
    "statistics",
    "macs",
    "flops",
    "activation_bytes",
    "param_bytes",
    "statistics_bytes",
    "live_bytes",
    "saved_bytes",
    "rf",
    "rf_stride",
    "rf_padding",
    "rf_aligned",
    "floor_ms",
    "bound",
)
#: Those that are of a network on a device.
ON_DEVICE = ("floor_ms", "bound")
#: The files with a ``TOTAL``, in the order of their lines below a table.
TOTALS = (
    "params",
    "active_params",
    "trainable",
    "frozen",
    "statistics",
    "buffers",
    "macs",
    "flops",
    "param_bytes",
    "activation_bytes",
    "kv_cache_bytes",
    "live_bytes",
)


def metric(key: str) -> Metric[Any]:
    """One of ``METRICS``."""
    found: Metric[Any] = import_module(f"{__name__}.{key}").METRIC
    return found


def total(key: str) -> Total:
    """One of ``TOTALS``."""
    found: Total = import_module(f"{__name__}.{key}").TOTAL
    return found
