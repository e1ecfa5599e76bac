"""Whether a checkpoint fits a model, by a few names and shapes."""

from __future__ import annotations

from resnet_inspect.analysis.checkpoint_match import CheckpointMatch, Entry, compare


def entries(*names: str, shape: tuple[int, ...] = (2, 3)) -> list[Entry]:
    return [Entry(name, shape, "float32") for name in names]


def test_names_and_shapes_are_compared() -> None:
    found = compare(entries("a", "b", "c"), [*entries("a", "d"), *entries("b", shape=(3, 2))])
    assert found.matching == 1
    assert [entry.name for entry in found.missing] == ["c"]
    assert [entry.name for entry in found.unexpected] == ["d"]
    assert [(ours.shape, theirs.shape) for ours, theirs in found.mismatched] == [((2, 3), (3, 2))]
    assert not found.is_loadable


def test_each_difference_alone_keeps_a_file_from_fitting() -> None:
    (entry,) = entries("a")
    assert CheckpointMatch(1, (), (), ()).is_loadable
    assert not CheckpointMatch(1, (entry,), (), ()).is_loadable
    assert not CheckpointMatch(1, (), (entry,), ()).is_loadable
    assert not CheckpointMatch(1, (), (), ((entry, entry),)).is_loadable


def test_what_a_framework_fills_in_or_has_under_another_name_isnt_missing() -> None:
    model = [
        *entries("head"),
        Entry("count", (), "int64", optional=True),
        Entry("decoder", (2, 3), "float32", tied=("embedding",)),
        Entry("other", (2, 3), "float32", tied=("nowhere",)),
    ]
    found = compare(model, entries("head", "embedding"))
    assert [entry.name for entry in found.missing] == ["other"]


def test_prefixes_are_taken_off_as_long_as_more_names_match() -> None:
    assert compare(entries("a.w", "b.w"), entries("module.a.w", "module.b.w")).prefix == "module."
    twice = compare(entries("a.w"), entries("state_dict._orig_mod.a.w"))
    assert (twice.prefix, twice.is_loadable) == ("state_dict._orig_mod.", True)
    # The model's own names begin so: with the prefix off, none would match.
    own = compare(entries("model.a"), entries("model.a"))
    assert (own.prefix, own.is_loadable) == ("", True)
    # No more match without it, so that the file's names stay as people know them.
    assert compare(entries("x"), entries("model.a")).prefix == ""
    # A prefix that only some of the names have is none.
    assert compare(entries("a", "b"), entries("module.a", "b")).prefix == ""
    # A tie is no reason to go on.
    tie = compare(entries("model.a", "a"), entries("model.a"))
    assert (tie.prefix, [entry.name for entry in tie.missing]) == ("", ["a"])
    assert compare(entries("a"), []).prefix == ""
    assert not compare([], []).missing


def test_every_wrapper_that_training_scripts_use_is_known() -> None:
    words = ["state_dict", "model_state_dict", "model", "module", "model_ema", "net", "network", "params"]
    for word in (*words, "_orig_mod", "backbone"):
        assert compare(entries("conv"), entries(f"{word}.conv")).is_loadable, word


def test_the_closest_name_is_of_the_same_shape() -> None:
    found = compare(
        entries("layer1.conv.weight"),
        [*entries("layer1.konv.weight", "zzz"), *entries("layer1.conv.weigh", shape=(9,))],
    )
    assert found.closest(found.missing[0]) == "layer1.konv.weight"
    assert found.closest(Entry("layer1.conv.weight", (4, 4), "float32")) is None
    assert found.closest(Entry("quite another thing", (2, 3), "float32")) is None


def test_among_too_many_names_no_closest_is_looked_for() -> None:
    for count, closest in ((200, "w_0"), (201, None)):
        found = compare(entries("w-0"), entries(*(f"w_{number}" for number in range(count))))
        assert found.closest(found.missing[0]) == closest
