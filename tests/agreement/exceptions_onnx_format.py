"""ONNX files against torch: what the format or its exporter changes."""

from __future__ import annotations

from .listed import FORMAT, Listed

LISTED = (
    Listed(
        FORMAT,
        "The exporter has no form of this operator in this opset.",
        {
            "onnx13 onnx17 onnx20: channels_shuffled": ("refused",),
            "onnx17 onnx20: norms_by_root resizes_exactly attention_grouped bilinear": ("refused",),
            (
                "onnx13: norms_by_root resizes_exactly attention attention_masked attention_grouped transformer "
                "bilinear"
            ): ("refused",),
        },
    ),
    Listed(
        FORMAT,
        "ONNX does not record which parameters are trained.",
        {
            "onnx13 onnx17 onnx20: *": ("total trainable",),
        },
    ),
    Listed(
        FORMAT,
        "A padding mode other than zeros is a call of its own before the convolution.",
        {
            "onnx13 onnx17 onnx20: padded": (
                "rows nothing -> pad x2",
                "rows nothing -> slice slice concat slice slice concat",
            ),
        },
    ),
    Listed(
        FORMAT,
        "ONNX's BatchNormalization always has a scale and a shift; the exporter writes ones and zeros.",
        {
            "onnx13 onnx17 onnx20: norms": ("batch_norm params", "batch_norm scale", "batch_norm center"),
        },
    ),
    Listed(
        FORMAT,
        "ONNX's InstanceNormalization always has a scale and a shift; the exporter writes ones and zeros.",
        {
            "onnx13 onnx17 onnx20: norms norms_of_vectors": ("instance_norm params",),
        },
    ),
    Listed(
        FORMAT,
        "ONNX's LayerNormalization always has a scale; the exporter writes ones and zeros.",
        {
            "onnx17 onnx20: norms_of_vectors": ("layer_norm params", "layer_norm bias"),
        },
    ),
    Listed(
        FORMAT,
        "The opset has no such norm: the exporter writes what it computes.",
        {
            "onnx13 onnx17 onnx20: norms": ("rows group_norm -> reshape instance_norm reshape mul add",),
            "onnx13: norms shapes": ("rows layer_norm -> mean sub pow mean add sqrt div mul add",),
            "onnx13: norms_of_vectors": (
                "rows layer_norm -> add mean sub pow mean add sqrt div mul add",
                "rows layer_norm -> add mean sub pow mean add sqrt div",
            ),
        },
    ),
    Listed(
        FORMAT,
        "Behind a norm or an attention that is written as what it computes, positions cannot be followed.",
        {
            "onnx13 onnx17 onnx20: norms": ("conv2d field x4", "instance_norm field x2"),
            "onnx17 onnx20: norms transformer": ("layer_norm field",),
            "onnx13 onnx17 onnx20: norms_rarely_seen": ("conv2d field x2",),
            "onnx17 onnx20: transformer": ("add field x2", "dense field x2"),
            "onnx20: transformer": ("gelu field",),
        },
    ),
    Listed(
        FORMAT,
        "No format has this norm: the exporters write what it computes.",
        {
            "onnx13 onnx17 onnx20: norms_rarely_seen": (
                "rows local_response_norm -> mul reshape pad avg_pool3d other reshape *",
                "rows frozen_batch_norm -> mul add",
                "total statistics",
                "total uncounted",
            ),
        },
    ),
    Listed(
        FORMAT,
        "A dense layer of tensors with several positions is a MatMul and an Add, which has the bias.",
        {
            "onnx13: norms_of_vectors": ("rows nothing -> add", "dense params x3", "dense bias x3"),
            "onnx17 onnx20: norms_of_vectors transformer": ("dense params x3", "dense bias x3"),
            "onnx13 onnx17 onnx20: norms_of_vectors": ("batch_norm reads",),
            "onnx17: norms_of_vectors": ("rows nothing -> add x3",),
            "onnx20: norms_of_vectors transformer": ("rows nothing -> add x3",),
            "onnx17 onnx20: norms_of_vectors": ("layer_norm reads x2",),
            "onnx17: transformer": ("rows nothing -> add x2",),
            "onnx17 onnx20: transformer": ("layer_norm reads", "add params"),
            "onnx20: transformer": ("gelu reads",),
        },
    ),
    Listed(
        FORMAT,
        "The opset has no such activation: the exporter writes what it computes.",
        {
            "onnx13 onnx17 onnx20: activations hard_activations activations_in_place": (
                "rows silu -> sigmoid mul",
                "rows mish -> softplus tanh mul",
            ),
            "onnx13: activations hard_activations activations_in_place": ("rows hard_swish -> hard_sigmoid mul",),
            "onnx13 onnx17: activations": ("rows gelu -> mul mul mul add mul tanh add mul mul",),
            "onnx13 onnx17 onnx20: activations_of_vectors": ("rows glu -> slice sigmoid mul",),
        },
    ),
    Listed(
        FORMAT,
        "ONNX does not record what is done in place.",
        {
            "onnx13 onnx17 onnx20: activations_in_place": ("relu6 saved", "conv2d saved x9", "hard_sigmoid saved"),
            "onnx17 onnx20: activations_in_place": ("hard_swish saved",),
        },
    ),
    Listed(
        FORMAT,
        "ONNX has no adaptive pooling: the exporter writes the windows.",
        {
            "onnx13 onnx17 onnx20: pools_adaptive": (
                "rows adaptive_avg_pool2d adaptive_max_pool2d -> avg_pool2d max_pool2d",
            ),
            "onnx13 onnx17 onnx20: pools_adaptive_elsewhere": (
                "rows adaptive_avg_pool1d adaptive_max_pool1d adaptive_avg_pool3d *",
            ),
        },
    ),
    Listed(
        FORMAT,
        "ONNX has a pooling of the whole image of its own.",
        {
            "onnx17 onnx20: pools_of_the_whole residual inverted": ("rows adaptive_avg_pool2d -> global_avg_pool2d",),
            "onnx13: pools_of_the_whole residual": ("rows adaptive_avg_pool2d -> global_avg_pool2d",),
        },
    ),
    Listed(
        FORMAT,
        "Until opset 23 ONNX has no attention: the exporter writes its products.",
        {
            "onnx17 onnx20: attention": ("rows attention -> transpose dense add reshape reshape transpose *",),
            "onnx17 onnx20: attention_masked": ("rows attention attention -> transpose mul mul matmul other add *",),
            "onnx17 onnx20: transformer": (
                "rows attention dropout -> transpose dense add reshape reshape *",
                "residual skipped",
            ),
        },
    ),
    Listed(
        FORMAT,
        "The exporter leaves out what does nothing in inference.",
        {
            "onnx13 onnx20: classifier": ("rows dropout -> nothing",),
            "onnx17: transformer classifier": ("rows dropout -> nothing",),
            "onnx20: transformer": ("rows dropout -> nothing x2",),
            "onnx13 onnx17 onnx20: dropped": ("rows dropout dropout stochastic_depth -> nothing",),
        },
    ),
    Listed(
        FORMAT,
        "The exporter works out what depends on parameters alone.",
        {
            "onnx13 onnx17 onnx20: products": (
                "rows transpose -> nothing",
                "rows matmul transpose -> dense",
                "matmul params",
                "matmul saved",
                "total params",
            ),
        },
    ),
    Listed(
        FORMAT,
        "ONNX has a node for each layer of a recurrent network, with the steps first, and zeros as its first state.",
        {
            "onnx13 onnx17 onnx20: recurrent": (
                "rows nothing -> transpose expand expand",
                "rows nothing -> transpose reshape expand expand lstm transpose *",
                "rows nothing -> reshape expand",
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
        FORMAT,
        "The exporter writes the transposed table as a tensor of its own.",
        {
            "onnx13 onnx17 onnx20: embedded": ("dense params", "total params"),
        },
    ),
    Listed(
        FORMAT,
        "The exporter writes an embedding bag as a loop, whose sizes and costs are in its values.",
        {
            "onnx13 onnx17 onnx20: embedded_in_bags": (
                "rows embedding_bag -> reshape other",
                "dense shape",
                "dense macs",
                "dense saved",
                "dense layout",
                "outputs",
                "total macs",
                "total uncounted",
            ),
        },
    ),
    Listed(
        FORMAT,
        "An index of several dimensions is a slice for each.",
        {
            "onnx13 onnx17 onnx20: written_in_place": ("rows nothing -> slice",),
            "onnx13 onnx17 onnx20: shapes written_in_place": ("slice reads",),
            "onnx13 onnx17 onnx20: shapes": ("rows nothing -> slice x2",),
        },
    ),
    Listed(
        FORMAT,
        "ONNX has no chunk, stack, roll, flip or repeat_interleave: the exporter writes slices and concatenations.",
        {
            "onnx13 onnx17 onnx20: shapes": (
                "rows stack -> reshape reshape concat",
                "rows copy transpose pad roll -> zero_pad2d slice slice concat",
                "rows other flatten -> reshape expand reshape reshape",
                "rows other -> reshape slice",
                "slice shape x2",
                "slice layout",
                "concat reads",
            ),
            "onnx17 onnx20: shapes": ("layer_norm layout",),
        },
    ),
    Listed(
        FORMAT,
        "Tracing writes 2 / x as a reciprocal and a product; ONNX has no rsqrt.",
        {
            "onnx13 onnx17 onnx20: arithmetic": ("rows abs -> nothing", "rows abs add rsqrt -> sqrt div"),
        },
    ),
    Listed(
        FORMAT,
        "The exporter writes max, min and std as what it has.",
        {
            "onnx13 onnx17 onnx20: reductions": (
                "rows max min -> amax amin",
                "rows other -> mean sub mul mean mul div sqrt",
            ),
        },
    ),
    Listed(
        FORMAT,
        "ONNX writes nothing in place: the exporter scatters.",
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
        FORMAT,
        "The exporter folds a batch norm into the convolution in front of it.",
        {
            (
                "onnx13 onnx17 onnx20: norms norms_rarely_seen norms_of_vectors classifier residual "
                "residual_upsampled preactivation inverted"
            ): ("total params",),
            "onnx13: classifier inverted": ("rows batch_norm -> nothing",),
            "onnx17 onnx20: classifier": ("rows batch_norm -> nothing",),
            "onnx13 onnx17 onnx20: classifier residual residual_upsampled preactivation inverted": (
                "total statistics",
            ),
            "onnx13 onnx17 onnx20: residual": ("rows batch_norm -> nothing x5",),
            "onnx13 onnx17 onnx20: residual residual_upsampled preactivation inverted": ("residual params",),
            "onnx13 onnx17 onnx20: residual_upsampled preactivation": ("rows batch_norm -> nothing x2",),
            "onnx13 onnx17 onnx20: preactivation": ("conv2d params x2", "conv2d bias x2"),
            "onnx13: inverted": (
                "rows batch_norm hard_swish -> hard_sigmoid mul",
                "rows batch_norm hard_swish adaptive_avg_pool2d -> hard_sigmoid mul *",
            ),
            "onnx13 onnx17 onnx20: inverted": ("conv2d params x3", "conv2d bias x3"),
            "onnx17 onnx20: inverted": ("rows batch_norm -> nothing x3",),
        },
    ),
    Listed(
        FORMAT,
        "Until opset 20 ONNX has no gelu: the exporter writes what it computes.",
        {
            "onnx13 onnx17: activations": ("rows gelu -> div erf add mul mul",),
            "onnx17: transformer": ("rows gelu dropout -> add div erf add mul mul",),
        },
    ),
    Listed(
        FORMAT,
        "A division that is written as a product with the reciprocal keeps another tensor.",
        {
            "onnx13 onnx17 onnx20: arithmetic": ("mul saved",),
        },
    ),
)
