"""AGREEMENT.md: what each reader says of each network, beside the live framework. ``python -m tests.agreement.page``.

It is made of the list of exceptions alone, which ``test_agreement.py`` holds against what the readers really say.
"""

from __future__ import annotations

from pathlib import Path

from .exceptions import LISTED
from .listed import ANY, FORMAT
from .networks import KERAS_FILES, NETWORKS, TORCH_FILES, TWIN, Network

PAGE = Path(__file__).parents[2] / "AGREEMENT.md"
_HEAD = """# Agreement

Small networks that together use every word of the op vocabulary go through every reader that can have them. Each
summary is compared with that of the live framework: op, settings, layout, shapes, parameters, MACs, receptive field,
bytes kept for training, and residual blocks. The tests in `tests/agreement/` fail on a difference that isn't listed,
and on a listed one that no longer occurs. `make agreement` writes this page from the list.

`=` means the same in everything; a number is a reason below; an empty cell is a reader that such a network can't go
through. `local` works a residual block out by rules, `twin` is the same network in torch.
"""


def page() -> str:
    """The page as text."""
    reasons = sorted({(listed.kind != FORMAT, listed.reason) for listed in LISTED})
    numbers = {reason: number for number, (_, reason) in enumerate(reasons, 1)}
    everywhere = {
        listed.reason: f" (Everywhere: {' '.join(readers)}.)"
        for listed in LISTED
        for readers, networks, _ in listed.places()
        if networks == [ANY]
    }
    parts = [_HEAD]
    for framework, readers in (("torch", (*TORCH_FILES, "local")), ("keras", (*KERAS_FILES, "local", TWIN))):
        parts.append(
            f"\n## Networks of {framework}\n\n| network | {' | '.join(readers)} |\n|---|{'---|' * len(readers)}\n"
        )
        for network in NETWORKS:
            if network.framework == framework:
                cells = [_cell(network, reader, numbers) for reader in readers]
                parts.append(f"| {network.name} | {' | '.join(cells)} |\n")
    for ours, title in ((False, "Reasons that are the format's or the exporter's"), (True, "Ours to mend")):
        parts.append(f"\n## {title}\n\n")
        parts += [
            f"{numbers[reason]}. {reason}{everywhere.get(reason, '')}\n"
            for is_ours, reason in reasons
            if is_ours is ours
        ]
    return "".join(parts)


def _cell(network: Network, reader: str, numbers: dict[str, int]) -> str:
    """What a reader says of a network: the numbers of the reasons why it says something else."""
    if reader not in network.compared:
        return ""
    found = {
        numbers[listed.reason]
        for listed in LISTED
        for readers, networks, _ in listed.places()
        if reader in readers and network.name in networks
    }
    return ", ".join(map(str, sorted(found))) or "="


if __name__ == "__main__":
    PAGE.write_text(page())
