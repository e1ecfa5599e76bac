"""Models that other libraries name: timm's, transformers', keras-hub's. The library builds them.

``transformers_decoding.py`` says what one more token is called with: ``torch/run.py`` lets the model read those before
it, unrecorded, and records the step that reads the cache. ``transformers_experts.py`` finds the experts that a token
leaves out, where the configuration and the weights agree.
"""

from __future__ import annotations

from ..format import Format, Glimpse


def _is_configuration(seen: Glimpse) -> bool:
    """A model's folder has weights as well, which is no reason to show them alone."""
    known = seen.document or {}
    return "schema_version" not in known and ("model_type" in known or "architectures" in known)


FORMATS = (
    Format(
        kind="transformers",
        title="transformers' config.json",
        endings=(),
        recognises=_is_configuration,
        reader=f"{__package__}.transformers",
        backend="transformers",
        late=("transformers.modeling_utils",),
    ),
)
