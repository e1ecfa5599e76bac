"""TorchScript against torch, where an exported program differs in another way or not at all."""

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
        FORMAT,
        "An index of several dimensions is a slice for each.",
        {
            "traced scripted: shapes": ("rows nothing -> slice slice slice",),
            "traced scripted: written_in_place": ("slice reads x2",),
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
        FORMAT,
        "What is assigned to an index is a copy into a slice in files.",
        {
            "traced scripted: written_in_place": ("rows other -> slice slice copy",),
            "traced: written_in_place": ("rows nothing -> slice slice", "other shape", "other reads"),
            "scripted: written_in_place": ("rows other -> nothing",),
        },
    ),
)
