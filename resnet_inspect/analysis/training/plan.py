"""How a network is trained, as far as its memory depends on it."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase

from ...ir import Layer, Parameter

#: Types of ``--amp`` -> torch's name of the element type.
LOWER = {"bf16": "bfloat16", "fp16": "float16"}
IMPLEMENTATIONS = ("foreach", "fused", "for-loop")


@dataclass(frozen=True, slots=True)
class Plan:
    """A way of training.

    Attributes:
        optimizer: a name of ``analysis.OPTIMIZERS``.
        amp: None, ``bf16`` or ``fp16``: torch's autocast around the forward pass.
        checkpoint: patterns of module paths whose forward pass is run again in the backward pass
            (``torch.utils.checkpoint`` with ``use_reentrant=False``).
        accumulate: backward passes for each step of the optimizer.
        frozen: patterns of parameter names and module paths that aren't trained.
        lora: the rank of adapters on the linear layers of ``lora_layers``; all other parameters are frozen then.
        implementation: which of torch's implementations the optimizer uses (one of ``IMPLEMENTATIONS``).
    """

    optimizer: str = "sgd"
    amp: str | None = None
    checkpoint: tuple[str, ...] = ()
    accumulate: int = 1
    frozen: tuple[str, ...] = ()
    lora: int | None = None
    lora_layers: tuple[str, ...] = ()
    implementation: str = "foreach"

    def trains(self, parameter: Parameter) -> bool:
        """Whether a parameter gets a gradient. One of unknown role is taken to be trained."""
        if self.lora is not None or parameter.role not in ("trainable", "unknown"):
            return False
        if not self.frozen:
            return True
        name = parameter.name
        return not any(fnmatchcase(name, pattern) or fnmatchcase(name, f"{pattern}.*") for pattern in self.frozen)

    def adapts(self, layer: Layer) -> bool:
        """Whether a layer gets an adapter: a linear one that has weights."""
        is_linear = layer.op == "dense" and bool(layer.parameters or layer.shared)
        return (
            is_linear
            and self.lora is not None
            and any(fnmatchcase(layer.path, pattern) for pattern in self.lora_layers)
        )

    def runs_as(self, other: Plan) -> bool:
        """Whether the forward passes of both make the same operations, whatever the rest of the step does."""
        return (self.amp, self.frozen, self.lora, self.lora_layers) == (
            (other.amp, other.frozen, other.lora, other.lora_layers)
        )

    def checkpoints(self, path: str) -> bool:
        """Whether the module at this path is run again."""
        return any(fnmatchcase(path, pattern) for pattern in self.checkpoint)


#: How a network is trained where nobody says.
USUAL = Plan("adamw")
