"""Every reader has what its protocol says; mypy holds the modules against the protocols' types."""

from __future__ import annotations

import importlib
import importlib.util
from typing import TYPE_CHECKING, Any

import pytest

from resnet_inspect.readers import BACKENDS, module_of, protocols
from resnet_inspect.readers.kind import endings, formats
from tests.support.command import needs

if TYPE_CHECKING:
    from resnet_inspect.answers.worker import Remote
    from resnet_inspect.readers import file
    from resnet_inspect.readers.checkpoint import summary as checkpoint
    from resnet_inspect.readers.code import reader as code
    from resnet_inspect.readers.keras import file as keras_file
    from resnet_inspect.readers.keras import hdf5_model
    from resnet_inspect.readers.keras import identity as keras_identity
    from resnet_inspect.readers.keras import object as keras_object
    from resnet_inspect.readers.keras import reader as keras
    from resnet_inspect.readers.libraries import keras_hub, timm, transformers
    from resnet_inspect.readers.local import reader as local
    from resnet_inspect.readers.onnx import reader as onnx
    from resnet_inspect.readers.pt2 import reader as pt2
    from resnet_inspect.readers.savedmodel import reader as savedmodel
    from resnet_inspect.readers.torch import identity as torch_identity
    from resnet_inspect.readers.torch import object as torch_object
    from resnet_inspect.readers.torch import reader as torch
    from resnet_inspect.readers.torchscript import reader as torchscript

    READERS: tuple[protocols.Reader, ...] = (
        *(local, torch, keras, timm, transformers, keras_hub, code, file),
        *(checkpoint, hdf5_model, keras_file, onnx, pt2, savedmodel, torchscript),
    )
    BLOCKS: tuple[protocols.Blocks, ...] = (local, torch, keras)
    NATIVE: tuple[protocols.Native, ...] = (local, torch, keras, keras_hub)
    NATIVE_BLOCKS: tuple[protocols.NativeBlocks, ...] = (local, torch, keras)
    ANSWERING: tuple[protocols.Answering, ...] = (local, torch, keras, Remote(""))
    STATE: tuple[protocols.State, ...] = (local, torch, keras, timm, transformers, keras_hub, code, file)
    NAMES: tuple[protocols.Names, ...] = (keras, timm, transformers, keras_hub)
    OBJECTS: tuple[protocols.Objects, ...] = (torch_object, keras_object)
    EXPERIMENTS: tuple[protocols.Experiments, ...] = (torch_identity, keras_identity)
    PREPARED: protocols.Prepared = file
    ALONE: protocols.Alone = file


def _functions(protocol: type) -> set[str]:
    return {name for name, value in vars(protocol).items() if callable(value) and not name.startswith("_")}


def _missing(module: Any, protocol: type) -> set[str]:
    return {name for name in _functions(protocol) if not callable(getattr(module, name, None))}


def _loaded(backend: str) -> list[tuple[str, type]]:
    """The modules of a backend, each with a protocol that it has to follow."""
    about = BACKENDS[backend]
    found: list[tuple[str, type]] = [(module_of(backend), protocols.Reader), (module_of(backend), protocols.State)]
    if about.has_blocks:
        found += [(module_of(backend), protocols.Blocks), (module_of(backend), protocols.NativeBlocks)]
    found += [(module_of(backend), protocols.Native)] if about.has_native else []
    found += [(about.objects, protocols.Objects)] if about.objects else []
    found += [(about.experiments, protocols.Experiments)] if about.experiments else []
    return found


def _marks(framework: str | None, backend: str) -> list[pytest.MarkDecorator]:
    needed = {"torch": "torch", "keras": "tensorflow"}.get(framework or "")
    library = backend if backend in ("timm", "transformers", "keras_hub", "onnx") else None
    return [needs(name) for name in (needed, library) if name]


@pytest.mark.parametrize(
    "backend",
    [pytest.param(name, marks=_marks(about.framework, name)) for name, about in BACKENDS.items() if name != "onnx"],
)
def test_a_backend_has_what_its_line_says(backend: str) -> None:
    for module, protocol in _loaded(backend):
        assert not _missing(importlib.import_module(module), protocol), (module, protocol)


def test_a_format_has_one_kind_a_reader_and_a_backend() -> None:
    kinds = [item.kind for item in formats()]
    assert len(kinds) == len(set(kinds))
    for item in formats():
        assert item.backend in BACKENDS
        assert importlib.util.find_spec(item.reader)
    assert {".pt2", ".onnx", ".keras", ".h5", ".pt", ".pth", ".safetensors", ".pb"} <= set(endings())
