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
        "Erf has no word, so that no receptive field passes a gelu that is written as what it computes.",
        {
            "onnx13 onnx17: activations": (
                "conv2d field x6",
                "sigmoid field",
                "tanh field",
                "softplus field",
                "prelu field",
            ),
        },
    ),
    Listed(
        OURS,
        (
            "The live reader counts the image as kept by a pooling of the whole, which torch computes as a mean "
            "and which keeps nothing."
        ),
        {
            "onnx13 onnx17 onnx20: arithmetic": ("mul saved",),
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
    Listed(
        OURS,
        "DepthToSpace has no word, although it is `pixel_shuffle`.",
        {
            "onnx13 onnx17 onnx20: shuffled": ("pixel_shuffle layout", "rows pixel_shuffle -> other"),
        },
    ),
)
