"""A network through a reader: its summary, made in a process that has imported the network's framework.

torch and TensorFlow abort the interpreter when they meet, so each has a process of its own. It is started for the first
question and answers all that follow: what an exporter imports late is paid for once.
"""

from __future__ import annotations

import atexit
import importlib
import json
import os
import subprocess
import sys
import tempfile
import warnings
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from resnet_inspect import ir_json
from resnet_inspect.call import of_inputs
from resnet_inspect.ir import Summary
from resnet_inspect.readers.inputs import CallJson, Shapes
from resnet_inspect.readers.request import Request

from .networks import BY_NAME, Network

#: What answers for the live framework, whose summary every reader's is compared with.
LIVE = "live"
_MODULES = {"torch": "networks_torch", "keras": "networks_keras"}
_PACKAGE = __package__


@cache
def summary_of(name: str, reader: str) -> Summary | str:
    """The summary of a network, or why there is none: what an exporter or a reader raised."""
    answer = _asked(BY_NAME[name].framework, [name, reader])
    return ir_json.loads(answer["summary"]) if "summary" in answer else str(answer["refused"])


@cache
def vocabulary_of(framework: str) -> dict[str, list[str]]:
    """The words of the op vocabulary by the module that lists them, of all modules that need this framework or none."""
    found: dict[str, list[str]] = _asked(framework, ["vocabulary"])
    return found


@cache
def _process(framework: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-W", "ignore", "-m", f"{_PACKAGE}.readers", framework]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    atexit.register(process.kill)
    return process


def _asked(framework: str, question: list[str]) -> dict[str, Any]:
    process = _process(framework)
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(question) + "\n")
    process.stdin.flush()
    line = process.stdout.readline()
    assert line, f"the process of {framework} ended at {question}"
    answer: dict[str, Any] = json.loads(line)
    return answer


def _serve(framework: str) -> None:
    """Answers questions on stdin, a line each; whatever a framework prints goes where its complaints go."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    warnings.simplefilter("ignore")
    networks = importlib.import_module(f"{_PACKAGE}.{_MODULES[framework]}")
    for line in sys.stdin:
        question = json.loads(line)
        try:
            if question == ["vocabulary"]:
                answer: dict[str, Any] = importlib.import_module(f"{_PACKAGE}.words").listed(framework)
            else:
                name, reader = question
                answer = {"summary": ir_json.dumps(_summarized(networks, BY_NAME[name], reader))}
        except Exception as error:
            answer = {"refused": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def _summarized(networks: Any, network: Network, reader: str) -> Summary:
    if network.settings:
        return _block(network, reader)
    model = _built(networks, network.name)
    if reader == LIVE:
        return _live(network, model)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"{network.name}.{reader}")
        networks.write(model, network, reader, path)
        return _read(path, network, reader)


@lru_cache(maxsize=1)
def _built(networks: Any, name: str) -> Any:
    """The network as an object. Its readers come one after another, and none of them changes it."""
    return networks.build(name)


def _live(network: Network, model: Any) -> Summary:
    """The summary of the object itself."""
    adapter = importlib.import_module(f"resnet_inspect.readers.{network.framework}.object")
    summary: Summary = adapter.summarize_object(model, network.image or of_inputs(network.inputs))
    return summary


def _read(path: Path, network: Network, reader: str) -> Summary:
    """The summary of a file. Most kinds say what they read; TorchScript is told, and a SavedModel its batch."""
    from resnet_inspect.readers import file as from_file

    asked: dict[str, Any] = {}
    if reader in ("traced", "scripted") and network.image:
        asked["inputs"] = Shapes(network.image)
    elif reader in ("traced", "scripted"):
        asked["inputs"] = CallJson(of_inputs(network.inputs).to_json())
    elif network.framework == "keras":
        asked["batch"] = 2
    return from_file.summarize(Request(str(path), **asked)).summary


def _block(network: Network, reader: str) -> Summary:
    """The summary of a residual block, lowered to its framework or worked out by rules."""
    from resnet_inspect.blocks.residual import BlockSpec
    from resnet_inspect.readers.local import reader as from_local

    settings: dict[str, Any] = dict(network.settings)
    spec = BlockSpec(flavor=network.framework, **settings)
    request = Request("block", inputs=Shapes(network.image), layout="NCHW" if network.framework == "torch" else "NHWC")
    if reader == "local":
        return from_local.summarize_block(spec, request).summary
    adapter = importlib.import_module(f"resnet_inspect.readers.{network.framework}.reader")
    summary: Summary = adapter.summarize_block(spec, request).summary
    return summary


if __name__ == "__main__":
    _serve(sys.argv[1])
