"""Files of tensors that are built by hand, and commands that are measured on them."""

from __future__ import annotations

import json
import os
import pickle
import struct
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from resnet_inspect.errors import ModelError
from resnet_inspect.readers.checkpoint import reader as checkpoint
from tests.support.command import run

#: Seconds of a processor's time that a command may take for any file, and bytes of memory.
MOST_SECONDS = 10
MOST_MEMORY = 2**30


def spent() -> float:
    """Seconds of a processor's time that this process and its children have had, whatever else the machine does."""
    return sum(os.times()[:4])


def refused(path: Path, said: str = "is damaged") -> None:
    """Both commands that read a checkpoint say in one line what is wrong, in time."""
    start = spent()
    done = run("summary", str(path))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (3, "", 1), done.stderr
    assert f"{path.name} {said}" in done.stderr
    assert "internal error" not in done.stderr
    assert spent() - start < MOST_SECONDS
    with pytest.raises(ModelError, match=said):
        checkpoint.read(path)


def safetensors(path: Path, header: object, data: int = 0) -> Path:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + bytes(data))
    return path


def tensor(shape: Any, offsets: Any, dtype: Any = "F32") -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}


#: Runs a command; a process that is large itself would be counted into its child's peak.
_MEASURE = """
import resource, subprocess, sys
done = subprocess.run([sys.executable, "-m", "resnet_inspect", *sys.argv[1:]], stdout=subprocess.DEVNULL)
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
print(done.returncode, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)
"""


def measured(*arguments: str) -> tuple[int, str, float, int]:
    """Exit code, stderr, seconds and peak memory in bytes of a command."""
    command = [sys.executable, "-c", _MEASURE, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    code, seconds, memory = done.stdout.split()
    return int(code), done.stderr, float(seconds), int(memory)


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
