"""What Keras' own configuration, of a user's machine, says; read without Keras."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

#: What it may say, and what it says where there is none.
DEFAULTS = {"backend": "tensorflow", "epsilon": 1e-07, "floatx": "float32", "image_data_format": "channels_last"}


def keras_settings() -> dict[str, Any] | None:
    """What Keras reads from its own file; None where it runs on another framework than TensorFlow."""
    home = Path(os.environ.get("KERAS_HOME") or os.path.expanduser("~/.keras"))  # noqa: PTH111 - as Keras itself does
    try:
        said = json.loads((home / "keras.json").read_text())
        settings = {name: said.get(name, default) for name, default in DEFAULTS.items()}
    except (OSError, ValueError, AttributeError):
        settings = dict(DEFAULTS)
    backend = os.environ.get("KERAS_BACKEND") or settings["backend"]
    return settings if backend == "tensorflow" else None
