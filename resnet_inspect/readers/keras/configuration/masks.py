"""Masks, which say what words of a text count: Keras hands them on from layer to layer, beside the tensors.

``Embedding`` and ``Masking`` make one. What else Keras makes of masks (of two that meet, of those that attention reads)
is left to it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .graph import Call, Leaf, Member, Network, Operation, Source
from .settings import known

#: The operations of masks, by their names.
_TYPES = {"not_equal": "NotEqual", "any": "Any"}
#: Layers that skip the steps that a mask says not to read.
_READ = ("Bidirectional", "GRU", "GlobalAveragePooling1D", "LSTM", "SimpleRNN")
#: Layers that give what they make the mask of what they read.
_KEEP = (
    *("Activation", "Dense", "Dropout", "ELU", "GaussianDropout", "GaussianNoise", "Identity", "LayerNormalization"),
    *("LeakyReLU", "ReLU", "Rescaling", "SpatialDropout1D"),
)
#: Layers behind which there is none.
_LOSE = (
    *("Conv1D", "Conv1DTranspose", "DepthwiseConv1D", "SeparableConv1D", "AveragePooling1D", "MaxPooling1D"),
    *("GlobalMaxPooling1D", "Flatten", "Permute", "Reshape", "Cropping1D", "UpSampling1D", "ZeroPadding1D"),
)
#: Layers whose masks are only known where one of the tensors has none: then they give none.
_JOIN = ("Add", "Average", "Maximum", "Minimum", "Multiply", "Subtract")


def makes_mask(member: Member) -> bool:
    """Whether a member says which of the words or steps that it reads are none."""
    return isinstance(member, Leaf) and (member.type == "Masking" or getattr(member.settings, "mask_zero", False))


def _operations(member: Member, reads: Source) -> dict[Source, Call]:
    """The operations by which Keras makes the mask of what a member reads, by the names that the first ones get."""
    made = {Source("not_equal", 0): Call("not_equal", (reads, 0))}
    if isinstance(member, Leaf) and member.type == "Masking":
        made[Source("any", 0)] = Call("any", (Source("not_equal", 0),))
    return made


def reads_mask(member: Member) -> bool:
    """Whether a member reads the mask of the tensor that it reads."""
    return isinstance(member, Leaf) and member.type in _READ


def gives_mask(member: Member, call: Call, masked: Sequence[bool]) -> bool:
    """Whether what a call gives has a mask, if the tensors that it reads are so ``masked``.

    Raises:
        Unknown: it isn't known, or the call doesn't say that it reads the mask, as Keras does.
    """
    if isinstance(member, Operation):
        return False
    if isinstance(member, Network):
        known(not any(masked) and not member.is_masked, "a mask of a model in the model")
        return False
    if reads_mask(member):
        known(call.has_mask == masked[0], "a mask that is read")
        steps = getattr(member.settings, "layer", member.settings)
        return call.has_mask and bool(getattr(steps, "return_sequences", False))
    known(not call.has_mask, "a mask that is read")
    if makes_mask(member) or not any(masked):
        return makes_mask(member)
    if member.type in _JOIN:
        known(not all(masked), "two masks")
        return False
    known(member.type in _KEEP or member.type in _LOSE, "a mask")
    return member.type in _KEEP


def is_masked(members: Mapping[str, Member], calls: Mapping[Source, Call], outputs: Sequence[Source]) -> bool:
    """Whether one of the outputs of a functional model has a mask. Its calls stand in the order of its run.

    Raises:
        Unknown: as ``gives_mask`` does.
    """
    found: dict[Source | float, bool] = {}
    for source, call in calls.items():
        tensors = call.reads[:1] if call.has_mask else call.reads
        found[source] = gives_mask(members[call.member], call, [found.get(item, False) for item in tensors])
    return any(found[output] for output in outputs)


def in_row(given: str, row: Sequence[Member]) -> tuple[dict[str, Member], dict[Source, Call], bool]:
    """The members and calls of a Sequential model, and whether what it gives has a mask.

    Where a mask is read, Keras has operations that make it, to which it gives names.

    Raises:
        Unknown: as ``gives_mask`` does, or two members have one name.
    """
    members: dict[str, Member] = {member.name: member for member in row}
    calls: dict[Source, Call] = {}
    last, masked = Source(given, 0), False
    mask: dict[Source, Call] = {}
    for member in row:
        call = Call(member.name, (last,))
        if makes_mask(member):
            mask = _operations(member, last)
        elif masked and reads_mask(member):
            calls |= mask
            call = Call(member.name, (last, [*mask][-1]), has_mask=True)
        masked = gives_mask(member, call, [masked])
        last = Source(member.name, 0)
        calls[last] = call
    operations = {name: Operation(name, _TYPES[name]) for name, _ in mask if Source(name, 0) in calls}
    known(len({given, *members, *operations}) == 1 + len(row) + len(operations), "two layers of one name")
    return members | operations, calls, masked
