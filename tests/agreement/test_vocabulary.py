"""The networks together use every word of the op vocabulary, so that a new word needs a network."""

from __future__ import annotations

import pytest

from resnet_inspect.ir import Summary
from resnet_inspect.ops.vocabulary import VOCABULARY
from tests.support.command import needs

from .networks import NETWORKS
from .readers import LIVE, summary_of, vocabulary_of

#: Words that no live network has, each with the reason.
_NEVER_LIVE = {
    "activation": "Stands for the activation that a layer of Keras has, whose own word it gets.",
    "avg_pool": "Keras' function for any number of dimensions; its layers have a word for each.",
    "conv": "Keras' function for any number of dimensions; its layers have a word for each.",
    "conv_transpose": "Keras' function for any number of dimensions; its layers have a word for each.",
    "max_pool": "Keras' function for any number of dimensions; its layers have a word for each.",
    "erf": "What exporters write a gelu with.",
    "batch_to_space": "What TensorFlow writes a dilated convolution with.",
    "dequantize": "ONNX's word: torch has one for both, `fake_quantize`.",
    "quantize": "ONNX's word: torch has one for both, `fake_quantize`.",
    "space_to_batch": "What TensorFlow writes a dilated convolution with.",
}


@pytest.fixture(scope="module")
def live() -> set[str]:
    """All ops of all networks."""
    ops: set[str] = set()
    for network in NETWORKS:
        summary = summary_of(network.name, LIVE)
        assert isinstance(summary, Summary), f"{network.name}: {summary}"
        ops.update(layer.op for layer in summary.layers)
    return ops


@needs("torch", "2.14")
@needs("onnx", "1.23")
@needs("keras", "3.15")
@needs("tensorflow", "2.21")
def test_every_word_is_in_a_network(live: set[str]) -> None:
    assert VOCABULARY.keys() - live == _NEVER_LIVE.keys()


@needs("torch", "2.14")
@needs("onnx", "1.23")
@needs("keras", "3.15")
@needs("tensorflow", "2.21")
def test_every_word_is_in_the_vocabulary(live: set[str]) -> None:
    said = {word for framework in ("torch", "keras") for words in vocabulary_of(framework).values() for word in words}
    assert said - {"other"} <= VOCABULARY.keys()
    # Keras names its functions by themselves, and nothing is known of these.
    assert live - VOCABULARY.keys() == {"other"}
