"""Asks ours about the networks of ``packages.py`` and writes ``packages.md``: ``run_packages.py [GLOB]``.

The packages go into the environment of the table's tools, without what they depend on: most depend on much that a
small network doesn't need, and would change the frameworks' versions.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import environment
from packages import BESIDE, PACKAGES
from reasons import judged
from run import ask

HERE = Path(__file__).parent
RESULTS = HERE / "packages.json"
_HEAD = """# Networks of other packages

Packages that resnet-inspect was not written with in mind, asked as in [the table](README.md): parameters by `numel`,
results and MACs by a real run on the CPU beside ours. `python benchmarks/truth/run_packages.py` writes this page.

"""


def main(glob: str = "*") -> None:
    environment.prepared()
    pins = sorted({network.group.removeprefix("package ") for network in PACKAGES})
    command = [str(environment.python()), "-m", "pip", "install", "--quiet", "--no-deps", *pins, *BESIDE]
    subprocess.run(command, check=True, stdout=sys.stderr)
    wanted = [network for network in PACKAGES if fnmatchcase(network.name, glob)]
    found: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    ask("torch", [(network, tool) for network in wanted for tool in ("truth", "ours")], found)
    found = {network.name: found[network.name] for network in PACKAGES if network.name in found}
    RESULTS.write_text(json.dumps(found, indent=1) + "\n")
    (HERE / "packages.md").write_text(page(found))


def page(found: dict[str, Any]) -> str:
    """The page as Markdown."""
    rows, counts = [], Counter[str]()
    for network in PACKAGES:
        answers = found.get(network.name, {})
        if "params" not in answers.get("truth", {}):
            continue
        truth, ours = answers["truth"], answers["ours"]
        verdicts = judged(truth, ours)
        words = {what: verdict.verdict for what, verdict in verdicts.items()}
        whole = next((word for word in ("refused", "wrong", "more", "not said") if word in words.values()), "right")
        counts[whole] += 1
        reasons = "; ".join(sorted({verdict.reason for verdict in verdicts.values() if verdict.reason}))
        name, package = network.name.partition(": ")[2], network.group.removeprefix("package ")
        rows.append(f"| {name} | {package} | {truth['params']:,} | {truth['macs']:,} | {whole} | {reasons} |\n")
    figures = ", ".join(f"{count} {word}" for word, count in counts.most_common())
    head = "| network | package | parameters | MACs | ours | |\n|---|---|---:|---:|---|---|\n"
    return f"{_HEAD}{counts.total()} networks: {figures}.\n\n{head}{''.join(rows)}"


if __name__ == "__main__":
    main(*sys.argv[1:])
