"""A model as it was at another git revision, built in a worktree and a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .. import ir_json
from ..errors import BadRequestError, InspectError, ModelError
from ..shape import format_shape
from .request import Answer
from .source import Source, read


def at_revision(revision: str, source: Source, timeout: float | None = None) -> Answer:
    """The summary of ``source`` with the files of ``revision``.

    Raises:
        BadRequestError: this is no git repository, or it has no such revision.
        ModelError: the model can't be built there, with what was said.
    """
    if source.text == "-":
        raise BadRequestError("--base needs a model or a file of the repository, not standard input")
    with _worktree(revision) as folder:
        if source.is_saved:
            path = folder / source.text
            try:
                return read(str(path))
            except InspectError as error:
                raise ModelError(f"at {revision}: {str(error).replace(str(path), source.text)}") from error
        return _build(revision, source, folder, timeout)


def _build(revision: str, source: Source, folder: Path, timeout: float | None) -> Answer:
    """Through the command line, which is the same at every revision, even of this very program."""
    request = source.request
    model = request.model if source.backend in ("python", "file") else f"{source.backend}:{request.model}"
    command = ["summary", model, "--format", "json", "--dtype", request.dtype]
    for shape in request.inputs:
        command += ["--input", format_shape(shape)]
    for key, value in request.arguments:
        command += ["--arg", f"{key}={json.dumps(value)}"]
    for option, chosen in (
        ("batch", request.batch),
        ("layout", request.layout),
        ("flavor", request.flavor),
        ("input-json", request.call),
        ("input-from", request.inputs_from),
    ):
        command += [] if chosen is None else [f"--{option}", str(chosen)]
    places = [str(folder), *([str(folder / "src")] if (folder / "src").is_dir() else [])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([*places, os.environ.get("PYTHONPATH", "")]).strip(":")}
    try:
        done = subprocess.run(
            [sys.executable, "-m", "resnet_inspect", *command],
            cwd=folder,
            env=environment,
            capture_output=True,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ModelError(f"at {revision}: {source.text} wasn't summarised within {timeout:g} seconds") from None
    said = " ".join(done.stderr.decode(errors="replace").split())
    if done.returncode:
        raise ModelError(f"at {revision}: {said.removeprefix('error: ')}")
    return Answer(ir_json.loads(done.stdout))


@contextmanager
def _worktree(revision: str) -> Iterator[Path]:
    """The folder that mirrors the current one, in a worktree of a revision."""
    root = _git("rev-parse", "--show-toplevel")
    commit = _git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}", unknown=revision)
    here = _git("rev-parse", "--show-prefix")
    with tempfile.TemporaryDirectory(prefix="resnet-inspect-") as place:
        folder = Path(place) / Path(root).name
        try:
            _git("worktree", "add", "--quiet", "--detach", str(folder), commit)
            yield folder / here
        finally:
            subprocess.run(["git", "worktree", "remove", "--force", str(folder)], capture_output=True, check=False)


def _git(*arguments: str, unknown: str | None = None) -> str:
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise BadRequestError("--base needs git, which isn't installed") from None
    if done.returncode and unknown is not None:
        raise BadRequestError(
            f"git knows no revision {unknown!r}; in CI, fetch it first (actions/checkout: fetch-depth: 0)"
        )
    if done.returncode:
        raise BadRequestError(f"--base: {' '.join(done.stderr.split())}")
    return done.stdout.strip()
