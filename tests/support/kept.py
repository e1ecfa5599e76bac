"""The folder of kept summaries for its tests, and scripts in processes that may use it."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

from resnet_inspect.answers import cache_folder

TORCH = "resnet_inspect.readers.torch.reader"


def own_script(source: str) -> str:
    """A script for a process that is ours, with ``remember(name)``, which counts what it had to ask for."""
    begin = f"""
    import sys
    from pathlib import Path
    from resnet_inspect import process
    process.own()
    from resnet_inspect.answers import cache
    from resnet_inspect.readers import Request
    from resnet_inspect.readers.inputs import Shapes, UserFunction
    from resnet_inspect.readers.local import reader
    asked = []
    def summarize(request):
        asked.append(request.model)
        return reader.summarize(request)
    def remember(name="resnet18", **fields):
        return cache.remembered({TORCH!r}, Request(name, **fields), summarize)
    """
    return textwrap.dedent(begin) + textwrap.dedent(source)


def own(source: str) -> str:
    """What such a script prints."""
    done = subprocess.run([sys.executable, "-c", own_script(source)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def sealed(folder: Path, name: str, content: bytes) -> None:
    """Writes an entry as only somebody with the folder's key can."""
    with cache_folder.opened(folder) as ours:
        assert ours is not None
        ours.write(name, content)


def entries(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.summary"))
