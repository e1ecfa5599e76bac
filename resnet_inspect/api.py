"""The library door: ``summarize`` for a model object, ``diff``, ``check``, and ``assert_matches`` for tests."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import checks, diffs, ir, ir_json
from .answers.source import read
from .checks.settings import AMOUNTS, rules
from .errors import BadRequestError, InspectError, ModelError, unknown
from .files import write_whole
from .python_inputs import inputs_of
from .readers import BACKENDS, load_framework
from .readers.frameworks import backend_of
from .readers.options import OPTIONS
from .readers.protocols import Decoders, Objects
from .results import Checked, Diff, Summary, as_shown


def summarize(
    model: Any,
    input: Any = None,  # noqa: A002 - users of every such tool know it
    *,
    batch: int | None = None,
    dtype: Any = None,
    decode: int | None = None,
    mode: str = "eval",
) -> Summary:
    """Summarises a ``torch.nn.Module`` or a Keras model without changing it: modes, buffers and random state stay.

    ``input`` is a shape (``"3x224x224"``, ``(3, 224, 224)``; a batch of 1 is added), a tensor, or a list of
    them for several inputs. A dict has keyword arguments; in it and in what is nested deeper, shapes have their batch,
    and may have a type: ``{"ids": "1x128:int64", "boxes": [(1, 4), None]}``. Tensors may stand in any object.
    Without ``input``, a Keras model gets what it declares, and of a torch module the weights are listed: nothing runs.
    ``dtype`` (``"float16"``, ``torch.float16``) is the inputs' (default: the model's own).
    ``decode=1024`` summarises the token after 1024 others, which reads the cache that a model of transformers keeps.
    With ``mode="train"``, the model runs as in training, with its auxiliary heads.

    Raises:
        BadRequestError: ``input``, ``batch``, ``dtype``, ``decode`` or ``mode`` is not valid.
        ModelError: ``model`` is not a module, or has lazy parameters.
        InputError: the input doesn't fit, with the layer that refuses it.
    """
    if batch is not None:
        OPTIONS["batch"].kind.check("batch", batch)
    name = None if dtype is None else str(dtype).removeprefix("torch.")
    # A model that its caller has built may have inputs of other types than those that we build models with.
    if name is not None and name not in ir.DTYPE_BITS:
        OPTIONS["dtype"].kind.check("dtype", name)
    OPTIONS["mode"].kind.check("mode", mode)
    if isinstance(model, (str, Path)):
        raise ModelError(
            f"summarize takes a model and not a name: {str(model)!r:.80}. "
            "Build it first; in a shell, resnet-inspect summary takes names"
        )
    backend = backend_of(type(model)) or "torch"
    if decode is not None:
        OPTIONS["decode"].kind.check("decode", decode)
        if backend != "transformers":
            raise BadRequestError(f"decode needs a model of transformers, and {type(model).__name__} is none")
        if mode == "train":
            raise BadRequestError("decode is a step of a trained model: leave mode out")
        if input is not None or dtype is not None:
            raise BadRequestError("decode makes its inputs itself: leave input and dtype out")
        decoder: Decoders = load_framework(backend, BACKENDS[backend].objects)
        return Summary.of(decoder.summarize_decoding(model, decode, batch))
    reader: Objects = load_framework(backend, BACKENDS[backend].objects)
    inputs = None if input is None else inputs_of(input, arrays=backend == "keras")
    return Summary.of(reader.summarize_object(model, inputs, batch, name, training=mode == "train"))


def diff(
    old: Any,
    new: Any,
    input: Any = None,  # noqa: A002 - as in summarize
    *,
    batch: int | None = None,
    dtype: Any = None,
    mode: str = "eval",
    any_input: bool = False,
) -> Diff:
    """What changed from one network to another; each is a model object, a summary, or the path of a saved one.

    Model objects are summarised with ``input``, ``batch``, ``dtype`` and ``mode``.

    Raises:
        BadRequestError: a model object needs an ``input``, as all do but Keras models that declare theirs.
        InputError: the inputs differ, and ``any_input`` doesn't allow it.
        InspectError: what ``summarize`` raises, or a file can't be read.
    """
    first, second = (_summary(model, input, batch, dtype, mode) for model in (old, new))
    return as_shown(Diff, diffs.compare(first, second, any_input))


def check(
    model: Any,
    input: Any = None,  # noqa: A002 - as in summarize
    *,
    batch: int | None = None,
    dtype: Any = None,
    mode: str = "eval",
    baseline: ir.Summary | str | Path | None = None,
    fail_on: Iterable[str] = (),
    ignore: Iterable[str] = (),
    strict: bool = False,
    **budgets: int | str | Mapping[str, int | str],
) -> Checked:
    """What the rules of ``resnet-inspect check`` find in a model object, with an ``input``, or in a summary.

    ``budgets`` are ``max_params="26M"``, ``warn_macs={"layer4": "1G"}``, and so for each total below a table.

    Raises:
        BadRequestError: a setting makes no sense.
        InspectError: what ``summarize`` raises, or the baseline can't be read.
    """
    known = [f"{kind}_{name.replace('-', '_')}" for kind in ("max", "warn") for name in AMOUNTS]
    if wrong := sorted(set(budgets) - set(known)):
        raise BadRequestError(unknown("budget", wrong[0], known))
    settings = {key.replace("_", "-"): value for key, value in budgets.items()}
    wanted = list(rules({**settings, "ignore": tuple(ignore), "strict": strict}))
    if baseline is not None:
        wanted.append(checks.Baseline(_summary(baseline), diffs.gates(fail_on)))
    summary = _summary(model, input, batch, dtype, mode)
    return as_shown(Checked, checks.Checked(summary.model.title, checks.judge(wanted, summary), summary=summary))


#: Set to a reason, it lets ``assert_matches`` write the baselines that differ.
UPDATE = "RESNET_INSPECT_UPDATE_BASELINES"


def assert_matches(
    model: Any,
    baseline: str | Path,
    input: Any = None,  # noqa: A002 - as in summarize
    *,
    fail_on: Iterable[str] = (),
) -> None:
    """For tests: the model is the one of a saved summary; what differs is the failure's message.

    ``input`` is the baseline's own if none is given. With ``RESNET_INSPECT_UPDATE_BASELINES="why"`` in the
    environment, a baseline that differs is written again and keeps the reason.

    Raises:
        AssertionError: something differs, of the kinds in ``fail_on`` if there are any; or there is no baseline.
        InspectError: the model can't be summarised.
    """
    held = hold(model, Path(baseline), input, fail_on, os.environ.get(UPDATE, "").strip())
    if held.outcome == "missing":
        raise AssertionError(f"{held.message}: run once with {UPDATE}='why' and an input to write it")
    if held.outcome == "differs":
        raise AssertionError(held.message + (f"\n\n{held.diff}" if held.diff else ""))


@dataclass(frozen=True, slots=True)
class Held:
    """What came of a model and its baseline: ``outcome`` is matched, created, updated, missing or differs."""

    outcome: str
    message: str = ""
    diff: Diff | None = None


def hold(model: Any, path: Path, inputs: Any, fail_on: Iterable[str], reason: str) -> Held:
    """Compares a model with the saved summary at ``path``; with a ``reason``, writes it where they differ.

    Raises:
        InspectError: the model can't be summarised.
    """
    old = read(str(path)).summary if path.exists() else None
    batch = dtype = None
    mode = "train" if old is not None and old.trace.training else "eval"
    if old is not None and old.inputs and inputs is None and not isinstance(model, (ir.Summary, str, Path)):
        first = old.inputs[0]
        inputs, batch = [t.shape[1:] for t in old.inputs], first.shape[0]
        # Floating inputs are as the model's weights are: another dtype is a difference, not an input that doesn't fit.
        dtype = first.dtype if "int" in first.dtype else None
    if old is None and not reason:
        return Held("missing", f"no such baseline: {path}")
    new = _summary(model, inputs, batch, dtype, mode)
    if reason:
        accepted = checks.accept(old, new, reason)
        if accepted is old:
            return Held("matched")
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, ir_json.dumps(accepted))
        return Held("updated" if old else "created")
    assert old is not None
    try:
        found = diff(old, new)
    except InspectError as error:
        return Held("differs", f"{path}: {error}")
    if found.kinds & diffs.gates(fail_on):
        return Held("differs", f"the model differs from {path}", found)
    return Held("matched")


def _summary(
    model: Any,
    input: Any = None,  # noqa: A002 - as in summarize
    batch: int | None = None,
    dtype: Any = None,
    mode: str = "eval",
) -> ir.Summary:
    if isinstance(model, ir.Summary):
        return model
    if isinstance(model, (str, Path)):
        if not Path(model).exists():
            raise ModelError(f"{model} is not a saved summary: no such file. A model is built first, then compared")
        return read(str(model)).summary
    declares_inputs = backend_of(type(model)) == "keras" and getattr(model, "inputs", None)
    if input is None and not declares_inputs:
        raise BadRequestError(f"a {type(model).__name__} needs an input: input='3x224x224'")
    return summarize(model, input, batch=batch, dtype=dtype, mode=mode)
