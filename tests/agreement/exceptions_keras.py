"""SavedModel folders against live Keras, and Keras' networks against their twins in torch."""

from __future__ import annotations

from . import causes
from .listed import Listed

LISTED = (
    Listed(
        causes.WRITTEN_OUT,
        {
            "savedmodel: keras_convolutions keras_alike": (
                "conv2d shape",
                "conv2d dilation",
            ),
            "savedmodel: keras_convolutions": (
                "conv2d field",
                "conv2d padding",
            ),
            "savedmodel: keras_convolutions keras_resizes": ("conv2d saved x2",),
            "savedmodel: keras_convolutions_elsewhere": ("total macs",),
            "savedmodel: keras_resizes keras_residual_upsampled": ("conv2d field x2",),
            "savedmodel: keras_resizes": (
                "resize field x2",
                "crop field",
            ),
            "savedmodel: keras_alike": (
                "conv2d field x3",
                "resize field",
                "max_pool2d field",
                "conv_transpose2d field",
                "avg_pool2d field",
            ),
            "savedmodel: keras_alike keras_residual_upsampled": ("conv2d saved",),
            "savedmodel: keras_shapes": ("expand shape",),
            "savedmodel: keras_arithmetic": ("mul saved",),
            "savedmodel: keras_residual_upsampled": (
                "relu field x2",
                "add field",
            ),
        },
    ),
    Listed(
        causes.BIAS,
        {
            "savedmodel: keras_convolutions": (
                "conv2d params x5",
                "conv2d bias x5",
            ),
            "savedmodel: keras_convolutions_elsewhere": (
                "conv3d params x2",
                "conv3d bias x2",
            ),
            "savedmodel: keras_transposed": (
                "conv_transpose2d params x2",
                "conv_transpose2d bias x2",
            ),
            "savedmodel: keras_activations": (
                "conv2d params x19",
                "conv2d bias x19",
            ),
            "savedmodel: keras_hard_activations": (
                "conv2d params x8",
                "conv2d bias x8",
            ),
            "savedmodel: keras_pools_of_the_whole keras_classifier": (
                "conv2d params",
                "conv2d bias",
            ),
            "savedmodel: keras_resizes keras_alike": (
                "conv2d params x3",
                "conv2d bias x3",
            ),
            "savedmodel: keras_alike": (
                "conv_transpose2d params",
                "conv_transpose2d bias",
            ),
            "savedmodel: keras_dropped keras_residual_upsampled": (
                "conv2d params x2",
                "conv2d bias x2",
            ),
            "savedmodel: keras_residual": (
                "conv2d params x6",
                "conv2d bias x6",
                "add params x2",
            ),
            "savedmodel: keras_residual_upsampled": ("add params",),
        },
    ),
    Listed(
        causes.LOOPS,
        {
            "savedmodel: keras_recurrent": ("total macs",),
        },
    ),
    Listed(
        causes.WHOLE_IMAGES,
        {
            "twin: keras_pools_of_the_whole keras_residual": ("rows adaptive_avg_pool2d flatten -> global_avg_pool2d",),
        },
    ),
    Listed(
        causes.NO_IMAGES,
        {
            (
                "savedmodel: keras_convolutions_elsewhere keras_norms keras_pools_elsewhere keras_attention "
                "keras_einsums keras_attention_alone keras_recurrent keras_shapes keras_arithmetic "
                "keras_residual_upsampled"
            ): ("inputs",),
            "savedmodel: keras_convolutions_elsewhere keras_arithmetic": ("outputs",),
            "savedmodel: keras_shapes": ("reshape field",),
            "savedmodel: keras_arithmetic": (
                "mul field",
                "mul layout",
                "sub field",
                "sub layout",
                "add field x4",
                "add layout x4",
                "max field",
                "max layout",
                "min field",
                "min layout",
                "abs field",
                "abs layout",
                "pow field",
                "pow layout",
                "sqrt field",
                "sqrt layout",
                "neg field",
                "neg layout",
                "exp field",
                "exp layout",
                "div field",
                "div layout",
                "log field",
                "log layout",
                "amax field",
                "argmax field",
                "sum field",
                "mean field",
            ),
        },
    ),
    Listed(
        causes.FRAMEWORKS,
        {
            "twin: keras_attention_alone": ("attention reads",),
            "twin: keras_alike keras_classifier": (
                "max_pool2d saved",
                "avg_pool2d count_include_pad",
            ),
            "twin: keras_residual": (
                "rows nothing -> zero_pad2d",
                "conv2d saved",
                "conv2d padding",
                "conv2d reads",
            ),
        },
    ),
)
