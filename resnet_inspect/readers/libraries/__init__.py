"""Models that other libraries name: timm's, transformers', keras-hub's."""

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
