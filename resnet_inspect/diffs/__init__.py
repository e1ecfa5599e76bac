"""What a change did to a network: match the layers, compare them, say why.

``match.py`` pairs the layers of two summaries, by name or by sequence (``align.py``), whichever leaves the smaller
difference; ``names.py`` finds what was only renamed. ``changes.py`` and ``edges.py`` say what differs in a pair,
``cause.py`` what explains most of it. ``frameworks.py`` brings a network of Keras and one of torch together before, and
``tensors.py`` compares checkpoints.
"""

from __future__ import annotations

from .compare import compare
from .result import KINDS, Cause, Change, Diff, LayerDiff, Renaming, Total, gates, kinds

__all__ = ["KINDS", "Cause", "Change", "Diff", "LayerDiff", "Renaming", "Total", "compare", "gates", "kinds"]
