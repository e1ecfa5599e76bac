"""The environment of the tools that are compared: all packages of this one, and theirs beside them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import sysconfig
import venv
from importlib.metadata import distributions
from pathlib import Path

FOLDER = Path(__file__).parents[2] / ".venv-truth"
#: By the name of a tool in the table, the release that is compared.
PEERS = {
    "torchinfo": "torchinfo==1.8.0",
    "torchsummary": "torchsummary==1.5.1",
    "fvcore": "fvcore==0.1.5.post20221221",
    "ptflops": "ptflops==0.7.5",
    "calflops": "calflops==0.3.2",
    "thop": "ultralytics-thop==2.2.3",
    "torchlens": "torchlens==2.36.1",
    "deepspeed": "deepspeed==0.19.8",
    "onnx-tool": "onnx-tool==1.0.1",
}
FRAMEWORKS = ("torch", "torchvision", "timm", "transformers", "tensorflow", "keras", "onnx")


def python() -> Path:
    """The interpreter of the environment."""
    return FOLDER / "bin" / "python"


def prepared() -> dict[str, str]:
    """Makes the environment if it isn't there; gives the versions. A tool that can't be installed has none."""
    stamp = FOLDER / ".stamp"
    if not stamp.exists() or json.loads(stamp.read_text()) != PEERS:
        print(f"making {FOLDER.name} ...", file=sys.stderr)
        venv.create(FOLDER, clear=True, with_pip=True)
        there = next((FOLDER / "lib").iterdir()) / "site-packages"
        # What is installed here counts as installed there: only the tools are fetched.
        here = [path for path in sys.path if path.endswith("site-packages")] or [sysconfig.get_path("purelib")]
        (there / "here.pth").write_text("\n".join(here) + "\n")
        for release in PEERS.values():
            # Without its own build of kernels, deepspeed is plain Python.
            command = [str(python()), "-m", "pip", "install", "--quiet", "--no-build-isolation", release]
            if subprocess.run(command, env={"DS_BUILD_OPS": "0"}, stdout=sys.stderr).returncode:
                print(f"{release} can't be installed beside these versions", file=sys.stderr)
        stamp.write_text(json.dumps(PEERS, indent=1) + "\n")
    return _versions()


def _versions() -> dict[str, str]:
    found = {re.sub(r"[-_.]+", "-", item.name).lower(): item.version for item in distributions()}
    versions = {name: found[name] for name in FRAMEWORKS}
    for tool, release in PEERS.items():
        name, _, version = release.partition("==")
        script = f"from importlib.metadata import version; assert version({name!r}) == {version!r}"
        if subprocess.run([str(python()), "-c", script], capture_output=True).returncode == 0:
            versions[tool] = version
    return versions
