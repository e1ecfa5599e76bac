"""ONNX files against live torch."""

from __future__ import annotations

from . import causes
from .listed import Listed

LISTED = (
    Listed(
        causes.WRITTEN_OUT,
        {
            "onnx13 onnx17 onnx20: padded": (
                "rows nothing -> pad x2",
                "rows nothing -> slice slice concat slice slice concat",
                "conv2d saved x3",
                "conv2d padding x3",
                "conv2d padding_mode x3",
                "conv2d reads x3",
                "conv2d field x3",
                "zero_pad2d field",
                "pad field x3",
            ),
            "onnx13 onnx17 onnx20: norms": (
                "rows group_norm -> reshape instance_norm reshape mul add",
                "conv2d field x4",
                "instance_norm field x2",
            ),
            "onnx13 onnx17 onnx20: norms_rarely_seen": (
                "rows local_response_norm -> mul reshape pad avg_pool3d *",
                "rows frozen_batch_norm -> mul add",
                "conv2d field x2",
                "total statistics",
            ),
            "onnx13 onnx17 onnx20: activations hard_activations activations_in_place": (
                "rows silu -> sigmoid mul",
                "rows mish -> softplus tanh mul",
            ),
            "onnx13 onnx17 onnx20: activations_of_vectors": (
                "rows softsign -> abs add div",
                "rows glu -> slice sigmoid mul",
            ),
            "onnx13 onnx17 onnx20: pools_adaptive": ("rows adaptive_avg_pool2d adaptive_max_pool2d -> avg_pool2d *",),
            "onnx13 onnx17 onnx20: pools_adaptive_elsewhere": ("rows adaptive_avg_pool1d adaptive_max_pool1d *",),
            "onnx13 onnx17 onnx20: quantised": ("rows fake_quantize -> quantize dequantize",),
            "onnx13 onnx17 onnx20: shapes": (
                "rows nothing -> slice x2",
                "rows stack -> reshape reshape concat",
                "rows copy transpose pad roll -> zero_pad2d slice slice concat",
                "rows other flatten -> reshape expand reshape reshape",
                "rows other -> reshape slice",
                "slice shape x2",
                "slice layout",
                "concat reads",
            ),
            "onnx13 onnx17 onnx20: shapes written_in_place": ("slice reads",),
            "onnx13 onnx17 onnx20: arithmetic": (
                "rows div -> other mul",
                "rows abs -> nothing",
                "rows abs add rsqrt -> sqrt div",
                "mul saved",
            ),
            "onnx13 onnx17 onnx20: reductions": (
                "rows max min -> amax amin",
                "rows other -> mean sub mul mean mul div sqrt",
            ),
            "onnx13 onnx17 onnx20: written_in_place": ("rows nothing -> slice",),
            "onnx13 onnx17 onnx20: filled": ("rows masked_fill vector_norm -> copy where other",),
            "onnx13: norms shapes": ("rows layer_norm -> mean sub pow mean add sqrt div mul add",),
            "onnx13: norms_of_vectors": (
                "rows layer_norm -> add mean sub pow mean add sqrt div mul add",
                "rows layer_norm -> add mean sub pow mean add sqrt div",
            ),
            "onnx13: activations hard_activations activations_in_place": ("rows hard_swish -> hard_sigmoid mul",),
            "onnx17 onnx20: norms transformer": ("layer_norm field",),
            "onnx17 onnx20: attention": ("rows attention -> transpose dense add reshape reshape *",),
            "onnx17 onnx20: attention_masked": ("rows attention attention -> transpose mul mul matmul where *",),
            "onnx17 onnx20: transformer": (
                "rows attention dropout -> transpose dense add reshape reshape *",
                "add field x2",
                "dense field x2",
            ),
            "onnx13 onnx17: activations": (
                "rows gelu -> div erf add mul mul",
                "rows gelu -> mul mul mul add mul tanh add mul mul",
            ),
            "onnx17: transformer": ("rows gelu dropout -> add div erf add mul mul",),
            "onnx20: transformer": ("gelu field",),
        },
    ),
    Listed(
        causes.BIAS,
        {
            "onnx13: norms_of_vectors": ("rows nothing -> add",),
            "onnx13 onnx17 onnx20: norms_of_vectors": (
                "dense params x3",
                "dense bias x3",
                "batch_norm reads",
            ),
            "onnx17 onnx20: norms_of_vectors": (
                "rows nothing -> add x3",
                "layer_norm reads x2",
            ),
            "onnx17 onnx20: transformer": (
                "dense params x3",
                "dense bias x3",
                "layer_norm reads",
                "add params",
            ),
            "onnx17: transformer": ("rows nothing -> add x2",),
            "onnx20: transformer": (
                "rows nothing -> add x3",
                "gelu reads",
            ),
        },
    ),
    Listed(
        causes.ALWAYS_AFFINE,
        {
            "onnx13 onnx17 onnx20: norms": (
                "batch_norm params",
                "batch_norm scale",
                "batch_norm center",
            ),
            "onnx13 onnx17 onnx20: norms norms_of_vectors": ("instance_norm params",),
            "onnx17 onnx20: norms_of_vectors": (
                "layer_norm params",
                "layer_norm bias",
            ),
        },
    ),
    Listed(
        causes.FOLDED,
        {
            (
                "onnx13 onnx17 onnx20: norms norms_rarely_seen norms_of_vectors products parts_of_weights embedded "
                "classifier residual residual_upsampled preactivation inverted"
            ): ("total params",),
            "onnx13 onnx17 onnx20: filled": ("rows fill -> nothing", "add params", "total params"),
            "onnx13 onnx17 onnx20: parts_of_weights": (
                "rows slice transpose matmul transpose matmul -> nothing",
                "rows nothing -> dense dense",
                "rows other mul -> nothing",
                "dense params",
                "dense saved",
            ),
            "onnx13 onnx17 onnx20: products": (
                "rows transpose -> nothing",
                "rows matmul transpose -> dense",
                "matmul params",
                "matmul saved",
            ),
            "onnx13 onnx17 onnx20: embedded": ("dense params",),
            "onnx13 onnx17 onnx20: classifier": ("rows batch_norm -> nothing",),
            "onnx13 onnx17 onnx20: classifier residual residual_upsampled preactivation inverted": (
                "total statistics",
            ),
            "onnx13 onnx17 onnx20: residual": ("rows batch_norm -> nothing x5",),
            "onnx13 onnx17 onnx20: residual residual_upsampled preactivation inverted": ("residual params",),
            "onnx13 onnx17 onnx20: residual_upsampled preactivation": ("rows batch_norm -> nothing x2",),
            "onnx13 onnx17 onnx20: preactivation": (
                "conv2d params x2",
                "conv2d bias x2",
            ),
            "onnx13 onnx17 onnx20: inverted": (
                "conv2d params x3",
                "conv2d bias x3",
            ),
            "onnx13: inverted": (
                "rows batch_norm hard_swish -> hard_sigmoid mul",
                "rows batch_norm hard_swish adaptive_avg_pool2d -> *",
                "rows batch_norm -> nothing",
            ),
            "onnx17 onnx20: inverted": ("rows batch_norm -> nothing x3",),
        },
    ),
    Listed(
        causes.LEFT_OUT,
        {
            "onnx17: transformer": ("rows dropout -> nothing",),
            "onnx20: transformer": ("rows dropout -> nothing x2",),
            "onnx13 onnx17 onnx20: dropped": ("rows dropout feature_dropout stochastic_depth -> nothing",),
            "onnx13 onnx17 onnx20: classifier": ("rows dropout -> nothing",),
        },
    ),
    Listed(
        causes.IN_PLACE,
        {
            "onnx13 onnx17 onnx20: written_in_place": (
                "rows nothing -> expand reshape other",
                "rows nothing -> expand reshape",
                "rows nothing -> slice expand reshape other",
                "relu saved",
                "other reads",
                "mul reads",
                "dense saved",
            ),
        },
    ),
    Listed(
        causes.LOOPS,
        {
            "onnx13 onnx17 onnx20: embedded_in_bags": (
                "rows embedding_bag -> reshape slice embedding mean",
                "dense saved",
            ),
        },
    ),
    Listed(
        causes.RECURRENT,
        {
            "onnx13 onnx17 onnx20: recurrent": (
                "rows nothing -> transpose",
                "rows nothing -> transpose reshape lstm transpose reshape",
                "rows nothing -> reshape",
                "rows nothing -> reshape transpose",
                "lstm shape",
                "lstm params",
                "lstm macs",
                "lstm reads",
                "gru shape",
                "gru reads",
                "rnn shape",
                "rnn reads",
            ),
        },
    ),
    Listed(
        causes.WHOLE_IMAGES,
        {
            "onnx13 onnx17 onnx20: pools_of_the_whole residual": ("rows adaptive_avg_pool2d -> global_avg_pool2d",),
            "onnx17 onnx20: inverted": ("rows adaptive_avg_pool2d -> global_avg_pool2d",),
        },
    ),
    Listed(
        causes.NOT_RECORDED,
        {
            "onnx13 onnx17 onnx20: *": ("total trainable",),
            "onnx13 onnx17 onnx20: activations_in_place": (
                "relu6 saved",
                "conv2d saved x9",
                "hard_sigmoid saved",
                "hard_tanh saved",
            ),
            "onnx17 onnx20: activations_in_place": ("hard_swish saved",),
        },
    ),
    Listed(
        causes.NO_FORM,
        {
            ("onnx13 onnx17 onnx20: norms_by_root resizes_exactly attention_grouped bilinear channels_shuffled"): (
                "refused",
            ),
            "onnx13: attention attention_masked transformer": ("refused",),
        },
    ),
)
