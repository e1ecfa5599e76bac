"""torch's modules: built on meta, run once, and what ran recorded."""
