"""ONNX files against torch: where the reader differs."""

from __future__ import annotations

from .listed import OURS, Listed

LISTED = (
    Listed(
        OURS,
        "No receptive field passes a `pad`, although its rows are known.",
        {
            "onnx13 onnx17 onnx20: padded": ("conv2d field x4", "zero_pad2d field"),
        },
    ),
    Listed(
        OURS,
        "ONNX's Clip is `clamp` where torch says `hard_tanh`.",
        {
            "onnx13 onnx17 onnx20: activations hard_activations activations_of_vectors activations_in_place": (
                "rows hard_tanh -> clamp",
            ),
        },
    ),
    Listed(
        OURS,
        "`clamp` keeps its input for the backward pass as `hard_tanh` does, and is not on the list of those.",
        {
            "onnx13 onnx17 onnx20: activations_in_place": ("hard_tanh saved",),
        },
    ),
    Listed(
        OURS,
        "The initial states, zeros that a Constant holds, are counted as parameters.",
        {
            "onnx13 onnx17 onnx20: recurrent": ("total params",),
        },
    ),
    Listed(
        OURS,
        "torch's fake_quantize functions have no word, ONNX's nodes have two.",
        {
            "onnx13 onnx17 onnx20: quantised": ("conv2d field", "rows other -> quantize dequantize"),
        },
    ),
)
