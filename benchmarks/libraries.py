"""All models of a library against torch's own counts: ``python benchmarks/libraries.py timm > timm.jsonl``.

One JSON line a model goes to stdout, the figure of how many agree, fall back or fail to stderr. A model that hangs or
crashes ends its own child only.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from resnet_inspect.answers.worker import Session, Task
from resnet_inspect.errors import InspectError
from resnet_inspect.readers.request import Limits, Request

WORKERS = 2
VERDICTS = (
    "agree",
    "differ",
    "list what has no formula",
    "where torch's own counter fails",
    "end with a clear error",
    "crash or hang",
)
TIMEOUT = 600.0


def names(library: str) -> list[str]:
    """The models that a library lists."""
    if library == "timm":
        import timm

        return list(timm.list_models())
    from benchmarks.architectures import ARCHITECTURES

    return list(ARCHITECTURES)


def main(library: str, wanted: list[str]) -> None:
    models = wanted or names(library)
    sessions = [Session("benchmarks.library_counts", Limits(TIMEOUT)) for _ in range(WORKERS)]

    def look(index: int, session: Session) -> None:
        for model in models[index::WORKERS]:
            try:
                found = json.loads(session.ask(Task("benchmarks.library_counts", library, Request(model)))["text"])
            except InspectError as error:
                found = {"model": model, "crash": str(error)}
            results.append(found)
            sys.stdout.write(json.dumps(found) + "\n")  # in one piece: two threads write
            sys.stdout.flush()

    results: list[dict[str, Any]] = []
    with ThreadPoolExecutor(WORKERS) as threads:
        list(threads.map(look, range(WORKERS), sessions))
    for session in sessions:
        session.end()
    counts = Counter(verdict(item) for item in results)
    real = sum(item.get("method") == "real" for item in results)
    figures = ", ".join(f"{counts[word]} {word}" for word in VERDICTS)
    print(f"{library}: {len(results)} models; {figures}; {real} of them on real tensors", file=sys.stderr)


def verdict(item: dict[str, Any]) -> str:
    """What became of a model, one of ``VERDICTS``. MACs are compared where nothing is uncounted."""
    if "crash" in item:
        return "crash or hang"
    if "error" in item:
        return "end with a clear error"
    if "own_params" in item and item["own_params"] != item["params"]:
        return "differ"
    if item["uncounted"]:
        return "list what has no formula"
    if "own_flops" not in item:
        return "where torch's own counter fails"
    return "agree" if item["own_flops"] == 2 * item["macs"] else "differ"


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
