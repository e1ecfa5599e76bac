"""Every kind of file, changed: an answer or one plain error, in bounded time and memory.

``FUZZ_EXAMPLES=20000`` asks for more than the few of every run; ``FUZZ_REPORT=folder`` writes how each kind ended.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from resnet_inspect.answers.source import read
from resnet_inspect.answers.worker import Session
from resnet_inspect.errors import InspectError
from resnet_inspect.readers import file as from_file
from resnet_inspect.readers.inputs import Shapes
from resnet_inspect.readers.request import Request
from resnet_inspect.render import FORMATS, View, render
from tests.support.command import needs
from tests.support.examples import examples

from .mutations import (
    Change,
    changed_bytes,
    changed_hdf5,
    changed_json_bytes,
    changed_old,
    changed_pickle,
    changed_protobuf,
    changed_safetensors,
    changed_text,
    changed_zip,
)

#: Seconds in which a file must be done with: the ten that it has, and what the clock may take on a busy machine.
PATIENCE = 60
fuzzed = settings(examples(25), suppress_health_check=list(HealthCheck))


def in_zip(**changes: Change) -> Change:
    """A change of an archive's entries, by the ending of their names."""
    by_ending = {f".{ending}": change for ending, change in changes.items()}
    return lambda data, random: changed_zip(data, random, by_ending)


checkpoint = in_zip(pkl=changed_pickle)
script = in_zip(pkl=changed_pickle, py=changed_text, debug_pkl=changed_bytes)
archive = in_zip(json=changed_json_bytes, h5=changed_bytes)
#: Kind -> its seeds, how they are changed, and the frameworks that write or read it.
KINDS: dict[str, tuple[tuple[str, ...], Change, tuple[str, ...]]] = {
    "safetensors": (("net.safetensors",), changed_safetensors, ()),
    "index": (("model.safetensors.index.json",), changed_json_bytes, ()),
    "pth": (("net.pth", "training.pth"), checkpoint, ("torch",)),
    "legacy pth": (("old.pth",), changed_old, ("torch",)),
    "pt2": (("net.pt2",), in_zip(json=changed_json_bytes, pt=changed_bytes), ("torch",)),
    "onnx": (("net.onnx",), changed_protobuf, ("onnx",)),
    "torchscript": (("traced.pt", "scripted.pt"), script, ("torch",)),
    "keras": (("net.keras", "sequence.keras"), archive, ("tensorflow",)),
    "h5": (("net.h5", "net.weights.h5"), changed_hdf5, ("tensorflow",)),
    "savedmodel": (("saved/saved_model.pb",), changed_protobuf, ("tensorflow",)),
    "config": (("config.json",), changed_json_bytes, ("transformers",)),
    "bytes": (
        ("net.safetensors", "net.pth", "net.pt2", "net.onnx", "net.weights.h5"),
        changed_bytes,
        ("torch", "onnx", "tensorflow"),
    ),
}
params = [pytest.param(kind, marks=[*map(needs, needed)]) for kind, (_, _, needed) in KINDS.items()]


@pytest.fixture
def session() -> Iterator[Session]:
    with closing(Session(from_file.__name__)) as session:
        yield session


def place_of(seed: Path, seeds: Path, folder: Path) -> tuple[Path, Path]:
    """Where a changed seed is written, and what is asked for: the folder, where the file stands in one."""
    if seed.parent.name == "saved":
        (folder / "saved" / "variables").mkdir(parents=True, exist_ok=True)
        for item in (seed.parent / "variables").iterdir():
            (folder / "saved" / "variables" / item.name).write_bytes(item.read_bytes())
        return folder / "saved" / seed.name, folder / "saved"
    (folder / "net.safetensors").write_bytes((seeds / "net.safetensors").read_bytes())  # an index' part
    return folder / seed.name, folder / seed.name


@pytest.mark.parametrize("kind", params)
def test_a_changed_file_is_summarised_or_refused(kind: str, session: Session, seeds: Path, tmp_path: Path) -> None:
    names, change, _ = KINDS[kind]
    ends: Counter[str] = Counter()
    originals = [seeds / name for name in names]

    @fuzzed
    @given(st.sampled_from(originals), st.randoms(use_true_random=False))
    def ask(seed: Path, random: Random) -> None:
        data = change(seed.read_bytes(), random)
        path, named = place_of(seed, seeds, tmp_path)
        path.write_bytes(data)
        ends[ending(lambda: session.summarize(Request(str(named), asked(kind))))] += 1

    try:
        ask()
    finally:
        told(kind, ends)


def asked(kind: str) -> Shapes:
    """The input that a kind needs to be told."""
    return Shapes(((3, 8, 8),) if kind == "torchscript" else ())


def ending(act: Callable[[], object]) -> str:
    """How it ended, without its numbers and names; what it mustn't be fails the test."""
    begun = time.monotonic()
    try:
        act()
        said = "summarised"
    except InspectError as error:
        said = str(error)
        assert "\n" not in said.strip(), said
        assert not re.search(r"internal error|Traceback|crashed|without a result|was killed", said), said
    assert time.monotonic() - begun < PATIENCE, said
    return re.sub(r"'[^']*'|[\d.,]+|\([^)]*\)", "…", said)[:80]


def told(kind: str, ends: Counter[str]) -> None:
    """Writes how a kind's files ended, the most frequent way first."""
    if folder := os.environ.get("FUZZ_REPORT"):
        Path(folder).mkdir(exist_ok=True)
        text = "".join(f"{count:>7}  {said}\n" for said, count in ends.most_common())
        (Path(folder) / f"{kind.replace(' ', '-')}.txt").write_text(text)


def test_a_changed_summary_is_drawn_or_refused(seeds: Path, tmp_path: Path) -> None:
    original = (seeds / "summary.json").read_bytes()
    small = json.loads(original)
    small["layers"] = small["layers"][:8]
    ends: Counter[str] = Counter()

    @fuzzed
    @given(st.randoms(use_true_random=False))
    def ask(random: Random) -> None:
        path = tmp_path / "summary.json"
        path.write_bytes(changed_json_bytes(json.dumps(small).encode(), random))

        def drawn() -> None:
            summary = read(str(path)).summary
            for name in FORMATS:
                render(summary, name, View(width=80, rails=name == "table"))

        ends[ending(drawn)] += 1

    try:
        ask()
    finally:
        told("summary", ends)
