"""What optimizers keep. Apart from the estimate that uses it, because every command offers the names."""

from __future__ import annotations

#: Optimizer -> tensors that it keeps for every trainable parameter: none, a velocity, two moments (Kingma and Ba 2015).
OPTIMIZERS = {"sgd": 0, "momentum": 1, "adam": 2}
