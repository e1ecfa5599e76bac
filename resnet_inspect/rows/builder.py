"""The one place where operations become layers, so that the IR's promises hold whichever reader understood them.

A reader says what it alone knows: the path, type and op of an operation, the values that it reads and gives, and the
parameters that it uses. Ids, edges, layouts and who counts which parameter follow here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Sequence
from dataclasses import replace
from typing import Generic, Protocol, TypeVar

from ..ir import UNKNOWN, Attributes, Layer, Parameter, Tensor
from .identities import Identities

Value = TypeVar("Value")
Key = TypeVar("Key", bound=Hashable)
_Any = TypeVar("_Any", contravariant=True)


class Values(Protocol[_Any]):
    """What a reader's values are and where they come from. A value is what the reader calls one: a name, a tensor."""

    def tensor(self, value: _Any) -> Tensor:
        """Its sizes, type and layout; UNKNOWN if the sizes aren't known."""

    def source(self, value: _Any) -> str | None:
        """The id of the layer that wrote it last; None if none did (a constant, a parameter)."""

    def produced(self, value: _Any, layer: str, layout: str | None) -> None:
        """Records the layer that produced it, and its layout."""


class Keyed(Generic[Key]):
    """Values that a file knows by a name or a number; ``describe`` tells what they are, without a layout."""

    def __init__(self, describe: Callable[[Key], Tensor]) -> None:
        self._describe = describe
        self._sources: dict[Key, str] = {}
        self._layouts: dict[Key, str] = {}

    def tensor(self, value: Key) -> Tensor:
        """Its sizes, type and layout; UNKNOWN if the sizes aren't known."""
        tensor = self._describe(value)
        layout = self._layouts.get(value)
        if layout is None or layout == tensor.layout or tensor is UNKNOWN:
            return tensor
        return replace(tensor, layout=layout)

    def source(self, value: Key) -> str | None:
        """The id of the layer that wrote it last; None if none did."""
        return self._sources.get(value)

    def produced(self, value: Key, layer: str, layout: str | None) -> None:
        """Records the layer that produced it, and its layout."""
        self._sources[value] = layer
        if layout is not None:
            self._layouts[value] = layout

    def written(self, values: Iterable[Key], layer: str) -> None:
        """Records the layer that wrote into existing values."""
        self._sources.update(dict.fromkeys(values, layer))


class Rows(Generic[Value]):
    """The layers of one network, in the order of execution."""

    def __init__(self, values: Values[Value]) -> None:
        self.layers: list[Layer] = []
        self._values = values
        self._ids = Identities()
        #: Which row counts a parameter: by identity, as two may have one name.
        self._claimed: dict[int, tuple[int, Parameter]] = {}
        #: Inputs that nothing has read yet and that nobody said the layout of: id -> the place of its row, the value.
        self._unread: dict[str, tuple[int, Value]] = {}

    def add_input(self, value: Value, path: str, kind: str = "Input", layout: str | None = None) -> None:
        """A tensor that the network is given. Without a ``layout``, what reads it first says whether it is an image."""
        identity = self._ids.next(path)
        if layout is None:
            self._unread[identity] = (len(self.layers), value)
        self._values.produced(value, identity, layout)
        self.layers.append(Layer(identity, path, kind, "input", output_tensors=(self._values.tensor(value),)))

    def add(
        self,
        path: str,
        kind: str,
        op: str,
        reads: Iterable[Value],
        gives: Collection[Value],
        uses: Collection[Parameter] = (),
        attributes: Attributes = (),
        macs: int | None = 0,
        layouts: Sequence[str | None] | None = None,
        read_as: Sequence[Tensor] | None = None,
    ) -> str:
        """An operation; returns the id of its layer.

        Of what it ``reads``, what no layer made is no edge. Of the parameters that it ``uses``, it counts those that no
        layer counts already. Images keep or get their layouts as the op says, unless the reader knows the ``layouts``
        of what it ``gives``, or how all that it reads is ``read_as``: a reshape's result as an image.
        """
        # Loops, as a row takes two microseconds of the few that a table without a framework takes.
        tensor = self._values.tensor
        identity = self._ids.next(path)
        sources: list[str] = []
        read: list[Tensor] = []
        made: list[Tensor] = []
        for value in reads:
            source = self._values.source(value)
            if source is not None:
                sources.append(source)
                read.append(tensor(value))
        if layouts is None:
            from ..ops.images import output_layout  # the local backend's rules know the layouts, and start without it

            for index, source in enumerate(sources):
                if source in self._unread:
                    read[index] = self._seen_as(op, source, read[index])
            known = [item.layout for item in read]
            layouts = [output_layout(op, len(tensor(value).shape), known) for value in gives]
        for index, value in enumerate(gives):
            self._values.produced(value, identity, layouts[index])
            made.append(tensor(value))
        new, shared = self._claim(uses) if uses else ((), ())
        self.layers.append(
            Layer(
                id=identity,
                path=path,
                type=kind,
                op=op,
                inputs=tuple(sources),
                input_tensors=tuple(read if read_as is None else read_as),
                output_tensors=tuple(made),
                parameters=new,
                shared=shared,
                macs=macs,
                attributes=attributes,
            )
        )
        return identity

    def _seen_as(self, op: str, source: str, read: Tensor) -> Tensor:
        """An input as it is ``read``, with the layout that the first op which reads it wants."""
        from ..ops.images import read_layout

        index, value = self._unread.pop(source)
        layout = read_layout(op, len(read.shape))
        if layout is None or self._values.tensor(value) != read:
            return read  # inside of vmap, it has a dimension less
        self._values.produced(value, source, layout)
        tensor = self._values.tensor(value)
        self.layers[index] = replace(self.layers[index], output_tensors=(tensor,))
        return tensor

    def back_to(self, count: int) -> None:
        """Takes back all layers but the first ``count``, and releases the parameters that they count."""
        for layer in reversed(self.layers[count:]):
            self._ids.give_back(layer.path, layer.id)
            for parameter in layer.parameters:
                del self._claimed[id(parameter)]
        del self.layers[count:]

    def _claim(self, uses: Collection[Parameter]) -> tuple[tuple[Parameter, ...], tuple[str, ...]]:
        """What the next layer counts, and the names of what an earlier one counts; buffers are no weights."""
        row = len(self.layers)
        new: list[Parameter] = []
        shared: list[str] = []
        for parameter in uses:
            claimed = self._claimed.get(id(parameter))
            if claimed is None:
                self._claimed[id(parameter)] = (row, parameter)
                new.append(parameter)
            elif claimed[0] != row and parameter.role != "buffer" and parameter.name not in shared:
                shared.append(parameter.name)
        return tuple(new), tuple(shared)

    def unclaimed(self, parameters: Iterable[Parameter]) -> list[Parameter]:
        """Those that no layer counts."""
        return [parameter for parameter in parameters if id(parameter) not in self._claimed]

    def add_uncalled(
        self,
        path: str,
        kind: str,
        op: str,
        parameters: Iterable[Parameter],
        attributes: Attributes = (),
        macs: int | None = 0,
    ) -> None:
        """What the network holds and no operation was seen to use."""
        self.layers.append(
            Layer(
                self._ids.next(path),
                path,
                kind,
                op,
                parameters=tuple(parameters),
                macs=macs,
                attributes=attributes,
                called=False,
            )
        )
