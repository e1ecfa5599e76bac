"""Files whose weights nobody needs to read: what a summary takes beside the bare import that it can't do without.

``python benchmarks/headers.py`` writes each file with holes for weights (they take no room on the disk), runs both in
alternating rounds, and prints a table. A new format is a line in ``CASES`` and a function that writes its file.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from measure import alternating, run

MIB = 1 << 20
#: Weights of a layer: a square matrix of float32, 16 MiB.
WIDTH = 2048


def write_onnx(path: Path, size: int) -> None:
    """A network of products whose weights have ``size`` bytes in the file itself."""
    from onnx import TensorProto, helper

    each = 4 * WIDTH * WIDTH
    layers = size // each
    nodes = [helper.make_node("MatMul", [f"v{n}", f"w{n}"], [f"v{n + 1}"]) for n in range(layers)]
    ends = [helper.make_tensor_value_info(name, 1, [1, WIDTH]) for name in ("v0", f"v{layers}")]
    graph = helper.make_graph(nodes, "headers", ends[:1], ends[1:])
    start = graph.SerializeToString()
    heads = []
    for n in range(layers):
        tensor = TensorProto(name=f"w{n}", data_type=1, dims=(WIDTH, WIDTH)).SerializeToString()
        tensor += _head(9, each)  # raw_data
        heads.append(_head(5, len(tensor) + each) + tensor)
    model = helper.make_model(helper.make_graph([], "", [], []), opset_imports=[helper.make_opsetid("", 21)])
    model.ClearField("graph")
    total = len(start) + sum(len(head) + each for head in heads)
    with path.open("wb") as file:
        file.write(model.SerializeToString() + _head(7, total) + start)
        for head in heads:
            file.write(head)
            file.seek(each, os.SEEK_CUR)
        file.truncate()


def write_safetensors(path: Path, size: int) -> None:
    """``size`` bytes of float32 in squares."""
    each = 4 * WIDTH * WIDTH
    header = {
        f"layers.{n}.weight": {"dtype": "F32", "shape": [WIDTH, WIDTH], "data_offsets": [n * each, (n + 1) * each]}
        for n in range(size // each)
    }
    text = json.dumps(header).encode()
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        file.truncate(8 + len(text) + len(header) * each)


def write_pth(path: Path, size: int) -> None:
    """The same as torch writes it, in a process of its own."""
    source = f"""
import sys, torch
with torch.serialization.skip_data():
    state = {{f"layers.{{n}}.weight": torch.empty({WIDTH}, {WIDTH}) for n in range({size // (4 * WIDTH * WIDTH)})}}
    torch.save(state, sys.argv[1])
"""
    subprocess.run([sys.executable, "-c", source, str(path)], check=True)


def _head(number: int, size: int) -> bytes:
    """The head of a protobuf's field with ``size`` bytes."""
    found = bytearray([number << 3 | 2])
    while size >= 128:
        found.append(size & 127 | 128)
        size >>= 7
    return bytes([*found, size])


@dataclass(frozen=True, slots=True)
class Case:
    """A file of ``size`` bytes that ``write`` writes, and the import that no reader of it can do without."""

    name: str
    write: Callable[[Path, int], None]
    size: int
    bare: str


CASES = (
    Case("small.onnx", write_onnx, 16 * MIB, "import onnx"),
    Case("400 MiB.onnx", write_onnx, 400 * MIB, "import onnx"),
    Case("3 GiB.onnx", write_onnx, 3072 * MIB, "import onnx"),
    Case("1.6 GiB.safetensors", write_safetensors, 1600 * MIB, "import click"),
    Case("1.6 GiB.pth", write_pth, 1600 * MIB, "import click"),
)


def main() -> int:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    works = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for case in CASES:
            path = folder / case.name
            case.write(path, case.size)
            ours = [sys.executable, "-m", "resnet_inspect", "summary", str(path), "--format", "json"]
            bare = [sys.executable, "-c", case.bare]
            works[case.name] = lambda command=ours: run(command, os.environ, folder, ['"totals"'])
            works[case.bare] = lambda command=bare: run(command, os.environ, folder, [])
        found = alternating(works, rounds)
    print(
        "| file | time | bare import | beyond it | ratio | peak memory |\n| :--- | ---: | ---: | ---: | ---: | ---: |"
    )
    for case in CASES:
        ours, bare = found[case.name], found[case.bare]
        if ours.error or bare.error:
            print(f"| {case.name} | {ours.error or bare.error} | | | | |")
            continue
        beyond, ratio = ours.seconds - bare.seconds, ours.seconds / bare.seconds
        times = f"{ours.seconds:.2f} s | {bare.seconds:.2f} s | {beyond:.2f} s | {ratio:.2f}"
        print(f"| {case.name} | {times} | {ours.peak / MIB:.0f} MiB |")
    return int(any(measured.error for measured in found.values()))


if __name__ == "__main__":
    sys.exit(main())
