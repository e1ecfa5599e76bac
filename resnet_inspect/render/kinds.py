"""The kinds of operations that drawings and tables tell apart by colour."""

from __future__ import annotations

from ..ops import vocabulary

#: What an operator's family is shown as.
_SHOWN_AS = {
    **dict.fromkeys(("convolution", "transposed convolution"), "conv"),
    **dict.fromkeys(("pool", "adaptive pool", "global pool"), "pool"),
    **dict.fromkeys(("product", "attention", "embedding", "recurrent"), "dense"),
    "norm": "norm",
    "activation": "activation",
    "join": "merge",
}
#: The colours of a terminal for each, as rich calls them.
STYLES = {
    "conv": "dodger_blue2",
    "activation": "green",
    "pool": "yellow3",
    "merge": "dark_orange3",
    "dense": "medium_purple",
    "norm": "",
    "other": "",
}


def kind(op: str) -> str:
    """Of which kind an operator is."""
    return _SHOWN_AS.get(vocabulary.of(op).family, "other")
