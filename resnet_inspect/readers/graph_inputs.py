"""What a request says of the inputs of a file's graph: they have names, and sizes that the file may leave open."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..call import Call, Spec
from ..errors import BadRequestError, InputError, listed
from .inputs import CallJson
from .request import Request


def given_specs(file: str, names: Sequence[str], request: Request) -> dict[str, Spec]:
    """The tensors of a request by the input's name; those without one come in the order of ``names``.

    Raises:
        InputError: there are more of them than inputs.
        BadRequestError: no input has such a name, one is given twice, or is not a tensor.
    """
    inputs = request.inputs
    call = Call.from_json(inputs.text) if isinstance(inputs, CallJson) else Call(tuple(map(Spec, request.shapes)))
    known = f"{file} has {len(names)} input(s){': ' if names else ''}{listed(names)}"
    if len(call.args) > len(names):
        raise InputError(f"{known}; got {len(call.args)}")
    found: dict[str, Spec] = {}
    for name, spec in [*zip(names, call.args, strict=False), *call.kwargs]:
        if name not in names:
            raise BadRequestError(f"{known}; there is none called {name!r}")
        if name in found:
            raise BadRequestError(f"{file}: its input {name!r} is given twice")
        if not isinstance(spec, Spec):
            raise BadRequestError(f"{file}: its input {name!r} is a tensor, such as '1x128:int64'; got {spec!r}")
        found[name] = spec
    return found


def check_dtype(file: str, name: str, spec: Spec, dtype: str) -> None:
    """Raises InputError where an input is given as another element type than the file's."""
    if spec.dtype not in (None, dtype):
        raise InputError(f"{file}: its input {name!r} is {dtype}, got {spec.dtype}")


def sizes_text(sizes: Iterable[int | str | None]) -> str:
    """Sizes as a file has them, ``?x3x224x224``: None and -1 are open, a symbol has a name."""
    return "x".join("?" if size in (None, -1) else str(size) for size in sizes) or "scalar"
