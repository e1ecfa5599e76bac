"""Which summary training is estimated from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ..errors import BadRequestError, InputError
from ..readers import Answer, Request


def in_training(ask: Callable[[Request], Answer], request: Request) -> Answer:
    """The summary in train mode if the model runs in it, else in eval mode.

    Raises:
        InspectError: the model runs in neither.
    """
    try:
        return ask(replace(request, mode="train"))
    except BadRequestError:
        return ask(request)  # a file's graph has one mode
    except InputError as error:
        answer = ask(request)
        said = f"training is estimated from the graph in eval mode, as train mode fails: {error}"
        return replace(answer, notes=(*answer.notes, said))
