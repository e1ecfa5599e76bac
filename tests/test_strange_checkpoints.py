"""Files of tensors that are built to run code, fill the memory, take forever or lie: each is one line, and soon."""

from __future__ import annotations

import functools
import json
import os
import pickle
import random
import struct
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from resnet_inspect.backends import checkpoint
from resnet_inspect.backends.kind import kind_of
from resnet_inspect.errors import ModelError

from .command import run

#: Seconds that a command may take for any file, and bytes of memory.
MOST_SECONDS = 10
MOST_MEMORY = 2**30


def refused(path: Path, said: str = "is damaged") -> None:
    """Both commands that read a checkpoint say in one line what is wrong, in time."""
    start = time.monotonic()
    done = run("summary", str(path))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (3, "", 1), done.stderr
    assert f"{path.name} {said}" in done.stderr
    assert "a bug of" not in done.stderr
    assert time.monotonic() - start < MOST_SECONDS
    with pytest.raises(ModelError, match=said):
        checkpoint.read(path)


def safetensors(path: Path, header: object, data: int = 0) -> Path:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + bytes(data))
    return path


def tensor(shape: Any, offsets: Any, dtype: Any = "F32") -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}


_W = b'{"w": {"dtype": "F32", "shape": %s, "data_offsets": %s}}'


@pytest.mark.parametrize(
    "header",
    [
        _W % (b"[1e999]", b"[0, 4]"),
        _W % (b"[1.0]", b"[0, 4]"),
        _W % (b'["1"]', b"[0, 4]"),
        _W % (b"[true]", b"[0, 4]"),
        _W % (b"[NaN]", b"[0, 4]"),
        _W % (b"[-1, -1]", b"[0, 4]"),
        _W % (b"[%s]" % (b"9" * 4300), b"[0, 4]"),
        _W % (b"[%s, 0]" % (b"9" * 90), b"[0, 0]"),
        _W % (b"[9223372036854775807, 9223372036854775807, 0]", b"[0, 4]"),
        _W % (b"[%s1]" % (b"1, " * 200), b"[0, 4]"),
        _W % (b"1", b"[0, 4]"),
        _W % (b"null", b"[0, 4]"),
        _W % (b"[1]", b"[]"),
        _W % (b"[1]", b"[0]"),
        _W % (b"[1]", b"[0, 4, 8]"),
        _W % (b"[1]", b"[-4, 0]"),
        _W % (b"[1]", b"[4, 0]"),
        _W % (b"[1]", b'["0", "4"]'),
        _W % (b"[1]", b"[0, 8]"),
        _W % (b"[2]", b"[0, 4]"),
        _W % (b"[1]", b"[4, 8]"),
        _W % (b"[1]", b"[0, 1e999]"),
        json.dumps({"a": tensor([1], [0, 4]), "b": tensor([1], [0, 4])}).encode(),
        json.dumps({"a": tensor([2], [0, 8]), "b": tensor([1], [4, 8])}).encode(),
        json.dumps({"a": tensor([1], [0, 4]), "b": tensor([1], [8, 12])}).encode(),
        json.dumps({"a": tensor([1], [0, 4], dtype=["F32"])}).encode(),
        json.dumps({"a": tensor([1], [0, 4], dtype=None)}).encode(),
        json.dumps({"a": tensor([1], [0, 4], dtype="F32\n::error::")}).encode(),
        json.dumps({"a" * 2000: tensor([1], [0, 4])}).encode(),
        b'{"a": %s, "a": %s}' % ((json.dumps(tensor([1], [0, 4])).encode(),) * 2),
        b'{"\\ud800": %s}' % json.dumps(tensor([1], [0, 4])).encode(),
        b'{"a": []}',
        b'{"a": 1}',
        b'{"a": {"b": [' + b"[" * 700 + b"]" * 700 + b"]}}",
        b"{" * 100_000,
        b'{"a": {}}\xff',
    ],
)
def test_a_header_that_contradicts_itself(header: bytes, tmp_path: Path) -> None:
    path = safetensors(tmp_path / "net.safetensors", header, data=16)
    with pytest.raises(ModelError, match=r"^net\.safetensors is damaged: .") as error:
        checkpoint.read(path)
    assert len(str(error.value)) < 500


#: Runs a command; a process that is large itself would be counted into its child's peak.
_MEASURE = """
import resource, subprocess, sys, time
start = time.monotonic()
done = subprocess.run([sys.executable, "-m", "resnet_inspect", *sys.argv[1:]], stdout=subprocess.DEVNULL)
print(done.returncode, time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024)
"""


def measured(*arguments: str) -> tuple[int, str, float, int]:
    """Exit code, stderr, seconds and peak memory in bytes of a command."""
    command = [sys.executable, "-c", _MEASURE, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    code, seconds, memory = done.stdout.split()
    return int(code), done.stderr, float(seconds), int(memory)


def _large_header(filling: bytes) -> bytes:
    return b'{"a": {"b": [' + filling * (2**25 // len(filling) - 10) + b"0]}}"


LARGE: dict[str, Callable[[], bytes]] = {
    "lists": lambda: _large_header(b"[],"),
    "objects": lambda: _large_header(b'{"":0},'),
    "texts": lambda: _large_header('"\U0001f600x",'.encode()),
    "numbers": lambda: _large_header(b"1,"),
    "spaces": lambda: b'{"a": ' + b" " * (2**25 - 10) + b"1}",
}


@pytest.mark.parametrize("name", LARGE)
def test_the_largest_headers(name: str, tmp_path: Path) -> None:
    path = safetensors(tmp_path / "net.safetensors", LARGE[name]())
    code, said, seconds, memory = measured("summary", str(path))
    assert (code, said.count("\n"), "is damaged" in said) == (3, 1, True), said
    assert seconds < MOST_SECONDS
    assert memory < MOST_MEMORY


def test_a_header_of_100_megabytes(tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    with path.open("wb") as file:
        file.write(struct.pack("<Q", 100_000_000) + b"{")
        file.truncate(100_000_008)
    refused(path, "is damaged: its header has 100000000 bytes, more than the")


def pth(path: Path, pickled: bytes, data: dict[str, bytes] | None = None, packed: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", packed) as archive:
        for name, content in {"net/data.pkl": pickled, **(data or {})}.items():
            archive.writestr(name, content)
    return path


def old(path: Path, pickled: bytes) -> Path:
    """The format of torch until version 1.6: three pickles in front, storages' keys and data behind."""
    front = [pickle.dumps(value, protocol=2) for value in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True})]
    path.write_bytes(b"".join(front) + pickled + pickle.dumps(["0"], protocol=2) + struct.pack("<q", 4) + bytes(16))
    return path


def text(value: str) -> bytes:
    return b"X" + struct.pack("<I", len(value.encode())) + value.encode()


def number(value: int) -> bytes:
    digits = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
    return b"\x8a" + bytes([len(digits)]) + digits


def numbers(*values: int) -> bytes:
    return b"(" + b"".join(map(number, values)) + b"t"


STORAGE = b"(" + text("storage") + b"ctorch\nFloatStorage\n" + text("0") + text("cpu") + b"K\x04tQ"


def of_tensor(offset: bytes = b"K\0", size: bytes = b"K\x02K\x02\x86", stride: bytes = b"K\x02K\x01\x86") -> bytes:
    """A state dictionary of one tensor of 2 x 2, in a storage of four numbers."""
    rebuilt = b"ctorch._utils\n_rebuild_tensor_v2\n(" + STORAGE + offset + size + stride + b"\x89}tR"
    return b"\x80\x02}" + text("w") + rebuilt + b"s."


FOUR = {"net/data/0": bytes(16)}


def test_the_tensor_that_the_attacks_are_made_of_is_read(tmp_path: Path) -> None:
    for path in (pth(tmp_path / "net.pth", of_tensor(), FOUR), old(tmp_path / "old.pth", of_tensor())):
        kind, (entry,) = checkpoint.read(path)
        assert (kind, entry.name, entry.shape, entry.dtype) == ("torch", "w", (2, 2), "float32")


def _call(name: str, arguments: bytes) -> bytes:
    return b"\x80\x02c" + name.replace(" ", "\n").encode() + b"\n" + arguments + b"R."


_REFUSED = {
    "os.system": _call("os system", text("touch ran") + b"\x85"),
    "posix.system": _call("posix system", text("touch ran") + b"\x85"),
    "builtins.eval": _call("builtins eval", text("1") + b"\x85"),
    "builtins.getattr": b"\x80\x04" + text("builtins") + text("getattr") + b"\x93.",
    "__builtin__.eval": b"(" + text("1") + b"i__builtin__\neval\n.",
    "numpy.load": b"(cnumpy\nload\n" + text("x") + b"o.",
    "torch.storage._load_from_bytes": _call("torch.storage _load_from_bytes", b"U\x01x\x85"),
    "torch.load": b"\x80\x04" + text("torch") + text("load") + b"\x93" + text("x") + b"\x85\x81.",
    "torch.jit._script.RecursiveScriptModule": b"\x80\x02ctorch.jit._script\nRecursiveScriptModule\n.",
    "functools.partial": b"\x80\x02}" + text("x") + b"cfunctools\npartial\nsb.",
}


@pytest.mark.parametrize("name", _REFUSED)
def test_what_is_not_on_the_list_is_refused_by_name(name: str, tmp_path: Path) -> None:
    for path in (pth(tmp_path / "net.pth", _REFUSED[name]), old(tmp_path / "net.pth", b"\x80\x02" + _REFUSED[name])):
        with pytest.raises(ModelError, match=rf"^net\.pth is refused: it names {name}, and loading it could run code"):
            checkpoint.read(path)


def test_the_name_that_is_refused_is_printable(tmp_path: Path) -> None:
    path = pth(tmp_path / "net.pth", b"\x80\x02cos\x1b[31m\n" + b"x" * 5000 + b"\n.")
    with pytest.raises(ModelError, match="is refused") as error:
        checkpoint.read(path)
    assert str(error.value).isprintable()
    assert len(str(error.value)) < 300


_LISTS = b"]q\0" + b"h\0" * 1000
_DAMAGED = {
    "negative offset": of_tensor(offset=number(-1)),
    "offset beyond": of_tensor(offset=b"K\x01"),
    "negative size": of_tensor(size=numbers(-2, -2)),
    "too large": of_tensor(size=numbers(3, 2)),
    "huge": of_tensor(size=numbers(2**62, 2**62)),
    "more than 63 bits": of_tensor(size=numbers(2**63, 0)),
    "negative stride": of_tensor(stride=numbers(-1, 2)),
    "few strides": of_tensor(stride=numbers(1)),
    "many sizes": of_tensor(size=numbers(*[1] * 200), stride=numbers(*[1] * 200)),
    "sizes of another kind": of_tensor(size=text("22"), stride=text("21")),
    "size as a fraction": of_tensor(size=b"G" + struct.pack(">d", 2.0) + b"\x85", stride=b"K\x01\x85"),
    "size as a truth": of_tensor(size=b"\x88\x85", stride=b"K\x01\x85"),
    "nothing": b"",
    "only its protocol": b"\x80\x02",
    "an end": b".",
    "a mark": b"(.",
    "no stack": b"0.",
    "tuple of nothing": b"\x87.",
    "no memo": b"h\x05.",
    "extension": b"\x82\x01.",
    "buffer": b"\x97.",
    "persistent identity as text": b"P1\n.",
    "identity of nothing": b"NQ.",
    "identity of another kind": b"(" + text("module") + b"ctorch\nFloatStorage\nNNNtQ.",
    "calls a number": b"K\x01)R.",
    "calls with a list": b"ccollections\nOrderedDict\n]R.",
    "calls a storage": b"ctorch\nFloatStorage\n)R.",
    "sets in a number": b"K\x01K\x01K\x01s.",
    "appends to a dictionary": b"}K\x01a.",
    "changes a tensor": of_tensor()[:-2] + b"(Nbs.",
    "odd items": b"}(K\x01u.",
    "a long line": b"I" + b"1" * 100_000 + b"\n.",
    "many digits": b"I" + b"1" * 4400 + b"\n.",
    "a long of gigabytes": b"\x8b" + struct.pack("<I", 2**31) + b".",
    "a long of a thousand bytes": b"\x8b" + struct.pack("<I", 1000) + b"\x7f" * 1000 + b".",
    "a text of gigabytes": b"X" + struct.pack("<I", 2**31) + b".",
    "bytes of exabytes": b"\x8e" + struct.pack("<Q", 2**63) + b".",
    "an array of exabytes": b"\x96" + struct.pack("<Q", 2**63 - 1) + b".",
    "a memo of gigabytes, and no more": b"Nr" + struct.pack("<I", 2**32 - 1),
    "a negative memo": b"Np-1\n.",
    "a large memo": b"Np99999999999999999999\n.",
    "half a character": b"}X\3\0\0\0\xed\xa0\x80Ns.",
    "nested tensors": b"ctorch._tensor\n_rebuild_from_type_v2\n" * 50 + b"N" + b"\x86" * 50 + b"R.",
    "two sizes of a storage": of_tensor()[:-2] + b"0" + STORAGE.replace(b"K\x04", b"K\x05") + b"s.",
    "another storage": of_tensor().replace(text("0"), text("1")),
    "a large storage": of_tensor().replace(b"K\x04", b"K\x05"),
}


@pytest.mark.parametrize("name", _DAMAGED)
def test_what_torch_does_not_write_is_damaged(name: str, tmp_path: Path) -> None:
    path = pth(tmp_path / "net.pth", _DAMAGED[name], FOUR)
    with pytest.raises(ModelError, match=r"^net\.pth is damaged: .") as error:
        checkpoint.read(path)
    assert len(str(error.value)) < 400
    with pytest.raises(ModelError, match=r"^net\.pth is damaged: ."):
        checkpoint.read(old(path, b"\x80\x02" + _DAMAGED[name]))


def _laughs() -> bytes:
    """A tuple of two of a tuple of two of ..., as a key, as a size, as a storage's key and as what a call is given."""
    nested = b")" + b"2\x86" * 1000 + b"q\1"
    return b"\x80\x02" + nested + b"0}h\1h\1sh\1h\1sccollections\nOrderedDict\nh\1R0"


_BOMBS: dict[str, Callable[[], bytes]] = {
    "laughs": lambda: _laughs() + b".",
    "laughs as a size": lambda: of_tensor(size=b")" + b"2\x86" * 1000),
    "laughs as a storage": lambda: of_tensor().replace(text("0"), b")" + b"2\x86" * 1000),
    "laughs as a name": lambda: b")" + b"2\x86" * 1000 + b"2\x93.",
    "six gigabytes": lambda: _call("builtins bytearray", b"\x8a\x05" + (6 * 10**9).to_bytes(5, "little") + b"\x85"),
    "a range of everything": lambda: _call("builtins list", b"\x8a\x08" + b"\x7f" * 8 + b"\x85"),
    "a list in itself": lambda: b"]q\0h\0a.",
    "a dictionary in itself": lambda: b"}q\0" + text("model") + b"h\0s.",
    "deep": lambda: b")" + b"\x85" * 3_900_000 + b".",
    "deep wrappers": lambda: b"}" + (text("model") + b"}") * 100_000 + b"s" * 100_000 + b".",
    "marks": lambda: b"(" * 3_900_000 + b".",
    "lists": lambda: b"(" + b"]" * 3_900_000 + b"l.",
    "lists that are kept": lambda: b"(" + b"]\x94" * 1_900_000 + b"l.",
    "dictionaries": lambda: b"(" + b"}NNs" * 900_000 + b"l.",
    "dictionaries of one": lambda: b"(" + b"}K\0Ns" * 900_000 + b"l.",
    "too many steps": lambda: b"N0" * 3_000_000 + b"N.",
    "copies": lambda: b"](" + b"NN\x86" * 100_000 + b"e\x85q\0" + b"0ccollections\nOrderedDict\nh\0R" * 10_000 + b".",
    "numbers of one hash": lambda: (
        b"}("
        + b"".join(b"\x8a\x0e" + (key * (2**61 - 1)).to_bytes(14, "little") + b"N" for key in range(1, 500_000))
        + b"u."
    ),
    "long texts": lambda: b"(" + text("\U0001f600" + "x" * 60_000_000) + b"l.",
    "all of it": lambda: b"N0" * (2**25 - 1) + b"N.",
}


@pytest.mark.parametrize("name", _BOMBS)
def test_a_pickle_that_would_fill_the_memory_or_never_end(name: str, tmp_path: Path) -> None:
    path = pth(tmp_path / "net.pth", _BOMBS[name](), FOUR)
    code, said, seconds, memory = measured("summary", str(path))
    assert (code, said.count("\n")) == (3, 1), said
    assert "net.pth is damaged" in said or "net.pth holds no state dictionary" in said
    assert seconds < MOST_SECONDS
    assert memory < MOST_MEMORY


def test_archives_that_are_built_otherwise(tmp_path: Path) -> None:
    path = tmp_path / "net.pth"
    whole = pth(path, of_tensor(), FOUR).read_bytes()
    flags = bytearray(whole)
    flags[whole.index(b"PK\x01\x02") + 8] |= 1
    moved = bytearray(whole)
    second = whole.rindex(b"PK\x01\x02") + 42
    moved[second : second + 4] = bytes(4)
    for content, said in (
        (bytes(flags), "encrypted"),
        (bytes(moved), "overlap"),
        (b"PK\x03\x04" + whole, "in front"),
        (whole[:-10], "not a zip file"),
    ):
        path.write_bytes(content)
        refused(path)
        with pytest.raises(ModelError, match=said):
            checkpoint.read(path)
    pth(path, of_tensor(), {"net/data/0": bytes(16), "other/data.pkl": b"N."})
    refused(path, "is damaged: it holds 2 pickles")
    pth(path, of_tensor(), {**FOUR, "net/DATA.PKL": b"N."})
    refused(path, "is damaged: it holds 2 pickles")
    pth(path, of_tensor(), {})
    refused(path, "is damaged: its storage '0' should have 16 bytes and hasn't")
    pth(path, of_tensor(), {"net/data/0": bytes(15)})
    refused(path, "is damaged: its storage '0' should have 16 bytes and hasn't")
    path.write_bytes(pth(path, of_tensor(), {"net/data.pkx": b"N."}).read_bytes().replace(b"data.pkx", b"data.pkl"))
    refused(path, "is damaged: it has two entries of the same name")
    pth(path, of_tensor(), FOUR, zipfile.ZIP_LZMA)
    refused(path, "is damaged: its entry net/data.pkl is packed by a method that no model file uses")


def test_packed_pickles(tmp_path: Path) -> None:
    kind, (entry,) = checkpoint.read(pth(tmp_path / "net.pth", of_tensor(), FOUR, zipfile.ZIP_DEFLATED))
    assert (kind, entry.name) == ("torch", "w")
    path = pth(tmp_path / "net.pth", b"N0" * 2**24 + b"N.", FOUR, zipfile.ZIP_DEFLATED)
    refused(path, "is damaged: net/data.pkl would have 33554434 bytes, packed into")


def test_a_storage_that_unpacks_to_gigabytes_is_not_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "net.pth"
    count = 2**28
    pickled = of_tensor(size=number(count) + b"\x85", stride=b"K\x01\x85").replace(b"K\x04t", number(count) + b"t")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("net/data.pkl", pickled)
        with archive.open("net/data/0", "w") as entry:
            for _ in range(1024):
                entry.write(bytes(2**20))
    code, said, seconds, memory = measured("summary", str(path))
    assert (code, said) == (0, "")
    assert (seconds < 2, memory < 80e6) == (True, True)


def test_nothing_but_regular_files_is_opened(tmp_path: Path) -> None:
    fifo = tmp_path / "model.safetensors"
    os.mkfifo(fifo)
    for path in (fifo, Path("/dev/zero")):
        with pytest.raises(ModelError, match="is not a regular file"):
            checkpoint.read(path)
    assert kind_of(Path("/dev/zero")) is None
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"a": fifo.name}}))
    refused(index, "names 'model.safetensors', which is no file of tensors beside it")
    folder = tmp_path / "hub"
    folder.mkdir()
    os.mkfifo(folder / "config.json")
    assert kind_of(folder) is None
    os.mkfifo(folder / "x.safetensors")
    with pytest.raises(ModelError, match=r"x\.safetensors is not a regular file"):
        checkpoint.read(folder)


def test_a_part_that_is_a_link_is_followed(tmp_path: Path) -> None:
    """A hub's cache is a folder of links into another one."""
    blobs, snapshot = tmp_path / "blobs", tmp_path / "snapshot"
    blobs.mkdir()
    snapshot.mkdir()
    safetensors(blobs / "1234", {"w": tensor([1], [0, 4])}, data=4)
    (snapshot / "model.safetensors").symlink_to(blobs / "1234")
    (snapshot / "model.safetensors.index.json").write_text('{"weight_map": {"w": "model.safetensors"}}')
    assert [entry.name for entry in checkpoint.read(snapshot)[1]] == ["w"]


def test_two_parts_with_one_name(tmp_path: Path) -> None:
    for name in ("model.fp16.safetensors", "model.safetensors"):
        safetensors(tmp_path / name, {"w": tensor([1], [0, 4])}, data=4)
    with pytest.raises(ModelError, match="two of its tensors have the name 'w'"):
        checkpoint.read(tmp_path)


def test_an_index_of_many_parts(tmp_path: Path) -> None:
    header = json.dumps({"__metadata__": {"a": "x" * 2**22}}).encode()
    safetensors(tmp_path / "0.safetensors", header)
    for number_ in range(1, 10_000):
        os.link(tmp_path / "0.safetensors", tmp_path / f"{number_}.safetensors")
    start = time.monotonic()
    with pytest.raises(ModelError, match="its headers have more than"):
        checkpoint.read(tmp_path)
    assert time.monotonic() - start < MOST_SECONDS
    shallow = json.dumps({"weight_map": {str(part): f"{part}.safetensors" for part in range(10_000)}})
    (tmp_path / "model.safetensors.index.json").write_text(shallow)
    with pytest.raises(ModelError, match="its headers have more than"):
        checkpoint.read(tmp_path / "model.safetensors.index.json")


@pytest.mark.parametrize("content", ["[]", '{"weight_map": []}', '{"weight_map": {"a": {}}}', "[" * 100_000, "{"])
def test_an_index_that_is_none(content: str, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors.index.json"
    path.write_text(content)
    refused(path, "is ")


def test_whatever_is_broken_it_is_read_or_refused(tmp_path: Path) -> None:
    """Bytes are changed inside of the pickle and the header; archives stay valid around them."""
    chance = random.Random(0)
    pickles = [of_tensor(), _laughs() + b".", pickle.dumps({"a": [1, 2.5, None, {"b": "c"}]}, protocol=4)]
    header = json.dumps({"a": tensor([1, 2], [0, 8]), "b": tensor([], [8, 12])}).encode()
    path, past = tmp_path / "net.pth", 0
    for _ in range(1000):
        document = bytearray(chance.choice([*pickles, header]))
        is_header = document[:1] == b"{"
        for _ in range(chance.randint(1, 3)):
            place = chance.randrange(len(document))
            choice = chance.random()
            if choice < 0.5:
                document[place] = chance.randrange(256)
            elif choice < 0.8:
                del document[place : place + chance.randint(1, 4)]
            else:
                document[place:place] = chance.choice(
                    [b"(", b"R", b"2", b"\x85", b"0", b"b", b"t", b"1", b"9", b"[", b'"']
                )
        if is_header:
            safetensors(path, bytes(document), data=12)
        else:
            (old if chance.random() < 0.3 else functools.partial(pth, data=FOUR))(path, bytes(document))
        try:
            kind, entries = checkpoint.read(path)
        except ModelError as error:
            past += "breaks off" not in str(error)
        else:
            past += 1
            assert (kind, all(size >= 0 for entry in entries for size in entry.shape)) in (
                ("torch", True),
                ("safetensors", True),
            )
    assert past > 500
