"""The networks that other tools test themselves with, in ours: ``tests_of_others.py CHECKOUT [PYTEST'S ARGUMENTS]``.

The checkout is torchinfo's, torchview's or torchlens' repository. Its own tests run, but their tool's functions are
replaced by one that gives each network and input to ours, and compares with the truth. How the tests end is of no
interest. Runs in the environment of the table (``.venv-truth``), which this script starts by itself.
"""

from __future__ import annotations

import copy
import importlib
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from inspect import signature
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

HERE = Path(__file__).parent
#: Where the plugin writes a line for each network.
LINES = "RESNET_INSPECT_FIXTURES"
#: Functions that a tool's tests give networks to: module, name, and whether sizes may stand for inputs.
REPLACED = (
    ("torchinfo", "summary", True),
    ("torchview", "draw_graph", True),
    ("torchlens", "trace", False),
    ("torchlens.validation", "validate_forward_pass", False),
    ("torchlens.visualization", "show_model_graph", False),
)


def main(checkout: str, *arguments: str) -> int:
    """Runs the tests of a checkout and says what ours made of their networks."""
    import environment

    environment.prepared()
    with tempfile.TemporaryDirectory() as folder:
        lines = Path(folder) / "lines"
        lines.touch()
        found = os.pathsep.join(str(path) for path in (HERE, HERE.parents[1], Path(checkout).resolve()))
        command = [str(environment.python()), "-m", "pytest", "-q", "-p", "tests_of_others", "-p", "no:cacheprovider"]
        subprocess.run(
            [*command, *(arguments or ("tests",))],
            cwd=checkout,
            env={**os.environ, "PYTHONPATH": found, LINES: str(lines), "MPLBACKEND": "agg"},
            stdout=subprocess.DEVNULL,
        )
        results = [json.loads(line) for line in lines.read_text().splitlines()]
    counts = Counter(result["verdict"] for result in results)
    for result in results:
        if result["verdict"] != "right":
            print(json.dumps(result))
    print(f"{len(results)} networks: {', '.join(f'{count} {word}' for word, count in counts.most_common())}")
    return 0 if set(counts) <= {"right", "fails itself"} else 1


def pytest_configure() -> None:
    """The plugin's door: replaces the functions before any test imports them."""
    seen: set[str] = set()
    for module, name, sizes in REPLACED:
        try:
            there = importlib.import_module(module)
        except ImportError:
            continue
        if hasattr(there, name):
            setattr(there, name, _taker(seen, sizes))


def _taker(seen: set[str], sizes: bool) -> Callable[..., Any]:
    """A function that looks at a network as ours does, and gives something that stands for any result."""

    def take(model: Any, *given: Any, **settings: Any) -> Any:
        import torch

        if isinstance(model, torch.nn.Module):
            inputs = _of_sizes(*given, **settings) if sizes else _as_call(*given, **settings)
            if inputs is not None:
                args, kwargs = inputs
                # Settings that the tool doesn't know are handed on to the network.
                own = signature(model.forward).parameters
                _look(model, args, {**kwargs, **{key: settings[key] for key in own if key in settings}}, seen)
        return MagicMock()

    return take


def _of_sizes(
    input_size: Any = None,
    input_data: Any = None,
    dtypes: Sequence[Any] | None = None,
    batch_dim: int | None = None,
    **more: Any,
) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
    """What torchinfo and torchview call a network with; the second takes data in the place of sizes."""
    import torch

    if input_size is not None and any(isinstance(item, torch.Tensor) for item in _several(input_size)):
        input_size, input_data = None, input_size
    if isinstance(input_data, Mapping):
        return (), dict(input_data)
    if input_data is not None:
        return tuple(_several(input_data)), {}
    if input_size is None:
        return None
    sizes = [input_size] if all(isinstance(size, int) for size in input_size) else list(input_size)
    if batch_dim is not None:
        sizes = [(*size[:batch_dim], 1, *size[batch_dim:]) for size in sizes]
    kinds = dtypes or [torch.float32] * len(sizes)
    return tuple(torch.ones(*size).to(kind) for size, kind in zip(sizes, kinds, strict=True)), {}


def _as_call(args: Any = (), kwargs: Any = None, **more: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """What torchlens calls a network with."""
    return tuple(_several(args)), dict(kwargs or more.get("input_kwargs") or {})


def _several(given: Any) -> Sequence[Any]:
    return given if isinstance(given, (list, tuple)) else [given]


def _look(model: Any, args: tuple[Any, ...], kwargs: dict[str, Any], seen: set[str]) -> None:
    """Writes a line about a network that wasn't seen before."""
    from building import Built
    from peers import ours
    from reasons import judged
    from truth import of_torch

    key = f"{model} {[getattr(item, 'shape', item) for item in (*args, *kwargs.values())]}"
    if key in seen:
        return
    seen.add(key)
    line: dict[str, Any] = {"model": type(model).__name__, "test": os.environ.get("PYTEST_CURRENT_TEST", "")}
    try:
        theirs = copy.deepcopy((model, args, kwargs))
        own = copy.deepcopy((model, args, kwargs))
        truth = of_torch(Built(theirs[0].eval(), theirs[1], tuple(theirs[2].items())))
    except Exception as error:
        line |= {"verdict": "fails itself", "why": f"{type(error).__name__}: {error}"[:200]}
    else:
        try:
            claim = ours()(Built(own[0], own[1], tuple(own[2].items())))
            said = {"params": claim.params, "macs": claim.macs, "outputs": claim.outputs}
        except Exception as error:
            said = {"error": f"{type(error).__name__}: {error}"[:300]}
        found = judged(truth, said)
        words = [found["params"].verdict, found["macs"].verdict, found["outputs"].verdict]
        if truth["outputs"] == []:  # an object of a class of its own, of which only ours knows the shapes
            words.pop()
        worst = next((word for word in ("refused", "wrong", "more", "not said") if word in words), "right")
        true = {what: truth[what] for what in ("params", "macs", "outputs")}
        line |= {"verdict": worst, **({} if worst == "right" else {"ours": said, "true": true})}
    with Path(os.environ[LINES]).open("a") as lines:
        lines.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
