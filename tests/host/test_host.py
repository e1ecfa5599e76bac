"""Calls that differ from system to system are in one package, and its pure parts."""

from __future__ import annotations

import ast
import os
import sys
from pathlib import Path

import pytest

import resnet_inspect
from resnet_inspect.host import forks, kernel32, locks, machine, memory, paths, processes

PACKAGE = Path(resnet_inspect.__file__).parent
#: Modules that only some systems have, functions and constants of ``os`` and ``signal`` likewise, and arguments.
MODULES = {"fcntl", "resource", "msvcrt", "winreg", "_winapi", "pwd", "grp", "termios", "pty", "select", "ctypes"}
NAMES = {
    *(
        "fork",
        "killpg",
        "setsid",
        "setpgid",
        "getpgid",
        "getuid",
        "geteuid",
        "getppid",
        "sysconf",
        "waitpid",
        "WNOHANG",
    ),
    *("waitstatus_to_exitcode", "O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_DIRECTORY", "O_PATH", "mkfifo", "uname"),
    *("SIGKILL", "SIGALRM", "SIGHUP", "SIGXCPU", "SIGCHLD", "alarm", "setitimer"),
}
ARGUMENTS = {"pass_fds", "start_new_session", "preexec_fn", "creationflags", "startupinfo", "dir_fd", "src_dir_fd"}


posix = pytest.mark.skipif(not forks.POSSIBLE, reason="signals and forks are POSIX'")


def used(tree: ast.AST) -> set[str]:
    """What a module uses that not every system has, or that asks for the system."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {item.name for item in node.names} & MODULES
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found |= {node.module or ""} & MODULES
            found |= {item.name for item in node.names} & NAMES if node.module in ("os", "signal") else set()
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in ("os", "signal"):
            found |= {node.attr} & NAMES
        elif isinstance(node, ast.keyword):
            found |= {node.arg or ""} & ARGUMENTS
        elif isinstance(node, ast.Compare):
            asked = {ast.unparse(part) for part in ast.walk(node) if isinstance(part, ast.Attribute)}
            found |= asked & {"sys.platform", "os.name"}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("/proc"):
            found.add(node.value)
    return found


def test_only_the_package_host_knows_the_system() -> None:
    files = [path for path in PACKAGE.rglob("*.py") if path.parent.name != "host"]
    assert len(files) > 100
    assert {path.name: found for path in files if (found := used(ast.parse(path.read_text())))} == {}
    # The check itself sees what it is for.
    inside = set().union(*(used(ast.parse(path.read_text())) for path in (PACKAGE / "host").glob("*.py")))
    assert {"fcntl", "resource", "fork", "killpg", "SIGKILL", "O_NOFOLLOW", "geteuid", "sys.platform"} <= inside


@pytest.mark.parametrize(
    ("text", "windows", "split"),
    [
        ("net.py:Net", False, ("net.py", "Net")),
        ("net.py:Net", True, ("net.py", "Net")),
        (r"C:\models\net.py:Net", True, (r"C:\models\net.py", "Net")),
        ("c:/models/net.py:Net.inner", True, ("c:/models/net.py", "Net.inner")),
        (r".\net.py:Net", True, (r".\net.py", "Net")),
        (r"..\my models\net.py:Net", True, (r"..\my models\net.py", "Net")),
        ("./net.py:Net", False, ("./net.py", "Net")),
        (r"\\server\share\net.py:Net", True, (r"\\server\share\net.py", "Net")),
        (r"C:net.py:Net", True, ("C:net.py", "Net")),
        (r"C:\models\net.onnx", True, ("", r"\models\net.onnx")),
        ("C:/models", True, ("", "/models")),
        ("package.module:build", True, ("package.module", "build")),
        ("m:build", True, ("m", "build")),
        ("resnet18", True, ("", "resnet18")),
        (":Net", True, ("", "Net")),
        ("net.py:", True, ("net.py", "")),
        ("C:/net.py:Net", False, ("C:/net.py", "Net")),
    ],
)
def test_the_right_colon_separates(text: str, windows: bool, split: tuple[str, str]) -> None:
    assert paths.split_reference(text, windows) == split


def test_folders_are_told_by_their_systems_separators() -> None:
    assert paths.has_folder(r"models\net", windows=True)
    assert paths.has_folder("models/net", windows=True)
    assert not paths.has_folder(r"models\net", windows=False)
    assert paths.has_drive("D:/x", windows=True)
    assert not any(paths.has_drive(text, windows=True) for text in ("torch:resnet18", "D:x", "D:", "é:/x", ":/x"))
    assert not paths.has_drive("D:/x", windows=False)


def test_structures_are_as_large_as_in_windows_headers() -> None:
    import ctypes

    if ctypes.sizeof(ctypes.c_void_p) == 8:
        kinds = (kernel32.BasicLimits, kernel32.Limits, kernel32.MachineMemory, kernel32.ProcessMemory)
        assert [ctypes.sizeof(kind) for kind in kinds] == [64, 144, 64, 72]
        assert kernel32.BasicLimits.flags.offset == 16
        assert kernel32.Limits.process_memory.offset == 112


def test_memory_is_the_systems_own() -> None:
    if Path("/proc/meminfo").exists():
        total = int(Path("/proc/meminfo").read_text().split()[1]) * 1024
        assert machine.memory() == pytest.approx(total, rel=0.01)
        resident = int(Path("/proc/self/status").read_text().partition("VmRSS:")[2].split()[0]) * 1024
        assert memory.resident(os.getpid()) == pytest.approx(resident, rel=0.1)
    assert memory.resident(2**22 + 1) == 0


def test_a_file_is_locked_for_one_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with path.open("wb") as mine, path.open("ab") as other:
        assert locks.lock(mine.fileno())
        assert not locks.lock(other.fileno())
        mine.close()
        assert locks.lock(other.fileno())


@posix
@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("raise SystemExit(7)", "exited with code 7 without a result"),
        ("import os; os.abort()", "crashed with SIGABRT"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "was killed, probably because memory ran out"),
    ],
)
def test_an_end_is_told(program: str, words: str) -> None:
    process = processes.Started([sys.executable, "-S", "-c", program])
    assert processes.told(process.wait()) == words
    process.end_all()  # which nobody hears any more
    process.let_go()


@posix
def test_all_that_a_process_has_started_ends_with_it() -> None:
    source = "import subprocess, sys; subprocess.Popen(['sleep', '60']); print(flush=True); sys.stdin.read()"
    pipe = -1  # subprocess.PIPE
    with processes.Started([sys.executable, "-S", "-c", source], stdin=pipe, stdout=pipe) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"\n"
        process.end_all()
        assert process.stdout.read() == b""  # which the other holds open as well
        process.wait()


@posix
def test_a_child_that_has_ended_is_told_once() -> None:
    pid = forks.fork()
    if not pid:
        os._exit(5)
    code = None
    while code is None:
        code = forks.ended(pid)
    assert code == 5
