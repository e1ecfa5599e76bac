"""The names of Keras that we use though they aren't public: each is where it was."""

from __future__ import annotations

import ast
import importlib
from functools import reduce
from pathlib import Path
from typing import Any

import pytest

from resnet_inspect import readers
from tests.support.command import in_child, release

_FOLDER = Path(readers.__file__).parent
_COMPAT = _FOLDER / "keras" / "compat.py"


def of_this_version(seen: tuple[str, str]) -> bool:
    """Whether a name must be there; after the last version that it was seen in, it still must where that is ours."""
    import keras

    from resnet_inspect.readers.keras.compat import LAST

    first, last = map(release, seen)
    return first <= release(keras.__version__) and (last == release(LAST) or release(keras.__version__) <= last)


@in_child("tensorflow")
def test_each_private_name_is_where_it_was_seen() -> None:
    from resnet_inspect.readers.keras.compat import SEEN

    moved = []
    for place, seen in SEEN.items():
        module, _, path = place.partition(":")
        try:
            reduce(getattr, path.split("."), importlib.import_module(module))
        except (ImportError, AttributeError):
            moved += [place] if of_this_version(seen) else []
    assert not moved, moved


@in_child("tensorflow")
@pytest.mark.filterwarnings("ignore")
def test_each_private_attribute_is_where_it_was_seen() -> None:
    import keras
    from keras import layers

    from resnet_inspect.readers.keras.compat import ATTRIBUTES

    def quantized(layer: Any) -> Any:
        if release(keras.__version__) < (3, 11):
            return None  # has no weights of 4 bits
        layer.build((None, 3, 4))
        layer.quantize("int4")
        return layer

    inputs = keras.Input((3, 4))
    dense = layers.Dense(2)
    einsum = layers.EinsumDense("abc,cd->abd", (None, 2))
    attention = layers.MultiHeadAttention(1, 2)
    attention(inputs, inputs)
    functional = keras.Model(inputs, einsum(dense(inputs)))
    objects = {
        "layer": dense,
        "node": dense._inbound_nodes[0],
        "functional model": functional,
        "sequential model": keras.Sequential([inputs, layers.Dense(2)]),
        "variable": dense.kernel,
        "einsum dense": einsum,
        "multi-head attention": attention,
        "dense of 4 bits": quantized(layers.Dense(2)),
        "einsum dense of 4 bits": quantized(layers.EinsumDense("abc,cd->abd", (None, 2))),
    }
    moved = []
    for kind, attributes in ATTRIBUTES.items():
        for path, seen in attributes.items():
            try:
                reduce(getattr, path.split("."), objects[kind])
            except AttributeError:
                moved += [f"{kind}: {path}"] if of_this_version(seen) else []
    assert not moved, moved


@in_child("tensorflow")
def test_keras_keeps_its_names_and_its_seeds_where_we_put_others() -> None:
    import keras

    from resnet_inspect.readers.keras.compat import GENERATOR, NAMES, global_state

    keras.random.uniform(())
    assert isinstance(global_state.get_global_attribute(GENERATOR), keras.random.SeedGenerator)
    name = keras.layers.Dense(1).name
    global_state.set_global_attribute(NAMES, None)
    assert [keras.layers.Dense(1).name for _ in range(2)] == ["dense", "dense_1"] != name


def private_uses(path: Path) -> set[str]:
    """The attributes with an underscore that a file reads of what isn't its own, by their names."""
    own = ("cls", "self", "recorder")
    return {
        node.attr
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr.startswith("_") and not node.attr.startswith("__")
        if not (isinstance(node.value, ast.Name) and node.value.id in own)
    }


def test_no_other_file_reaches_into_keras() -> None:
    named = _COMPAT.read_text()
    for path in sorted({*_FOLDER.glob("keras/*.py"), *_FOLDER.glob("libraries/keras*.py")} - {_COMPAT}):
        source = path.read_text()
        assert "keras.src" not in source.replace("keras_hub.src", ""), path.name
        assert "__version__ <" not in source, path.name
        assert {name for name in private_uses(path) if f'{name}"' not in named} == set(), path.name
