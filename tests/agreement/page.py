"""AGREEMENT.md: what each reader says of each network, beside the live framework. ``python -m tests.agreement.page``.

It is made of the list of exceptions alone, which ``test_agreement.py`` holds against what the readers really say.
"""

from __future__ import annotations

from pathlib import Path

from . import causes
from .exceptions import LISTED
from .listed import ANY
from .networks import KERAS_FILES, NETWORKS, TORCH_FILES, TWIN, Network

PAGE = Path(__file__).parents[2] / "AGREEMENT.md"
_HEAD = """# Agreement

Small networks that together use every word of the op vocabulary go through every reader that can have them. Each
summary is compared with that of the live framework: op, settings, layout, shapes, parameters, MACs, receptive field,
bytes kept for training, and residual blocks. The tests in `tests/agreement/` fail on a difference that isn't listed,
and on a listed one that no longer occurs. `make agreement` writes this page from the list.

`=` means the same in everything; a number is a cause below; an empty cell is a reader that such a network can't go
through. `local` works a residual block out by rules, `twin` is the same network in torch.
"""
_CAUSES = """
## Causes

Each lies in a format, an exporter or a framework, and not in a reader. *Summaries* counts the cells above that name it,
*differences* the rows and settings that differ in these.

| | cause | summaries | differences |
|---|---|---|---|
"""


def page() -> str:
    """The page as text."""
    numbers = {cause: number for number, cause in enumerate(causes.ALL, 1)}
    parts = [_HEAD]
    for framework, readers in (("torch", (*TORCH_FILES, "local")), ("keras", (*KERAS_FILES, "local", TWIN))):
        parts.append(
            f"\n## Networks of {framework}\n\n| network | {' | '.join(readers)} |\n|---|{'---|' * len(readers)}\n"
        )
        for network in NETWORKS:
            if network.framework == framework:
                cells = [_cell(network, reader, numbers) for reader in readers]
                parts.append(f"| {network.name} | {' | '.join(cells)} |\n")
    parts.append(_CAUSES)
    parts += [f"| {number} | {cause}{_everywhere(cause)} | {_counts(cause)} |\n" for cause, number in numbers.items()]
    return "".join(parts)


def _counts(cause: str) -> str:
    """In how many summaries a cause makes a difference, and how many."""
    found = [
        (network, reader, what)
        for listed in LISTED
        for readers, networks, whats in listed.places()
        for network in networks
        for reader in readers
        for what in whats
        if listed.cause == cause and network != ANY
    ]
    return f"{len({case[:2] for case in found})} | {len(found)}"


def _everywhere(cause: str) -> str:
    """The readers all of whose summaries may differ by a cause."""
    found = (
        readers
        for listed in LISTED
        for readers, networks, _ in listed.places()
        if listed.cause == cause and networks == [ANY]
    )
    return "".join(f" (Everywhere: {' '.join(readers)}.)" for readers in found)


def _cell(network: Network, reader: str, numbers: dict[str, int]) -> str:
    """What a reader says of a network: the numbers of the causes why it says something else."""
    if reader not in network.compared:
        return ""
    found = {
        numbers[listed.cause]
        for listed in LISTED
        for readers, networks, _ in listed.places()
        if reader in readers and network.name in networks
    }
    return ", ".join(map(str, sorted(found))) or "="


if __name__ == "__main__":
    PAGE.write_text(page())
