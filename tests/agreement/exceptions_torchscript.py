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
            "traced: written_in_place": ("rows nothing -> slice slice x2",),
            "traced scripted: written_in_place": ("slice reads x2",),
            "scripted: written_in_place": ("rows nothing -> slice slice",),
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
