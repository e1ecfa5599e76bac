"""What a reader's module has: ``summarize``, and for each ability more a function that its protocol names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from .request import Answer, Request

if TYPE_CHECKING:
    from ..analysis.checkpoint_match import Entry
    from ..blocks.residual import BlockSpec
    from ..call import Call
    from ..ir import Summary
    from .identity import Experiment


class Reader(Protocol):
    """Turns the model that a request names into the IR.

    Raises:
        ModelError: there is no such model, or it can't be built.
        BadRequestError: the request doesn't go with the model.
        InputError: the input doesn't fit.
    """

    def summarize(self, request: Request, /) -> Answer: ...


class Blocks(Protocol):
    """Summarises a single residual block."""

    def summarize_block(self, spec: BlockSpec, request: Request, /) -> Answer: ...


class Native(Protocol):
    """Shows a model in the framework's own words."""

    def native(self, request: Request, /) -> str: ...


class NativeBlocks(Protocol):
    """Shows a single residual block in the framework's own words."""

    def native_block(self, spec: BlockSpec, request: Request, /) -> str: ...


@runtime_checkable
class State(Protocol):
    """Names the tensors of a model's state, which checkpoints are compared with."""

    def state(self, request: Request, /) -> Sequence[Entry]: ...


class Answering(Reader, Blocks, Native, NativeBlocks, State, Protocol):
    """What ``answers.adapter`` gives: a backend's reader, or the stand-in that runs it in a child.

    A stand-in has every function and fails where the reader hasn't: a backend's line says what it is able to do.
    """


class Names(Protocol):
    """Lists the models of its library, which it imports."""

    def known_names(self) -> tuple[str, ...]: ...


class Objects(Protocol):
    """Summarises models that a caller brings, or that users' code builds."""

    def summarize_object(
        self,
        model: Any,
        inputs: Sequence[Any] | Call | None,
        batch: int | None = None,
        dtype: str | None = None,
        training: bool = False,
    ) -> Summary: ...

    def summarize_built(self, build: Callable[[], Any], request: Request, /) -> tuple[Summary, tuple[str, ...]]: ...

    def state_of(self, build: Callable[[], Any], /) -> Sequence[Entry]: ...


class Decoders(Protocol):
    """Summarises one step of decoding of models that a caller brings."""

    def summarize_decoding(self, model: Any, tokens: int, batch: int | None = None) -> Summary: ...


class Experiments(Protocol):
    """Runs the identity experiment with real tensors."""

    def block(self, spec: BlockSpec, request: Request, seed: int, /) -> Experiment: ...

    def network(self, request: Request, insert: int, seed: int, /) -> Experiment: ...


@runtime_checkable
class Prepared(Protocol):
    """Imports what a request needs, before walls are raised: modules, each with the backend that it belongs to."""

    def prepare(self, request: Request, /) -> list[tuple[str, str]]: ...


@runtime_checkable
class Alone(Protocol):
    """Summarises without the framework what most models are made of; for all else ``summarize_alone`` gives None."""

    def prepare_alone(self, request: Request, /) -> bool: ...

    def summarize_alone(self, request: Request, /) -> Answer | None: ...
