"""Keras' weights in HDF5 files (``.weights.h5``, ``.h5``, those in a ``.keras``), read by h5py: in a child.

Tensors' data isn't read, and no other file is opened: a link or a dataset that leads to one is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from ...analysis.checkpoint_match import Entry
from ...errors import ModelError
from ..archive import Archive
from ..bounds import check_regular, door
from ..request import Request
from . import reader as checkpoint

#: Bytes of an attribute with names: Keras writes at most 64 kB into one, and goes on in the next.
_LONGEST_NAMES = 2**20
#: Kinds of element types that a weight may have: numbers, and void for a bfloat16 whose type isn't known.
_NUMBERS = "biufcV"


def state(request: Request) -> tuple[Entry, ...]:
    """The weights in the file ``request.model``, by the names that the file has for them.

    Raises:
        ModelError: the file is damaged, or h5py isn't installed.
    """
    with opened(Path(request.model)) as root:
        layers = _inside(root, "model_weights") if "model_weights" in root else root
        is_old = any(name in layers.attrs for name in ("layer_names", "layer_names0"))
        entries = tuple(islice(_old(layers) if is_old else _new(root), checkpoint.MOST_TENSORS + 1))
        checkpoint.check(entries)
    return entries


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """The root of the file, or of the weights in a ``.keras``; what goes wrong in the block is one ModelError.

    Raises:
        ModelError: the file is damaged, or h5py isn't installed.
    """
    try:
        import h5py
    except ImportError as error:
        from ...requirements import advice

        raise ModelError(f"reading {path.name} needs h5py: {error}. {advice('tensorflow', error)}") from error
    check_regular(path)
    with door(path), path.open("rb") as file:
        start = file.read(2)
        with Archive(file).window("model.weights.h5") if start == b"PK" else file as weights:
            try:
                root = h5py.File(weights, "r")
            except OSError as error:  # of the format: the file itself is open
                raise ValueError(" ".join(str(error).split())) from error
            with root:
                yield root


def _new(root: Any) -> Iterator[Entry]:
    """Keras 3: datasets by number, in a folder ``vars`` of each layer.

    Every link is looked at before any dataset is opened. Where each object has one name and no link is soft, no name
    leads to another file: not even a forged one with a slash in it, which HDF5 takes for a path.
    """
    import h5py

    names: list[bytes] = []
    seen = {h5py.h5o.get_info(root.id).addr}

    def refused(name: bytes, link: Any) -> str | None:
        """What is wrong with a link, which ends the visit: an error in here would end otherwise."""
        start = name[:100].decode(errors="replace")
        if link.type != h5py.h5l.TYPE_HARD:
            return f"{start!r} is a link, which Keras doesn't write"
        if link.u in seen:
            return f"{start!r} is a second name of one object, which Keras doesn't write"
        seen.add(link.u)
        names.append(name)
        return None

    if (wrong := root.id.links.visit(refused, info=True)) is not None:
        raise ValueError(wrong)
    for path in names:
        name = path.decode()
        folders = name.split("/")
        state = folders[0] == "optimizer" or any(folder.startswith("seed_generator") for folder in folders)
        if "vars" in folders and not state:
            checkpoint.check_name(name)  # the more folders, the longer it takes to open
            item = root[name]
            if hasattr(item, "dtype"):
                yield _entry(name, item)


def _old(layers: Any) -> Iterator[Entry]:
    """Keras 2's order: layers by name, each with the names of its weights."""
    for layer in _names(layers, "layer_names"):
        group = _inside(layers, layer)
        for weight in _names(group, "weight_names"):
            yield _entry(weight.rpartition(":")[0] or weight, _inside(group, weight))


def _names(group: Any, attribute: str) -> Iterator[str]:
    """The names in an attribute, or in several that are numbered."""
    number, found = 0, attribute if attribute in group.attrs else f"{attribute}0"
    while found in group.attrs:
        names = group.attrs.get_id(found)
        if names.get_space().get_simple_extent_npoints() * names.get_type().get_size() > _LONGEST_NAMES:
            raise ValueError(f"its attribute {found} is larger than Keras writes it")
        for name in group.attrs[found]:
            yield name.decode() if isinstance(name, bytes) else str(name)
        number += 1
        found = f"{attribute}{number}"


def _inside(group: Any, path: str) -> Any:
    """What stands under a path in a group, which may lead to no other file."""
    import h5py

    for name in path.split("/"):
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise ValueError(f"{path[:100]!r} is a link, which Keras doesn't write")
        group = group[name]
    return group


def _entry(name: str, item: Any) -> Entry:
    import h5py

    settings = item.id.get_create_plist()
    if settings.get_layout() == h5py.h5d.VIRTUAL or settings.get_external_count():
        raise ValueError(f"the data of {name[:100]!r} is in another file")
    if item.dtype.kind not in _NUMBERS or item.dtype.fields or item.dtype.subdtype:
        raise ValueError(f"{name[:100]!r} holds no numbers")
    return Entry(name, tuple(item.shape), str(item.dtype))
