"""Edits of the small residual network, and what a page of a comparison has to say of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from resnet_inspect.ir import Summary, Value
from tests.support import small_residual as small

OLD = small.summary()


@dataclass(frozen=True)
class Edit:
    """An edit of the small network and what a page has to say of it.

    ``changes`` are the entries of the list, in order. ``marks`` are all layers and modules that are marked, by mark;
    ``equal`` is what is held together, in order. The old side has the same, unless it is said.
    """

    make: Callable[[], Summary]
    changes: list[str]
    marks: dict[str, str]
    equal: list[str]
    old_marks: dict[str, str] | None = None
    old_equal: list[str] | None = None


def wider() -> Summary:
    made = small.nodes()
    small.set_to(made, "body.b.conv1", out_channels=16)
    small.set_to(made, "body.b.norm1", channels=16)
    small.set_to(made, "body.b.conv2", in_channels=16)
    return small.summary(made)


def inserted() -> Summary:
    made = small.nodes()
    path, source = "body.b.extra", "body.b.norm1"
    node = made["body.b.conv2"]._replace(id=path, path=path, inputs=(source,))
    return small.summary(small.put_behind(made, source, node))


def without(path: str) -> Summary:
    return small.summary(small.taken_out(small.nodes(), path))


def renamed() -> Summary:
    return small.summary(small.renamed(small.nodes(), lambda name: name.replace("body.b.", "body.middle.")))


def moved() -> Summary:
    made = small.nodes()
    relu = made["stem.relu"]._replace(inputs=("stem.conv",))
    return small.summary(small.put_behind(small.taken_out(made, "stem.relu"), "stem.conv", relu))


def with_setting(path: str, **settings: Value) -> Summary:
    made = small.nodes()
    small.set_to(made, path, **settings)
    return small.summary(made)


def with_weights(path: str, **fields: str) -> Summary:
    (layer,) = (layer for layer in OLD.layers if layer.id == path)
    weights = tuple(replace(parameter, **fields) for parameter in layer.parameters)  # type: ignore[arg-type]
    return small.with_layers(OLD, {path: {"parameters": weights}})


def with_skip() -> Summary:
    made = small.nodes()
    path, source = "body.b.more", "body.b.conv2"
    node = made["body.b.add"]._replace(id=path, path=path, inputs=(source, "body.b.relu1"))
    return small.summary(small.put_behind(made, source, node))


def swapped() -> Summary:
    other = {"type": "GELU", "op": "gelu", "attributes": (("approximate", "none"),)}
    return small.with_layers(OLD, {"body.b.relu1": other})


_BLOCK = ("conv1", "norm1", "relu1", "conv2", "norm2", "add", "relu2")
_BEHIND_THE_STEM = " ".join(
    (
        "stem.norm stem.relu body head head.pool",
        *(f"body.{block}" for block in "abc"),
        *tuple(f"body.{block}.{name}" for block in "abc" for name in _BLOCK),
    )
)
EDITS = {
    "wider layer": Edit(
        wider,
        [
            (
                "changed body.b.conv1: out_channels 8 → 16 · output 1x8x8x8 → 1x16x8x8 · params 576 → 1,152 · "
                "macs 36,864 → 73,728"
            ),
        ],
        {
            "changed": "body.b.conv1",
            "follows": "body.b.norm1 body.b.relu1 body.b.conv2",
            "holds": "body body.b",
        },
        ["4 equal layers", "3 layers that follow", "3 equal layers"],
    ),
    "inserted layer": Edit(
        inserted,
        ["added body.b.extra: 1x8x8x8 · 576 params · 36.9 k MACs"],
        {"added": "body.b.extra", "holds": "body body.b"},
        ["4 equal layers", "2 equal layers", "5 equal layers"],
        old_marks={},
        old_equal=["28 equal layers"],
    ),
    "removed layer": Edit(
        lambda: without("stem.relu"),
        ["removed stem.relu: 1x8x8x8"],
        {},
        ["27 equal layers"],
        old_marks={"removed": "stem.relu", "holds": "stem"},
        old_equal=["2 equal layers", "24 equal layers"],
    ),
    "renamed module": Edit(
        renamed,
        ["renamed body.b → body.middle, 7 layers: renamed"],
        {"renamed": " ".join(("body.middle", *(f"body.middle.{name}" for name in _BLOCK))), "holds": "body"},
        ["4 equal layers"],
        old_marks={"renamed": " ".join(("body.b", *(f"body.b.{name}" for name in _BLOCK))), "holds": "body"},
    ),
    "moved layer": Edit(
        moved,
        ["moved stem.relu: moved: reads stem.conv, was stem.norm"],
        {"moved": "stem.relu", "holds": "stem"},
        ["24 equal layers"],
        old_equal=["2 equal layers", "24 equal layers"],
    ),
    "stride": Edit(
        lambda: with_setting("stem.conv", stride=(2, 2)),
        ["changed stem.conv: stride 1x1 → 2x2 · output 1x8x8x8 → 1x8x4x4 · macs 13,824 → 3,456"],
        {"changed": "stem.conv", "holds": "stem", "follows": _BEHIND_THE_STEM},
        ["2 layers that follow", "24 layers that follow", "2 equal layers"],
    ),
    "dtype": Edit(
        lambda: with_weights("head.fc", dtype="float16"),
        ["changed head.fc: weight_dtype float32 → float16"],
        {"changed": "head.fc", "holds": "head"},
        ["25 equal layers", "2 equal layers"],
    ),
    "skip cut": Edit(
        lambda: without("body.b.add"),
        ["removed body.b.add: 1x8x8x8 · skip connection from body.a.relu2 removed"],
        {},
        ["27 equal layers"],
        old_marks={"removed": "body.b.add", "holds": "body body.b"},
        old_equal=["4 equal layers", "5 equal layers"],
    ),
    "skip added": Edit(
        with_skip,
        ["added body.b.more: 1x8x8x8 · skip connection from body.b.relu1 added"],
        {"added": "body.b.more", "holds": "body body.b"},
        ["4 equal layers", "4 equal layers", "3 equal layers"],
        old_marks={},
        old_equal=["28 equal layers"],
    ),
    "frozen": Edit(
        lambda: with_weights("stem.conv", role="frozen"),
        ["changed stem.conv: trainable true → false"],
        {"changed": "stem.conv", "holds": "stem"},
        ["2 equal layers", "24 equal layers"],
    ),
    "another activation": Edit(
        swapped,
        ["changed body.b.relu1: type ReLU → GELU · op relu → gelu"],
        {"changed": "body.b.relu1", "holds": "body body.b"},
        ["4 equal layers", "2 equal layers", "4 equal layers"],
    ),
    "another eps": Edit(
        lambda: with_setting("body.b.norm2", eps=1e-3),
        ["changed body.b.norm2: eps 1e-05 → 0.001"],
        {"changed": "body.b.norm2", "holds": "body body.b"},
        ["4 equal layers", "4 equal layers", "2 equal layers"],
    ),
}
