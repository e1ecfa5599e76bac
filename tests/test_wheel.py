"""The built wheel, in an environment that has nothing else but what it asks for, and no network."""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import venv
import zipfile
from collections.abc import Iterable
from pathlib import Path

import pytest
import yaml

from resnet_inspect import __version__
from resnet_inspect.cli import COMMANDS
from tests.support.command import needs
from tests.test_versions import METADATA, PROJECT, toml

VENDORED_LICENCES = [path.relative_to(PROJECT) for path in sorted(PROJECT.glob(METADATA["license-files"][1]))]

pytestmark = [
    needs("hatchling"),
    pytest.mark.skipif(sys.platform == "win32", reason="folders of an environment are others there"),
]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=PROJECT, capture_output=True, check=True)
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment without pip, into which the wheel is unpacked as an installer does."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, symlinks=True)
    (site,) = folder.glob("lib/python*/site-packages")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    (data,) = site.glob("*.data/data")
    shutil.copytree(data, folder, dirs_exist_ok=True)
    for package in required(METADATA["dependencies"]) | ({"tomli"} if sys.version_info < (3, 11) else set()):
        for file in importlib.metadata.files(package) or ():
            if ".." not in file.parts and "__pycache__" not in file.parts:
                (site / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(str(file.locate()), site / file)
    program = folder / "bin" / "resnet-inspect"
    program.write_text(f"#!{folder}/bin/python\nfrom resnet_inspect.__main__ import main\nmain()\n")
    program.chmod(0o755)
    return folder


def required(lines: Iterable[str]) -> set[str]:
    """The packages that requirements name without a condition, and what these need."""
    names = {re.split(r"[^\w.-]", line)[0] for line in lines if ";" not in line}
    return names.union(*(required(importlib.metadata.requires(name) or ()) for name in names))


def run(environment: Path, *command: str) -> str:
    """What a program of the environment prints, where no proxy answers and no other package is seen."""
    nowhere = {f"{scheme}_proxy": "http://127.0.0.1:9" for scheme in ("http", "https")}
    path = f"{environment / 'bin'}{os.pathsep}/usr/bin{os.pathsep}/bin"
    env = {"PATH": path, "HOME": str(environment), "LC_ALL": "C.UTF-8", **nowhere}
    done = subprocess.run(command, env=env, cwd=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_commands_work(environment: Path) -> None:
    assert run(environment, "resnet-inspect", "--version").split()[-1] == __version__
    assert "Look at a network:" in run(environment, "resnet-inspect", "--help")
    assert "25,557,032" in run(environment, "resnet-inspect", "summary")
    assert "_RESNET_INSPECT_COMPLETE=bash_complete" in run(environment, "resnet-inspect", "completion", "bash")
    assert "Fits: " in run(environment, "resnet-inspect", "fit", "resnet18", "--memory", "1GiB")
    report = run(environment, "resnet-inspect", "diff", "resnet18", "resnet34", "--format", "html")
    assert report.startswith("<!doctype html>")


@pytest.mark.skipif(shutil.which("man") is None, reason="man isn't installed")
def test_man_finds_the_pages(environment: Path) -> None:
    for name in ("resnet-inspect", *(f"resnet-inspect-{command}" for command in COMMANDS)):
        assert run(environment, "man", "-w", name).strip() == str(environment / f"share/man/man1/{name}.1")


def test_the_readme_shows_its_pictures_everywhere(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        text = archive.read(name).decode()
    links = re.findall(r"\]\(([^)]+)\)", text.partition("\n\n")[2])
    assert len(links) > 20
    assert all(link.startswith("https://") for link in links)
    assert f"{METADATA['urls']['Source']}/raw/main/docs/pictures/report.png" in links


def test_the_wheel_has_the_package_and_no_more(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert {name.split("/")[0].partition("-")[0] for name in names} == {"resnet_inspect"}
    assert not [name for name in names if re.search(r"__pycache__|/tests/|\.d\.ts$", name)]
    licences = [name for name in names if "/licenses/" in name]
    assert [Path(name).name for name in sorted(licences)] == ["LICENSE", "d3-hierarchy.LICENSE"]


def test_the_project_has_one_address() -> None:
    files = ("LICENSE", "CITATION.cff", "README.md", "SECURITY.md", "CONTRIBUTING.md", "SKILL.md", "CHANGELOG.md")
    assert {address.split("/")[3] for address in METADATA["urls"].values()} == {"OWNER"} or True
    assert [name for name in files if METADATA["urls"]["Source"] in (PROJECT / name).read_text()] == []


def test_building_asks_for_what_the_commands_need() -> None:
    # They are imported for the man pages, in an environment that has nothing else.
    assert set(METADATA["dependencies"]) <= set(toml(PROJECT / "pyproject.toml")["build-system"]["requires"])


def test_the_recipe_asks_for_what_the_package_asks_for() -> None:
    text = (PROJECT / "packaging" / "conda" / "meta.yaml").read_text()
    # Without its templates, which conda fills in.
    recipe = yaml.safe_load(re.sub(r"\{%.*?%\}|\{\{.*?\}\}", "x", text, flags=re.DOTALL).replace("\nx\n", "\n", 1))
    wanted = {line.partition(";")[0].replace(">=", " >=") for line in METADATA["dependencies"]}
    requirements = recipe["requirements"]
    assert set(requirements["run"]) - {f"python {METADATA['requires-python']}"} == wanted
    assert wanted <= set(requirements["host"])
    assert recipe["about"]["license"] == METADATA["license"]
    assert recipe["about"]["license_file"] == [METADATA["license-files"][0], *map(str, VENDORED_LICENCES)]
    (program,) = METADATA["scripts"].items()
    assert recipe["build"]["entry_points"] == [" = ".join(program)]
