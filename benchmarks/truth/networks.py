"""The networks of the table, as data: nothing is imported until one is built.

An input is a shape with its batch, a type behind a colon if it isn't float32, and a name before an equals sign if it is
an argument by keyword. ``macs`` are worked out by hand here, as formulas; where there are none, torch's counter is the
truth (``truth.py``).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Network:
    """One network. ``group`` says who builds it (``building.py``), ``settings`` with what."""

    name: str
    group: str
    inputs: tuple[str, ...]
    settings: tuple[tuple[str, object], ...] = ()
    macs: int | None = None
    #: Why torch's counter, which is asked beside the formula, sees fewer.
    blind: str = ""

    @property
    def framework(self) -> str:
        """In whose process it is built."""
        return self.group.split(" ")[0] if self.group.startswith(("keras", "onnx")) else "torch"


def _vision(name: str, shape: str = "1x3x64x64", **settings: object) -> Network:
    return Network(name, "torchvision", (shape,), tuple(settings.items()))


def _timm(name: str, shape: str = "1x3x224x224") -> Network:
    return Network(name, "timm", (shape,))


#: Sizes that keep an architecture small, by the names that most configurations share.
_SMALL = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 128}
_TEXT = {**_SMALL, "vocab_size": 200}


def _transformers(name: str, *inputs: str, **settings: object) -> Network:
    return Network(name, "transformers", inputs or ("1x16:int64",), tuple(settings.items()))


def _mixtral() -> Network:
    """16 tokens and 2 layers: attention, in which 4 heads ask 2, the router, and 2 experts of 4 for each token."""
    attention = 16 * 64 * (64 + 32 + 32 + 64) + 2 * 16 * 16 * 64
    experts = 16 * 64 * 4 + 16 * 2 * 3 * 64 * 128
    settings = {**_TEXT, "num_key_value_heads": 2, "num_local_experts": 4, "num_experts_per_tok": 2}
    return Network(
        "mixtral",
        "transformers",
        ("1x16:int64",),
        tuple(settings.items()),
        macs=2 * (attention + experts),
        blind="experts are one operator of transformers' own",
    )


def _hand(name: str, *inputs: str, macs: int) -> Network:
    return Network(name, "torch by hand", inputs, macs=macs)


def _keras(name: str, *inputs: str, **settings: object) -> Network:
    return Network(name, "keras applications", inputs, tuple(settings.items()))


def _keras_hand(name: str, *inputs: str, macs: int) -> Network:
    return Network(name, "keras by hand", inputs, macs=macs)


def _onnx(name: str, *inputs: str, macs: int) -> Network:
    return Network(name, "onnx by hand", inputs, macs=macs)


def _exported(name: str, *inputs: str, of: str, macs: int | None = None) -> Network:
    return Network(name, "onnx exported", inputs, (("of", of),), macs=macs)


#: An LSTM's gates, a step: from the input and from the state before.
_LSTM = 4 * 20 * (10 + 20)
_LSTM_ABOVE = 4 * 20 * (40 + 20)
#: 9 positions of 32: attention's four projections and two products, and the two matrices behind it.
_ATTENTION = 9 * 4 * 32 * 32 + 2 * 9 * 9 * 32
_FORWARD = 9 * 2 * 32 * 64
_UNET = 16 * 16 * 3 * 8 * 9 + 8 * 8 * 8 * 16 * 9 + 8 * 8 * 16 * 8 * 4 + 16 * 16 * 16 * 2

NETWORKS = (
    _hand("grouped", "1x8x10x10", macs=100 * 16 * 2 * 9),
    _hand("dilated", "1x4x12x12", macs=36 * 6 * 4 * 9),
    _hand("circular", "1x4x10x10", macs=100 * 6 * 4 * 9),
    _hand("transposed", "1x4x8x8", macs=64 * 4 * 6 * 9),
    _hand("separable", "1x8x10x10", macs=100 * 8 * 9 + 100 * 8 * 16),
    _hand("along_a_line", "1x4x20", macs=16 * 8 * 4 * 5 + 8 * 3),
    _hand("of_volumes", "1x2x6x8x8", macs=384 * 4 * 2 * 27 + 48 * 4 * 4),
    _hand("weight_normed", "1x4x10x10", macs=64 * 6 * 4 * 9),
    _hand("tied", "1x7:int64", macs=7 * 16 * 50),
    _hand("reused", "1x5x12", macs=3 * 5 * 144),
    _hand("two_names", "1x4x10x10", macs=2 * 100 * 4 * 4 * 9),
    _hand("siamese", "1x3x10x10", "1x3x12x12", macs=(64 + 100) * 8 * 3 * 9),
    _hand("functional", "1x3x10x10", macs=100 * 8 * 3 * 9 + 8 * 5),
    _hand("matmul", "1x5x12", macs=5 * 12 * 7),
    _hand("einsum", "1x5x12", macs=5 * 12 * 7),
    _hand("low_rank", "1x5x32", macs=2 * 5 * 32 * 4),
    _hand("addmm", "5x12", macs=5 * 12 * 7),
    _hand("of_activations", "1x5x6", "1x6x7", macs=5 * 6 * 7),
    _hand("dynamic", "1x4x10x10", "5", macs=5 * 6 * 4 * 9 + 64 * 6 * 4 * 9),
    _hand("unfolded", "1x4x10x10", macs=64 * 6 * 36),
    _hand("vector", "7", macs=5 * 7),
    _hand("complex_numbers", "5x12:complex64", macs=5 * 12 * 7),
    _hand("attention", "1x9x32", macs=_ATTENTION),
    _hand("attention_with_mask", "1x9x32", macs=_ATTENTION),
    _hand("causal", "1x9x32", macs=_ATTENTION),
    _hand("grouped_queries", "1x9x32", macs=9 * 32 * (32 + 8 + 8) + 2 * 9 * 9 * 32),
    _hand("attention_written_out", "1x9x32", macs=9 * 32 * 96 + 2 * 9 * 9 * 32),
    _hand("encoder", "1x9x32", macs=2 * (_ATTENTION + _FORWARD)),
    _hand("encoder_decoder", "1x9x32", "1x9x32", macs=3 * _ATTENTION + 2 * _FORWARD),
    _hand("lstm", "1x6x10", macs=6 * 2 * (_LSTM + _LSTM_ABOVE)),
    _hand("gru", "1x6x10", macs=6 * 3 * 20 * (10 + 20)),
    _hand("lstm_cell", "1x6x10", macs=6 * _LSTM),
    _hand("bag_of_words", "3x6:int64", macs=3 * 16 * 4),
    _hand("experts_weighted", "6x16", macs=6 * 16 * 4 + 4 * 6 * 2 * 16 * 32),
    _hand("experts_chosen", "6x16", macs=6 * 16 * 4 + 2 * 6 * 2 * 16 * 32),
    _hand("unet", "1x3x16x16", macs=_UNET),
    _hand("super_resolution", "1x3x10x10", macs=100 * 9 * (3 * 8 + 8 * 12)),
    _hand("unused", "2x12", macs=2 * 12 * 7),
    _hand("buffers", "1x5x8", macs=5 * 8 * 4),
    _hand("frozen", "2x12", macs=2 * (12 * 20 + 20 * 4)),
    _hand("class_token", "1x3x16x16", macs=16 * 16 * 3 * 16 + 16 * 5),
    _hand("several_results", "1x3x10x10", "1x5:int64", macs=64 * 4 * 3 * 9),
    _hand("recurrent_depth", "2x6x10x10", macs=4 * 2 * 100 * 6 * 6 * 9),
    *(_vision(name) for name in ("alexnet", "vgg11_bn", "resnet18", "resnet50", "resnext50_32x4d", "densenet121")),
    _vision("googlenet", init_weights=False),
    _vision("inception_v3", "1x3x96x96", init_weights=False),
    *(_vision(name) for name in ("squeezenet1_1", "mobilenet_v2", "mobilenet_v3_small", "shufflenet_v2_x1_0")),
    *(
        _vision(name)
        for name in ("mnasnet0_5", "efficientnet_b0", "regnet_y_400mf", "convnext_tiny", "swin_t", "swin_v2_t")
    ),
    _vision("vit_b_16", image_size=64),
    _vision("maxvit_t", "1x3x224x224"),
    _vision("fcn_resnet50", weights_backbone=None),
    _vision("deeplabv3_mobilenet_v3_large", weights_backbone=None),
    _vision("r3d_18", "1x3x8x32x32"),
    _vision("s3d", "1x3x16x224x224"),
    _vision("ssdlite320_mobilenet_v3_large", "1x3x128x128", weights_backbone=None),
    Network("raft_small", "torchvision", ("1x3x128x128", "1x3x128x128")),
    *(_timm(name) for name in ("mixer_s32_224", "vit_tiny_patch16_224", "convnextv2_atto", "mobilenetv4_conv_small")),
    *(
        _timm(name)
        for name in ("nf_regnet_b0", "levit_128s", "cait_xxs24_224", "xcit_nano_12_p8_224", "hrnet_w18_small")
    ),
    *(
        _timm(name)
        for name in ("coat_lite_tiny", "poolformer_s12", "ghostnet_050", "resnest14d", "eva02_tiny_patch14_224")
    ),
    *(
        _timm(name)
        for name in ("lambda_resnet26t", "repvgg_a0", "mambaout_femto", "efficientvit_b0", "crossvit_tiny_240")
    ),
    _transformers("bert", **_TEXT),
    _transformers("distilbert", dim=64, n_layers=2, n_heads=4, hidden_dim=128, vocab_size=200),
    _transformers("gpt2", n_embd=64, n_layer=2, n_head=4, vocab_size=200),
    _transformers("llama", **_TEXT, num_key_value_heads=2),
    _transformers("gemma2", **_TEXT, num_key_value_heads=2, head_dim=16),
    _mixtral(),
    _transformers("deberta-v2", **_TEXT, relative_attention=True, pos_att_type=["p2c", "c2p"]),
    _transformers("bloom", hidden_size=64, n_layer=2, n_head=4, vocab_size=200),
    _transformers("xlnet", d_model=64, n_layer=2, n_head=4, d_inner=128, vocab_size=200),
    _transformers("mamba", hidden_size=64, num_hidden_layers=2, state_size=8, vocab_size=200),
    _transformers(
        "t5",
        "input_ids=1x16:int64",
        "decoder_input_ids=1x9:int64",
        d_model=64,
        d_kv=16,
        num_heads=4,
        d_ff=128,
        num_layers=2,
        vocab_size=200,
    ),
    _transformers(
        "bart",
        "input_ids=1x16:int64",
        "decoder_input_ids=1x9:int64",
        d_model=64,
        encoder_layers=2,
        decoder_layers=2,
        encoder_attention_heads=4,
        decoder_attention_heads=4,
        encoder_ffn_dim=128,
        decoder_ffn_dim=128,
        vocab_size=200,
    ),
    _transformers(
        "whisper",
        "input_features=1x80x200",
        "decoder_input_ids=1x9:int64",
        d_model=64,
        encoder_layers=2,
        decoder_layers=2,
        encoder_attention_heads=4,
        decoder_attention_heads=4,
        encoder_ffn_dim=128,
        decoder_ffn_dim=128,
        vocab_size=200,
        max_source_positions=100,
        pad_token_id=0,
    ),
    _transformers("vit", "1x3x64x64", **_SMALL, image_size=64),
    _transformers("segformer", "1x3x64x64"),
    _transformers("wav2vec2", "1x4000", **_SMALL, conv_dim=[32] * 7),
    _keras("MobileNetV2", "1x96x96x3"),
    _keras("ResNet50", "1x64x64x3"),
    _keras("EfficientNetB0", "1x64x64x3"),
    _keras("DenseNet121", "1x64x64x3"),
    _keras("Xception", "1x96x96x3"),
    _keras("ConvNeXtTiny", "1x64x64x3"),
    _keras_hand("convolutions", "1x12x12x4", macs=100 * 4 * 8 * 9 + 100 * 8 * 9 + 100 * 8 * 6 + 100 * 6 * 5 * 4),
    _keras_hand("sequence", "1x6x10", macs=6 * 2 * _LSTM + 6 * 3 * 20 * (40 + 20) + 20 * 4),
    _keras_hand("self_attention", "1x9x32", macs=_ATTENTION + _FORWARD),
    _keras_hand("shared", "1x10", "1x10", macs=2 * 10 * 8 + 16 * 3),
    _keras_hand("einsum_dense", "1x5x12", macs=5 * 12 * 7),
    _keras_hand("operations", "1x5x12", macs=5 * 12 * 7 + 2 * 5 * 5 * 7),
    _keras_hand("time_distributed", "1x5x8x8x3", macs=5 * 36 * 3 * 4 * 9),
    _keras_hand("volumes", "1x6x8x8x2", macs=384 * 2 * 4 * 27),
    _onnx("gemm.onnx", "2x12", macs=2 * 12 * 7),
    _onnx("broadcast_matmul.onnx", "1x4x5x12", macs=4 * 5 * 12 * 7),
    _onnx("grouped_conv.onnx", "1x8x10x10", macs=100 * 16 * 2 * 9),
    _onnx("conv_transpose.onnx", "1x4x8x8", macs=64 * 4 * 6 * 9),
    _onnx("einsum.onnx", "1x5x12", macs=5 * 12 * 7),
    _onnx("gru.onnx", "6x1x10", macs=2 * 6 * 3 * 20 * (10 + 20)),
    _onnx("quantized_conv.onnx", "1x4x10x10", macs=64 * 6 * 4 * 9),
    _onnx("loop.onnx", "2x12", macs=3 * 2 * 12 * 12),
    _onnx("function.onnx", "2x12", macs=2 * 12 * 7),
    _onnx("shared_initializer.onnx", "2x12", macs=2 * 2 * 12 * 12),
    _exported("resnet18.onnx", "1x3x64x64", of="resnet18"),
    _exported("mobilenet_v3_small.onnx", "1x3x64x64", of="mobilenet_v3_small"),
    _exported("swin_t.onnx", "1x3x64x64", of="swin_t"),
    _exported("unet.onnx", "1x3x16x16", of="unet", macs=_UNET),
    _exported("lstm.onnx", "1x6x10", of="lstm", macs=6 * 2 * (_LSTM + _LSTM_ABOVE)),
    _exported("causal.onnx", "1x9x32", of="causal", macs=_ATTENTION),
)


def named(name: str) -> Network:
    """The network of a name; each has one of its own."""
    from packages import PACKAGES

    return next(item for item in (*NETWORKS, *PACKAGES) if item.name == name)
