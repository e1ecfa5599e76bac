"""The rows as a table of pandas, for people who go on computing."""

from __future__ import annotations

from typing import Any

from ..errors import ModelError
from ..ir import Summary
from . import View
from .columns import every
from .selection import select

#: The largest number that a column of pandas holds as an integer.
_LARGEST = 2**63 - 1


def frame(summary: Summary, view: View) -> Any:
    """The columns of the CSV as a ``pandas.DataFrame``; what isn't known is ``pandas.NA``, and never 0.

    Raises:
        ModelError: pandas isn't installed.
    """
    try:
        import pandas
    except ImportError as error:
        from ..requirements import advice

        raise ModelError(f"to_pandas needs pandas: {error}. {advice('pandas', error)}") from error
    chosen = select(summary, view, default=every(view), bars=False)
    found = {}
    for column in chosen.columns:
        values = [column.cell(row) for row in chosen.rows]
        # A receptive field of all of the input is the text "all", and a number may be larger than 64 bits.
        numbers = all(value is None or (isinstance(value, int) and value <= _LARGEST) for value in values)
        kind = ("Int64" if numbers else "object") if column.number else "string"
        found[column.key] = pandas.array([pandas.NA if value is None else value for value in values], dtype=kind)
    return pandas.DataFrame(found)
