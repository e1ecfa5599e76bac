"""ARCHITECTURE.md and the docstrings of packages name files that there are."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "resnet_inspect"
#: A file or a folder as both write it: ``readers/backend.py``, `ops/`.
_NAMED = re.compile(r"`((?:[\w-]+/)*[\w-]+(?:\.(?:py|js|md|toml)|/))`")


def _stands_in(path: str, folders: list[Path]) -> bool:
    return any((folder / path).exists() for folder in folders)


@pytest.mark.parametrize("package", sorted(PACKAGE.rglob("__init__.py")), ids=lambda path: path.parent.name)
def test_the_docstring_of_a_package_names_files_that_there_are(package: Path) -> None:
    docstring = ast.get_docstring(ast.parse(package.read_text())) or ""
    folder = package.parent
    places = [folder, folder.parent, *(item for item in folder.iterdir() if item.is_dir()), PACKAGE, ROOT]
    gone = [name for name in _NAMED.findall(docstring) if not _stands_in(name, places)]
    assert not gone


def test_the_architecture_is_a_page_that_names_files_that_there_are() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text()
    # A name without a folder is one in the folder that the sentence is about.
    gone = [name for name in _NAMED.findall(text) if "/" in name.rstrip("/") and not _stands_in(name, [ROOT, PACKAGE])]
    assert not gone
    assert len(text.splitlines()) <= 80
    folders = {item.name for item in PACKAGE.iterdir() if (item / "__init__.py").is_file()}
    assert folders <= set(re.findall(r"`(\w+)/`", text))
