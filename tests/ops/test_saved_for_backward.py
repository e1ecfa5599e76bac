"""What the vocabulary says that training keeps, word by word, against what torch's autograd really keeps."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from resnet_inspect.ops.vocabulary import VOCABULARY
from tests.support.command import in_child, needs

#: Words that torch has no operator of its own for.
ELSEWHERE = {
    *("activation", "avg_pool", "max_pool", "conv", "conv_transpose", "separable_conv", "einsum_dense", "dot"),
    *("bidirectional", "recurrent", "time_distributed", "mask", "normalization", "rescale", "noise"),
    *("zero_pad1d", "zero_pad2d", "zero_pad3d", "crop", "input", "identity", "stochastic_depth"),
    *("frozen_batch_norm", "quantize", "dequantize", "batch_to_space", "space_to_batch"),
}
#: Words whose operators are made of several, which keep what no word tells: gates of each step, a mask, a sum.
COMPOSED = {"dropout", "feature_dropout", "gru", "lstm", "rnn", "local_response_norm", "pad"}


@needs("torch")
@in_child("torch")
def test_what_training_keeps_of_each_word() -> None:
    import torch
    from torch import nn
    from torch.nn import functional

    image, other = (torch.rand(2, 4, 8, 8) + 0.5 for _ in range(2))
    line, volume = torch.rand(2, 4, 8) + 0.5, torch.rand(2, 4, 4, 4, 4) + 0.5
    tokens, words = torch.rand(2, 8, 4), torch.randint(0, 10, (2, 8))
    first, second = torch.rand(2, 3, 4), torch.rand(2, 4, 5)
    heads = [torch.rand(2, 2, 8, 4) for _ in range(3)]
    by_rank = {1: line, 2: image, 3: volume}
    samples = {
        **{f"conv{d}d": (getattr(nn, f"Conv{d}d")(4, 5, 3), x) for d, x in by_rank.items()},
        **{f"conv_transpose{d}d": (getattr(nn, f"ConvTranspose{d}d")(4, 5, 3), x) for d, x in by_rank.items()},
        **{f"max_pool{d}d": (getattr(nn, f"MaxPool{d}d")(2), x) for d, x in by_rank.items()},
        **{f"avg_pool{d}d": (getattr(nn, f"AvgPool{d}d")(2), x) for d, x in by_rank.items()},
        **{f"adaptive_avg_pool{d}d": (getattr(nn, f"AdaptiveAvgPool{d}d")(2), x) for d, x in by_rank.items()},
        **{f"adaptive_max_pool{d}d": (getattr(nn, f"AdaptiveMaxPool{d}d")(2), x) for d, x in by_rank.items()},
        **{f"global_avg_pool{d}d": (lambda x: x.flatten(2).mean(-1), x) for d, x in by_rank.items()},
        **{f"global_max_pool{d}d": (lambda x: x.flatten(2).amax(-1), x) for d, x in by_rank.items()},
        **{
            name: (getattr(torch, name), image)
            for name in ("abs", "erf", "exp", "log", "neg", "rsqrt", "sqrt", "argmax")
        },
        **{name: (getattr(functional, name), image) for name in ("celu", "elu", "gelu", "leaky_relu", "mish", "relu")},
        **{name: (getattr(functional, name), image) for name in ("relu6", "selu", "sigmoid", "silu", "softplus")},
        **{name: (getattr(functional, name), image) for name in ("softsign", "tanh")},
        **{name: (getattr(functional, name.replace("_", "")), image) for name in ("hard_sigmoid", "hard_tanh")},
        **{name: (lambda x, name=name: getattr(functional, name)(x, 1), image) for name in ("softmax", "log_softmax")},
        **{name: (lambda x, name=name: getattr(x, name)(1), image) for name in ("sum", "mean", "amax", "amin")},
        **{name: (getattr(torch, name), image, other) for name in ("add", "sub", "mul", "div")},
        "fake_quantize": (lambda x: torch.fake_quantize_per_tensor_affine(x, 0.1, 0, -128, 127), image),
        "hard_swish": (functional.hardswish, image),
        "glu": (lambda x: functional.glu(x, 1), image),
        "max": (torch.maximum, image, other),
        "min": (torch.minimum, image, other),
        "pow": (lambda x: x**3, image),
        "clamp": (lambda x: x.clamp(0.7, 0.9), image),
        "prelu": (nn.PReLU(), image),
        "batch_norm": (nn.BatchNorm2d(4), image),
        "instance_norm": (nn.InstanceNorm2d(4), image),
        "group_norm": (nn.GroupNorm(2, 4), image),
        "layer_norm": (nn.LayerNorm(4), tokens),
        "rms_norm": (nn.RMSNorm(4), tokens),
        "dense": (nn.Linear(4, 5), tokens),
        "matmul": (torch.matmul, first, second),
        "einsum": (lambda a, b: torch.einsum("bij,bjk->bik", a, b), first, second),
        "bilinear": (nn.Bilinear(4, 4, 5), tokens, tokens.clone()),
        "attention": (functional.scaled_dot_product_attention, *heads),
        "embedding": (nn.Embedding(10, 4), words),
        "embedding_bag": (nn.EmbeddingBag(10, 4), words),
        "resize": (lambda x: functional.interpolate(x, scale_factor=2, mode="bilinear"), image),
        "pixel_shuffle": (lambda x: functional.pixel_shuffle(x, 2), image),
        "channel_shuffle": (lambda x: functional.channel_shuffle(x, 2), image),
        "roll": (lambda x: x.roll(1, 2), image),
        "concat": (lambda a, b: torch.cat([a, b], 1), image, other),
        "stack": (lambda a, b: torch.stack([a, b], 1), image, other),
        "flatten": (lambda x: x.flatten(1), image),
        "reshape": (lambda x: x.reshape(2, -1), image),
        "transpose": (lambda x: x.transpose(1, 2), image),
        "slice": (lambda x: x[:, 1], image),
        "expand": (lambda x: x[:, :1].expand(2, 9, 8, 8), image),
        "copy": (torch.clone, image),
        "vector_norm": (lambda x: torch.linalg.vector_norm(x, dim=1), image),
        "masked_fill": (lambda x, mask: x.masked_fill(mask, 0), image, image > 1),
        "where": (lambda mask, a, b: torch.where(mask, a, b), image > 1, image, other),
        "fill": (torch.zeros_like, image),
        "unit_norm": (functional.normalize, image),
    }
    assert samples.keys() | ELSEWHERE | COMPOSED == VOCABULARY.keys()

    def kept(operator: object, given: Sequence[torch.Tensor]) -> str | None:
        """Whether an operator keeps the memory of all that it reads, of what it gives, of both, or of a mask."""
        read = [x.clone().requires_grad_() * 1.0 if x.is_floating_point() else x.clone() for x in given]
        saved: list[int] = []

        def remember(tensor: torch.Tensor) -> torch.Tensor:
            saved.append(tensor.untyped_storage().data_ptr())
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(remember, lambda tensor: tensor):
            made = operator(*read)  # type: ignore[operator]
        inputs = all(x.untyped_storage().data_ptr() in saved for x in read)
        masks = [x for x in read if x.dtype == torch.bool]
        if masks and not inputs:
            return "mask" if all(x.untyped_storage().data_ptr() in saved for x in masks) else None
        output = made.untyped_storage().data_ptr() in saved
        return "both" if inputs and output else "inputs" if inputs else "output" if output else None

    said = {word: VOCABULARY[word].saves for word in samples}
    assert {word: kept(operator, given) for word, (operator, *given) in samples.items()} == said

    # Done in place, an operator that needs what it overwrites keeps a copy; the others make do with their result.
    modules = {"hard_sigmoid": nn.Hardsigmoid, "hard_swish": nn.Hardswish, "hard_tanh": nn.Hardtanh, "relu6": nn.ReLU6}
    modules |= {"silu": nn.SiLU, "mish": nn.Mish, "elu": nn.ELU, "selu": nn.SELU, "celu": nn.CELU, "relu": nn.ReLU}
    modules |= {"leaky_relu": nn.LeakyReLU, "clamp": lambda inplace: lambda x: x.clamp_(0.7, 0.9)}
    copying = {word for word, module in modules.items() if kept(module(inplace=True), (image,)) is None}
    assert copying == {word for word, op in VOCABULARY.items() if op.copies}


@needs("torch")
@in_child("torch")
def test_what_training_keeps_of_what_drops() -> None:
    import torch
    import torchvision
    from torch import nn
    from torch.nn import functional

    from resnet_inspect import summarize
    from resnet_inspect.analysis.memory import saved_bytes

    class Call(nn.Module):
        """A function with a setting of ``p`` and of training."""

        def __init__(self, function: Callable[..., torch.Tensor]) -> None:
            super().__init__()
            self.function, self.part = function, nn.Identity()  # with a part, it has rows for what it calls

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.part(self.function(x, 0.5, True))

    line, image, volume = torch.rand(2, 4, 6), torch.rand(2, 4, 6, 5), torch.rand(2, 4, 6, 5, 3)
    samples: list[tuple[nn.Module, torch.Tensor]] = [
        *((nn.Dropout(), x) for x in (torch.rand(8), line, image)),
        (nn.Dropout(0.0), image),
        *((nn.AlphaDropout(), x) for x in (line, image)),
        *((nn.FeatureAlphaDropout(), x) for x in (torch.rand(2, 4), line, image, volume)),
        *((nn.Dropout1d(), x) for x in (line,)),
        *((nn.Dropout2d(), x) for x in (line, image, image.double())),
        *((nn.Dropout3d(), x) for x in (volume,)),
        *((torchvision.ops.StochasticDepth(0.5, mode), image) for mode in ("row", "batch")),
        *((Call(function), image) for function in (functional.dropout, functional.dropout2d, torch.feature_dropout)),
        *((Call(function), image) for function in (functional.alpha_dropout, functional.feature_alpha_dropout)),
        (Call(functional.dropout1d), line),
        (Call(functional.dropout3d), volume),
    ]
    for module, x in samples:
        saved: list[torch.Tensor] = []
        with torch.autograd.graph.saved_tensors_hooks(lambda t, s=saved: s.append(t) or t, lambda t: t):
            module.train()(x.clone().requires_grad_())
        ours = saved_bytes(summarize(module, x, mode="train"))
        assert sum(size or 0 for size in ours.values()) == sum(t.nbytes for t in saved), (
            module,
            getattr(module, "function", None),
            x.shape,
        )
