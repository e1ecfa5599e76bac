"""What a change did to a network: match the layers, compare them, say why."""

from __future__ import annotations

from .compare import compare
from .result import KINDS, Cause, Change, Diff, LayerDiff, Renaming, Total, gates, kinds

__all__ = ["KINDS", "Cause", "Change", "Diff", "LayerDiff", "Renaming", "Total", "compare", "gates", "kinds"]
