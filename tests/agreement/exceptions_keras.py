"""Files of Keras, and Keras' networks against torch's."""

from __future__ import annotations

from .listed import FORMAT, OURS, Listed

LISTED = (
    Listed(
        FORMAT,
        "A SavedModel has TensorFlow's operations, of which a Keras layer is made.",
        {
            "savedmodel: *": ("rows *", "* reads*"),
        },
    ),
    Listed(
        OURS,
        (
            "Behind SpaceToBatchND and grouped convolutions no shape is known, and then the kernel is taken for "
            "the image: channels, groups and padding are wrong."
        ),
        {
            "savedmodel: keras_convolutions keras_activations keras_alike": (
                "conv2d shape*",
                "conv2d macs*",
                "* layout*",
            ),
            "savedmodel: keras_alike": (
                "resize shape*",
                "max_pool2d shape*",
                "conv_transpose2d shape*",
                "conv_transpose2d macs*",
                "avg_pool2d shape*",
            ),
        },
    ),
    Listed(
        OURS,
        (
            "Shapes behind SpaceToBatchND, Split, Pack, While and the Reshapes of a Tensordot are not worked out: "
            "nothing is known of what follows, and an output is not listed at all."
        ),
        {
            "savedmodel: keras_alike": ("max_pool2d saved*",),
            (
                "savedmodel: keras_convolutions keras_convolutions_elsewhere keras_activations keras_attention "
                "keras_alike keras_recurrent keras_embedded keras_shapes keras_arithmetic"
            ): ("outputs",),
            (
                "savedmodel: keras_convolutions keras_convolutions_elsewhere keras_activations keras_attention "
                "keras_alike keras_recurrent keras_embedded"
            ): (
                "total macs",
                "total uncounted",
            ),
            "savedmodel: keras_activations": ("log_softmax shape*", "* saved*", "relu shape*"),
            "savedmodel: keras_activations keras_shapes": ("* layout*",),
            "savedmodel: keras_shapes": ("split shape*", "transpose shape*"),
        },
    ),
    Listed(
        FORMAT,
        "The bias is an operation of its own.",
        {
            (
                "savedmodel: keras_convolutions keras_activations keras_hard_activations "
                "keras_pools_of_the_whole keras_resizes keras_alike keras_dropped keras_classifier "
                "keras_residual keras_residual_upsampled"
            ): ("conv2d params*",),
            (
                "savedmodel: keras_convolutions keras_activations keras_hard_activations "
                "keras_pools_of_the_whole keras_resizes keras_dropped keras_classifier keras_residual "
                "keras_residual_upsampled"
            ): ("conv2d bias*",),
            "savedmodel: keras_convolutions_elsewhere": ("conv3d params*", "conv3d bias*"),
            "savedmodel: keras_transposed keras_alike": ("conv_transpose2d params*",),
            "savedmodel: keras_residual keras_residual_upsampled": ("add params*",),
        },
    ),
    Listed(
        OURS,
        (
            "An image's layout is known from convolutions that read it directly, not behind a resize, a pad or a "
            "reshape; no receptive field passes these."
        ),
        {
            (
                "savedmodel: keras_convolutions keras_convolutions_elsewhere keras_transposed "
                "keras_hard_activations keras_resizes keras_alike keras_shapes keras_arithmetic keras_residual "
                "keras_residual_upsampled"
            ): ("* field*",),
            (
                "savedmodel: keras_convolutions_elsewhere keras_norms keras_pools_elsewhere keras_attention "
                "keras_einsums keras_attention_alone keras_alike keras_recurrent keras_shapes keras_arithmetic "
                "keras_residual_upsampled"
            ): ("inputs",),
            "savedmodel: keras_arithmetic": ("* layout*",),
        },
    ),
    Listed(
        FORMAT,
        "The rows of which a layer is made keep other tensors.",
        {
            "savedmodel: keras_convolutions keras_activations keras_resizes keras_alike keras_arithmetic": (
                "* saved*",
            ),
        },
    ),
    Listed(
        OURS,
        (
            "The shift of a batch norm that is written as a product and a sum is no part of a projection to the "
            "search for blocks."
        ),
        {
            "savedmodel: keras_residual": (
                "residual form",
                "residual kind",
                "residual channels",
                "residual params",
                "residual macs",
                "residual skipped",
                "residual breaks",
            ),
            "savedmodel: keras_residual keras_residual_upsampled": ("residual stride",),
        },
    ),
    Listed(
        OURS,
        "Keras' reader leaves the padding of a transposed convolution a word, and no receptive field passes it.",
        {
            "twin: keras_alike": ("conv_transpose2d padding",),
        },
    ),
    Listed(
        FORMAT,
        "torch is given the key and the value each, Keras one for both.",
        {
            "twin: keras_attention_alone": ("attention reads",),
        },
    ),
    Listed(
        FORMAT,
        "Keras pools the whole image and flattens it in one layer.",
        {
            ("twin: keras_pools_of_the_whole keras_residual"): (
                "rows adaptive_avg_pool2d flatten -> global_avg_pool2d",
            ),
        },
    ),
    Listed(
        FORMAT,
        "torch keeps the place of every maximum, TensorFlow does not.",
        {
            "twin: keras_alike keras_classifier": ("max_pool2d saved",),
        },
    ),
    Listed(
        FORMAT,
        "The frameworks count padding in their own way; here there is none.",
        {
            "twin: keras_alike keras_classifier": ("avg_pool2d count_include_pad",),
        },
    ),
    Listed(
        FORMAT,
        "Keras cannot pad both sides of a strided convolution: a layer in front of it does.",
        {
            "twin: keras_residual": ("rows nothing -> zero_pad2d", "conv2d saved", "conv2d padding", "conv2d reads"),
        },
    ),
)
