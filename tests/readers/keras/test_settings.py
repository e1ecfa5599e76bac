"""A comparison sees each setting of each of Keras' layers."""

from __future__ import annotations

from typing import Any

import pytest

from tests.readers.keras.test_kinds import KINDS
from tests.support.command import in_child, needs

#: Kinds that read a list of tensors, and kinds that read several, each with its arguments; here one tensor twice.
_OF_A_LIST: dict[str, dict[str, Any]] = {"AdditiveAttention": {}, "Attention": {}}
_OF_TWO: dict[str, dict[str, Any]] = {
    "GroupQueryAttention": {"head_dim": 4, "num_query_heads": 4, "num_key_value_heads": 2},
    "MultiHeadAttention": {"num_heads": 2, "key_dim": 3},
}
#: What is another value of a setting, by the one that it has; the first that Keras takes is tried.
_OTHER_WORDS = {"valid": "same", "channels_last": "channels_first", "linear": "tanh", "tanh": "sigmoid"}
_FOR_NONE = (2, 0.25, "relu", "sum", True)
#: A name, where weights begin, what is asked of them while they are trained, and what only layers with weights have.
_NOT_COMPUTED = ("name", "dtype", "seed", "trainable")
_NOT_COMPUTED_ENDINGS = ("_initializer", "_regularizer", "_constraint")
#: Settings that change nothing of these layers: of a renormalization that isn't asked for, of types that they have.
_IDLE = {("BatchNormalization", "renorm_clipping"), ("BatchNormalization", "renorm_momentum")}
_IDLE |= {(kind, "quantization_config") for kind in ("Dense", "EinsumDense", "Embedding")}
#: The windows here fit, so that nothing is padded.
_IDLE |= {(f"{kind}Pooling{d}D", "padding") for kind in ("Average", "Max") for d in (1, 2, 3)}


def _others(value: Any) -> tuple[Any, ...]:
    if value is None:
        return _FOR_NONE
    if isinstance(value, bool):
        return (not value,)
    if isinstance(value, int):
        return (value + 1,)
    if isinstance(value, float):
        return (value / 2 + 0.1,)
    if isinstance(value, str):
        return (_OTHER_WORDS.get(value, "tanh"), "nearest", "bicubic", "reflect", "horizontal")
    if isinstance(value, (list, tuple)) and value and all(isinstance(item, int) for item in value):
        return (type(value)(item + 1 for item in value),)
    return ()


@needs("keras", "3.15")
@in_child("tensorflow")
@pytest.mark.filterwarnings("ignore")
def test_every_setting_of_every_layer_is_seen() -> None:
    import keras

    from resnet_inspect import summarize
    from resnet_inspect.diffs import compare
    from resnet_inspect.ir import Summary

    def made(kind: str, settings: dict[str, Any], shape: tuple[int, ...]) -> tuple[Any, Summary]:
        layer, x = getattr(keras.layers, kind)(**settings), keras.Input(shape)
        y = layer([x, x]) if kind in _OF_A_LIST else layer(x, x) if kind in _OF_TWO else layer(x)
        return layer, summarize(keras.Model(x, y), shape)

    seen, unseen = 0, set()
    for shape, kinds in {**KINDS, (6, 4): {**KINDS[6, 4], **_OF_A_LIST, **_OF_TWO}}.items():
        for kind, given in kinds.items():
            layer, old = made(kind, given, shape)
            for setting, value in layer.get_config().items():
                if setting in _NOT_COMPUTED or setting.endswith(_NOT_COMPUTED_ENDINGS):
                    continue
                for other in _others(value):
                    try:
                        _, new = made(kind, {**given, setting: other}, shape)
                    except Exception:  # Keras says in many ways that it takes no such value
                        continue
                    seen += 1
                    if not compare(old, new).kinds:
                        unseen.add((kind, setting))
                    break
    assert unseen <= _IDLE
    assert seen > 250
