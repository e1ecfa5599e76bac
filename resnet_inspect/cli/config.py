"""The file that says what ``check`` alone looks at: ``resnet-inspect.toml``, or a table of pyproject.toml."""

from __future__ import annotations

import difflib
import importlib
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from .. import stranger_json
from ..answers.examine import Target
from ..checks.settings import AMOUNTS
from ..errors import BadRequestError
from ..shape import MOST_SIZE
from .targets import target

TABLE = "resnet-inspect"
FILE = "resnet-inspect.toml"
#: Bytes of a file of settings, other tools' among them.
_MOST_BYTES = 2**22


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_amount(value: Any) -> bool:
    return isinstance(value, str) or _is_whole(value)


def _is_budget(value: Any) -> bool:
    return _is_amount(value) or (isinstance(value, dict) and all(map(_is_amount, value.values())))


_TEXT = (lambda value: isinstance(value, str), "text")
_TEXTS = (_texts, "a list of texts")
_SWITCH = (lambda value: isinstance(value, bool), "true or false")
_BUDGET = (_is_budget, 'an amount ("26M") or a table of parts ({ layer4 = "15M" })')
Key = tuple[Callable[[Any], bool], str]

#: What holds for every model, unless the model says otherwise.
SHARED: dict[str, Key] = {"ignore": _TEXTS, "strict": _SWITCH, "fail-on": _TEXTS}
#: What a model may say.
KEYS: dict[str, Key] = {
    "model": _TEXT,
    "backend": _TEXT,
    "inputs": _TEXTS,
    "batch": (
        lambda value: _is_whole(value) and 0 < value <= MOST_SIZE,
        "a whole number from 1 on, of 18 digits at most",
    ),
    "dtype": _TEXT,
    "layout": _TEXT,
    "args": (lambda value: isinstance(value, dict), "a table"),
    "flavor": _TEXT,
    "find-min": _SWITCH,
    "input-json": _TEXT,
    "input-from": _TEXT,
    "baseline": _TEXT,
    **{f"{kind}-{amount}": _BUDGET for amount in AMOUNTS for kind in ("max", "warn")},
    **SHARED,
}
_TOP: dict[str, Key] = {"models": (lambda value: isinstance(value, dict), "a table of tables"), **SHARED}


def find(start: Path) -> Path | None:
    """The nearest file upwards from a folder that has settings of ours."""
    for folder in (start, *start.parents):
        if (folder / FILE).is_file():
            return folder / FILE
        project = folder / "pyproject.toml"
        if project.is_file() and TABLE in _tools(_read(project)):
            return project
    return None


def load(path: Path) -> list[Target]:
    """The models that a file names.

    Raises:
        BadRequestError: the file can't be read, or says something that has no meaning.
    """
    document = _read(path)
    settings = document
    if path.name == "pyproject.toml":
        settings = _tools(document).get(TABLE, {})
    if not isinstance(settings, dict):
        raise BadRequestError(f"{path.name}: tool.{TABLE} must be a table, got {settings!r:.60}")
    _verify(settings, _TOP, f"{path.name}: ")
    shared = {key: settings[key] for key in SHARED if key in settings}
    found = []
    for name, model in settings.get("models", {}).items():
        where = f"{path.name}: models.{name}"
        if not isinstance(model, dict):
            raise BadRequestError(f"{where} must be a table")
        _verify(model, KEYS, f"{where}.")
        try:
            found.append(target(name, {"model": name, **shared, **model}, path.parent))
        except BadRequestError as error:
            raise BadRequestError(f"{where}: {error}") from error
    if not found:
        raise BadRequestError(f"{path.name} names no model: add a table models.NAME, or give a MODEL")
    return found


def _verify(settings: Mapping[str, Any], keys: Mapping[str, Key], where: str) -> None:
    for key, value in settings.items():
        if key not in keys:
            nearest = difflib.get_close_matches(key, keys, n=1)
            hint = f"did you mean {nearest[0]}?" if nearest else f"there are {', '.join(keys)}"
            raise BadRequestError(f"{where}{key} is no setting; {hint}")
        fits, words = keys[key]
        if not fits(value):
            raise BadRequestError(f"{where}{key} must be {words}, got {value!r:.60}")


def _tools(document: dict[str, Any]) -> dict[str, Any]:
    tools = document.get("tool")
    return tools if isinstance(tools, dict) else {}


def _read(path: Path) -> dict[str, Any]:
    toml = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
        if len(content) > _MOST_BYTES:
            raise BadRequestError(f"{path} has more than {_MOST_BYTES // 2**20} MiB, which no settings need")
        # What TOML allows and JSON doesn't, a date, becomes its text; what is too deep or too long is refused as there.
        document: dict[str, Any] = stranger_json.loads(json.dumps(toml.loads(content.decode()), default=str))
        return document
    except OSError as error:
        raise BadRequestError(f"{path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise BadRequestError(
            f"{path} is no TOML that can be read: {str(error) or 'it is nested too deeply'}"
        ) from error
