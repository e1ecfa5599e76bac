"""An ONNX file without its weights: the protobuf is walked on the wire, and what is heavy is stepped over unread.

Only the skeleton that is left meets a parser. The file is read through a small window, never mapped: pages of weights
take no memory, a file of any size fits into little address space, and one that is cut meanwhile is no crash.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from os import SEEK_END
from typing import Any, BinaryIO, NamedTuple

import onnx

#: Bytes of everything but weights: a hundred times of what large networks have.
_MOST_BYTES = 1 << 26
#: Nodes, those of subgraphs and functions included: more take longer than anybody waits.
MOST_NODES = 100_000
#: Fields and packed numbers; a message counts as several. In memory an empty one takes a hundred times its two bytes.
_MOST_FIELDS, _MESSAGE = 2_000_000, 3
#: Messages in one another; protobuf's own limit.
_DEEPEST = 100
#: Bytes of values from which on a tensor is not a shape, axis or setting: of fractions (which settings have few of) and
#: of anything else.
_LARGE_FRACTIONS, _LARGE = 1 << 10, 1 << 14
_FRACTIONS = frozenset([1, 10, 11, 14, 15, 16])  # float, float16, double, complex64, complex128, bfloat16
#: Bytes that are read at once, and those of a message up to which it is first asked as a whole whether it is ASCII.
_WINDOW, _SMALL = 1 << 14, 1 << 9
#: Fields that no summary shows.
_IDLE = frozenset(["configuration", "device_configurations", "doc_string", "quantization_annotation", "training_info"])
#: The metadata that it does show: torch's notes on the modules around a node.
NOTES = ("pkg.torch.onnx.name_scopes", "pkg.torch.onnx.class_hierarchy")
_NOTES = tuple(note.encode() for note in NOTES)

_VARINT, _EIGHT, _BYTES, _FOUR = 0, 1, 2, 5
_TENSOR, _NODE = onnx.TensorProto.DESCRIPTOR.full_name, onnx.NodeProto.DESCRIPTOR.full_name
#: A tensor's values in all their forms, and those of them whose bytes are the elements' own.
_VALUES = ("raw_data", "float_data", "int32_data", "string_data", "int64_data", "double_data", "uint64_data")
_PLAIN_VALUES = ("raw_data", "float_data", "double_data")
#: What becomes of a field that is not a message.
_DROP, _KEEP, _TEXT, _NUMBERS, _TYPE = "drop", "keep", "text", "numbers", "type"

#: Varints of one byte.
_SHORT = [bytes([number]) for number in range(0x80)]

MALFORMED = "it ends too early, or was not an ONNX model. Export it again"


class UnsoundError(Exception):
    """What is wrong with a model."""


def skeleton(file: BinaryIO) -> bytes:
    """The ``ModelProto`` in a file (opened without a buffer) without the values of large tensors, and without what no
    summary shows: documentation, training, metadata but for ``NOTES``, fields that this onnx doesn't know.

    A tensor without its values is as if they stood in another file that has no name: ``external_data`` has the
    ``length`` of what the file holds of them, if it holds them byte by byte.

    Raises:
        UnsoundError: this is not a protobuf, or there is too much of it beside the weights.
        OSError: the file can't be read.
    """
    return _Walk(file).message(onnx.ModelProto.DESCRIPTOR, 0, file.seek(0, SEEK_END), 0)


class _Elements(NamedTuple):
    """A field of a tensor's values: whether its bytes are the elements' own, and whether it packs many numbers."""

    is_plain: bool
    is_packed: bool


class _Content:
    """The values of a tensor, which stay or go together, in whichever fields they are."""

    def __init__(self) -> None:
        self.type = self._bytes = self._plain = 0
        #: The fields that may stay: where in the message's parts, their begin and end in the file, packed numbers.
        self.spans: list[tuple[int, int, int, int]] = []

    def add(self, field: _Elements, place: int, begin: int, at: int, stop: int) -> None:
        # An empty one counts as a byte, so that there are not too many to remember.
        self._bytes += max(stop - at, 1)
        self._plain += stop - at if field.is_plain else 0
        if self._bytes > _LARGE:
            self.spans.clear()
        else:
            self.spans.append((place, begin, stop, (stop - at) // 2 if field.is_packed else 0))

    @property
    def are_large(self) -> bool:
        return self._bytes > (_LARGE_FRACTIONS if self.type in _FRACTIONS else _LARGE)

    def moved(self) -> bytes:
        """What stands in their place."""
        length = [onnx.StringStringEntryProto(key="length", value=str(self._plain))] if self._plain else []
        moved = onnx.TensorProto(data_location=onnx.TensorProto.EXTERNAL, external_data=length)
        return bytes(moved.SerializeToString())


class _Walk:
    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._window, self._base = b"", 0
        self._bytes_left, self._fields_left, self._nodes = _MOST_BYTES, _MOST_FIELDS, 0

    def message(self, kind: Any, start: int, end: int, depth: int) -> bytes:
        """The message of a ``kind`` that stands from ``start`` to ``end``, without what is dropped."""
        if depth > _DEEPEST:
            raise UnsoundError(f"its messages are nested more than {_DEEPEST} deep")
        is_node = kind.full_name == _NODE
        self._count(_MESSAGE)
        self._nodes += is_node
        if self._nodes > MOST_NODES:
            raise UnsoundError(f"it has more than {MOST_NODES} nodes")
        # Most messages are small, and what is ASCII is UTF-8.
        rules = _rules(kind, end - start <= _SMALL and self._read(start, end, free=True).isascii())
        content = _Content()
        parts: list[bytes] = []
        kept = start  # where what is kept as it is begins
        for tag, begin, at, stop in self._fields(start, end):
            rule = rules.get(tag, _DROP)
            if rule is _KEEP:
                continue
            if rule is _TEXT:
                self._check_text(at, stop)
            elif rule is _NUMBERS:
                self._count((stop - at) // 2)
            elif rule is _TYPE:
                content.type = self._read(at, stop, free=True)[0]
            else:
                if begin > kept:
                    parts.append(self._read(kept, begin))
                kept = stop
                if isinstance(rule, _Elements):
                    content.add(rule, len(parts), begin, at, stop)
                    parts.append(b"")
                elif rule is not _DROP and not (is_node and rule is _entry() and not self._is_note(at, stop)):
                    inner = self.message(rule, at, stop, depth + 1)
                    parts += (_varint(tag), _varint(len(inner)), inner)
        parts.append(self._read(kept, end))
        if content.are_large:
            parts.append(content.moved())
        else:
            for place, begin, stop, numbers in content.spans:
                self._count(numbers)
                parts[place] = self._read(begin, stop)
        return b"".join(parts)

    def _fields(self, start: int, end: int) -> Iterator[tuple[int, int, int, int]]:
        """The fields in a message: their tag, where it begins, where their content begins and ends.

        Raises:
            UnsoundError: they end too early, or are none.
        """
        at = start
        while at < end:
            begin = at
            # The longest head: a tag of 5 bytes and a length of 10.
            offset = at - self._base
            if offset < 0 or offset + 16 > len(self._window):
                self._file.seek(at)
                self._window, self._base, offset = self._file.read(_WINDOW) or b"", at, 0
            window, base = self._window, self._base
            # Most tags, lengths and numbers are one byte.
            length = len(window)
            if offset < length and window[offset] < 0x80:
                tag, offset = window[offset], offset + 1
            else:
                tag, offset = _number(window, offset)
            wire = tag & 7
            if wire == _BYTES:
                if offset < length and window[offset] < 0x80:
                    size, offset = window[offset], offset + 1
                else:
                    size, offset = _number(window, offset)
                at = base + offset
                stop = at + size
            elif wire == _VARINT:
                at = base + offset
                stop = at + 1 if offset < length and window[offset] < 0x80 else base + _number(window, offset)[1]
            elif wire in (_EIGHT, _FOUR):
                at = base + offset
                stop = at + (8 if wire == _EIGHT else 4)
            else:
                raise UnsoundError(MALFORMED)
            if not 8 <= tag < 1 << 32:
                raise UnsoundError(MALFORMED)
            if stop > end:
                raise UnsoundError(MALFORMED)
            self._fields_left -= 1
            if self._fields_left < 0:
                self._count(0)
            yield tag, begin, at, stop
            at = stop

    def _count(self, fields: int) -> None:
        self._fields_left -= fields
        if self._fields_left < 0:
            raise UnsoundError(f"it has more than {_MOST_FIELDS:,} fields and numbers beside its weights")

    def _read(self, start: int, stop: int, free: bool = False) -> bytes:
        """Bytes of the file, which count as the skeleton's unless they are ``free``."""
        size = stop - start
        if size > self._bytes_left:
            raise UnsoundError(f"it has more than {_MOST_BYTES >> 20} MiB beside its weights")
        self._bytes_left -= 0 if free else size
        offset = start - self._base
        if offset >= 0 and offset + size <= len(self._window):
            return self._window[offset : offset + size]
        self._file.seek(start)
        found = self._file.read(size) or b""
        if len(found) < size:
            raise UnsoundError(MALFORMED)
        return found

    def _check_text(self, start: int, stop: int) -> None:
        text = self._read(start, stop, free=True)
        try:
            text.decode()
        except UnicodeDecodeError:
            raise UnsoundError(f"its text {text[:40]!r} is not UTF-8") from None

    def _is_note(self, start: int, stop: int) -> bool:
        beginning = self._read(start, min(stop, start + 64), free=True)
        return any(note in beginning for note in _NOTES)


def _number(window: bytes, offset: int) -> tuple[int, int]:
    """The varint at ``offset``, and where it ends."""
    try:
        byte = window[offset]
        if byte < 0x80:
            return byte, offset + 1
        value = byte & 0x7F
        for place in range(1, 10):
            byte = window[offset + place]
            value |= (byte & 0x7F) << 7 * place
            if byte < 0x80:
                return value, offset + place + 1
    except IndexError:
        raise UnsoundError(MALFORMED) from None
    raise UnsoundError(MALFORMED)


def _varint(number: int) -> bytes:
    if number < 0x80:
        return _SHORT[number]
    found = bytearray()
    while number >= 0x80:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    found.append(number)
    return bytes(found)


@cache
def _entry() -> Any:
    return onnx.StringStringEntryProto.DESCRIPTOR


@cache
def _rules(kind: Any, is_ascii: bool) -> Mapping[int, Any]:
    """What becomes of a message's fields, by their tag: a message's own kind, a tensor's values, or one of five words.

    Of a message of nothing but ASCII, no text needs a look.
    """
    rules: dict[int, Any] = {}
    is_tensor = kind.full_name == _TENSOR
    for field in kind.fields:
        if field.name in _IDLE or (field.name == "metadata_props" and kind.full_name != _NODE):
            continue
        is_bytes = field.type in (field.TYPE_STRING, field.TYPE_BYTES)
        wire = {field.TYPE_FLOAT: _FOUR, field.TYPE_DOUBLE: _EIGHT}.get(field.type, _VARINT)
        if is_tensor and field.name in _VALUES:
            is_plain = field.name in _PLAIN_VALUES
            rules[field.number << 3 | _BYTES] = _Elements(is_plain, not is_bytes)
            if not is_bytes:
                rules[field.number << 3 | wire] = _Elements(is_plain, False)
        elif field.type == field.TYPE_MESSAGE:
            rules[field.number << 3 | _BYTES] = field.message_type
        elif is_bytes:
            rules[field.number << 3 | _BYTES] = _TEXT if field.type == field.TYPE_STRING and not is_ascii else _KEEP
        else:
            rules[field.number << 3 | wire] = _TYPE if is_tensor and field.name == "data_type" else _KEEP
            rules[field.number << 3 | _BYTES] = _NUMBERS
    return rules
