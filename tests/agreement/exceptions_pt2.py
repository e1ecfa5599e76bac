"""Exported programs, and what they share with other files, against torch."""

from __future__ import annotations

from .listed import FORMAT, OURS, Listed

LISTED = (
    Listed(
        OURS,
        (
            "A pad in front of a convolution hides that its input is an image: `pad` neither asks for a layout "
            "nor passes a receptive field on."
        ),
        {
            "pt2 traced scripted: padded": ("conv2d field x4", "zero_pad2d field"),
            "pt2: padded": ("inputs",),
        },
    ),
    Listed(
        OURS,
        (
            "The live reader calls the input an image because of a convolution that reads another tensor, eight "
            "channels for two."
        ),
        {
            "pt2 onnx17 onnx20: shapes": ("layer_norm field",),
            "pt2 onnx13 onnx17 onnx20: shapes": ("inputs",),
            "pt2: shapes": ("layer_norm layout",),
        },
    ),
    Listed(
        FORMAT,
        "A padding mode other than zeros is a call of its own before the convolution.",
        {
            "pt2 traced scripted: padded": ("rows nothing -> pad x3",),
            "pt2 traced scripted onnx13 onnx17 onnx20: padded": (
                "conv2d saved x3",
                "conv2d padding x3",
                "conv2d padding_mode x3",
                "conv2d reads x3",
            ),
        },
    ),
    Listed(
        FORMAT,
        "No format has this norm: the exporters write what it computes.",
        {
            "pt2 traced scripted: norms_rarely_seen": (
                "rows local_response_norm -> mul reshape pad avg_pool3d reshape *",
                "rows frozen_batch_norm -> add rsqrt mul mul sub mul add",
                "conv2d field x2",
            ),
        },
    ),
    Listed(
        OURS,
        "One number stands for all dimensions in the live reader alone.",
        {
            "pt2 traced scripted: pools_adaptive pools_of_the_whole residual inverted": (
                "adaptive_avg_pool2d output_size",
            ),
            "pt2 traced scripted: pools_adaptive_elsewhere": (
                "adaptive_avg_pool1d output_size",
                "adaptive_max_pool1d output_size",
                "adaptive_avg_pool3d output_size",
                "adaptive_max_pool3d output_size",
            ),
        },
    ),
    Listed(
        FORMAT,
        "Programs and scripts have a MultiheadAttention's projections as calls of their own.",
        {
            "pt2 traced scripted: attention transformer": (
                "rows nothing -> transpose dense reshape reshape transpose reshape *",
                "rows nothing -> transpose reshape dense reshape transpose",
                "attention shape",
                "attention params",
                "attention macs",
                "attention saved",
                "attention reads",
            ),
            "pt2 traced scripted: transformer": ("dropout reads", "residual skipped"),
        },
    ),
    Listed(
        FORMAT,
        "StochasticDepth is Python and leaves nothing in a program.",
        {
            "pt2 traced scripted: dropped": ("rows stochastic_depth -> nothing",),
        },
    ),
    Listed(
        OURS,
        "A transpose of a parameter is no row, and the product counts the parameter in its place.",
        {
            "pt2 traced scripted: products": ("rows transpose -> nothing", "matmul params", "matmul saved"),
            "pt2: products": ("matmul reads",),
        },
    ),
    Listed(
        FORMAT,
        "A bag's rows of indices are flattened by torch's Python before the call.",
        {
            "pt2: embedded_in_bags": ("rows nothing -> reshape", "embedding_bag reads"),
        },
    ),
    Listed(
        FORMAT,
        "An index of several dimensions is a slice for each.",
        {
            "pt2: shapes": ("rows nothing -> slice",),
            "pt2 traced scripted: shapes": ("slice reads",),
            "traced scripted: written_in_place": ("rows nothing -> slice x2",),
        },
    ),
    Listed(
        FORMAT,
        "Tracing writes 2 / x as a reciprocal and a product; ONNX has no rsqrt.",
        {
            "pt2 traced scripted onnx13 onnx17 onnx20: arithmetic": ("rows div -> other mul",),
        },
    ),
    Listed(
        OURS,
        "One dimension is a number to the live reader, a list to those of files.",
        {
            "traced scripted: reductions": ("other dim",),
        },
    ),
    Listed(
        FORMAT,
        "What is assigned to an index is a copy into a slice in files.",
        {
            "pt2: written_in_place": (
                "rows other -> slice copy",
                "rows nothing -> slice",
                "other shape",
                "other reads",
            ),
        },
    ),
    Listed(
        FORMAT,
        "torch's softsign is Python: files have what it computes.",
        {
            "pt2 traced scripted onnx13 onnx17 onnx20: activations_of_vectors": ("rows softsign -> abs add div",),
        },
    ),
)
