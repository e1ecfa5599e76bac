"""Refreshes the vendored JavaScript from npm: ``python -m tests.javascript.vendor``.

A library's own source files are joined to one ES module with the few functions that the page calls. The joiner knows
the few forms of ``import`` and ``export`` that these files use, and ends with an error at any other.
"""

from __future__ import annotations

import base64
import hashlib
import json
import posixpath
import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import resnet_inspect

#: Where the vendored files lie.
VENDOR = Path(resnet_inspect.__file__).parent / "render" / "html" / "vendor"
#: What is known of each of them.
RECORD = VENDOR / "vendor.json"


@dataclass(frozen=True)
class Library:
    """What is taken from npm: a version, and where it exports the wanted functions."""

    name: str
    version: str
    index: str
    exports: tuple[str, ...]


@dataclass(frozen=True)
class Vendored:
    """A vendored file, where it is from and what it may be used for."""

    name: str
    version: str
    license: str
    #: npm's own hash of the package.
    integrity: str
    file: str
    license_file: str
    #: The hash of our file.
    sha256: str


LIBRARIES = (
    # 3.1.3 has the same code, but no longer as the source files from which ours is joined.
    Library("d3-hierarchy", "3.1.2", "src/index.js", ("hierarchy", "treemap", "treemapSquarify")),
)

_IMPORT = re.compile(r'import (?:(?P<default>\w+)(?:, )?)?(?:\{(?P<names>[\w, ]+)\})? from "(?P<path>[./\w]+)";\n')
_EXPORTED_DEFAULT = re.compile(r'^export \{default as (\w+)[^}]*\} from "([./\w]+)";$', re.MULTILINE)
_COMMENT = re.compile(r"(?:^|(?<=\s))// .*", re.MULTILINE)
_TOP_LEVEL = re.compile(r"^(?:function\*?|var|const|let|class) (\w+)", re.MULTILINE)


class Joiner:
    """Joins modules, each behind those that it imports."""

    def __init__(self, sources: Mapping[str, str], wanted: Mapping[str, str]) -> None:
        self._sources = sources
        #: Path -> the name that its default export is given, whoever imports it first.
        self._wanted = wanted
        #: Path -> the name by which the joined text knows its default export.
        self._named: dict[str, str] = {}
        self._parts: list[str] = []

    def add(self, path: str, name: str) -> str:
        """Adds a module and what it imports, and says what its default export is called."""
        if path in self._named:
            return self._named[path]
        self._named[path] = default = self._wanted.get(path, name)
        text = _COMMENT.sub("", self._sources[path])
        aliases = []
        for found in _IMPORT.finditer(text):
            local = found["default"]
            known = self.add(_path(path, found["path"]), local or f"default_{len(self._named)}")
            if local and local != known:
                aliases.append(f"const {local} = {known};\n")
        text = "".join(aliases) + _IMPORT.sub("", text)
        text = re.sub(r"^export default (function\*?)(?: \w+)?\(", rf"\1 {default}(", text, flags=re.MULTILINE)
        text = re.sub(r"^export default \(", f"const {default} = (", text, flags=re.MULTILINE)
        text = re.sub(r"^export (?=function|var|const)", "", text, flags=re.MULTILINE)
        if left := re.search(r"^(?:import|export)\b.*", text, re.MULTILINE):
            raise ValueError(f"{path}: {left[0]}")
        self._parts.append(text)
        return default

    def text(self, exports: tuple[str, ...]) -> str:
        """One module whose only names outside are those that it exports: ``Node`` stays the browser's."""
        inside = "".join(self._parts)
        names = _TOP_LEVEL.findall(inside)
        if twice := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"declared twice: {', '.join(sorted(twice))}")
        if "`" in inside or "/*" in inside:
            raise ValueError("space at the start of a line may have a meaning")
        inside = "".join(f"{line.strip()}\n" for line in inside.splitlines() if line.strip())
        given = ", ".join(exports)
        return f"export const {{ {given} }} = (() => {{\n{inside}return {{ {given} }};\n}})();\n"


def joined(sources: Mapping[str, str], index: str, exports: tuple[str, ...]) -> str:
    """The module that exports these names of an index file, each a default export of another file."""
    paths = {name: _path(index, path) for name, path in _EXPORTED_DEFAULT.findall(sources[index])}
    joiner = Joiner(sources, {paths[name]: name for name in exports})
    for name in exports:
        joiner.add(paths[name], name)
    return joiner.text(exports)


def _path(importer: str, imported: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(importer), imported))


def packed(library: Library, folder: Path) -> tuple[Path, str]:
    """A library's archive as npm hands it out, and the hash that npm has of it, which is checked."""
    npm = shutil.which("npm")
    if npm is None:
        raise SystemExit("npm is missing")
    command = [npm, "pack", "--json", "--ignore-scripts", f"{library.name}@{library.version}"]
    (said,) = json.loads(subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout)
    archive = folder / said["filename"]
    digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if said["integrity"] != f"sha512-{digest}":
        raise SystemExit(f"{archive.name} isn't what npm says that it is")
    return archive, said["integrity"]


def refresh(library: Library) -> Vendored:
    """Writes a library's module and its licence, and gives the record of them."""
    with tempfile.TemporaryDirectory() as folder:
        archive, integrity = packed(library, Path(folder))
        sources = {}
        with tarfile.open(archive) as files:
            for member in files:
                content = files.extractfile(member)
                if content is not None and member.name.endswith((".js", ".json", "LICENSE")):
                    sources[member.name.partition("/")[2]] = content.read().decode()
    about = json.loads(sources["package.json"])
    header = f"// {library.name} {library.version}, {about['license']} licence: {library.name}.LICENSE\n"
    module = (header + joined(sources, library.index, library.exports)).encode()
    file, license_file = f"{library.name}.js", f"{library.name}.LICENSE"
    (VENDOR / file).write_bytes(module)
    (VENDOR / license_file).write_bytes(sources["LICENSE"].encode())
    sha256 = hashlib.sha256(module).hexdigest()
    return Vendored(library.name, library.version, about["license"], integrity, file, license_file, sha256)


def main() -> None:
    record = [asdict(refresh(library)) for library in LIBRARIES]
    RECORD.write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main()
