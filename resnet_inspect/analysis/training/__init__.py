"""The memory of a training step over time: what lives while each layer runs forward and backward."""

from .plan import IMPLEMENTATIONS, LOWER, Plan
from .timeline import PARTS, Step, Timeline, inference, timeline

__all__ = ["IMPLEMENTATIONS", "LOWER", "PARTS", "Plan", "Step", "Timeline", "inference", "timeline"]
