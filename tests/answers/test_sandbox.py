"""The walls around strangers' files, and that nothing of a stranger's folder is imported."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.command import needs, script

#: What a confined process tries, and what becomes of it. Raw calls go around Python's audit hooks.
TRIES = """
import ctypes, os, platform, socket, subprocess, sys, threading
from resnet_inspect.answers import sandbox
libc = ctypes.CDLL(None, use_errno=True)
reading, writing = os.pipe()
fork = os.fork()
if fork:
    os.close(writing)
    sys.stdout.write(os.fdopen(reading).read())
    print(os.waitstatus_to_exitcode(os.waitpid(fork, 0)[1]))
    raise SystemExit
sandbox.confine(1, 2**28)
def tell(name, act):
    try:
        result = act()
        said = "denied" if result == -1 else "done"
    except (PermissionError, MemoryError) as error:
        said = type(error).__name__
    os.write(writing, f"{name}: {said}\\n".encode())
tell("socket", socket.socket)
tell("raw socket", lambda: libc.socket(2, 1, 0))
tell("raw connect", lambda: libc.connect(0, None, 0))
tell("program", lambda: subprocess.run(["true"]))
tell("raw program", lambda: libc.execve(b"/bin/true", None, None))
tell("raw fork", lambda: libc.fork() or os._exit(0))
tell("raw clone", lambda: libc.syscall({"x86_64": 56}.get(platform.machine(), 220), 17, 0, 0, 0, 0) or os._exit(0))
tell("write", lambda: open(sys.argv[1], "w"))
tell("raw write", lambda: libc.open(sys.argv[1].encode(), os.O_WRONLY | os.O_CREAT, 0o600))
tell("raw remove", lambda: libc.unlink(sys.argv[2].encode()))
tell("raw kill", lambda: libc.kill(os.getppid(), 0))
tell("raw trace", lambda: libc.ptrace(16, os.getppid(), None, None))
tell("memory", lambda: bytearray(2**29))
tell("read", lambda: open(sys.argv[2]).read())
tell("null", lambda: open(os.devnull, "w").write("x"))
tell("thread", lambda: threading.Thread(target=int).start())
while True:
    pass
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the system's walls are Linux'")
def test_what_walls_keep_in(tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.write_text("x")
    command = [sys.executable, "-c", TRIES, str(tmp_path / "new"), str(there)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    *told, end = done.stdout.splitlines()
    assert dict(line.split(": ") for line in told) == {
        **dict.fromkeys(("socket", "program", "write"), "PermissionError"),
        **dict.fromkeys(("raw socket", "raw connect", "raw program", "raw write", "raw remove"), "denied"),
        **dict.fromkeys(("raw kill", "raw trace", "raw fork", "raw clone"), "denied"),
        "memory": "MemoryError",
        **dict.fromkeys(("read", "null", "thread"), "done"),
    }, done.stderr
    assert end == "-24"  # SIGXCPU
    assert [item.name for item in tmp_path.iterdir()] == ["there"]


#: Modules of Python, of what we need and of frameworks, each as a file that tells when it is imported.
NAMES = ("json", "random", "struct", "queue", "click", "rich", "torch", "keras", "numpy", "onnx", "h5py", "helper")
HONEST = (
    *("net.safetensors", "model.safetensors.index.json", "net.pth", "old.pth", "training.pth", "net.pt2", "net.onnx"),
    *("traced.pt", "net.keras", "net.h5", "net.weights.h5", "config.json"),
)
COMMANDS = (
    "summary resnet18",
    "summary net.pt2",
    "summary net.pth",
    "summary net.onnx --timeout 60",
    "summary net.keras",
    "summary traced.pt --input 3x8x8",
    "summary config.json",
    "summary net.weights.h5",
    "summary torch:resnet18 --timeout 100",
    "compare resnet18 net.onnx net.pt2 net.safetensors",
    "batch requests.jsonl --jobs 2",
    "doctor local",
)


@pytest.fixture(scope="module")
def folder(seeds: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Honest files among modules that nobody asked for."""
    made = tmp_path_factory.mktemp("stranger")
    for item in seeds.iterdir():
        if item.is_file():
            shutil.copy(item, made / item.name)
    for name in NAMES:
        (made / f"{name}.py").write_text(f"open({str(made / 'imported')!r}, 'a').write('{name} ')\n")
    lines = [{"model": "torch:resnet18"}, {"model": "net.pt2"}, {"model": "resnet18"}]
    (made / "requests.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return made


@needs("torch")
@needs("tensorflow")
@pytest.mark.parametrize("command", COMMANDS)
def test_nothing_that_stands_beside_a_file_is_imported(command: str, folder: Path) -> None:
    environment = {**os.environ, "RESNET_INSPECT_CACHE": "off"}
    environment.pop("PYTHONPATH", None)
    own = str(Path(__file__).parents[2])
    # As a person's own program: not from a folder that holds the package.
    start = f"import sys; sys.path[0] = {own!r}; from resnet_inspect.__main__ import main; main()"
    whole = [sys.executable, "-c", start, *command.split()]
    done = subprocess.run(whole, capture_output=True, text=True, cwd=folder, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    assert not (folder / "imported").exists(), (folder / "imported").read_text()


def test_users_code_finds_its_own_and_nobody_else_does(tmp_path: Path) -> None:
    installed = tmp_path / "site-packages"
    installed.mkdir()
    for folder, whose in ((tmp_path, "theirs"), (installed, "installed")):
        for name in ("helper", "other"):
            (folder / f"{name}.py").write_text(f"NAME = {whose!r}\n")
    (installed / "shared.py").write_text("import other\n")
    (tmp_path / "net.py").write_text(
        "import colorsys, helper, shared\nfound = (colorsys.__file__, helper.NAME, shared.other.NAME)\n"
    )
    (tmp_path / "colorsys.py").write_text("raise ValueError('Python has one of this name')\n")
    said = script(f"""
import os, sys
sys.path[0] = {str(Path(__file__).parents[2])!r}
sys.path.append({str(installed)!r})
os.chdir({str(tmp_path)!r})
from resnet_inspect.readers.code.user_code import attribute
print(*attribute("net:found"))
""")
    place, *names = said.split()
    assert not place.startswith(str(tmp_path))
    assert names == ["theirs", "installed"]


#: File -> one whose reader imports the same framework.
KINDRED = {
    **dict.fromkeys(("net.pth", "old.pth", "training.pth", "net.pt2"), "traced.pt"),
    **dict.fromkeys(("net.h5", "net.weights.h5", "saved"), "net.keras"),
}


@needs("torch")
@needs("tensorflow")
@pytest.mark.parametrize("name", [*HONEST, "saved"])
def test_no_file_reaches_for_the_network(name: str, seeds: Path) -> None:
    shape = "3x8x8" if name == "traced.pt" else None
    # Frameworks look for sockets while they are imported, once for all files of a kind.
    before = f"""
import sys
from resnet_inspect.readers import file as from_file, Request
from_file.prepare(Request.from_options({str(seeds / KINDRED.get(name, name))!r}))
"""
    asked = f"""
request = Request.from_options({str(seeds / name)!r}, input={shape!r})
from_file.prepare(request)
events = []
sys.addaudithook(lambda event, _: events.append(event) if event.startswith(("socket.", "urllib.", "http.")) else None)
from_file.summarize(request)
print(events)
"""
    said = script(asked, after=before)
    assert said.splitlines()[-1] == "[]"
