"""The file of settings of ``check``: ``resnet-inspect.toml``, or a table of pyproject.toml."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import stranger_json
from ..analysis import OPTIMIZERS
from ..analysis.training.plan import IMPLEMENTATIONS, LOWER
from ..errors import BadRequestError, unknown
from ..readers import options
from ..readers.options import LIST, TEXT, Kind

if TYPE_CHECKING:
    from ..answers.examine import Target

TABLE = "resnet-inspect"
FILE = "resnet-inspect.toml"
#: Bytes of a file of settings, other tools' among them.
_MOST_BYTES = 2**22


def _is_table(value: Any) -> bool:
    return isinstance(value, dict)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_amount(value: Any) -> bool:
    return isinstance(value, str) or _is_whole(value)


def _is_budget(value: Any) -> bool:
    return _is_amount(value) or (isinstance(value, dict) and all(map(_is_amount, value.values())))


def _is_training(value: Any) -> bool:
    """Whether a table has fields of ``Plan``, as TOML writes them."""
    if not isinstance(value, dict):
        return value is True
    given = {name.replace("-", "_"): item for name, item in value.items()}
    return given.keys() <= {*_PLAN} and all(_PLAN[name](item) for name, item in given.items())


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _is_count(value: Any) -> bool:
    return _is_whole(value) and value > 0


#: The fields of a plan of training, and what may stand in them.
_PLAN: dict[str, Callable[[Any], bool]] = {
    "optimizer": OPTIMIZERS.__contains__,
    "amp": [*LOWER].__contains__,
    "implementation": IMPLEMENTATIONS.__contains__,
    **dict.fromkeys(("accumulate", "lora"), _is_count),
    **dict.fromkeys(("checkpoint", "frozen", "lora_layers"), _are_texts),
}
_SWITCH = Kind("true or false", lambda value: isinstance(value, bool))
_BUDGET = Kind('an amount ("26M") or a table of parts ({ layer4 = "15M" })', _is_budget)

#: What holds for every model, unless the model says otherwise.
SHARED: dict[str, Kind] = {"ignore": LIST, "strict": _SWITCH, "fail-on": LIST}


@cache
def keys() -> dict[str, Kind]:
    """What a model may have. Each of its inputs is one that has to fit."""
    from ..checks.settings import AMOUNTS  # who only asks for a device of the file needs no rules

    return {
        "model": TEXT,
        **{option.setting or option.name: option.kind for option in options.SHARED},
        "inputs": LIST,
        "find-min": _SWITCH,
        "fits": LIST,
        "train": Kind('a table of training ({ optimizer = "adamw", amp = "bf16" })', _is_training),
        "baseline": TEXT,
        **{f"{kind}-{amount}": _BUDGET for amount in AMOUNTS for kind in ("max", "warn")},
        **SHARED,
    }


_TABLES = Kind("a table of tables", _is_table)
_TOP: dict[str, Kind] = {"models": _TABLES, "devices": _TABLES, **SHARED}
_AMOUNTS = Kind(
    'a table of amounts ({ fp16 = "165T" })', lambda value: _is_table(value) and all(map(_is_amount, value.values()))
)
#: What a device of one's own may have.
DEVICE: dict[str, Kind] = {
    **dict.fromkeys(("title", "memory", "bandwidth", "source", "date"), TEXT),
    "peaks": _AMOUNTS,
}


def find(start: Path) -> Path | None:
    """The nearest file upwards from a folder that has settings of ours."""
    for folder in (start, *start.parents):
        if (folder / FILE).is_file():
            return folder / FILE
        project = folder / "pyproject.toml"
        if project.is_file() and TABLE in _tools(_read(project)):
            return project
    return None


def own_devices() -> dict[str, dict[str, Any]]:
    """The devices that the nearest file of settings describes, by their names."""
    path = find(Path.cwd())
    found: dict[str, dict[str, Any]] = _settings(path).get("devices", {}) if path else {}
    for name, said in found.items():
        where = f"{path.name if path else ''}: devices.{name}"
        if not isinstance(said, dict):
            raise BadRequestError(f"{where} must be a table")
        _verify(said, DEVICE, where)
    return found


def load(path: Path) -> list[Target]:
    """The models that a file names.

    Raises:
        BadRequestError: the file can't be read, or has a setting that makes no sense.
    """
    from .targets import target

    settings = _settings(path)
    shared = {key: settings[key] for key in SHARED if key in settings}
    folder = path.parent
    # As short as what a person would type: it stands in messages.
    with contextlib.suppress(ValueError):  # another drive
        folder = Path(os.path.relpath(path.parent))
    found = []
    for name, model in settings.get("models", {}).items():
        where = f"{path.name}: models.{name}"
        if not isinstance(model, dict):
            raise BadRequestError(f"{where} must be a table")
        _verify(model, keys(), where)
        try:
            made = target(name, {"model": name, **shared, **model}, folder)
            line, lines = _lines_of(name, path)
            found.append(replace(made, place=(path, line), lines=lines))
        except BadRequestError as error:
            raise BadRequestError(f"{where}: {error}") from error
    if not found:
        raise BadRequestError(f"{path.name} names no model: add a table models.NAME, or give a MODEL")
    return found


def _settings(path: Path) -> dict[str, Any]:
    document = _read(path)
    settings = _tools(document).get(TABLE, {}) if path.name == "pyproject.toml" else document
    if not isinstance(settings, dict):
        raise BadRequestError(f"{path.name}: tool.{TABLE} must be a table, got {settings!r:.60}")
    _verify(settings, _TOP, path.name)
    return settings


#: A table's title without its brackets, or the name of a setting where a line begins; names may be quoted.
_TITLE = re.compile(r"\s*\[\s*([^\[\]]+?)\s*\]\s*(?:#.*)?$")
_SETTING = re.compile(r"""\s*(?:"([^"]+)"|'([^']+)'|([\w-]+))\s*=""")


def _lines_of(name: str, path: Path) -> tuple[int | None, dict[str, int]]:
    """The line of a model's table, and those of the settings in it, which TOML's readers don't tell.

    A part of a budget in a table of its own is ``max-macs.layer4``. What is written in another way has no line.
    """
    keys = (name, f'"{name}"', f"'{name}'")
    titles = [f"{table}models.{key}" for table in ("", f"tool.{TABLE}.") for key in keys]
    found: int | None = None
    lines: dict[str, int] = {}
    within: str | None = None
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if title := _TITLE.match(line):
            own = next((own for own in titles if title[1] == own or title[1].startswith(f"{own}.")), None)
            within = None if own is None else title[1][len(own) + 1 :]
            if within:
                lines.setdefault(within, number)
            elif within is not None:
                found = number
        elif within is not None and (setting := _SETTING.match(line)):
            key = next(filter(None, setting.groups()))
            lines.setdefault(f"{within}.{key}" if within else key, number)
    return found, lines


def _verify(settings: Mapping[str, Any], keys: Mapping[str, Kind], where: str) -> None:
    for key, value in settings.items():
        if key not in keys:
            raise BadRequestError(f"{where}: {unknown('setting', key, keys)}")
        try:
            keys[key].check(key, value)
        except BadRequestError as error:
            raise BadRequestError(f"{where}: {error}") from error


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
        raise BadRequestError(f"{path} is not valid TOML: {str(error) or 'it is nested too deeply'}") from error
