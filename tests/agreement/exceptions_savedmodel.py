"""The rows that a SavedModel has for a layer of Keras: what its exporter made of it, network by network."""

from __future__ import annotations

from . import causes
from .listed import Listed

LISTED = (
    Listed(
        causes.WRITTEN_OUT,
        {
            # Edges follow the rows.
            "savedmodel: *": ("* reads*",),
            "savedmodel: keras_activations": (
                "rows nothing -> add x10",
                "rows prelu -> *",
                "rows silu -> *",
                "rows hard_swish -> *",
                "rows hard_sigmoid -> *",
                "rows hard_tanh -> *",
                "rows mish -> *",
                "rows gelu -> *",
                "rows nothing -> add mul neg mul other mul",
            ),
            "savedmodel: keras_alike": (
                "rows nothing -> space_to_batch",
                "rows nothing -> batch_to_space add",
                "rows resize -> *",
                "rows nothing -> add x3",
            ),
            "savedmodel: keras_arithmetic": (
                "rows rescale -> *",
                "rows nothing -> add mul",
                "rows mean -> *",
                "rows nothing -> other other other other other where",
                "rows hard_tanh -> *",
            ),
            "savedmodel: keras_attention": ("rows attention attention attention dense -> *",),
            "savedmodel: keras_attention_alone": ("rows attention -> *",),
            "savedmodel: keras_classifier": (
                "rows batch_norm -> *",
                "rows dropout flatten dense -> *",
            ),
            "savedmodel: keras_convolutions": (
                "rows nothing -> add x2",
                "rows nothing -> space_to_batch",
                "rows nothing -> batch_to_space add",
                "rows nothing -> add relu",
                "rows separable_conv -> *",
            ),
            "savedmodel: keras_convolutions_elsewhere": (
                "rows zero_pad1d conv1d conv1d zero_pad3d conv1d -> *",
                "rows separable_conv -> *",
                "rows conv1d -> *",
            ),
            "savedmodel: keras_dropped": (
                "rows dropout feature_dropout noise dropout -> *",
                "rows nothing -> add",
            ),
            "savedmodel: keras_einsums": (
                "rows einsum_dense -> *",
                "rows dot -> *",
            ),
            "savedmodel: keras_embedded": (
                "rows nothing -> other add where",
                "rows dense -> *",
            ),
            "savedmodel: keras_hard_activations": (
                "rows hard_swish -> *",
                "rows hard_sigmoid -> *",
                "rows hard_tanh -> *",
                "rows nothing -> add x3",
                "rows silu -> *",
                "rows mish -> *",
            ),
            "savedmodel: keras_norms": (
                "rows batch_norm batch_norm group_norm layer_norm rms_norm unit_norm normalization -> *",
            ),
            "savedmodel: keras_pools_elsewhere": (
                "rows max_pool1d -> *",
                "rows avg_pool1d -> *",
                "rows conv1d global_max_pool3d global_avg_pool3d global_max_pool1d global_avg_pool1d -> *",
            ),
            "savedmodel: keras_pools_of_the_whole": ("rows global_avg_pool2d dense -> *",),
            "savedmodel: keras_recurrent": ("rows mask bidirectional gru time_distributed recurrent rnn -> *",),
            "savedmodel: keras_residual": (
                "rows nothing -> add x2",
                "rows batch_norm -> *",
                "rows nothing -> mul add add",
                "rows batch_norm batch_norm -> *",
                "rows nothing -> mul add mul add add",
                "rows global_avg_pool2d dense -> *",
            ),
            "savedmodel: keras_residual_upsampled": (
                "rows resize -> *",
                "rows batch_norm -> *",
                "rows nothing -> mul add add",
            ),
            "savedmodel: keras_resizes": (
                "rows resize -> *",
                "rows nothing -> add",
                "rows crop -> *",
                "rows global_max_pool2d -> *",
            ),
            "savedmodel: keras_shapes": (
                "rows flatten -> *",
                "rows nothing -> reshape reshape",
                "rows nothing -> reshape",
            ),
            "savedmodel: keras_transposed": (
                "rows nothing -> add",
                "rows nothing -> add relu",
            ),
        },
    ),
)
