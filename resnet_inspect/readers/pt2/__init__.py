"""Programs that torch.export wrote."""

from __future__ import annotations

from ..format import Format, Glimpse


def _recognised(seen: Glimpse) -> bool:
    names = {name.rpartition("/")[2] for name in seen.names}
    return seen.is_archive and not names.isdisjoint({"serialized_exported_program.json", "archive_format"})


FORMATS = (
    Format(
        kind="pt2",
        title=".pt2",
        endings=(".pt2",),
        recognises=_recognised,
        reader=f"{__package__}.reader",
    ),
)
