"""Windows and macOS, as far as Linux can play them (``platforms.py``): the same answers by other means."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import platforms
from tests.support.command import needs
from tests.support.processes import Marked

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux plays the others")


def tensors(**shapes: tuple[int, ...]) -> bytes:
    """A file of safetensors whose entries have these shapes."""
    entries, at = {}, 0
    for name, shape in shapes.items():
        size = 4 * math.prod(shape)
        entries[name] = {"dtype": "F32", "shape": shape, "data_offsets": [at, at + size]}
        at += size
    header = json.dumps(entries).encode()
    return len(header).to_bytes(8, "little") + header + bytes(at)


NET = """
import os, subprocess, sys, time
from torch import nn

class Net(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Conv2d(3, 4, 3), nn.ReLU())

class Does(nn.Identity):
    def __init__(self, what):
        super().__init__()
        self.what = what
    def forward(self, x):
        exec(self.what)
        return x
"""

FRAMEWORKS = {"torch", "torchvision", "keras", "tensorflow", "timm", "transformers", "keras_hub", "onnx", "h5py"}
IMPORT_ALL = f"""
import importlib, pkgutil, sys
missing = {sorted(FRAMEWORKS)!r} + ["numpy", "google", "distributed", "matplotlib", "plotille"]
sys.modules.update(dict.fromkeys(missing))
import resnet_inspect
count = 0
for item in pkgutil.walk_packages(resnet_inspect.__path__, "resnet_inspect."):
    try:
        importlib.import_module(item.name)
        count += 1
    except ImportError as error:
        if (error.name or "").split(".")[0] not in missing:
            raise
from resnet_inspect.host import forks, folders, limits, locks, paths, processes
print(count, forks.POSSIBLE, paths.WINDOWS, processes.sys.platform, processes.os.name, hasattr(processes.os, "fork"))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a person has: code, files and requests."""
    made = tmp_path_factory.mktemp("there")
    (made / "net.py").write_text(NET)
    (made / "net.safetensors").write_bytes(tensors(weight=(3, 4), bias=(4,)))
    (made / "damaged.safetensors").write_bytes(b"\xff" * 20)
    lines: list[dict[str, object]] = [{"model": "resnet18"}, {"model": "net.safetensors"}, {"model": "resnet17"}]
    lines += [{"model": "resnet18", "arg": {"num_classes": count}} for count in range(1, 20)]
    (made / "requests.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return made


@pytest.mark.parametrize("system", platforms.SYSTEMS)
def test_every_module_is_imported(system: str) -> None:
    count, *found = platforms.script(system, IMPORT_ALL).split()
    windows = system == "win32"
    assert found == [str(not windows), str(windows), system, "nt" if windows else "posix", str(not windows)]
    assert int(count) > 100


@pytest.mark.parametrize("system", platforms.SYSTEMS)
@pytest.mark.parametrize(
    "command",
    [
        "summary",
        "summary resnet18 --format json",
        "summary resnet18 --timeout 60",
        "summary net.safetensors",
        "summary damaged.safetensors",
        "summary nothing.onnx",
        "diff resnet18 resnet34",
        "diff net.safetensors net.safetensors --format json",
        "check resnet18 --max-params 1M",
        "models local",
        "batch requests.jsonl --jobs 1",
        "batch requests.jsonl --jobs 2",
        "cache info",
        "nonsense",
    ],
)
def test_the_same_bytes_come_out(system: str, command: str, folder: Path) -> None:
    other = platforms.run(system, *command.split(), folder=folder)
    own = platforms.here(*command.split(), folder=folder)
    assert (other.returncode, other.stdout, other.stderr) == (own.returncode, own.stdout, own.stderr)


@needs("torch")
@pytest.mark.parametrize("system", platforms.SYSTEMS)
@pytest.mark.parametrize(
    "arguments",
    [
        ("summary", "net.py:Net", "--input", "1x3x8x8"),
        ("summary", "net.py:Nothing"),
        *(
            ("summary", "net.py:Does", "--input", "4", "--arg", f"what={what}", "--timeout", "30")
            for what in ("os._exit(7)", "os.abort()", "print(1); os.close(1); 1/0")
        ),
    ],
)
def test_users_code_comes_to_the_same_end(system: str, arguments: tuple[str, ...], folder: Path) -> None:
    other, own = platforms.run(system, *arguments, folder=folder), platforms.here(*arguments, folder=folder)
    assert (other.returncode, other.stdout, other.stderr) == (own.returncode, own.stdout, own.stderr)


@needs("torch")
@pytest.mark.parametrize("system", platforms.SYSTEMS)
@pytest.mark.parametrize("what", ["time.sleep(600)", "subprocess.Popen(['sleep', '600'])"])
def test_nothing_of_users_code_is_left(system: str, what: str, folder: Path) -> None:
    marked = Marked(RESNET_INSPECT_CACHE="off")
    command = ["-m", "resnet_inspect", "summary", "net.py:Does", "--input", "4", "--arg", f"what={what}"]
    hangs = what.startswith("time")
    seconds = "6" if hangs else "15"
    done = subprocess.run(
        [platforms.python(system), *command, "--timeout", seconds],
        cwd=folder,
        env=marked.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == (3 if hangs else 0), done.stderr
    assert (f"didn't answer within {seconds} seconds" in done.stderr) == hangs
    assert marked.alive_after(10) == []


def test_a_file_has_a_child_of_its_own_in_jobs(folder: Path, tmp_path: Path) -> None:
    log = tmp_path / "calls"
    command = ("diff", "net.safetensors", "net.safetensors", "--timeout", "7")
    assert platforms.run("win32", *command, folder=folder, RESNET_INSPECT_CALLS=str(log)).returncode == 0
    calls = platforms.calls(log)
    assert all(answer for _, _, answer in calls)
    names = [name for name, _, _ in calls]
    # Each of the two in a job that ends with the command, and in one of its own with limits.
    assert names.count("AssignProcessToJobObject") == names.count("CreateJobObjectW") == 4
    assigned = {said[1] for name, said, _ in calls if name == "AssignProcessToJobObject"}
    assert len(assigned) == 2


WALLS = """
import os, socket, subprocess, sys, time
from resnet_inspect.answers import sandbox
from resnet_inspect.host import kernel32
sandbox.confine(1, 2**28)
def tell(name, act):
    try:
        act()
        print(name, "done", flush=True)
    except (PermissionError, MemoryError) as error:
        print(name, type(error).__name__, flush=True)
tell("memory", lambda: bytearray(2**29))
tell("less", lambda: bytearray(2**27))
tell("socket", socket.socket)
tell("program", lambda: subprocess.run(["true"]))
tell("write", lambda: open(sys.argv[1], "w"))
while True:
    pass
"""


def test_walls_on_windows(tmp_path: Path) -> None:
    new, log = tmp_path / "new", tmp_path / "calls"
    done = subprocess.run(
        [platforms.python("win32"), "-c", WALLS, str(new)],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "RESNET_INSPECT_CALLS": str(log)},
        capture_output=True,
        text=True,
        check=False,
    )
    told = dict(line.split() for line in done.stdout.splitlines())
    denied = dict.fromkeys(("socket", "program", "write"), "PermissionError")
    assert told == {"memory": "MemoryError", "less": "done", **denied}, done.stderr
    assert not new.exists()
    assert done.returncode == -24  # what a job's limit of time is here
    assert [name for name, _, _ in platforms.calls(log)][-3:] == [
        "SetInformationJobObject",
        "AssignProcessToJobObject",
        "CloseHandle",  # nobody takes the limits off again
    ]


@needs("torch")
@needs("platformdirs")
@pytest.mark.parametrize("system", platforms.SYSTEMS)
def test_summaries_are_kept(system: str, tmp_path: Path) -> None:
    kept = str(tmp_path / "kept")
    command = ("summary", "torch:resnet18", "--format", "csv")
    first, second = (platforms.run(system, *command, RESNET_INSPECT_CACHE=kept) for _ in range(2))
    assert first.returncode == second.returncode == 0, first.stderr
    assert first.stdout == second.stdout
    assert b"Entries  1" in platforms.run(system, "cache", "info", RESNET_INSPECT_CACHE=kept).stdout
    assert {item.suffix for item in (tmp_path / "kept").iterdir()} == {"", ".summary"}
    assert b"1 entry removed" in platforms.run(system, "cache", "clear", RESNET_INSPECT_CACHE=kept).stdout


@pytest.mark.parametrize("system", platforms.SYSTEMS)
def test_a_model_of_another_revision(system: str, tmp_path: Path) -> None:
    def git(*arguments: str) -> None:
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments], cwd=tmp_path, check=True)

    git("init", "--quiet")
    path = tmp_path / "net.safetensors"
    path.write_bytes(tensors(weight=(3, 4), bias=(4,)))
    git("add", ".")
    git("commit", "--quiet", "-m", "one")
    path.write_bytes(tensors(weight=(5, 4), bias=(4,)))
    command = ("diff", "--base", "HEAD", "net.safetensors", "--timeout", "60")
    other, own = platforms.run(system, *command, folder=tmp_path), platforms.here(*command, folder=tmp_path)
    assert (other.returncode, other.stdout, other.stderr) == (own.returncode, own.stdout, own.stderr)
    assert b"+8" in own.stdout  # parameters


def test_a_second_run_on_the_same_results(folder: Path, tmp_path: Path) -> None:
    source = f"""
from resnet_inspect.batch.results import opened
from pathlib import Path
path = Path({str(tmp_path / "results")!r})
with opened(path) as file:
    file.write(b"x"); file.flush()
    try:
        with opened(path): pass
    except Exception as error: print(error)
    print(path.read_bytes())
"""
    said = platforms.script("win32", source).splitlines()
    assert said == [f"another run is writing {tmp_path / 'results'}: wait for it, or give another -o", "b'x'"]


@pytest.mark.parametrize(("system", "code"), [("win32", 0), ("darwin", 3)])
def test_a_reader_that_has_gone(system: str, code: int) -> None:
    source = """
import errno, os, sys
class Gone:
    encoding = "utf-8"
    def write(self, text): raise OSError(errno.EINVAL, "Invalid argument")
    def flush(self): pass
    def isatty(self): return False
    def fileno(self): return 1
said = sys.stdout
sys.stdout = Gone()
sys.argv = ["resnet-inspect", "summary"]
from resnet_inspect.cli import main
try: main()
except SystemExit as end: print(end.code, file=sys.stderr); sys.stdout = said; os._exit(end.code)
"""
    done = subprocess.run(
        [platforms.python(system), "-c", source],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (code, "")
    assert ("error" in done.stderr) == bool(code)


def test_what_windows_says_in_its_own_way(folder: Path) -> None:
    source = r"""
from resnet_inspect.cli.naming import split_model
from resnet_inspect.host import processes
print(processes.told(0xC0000005), processes.is_crash(0xC0000005), processes.is_crash(3), sep="|")
print(processes.is_out_of_time(1816), processes.is_out_of_time(1), sep="|")
print(processes.interpreter()[0] == processes.sys.executable)
for text in (r"C:\models\net.py:Net", r".\net.py:Net", "net.py:Net", r"C:\models\net.onnx", r"C:\nothing"):
    print(*split_model(text, None))
"""
    said = platforms.script("win32", source).splitlines()
    assert said[:3] == ["crashed with code 0xC0000005|True|False", "True|False", "True"]
    assert said[3:] == [
        r"python C:\models\net.py:Net",
        r"python .\net.py:Net",
        "python net.py:Net",
        r"file C:\models\net.onnx",
        r"local C:\nothing",
    ]


def test_calls_have_as_much_room_as_windows_gives() -> None:
    source = """
from resnet_inspect.readers.room import with_room
def deep(count): return 1 + deep(count - 1) if count else 0
print(with_room(lambda: deep(20_000), 200_000, 1 << 30))
try: with_room(lambda: deep(200_000), 200_000, 1 << 30)
except RecursionError: print("no further")
"""
    assert platforms.script("win32", source).split("\n")[:2] == ["20000", "no further"]
