"""Look at a neural network: layers, skip connections, parameters, multiply-adds.

``summarize(model, input="3x224x224")`` summarises any ``torch.nn.Module`` or Keras model. Names are imported when
first used, so that ``import resnet_inspect`` costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .version import __version__

if TYPE_CHECKING:
    from .api import Summary, summarize

__all__ = ["Summary", "__version__", "summarize"]


def __getattr__(name: str) -> Any:
    if name in ("Summary", "summarize"):
        from . import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
