"""The one place where operations become layers, so that the IR's promises hold whichever reader understood them.

A reader says what it alone knows: the path, type and op of an operation, the values that it reads and gives, and the
parameters that it uses. Ids, edges, layouts and who counts which parameter follow here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Sequence
from dataclasses import replace
from functools import cache
from typing import Generic, NamedTuple, Protocol, TypeVar

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
        return Tensor(tensor.shape, tensor.dtype, layout)  # ``replace`` takes five times as long, three times a row

    def source(self, value: Key) -> str | None:
        """The id of the layer that wrote it last; None if none did."""
        return self._sources.get(value)

    def produced(self, value: Key, layer: str, layout: str | None) -> None:
        """Records the layer that produced it, and its layout."""
        self._sources[value] = layer
        if layout is not None:
            self._layouts[value] = layout

    def same(self, value: Key, other: Key) -> None:
        """Records that a value comes from where another one does; it is the other, a slice or a stack of it."""
        source = self._sources.get(other)
        if source is not None:
            self.produced(value, source, None)
            if other in self._layouts and len(self._describe(value).shape) == len(self._describe(other).shape):
                self._layouts[value] = self._layouts[other]

    def written(self, values: Iterable[Key], layer: str) -> None:
        """Records the layer that wrote into existing values."""
        self._sources.update(dict.fromkeys(values, layer))


#: Values that may turn out to be images. They are kept alive, and what so many operations keep is not an image.
_MOST_OPEN = 100


class _Views(NamedTuple):
    """A parameter's view, or a view of that: the places of the rows that lead there, and the parameters seen."""

    rows: tuple[int, ...]
    parameters: tuple[Parameter, ...]


@cache
def _of_images() -> tuple[Callable[[str], bool], Callable[[str, int, Sequence[str | None]], str | None]]:
    # The local backend's rules know the layouts, and start without this. To import it for each row takes longer.
    from ..ops.images import keeps_layout, output_layout

    return keeps_layout, output_layout


@cache
def _of_views() -> Callable[[str, Attributes], bool]:
    from ..ops.vocabulary import is_view  # as above

    return is_view


def _as_image(tensor: Tensor, layout: str) -> Tensor:
    """A tensor of as many dimensions as an image has with that layout."""
    return replace(tensor, layout=layout) if len(tensor.shape) == len(layout) else tensor


class Rows(Generic[Value]):
    """The layers of one network, in the order of execution."""

    def __init__(self, values: Values[Value]) -> None:
        self.layers: list[Layer] = []
        self._values = values
        self._ids = Identities()
        #: Which row counts a parameter: by identity, as two may have one name.
        self._claimed: dict[int, tuple[int, Parameter]] = {}
        #: What may turn out to be an image: inputs without a layout and what was made of them by operations that keep
        #: one. Id -> the place of its row, the value.
        self._open: dict[str, tuple[int, Value]] = {}
        #: The rows whose results are views of parameters, by id.
        self._views: dict[str, _Views] = {}

    def add_input(self, value: Value, path: str, kind: str = "Input", layout: str | None = None) -> None:
        """A tensor that the network is given.

        Without a ``layout``, the first operation that reads it and works on images or on none says whether it is one.
        """
        identity = self._ids.next(path)
        if layout is None:
            self._open[identity] = (len(self.layers), value)
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
        view: bool | None = None,
        macs_at_least: int = 0,
    ) -> str:
        """An operation; returns the id of its layer.

        What it ``reads`` and no layer made is not an edge. Of the parameters that it ``uses``, it counts those that no
        layer counts already; a view counts them until an operation computes with what it gives. Images keep or get
        their layouts as the op says, unless the reader knows the ``layouts`` of what it ``gives``, or how all that it
        reads is ``read_as``: a reshape's result as an image. Whether what it gives is a ``view`` follows from the op
        and the attributes, unless the reader knows.
        """
        # Loops, as a row takes two microseconds of the few that a table without a framework takes.
        values = self._values
        tensor, source_of = values.tensor, values.source
        identity = self._ids.next(path)
        sources: list[str] = []
        read: list[Tensor] = []
        made: list[Tensor] = []
        for value in reads:
            source = source_of(value)
            if source is not None:
                sources.append(source)
                read.append(tensor(value))
        if layouts is None:
            keeps_layout, output_layout = _of_images()
            if self._open:
                for index, source in enumerate(sources):
                    if source in self._open:
                        read[index] = self._seen_as(op, source, read[index])
                is_open = bool(sources) and self._open.keys() >= {*sources}
                if is_open and keeps_layout(op) and len(self._open) < _MOST_OPEN:
                    self._open.update((identity, (len(self.layers), value)) for value in [*gives][:1])
            known = [item.layout for item in read]
            layouts = [output_layout(op, len(tensor(value).shape), known) for value in gives]
        for index, value in enumerate(gives):
            values.produced(value, identity, layouts[index])
            made.append(tensor(value))
        if view is None:
            view = _of_views()(op, attributes)
        if self._views or (view and uses):
            uses = self._seen_through_views(identity, op, bool(view), sources, uses)
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
                macs_at_least=macs_at_least,
                view=view,
            )
        )
        return identity

    def _seen_through_views(
        self, identity: str, op: str, view: bool, sources: Sequence[str], uses: Collection[Parameter]
    ) -> Collection[Parameter]:
        """What the next layer uses, with the parameters whose views it reads: those that it takes from the views' rows.

        It takes them if it computes with them and something else, as a product of ``x`` and ``weight.t()`` does. What
        only moves or joins values, or reads nothing else, as a norm of a token, leaves them where they are; so does
        everything behind an ``expand``, which makes a token for each image of the batch.
        """
        from ..ops.vocabulary import of

        read = [self._views[source] for source in sources if source in self._views]
        family = of(op).family
        if family == "shape":
            if op != "expand" and len(read) == len(sources) and (read or (view and uses)):
                rows = {index for views in read for index in views.rows} | {len(self.layers)}
                seen = (*uses, *(parameter for views in read for parameter in views.parameters))
                self._views[identity] = _Views(tuple(rows), seen)
        elif family != "join" and len(sources) > 1:
            uses = [*uses, *(parameter for views in read for parameter in self._taken_from(views))]
        return uses

    def _taken_from(self, views: _Views) -> tuple[Parameter, ...]:
        """The parameters of ``views``, whose rows no longer name them."""
        identities, names = {id(p) for p in views.parameters}, {p.name for p in views.parameters}
        for index in views.rows:
            layer = self.layers[index]
            self.layers[index] = replace(
                layer,
                parameters=tuple(p for p in layer.parameters if id(p) not in identities),
                shared=tuple(name for name in layer.shared if name not in names),
            )
        for identity in identities:
            if identity in self._claimed and self._claimed[identity][0] in views.rows:
                del self._claimed[identity]
        return views.parameters

    def _seen_as(self, op: str, source: str, read: Tensor) -> Tensor:
        """What may be an image as it is ``read``, with the layout that the op wants."""
        from ..ops.images import keeps_layout, read_layout

        if keeps_layout(op):
            return read  # it isn't told by this one
        layout = read_layout(op, len(read.shape))
        if layout is None or self._values.tensor(self._open[source][1]) != read:
            del self._open[source]
            return read  # inside of vmap, it has a dimension less
        self._settle(source, layout)
        return replace(read, layout=layout)

    def _settle(self, source: str, layout: str) -> None:
        """An image was found: it is one in the row that made it, and so is what that row made it of."""
        found: dict[int, tuple[str, Value]] = {}
        waiting = [source]
        while waiting:
            name = waiting.pop()
            if name not in self._open:
                continue
            index, value = self._open.pop(name)
            if len(self._values.tensor(value).shape) == len(layout):
                found[index] = (name, value)
                waiting += self.layers[index].inputs
        for index, (name, value) in sorted(found.items()):
            layer = self.layers[index]
            if self._values.source(value) == name:  # and nothing has written into it since
                self._values.produced(value, name, layout)
            self.layers[index] = replace(
                layer,
                input_tensors=tuple(_as_image(tensor, layout) for tensor in layer.input_tensors),
                output_tensors=tuple(_as_image(tensor, layout) for tensor in layer.output_tensors),
            )

    def back_to(self, count: int) -> None:
        """Takes back all layers but the first ``count``, and releases the parameters that they count."""
        for layer in reversed(self.layers[count:]):
            self._ids.give_back(layer.path, layer.id)
            for parameter in layer.parameters:
                del self._claimed[id(parameter)]
        del self.layers[count:]
        self._open = {name: entry for name, entry in self._open.items() if entry[0] < count}
        self._views = {name: views for name, views in self._views.items() if max(views.rows) < count}

    def _claim(self, uses: Collection[Parameter]) -> tuple[tuple[Parameter, ...], tuple[str, ...]]:
        """What the next layer counts, and the names of what an earlier one counts; buffers are not weights."""
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
