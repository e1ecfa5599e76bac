"""Graphs in ONNX."""
