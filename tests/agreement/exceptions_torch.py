"""Exported programs and scripts against live torch."""

from __future__ import annotations

from . import causes
from .listed import Listed

LISTED = (
    Listed(
        causes.WRITTEN_OUT,
        {
            "pt2 traced scripted: padded": (
                "rows nothing -> pad x3",
                "conv2d saved x3",
                "conv2d padding x3",
                "conv2d padding_mode x3",
                "conv2d reads x3",
            ),
            "pt2 traced scripted: norms_rarely_seen": (
                "rows local_response_norm -> mul reshape pad avg_pool3d *",
                "conv2d field x2",
            ),
            "pt2 traced scripted: activations_of_vectors": ("rows softsign -> abs add div",),
            "pt2 traced scripted: attention transformer": (
                "rows nothing -> transpose dense reshape reshape transpose *",
                "rows nothing -> transpose reshape dense reshape transpose",
                "attention shape",
                "attention params",
                "attention macs",
                "attention saved",
                "attention reads",
            ),
            "pt2 traced scripted: transformer": ("dropout reads",),
            "pt2 traced scripted: embedded_in_bags": (
                "rows nothing -> reshape",
                "embedding_bag reads",
            ),
            "pt2 traced scripted: shapes": ("slice reads",),
            "pt2 traced scripted: arithmetic": ("rows div -> other mul",),
            "pt2: norms_rarely_seen": ("rows frozen_batch_norm -> reshape reshape reshape reshape add *",),
            "pt2: shapes": ("rows nothing -> slice",),
            "traced scripted: norms_rarely_seen": ("rows frozen_batch_norm -> reshape add rsqrt reshape mul *",),
            "traced scripted: shapes": ("rows nothing -> slice slice slice",),
            "traced scripted: written_in_place": (
                "rows nothing -> slice x2",
                "slice reads x2",
            ),
            "scripted: arithmetic": ("rows sub -> neg add",),
        },
    ),
    Listed(
        causes.LEFT_OUT,
        {
            "pt2 traced scripted: dropped": ("rows stochastic_depth -> nothing",),
        },
    ),
    Listed(
        causes.IN_PLACE,
        {
            "pt2: written_in_place": (
                "rows other -> slice copy",
                "rows other -> slice fill",
            ),
            "traced scripted: written_in_place": ("rows other -> slice slice copy",),
            "traced: written_in_place": ("rows other -> slice slice fill",),
            "scripted: written_in_place": ("rows other -> nothing",),
        },
    ),
)
