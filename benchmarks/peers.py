"""The environment that everything is measured in: ours and its peers in one, with the versions of this environment.

It is made once. A stamp file in it holds the versions, and it is made anew when they change.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import venv
from importlib.metadata import distributions
from pathlib import Path

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / ".venv-peers"
#: What our own commands and the bare imports need, and how it is called here.
NEEDED = ("click", "rich", "torch", "torchvision", "tensorflow", "keras", "transformers", "onnx")
#: Each is installed by itself: one that can't be costs a row, not the run.
PEERS = ("torchsummary", "torchinfo", "fvcore", "ptflops", "torchlens", "torchscan")


def python() -> Path:
    """The interpreter of the environment."""
    return FOLDER / "bin" / "python"


def prepared() -> dict[str, str]:
    """Makes the environment if it isn't there, and gives the versions in it; what can't be installed has none."""
    stamp = FOLDER / ".stamp"
    pins = _pins()
    wanted = {"pins": pins, "needed": list(NEEDED), "peers": list(PEERS)}
    if stamp.exists():
        found = json.loads(stamp.read_text())
        if {key: found.get(key) for key in wanted} == wanted:
            return dict(found["versions"])
    print(f"making {FOLDER.name} (several GB, minutes) ...", file=sys.stderr)
    venv.create(FOLDER, clear=True, with_pip=True)
    constraints = FOLDER / "constraints.txt"
    constraints.write_text("".join(f"{name}=={number}\n" for name, number in pins.items()))
    _install("-c", str(constraints), *NEEDED)
    _install("-c", str(constraints), "-e", str(ROOT))
    for peer in PEERS:
        try:
            _install("-c", str(constraints), peer)
        except subprocess.CalledProcessError:
            print(f"{peer} can't be installed beside these versions", file=sys.stderr)
    versions = _versions()
    stamp.write_text(json.dumps({**wanted, "versions": versions}, indent=2) + "\n")
    return versions


def _pins() -> dict[str, str]:
    """Every release in this environment, so that both hold the same files. Ours is installed from the checkout."""
    found = {re.sub(r"[-_.]+", "-", item.name).lower(): item.version for item in distributions()}
    return {name: found[name] for name in sorted(found) if name != "resnet-inspect"}


def _install(*arguments: str) -> None:
    command = [str(python()), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *arguments]
    subprocess.run(command, check=True, stdout=sys.stderr)


def _versions() -> dict[str, str]:
    """What is installed there, by name."""
    names = json.dumps([*NEEDED, *PEERS])
    script = (
        "import json, sys; from importlib.metadata import distributions\n"
        f"found = {{item.name.lower(): item.version for item in distributions()}}\n"
        f"print(json.dumps({{name: found[name] for name in {names} if name in found}}))"
    )
    done = subprocess.run([str(python()), "-c", script], check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout))
