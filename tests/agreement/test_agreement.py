"""One network through every reader: a difference from the live framework is listed with its cause, or fails.

Together the networks use every word of the op vocabulary, so that a new word needs a network.
"""

from __future__ import annotations

from functools import cache

import pytest

from resnet_inspect.ir import Summary
from resnet_inspect.ops.vocabulary import VOCABULARY
from tests.support.command import needs

from . import causes, exceptions_keras, exceptions_onnx, exceptions_savedmodel, exceptions_torch
from .comparison import Difference, differences
from .exceptions import LISTED, fits, general, outdated, unlisted
from .listed import ANY
from .networks import BY_NAME, NETWORKS, TWIN
from .page import PAGE, page
from .readers import LIVE, summary_of, vocabulary_of

#: The versions of which the table of exceptions was made: exporters change what they write.
_MARKS = {
    "torch": (needs("torch", "2.14"), needs("torchvision", "0.29")),
    "keras": (needs("keras", "3.15"), needs("tensorflow", "2.21")),
    "onnx": (needs("onnx", "1.23"),),
}
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

_CASES = [(network.name, reader) for network in NETWORKS for reader in network.compared]


def _marked(name: str, reader: str) -> object:
    marks = list(_MARKS[BY_NAME[name].framework])
    if reader == TWIN:
        marks += [*_MARKS["torch"], *_MARKS["keras"]]
    if reader.startswith("onnx"):
        marks += _MARKS["onnx"]
    return pytest.param(name, reader, marks=marks, id=f"{name}-{reader}")


@cache
def _found(name: str, reader: str) -> list[Difference]:
    """The differences of a reader's summary from the live one, or of a Keras network from its twin in torch."""
    network = BY_NAME[name]
    base = network.twin if reader == TWIN and network.twin is not None else name
    live, found = summary_of(base, LIVE), summary_of(name, LIVE if reader == TWIN else reader)
    assert isinstance(live, Summary), f"{base} has no live summary: {live}"
    if isinstance(found, str):
        return [Difference("refused", "read", found)]
    return differences(live, found, across=reader == TWIN)


@pytest.mark.parametrize(("name", "reader"), [_marked(*case) for case in _CASES])
def test_readers_agree_but_for_what_is_listed(name: str, reader: str) -> None:
    found = _found(name, reader)
    new, gone = unlisted(name, reader, found), outdated(name, reader, found)
    assert not new, "\n".join(["fix a reader, or list these new differences with their cause:", *new])
    assert not gone, "\n".join(["take these differences, which no longer occur, off the list:", *gone])


@pytest.mark.parametrize(
    ("reader", "what"),
    [
        pytest.param(reader, what, marks=[*_MARKS["keras"], *_MARKS["torch"], *_MARKS["onnx"]])
        for reader, what in general()
    ],
)
def test_an_exception_for_any_network_occurs_in_one(reader: str, what: str) -> None:
    cases = [case for case in _CASES if case[1] == reader]
    assert any(fits(item.what, what) for case in cases for item in _found(*case))


def test_there_are_few_causes_and_each_stands_once_for_a_family_of_readers() -> None:
    assert len(causes.ALL) <= 15
    assert {listed.cause for listed in LISTED} == set(causes.ALL)
    for module in (exceptions_torch, exceptions_onnx, exceptions_keras, exceptions_savedmodel):
        found = [listed.cause for listed in module.LISTED]
        assert len(found) == len(set(found)), module.__name__


def test_the_page_is_made_of_the_list() -> None:
    assert PAGE.read_text() == page(), "run make agreement"


def test_every_exception_names_networks_and_readers_that_there_are() -> None:
    for listed in LISTED:
        assert listed.cause in causes.ALL
        for readers, networks, whats in listed.places():
            assert whats
            if networks == [ANY]:
                assert {reader for _, reader in _CASES} >= set(readers)
            else:
                assert set(_CASES) >= {(network, reader) for network in networks for reader in readers}, (
                    readers,
                    networks,
                )


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
