"""Exported programs that are built to fill the memory or to take forever: each is one line, and soon."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from resnet_inspect.readers.pt2.graph import Graph
from tests.support.strange_files import MOST_MEMORY, MOST_SECONDS, measured

_META = {"dtype": 7, "sizes": [{"as_int": 2}, {"as_int": 2}], "requires_grad": False}


def program(
    nodes: list[Any] | None = None, tensors: dict[str, Any] | None = None, inputs: tuple[str, ...] = ("x",)
) -> dict[str, Any]:
    """A program as torch.export writes it, with the sizes of ``tensors`` beside those of its inputs."""
    specs = [{"user_input": {"arg": {"as_tensor": {"name": name}}}} for name in inputs]
    graph = {"tensor_values": {**dict.fromkeys(inputs, _META), **(tensors or {})}, "nodes": nodes or []}
    return {
        "schema_version": {"major": 8, "minor": 1},
        "torch_version": "2.9",
        "graph_module": {
            "graph": graph,
            "signature": {
                "input_specs": specs,
                "output_specs": [{"user_output": {"arg": specs[0]["user_input"]["arg"]}}],
            },
            "module_call_graph": [{"fqn": ""}],
        },
    }


def node(target: str, reads: str, writes: str, stack: str = "") -> dict[str, Any]:
    arg = {"as_tensor": {"name": reads}}
    return {
        "target": f"torch.ops.aten.{target}.default",
        "inputs": [{"name": "self", "arg": arg}],
        "outputs": [{"as_tensor": {"name": writes}}],
        "metadata": {"nn_module_stack": stack},
    }


def written(
    path: Path, document: dict[str, Any] | bytes, more: dict[str, bytes] | None = None, packed: int = 8
) -> Path:
    text = document if isinstance(document, bytes) else json.dumps(document).encode()
    with zipfile.ZipFile(path, "w", packed) as archive:
        for name, content in {"m/archive_format": b"pt2", "m/models/model.json": text, **(more or {})}.items():
            archive.writestr(name, content)
    return path


def _weights(content: bytes, packed: int = 0) -> bytes:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", packed) as archive:
        archive.writestr("w/data.pkl", content)
    return inner.getvalue()


def _chain(count: int) -> dict[str, Any]:
    nodes = [node("relu", f"y{place}" if place else "x", f"y{place + 1}") for place in range(count)]
    return program(nodes, {f"y{place + 1}": _META for place in range(count)})


def _in_place(count: int) -> dict[str, Any]:
    views = [node("view", "x", f"v{place}") for place in range(count)]
    writes = [node("relu_", f"v{place}", f"w{place}") for place in range(count)]
    return program(views + writes, {f"{kind}{place}": _META for kind in "vw" for place in range(count)})


def _many_inputs(count: int) -> dict[str, Any]:
    names = tuple(f"i{place}" for place in range(count))
    nodes = [node("relu", "i0", f"y{place}") for place in range(count)]
    return program(nodes, {f"y{place}": _META for place in range(count)}, names)


def _sized(sizes: Any) -> dict[str, Any]:
    return program([node("relu", "x", "y")], {"y": {**_META, "sizes": sizes}})


_PROGRAMS: dict[str, Callable[[], dict[str, Any] | bytes]] = {
    "lists": lambda: b'{"a": [' + b"[]," * (2**24) + b"0]}",
    "spaces": lambda: json.dumps(program()).encode() + b" " * (243 * 2**20),
    "deep": lambda: b'{"a": ' + b"[" * 200_000 + b"]" * 200_000 + b"}",
    "a million nodes": lambda: program([{"target": "", "inputs": [], "outputs": [], "metadata": {}}] * 1_000_000),
    "more nodes than there are": lambda: program(
        [{"target": "", "inputs": [], "outputs": [], "metadata": {}}] * 200_000
    ),
    "in place": lambda: _in_place(20_000),
    "a size of a text": lambda: _sized([{"as_int": "2"}]),
    "a size of a fraction": lambda: _sized([{"as_int": 2.5}]),
    "a size below nothing": lambda: _sized([{"as_int": -2}]),
    "a size of a hundred digits": lambda: _sized([{"as_int": 10**99}]),
    "a size without an end": lambda: _sized([{"as_int": float("inf")}]),
    "a million sizes": lambda: _sized([{"as_int": 9}] * 1_000_000),
    "a long path": lambda: program([node("relu", "x", "y", "k,L['self']" + ".a" * 5_000_000 + ",C")], {"y": _META}),
    "a long name": lambda: program([node("relu", "x", "y" * 5_000_000)], {"y" * 5_000_000: _META}),
    "a name in a list": lambda: program([node("relu", ["x"], "y")], {"y": _META}),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("name", _PROGRAMS)
def test_a_program_that_is_none(name: str, tmp_path: Path) -> None:
    path = written(tmp_path / "net.pt2", _PROGRAMS[name](), packed=8 if name == "spaces" else 0)
    code, said, seconds, memory = measured("summary", str(path))
    assert (code, said.count("\n"), "net.pt2 is damaged: " in said) == (3, 1, True), said
    assert seconds < MOST_SECONDS
    assert memory < MOST_MEMORY
    print(name, round(seconds, 1), memory // 10**6, said[:150])


@pytest.mark.parametrize("count", [10_000])
@pytest.mark.parametrize("build", [_chain, _many_inputs])
def test_a_large_program_is_read(build: Callable[[int], dict[str, Any]], count: int, tmp_path: Path) -> None:
    path = written(tmp_path / "net.pt2", build(count))
    code, said, seconds, memory = measured("summary", str(path), "--format", "json")
    assert (code, said) == (0, "")
    assert seconds < MOST_SECONDS
    assert memory < MOST_MEMORY
    print(build, round(seconds, 1), memory // 10**6)


def test_weights_that_are_packed(tmp_path: Path) -> None:
    """Two gigabytes of zeros are never unpacked: where weights stand is told from their pickle."""
    path = tmp_path / "net.pt2"
    zeros = bytes(2**20)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("m/archive_format", "pt2")
        archive.writestr("m/models/model.json", json.dumps(program()))
        for name in ("m/data/weights/weight_0", "m/data/weights/model.pt"):
            with archive.open(name, "w") as entry:
                for _ in range(1000):
                    entry.write(zeros)
    code, said, seconds, _ = measured("summary", str(path))
    assert (code, said.count("\n"), "that are unpacked" in said) == (3, 1, True), said
    assert seconds < MOST_SECONDS


def test_one_pickle_of_weights_is_read(tmp_path: Path) -> None:
    weights = {f"m/data/weights/{place}.pt": _weights(b"\x80\x02}.") for place in range(2)}
    code, said, _, _ = measured("summary", str(written(tmp_path / "net.pt2", program(), weights)))
    assert (code, "two files of weights" in said) == (3, True), said
    one = {"m/data/weights/0.pt": _weights(b"\x80\x02" + b"N0" * 2_500_000 + b".")}
    code, said, seconds, _ = measured("summary", str(written(tmp_path / "net.pt2", program(), one, packed=0)))
    assert (code, "steps" in said, seconds < MOST_SECONDS) == (3, True, True), said


def test_sizes_are_those_of_the_file() -> None:
    graph = Graph()
    graph.walk({"tensor_values": {"x": _META}, "nodes": []})
    assert graph.tensor("x").shape == (2, 2)
