"""Changes to a file's content that leave its container whole. Chance comes in as a ``Random`` of hypothesis'."""

from __future__ import annotations

import functools
import io
import json
import pickle
import pickletools
import struct
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

#: What stands in the place of any value.
VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2, 7, 2**31, 2**63, -(2**63), 10**12, 10**99, 0.5, -0.0, 1e308, float("inf")),
    *("", "x", "input", "../../etc/passwd", "\x1b[31m", "\ud800", "a" * 5000, "os", "__import__", "relu", "1e999"),
    *([], {}, [[]], [None], [0] * 50, {"class_name": "Lambda"}, {"": ""}, [[[[[[[1]]]]]]]),
)


def changed_json(value: Any, random: Random) -> Any:
    """A document with one part replaced, removed, doubled, swapped with another or put in a list."""
    value = json.loads(json.dumps(value))
    places: list[tuple[Any, Any]] = []
    pending = [value]
    while pending:
        item = pending.pop()
        keys = list(item) if isinstance(item, dict) else list(range(len(item))) if isinstance(item, list) else []
        for key in keys:
            places.append((item, key))
            pending.append(item[key])
    if not places:
        return random.choice(VALUES)
    holder, key = random.choice(places)
    other, its = random.choice(places)
    how = random.randrange(7)
    if how == 0:
        del holder[key]
    elif how == 1:
        holder[key] = json.loads(json.dumps(other[its]))
    elif how == 2:
        holder[key] = [holder[key]]
    elif how == 3 and isinstance(holder, dict):
        holder[random.choice(["", "class_name", "config", "name", str(key).upper()])] = holder[key]
    elif how == 4 and isinstance(holder, list):
        holder += json.loads(json.dumps(holder)) * random.choice([1, 30])
    else:
        holder[key] = random.choice(VALUES)
    return value


def json_text(value: Any) -> bytes:
    """A document as bytes; what JSON hasn't got is written as Python does."""
    return json.dumps(value).encode()


def changed_bytes(data: bytes, random: Random) -> bytes:
    """Bytes with some replaced, removed or doubled."""
    result = bytearray(data)
    for _ in range(random.randrange(1, 4)):
        if not result:
            return bytes(random.randrange(256) for _ in range(8))
        start = random.randrange(len(result))
        end = min(len(result), start + random.choice([1, 1, 4, 16]))
        how = random.randrange(4)
        if how == 0:
            result[start] = random.choice([0, 1, 0x7F, 0x80, 0xFF, random.randrange(256)])
        elif how == 1:
            del result[start:end]
        elif how == 2:
            result[start:start] = result[start:end] * random.choice([1, 20])
        else:
            result[start:end] = bytes(random.randrange(256) for _ in range(end - start))
    return bytes(result)


def changed_pickle(data: bytes, random: Random) -> bytes:
    """A pickle with an opcode left out, doubled, moved or given another argument."""
    codes = list(pickletools.genops(data))
    ends = [position for _, _, position in codes[1:]] + [len(data)]
    parts = [data[position:end] for (_, _, position), end in zip(codes, ends, strict=True) if position is not None]
    index = random.randrange(len(parts))
    how = random.randrange(6)
    if how == 0:
        del parts[index]
    elif how == 1:
        parts.insert(random.randrange(len(parts)), parts[index])
    elif how == 2:
        other = random.randrange(len(parts))
        parts[index], parts[other] = parts[other], parts[index]
    elif how == 3:
        parts[index] = random.choice(OPCODES)
    elif how == 4:
        parts.insert(index, random.choice(OPCODES))
    else:
        name, argument, _ = codes[index]
        parts[index] = _with_argument(name.name, argument, random) or parts[index]
    return b"".join(parts)


def changed_old(data: bytes, random: Random) -> bytes:
    """A checkpoint of torch before 1.6 with one of the pickles that it begins with changed: most often the weights'."""
    ends = [0]
    for _ in range(5):  # a magic number, a version, the machine's sizes, the weights, the storages' keys
        stream = io.BytesIO(data[ends[-1] :])
        all(pickletools.genops(stream))
        ends.append(ends[-1] + stream.tell())
    which = random.choice([0, 1, 2, 3, 3, 3, 3, 3, 3, 4])
    start, end = ends[which], ends[which + 1]
    return data[:start] + changed_pickle(data[start:end], random) + data[end:]


#: Pieces that a pickle may hold anywhere; the classes are harmless, and none of a checkpoint's.
OPCODES = (
    *(pickle.EMPTY_DICT, pickle.EMPTY_LIST, pickle.EMPTY_TUPLE, pickle.NONE, pickle.MARK, pickle.POP, pickle.DUP),
    *(pickle.REDUCE, pickle.BUILD, pickle.NEWOBJ, pickle.TUPLE1, pickle.TUPLE2, pickle.APPEND, pickle.SETITEM),
    *(pickle.BINPERSID, pickle.STOP, pickle.STACK_GLOBAL, pickle.MEMOIZE, pickle.FRAME + b"\xff" * 8),
    *(b"cos\ngetcwd\n", b"cbuiltins\nlen\n", b"ccollections\nOrderedDict\n", b"ctorch\nFloatStorage\n"),
    *(b"ctorch._utils\n_rebuild_tensor_v2\n", b"ctorch._utils\n_rebuild_parameter\n", b"cbuiltins\nbytearray\n"),
    *(b"J\xff\xff\xff\x7f", b"J\xff\xff\xff\xff", b"\x8a\x09" + b"\xff" * 8 + b"\x7f", b"G" + struct.pack(">d", 1e999)),
    *(
        b"j\xff\xff\xff\x7f",
        b"r\xff\xff\xff\x7f",
        b"X\xff\xff\xff\x7f",
        b"\x8e" + b"\xff" * 8,
        b"\x82\x01",
        b"(" * 2000,
    ),
)


def _with_argument(opcode: str, argument: Any, random: Random) -> bytes | None:
    if isinstance(argument, bool) or opcode in ("PROTO", "FRAME"):
        return None
    if isinstance(argument, int) and "PUT" not in opcode and "GET" not in opcode:
        number = random.choice([0, 1, -1, 255, 2**31 - 1, 2**40, -(2**62), argument + 1])
        return pickle.dumps(number, protocol=2)[2:-1]
    if isinstance(argument, str) and opcode != "GLOBAL":
        text = random.choice(
            ["", "weight", "state_dict", "a.b.c", "cpu", "cuda:0", "0", "99", "x" * 3000, argument + "é"]
        )
        return pickle.BINUNICODE + struct.pack("<I", len(text.encode())) + text.encode()
    return None


@dataclass(frozen=True)
class Field:
    """A field of a protobuf as it stands on the wire: what it holds is a number, bytes, or the fields of a message."""

    number: int
    kind: int
    value: int | bytes | tuple[Field, ...]

    @functools.cached_property
    def encoded(self) -> bytes:
        """Itself on the wire. A seed's fields are encoded once, for all files that are made of it."""
        if isinstance(self.value, int):
            return _number(self.number << 3) + _number(self.value)
        raw = _encoded(self.value) if isinstance(self.value, tuple) else self.value
        if self.kind in (1, 5) and isinstance(self.value, bytes):
            return _number(self.number << 3 | self.kind) + raw
        return _number(self.number << 3 | 2) + _number(len(raw)) + raw


def changed_protobuf(data: bytes, random: Random) -> bytes:
    """A message with a few fields, however deep, replaced, left out or doubled; all lengths are right."""
    fields = _fields_of(data)
    for _ in range(random.choice([1, 1, 1, 2, 8])):
        fields = _changed_fields(fields, random)
    return _encoded(fields)


@functools.cache
def _fields_of(seed: bytes) -> tuple[Field, ...]:
    return _fields(seed) or ()


def _changed_fields(fields: tuple[Field, ...], random: Random) -> tuple[Field, ...]:
    if not fields:
        return (Field(random.randrange(1, 20), 0, 2**63),)
    index = random.randrange(len(fields))
    field = fields[index]
    if isinstance(field.value, tuple) and random.random() < 0.85:
        changed: tuple[Field, ...] = (Field(field.number, 2, _changed_fields(field.value, random)),)
    else:
        changed = _changed_field(field, fields, random)
    return (*fields[:index], *changed, *fields[index + 1 :])


def _changed_field(field: Field, beside: tuple[Field, ...], random: Random) -> tuple[Field, ...]:
    how = random.randrange(6)
    if how == 0:
        return ()
    if how == 1:
        return (field,) * random.choice([2, 40])
    if how == 2:
        return (Field(random.randrange(1, 25), field.kind, field.value),)
    if how == 3:
        return (Field(field.number, 2, random.choice(beside).value if random.random() < 0.5 else b""),)
    if isinstance(field.value, int):
        return (Field(field.number, 0, random.choice([0, 1, 2, 7, 16, 255, 2**31, 2**32, 2**63, 2**64 - 1])),)
    raw = _encoded(field.value) if isinstance(field.value, tuple) else field.value
    names = (b"", b"x", b"input", b"Relu", b"If", b"Conv", b"\xff\xfe", b"n" * 3000, changed_bytes(raw, random))
    return (Field(field.number, 2, random.choice(names)),)


def _fields(data: bytes, depth: int = 0) -> tuple[Field, ...] | None:
    """The fields of a message, or None where the bytes are none."""
    found = []
    stream = io.BytesIO(data)
    while stream.tell() < len(data):
        tag = _varint(stream)
        if tag is None or not tag >> 3 or tag & 7 in (3, 4, 6, 7) or tag >> 3 > 2000:
            return None
        if tag & 7 == 0:
            value: Any = _varint(stream)
        else:
            size = {1: 8, 5: 4}.get(tag & 7) or _varint(stream)
            value = stream.read(size) if size is not None and size <= len(data) else None
            if value is None or len(value) < (size or 0):
                return None
            if tag & 7 == 2 and len(value) > 1 and depth < 12:
                value = _fields(value, depth + 1) or value
        if value is None:
            return None
        found.append(Field(tag >> 3, tag & 7, value))
    return tuple(found)


def _varint(stream: io.BytesIO) -> int | None:
    value = shift = 0
    while byte := stream.read(1):
        value |= (byte[0] & 127) << shift
        shift += 7
        if byte[0] < 128:
            return value
        if shift > 63:
            return None
    return None


def _encoded(fields: tuple[Field, ...]) -> bytes:
    return b"".join(field.encoded for field in fields)


def _number(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


Change = Callable[[bytes, Random], bytes]


def changed_zip(data: bytes, random: Random, changes: Mapping[str, Change]) -> bytes:
    """An archive with one entry changed by the change for the ending of its name, or left out, renamed or doubled."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = [(item.filename, archive.read(item), item.compress_type) for item in archive.infolist()]
    fitting = [index for index, (name, _, _) in enumerate(entries) if name.endswith(tuple(changes))]
    index = random.choice(fitting) if fitting and random.random() < 0.85 else random.randrange(len(entries))
    name, content, packed = entries[index]
    change = next((change for ending, change in changes.items() if name.endswith(ending)), changed_bytes)
    how = random.randrange(12)
    if how == 0:
        del entries[index]
    elif how == 1:
        entries[index] = (random.choice(["x", "../x", "a/" * 200 + "x", name.upper(), name + "/"]), content, packed)
    elif how == 2:
        entries[index] = (name, b"\0" * random.choice([0, 2**20, 2**24]), zipfile.ZIP_DEFLATED)
    else:
        entries[index] = (name, change(content, random), packed)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content, packed in entries:
            archive.writestr(name, content, packed)
    return out.getvalue()


def changed_json_bytes(data: bytes, random: Random) -> bytes:
    """A document's bytes with a part of it changed once or three times."""
    value = json.loads(data)
    for _ in range(random.choice([1, 1, 1, 3])):
        value = changed_json(value, random)
    return json_text(value)


def changed_safetensors(data: bytes, random: Random) -> bytes:
    """A file whose header is changed, with the header's length as it is then."""
    length = int.from_bytes(data[:8], "little")
    header = changed_json_bytes(data[8 : 8 + length], random)
    return len(header).to_bytes(8, "little") + header + data[8 + length :]


def changed_hdf5(data: bytes, random: Random) -> bytes:
    """A file of h5py with an attribute, a dataset or a link changed once or twice; most often the configuration."""
    import h5py

    out = io.BytesIO(data)
    with h5py.File(out, "r+") as root:
        for _ in range(random.choice([1, 2])):
            _change_hdf5(root, random)
    return out.getvalue()


def _change_hdf5(root: Any, random: Random) -> None:
    import h5py

    names: list[str] = []
    root.visit(names.append)
    held = [name for name in names if isinstance(root[name], h5py.Dataset)]
    how = random.randrange(10)
    config = root.attrs.get("model_config")
    if how < 5 and isinstance(config, str) and config.startswith(("{", "[")):
        root.attrs["model_config"] = changed_json_bytes(config.encode(), random).decode()
    elif how < 7 and held:
        name = random.choice(held)
        shape = root[name].shape
        del root[name]
        sizes = random.choice([(), (0,), shape[:-1], (*shape, 1), (2**40, 2**30), tuple(reversed(shape))])
        kind = random.choice(["f4", "i8", "S3", "f2", "V9"])
        root.create_dataset(name, sizes, kind, chunks=True if sizes else None)
    elif how == 7 and names:
        del root[random.choice(names)]
    elif how == 8:
        link = random.choice([h5py.ExternalLink("/dev/zero", "/x"), h5py.SoftLink("/loop"), h5py.SoftLink("/")])
        place = random.choice([root, *(root[name] for name in names if name not in held)])
        place[f"link {len(place)}"] = link
    else:
        place = random.choice([root, *(root[name] for name in names)])
        key = random.choice([*place.attrs, "weight_names"])
        place.attrs[key] = random.choice([3, 2.5, [1, 2], "", "x" * 3000, ["a", "b"], "\x1b[31m", ["../x"] * 40])


def changed_text(data: bytes, random: Random) -> bytes:
    """Code with a line left out, doubled, moved, or with one word in the place of another."""
    lines = data.decode(errors="replace").split("\n")
    index, other = random.randrange(len(lines)), random.randrange(len(lines))
    how = random.randrange(5)
    if how == 0:
        del lines[index]
    elif how == 1:
        lines.insert(other, lines[index])
    elif how == 2:
        lines[index], lines[other] = lines[other], lines[index]
    else:
        words = lines[index].split(" ")
        place = random.randrange(len(words))
        words[place] = random.choice(WORDS) if how == 3 else random.choice(lines[other].split(" "))
        lines[index] = " ".join(words)
    return "\n".join(lines).encode()


#: What may stand in the place of a word of TorchScript.
WORDS = (
    *(
        "torch.zeros([99999999999])",
        "torch.empty([1], dtype=6)",
        "x",
        "self",
        "None",
        "-1",
        "10000000000000000000",
        "1e999",
    ),
    *(
        "[1]*400000000",
        "torch._ctc_loss",
        "ops.prim.NumToTensor",
        "while",
        "True:",
        "for",
        "getattr(self, '0')",
        "'a'*9999",
    ),
    *(
        "torch.relu(x)",
        "annotate(List[int], [])",
        "CONSTANTS.c0",
        "__torch__",
        "inf",
        "x.__class__",
        "lambda",
        "import os",
    ),
)
