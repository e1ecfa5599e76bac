"""Archives that torch.jit wrote: their code is read and interpreted here, and torch never opens the file.

``archive.py`` and ``pickle.py`` read text and pickles, ``modules.py`` makes modules of them, ``run.py`` interprets the
code (``values.py``: plain values, ``calls.py``: built-in functions, ``types.py``). ``operators.py`` calls torch's
operators: those in ``allowed.py``, with arguments that ``schemas.py`` has checked. ``rows.py`` hears each call and
makes it a layer.
"""

from __future__ import annotations

from ..format import Format, Glimpse


def _recognised(seen: Glimpse) -> bool:
    folders = {part for name in seen.names for part in name.split("/")[:-1]}
    return seen.is_archive and "code" in folders and any(name.endswith("constants.pkl") for name in seen.names)


FORMATS = (
    Format(
        kind="torchscript",
        title="TorchScript",
        endings=(".pt",),
        recognises=_recognised,
        reader=f"{__package__}.reader",
        backend="torch",
    ),
)
