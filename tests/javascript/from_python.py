"""What the tests of the page's modules take from Python, as JSON: ``python -m tests.javascript.from_python``.

Networks as a page is given them, and numbers with the texts that ``units.py`` makes of them.
"""

from __future__ import annotations

import json
import math
import random
from collections.abc import Iterator
from typing import Any

from resnet_inspect import units
from resnet_inspect.analysis.rows import rows
from resnet_inspect.ir import Summary
from resnet_inspect.readers.local.reader import summarize
from resnet_inspect.readers.request import Request
from resnet_inspect.render.csv import document
from resnet_inspect.render.html.network import network
from resnet_inspect.render.markdown import escape
from resnet_inspect.visible import cleaned
from tests.support.toys import network as of_layers
from tests.support.toys import toy

#: Random networks, and random numbers of each column's word.
NETWORKS, NUMBERS = 40, 3000
#: Cells of tables that other programs would take for more than text, and some that they wouldn't.
CELLS = (
    *("plain", "=1+1", "  =cmd", "+1", "-1", "-1.5", "1e-05", "-x", "@user", "\uff1dcmd", "\uff20x", "a,b", 'a"b'),
    *("a|b", "`code`", "*b*", "_i_", "<img>", "[x](y)", "&amp;", "~~x~~", "$x$", "\\", "#12", "#x", "www.x.y", "a b"),
    *("!3", "%4", "GH-5", "mailto:x@y.z", "xmpp:x", "a & b", "x%y"),
    *("http://x.y", "HTTPS://x.y", "ftp://x", "x@y.z", "1x3x224x224", "0", "25,557,032"),
)
OPS = ("conv2d", "relu", "add", "add", "batch_norm", "concat", "other")


def networks() -> dict[str, Summary]:
    """Residual networks, and random ones whose modules are called in turns and skip one another."""
    found = {name: summarize(Request(name)).summary for name in ("resnet18", "resnet50", "resnet152")}
    found["keras"] = summarize(Request("resnet50", flavor="keras")).summary
    dense = [toy(f"d.layer{i}", "concat", " ".join(["x", *(f"d.layer{j}" for j in range(i))])) for i in range(12)]
    found["dense"] = of_layers(toy("x", "input"), *dense, modules=(("", "Net"), ("d", "Dense")))
    found["header"] = of_layers(*(toy(f"a.{i}", "other", params=3) for i in range(5)))
    found["one"] = of_layers(toy("x", "input"))
    return found | {f"random{seed}": arbitrary(random.Random(seed)) for seed in range(NETWORKS)}


def arbitrary(chance: random.Random) -> Summary:
    """Layers in modules in modules; one reads mostly what came shortly before, sometimes anything or nothing."""
    count = chance.randint(2, 60)
    modules = [""]
    for _ in range(chance.randint(0, 12)):
        around = chance.choice(modules)
        modules.append(f"{around}.m{len(modules)}".lstrip("."))
    here, layers, names = "", [toy("x", "input")], ["x"]
    for index in range(count):
        if chance.random() < 0.4:
            here = chance.choice(modules)
        op = chance.choice(OPS)
        reads = [chance.choice(names[-3:] if chance.random() < 0.8 else names)]
        if op in ("add", "concat"):
            reads.append(chance.choice(names[-8:]))
        elif chance.random() < 0.05:
            reads = []
        name = f"{here}.l{index}".lstrip(".")
        layers.append(toy(name, op, " ".join(reads), params=chance.choice((0, 5)) if op == "conv2d" else 0))
        names.append(name)
    return of_layers(*layers, modules=tuple((path, "Net" if not path else f"M{len(path)}") for path in modules))


def worded() -> Iterator[tuple[str, int | str, str]]:
    """A column's word, an amount as a page has it, and its text; where prefixes change and beyond 2^53 too."""
    chance = random.Random(0)
    # Halves are rounded to what is even: 100.5 k, 12.25 M.
    parts = (0.5, 1.125, 9.995, 10.25, 12.75, 99.95, 100.5, 101.5, 999.5, 1023.5)
    numbers = [0, 2**53, 2**53 + 1, 10**21, 10**25 + 1]
    for border in [part * step**power for part in parts for step in (1000, 1024) for power in range(7)]:
        numbers += [int(border) - 1, int(border), int(border) + 1] if border < 2**52 else []
        # Beyond, a page knows only those that its numbers tell apart.
        numbers += [int(math.nextafter(border, to)) for to in (0, border, math.inf)]
    numbers += [chance.randrange(10 ** chance.randint(1, 22)) for _ in range(NUMBERS)]
    for word in (units.exact, units.si, units.binary):
        for number in numbers:
            for amount in (number, -number):
                yield word.__name__, amount if abs(amount) < 2**53 else str(amount), word(amount)


def answer() -> dict[str, Any]:
    """Everything that the tests ask for."""
    return {
        "networks": {name: network(cleaned(summary)) for name, summary in networks().items()},
        "worded": list(worded()),
        "copied": [[cell, document([], [[cell]]).strip("\n"), escape(cell)] for cell in CELLS],
        "levels": {
            name: {depth: [row.id for row in rows(networks()[name], depth)] for depth in (1, 2, 3)}
            for name in ("resnet18", "resnet50")
        },
    }


if __name__ == "__main__":
    print(json.dumps(answer()))
