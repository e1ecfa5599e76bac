"""Runs the tool, a test or a script as a process of its own: stdout, stderr and exit code apart."""

from __future__ import annotations

import ast
import atexit
import functools
import gc
import importlib
import importlib.metadata
import json
import os
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from resnet_inspect import ir_json

#: The published schema of the JSON that this version writes.
SCHEMA = Path(ir_json.__file__).parent / "schemas" / f"summary-{ir_json.SCHEMA_VERSION}.schema.json"


def run(
    *arguments: str, text: str | None = None, env: Mapping[str, str] | None = None, warm: str | None = None
) -> subprocess.CompletedProcess[str]:
    """``resnet-inspect`` with these arguments, in a pipe, and with more variables of the environment.

    A ``warm`` one finds a backend's reader imported, which takes seconds: for tests of what a command says, not of how
    it starts. Warm ones run one after the other, never side by side. Without the backend's package, it starts cold.
    """
    if warm and hasattr(os, "fork") and (warm == "local" or find_spec(warm)):
        here = os.getcwd()  # noqa: PTH109 - a text
        return _asked(_command_server(warm), here, arguments, {**os.environ, **(env or {})}, text=text or "")
    command = [sys.executable, "-m", "resnet_inspect", *arguments]
    more = {**os.environ, **env} if env else None
    return subprocess.run(command, capture_output=True, text=True, input=text, check=False, env=more)


def local(
    *arguments: str, text: str | None = None, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """``run``, from a process that has imported our own code: a third of the time where no framework is needed."""
    return run(*arguments, text=text, env=env, warm="local")


def document(*arguments: str, warm: str = "local") -> dict[str, Any]:
    """The JSON that a command prints; it must succeed."""
    done = run(*arguments, "--format", "json", warm=warm)
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def script(source: str, after: str = "") -> str:
    """What a script prints in its own interpreter, where a framework may be imported; it must succeed.

    ``after`` is one that comes before it, prints nothing, and is run once for all that follow it: each is then a fork
    of the process that has run it.
    """
    if after and hasattr(os, "fork"):
        done = _asked(_script_server(after), source)
    else:
        command = [sys.executable, "-c", f"{after}\n{source}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def loaded_by(*arguments: str) -> set[str]:
    """The modules that a command has imported when it ends."""
    said = script(
        f"import sys; sys.argv = ['resnet-inspect', *{arguments!r}]\n"
        "from resnet_inspect.cli import main\n"
        "try: main()\n"
        "except SystemExit: print('\\nLOADED', *sorted(sys.modules))"
    )
    return set(said.rsplit("LOADED", 1)[1].split())


def needs(framework: str, minimum: str | None = None) -> pytest.MarkDecorator:
    """Skips a test where a framework isn't installed, or is older than a version that has what the test is about."""
    if find_spec(framework) is None:
        return pytest.mark.skipif(True, reason=f"{framework} isn't installed")
    is_older = minimum is not None and release(importlib.metadata.version(framework)) < release(minimum)
    return pytest.mark.skipif(is_older, reason=f"{framework} {minimum} or newer isn't installed")


def release(version: str) -> tuple[int, ...]:
    """The first two numbers of a version: with them, things come and go."""
    return tuple(int(number) for number in version.split(".")[:2])


#: Where servers begin: a test that needs one first may stand in a folder of its own, from which nothing is importable.
_PROJECT = Path(__file__).resolve().parents[2]
#: The files of a fork's folder, by the numbers that it has them under.
_STREAMS = ("stdin", "stdout", "stderr")
_TORCH = "torchvision, torchsummary, resnet_inspect.readers.torch.reader"
#: What a framework's server has imported before the first test. That of transformers is for files with many of them.
_PRELOADED = {
    "torch": _TORCH,
    "transformers": f"{_TORCH}, transformers.models.auto.modeling_auto, resnet_inspect.readers.libraries.transformers",
    "tensorflow": "keras",
}


def in_child(framework: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Runs a test in an interpreter of its own: torch and TensorFlow must not meet in one process.

    It is forked from one that has imported the framework already, which takes seconds.
    """

    def decorate(test: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(test)
        def run_in_child(**arguments: Any) -> None:
            done = _asked(_test_server(framework), test.__module__, test.__name__, arguments)
            assert done.returncode == 0, done.stdout + done.stderr

        return needs(framework)(run_in_child)

    return decorate


@functools.cache
def _test_server(framework: str) -> subprocess.Popen[str]:
    return _started(f"import {_PRELOADED[framework]}; from tests.support.command import serve_tests; serve_tests()")


@functools.cache
def _script_server(after: str) -> subprocess.Popen[str]:
    return _started(f"from tests.support.command import serve_scripts; serve_scripts({after!r})")


@functools.cache
def _command_server(backend: str) -> subprocess.Popen[str]:
    return _started(f"from tests.support.command import serve_commands; serve_commands({backend!r})", "-W", "ignore")


def _started(source: str, *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, *options, "-c", source]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=_PROJECT)
    atexit.register(process.kill)
    return process


def _asked(server: subprocess.Popen[str], *asked: Any, text: str = "") -> subprocess.CompletedProcess[str]:
    """What a fork of a server did that was asked for this."""
    assert server.stdin is not None
    assert server.stdout is not None
    with tempfile.TemporaryDirectory() as folder:
        for name in _STREAMS:
            Path(folder, name).write_text(text if name == "stdin" else "")
        server.stdin.write(f"{(folder, *asked)!r}\n")
        server.stdin.flush()
        code = int(server.stdout.readline())
        said = [Path(folder, name).read_bytes().decode() for name in ("stdout", "stderr")]
    return subprocess.CompletedProcess([str(asked)], code, *said)


def _serve(answer: Callable[..., None]) -> None:
    """Answers each line on stdin with the exit code of a fork, in which ``answer`` is given what the line asks."""
    # A collection in a fork would copy each page that holds an object of the framework.
    gc.collect()
    gc.freeze()
    for line in sys.stdin:
        folder, *asked = ast.literal_eval(line)
        child = os.fork()
        if not child:
            code = 1
            try:
                for number, name in enumerate(_STREAMS):
                    os.dup2(os.open(Path(folder, name), os.O_RDWR | os.O_APPEND), number)
                sys.stdin = open(0, closefd=False)  # noqa: SIM115 - what this process has read ahead is its own
                answer(*asked)
                code = 0
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stdout.flush()
                os._exit(code)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


def serve_tests() -> None:
    """Runs each test that is asked for: its module, its name and its arguments."""

    from tests.support.examples import load_profile  # hypothesis is for tests alone, not for commands and scripts

    load_profile()

    def answer(module: str, name: str, arguments: dict[str, Any]) -> None:
        getattr(importlib.import_module(module), name).__wrapped__(**arguments)

    _serve(answer)


def serve_scripts(after: str) -> None:
    """Runs each script that is asked for after this one."""
    names: dict[str, Any] = {"__name__": "__main__"}
    exec(after, names)
    _serve(lambda source: exec(source, names))


def serve_commands(backend: str) -> None:
    """Runs each command that is asked for: its folder, its arguments and its environment.

    It finds this process as the command's own is when it has imported a backend's reader.
    """
    from resnet_inspect import process
    from resnet_inspect.answers import child_process, worker
    from resnet_inspect.cli import COMMANDS, main
    from resnet_inspect.readers import load_framework, module_of

    process.own()
    os.environ.setdefault("HF_HUB_OFFLINE", "1")  # read when it is imported; with no network, it is tried for a minute
    load_framework(backend, module_of(backend))
    if backend == "local":
        for name in COMMANDS:
            importlib.import_module(f"resnet_inspect.cli.commands.{name}")
    # Children of a command that has no framework are forks of it, and so are those of these.
    for module in (child_process, worker):
        mock.patch.object(module, "may_fork", _is_single).start()

    def answer(here: str, arguments: tuple[str, ...], environment: dict[str, str]) -> None:
        os.chdir(here)
        os.environ.clear()
        os.environ.update(environment)
        sys.argv = ["resnet-inspect", *arguments]
        try:
            main()
        except SystemExit as end:
            process.leave(end.code if isinstance(end.code, int) else 1)

    _serve(answer)


def _is_single() -> bool:
    return threading.active_count() == 1
