"""Layers in the making: what a reader has understood of a network becomes the rows of its summary."""
