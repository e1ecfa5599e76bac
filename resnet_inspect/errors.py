"""What can go wrong, each with the exit code of the README's table."""

from __future__ import annotations

#: Characters that are told of a text that nobody reads to its end.
_MOST = 10_000


def message(error: BaseException) -> str:
    """What an error says, or its kind: an exception of users' code may fail even at that."""
    try:
        return str(error)
    except BaseException:
        return _kind(error)


def first_line(error: BaseException) -> str:
    """The first line of what an error says, or else its kind."""
    return next((line.strip() for line in message(error)[:_MOST].splitlines() if line.strip()), _kind(error))


def _kind(error: BaseException) -> str:
    return type(error).__name__[:_MOST]


class InspectError(Exception):
    """The base of every error that is told to the user as one short message, without a traceback."""

    exit_code = 3
    #: Of an error in another process: what ``--debug`` shows.
    traceback = ""


class BadRequestError(InspectError):
    """The request itself makes no sense: an unknown column, a shape that is no shape (exit 2)."""

    exit_code = 2


class ModelError(InspectError):
    """The model can't be found, loaded or built, or its backend is missing (exit 3)."""

    exit_code = 3


class InputError(InspectError):
    """The input doesn't fit the model, or the trace failed (exit 4). ``layer`` is the one that refused, if one did."""

    exit_code = 4

    def __init__(self, message: str, layer: str | None = None) -> None:
        super().__init__(message)
        self.layer = layer

    def with_hint(self, hint: str | None) -> InputError:
        """The same error, with what was probably meant."""
        return InputError(f"{self}. {hint}" if hint else str(self), self.layer)
