"""Which columns of a table a terminal has room for, and how names are shortened so that no two become the same."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

#: Columns that give up room, the first one first, and the least that is left of them. Names are the last to do so.
_SHRINKING = (
    ("connected_to", 12),
    ("attributes", 12),
    ("type", 8),
    ("form", 8),
    ("weighted", 12),
    ("breaks", 16),
    ("input", 12),
    ("tensors", 12),
)
#: Columns of this priority or less say what others say, too.
_DISPENSABLE = -2
#: How much of what is left of a name is its beginning: both ends say where it is, unless all begin or end the same.
_BEGINNINGS = (0.5, 0.25, 0.0, 0.75, 1.0)


def fit(
    keys: Sequence[str], priorities: Sequence[int], widths: Sequence[int], least: Sequence[int], available: int
) -> dict[int, int]:
    """The columns that stay and their widths: shorter words first, then fewer columns; the first one always stays.

    Of ``least`` width at least is each column: its title's, and the first one's where its names are still distinct. The
    column of the lowest priority goes first, of equal ones the one at the right; dispensable ones before words are cut.
    """
    chosen = list(range(len(keys)))

    def missing_now() -> int:
        return sum(widths[index] for index in chosen) + 3 * len(chosen) + 1 - available

    def gives_way(index: int) -> tuple[int, int]:
        return priorities[index], -index

    while missing_now() > 0 and (spare := [index for index in chosen[1:] if priorities[index] <= _DISPENSABLE]):
        chosen.remove(min(spare, key=gives_way))
    shrinking = [*((keys.index(key), room) for key, room in _SHRINKING if key in keys[1:]), (0, 0)]
    while True:
        fitted = {index: widths[index] for index in chosen}
        missing = sum(fitted.values()) + 3 * len(fitted) + 1 - available
        for index, room in shrinking:
            if index in fitted and missing > 0:
                gain = min(missing, max(0, fitted[index] - max(room, least[index])))
                fitted[index] -= gain
                missing -= gain
        if missing <= 0:
            return fitted
        if len(chosen) == 1:
            return {0: max(available - 4, 3)}
        chosen.remove(min(chosen[1:], key=gives_way))


def least_width(names: Sequence[str], scopes: Sequence[int], at_most: int, ascii_only: bool = False) -> int:
    """The least width at which ``shortened`` names are still told apart."""
    low, high = 3, max(3, min(at_most, max(map(cell_len, names), default=3)))
    while low < high:
        middle = (low + high) // 2
        if _distinct(names, scopes, middle, ascii_only) is None:
            low = middle + 1
        else:
            high = middle
    return low


def shortened(names: Sequence[str], scopes: Sequence[int], width: int, ascii_only: bool = False) -> list[str]:
    """Names of at most ``width`` characters, no two the same that weren't: names are compared within their scope.

    Where that is impossible, they end in their number.
    """
    if found := _distinct(names, scopes, width, ascii_only):
        return found
    numbers = [f"~{index}" for index in range(1, len(names) + 1)]
    return [
        shorten(name, max(width - len(number), 1), ascii_only) + number if cell_len(name) > width else name
        for name, number in zip(names, numbers, strict=True)
    ]


def _shared_library(names: Sequence[str]) -> int:
    """How many letters all names begin with that are ``torch:`` or another library; 0 of a single name."""
    begin = names[0].partition(":")[0] + ":" if len(names) > 1 else ""
    return len(begin) if begin and all(name.startswith(begin) for name in names) else 0


def _distinct(names: Sequence[str], scopes: Sequence[int], width: int, ascii_only: bool) -> list[str] | None:
    wanted = len(set(zip(scopes, names, strict=True)))
    if any(cell_len(name) > width for name in names):
        # What all of them begin with tells none from another: torch:resnet101 is …resnet101 before it is torch…101.
        begin = _shared_library(names)
        mark = "..." if ascii_only else "…"
        bare = [mark + name[begin:] for name in names]
        if begin and all(cell_len(name) <= width for name in bare):
            return bare
        names = [name[begin:] for name in names]
    for beginning in _BEGINNINGS:
        short = [shorten(name, width, ascii_only, beginning) for name in names]
        if len(set(zip(scopes, short, strict=True))) == wanted:
            return short
    return None


def shorten(text: str, width: int, ascii_only: bool = False, beginning: float = 0.5) -> str:
    """``text`` cut to ``width`` characters, ``beginning`` of which are its first ones."""
    if cell_len(text) <= width:
        return text
    mark = "..." if ascii_only else "…"
    keep = max(width - len(mark), 2)
    # What indents a name below its heading stays.
    indent = len(text) - len(text.lstrip(" "))
    first = max(int(keep * beginning), min(indent, keep))
    start, end = text[:first], text[len(text) - (keep - first) :]
    while cell_len(start + mark + end) > max(width, 3):  # wide characters
        start, end = (start[:-1], end) if len(start) > len(end) else (start, end[1:])
        if not start and not end:
            break
    return start + mark + end
