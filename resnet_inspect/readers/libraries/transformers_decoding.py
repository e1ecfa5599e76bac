"""One step of decoding: what a model of transformers is called with for one more token, and with which cache.

The cache is what the model itself makes when it reads the tokens before: keys and values, a window of them, or states.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from transformers.modeling_outputs import BaseModelOutput

from ...call import Call, Spec
from ...errors import BadRequestError, InputError
from ..torch.inputs import Continuation, Decode
from ..torch.tensors import tensors_in

#: What a model's cache is called: in transformers 5, before it, and by models that keep states.
_CACHES = ("cache", "past_key_values", "cache_params", "state")


def decoding(model: Any, name: str, tokens: int, batch: int, encoded: Mapping[str, Spec]) -> Decode:
    """A token behind ``tokens`` others, for each of ``batch`` texts.

    ``encoded`` is what a model's encoder reads, if it has one: it runs once, before the first token.

    Raises:
        BadRequestError: the model keeps no cache.
        InputError: it can't read so many tokens.
    """
    takes = inspect.signature(model.forward).parameters
    has_encoder = bool(getattr(model.config, "is_encoder_decoder", False))
    text = "decoder_input_ids" if has_encoder else "input_ids"
    if text not in takes or "use_cache" not in takes:
        raise _without_cache(name)
    _check_length(model, name, tokens)

    def ids(length: int) -> tuple[str, Spec]:
        return (text, Spec((batch, length), "int64"))

    def step(output: Any) -> Continuation:
        found = output if isinstance(output, Mapping) else {}
        cache = next((key for key in _CACHES if next(tensors_in(found.get(key)), None) is not None), None)
        if cache is None:
            raise _without_cache(name)
        call = [ids(1), (cache, found[cache]), ("use_cache", True)]
        if has_encoder:
            call.append(("encoder_outputs", BaseModelOutput(last_hidden_state=found["encoder_last_hidden_state"])))
        return Continuation(Call((), tuple(call)), cache)

    before = encoded.items() if has_encoder else ()
    return Decode(tokens, Call((), (*before, ids(tokens), ("use_cache", True))), step)


def _check_length(model: Any, name: str, tokens: int) -> None:
    """On meta, positions that no embedding has a row for would go unnoticed."""
    config = model.config
    whole = config.get_text_config(decoder=True) if hasattr(config, "get_text_config") else config
    most = getattr(whole, "max_position_embeddings", None)
    if isinstance(most, int) and 0 < most <= tokens:
        raise InputError(
            f"{name} reads {most:,} tokens at most, and --decode {tokens} needs {tokens + 1:,}: "
            f"decode fewer, or add --arg max_position_embeddings={tokens + 1}"
        )


def _without_cache(name: str) -> BadRequestError:
    return BadRequestError(f"--decode needs a model that keeps a cache from token to token, and {name} keeps none")
