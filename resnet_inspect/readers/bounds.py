"""What holds for every reader of a stranger's file: one door for its errors, and an allowance for what it takes in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import InspectError, ModelError, first_line

#: Characters of an error that are shown: some errors quote the file.
_MOST_WORDS = 200


@contextmanager
def door(path: Path, hint: str = "") -> Iterator[None]:
    """Whatever goes wrong while a file is read inside of the ``with`` block is one ModelError that names the file.

    Readers may index and convert what they find without a thought: a file that is built otherwise than its format
    says ends here. ``hint`` is what helps.

    Raises:
        InspectError: as the block raised it.
        ModelError: anything else went wrong.
    """
    try:
        yield
    except InspectError:
        raise
    except OSError as error:
        raise ModelError(f"{path.name} can't be read: {error.strerror or first_line(error)}") from error
    except Exception as error:
        raise damaged(path.name, error, hint) from error


def damaged(name: str, error: BaseException, hint: str = "") -> ModelError:
    """What to say of a file that breaks off, or isn't built as its format says."""
    said = first_line(error)[:_MOST_WORDS]
    if isinstance(error, KeyError):
        said = f"it has no {said}"
    elif isinstance(error, MemoryError):
        said = "reading it takes more memory than there is"
    elif isinstance(error, (TypeError, AttributeError, IndexError, RecursionError, AssertionError, StopIteration)):
        said = "it isn't built as its format says"
    return ModelError(f"{name} is damaged: {said}{hint}")


def check_regular(path: Path) -> None:
    """Raises ModelError unless a path leads to a regular file: opening a pipe waits, and a device never ends."""
    if path.exists() and not path.is_file():
        raise ModelError(f"{path.name} is not a regular file")


class Allowance:
    """Bytes that may still be taken in, and steps that pickles may still take, over all files of a checkpoint."""

    def __init__(self, most: int, steps: int) -> None:
        self._most = self._left = most
        self.steps = steps

    def take(self, count: int) -> None:
        """Raises ValueError if ``count`` more bytes are too many."""
        self._left -= count
        if self._left < 0:
            raise ValueError(f"its headers have more than the {self._most} bytes that are read")
