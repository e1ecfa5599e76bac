"""Fingerprints of the zoo's shapes: of a few models here, of all with ``ZOO=all``; ``ZOO=write`` makes the file."""

from __future__ import annotations

import json
import os
import textwrap
from dataclasses import replace
from pathlib import Path

import pytest

from resnet_inspect.analysis.checkpoint_match import Entry
from resnet_inspect.readers import zoo
from resnet_inspect.readers.checkpoint.known import FILE, fingerprint, known
from tests.support.command import needs, run, script

ASKED = os.environ.get("ZOO", "")
FEW = {"torch": ["resnet18", "mobilenet_v3_small"], "keras": ["MobileNet"]}
LIBRARIES = {"torch": "torchvision", "keras": "keras"}
ENTRIES = [Entry("a.weight", (3, 4), "float32"), Entry("b.bias", (3,), "float32")]


def of_models(backend: str, names: list[str]) -> dict[str, str]:
    """Model -> fingerprint, from the framework's own state dictionaries."""
    said = script(
        textwrap.dedent(f"""
    import json
    from resnet_inspect.answers import adapter
    from resnet_inspect.readers import Request
    from resnet_inspect.readers.checkpoint.known import fingerprint
    reader = adapter({backend!r})
    print(json.dumps({{name: fingerprint(reader.state(Request(name))) for name in {names!r}}}))
    """)
    )
    found: dict[str, str] = json.loads(said.splitlines()[-1])
    return found


@pytest.mark.parametrize(
    "backend", [pytest.param("torch", marks=needs("torch")), pytest.param("keras", marks=needs("tensorflow"))]
)
def test_the_fingerprints_are_those_of_the_frameworks(backend: str) -> None:
    names = list(zoo.names(LIBRARIES[backend])) if ASKED else FEW[backend]
    found = of_models(backend, names)
    kept = json.loads(FILE.read_text())
    if ASKED == "write":
        kept = {key: model for key, model in kept.items() if not model.startswith(f"{backend}:")}
        # Of models with the same shapes, the one with the shortest name: a quantised one is its plain one before that.
        for name in sorted(found, key=lambda name: (-len(name), name)):
            kept[found[name]] = f"{backend}:{name}"
        FILE.write_text(json.dumps(dict(sorted(kept.items(), key=lambda item: item[1])), indent=0) + "\n")
    for name, key in found.items():
        assert kept[key].startswith(f"{backend}:")
        assert len(kept[key]) <= len(f"{backend}:{name}")


def test_a_fingerprint_is_of_names_and_shapes() -> None:
    own = fingerprint(ENTRIES)
    assert fingerprint(ENTRIES[::-1]) == own
    assert fingerprint([replace(entry, dtype="float16") for entry in ENTRIES]) == own
    assert fingerprint([*ENTRIES, Entry("b.num_batches_tracked", (), "int64")]) == own
    assert fingerprint([replace(entry, name=f"model.module.{entry.name}") for entry in ENTRIES]) == own
    assert fingerprint([replace(entry, name=f"{entry.name}2") for entry in ENTRIES]) != own
    assert fingerprint([ENTRIES[0], replace(ENTRIES[1], shape=(4,))]) != own
    assert known(ENTRIES) is None
    assert known([]) is None


@needs("torch")
def test_a_checkpoint_says_whose_shapes_it_has(tmp_path: Path) -> None:
    path = tmp_path / "r.pth"
    script(
        "import torch, torchvision\n"
        f"torch.save({{'state_dict': torchvision.models.resnet18().state_dict()}}, {str(path)!r})"
    )
    done = run("summary", str(path))
    assert done.returncode == 0
    command = f"resnet-inspect weights torch:resnet18 {path}"
    assert done.stderr == f"note: it has the shapes of torch:resnet18: {command} checks it\n"
    assert run(*command.split()[1:]).returncode == 0
