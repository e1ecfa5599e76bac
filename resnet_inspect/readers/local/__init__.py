"""Our own graphs of residual networks, worked out by rules. No framework."""
