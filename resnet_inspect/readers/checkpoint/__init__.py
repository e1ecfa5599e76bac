"""Files of tensors without a network, and the pickles of torch.

``reader.py`` finds out which kind a file is: ``safetensors.py``, ``torch_pickled.py`` (a ``.pth`` without torch:
``pickle_opcodes.py`` moves values, ``pickle_values.py`` lists what may be named), or ``hdf5.py``, which works in a
child.
"""

from __future__ import annotations

from ..format import Format, Glimpse


def _recognised(seen: Glimpse) -> bool:
    """Safetensors and pickles by their bytes, archives by the pickle in them, an index by what it maps."""
    if seen.is_folder:
        return any(name.endswith((".safetensors", ".index.json")) for name in seen.names)
    if seen.is_archive:  # the reader says what is damaged
        return seen.is_damaged or any(name.endswith("data.pkl") for name in seen.names)
    if seen.start[8:9] == b"{" or seen.start[:1] == b"\x80":
        return True  # safetensors; a pickle, as torch wrote before version 1.6
    if not seen.is_json:
        return False
    return seen.path.name.endswith(".index.json") if seen.document is None else "weight_map" in seen.document


FORMATS = (
    Format(
        kind="state",
        title="safetensors, .pth",
        endings=(".pth", ".bin", ".ckpt", ".safetensors"),
        recognises=_recognised,
        reader=f"{__package__}.summary",
    ),
)
