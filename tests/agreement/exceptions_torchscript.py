"""TorchScript against torch."""

from __future__ import annotations

from .listed import FORMAT, OURS, Listed

LISTED = (
    Listed(
        OURS,
        "The operators of an embedding bag are not among those that are interpreted.",
        {
            "traced scripted: embedded_in_bags": ("refused",),
        },
    ),
    Listed(
        OURS,
        "Fake quantisation is not among the operators that are interpreted.",
        {
            "traced scripted: quantised": ("refused",),
        },
    ),
    Listed(
        OURS,
        "The outputs of TorchScript have no layout, although the rows that give them have one.",
        {
            "traced scripted: *": ("outputs",),
        },
    ),
    Listed(
        OURS,
        "The mode is lost in ATen's names of resizes, so that bilinear and bicubic count as nearest.",
        {
            "traced scripted: alike": ("conv2d field",),
        },
    ),
    Listed(
        OURS,
        (
            "Uneven padding of a convolution by name is read as what torch runs, a pad and a convolution; the "
            "file has one call. The bytes kept are those of the padded image, which the live reader leaves out."
        ),
        {
            "traced scripted: convolutions": (
                "rows nothing -> pad x2",
                "conv2d field x7",
                "conv2d saved x2",
                "conv2d padding x2",
                "conv2d reads x2",
            ),
            "traced scripted: convolutions_along_a_line alike": ("rows nothing -> pad",),
            "traced scripted: convolutions_along_a_line": (
                "conv1d saved",
                "conv1d padding",
                "conv1d reads",
            ),
            "traced scripted: alike": (
                "conv2d saved",
                "conv2d padding",
                "conv2d reads",
            ),
        },
    ),
    Listed(
        OURS,
        "No receptive field passes a `pad`, although its rows are known.",
        {
            "traced scripted: padded": (
                "pad layout",
                "conv2d field x3",
            ),
        },
    ),
    Listed(
        OURS,
        (
            "Pads are read as what torch runs: reflection, replication and circular pads have no word, the last "
            "one is a dozen slices."
        ),
        {
            "traced scripted: padded": (
                "rows nothing -> other x2",
                "rows nothing -> other slice slice slice slice other slice slice other *",
                "rows zero_pad2d conv2d -> nothing",
                "rows pad -> conv2d other other",
                "conv2d saved x3",
                "conv2d padding x3",
                "conv2d padding_mode x3",
                "conv2d reads x3",
            ),
        },
    ),
    Listed(
        OURS,
        "TorchScript's instance_norm is read as what torch runs: a batch norm between reshapes.",
        {
            "traced scripted: norms norms_of_vectors": ("rows instance_norm -> reshape batch_norm reshape",),
            "traced scripted: norms": ("rows instance_norm -> other other reshape batch_norm reshape",),
            "traced scripted: norms_of_vectors": ("batch_norm reads",),
        },
    ),
    Listed(
        OURS,
        "TorchScript's rms_norm is read as what torch runs.",
        {
            "traced scripted: norms_by_root": (
                "rows nothing -> reshape",
                "rows rms_norm -> reshape pow mean add rsqrt mul mul",
            ),
        },
    ),
    Listed(
        OURS,
        (
            "TorchScript's selu is read as what torch runs, elu, which keeps its input. So does selu, of which "
            "the live reader says that it keeps nothing."
        ),
        {
            "traced scripted: activations hard_activations activations_in_place": ("rows selu -> elu",),
        },
    ),
    Listed(
        OURS,
        "One number stands for all dimensions in the live reader alone.",
        {
            "traced scripted: pools_adaptive": ("adaptive_avg_pool2d output_size",),
        },
    ),
    Listed(
        OURS,
        "TorchScript's poolings of lines are read as what torch runs: those of images between reshapes.",
        {
            "traced scripted: pools_elsewhere": ("rows max_pool1d avg_pool1d -> reshape max_pool2d reshape reshape *",),
            "traced scripted: pools_adaptive_elsewhere": ("rows adaptive_avg_pool1d adaptive_max_pool1d -> reshape *",),
        },
    ),
    Listed(
        OURS,
        (
            "A pooling of the whole image is read as what torch runs, a mean. The mean keeps nothing for the "
            "backward pass, so that the live reader counts too much."
        ),
        {
            "traced scripted: pools_of_the_whole residual": ("rows adaptive_avg_pool2d flatten -> mean reshape",),
            "traced scripted: inverted": ("rows adaptive_avg_pool2d -> mean",),
        },
    ),
    Listed(
        OURS,
        "scaled_dot_product_attention is one call in the file, and is read as the products that torch runs.",
        {
            "traced scripted: attention": ("rows attention -> transpose copy reshape dense reshape add reshape *",),
            "traced scripted: attention_masked": (
                "rows attention attention -> other mul transpose mul expand reshape *",
            ),
            "traced scripted: attention_grouped": (
                "rows attention -> mul reshape expand copy reshape reshape expand copy *",
            ),
            "traced scripted: transformer": (
                "rows attention dropout -> transpose copy reshape dense reshape add *",
                "layer_norm reads",
                "add field x2",
                "layer_norm field",
                "dense field x2",
                "gelu field",
                "dropout field x2",
                "residual skipped",
            ),
        },
    ),
    Listed(
        OURS,
        "TorchScript's linear is read as what torch runs, a product of matrices between reshapes.",
        {
            "traced scripted: norms_of_vectors": (
                "rows nothing -> reshape x6",
                "dense reads x3",
                "layer_norm reads x2",
            ),
            "traced scripted: norms_of_vectors transformer": ("dense shape x3",),
            "traced scripted: norms_by_root bilinear embedded": (
                "dense shape",
                "dense reads",
            ),
            "traced scripted: transformer": (
                "rows nothing -> reshape x4",
                "gelu reads",
            ),
            "traced scripted: transformer products": ("dense reads x2",),
            "traced scripted: products embedded": ("rows nothing -> reshape x2",),
            "traced scripted: products": ("dense shape x2",),
            "traced scripted: bilinear": ("rows nothing -> reshape",),
        },
    ),
    Listed(
        OURS,
        "A dropout that does nothing is left out, and a flatten is read as what torch runs.",
        {
            "traced scripted: transformer": (
                "rows dropout -> reshape x2",
                "dropout shape",
                "dropout saved x2",
            ),
            "traced scripted: dropped": ("rows dropout dropout stochastic_depth -> nothing",),
            "traced scripted: classifier": ("rows dropout flatten -> reshape",),
        },
    ),
    Listed(
        OURS,
        "einsum is one call in the file, and is read as what torch runs.",
        {
            "traced scripted: einsums": ("rows einsum einsum einsum einsum einsum -> reshape transpose reshape *",),
            "traced scripted: einsums_alike": ("rows einsum -> reshape transpose reshape transpose sum transpose *",),
        },
    ),
    Listed(
        OURS,
        "matmul is read as what torch runs; `mv` has no word.",
        {
            "traced scripted: products": (
                "rows matmul transpose -> reshape other reshape",
                "rows nothing -> reshape reshape",
            ),
        },
    ),
    Listed(
        OURS,
        "A transpose of a parameter is no row, and the product counts the parameter in its place.",
        {
            "traced scripted: products": ("matmul params", "matmul saved"),
        },
    ),
    Listed(
        OURS,
        "bilinear is one call in the file, and is read as what torch runs.",
        {
            "traced scripted: bilinear": ("rows bilinear -> reshape reshape reshape other reshape add",),
        },
    ),
    Listed(
        OURS,
        (
            "lstm, gru and rnn_tanh are one call each in the file, and are read as what torch runs; the gates "
            "then look like residual blocks."
        ),
        {
            "traced scripted: recurrent": (
                "rows lstm gru rnn -> transpose slice dense dense add other sigmoid *",
                "residual form",
                "residual kind",
                "residual stride",
                "residual channels",
                "residual params",
                "residual macs",
                "residual skipped",
                "residual breaks",
            ),
        },
    ),
    Listed(
        FORMAT,
        "An index of several dimensions is a slice for each.",
        {
            "traced scripted: shapes": ("rows nothing -> slice slice slice",),
            "traced: written_in_place": ("rows nothing -> slice slice x2",),
            "traced scripted: written_in_place": ("slice reads x2",),
            "scripted: written_in_place": ("rows nothing -> slice slice",),
        },
    ),
    Listed(
        OURS,
        "repeat_interleave and flatten are read as what torch runs.",
        {
            "traced scripted: shapes": ("rows other flatten -> reshape expand copy reshape reshape",),
        },
    ),
    Listed(
        FORMAT,
        "The compiler of TorchScript writes 1 - x so.",
        {
            "scripted: arithmetic": ("rows sub -> neg add",),
        },
    ),
    Listed(
        OURS,
        (
            "What is assigned to an index is a row of its own with the whole tensor live, and a copy into a slice "
            "in files."
        ),
        {
            "scripted: written_in_place": (
                "rows other -> nothing",
                "other shape",
                "other reads",
            ),
        },
    ),
)
