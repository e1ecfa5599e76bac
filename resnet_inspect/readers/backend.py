"""The backends, a line each: what a person writes before the colon of ``torch:resnet50``, and what it needs."""

from __future__ import annotations

from typing import NamedTuple

from ..errors import ModelError
from .request import Request


class Backend(NamedTuple):  # made by every command, for which a dataclass takes five times as long
    """Whose models a reader summarises, and all that depends on it.

    ``reader`` is a module that is a ``protocols.Reader``. ``framework`` is whose models it makes, ``torch`` or
    ``keras``: None where the models decide (users' code, files), an empty text where none is needed.
    """

    name: str
    #: None: an entry point of the group ``ENTRY_POINTS`` says it.
    reader: str | None
    framework: str | None = None
    #: What a person installs to have it: ``pip install 'resnet-inspect[torch]'``.
    extra: str | None = None
    #: The packages that it rests on, the most important one first.
    packages: tuple[str, ...] = ()
    #: Other names that people give it.
    aliases: tuple[str, ...] = ()
    #: Whether a person names it; the others are recognised by what is named.
    is_named: bool = True
    #: Whether it builds a single residual block.
    has_blocks: bool = False
    #: Whether it shows its models in the framework's own words, or says why it has none.
    has_native: bool = False
    #: Whether it runs users' code or opens strangers' files, which aren't let into the command's own process.
    is_apart: bool = False
    #: The module that is a ``protocols.Objects``: for models that a caller brings.
    objects: str = ""
    #: The module that is a ``protocols.Experiments``: for the identity experiment.
    experiments: str = ""
    #: The library whose source names its models.
    zoo: str | None = None
    #: The packages that its summaries come from, where these are kept from run to run: their files are part of the key.
    kept_by: tuple[str, ...] = ()
    #: A small model, by which ``doctor`` sees whether it works, and the host of its pretrained weights.
    smallest: Request | None = None
    weights_host: str | None = None


_HERE = "resnet_inspect.readers"
_HUB = "huggingface.co"

BACKENDS: dict[str, Backend] = {
    backend.name: backend
    for backend in (
        Backend(
            name="local",
            reader=f"{_HERE}.local.reader",
            framework="",
            has_blocks=True,
            has_native=True,
            smallest=Request("resnet18"),
        ),
        Backend(
            name="torch",
            reader=f"{_HERE}.torch.reader",
            framework="torch",
            extra="torch",
            packages=("torch", "torchvision", "torchsummary"),
            aliases=("pytorch", "torchvision"),
            has_blocks=True,
            has_native=True,
            objects=f"{_HERE}.torch.object",
            experiments=f"{_HERE}.torch.identity",
            zoo="torchvision",
            kept_by=("torch", "torchvision"),
            smallest=Request("squeezenet1_1"),
            weights_host="download.pytorch.org",
        ),
        Backend(
            name="keras",
            reader=f"{_HERE}.keras.reader",
            framework="keras",
            extra="tensorflow",
            packages=("keras", "tensorflow"),
            aliases=("tensorflow", "tf"),
            has_blocks=True,
            has_native=True,
            objects=f"{_HERE}.keras.object",
            experiments=f"{_HERE}.keras.identity",
            zoo="keras",
            kept_by=("keras", "tensorflow"),
            smallest=Request("MobileNet"),
            weights_host="storage.googleapis.com",
        ),
        Backend(
            name="timm",
            reader=None,  # our own pyproject.toml names it, as other packages name theirs
            framework="torch",
            extra="timm",
            packages=("timm", "torch"),
            kept_by=("timm", "torch", "torchvision"),
            smallest=Request("resnet18"),
            weights_host=_HUB,
        ),
        Backend(
            name="transformers",
            reader=f"{_HERE}.libraries.transformers",
            framework="torch",
            extra="transformers",
            packages=("transformers", "torch"),
            objects=f"{_HERE}.libraries.transformers",
            kept_by=("transformers", "torch"),
            smallest=Request("bert", arguments=(("num_hidden_layers", 1),)),
            weights_host=_HUB,
        ),
        Backend(
            name="keras_hub",
            reader=f"{_HERE}.libraries.keras_hub",
            framework="keras",
            extra="keras-hub",
            packages=("keras_hub", "tensorflow"),
            aliases=("keras-hub",),
            has_native=True,
            kept_by=("keras_hub", "keras", "tensorflow"),
            smallest=Request(
                "BertBackbone",
                arguments=(
                    ("vocabulary_size", 8),
                    ("num_layers", 1),
                    ("num_heads", 1),
                    ("hidden_dim", 8),
                    ("intermediate_dim", 8),
                ),
            ),
            weights_host="www.kaggle.com",
        ),
        Backend(name="onnx", reader=f"{_HERE}.onnx.reader", extra="onnx", is_named=False),
        Backend(name="python", reader=f"{_HERE}.code.reader", is_named=False, is_apart=True),
        Backend(name="file", reader=f"{_HERE}.file", is_named=False, is_apart=True),
    )
}

#: The backends that a person names, and those of them that have blocks.
NAMED = tuple(backend.name for backend in BACKENDS.values() if backend.is_named)
WITH_BLOCKS = tuple(backend.name for backend in BACKENDS.values() if backend.has_blocks)

#: Every name by which a person may call a backend -> its own.
CALLED = {name: backend.name for backend in BACKENDS.values() for name in (backend.name, *backend.aliases)}

#: Other packages' readers, by the name of their backend.
ENTRY_POINTS = "resnet_inspect.backends"


def module_of(name: str) -> str:
    """Where a backend's reader is: in the table, or in an installed package that says so by an entry point.

    Raises:
        ModelError: there is no such backend.
    """
    if name in BACKENDS and (reader := BACKENDS[name].reader):
        return reader
    found = _installed()
    if name not in found:
        raise ModelError(f"no such backend: {name!r}; choose one of {', '.join(NAMED)}")
    return found[name]


def of_module(module: str) -> Backend | None:
    """The backend of the table whose reader a module is, if it is any's."""
    here = next((backend for backend in BACKENDS.values() if backend.reader == module), None)
    if here is not None:
        return here
    found = _installed()
    return next((b for b in BACKENDS.values() if b.reader is None and found.get(b.name) == module), None)


def _installed() -> dict[str, str]:
    """The readers that installed packages name, by their backends."""
    from importlib.metadata import entry_points

    return {point.name: point.value for point in entry_points(group=ENTRY_POINTS)}


def is_apart(name: str) -> bool:
    """Whether a backend runs users' code or opens strangers' files."""
    return name in BACKENDS and BACKENDS[name].is_apart
