"""Look at a neural network: layers, skip connections, parameters, multiply-adds.

``summarize(model, input="3x224x224")`` summarises any ``torch.nn.Module`` or Keras model, ``diff(old, new)`` compares
two models or summaries, ``check(model, input, max_params="26M")`` applies rules, and
``assert_matches(model, "baseline.json")`` is for tests. Names are imported when first used, so that
``import resnet_inspect`` costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .version import __version__

if TYPE_CHECKING:
    from .api import assert_matches, check, diff, summarize
    from .results import Checked, Diff, Summary

__all__ = ["Checked", "Diff", "Summary", "__version__", "assert_matches", "check", "diff", "summarize"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from . import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
