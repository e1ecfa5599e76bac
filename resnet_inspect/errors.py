"""What can go wrong, each with the exit code of docs/exit-codes.md."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

#: Characters that are told of a text that nobody reads to its end.
_MOST = 10_000
#: So many names are listed in a message.
_LISTED = 10


def message(error: BaseException) -> str:
    """What an error says, or its kind: an exception of users' code may fail even at that."""
    try:
        return str(error)
    except BaseException:
        return _kind(error)


def first_line(error: BaseException) -> str:
    """The first line of what an error says, or else its kind."""
    return next((line.strip() for line in message(error)[:_MOST].splitlines() if line.strip()), _kind(error))


def listed(names: Collection[str]) -> str:
    """Names one after the other; of more than ten, the first and how many more there are."""
    first = list(names)[:_LISTED]
    return ", ".join(first) + (f" and {len(names) - len(first)} more" if len(names) > len(first) else "")


def closest(name: str, known: Iterable[str], most: int = 3) -> list[str]:
    """Those of the known names that somebody may have meant, the most alike first."""
    import difflib  # a run without an error doesn't pay for it

    return difflib.get_close_matches(name, known, n=most)


def meant(names: Sequence[str], otherwise: str = "") -> str:
    """Names as a question, as they follow a semicolon; where there are none, what to say then."""
    return f"did you mean {' or '.join(names)}?" if names else otherwise


def unknown(what: str, name: str, known: Collection[str]) -> str:
    """What to say of a name that isn't one of those that are ``known``: the nearest of them, or all."""
    nearest = closest(name, known, most=1)
    hint = f"Did you mean {nearest[0]}?" if nearest else f"There are {listed(known)}"
    return f"no such {what}: {name:.60}. {hint}"


def _kind(error: BaseException) -> str:
    return type(error).__name__[:_MOST]


class InspectError(Exception):
    """The base of every error that is told to the user as one short message, without a traceback."""

    exit_code = 3
    #: Of an error in another process: what ``--debug`` shows.
    traceback = ""


class BadRequestError(InspectError):
    """The request itself makes no sense: an unknown column, a text that is not a shape (exit 2)."""

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
