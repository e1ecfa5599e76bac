"""What a comparison found, in the words of the probes."""

from __future__ import annotations

from resnet_inspect.diffs import Diff

Settings = dict[str, set[str]]


def settings(found: Diff) -> Settings:
    """What changed in the configuration, by layer."""
    changed = {layer.layer.id: {c.field for c in layer.changes if c.kind == "config"} for layer in found.of("changed")}
    return {name: fields for name, fields in changed.items() if fields}


def ids(found: Diff, *statuses: str) -> list[str]:
    """The layers of some statuses."""
    return [layer.layer.id for layer in found.of(*statuses)]
