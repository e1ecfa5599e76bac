"""A stranger's config.json, without whatever would run code that isn't transformers' own or ask for the network."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ... import stranger_json
from ...errors import InspectError, ModelError, first_line

#: Bytes of a configuration; those with a name for each of 100,000 labels have a few million.
_LARGEST = 1 << 24
#: Settings that name code or files of weights: a model is built by transformers' own classes, without weights.
_DROPPED = frozenset(["auto_map", "checkpoint_path", "custom_pipelines", "kernel_config", "trust_remote_code"])
_IMPLEMENTATION = re.compile("(attn|experts)_implementation")
#: Implementations that transformers has itself. Its other names are of packages and of code on its hub.
_BUILT_IN = (None, "eager", "sdpa")
#: Models that are described elsewhere.
_ELSEWHERE = re.compile(r"^(hf[-_]hub|local[-_]dir):|://")
#: Settings that say how many of something are made while a configuration or a model is.
_COUNT = re.compile(r"^(num|n)_|(layers?|depths?|blocks?|stages?|experts|labels)$")
_MOST = 1_000_000
#: Modules that a model may be made of: the largest published ones have some ten thousand.
_MOST_MODULES = 100_000


def read(path: Path) -> tuple[dict[str, Any], bool]:
    """The document of a configuration with what is built from it, and whether it named code of its own.

    Raises:
        ModelError: it can't be read, isn't one of transformers, or asks for what no file gets.
    """
    if path.exists() and not path.is_file():
        raise ModelError(f"{path} is not a file")
    try:
        with path.open("rb") as file:
            document = stranger_json.loads(file.read(_LARGEST + 1), _LARGEST)
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise ModelError(f"{path.name} is not JSON: {error}") from error
    if not isinstance(document, dict) or "model_type" not in document:
        raise ModelError(f"{path.name} is not a configuration of transformers: it has no model_type")
    cleaned: dict[str, Any] = _cleaned(document, path.name)
    return cleaned, "auto_map" in document


def _cleaned(value: Any, file: str, key: str = "") -> Any:
    """A part of a document at ``key``, with what is dropped at any depth gone."""
    if isinstance(value, list):
        return [_cleaned(item, file, key) for item in value]
    if isinstance(value, dict):
        found = {}
        for name, item in value.items():
            if name in _DROPPED:
                continue
            inner = key if _IMPLEMENTATION.search(key) else name
            if _IMPLEMENTATION.search(inner) and not isinstance(item, (dict, list)) and not _is_ours(item, inner, file):
                continue
            found[name] = _cleaned(item, file, inner)
        # Weights of a backbone would be fetched, and their values are not part of a summary.
        return found | {name: False for name in ("pretrained", "use_pretrained_backbone") if found.get(name) is True}
    if isinstance(value, str) and _ELSEWHERE.search(value) and ("backbone" in key or key in ("architecture", "model")):
        raise ModelError(
            f"{file} is refused: its {key} is described elsewhere ({value[:100]!r}), and nothing is fetched"
        )
    if isinstance(value, int) and _COUNT.search(key) and not -_MOST <= value <= _MOST:
        raise ModelError(f"{file} is refused: {key} = {value} is more than the {_MOST} that are built")
    return value


def _is_ours(value: Any, key: str, file: str) -> bool:
    """Whether an implementation is one that transformers has itself, rather than of a package."""
    if isinstance(value, str) and re.search(r"[/:|@]", value):
        raise ModelError(f"{file} is refused: {key} names code of its own ({value[:100]!r}), and no file's code is run")
    return value in _BUILT_IN


@contextmanager
def alone(file: str) -> Iterator[None]:
    """Inside, nothing is fetched, no code but installed packages' own is run, and what is built has an end.

    Raises:
        ModelError: whatever went wrong that isn't our own error already.
    """
    import torch
    from huggingface_hub import constants
    from torch.nn.modules.module import register_module_module_registration_hook
    from transformers import dynamic_module_utils

    owner = threading.get_ident()
    asked: list[bool] = []
    count = 0

    def refused(original: Any) -> Any:
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            if threading.get_ident() != owner:
                return original(*args, **kwargs)
            asked.append(True)
            raise OSError("nothing is fetched for a file")

        return wrapped

    def no_code(*_: Any, **__: Any) -> Any:
        raise ModelError(f"{file} is refused: it names code of its own, and no file's code is run")

    def counted(*_: Any) -> None:
        nonlocal count
        count += 1
        if count > _MOST_MODULES:
            raise ModelError(f"{file} is refused: its model has more than the {_MOST_MODULES} modules that are built")

    replaced = [
        (constants, "HF_HUB_OFFLINE", True),
        (socket, "getaddrinfo", refused(socket.getaddrinfo)),
        (socket.socket, "connect", refused(socket.socket.connect)),
        (dynamic_module_utils, "get_class_in_module", no_code),
        # A pickle is a program: timm opens one where its arguments say so.
        (torch, "load", no_code),
    ]
    own = [(place, name, vars(place).get(name)) for place, name, _ in replaced]
    hook = register_module_module_registration_hook(counted)
    try:
        for place, name, item in replaced:
            setattr(place, name, item)
        yield
    except InspectError as error:
        if not asked and not _is_offline(error):
            raise
        raise ModelError(f"{file} is refused: its model is described elsewhere, and nothing is fetched") from error
    except Exception as error:
        raise ModelError(f"{file} can't be built: {first_line(error)[:300]}") from error
    finally:
        hook.remove()
        for place, name, item in own:
            if item is None:
                delattr(place, name)
            else:
                setattr(place, name, item)


def _is_offline(error: BaseException | None) -> bool:
    """Whether it arose because the hub was asked for something."""
    while error is not None and type(error).__name__ not in ("OfflineModeIsEnabled", "LocalEntryNotFoundError"):
        error = error.__cause__ or error.__context__
    return error is not None
