"""Runs the tool and scripts as on Windows or macOS, as far as Linux can play them (``disguise.py``).

None of it has seen the real systems: it shows that nothing of POSIX is used where there is none, and that what is used
instead gives the same answers.
"""

from __future__ import annotations

import atexit
import functools
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

SYSTEMS = ("win32", "darwin")

#: Stands for ``python``: what it is asked to run is run in disguise, and so are the interpreters that this starts.
_PYTHON = """#!{python} -IS
import os, sys
program = []
words = iter(sys.argv[1:])
for word in words:
    if word == "-m":
        source = f"from {{next(words)}}.__main__ import main; main()"
        break
    if word == "-c":
        source = next(words)
        break
    program.append(word)
start = "import sys; sys.path.insert(0, {tests!r}); from disguise import put_on; sys.path.pop(0); "
start += "put_on({system!r}, {here!r}); "
os.execv({python!r}, [{python!r}, *dict.fromkeys(program), "-c", start + source, *words])
"""


@functools.cache
def python(system: str) -> str:
    """An interpreter that takes itself for one of another system."""
    tests = Path(__file__).parent
    folder = tempfile.mkdtemp(prefix="resnet-inspect-tests-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    here = Path(folder) / "python"
    here.write_text(_PYTHON.format(python=sys.executable, tests=str(tests), system=system, here=str(here)))
    here.chmod(0o700)
    return str(here)


def run(
    system: str, *arguments: str, folder: Path | None = None, **variables: str
) -> subprocess.CompletedProcess[bytes]:
    """``resnet-inspect`` with these arguments."""
    return _run([python(system), "-m", "resnet_inspect", *arguments], folder, variables)


@functools.cache
def here(*arguments: str, folder: Path | None = None, **variables: str) -> subprocess.CompletedProcess[bytes]:
    """The same without a disguise; what it gave the first time."""
    return _run([sys.executable, "-m", "resnet_inspect", *arguments], folder, variables)


def script(system: str, source: str) -> str:
    """What a script prints, which must succeed; our modules that it imports see the other system."""
    done = _run([python(system), "-c", source], None, {})
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def calls(path: Path) -> list[tuple[str, list[int | None], int]]:
    """What kernel32 was asked, in order: the function, its arguments as far as they are numbers, and its answer."""
    return [tuple(json.loads(line)) for line in path.read_text().splitlines()] if path.exists() else []


def _run(command: list[str], folder: Path | None, variables: dict[str, str]) -> subprocess.CompletedProcess[bytes]:
    root = str(Path(__file__).parents[2])
    environment = {**os.environ, "RESNET_INSPECT_CACHE": "off", "PYTHONPATH": root, **variables}
    return subprocess.run(command, capture_output=True, check=False, cwd=folder, env=environment)
