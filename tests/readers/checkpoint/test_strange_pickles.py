"""Pickles that are built to run code, fill the memory, take forever or lie: each is refused in one line, and soon."""

from __future__ import annotations

import functools
import json
import pickle
import random
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from resnet_inspect.errors import ModelError
from resnet_inspect.readers.checkpoint import reader as checkpoint
from tests.support.strange_files import (
    FOUR,
    MOST_MEMORY,
    MOST_SECONDS,
    STORAGE,
    measured,
    number,
    numbers,
    of_tensor,
    old,
    pth,
    safetensors,
    tensor,
    text,
)


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


_SIZES = b"(" + b"K\x01" * 128 + b"t"
_OF_MANY_SIZES = {
    "Size": (b"ctorch\nSize\n", b"(" + _SIZES + b"t"),
    "tensor": (b"ctorch._utils\n_rebuild_tensor_v2\n", b"(" + STORAGE + b"K\0" + _SIZES * 2 + b"\x89Nt"),
}


@pytest.mark.parametrize("name", _OF_MANY_SIZES)
def test_one_row_of_sizes_that_is_used_again_and_again_counts_each_time(name: str, tmp_path: Path) -> None:
    function, arguments = _OF_MANY_SIZES[name]
    many = b"\x80\x02" + function + b"q\0" + arguments + b"q\1(" + b"h\0h\1R" * 1_300_000 + b"t."
    path = pth(tmp_path / "net.pth", many, FOUR)
    code, told, seconds, memory = measured("weights", "resnet50", str(path))
    assert (code, "takes more than 4000000 steps" in told) == (3, True)
    assert seconds < MOST_SECONDS
    assert memory < MOST_MEMORY


def test_all_parts_of_a_checkpoint_share_their_steps(tmp_path: Path) -> None:
    parts = [f"{number}.bin" for number in range(3)]
    for part in parts:
        pth(tmp_path / part, of_tensor().replace(b"}", b"N0" * 900_000 + b"}", 1), FOUR)
    index = tmp_path / "model.bin.index.json"
    index.write_text(json.dumps({"weight_map": {part: part for part in parts}}))
    with pytest.raises(ModelError, match="steps"):
        checkpoint.read(index)
