"""What to say of a name that none of our networks has: it may be a library's, or a network of the user's own."""

from __future__ import annotations

from ...blocks.networks import find, names
from ...errors import closest, meant
from .. import zoo

#: So many names are offered.
_CHOICES = 3


def unknown(name: str, flavor: str) -> str:
    """The message: the names that ``name`` stands in, ours first, or else the nearest ones."""
    other = {"torch": "keras", "keras": "torch"}[flavor]
    if find(name, other):
        return f"the {flavor} flavor has no {name!r}; --flavor {other} has it"
    known = {ours.lower(): ours for ours in names(flavor)}
    for backend, theirs in zoo.known():
        known.setdefault(theirs.lower(), f"{backend}:{theirs}")
    wanted = name.lower()
    near = [known[key] for key in sorted(known, key=lambda key: not key.startswith(wanted)) if wanted in key]
    near = near or [known[key] for key in closest(wanted, known, _CHOICES)]
    listing = "'resnet-inspect models' lists what there is"
    if near:
        hint = f"{meant(near[:_CHOICES])} {listing}"
    else:
        hint = (
            f"{listing}; a network of timm, transformers or keras-hub is named with "
            "its library (transformers:bert), and one of your own file.py:Net"
        )
    return f"{absent(name)}; {hint}"


def absent(name: str) -> str:
    """How the message begins; ``answers/revision.py`` recognises it in what another process wrote."""
    return f"no such model: {name!r:.80}"
