"""The vocabulary's types within autocast against torch's own lists, as its header has them."""

from __future__ import annotations

from tests.support.command import in_child, needs

#: Operators that only torch's inside names, by our words.
INSIDE = {
    **{f"{kind}_cell": kind for kind in ("gru", "lstm")},
    **dict.fromkeys(("rnn_tanh_cell", "rnn_relu_cell"), "rnn"),
    **dict.fromkeys(("upsample_nearest2d", "upsample_bilinear2d", "upsample_bicubic2d"), "resize"),
}
#: Words that have no operator in the lists: Keras' and ONNX' names of those that have one, and what joins. torch joins
#: values of several types in the widest, autocast or not.
ELSEWHERE = {"conv", "conv_transpose", "separable_conv", "einsum_dense", "recurrent", "bidirectional"}
JOINS = {"concat", "stack"}
LISTS = {
    "LOWER_PRECISION_FP": {"lower"},
    "FP32": {"float32"},
    # They are told which type to give; softmax casts what it reads for it.
    "FP32_SET_OPT_DTYPE": {"float32", "float32 result"},
    "PROMOTE": {"widest"},
}


@needs("torch", "2.15")
@in_child("torch")
def test_the_types_within_autocast_are_torchs() -> None:
    import re
    from pathlib import Path

    import torch

    from resnet_inspect.ops.vocabulary import VOCABULARY
    from resnet_inspect.readers.torch.functions import function_op

    header = (Path(torch.__file__).parent / "include/ATen/autocast_mode.h").read_text()
    listed: set[str] = set()
    for name, types in LISTS.items():
        macro = re.search(rf"#define AT_FORALL_{name}\(_\)((?:.*\\\n)+.*)", header)
        assert macro is not None, name
        operators = re.findall(r"_\((\w+)", macro[1])
        assert len(operators) > 8, name
        words = {INSIDE.get(operator) or function_op(operator.strip("_")) for operator in operators} - {"other"}
        assert {word: VOCABULARY[word].autocast for word in words if VOCABULARY[word].autocast not in types} == {}, name
        listed |= words
    said = {word for word, op in VOCABULARY.items() if op.autocast is not None}
    assert said - listed == ELSEWHERE | JOINS

    wide, narrow = torch.zeros(2), torch.zeros(2, dtype=torch.bfloat16)
    assert torch.cat((narrow, wide)).dtype == torch.stack((narrow, wide)).dtype == torch.float32
