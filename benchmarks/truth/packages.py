"""Networks of packages that resnet-inspect was not written with in mind, as data. ``run_packages.py`` asks about them.

Each is built in a small size by a factory of the package: ``module:attribute``, with ``args`` and settings.
"""

from __future__ import annotations

from networks import Network

#: What the packages import and this environment lacks.
BESIDE = (
    *("munch", "loguru", "wcwidth", "ftfy", "scipy", "ema-pytorch", "product-key-memory"),
    *(
        "axial-positional-embedding",
        "colt5-attention",
        "hyper-connections",
        "rotary-embedding-torch",
        "einx",
        "frozendict",
        "torch-einops-utils",
    ),
    *("gymnasium", "farama-notifications", "cloudpickle", "opt-einsum-fx", "scikit-learn", "joblib", "threadpoolctl"),
)
_IMAGE = "1x3x64x64"
_TOKENS = "1x64:int64"


def _of(package: str, factory: str, *inputs: str, args: tuple[object, ...] = (), **settings: object) -> Network:
    more = (("args", args),) if args else ()
    own = str(args[0]) if args else factory.rpartition(":")[2]
    return Network(
        f"{package.partition('==')[0]}: {own}",
        f"package {package}",
        inputs,
        (("factory", factory), *more, *settings.items()),
    )


def _cv(name: str) -> Network:
    shape = "1x3x32x32" if name.endswith("cifar10") else "1x3x224x224"
    return _of("pytorchcv==0.0.74", "pytorchcv.model_provider:get_model", shape, args=(name,))


def _cadene(name: str, *inputs: str) -> Network:
    factory = f"pretrainedmodels:{name}"
    return _of("pretrainedmodels==0.7.4", factory, *(inputs or (_IMAGE,)), num_classes=1000, pretrained=None)


def _spandrel(name: str, shape: str = _IMAGE, **settings: object) -> Network:
    return _of("spandrel==0.4.2", f"spandrel.architectures.{name.removeprefix('Real')}:{name}", shape, **settings)


_EFFICIENT = "efficientnet_pytorch:EfficientNet.from_name"
_CLIP = {
    "embed_dim": 64,
    "vision_cfg": {"image_size": 64, "layers": 2, "width": 64, "patch_size": 16, "head_width": 16},
    "text_cfg": {"context_length": 16, "vocab_size": 200, "width": 64, "heads": 4, "layers": 2},
}
PACKAGES = (
    _of("efficientnet_pytorch==0.7.1", _EFFICIENT, _IMAGE, args=("efficientnet-b0",)),
    *(_cv(name) for name in ("igcv3_wd2", "cbam_resnet18", "shufflenet_g3_wd4", "condensenet74_c4_g4", "darknet53")),
    *(
        _cv(name)
        for name in (
            "sknet50",
            "fractalnet_cifar10",
            "octresnet10_ad2",
            "airnet50_1x64d_r16",
            "pyramidnet110_a48_cifar10",
        )
    ),
    *(
        _cv(name)
        for name in ("ibn_resnet50", "diaresnet20_cifar10", "ror3_56_cifar10", "rir_cifar10", "peleenet", "hardnet39ds")
    ),
    _cadene("nasnetamobile", "1x3x224x224"),
    _cadene("dpn68", "1x3x224x224"),
    _cadene("bninception", "1x3x224x224"),
    _cadene("se_resnet50", "1x3x224x224"),
    _cadene("inceptionresnetv2", "1x3x299x299"),
    _of(
        "segment-anything==1.0",
        "segment_anything.modeling:ImageEncoderViT",
        _IMAGE,
        img_size=64,
        embed_dim=64,
        depth=2,
        num_heads=4,
        use_rel_pos=True,
        window_size=2,
        global_attn_indexes=(1,),
    ),
    _of("open_clip_torch==3.3.0", "open_clip.model:CLIP", _IMAGE, "1x16:int64", **_CLIP),
    _of("facenet-pytorch==2.6.0", "facenet_pytorch:InceptionResnetV1", "1x3x160x160"),
    _of(
        "pytorch-tabnet==4.1.0",
        "pytorch_tabnet.tab_network:FeatTransformer",
        "4x10",
        input_dim=10,
        output_dim=8,
        shared_layers=None,
        n_glu_independent=2,
    ),
    _of(
        "perceiver-pytorch==0.11.0",
        "perceiver_pytorch:Perceiver",
        "1x16x16x3",
        num_freq_bands=4,
        depth=2,
        max_freq=10.0,
        num_latents=16,
        latent_dim=32,
    ),
    _of(
        "perceiver-pytorch==0.11.0",
        "perceiver_pytorch:PerceiverIO",
        "data=1x32x16",
        "queries=1x8x24",
        depth=2,
        dim=16,
        queries_dim=24,
        logits_dim=5,
        num_latents=16,
        latent_dim=32,
    ),
    _of(
        "denoising-diffusion-pytorch==2.3.4",
        "denoising_diffusion_pytorch:Unet",
        "1x3x32x32",
        "1:int64",
        dim=16,
        dim_mults=(1, 2, 4),
    ),
    _of(
        "performer-pytorch==1.1.4",
        "performer_pytorch:PerformerLM",
        _TOKENS,
        num_tokens=100,
        max_seq_len=64,
        dim=32,
        depth=2,
        heads=4,
        causal=False,
    ),
    _of("linformer==0.2.3", "linformer:Linformer", "1x64x32", dim=32, seq_len=64, depth=2, k=16, heads=4),
    _of(
        "reformer-pytorch==1.4.4",
        "reformer_pytorch:ReformerLM",
        _TOKENS,
        num_tokens=100,
        dim=32,
        depth=2,
        max_seq_len=64,
        heads=4,
        bucket_size=16,
        ff_chunks=1,
    ),
    _of("g-mlp-pytorch==0.1.5", "g_mlp_pytorch:gMLP", "1x64:int64", num_tokens=100, dim=32, depth=2, seq_len=64),
    _of("conformer==0.3.2", "conformer:Conformer", "1x50x32", dim=32, depth=2, dim_head=16, heads=2),
    _of(
        "vector-quantize-pytorch==1.32.0", "vector_quantize_pytorch:VectorQuantize", "1x20x32", dim=32, codebook_size=64
    ),
    _of("vector-quantize-pytorch==1.32.0", "vector_quantize_pytorch:LFQ", "1x20x8", dim=8, codebook_size=256),
    _of("egnn-pytorch==0.2.8", "egnn_pytorch:EGNN_Network", "1x16:int64", "1x16x3", num_tokens=20, dim=16, depth=2),
    _of("slot-attention==1.5.2", "slot_attention:SlotAttention", "1x30x32", num_slots=4, dim=32),
    _of(
        "yet-another-retnet==0.5.1",
        "yet_another_retnet.retnet:RetNet",
        _TOKENS,
        _TOKENS,
        num_tokens=100,
        d_model=32,
        nhead=4,
        num_layers=2,
        dim_feedforward=64,
    ),
    _of("nflows==0.14", "nflows.transforms:MaskedAffineAutoregressiveTransform", "4x6", features=6, hidden_features=24),
    _of("nflows==0.14", "nflows.nn.nets:ResidualNet", "4x6", in_features=6, out_features=3, hidden_features=24),
    _of("siren-pytorch==0.1.7", "siren_pytorch:SirenNet", "50x2", dim_in=2, dim_hidden=32, dim_out=3, num_layers=3),
    _of(
        "nystrom-attention==0.0.14",
        "nystrom_attention:Nystromformer",
        "1x64x32",
        dim=32,
        depth=2,
        heads=4,
        num_landmarks=16,
    ),
    _of(
        "linear-attention-transformer==0.19.1",
        "linear_attention_transformer:LinearAttentionTransformerLM",
        _TOKENS,
        num_tokens=100,
        dim=32,
        depth=2,
        max_seq_len=64,
        heads=4,
        dim_head=8,
    ),
    _of(
        "local-attention==1.11.2",
        "local_attention:LocalTransformer",
        _TOKENS,
        num_tokens=100,
        max_seq_len=64,
        dim=32,
        depth=2,
        heads=4,
        local_attn_window_size=16,
    ),
    _of("halonet-pytorch==0.0.5", "halonet_pytorch:HaloAttention", "1x32x32x32", dim=32, block_size=8, halo_size=4),
    _of("lambda-networks==0.4.0", "lambda_networks:LambdaLayer", "1x32x16x16", dim=32, dim_k=8, r=5),
    _of(
        "axial_attention==0.6.1",
        "axial_attention:AxialImageTransformer",
        "1x32x16x16",
        dim=32,
        depth=2,
        reversible=False,
    ),
    _of(
        "timesformer-pytorch==0.4.1",
        "timesformer_pytorch:TimeSformer",
        "1x4x3x32x32",
        dim=32,
        num_frames=4,
        num_classes=5,
        image_size=32,
        depth=2,
        heads=4,
    ),
    _of("torch-harmonics==0.9.3", "torch_harmonics:RealSHT", "1x3x16x32", nlat=16, nlon=32),
    _of("e3nn==0.6.0", "e3nn.nn:FullyConnectedNet", "8x10", hs=[10, 20, 5]),
    _of(
        "stable-baselines3==2.9.2",
        "stable_baselines3.common.torch_layers:MlpExtractor",
        "4x12",
        feature_dim=12,
        net_arch=[64, 64],
        activation_fn="@torch.nn:Tanh",
    ),
    *(_spandrel(name) for name in ("ATD", "CRAFT", "Compact", "DAT", "DITN", "DRCT", "ESRGAN", "FBCNN")),
    *(_spandrel(name) for name in ("GRL", "MoSR", "NAFNet", "OmniSR", "RealPLKSR", "RCAN", "RGT", "SCUNet")),
    *(_spandrel(name) for name in ("SeemoRe", "SwiftSRGAN", "RetinexFormer")),
    _spandrel("DRUNet", "1x1x64x64", in_nc=1, out_nc=1),
    _spandrel("DnCNN", "1x1x64x64"),
    _spandrel("HAT", window_size=16, img_size=64),
    _spandrel("SAFMN", dim=36),
    _spandrel("SPAN", num_in_ch=3, num_out_ch=3),
    _spandrel("Swin2SR", window_size=8, img_size=64),
    _spandrel("SwinIR", window_size=8, img_size=64),
    _spandrel("Uformer", "1x3x128x128", img_size=128),
    _of("spandrel==0.4.2", "spandrel.architectures.LaMa:LaMa", _IMAGE, "1x1x64x64", in_nc=4),
)
