"""What a request says of the inputs of an exported program, held against the ones that it was exported for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ...call import Call, Spec
from ...errors import InputError
from ...ir import Tensor
from ...shape import Expected, format_shape, resolve
from ..inputs import CallJson
from ..request import Request, check_settled


def check(request: Request, file: str, names: Sequence[tuple[str, str]], inputs: Sequence[Tensor]) -> None:
    """Refuses whatever an exported program can't be summarised with; ``names`` are the inputs' and their rows'.

    Raises:
        BadRequestError: the request asks for something that is settled.
        InputError: an input differs from the one that it was exported for.
    """
    check_settled(request, file)
    exported = " and ".join(map(_text, inputs)) or "no tensor"
    again = f"leave the input out, or export it again ({file} was exported for {exported})"
    if request.batch is not None and any(tensor.shape[:1] != (request.batch,) for tensor in inputs):
        raise InputError(f"{file} can't be read with batch {request.batch}: {again}")
    if isinstance(request.inputs, CallJson):
        given = dict(_specs(Call.from_json(request.inputs.text), [name for name, _ in names]))
    else:
        given = {str(index): Spec(sizes) for index, sizes in enumerate(request.shapes)}
    wanted = {key: tensor for index, tensor in enumerate(inputs) for key in (str(index), *names[index])}
    for key, spec in given.items():
        tensor = wanted.get(key)
        if tensor is None:
            which = f"input {int(key) + 1}" if key.isdigit() else f"input called {key!r}"
            raise InputError(f"{file} has no {which}: {again}")
        if spec.dtype not in (None, tensor.dtype) or _full(spec.shape, tensor, request) != tensor.shape:
            raise InputError(f"{file} can't be read with an input of {spec}: {again}")
    if given and len(given) < len(inputs):
        raise InputError(f"{file} has {len(inputs)} inputs, got {len(given)}: {again}")


def _text(tensor: Tensor) -> str:
    return f"{format_shape(tensor.shape)}:{tensor.dtype}"


def _specs(call: Call, names: Sequence[str]) -> Iterator[tuple[str, Spec]]:
    """The tensors of a call, by the place or the name of each; nested ones come in the order of the program's."""
    for place, spec in enumerate(spec for value in call.args for spec in _leaves(value)):
        yield str(place), spec
    nested = iter(names[sum(1 for value in call.args for _ in _leaves(value)) :])
    for name, value in call.kwargs:
        for spec in _leaves(value):
            yield (name if isinstance(value, Spec) else next(nested, name)), spec


def _leaves(value: Any) -> Iterator[Spec]:
    if isinstance(value, Spec):
        yield value
    elif isinstance(value, (tuple, list, dict)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _leaves(item)


def _full(sizes: tuple[int, ...], tensor: Tensor, request: Request) -> tuple[int, ...]:
    """The sizes as people type them, with the batch that they leave out."""
    if tensor.layout is not None and not isinstance(request.inputs, CallJson):
        batch = None if len(sizes) == len(tensor.shape) else tensor.shape[0]
        return resolve(sizes, Expected(tensor.layout, tensor.shape), request.layout, batch).shape
    return (*tensor.shape[:1], *sizes) if len(sizes) == len(tensor.shape) - 1 else sizes
