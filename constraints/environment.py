"""An environment of one combination, made by uv, without the CUDA libraries that a run on a CPU has no use for."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
#: What the tests need beside the combination; in no lock, since no user has it.
TOOLS = (
    "pytest>=8.0",
    "pytest-xdist>=3.5",
    "hypothesis>=6.100",
    "jsonschema>=4.20",
    "markdown-it-py>=3.0",
    "pyyaml>=6.0",
)
#: What torch's build for Linux asks for beside itself: 3 GB that only a GPU would use.
_CUDA = (
    *("cublas", "cuda-cupti", "cuda-nvrtc", "cuda-runtime", "cudnn", "cufft", "cufile", "curand", "cusolver"),
    *("cusparse", "cusparselt", "nccl", "nvjitlink", "nvshmem", "nvtx"),
)
#: Those that a profiler of torch calls even where there is no GPU; each has a few MB.
_KEPT = re.compile(r"(nvidia-(?:cuda-runtime|cuda-cupti|nvtx)(?:-cu\d+)?)\s*\(?==\s*([\d.]+)")


def interpreter(version: str) -> str | None:
    """The Python of this version that is here: by uv's own search, or pyenv's; None if there is none."""
    found = _said([uv(), "python", "find", "--no-project", version], check=False)
    if found and Path(found).exists():
        return found
    series = sorted(Path.home().glob(f".pyenv/versions/{version}*/bin/python"))
    return str(series[-1]) if series else None


def uv() -> str:
    """The program uv, of this environment or the system's."""
    beside = Path(sys.executable).with_name("uv")
    found = str(beside) if beside.exists() else shutil.which("uv")
    if found is None:
        raise SystemExit("uv is missing: pip install uv")
    return found


def lock(python: str, extras: Sequence[str], pins: Sequence[str], resolution: str) -> str:
    """The versions that fit, a line each."""
    with tempfile.TemporaryDirectory() as folder:
        given, without = Path(folder, "given.txt"), Path(folder, "without.txt")
        given.write_text("".join(f"{pin}\n" for pin in pins))
        names = [f"nvidia-{name}-cu{cuda}" for name in _CUDA for cuda in (12, 13)]
        names += ["cuda-toolkit", "cuda-bindings", "triton"]
        without.write_text("".join(f"{name} ; sys_platform == 'never'\n" for name in names))
        return _said(
            [
                *(uv(), "pip", "compile", "-q", "-p", python, "--no-header", "--no-annotate", "--no-emit-index-url"),
                *("--resolution", resolution, "--override", str(without)),
                *(part for extra in extras for part in ("--extra", extra)),
                *(str(PROJECT / "pyproject.toml"), str(given)),
            ]
        )


def make(folder: Path, python: str, locked: Path, with_tools: bool) -> Path:
    """Installs a lock and the project; returns the environment's interpreter."""
    _said([uv(), "venv", "-q", "--clear", "-p", python, str(folder)])
    own = folder / "bin" / "python"
    install = [uv(), "pip", "install", "-q", "-p", str(own)]
    _said([*install, "--no-deps", "-r", str(locked)])
    _said([*install, "--no-deps", str(PROJECT)])
    if with_tools:
        with tempfile.TemporaryDirectory() as empty:  # what is locked stays
            held = Path(empty, "locked.txt")
            held.write_text(locked.read_text())
            _said([*install, "-c", str(held), *TOOLS])
    if sys.platform == "linux" and re.search(r"^torch==", locked.read_text(), re.MULTILINE):
        _said([*install, "--no-deps", *_kept(own)])
        _stand_in(own)
    return own


def _kept(python: Path) -> list[str]:
    requires = _said([str(python), "-c", "import importlib.metadata as m; print(*m.requires('torch'), sep='\\n')"])
    found = {f"{match[1]}=={match[2]}" for match in map(_KEPT.match, requires.splitlines()) if match}
    return sorted(found) or ["nvidia-cuda-runtime==13.0.96", "nvidia-cuda-cupti==13.0.85", "nvidia-nvtx==13.0.85"]


def _stand_in(python: Path) -> None:
    """Libraries with the names and symbols that torch's link to and nobody has: it imports, and finds no GPU."""
    code = "import sysconfig; print(sysconfig.get_paths()['purelib'])"
    packages = Path(_said([str(python), "-c", code]))
    place = packages / "torch" / "lib"
    ours = [*place.glob("*.so*"), *packages.glob("torch/_C*.so"), *packages.glob("torchvision/*.so")]
    real = {path.name: path for path in packages.glob("nvidia/**/lib/*.so*")}
    there = {path.name for path in (*ours, *packages.glob("torchvision.libs/*"))} | real.keys()
    there |= set(re.findall(r"^\s*(\S+) \(", _said(["/sbin/ldconfig", "-p"]), re.MULTILINE))

    needed: set[str] = set()
    missing: set[tuple[str, str]] = set()
    defined: set[str] = set()
    library_of: dict[str, str] = {}
    for path in (*ours, *real.values()):
        needed |= set(re.findall(r"NEEDED.*\[(.*?)\]", _said(["readelf", "-dW", str(path)], check=False)))
        library = ""
        for line in _said(["readelf", "-VW", str(path)], check=False).splitlines():
            if found := re.search(r"File: (\S+)", line):
                library = found[1]
            if (found := re.search(r"Name: (\S+)\s+Flags", line)) and library:
                library_of[found[1]] = library
        for line in _said(["readelf", "--dyn-syms", "-W", str(path)], check=False).splitlines():
            fields = line.split()
            if len(fields) < 8 or not fields[0].endswith(":"):
                continue
            name, _, version = fields[7].partition("@")
            if fields[6] != "UND":
                defined.add(name)
            elif fields[4] != "WEAK":
                missing.add((name, version.lstrip("@")))
    absent = sorted(name for name in needed - there if re.match(r"lib(cu|nv|nccl)", name))
    # torch's libraries don't load the driver's: what has no version has to be in another one.
    loaded = next((name for name in absent if name != "libcuda.so.1"), "")
    symbols: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for name, version in missing:
        if name in defined or not absent:
            continue
        if version and library_of.get(version) in absent:
            symbols[library_of[version]][version].add(name)
        elif not version and re.match(r"_*(cu|nv|nccl|CUDNN)", name):
            symbols[loaded][""].add(name)
    with tempfile.TemporaryDirectory() as folder:
        source, script = Path(folder, "stand_in.c"), Path(folder, "stand_in.map")
        for library in absent:
            names = sorted({name for group in symbols[library].values() for name in group})
            source.write_text("".join(f"int {name}(void){{return 1;}}\n" for name in names) or "int nothing;\n")
            versions = {version: sorted(group) for version, group in symbols[library].items() if version}
            script.write_text(
                "".join(
                    f"{version} {{ global: {' '.join(f'{name};' for name in group)} }};\n"
                    for version, group in versions.items()
                )
            )
            options = [f"-Wl,--version-script={script}"] if versions else []
            _said(
                [
                    *("gcc", "-shared", "-fPIC", "-w", "-fno-builtin", f"-Wl,-soname,{library}", *options),
                    *(str(source), "-o", str(place / library)),
                ]
            )


def _said(command: list[str], check: bool = True) -> str:
    environment = {**os.environ, "UV_PYTHON_DOWNLOADS": "never"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if check and done.returncode:
        raise RuntimeError(f"{' '.join(command[:4])}: {done.stderr.strip()[-800:]}")
    return done.stdout.strip()
