"""A model as it was at another git revision, built from a copy of its files in a process of its own.

Nothing in the repository changes, not even for a moment: the files are laid out by a temporary index in a temporary
folder, which ``keeper.py`` removes however this process ends.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import ir_json
from ..errors import BadRequestError, InspectError, ModelError
from ..host.processes import Started, interpreter
from ..readers.inputs import UserFunction
from ..readers.local.unknown import absent
from ..readers.options import command_line
from ..readers.request import Answer
from .source import Source, read

#: What a repository's configuration may say that would run programs or write into the repository, or leave files out.
_QUIET = (
    "core.fsmonitor=false",
    f"core.hooksPath={os.devnull}",
    "core.splitIndex=false",
    "core.sparseCheckout=false",
)
#: The command line, with nothing importable from the current folder: ``python -m`` would put it first.
_COMMAND = "import sys; sys.path[:1] = filter(None, sys.path[:1]); from resnet_inspect.__main__ import main; main()"
#: The keeper's program: without installed packages, and Python's own modules come first.
_KEEPER = "import sys; sys.path.append({own!r}); from resnet_inspect.host.keeper import main; main()"
#: Bytes of an error that are shown.
_MOST_WORDS = 2000


def at_revision(revision: str, source: Source, timeout: float | None = None) -> Answer:
    """The summary of ``source`` with the files of ``revision``.

    Raises:
        BadRequestError: this is not a git repository, or it has no such revision.
        ModelError: the model can't be built there, with what was said.
    """
    if source.text == "-":
        raise BadRequestError("--base needs a model or a file of the repository, not standard input")
    with _laid_out(revision) as there:
        if source.is_saved:
            path = there.path(source.text)
            try:
                return read(str(path))
            except InspectError as error:
                raise ModelError(f"at {revision}: {str(error).replace(str(path), source.text)}") from error
        return _build(revision, source, there, timeout)


@dataclass(frozen=True, slots=True)
class _Keeper:
    """The process that keeps the temporary folder."""

    process: subprocess.Popen[str]
    place: Path

    def run(
        self, command: Sequence[str], folder: Path, environment: Mapping[str, str], timeout: float | None = None
    ) -> int | None:
        """A command's exit code; None where it didn't end in ``timeout`` seconds."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            self.process.stdin.write(json.dumps([[*command], str(folder), {**environment}]) + "\n")
            self.process.stdin.flush()
            # Not every system can wait for a pipe but by reading it.
            answers: list[str] = []
            output = self.process.stdout
            reader = threading.Thread(target=lambda: answers.append(output.readline()), daemon=True)
            reader.start()
            reader.join(timeout)
            return int(answers[0]) if answers else None
        except (BrokenPipeError, ValueError):
            raise ModelError("--base: the process that keeps the temporary folder was killed") from None

    def said(self, stream: str, most: int) -> bytes:
        """What the last command wrote to ``out`` or ``err``, up to so many bytes and one."""
        with (self.place / stream).open("rb") as file:
            return file.read(most + 1)


@dataclass(frozen=True, slots=True)
class _Files:
    """The files of a revision: ``root`` mirrors ``repository``, ``here`` the current folder."""

    keeper: _Keeper
    repository: Path
    root: Path
    here: Path

    def path(self, text: str) -> Path:
        """Where a path of the repository is now.

        Raises:
            BadRequestError: it is absolute, and elsewhere.
        """
        if not Path(text).is_absolute():
            return self.here / text
        mirrored = self.mirrored(text)
        if mirrored is None:
            raise BadRequestError(f"--base: {text} is not in the repository {self.repository}")
        return mirrored

    def mirrored(self, folder: str) -> Path | None:
        """As ``path``; None for what is elsewhere."""
        path = Path(folder)
        resolved = path.parent.resolve() / path.name
        inside = resolved.is_relative_to(self.repository)
        return self.root / resolved.relative_to(self.repository) if inside else None


def _build(revision: str, source: Source, there: _Files, timeout: float | None) -> Answer:
    """Through the command line, which is the same at every revision, even of this very program."""
    request = source.request
    model = request.model if source.backend in ("python", "file") else f"{source.backend}:{request.model}"
    if source.backend in ("python", "file") and Path(model).is_absolute():
        model = str(there.path(model))
    building = [model, *command_line(request.options())]
    if not there.here.is_dir():
        raise ModelError(f"at {revision}: no such folder: {there.here.relative_to(there.root)}")

    def run(arguments: Sequence[str]) -> tuple[int, str]:
        command = [interpreter()[0], "-c", _COMMAND, "summary", *arguments, "--format", "json"]
        code = there.keeper.run(command, there.here, _environment(source, there), timeout)
        if code is None:
            raise ModelError(f"at {revision}: {source.text} wasn't summarised within {timeout:g} seconds")
        return code, " ".join(there.keeper.said("err", _MOST_WORDS).decode(errors="replace").split()) if code else ""

    code, said = run([source.name] if source.name else building)
    # Settings that the branch adds may name code that was there before it.
    if code and source.name and source.backend in ("python", "file") and absent(source.name) in said:
        code, said = run(building)
    if code:
        raise ModelError(f"at {revision}: {said.removeprefix('error: ') or f'exit code {code}, without a message'}")
    return Answer(ir_json.loads(there.keeper.said("out", ir_json.MOST_BYTES)))


def _environment(source: Source, there: _Files) -> dict[str, str]:
    """What is importable: of the revision, what a model or inputs named as code bring along, and what was before.

    A folder of the repository that the user has made importable, or that this very program runs from, is that of the
    revision.
    """
    environment = {**os.environ, **interpreter()[1]}
    given = [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    own = there.mirrored(str(Path(__file__).parent.parent.parent))
    if own is not None and (own / "resnet_inspect" / "__main__.py").is_file():
        given.insert(0, str(own))
    places = [str(there.mirrored(entry) or Path(entry).absolute()) for entry in given]
    if source.backend == "python" or isinstance(source.request.inputs, UserFunction):
        places = [str(there.here), *([str(there.here / "src")] if (there.here / "src").is_dir() else []), *places]
    else:
        environment["PYTHONSAFEPATH"] = "1"  # of processes that the command starts; Python 3.10 doesn't know it
    return {**environment, "PYTHONPATH": os.pathsep.join(dict.fromkeys(places))}


@contextmanager
def _laid_out(revision: str) -> Iterator[_Files]:
    """The files of a revision in a temporary folder.

    Raises:
        BadRequestError: there is no git, no repository or no such revision.
        ModelError: the files can't be laid out.
    """
    repository = Path(_git("rev-parse", "--show-toplevel"))
    commit = _commit(revision)
    here = _git("rev-parse", "--show-prefix")
    store = _git("rev-parse", "--absolute-git-dir")
    with _kept() as keeper:
        root = keeper.place / "files" / repository.name
        root.mkdir(parents=True)
        environment = {
            **os.environ,
            "GIT_DIR": store,
            "GIT_WORK_TREE": str(root),
            "GIT_INDEX_FILE": str(keeper.place / "index"),
        }
        for command in (["read-tree", commit], ["checkout-index", "--all", "--force", "--quiet"]):
            if keeper.run(_git_command(*command), root, environment):
                said = keeper.said("err", _MOST_WORDS).decode(errors="replace")
                raise ModelError(f"--base: {' '.join(said.split()) or f'git {command[0]} failed'}")
        yield _Files(keeper, repository, root, root / here)


@contextmanager
def _kept() -> Iterator[_Keeper]:
    python, its_own = interpreter()
    process = Started(
        [python, "-I", "-S", "-c", _KEEPER.format(own=str(Path(__file__).parents[2]))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        # It outlives what ends this process: Ctrl-C, the end of a terminal, a kill of its whole group.
        outlives=True,
        env={**os.environ, **its_own},
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        place: Any = process.stdout.readline()
        if not place:
            raise ModelError(f"--base: no temporary folder can be made in {tempfile.gettempdir()}")
        yield _Keeper(process, Path(json.loads(place)))
    finally:
        try:
            process.stdin.close()
        except BrokenPipeError:
            pass
        finally:
            process.wait()
            process.stdout.close()


def _commit(revision: str) -> str:
    """The commit of a revision; of ``REVISION...``, the one that the current branch left it at, as ``git diff`` has it.

    Raises:
        BadRequestError: there is no such revision, or nothing in common with it.
    """
    tip = revision.removesuffix("...")
    commit = _git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{tip}^{{commit}}", unknown=tip)
    return _git("merge-base", commit, "HEAD", unknown=revision) if tip != revision else commit


def _git(*arguments: str, unknown: str | None = None) -> str:
    try:
        done = subprocess.run(_git_command(*arguments), stdin=subprocess.DEVNULL, capture_output=True, check=False)
    except FileNotFoundError:
        raise BadRequestError("--base needs git, which isn't installed") from None
    if done.returncode and unknown is not None:
        raise BadRequestError(
            f"git has no revision {unknown!r}; in CI, fetch it first (actions/checkout: fetch-depth: 0)"
        )
    if done.returncode:
        raise BadRequestError(f"--base: {' '.join(done.stderr.decode(errors='replace').split())}")
    return os.fsdecode(done.stdout).removesuffix("\n")


def _git_command(*arguments: str) -> list[str]:
    return ["git", *(word for setting in _QUIET for word in ("-c", setting)), *arguments]
