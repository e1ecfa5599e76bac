"""What to do when a package can't be imported: install it, upgrade it, or repair it.

The supported versions are those in our own package's metadata, so there is no second list of them. No command but
``doctor`` imports this before an import has failed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib import metadata

_REQUIREMENT = re.compile(r"([\w.-]+)(?:\[([^\]]*)\])?\s*\(?([^;)]*)\)?\s*(?:;(.*))?")
_EXTRA = re.compile(r"""extra\s*==\s*["']([^"']+)["']""")
_BOUND = re.compile(r"(>=|<)\s*([\w.]+)")


@dataclass(frozen=True)
class _Package:
    name: str
    installed: str | None
    #: The first supported version, and the first one after those, as the metadata has them.
    first: str | None
    end: str | None

    @property
    def is_too_old(self) -> bool:
        return self.installed is not None and self.first is not None and _release(self.installed) < _release(self.first)

    @property
    def is_too_new(self) -> bool:
        return self.installed is not None and self.end is not None and _release(self.installed) >= _release(self.end)

    @property
    def supported(self) -> str:
        words = [f"{self.first} or newer" if self.first else "", f"older than {self.end}" if self.end else ""]
        return " and ".join(filter(None, words)) or "any version"


def advice(extra: str, error: ImportError) -> str:
    """A sentence with the command that helps after the import of an extra's package has failed with ``error``."""
    if said := unsupported(extra):
        return said
    install = f"Install it with: pip install 'resnet-inspect[{extra}]'"
    packages = _packages(extra)
    name = (error.name or "").partition(".")[0].replace("_", "-")
    named = [package for package in packages if package.name == name]
    is_absent = named and isinstance(error, ModuleNotFoundError) and "." not in str(error.name)
    # A package that these need in turn is brought, or repaired, with them.
    concerned = named or packages
    if not concerned or is_absent or any(package.installed is None for package in concerned):
        return install
    versions = " and ".join(f"{item.name} {item.installed} ({item.supported} is supported)" for item in concerned)
    names = " ".join(item.name for item in concerned)
    return f"Installed: {versions}. Repair with: pip install --upgrade --force-reinstall {names}"


def unsupported(extra: str) -> str | None:
    """What to do about an extra's packages that are installed in versions that aren't supported, None if all are."""
    found = [package for package in _packages(extra) if package.is_too_old or package.is_too_new]
    return ". ".join(map(_replaced, found)) or None


def _replaced(package: _Package) -> str:
    command = "--upgrade " + package.name if package.is_too_old else f"'{package.name}<{package.end}'"
    said = f"{package.name} {package.installed} is installed; resnet-inspect needs {package.supported}"
    return f"{said}: pip install {command}"


def _packages(extra: str) -> list[_Package]:
    """The packages that an extra, and those that it rests on, ask for; none where our metadata isn't there."""
    try:
        lines = metadata.requires("resnet-inspect") or []
    except metadata.PackageNotFoundError:
        return []
    packages: list[_Package] = []
    for line in lines:
        found = _REQUIREMENT.match(line)
        if found is None or extra not in _EXTRA.findall(found[4] or ""):
            continue
        name = found[1].lower().replace("_", "-")
        if name == "resnet-inspect":
            packages += [package for other in found[2].split(",") for package in _packages(other.strip())]
            continue
        bounds = dict(_BOUND.findall(found[3]))
        packages.append(_Package(name, installed(name), bounds.get(">="), bounds.get("<")))
    return packages


def installed(name: str) -> str | None:
    """The version of a package, None if it isn't there."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _release(version: str) -> tuple[int, ...]:
    """The numbers of a release, without zeros at its end: 2.16 and 2.16.0 are the same one."""
    numbers = [int(number) for number in re.findall(r"\d+", re.split(r"[^\d.]", version, maxsplit=1)[0])]
    while numbers and not numbers[-1]:
        numbers.pop()
    return tuple(numbers)
