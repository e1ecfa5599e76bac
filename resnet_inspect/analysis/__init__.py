"""Results drawn from a summary, never changing it."""

#: Optimizer -> tensors that it keeps for every trainable parameter: none, a velocity, two moments (Kingma and Ba 2015).
#: Here, because every command offers the names.
OPTIMIZERS = {"sgd": 0, "momentum": 1, "adam": 2}
