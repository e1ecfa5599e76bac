"""From settings, on the command line or in a file, to what ``check`` looks at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..answers.examine import Target
from ..answers.source import Source
from ..checks.settings import rules
from ..diffs import gates
from ..errors import BadRequestError
from ..host.paths import has_folder, split_reference
from ..readers.inputs import read_inputs
from ..readers.options import SHARED
from .building import built, check_saved

if TYPE_CHECKING:
    from ..devices import Device


def devices_of(names: Sequence[str]) -> list[Device]:
    """Devices by their names, those of the nearest file of settings among them."""
    if not names:
        return []
    from ..devices import device
    from .config import own_devices

    own = own_devices()
    return [device(name, own) for name in names]


def target(name: str, settings: Mapping[str, Any], folder: Path) -> Target:
    """One model with its rules. Paths in ``settings``, which has the keys of ``config.keys``, are of ``folder``.

    Raises:
        BadRequestError: a setting makes no sense, or contradicts another.
    """
    model = settings["model"]
    source = Source(str(folder / model) if model != "-" else model)
    inputs = tuple((text, read_inputs(text.split("+"))) for text in settings.get("inputs", ()))
    find_min = bool(settings.get("find-min"))
    place: tuple[Path, int | None] | None = None
    options = {option: settings.get(option.setting or option.name) for option in SHARED}
    if source.is_saved:
        check_saved(model, {option.name: value for option, value in options.items()})
        if find_min:
            raise BadRequestError(f"{model} is a saved summary, whose input can't be changed: leave find-min out")
    else:
        own = folder / model
        code = Path(split_reference(str(own))[0])
        place = (code, None) if code.suffix == ".py" and code.is_file() else None
        if own.is_file() or code.is_file() or (has_folder(model) and own.is_dir()):
            model = str(own) + "/" * own.is_dir()  # a path has lost the slash of ./folder
        # The inputs are those that have to fit: each makes a request of its own.
        source = built(
            model, **{option.parameter: value for option, value in options.items() if option.name != "input"}
        )
    return Target(
        name=name,
        source=source,
        rules=rules({**settings, "fits": devices_of(settings.get("fits", ()))}),
        inputs=inputs,
        find_min=find_min,
        baseline=folder / settings["baseline"] if settings.get("baseline") else None,
        fail_on=gates(settings.get("fail-on", ())),
        place=place,
    )
