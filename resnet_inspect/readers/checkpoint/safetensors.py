"""The header of a safetensors file, held against the format's rules: what it says is what the file has."""

from __future__ import annotations

from math import prod
from typing import IO, Any

from ... import stranger_json
from ...analysis.checkpoint_match import Entry
from ..bounds import Allowance

#: Name of an element type -> ours, and its bits; None where a type of ours has another size than shape and type say.
_DTYPES: dict[str, tuple[str | None, int]] = {
    "BOOL": ("bool", 8),
    "U8": ("uint8", 8),
    "I8": ("int8", 8),
    "F8_E4M3": ("float8_e4m3fn", 8),
    "F8_E5M2": ("float8_e5m2", 8),
    "F8_E8M0": (None, 8),
    "F8_E4M3FNUZ": (None, 8),
    "F8_E5M2FNUZ": (None, 8),
    "F4": (None, 4),
    "F6_E2M3": (None, 6),
    "F6_E3M2": (None, 6),
    "I16": ("int16", 16),
    "U16": ("uint16", 16),
    "F16": ("float16", 16),
    "BF16": ("bfloat16", 16),
    "I32": ("int32", 32),
    "U32": ("uint32", 32),
    "F32": ("float32", 32),
    "C64": (None, 64),
    "I64": ("int64", 64),
    "U64": ("uint64", 64),
    "F64": ("float64", 64),
}
#: Bytes of a header. A tensor has a hundred, so these are three hundred thousand; the format's own limit is 100 MB.
LONGEST = 2**25
_MOST_DIMENSIONS = 128
_MOST_ELEMENTS = 2**63


def read(size: int, file: IO[bytes], allowance: Allowance) -> tuple[Entry, ...]:
    """The tensors in a file of ``size`` bytes.

    Raises:
        ValueError: the header can't be read, or contradicts itself or the file.
        Exception: it is built in another way.
    """
    length = int.from_bytes(file.read(8), "little")
    if length > size - 8:
        raise ValueError(f"its header should have {length} bytes, the file has {size}")
    if length > LONGEST:
        raise ValueError(f"its header has {length} bytes, more than the {LONGEST} that are read")
    allowance.take(length)
    header = stranger_json.loads(file.read(length), LONGEST, object_pairs_hook=_once)
    header.pop("__metadata__", None)
    entries = tuple(_entry(name, item) for name, item in header.items())
    end = 0
    for start, stop in sorted(_offsets(item) for item in header.values()):
        if start != end:
            raise ValueError(f"its tensors {'overlap' if start < end else 'leave a gap'} at byte {start}")
        end = stop
    if end > size - 8 - length:
        raise ValueError(f"it is truncated: its tensors need {8 + length + end} bytes, the file has {size}")
    return entries


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError("its header has a name twice")
    return made


def _entry(name: str, item: dict[str, Any]) -> Entry:
    shape, kind = tuple(map(_natural, item["shape"])), item["dtype"]
    start, end = _offsets(item)
    known, bits = _DTYPES.get(kind, (None, None))
    if len(shape) > _MOST_DIMENSIONS or prod(shape) >= _MOST_ELEMENTS:
        raise ValueError(f"{name[:100]!r} has more elements than there can be")
    if bits is not None and prod(shape) * bits != (end - start) * 8:
        raise ValueError(f"{name[:100]!r} has {end - start} bytes, which its shape and type contradict")
    if known is not None:
        return Entry(name, shape, known)
    if not kind.isalnum() and not kind.replace("_", "").isalnum():
        raise ValueError(f"{name[:100]!r} has no type")
    return Entry(name, shape, kind[:32].lower(), stored_bytes=end - start)


def _offsets(item: dict[str, Any]) -> tuple[int, int]:
    start, end = map(_natural, item["data_offsets"])
    if start > end:
        raise ValueError(f"a tensor ends at byte {end}, before its start at {start}")
    return start, end


def _natural(number: Any) -> int:
    if type(number) is not int or not 0 <= number < _MOST_ELEMENTS:
        raise ValueError("a tensor has a size or offset that is not a natural number of 63 bits")
    return number
