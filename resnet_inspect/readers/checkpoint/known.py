"""Which zoo models have the shapes of a checkpoint: ``known.json`` has a fingerprint of each, made by its test."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from ...analysis.checkpoint_match import Entry, unwrapped

FILE = Path(__file__).with_name("known.json")


def fingerprint(entries: Sequence[Entry]) -> str:
    """Names and shapes in a few letters, whatever their order and types; without what a file may leave out."""
    counted = [entry for entry in entries if not entry.name.endswith("num_batches_tracked")]
    names = unwrapped([entry.name for entry in counted])
    said = sorted((name, list(entry.shape)) for name, entry in zip(names, counted, strict=True))
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:16]


def known(entries: Sequence[Entry]) -> str | None:
    """The model of torchvision or Keras with the names and shapes of a checkpoint: ``torch:resnet18``."""
    models: dict[str, str] = json.loads(FILE.read_text())
    return models.get(fingerprint(entries))
