"""HDF5 files as models: a whole Keras model has its configuration as an attribute, other files hold weights alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...analysis.checkpoint_match import Entry
from ...errors import BadRequestError
from .. import load_framework
from ..checkpoint import hdf5
from ..checkpoint import summary as state_file
from ..request import Answer, Request


def summarize(request: Request) -> Answer:
    """Summarises the whole model in the file ``request.model``, or its tensors if it holds weights alone.

    Raises:
        ModelError: the file is damaged, or would run code.
        BadRequestError: the request doesn't go with what the file holds.
    """
    if _is_model(request):
        answer: Answer = _keras_file().summarize(request)
        return answer
    return state_file.summary(request, "keras", hdf5.state(request))


def state(request: Request) -> Sequence[Entry]:
    """The tensors that the whole model in the file has.

    Raises:
        BadRequestError: the file holds weights alone.
    """
    if not _is_model(request):
        raise BadRequestError(f"{request.model}: weights are compared with a built model, not with a file")
    entries: Sequence[Entry] = _keras_file().state(request)
    return entries


def _is_model(request: Request) -> bool:
    with hdf5.opened(Path(request.model)) as root:
        return "model_config" in root.attrs


def _keras_file() -> Any:
    return load_framework("keras", f"{__package__}.file")
