"""Results drawn from a summary, never changing it."""
