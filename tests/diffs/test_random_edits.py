"""A random network and a few random edits: what is reported is what was edited, whichever way round it is asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from hypothesis import given
from hypothesis import strategies as st

from resnet_inspect.blocks.flavor import TORCH
from resnet_inspect.blocks.graph import INPUT, Graph, GraphBuilder
from resnet_inspect.diffs import Diff, compare
from resnet_inspect.diffs.names import uncounted
from resnet_inspect.ir import Summary
from resnet_inspect.readers.local.reader import expected_input, resolve_input, run
from resnet_inspect.readers.request import Request
from tests.support.examples import examples

#: What has to fit what a layer reads: no edit of its own.
_FITTED = {"channels", "in_channels"}


@dataclass(frozen=True)
class Unit:
    """One layer of a chain. An ``add`` reads what the unit named ``skip`` gives, too; a ``call`` is a function's."""

    name: str
    kind: str
    width: int = 8
    kernel: int = 3
    eps: float = 1e-5
    frozen: bool = False
    skip: str = ""


@dataclass
class Expected:
    """What a comparison has to report, by the names of units."""

    added: Counter[str] = field(default_factory=Counter)
    removed: Counter[str] = field(default_factory=Counter)
    renamed: set[tuple[str, str]] = field(default_factory=set)
    changed: dict[str, set[str]] = field(default_factory=dict)


def summary(units: Sequence[Unit]) -> Summary:
    """The chain, with each unit fitted to the one before it."""
    graph = GraphBuilder(TORCH)
    last, width, widths = INPUT, 8, {INPUT: 8}
    ids = {"": INPUT}
    calls = 0
    for unit in units:
        if unit.kind == "conv":
            last = graph.conv(unit.name, last, (width, unit.width), unit.kernel, padding=unit.kernel // 2)
            width = unit.width
        elif unit.kind == "norm":
            last = graph.batch_norm(unit.name, last, width, unit.eps, 0.1)
        elif unit.kind == "add":
            last = graph.op(unit.name, "add", last, ids[unit.skip], is_module=False)
        else:  # as torch's exporters number the calls of a function
            last = graph.op(f"relu_{calls}" if calls else "relu", "relu", last, is_module=False)
            calls += 1
        ids[unit.name] = last
        widths[last] = width
    made = Graph("toy", TORCH, "test", 8, (4, 4), tuple(graph.nodes), (("", "Toy"), *graph.modules))
    found = run(made, resolve_input(Request(), "toy", expected_input(TORCH, 8, (4, 4))), "float32")
    frozen = {unit.name for unit in units if unit.frozen}
    return replace(
        found,
        layers=tuple(
            replace(layer, parameters=tuple(replace(p, role="frozen") for p in layer.parameters))
            if layer.path in frozen and layer.op == "conv2d"
            else layer
            for layer in found.layers
        ),
    )


@st.composite
def chains(draw: st.DrawFn) -> list[Unit]:
    """Convolutions, norms, functions and skip connections over some of them, all 8 channels wide."""
    kinds = draw(st.lists(st.sampled_from(["conv", "norm", "call", "add"]), min_size=3, max_size=12))
    units = [Unit("first", "conv")]
    for index, kind in enumerate(kinds):
        # Which of equal calls a skip connection begins at can't be told where more than one comes or goes around it.
        before = [unit.name for unit in units[:-1] if unit.kind != "call"]
        if kind == "add" and not before:
            continue
        skip = draw(st.sampled_from(before)) if kind == "add" else ""
        units.append(Unit(f"{kind}_of_{'abcdefghijkl'[index]}", kind, skip=skip))
    return units


@st.composite
def edits(draw: st.DrawFn) -> tuple[list[Unit], list[Unit], Expected]:
    """A chain, the chain with up to five edits of different units, and what they were."""
    old = draw(chains())
    new, expected = list(old), Expected()
    touched = {"first"}
    skipped = {unit.skip for unit in old}
    # What goes at one place and comes at another has moved: either come or go.
    some = draw(st.sampled_from([["insert", "skip", "call"], ["remove", "cut"]]))
    for number in range(draw(st.integers(1, 5))):
        free = [unit for unit in new if unit.name not in touched and unit.name not in skipped]
        kind = draw(st.sampled_from(["kernel", "eps", "frozen", "rename", *some]))
        wanted = {
            "kernel": "conv",
            "eps": "norm",
            "frozen": "conv",
            "cut": "add",
            "insert": "norm",
            "rename": "conv",
        }.get(kind)
        if kind in ("insert", "skip", "call"):
            index = draw(st.integers(1, len(new)))
            name = f"new_of_{'abcde'[number]}"
            sources = [unit.name for unit in new[: index - 1] if unit.kind != "call"]
            if kind == "skip" and not sources:
                continue
            unit = (
                Unit(name, "add", skip=draw(st.sampled_from(sources)))
                if kind == "skip"
                else Unit(name, "call" if kind == "call" else "norm")
            )
            new.insert(index, unit)
            expected.added["relu" if kind == "call" else name] += 1
            touched |= {name, unit.skip}
            skipped.add(unit.skip)
            continue
        # One of two equal layers renamed, and the other gone, is the other one renamed: so only norms come and go.
        found = [unit for unit in free if unit.kind == (wanted or "norm")]
        if not found:
            continue
        unit = draw(st.sampled_from(found))
        touched.add(unit.name)
        index = new.index(unit)
        if kind in ("remove", "cut"):
            new.pop(index)
            expected.removed[unit.name] += 1
        elif kind == "rename":
            new[index] = replace(unit, name=f"called_{unit.name}")
            touched.add(new[index].name)
            expected.renamed.add((unit.name, new[index].name))
        else:
            value = {"kernel": 5, "eps": 1e-3, "frozen": True}[kind]
            new[index] = replace(unit, **{kind: value})  # type: ignore[arg-type]
            fields = {"kernel": {"kernel_size", "padding"}, "eps": {"eps"}, "frozen": {"trainable"}}
            expected.changed[unit.name] = fields[kind]
    return old, new, expected


def reported(found: Diff) -> Expected:
    """What a comparison says was edited."""
    changed = {
        layer.layer.id: {change.field for change in layer.changes if change.kind in ("config", "edges")} - _FITTED
        for layer in found.of("changed")
    }
    return Expected(
        Counter(uncounted(layer.layer.id) for layer in found.of("added")),
        Counter(uncounted(layer.layer.id) for layer in found.of("removed")),
        {(layer.old.id, layer.new.id) for layer in found.layers if layer.renamed and layer.old and layer.new},
        {name: fields for name, fields in changed.items() if fields},
    )


def mirrored(edit: Expected) -> Expected:
    """The same edits, undone."""
    names = dict(edit.renamed)
    changed = {names.get(name, name): fields for name, fields in edit.changed.items()}
    return Expected(edit.removed, edit.added, {(new, old) for old, new in edit.renamed}, changed)


@examples(300)
@given(edits())
def test_what_is_reported_is_what_was_edited(case: tuple[list[Unit], list[Unit], Expected]) -> None:
    old, new, expected = case
    a, b = summary(old), summary(new)
    found, back = compare(a, b), compare(b, a)
    assert reported(found) == expected
    assert reported(back) == mirrored(expected)
    assert not found.of("moved")


@examples(300)
@given(edits())
def test_applied_to_the_old_list_a_comparison_gives_the_new_one(case: tuple[list[Unit], list[Unit], Expected]) -> None:
    old, new, _ = case
    a, b = summary(old), summary(new)
    found = compare(a, b)
    assert [layer.new for layer in found.layers if layer.new] == list(b.layers)
    assert Counter(layer.old for layer in found.layers if layer.old) == Counter(a.layers)
    assert sum(
        (layer.new.params if layer.new else 0) - (layer.old.params if layer.old else 0) for layer in found.layers
    ) == (b.totals.params - a.totals.params)


def test_a_call_in_front_of_two_that_a_skip_connection_tells_apart() -> None:
    old = [Unit("conv", "conv"), Unit("a", "call"), Unit("b", "call"), Unit("sum", "add", skip="a")]
    new = [*old[:1], Unit("first", "call"), *old[1:]]
    assert reported(compare(summary(old), summary(new))) == Expected(Counter(relu=1))
    assert reported(compare(summary(new), summary(old))) == Expected(removed=Counter(relu=1))
