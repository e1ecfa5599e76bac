"""Files of tensors that are built to run code, fill the memory, take forever or lie: each is one line, and soon."""

from __future__ import annotations

import json
import os
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from resnet_inspect.errors import ModelError
from resnet_inspect.readers.checkpoint import reader as checkpoint
from resnet_inspect.readers.kind import kind_of
from tests.support.strange_files import (
    FOUR,
    MOST_MEMORY,
    MOST_SECONDS,
    measured,
    number,
    of_tensor,
    pth,
    refused,
    safetensors,
    spent,
    tensor,
)

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
        (b"PK\x03\x04" + whole, "before its entries"),
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
    refused(index, "names 'model.safetensors', which is not a file of tensors beside it")
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
    start = spent()
    with pytest.raises(ModelError, match="its headers have more than"):
        checkpoint.read(tmp_path)
    assert spent() - start < MOST_SECONDS
    shallow = json.dumps({"weight_map": {str(part): f"{part}.safetensors" for part in range(10_000)}})
    (tmp_path / "model.safetensors.index.json").write_text(shallow)
    with pytest.raises(ModelError, match="its headers have more than"):
        checkpoint.read(tmp_path / "model.safetensors.index.json")


@pytest.mark.parametrize("content", ["[]", '{"weight_map": []}', '{"weight_map": {"a": {}}}', "[" * 100_000, "{"])
def test_an_index_that_is_none(content: str, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors.index.json"
    path.write_text(content)
    refused(path, "is ")
