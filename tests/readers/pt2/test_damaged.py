"""Exported programs that are cut, bent or bombs: read, or refused in one line, and no pickle is run."""

from __future__ import annotations

import io
import json
import pickle
import random
import re
import struct
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest

from resnet_inspect import ir_json
from resnet_inspect.errors import InspectError, ModelError
from resnet_inspect.readers.pt2.archive import _tensors
from resnet_inspect.readers.pt2.graph import Graph, _path
from tests.support.command import local, needs
from tests.support.pt2_programs import graphs_of_today, summarized

pytestmark = needs("torch")


def _entries(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _written(path: Path, entries: dict[str, bytes], packed: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", packed) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return path


@graphs_of_today
def test_damaged_and_foreign_archives_are_told_in_one_line(folder: Path, tmp_path: Path) -> None:
    entries = _entries(folder / "tied.pt2")
    program = next(name for name in entries if "/models/" in name)
    parsed = json.loads(entries[program])
    whole = (folder / "tied.pt2").read_bytes()
    cases: dict[str, tuple[bytes | dict[str, bytes], str]] = {
        "cut": (whole[: len(whole) // 2], "damaged"),
        "no_json": (entries | {program: b"{"}, "damaged"),
        "list": (entries | {program: b"[]"}, "damaged"),
        "deep": (entries | {program: b"[" * 200_000}, "damaged"),
        "newer": (entries | {program: json.dumps(parsed | {"schema_version": {"major": 9}}).encode()}, "version 9"),
        "no_graph": (entries | {program: json.dumps(parsed | {"graph_module": {}}).encode()}, "damaged"),
        "two": (entries | {"tied/models/other.json": b"{}"}, "2 programs"),
        "compiled": ({"a/archive_format": b"pt2", "a/data/aotinductor/model/x.so": b""}, "compiled code only"),
        "empty": ({"a/archive_format": b"pt2"}, "no exported program"),
        "foreign": ({"models/readme.json": b"{}"}, "is not a model in a supported format"),
    }
    for name, (content, said) in cases.items():
        path = tmp_path / f"{name}.pt2"
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            _written(path, content)
        with pytest.raises(ModelError, match=said) as error:
            summarized(path)
        assert name in str(error.value)
        assert "\n" not in str(error.value)
    done = local("summary", str(tmp_path / "no_json.pt2"))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (3, "", 1)


def test_a_bomb_is_not_unpacked(folder: Path, tmp_path: Path) -> None:
    path = _written(
        tmp_path / "bomb.pt2",
        {"a/archive_format": b"pt2", "a/models/model.json": b" " * 50_000_000},
        zipfile.ZIP_DEFLATED,
    )
    assert path.stat().st_size < 100_000
    with pytest.raises(ModelError, match="would have 50000000 bytes"):
        summarized(path)


def test_reading_takes_time_in_proportion_to_the_file() -> None:
    levels, numbers = 40_000, 6_000
    deep = "getattr(" * levels + "L['self'].a" + ", '0')" * levels
    start = time.process_time()
    assert _path(deep) == "a" + ".0" * levels
    assert _path("[" * levels) == "[" * levels
    graph = Graph()
    graph.walk(
        {
            "tensor_values": {},
            "sym_int_values": {f"s{place}": {"as_int": place} for place in range(numbers)},
            "nodes": [
                {
                    "target": "torch.ops.aten.view.default",
                    "inputs": [{"name": "size", "arg": {"as_sym_ints": [{"as_name": f"s{place}"}]}}],
                    "outputs": [],
                    "metadata": {},
                }
                for place in range(numbers)
            ],
        }
    )
    assert [node.arguments["size"] for node in graph.nodes] == [(place,) for place in range(numbers)]
    # It takes a tenth of a second; in proportion to the square, it took half a minute.
    assert time.process_time() - start < 2


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("L['self']", ""),
        ("L['self'].a[0].b", "a.0.b"),
        ("L['self']._modules['a'].b", "_modules.a.b"),
        ("getattr(L['self'].a, '0').b", "a.0.b"),
        ("getattr(getattr(L['self'].a, '0').b, '1').c", "a.0.b.1.c"),
        ("L__self__.a", "a"),
        ("a.0.b@1", "a.0.b"),
    ],
)
def test_paths_of_modules_however_torch_wrote_them(text: str, path: str) -> None:
    assert _path(text) == path


def test_an_encrypted_entry_is_damage_and_no_traceback(folder: Path, tmp_path: Path) -> None:
    path = _written(tmp_path / "secret.pt2", _entries(folder / "tied.pt2"))
    content = bytearray(path.read_bytes())
    for start in (match.start() for match in re.finditer(rb"PK\x01\x02", bytes(content))):
        struct.pack_into("<H", content, start + 8, 1)
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"damaged.*encrypted"):
        summarized(path)


def test_whatever_is_broken_in_a_program_it_is_read_or_refused(folder: Path, tmp_path: Path) -> None:
    entries = _entries(folder / "network.pt2")
    names = [name for name in entries if name.endswith(".json")]
    chance = random.Random(0)
    refused = 0
    for _ in range(300):
        name = chance.choice(names)
        document = json.loads(entries[name])
        _break(document, chance)
        path = _written(tmp_path / "broken.pt2", {**entries, name: json.dumps(document).encode()})
        try:
            summary = summarized(path)
        except ModelError:
            refused += 1
        else:
            assert ir_json.loads(ir_json.dumps(summary)).layers == summary.layers
    assert refused > 20


def _break(document: Any, chance: random.Random) -> None:
    """Replaces one value, somewhere inside."""
    while True:
        keys = list(document) if isinstance(document, dict) else list(range(len(document)))
        if not keys:
            return
        key = chance.choice(keys)
        inner = document[key]
        if isinstance(inner, (dict, list)) and inner and chance.random() < 0.9:
            document = inner
            continue
        document[key] = chance.choice([None, [], {}, "x", -1, 10**30, {"as_none": True}])
        return


@graphs_of_today
def test_no_pickle_is_run(folder: Path, tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> Any:
            return Path.touch, (tmp_path / "ran",)

    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps({"emb.weight": Evil()}, protocol=2))
    entries = _entries(folder / "tied_old.pt2")
    path = _written(tmp_path / "evil.pt2", {**entries, "serialized_state_dict.pt": inner.getvalue()})
    # Without the storages, nothing tells that two weights are one.
    assert summarized(path).totals.params == 40 + 40 + 144
    assert not (tmp_path / "ran").exists()
    nested: tuple[Any, ...] = ()
    for _ in range(100):
        nested = (nested, nested)
    assert not _tensors(pickle.dumps({"a": nested}, protocol=2))
    with pytest.raises(ValueError, match="breaks off"):
        _tensors(pickle.dumps({"a": 1}, protocol=2)[:-1])


def test_a_cut_archive_of_every_length_is_refused(folder: Path, tmp_path: Path) -> None:
    whole = (folder / "tied_old.pt2").read_bytes()
    path = tmp_path / "cut.pt2"
    for length in range(4, len(whole), len(whole) // 25):
        path.write_bytes(whole[:length])
        with pytest.raises(InspectError):
            summarized(path)
