"""Architectures of transformers whose default configuration is built, traced and compared with torch's own counts."""

_NAMES = """
    albert bart bert big_bird biogpt blenderbot bloom camembert canine clip codegen convbert convnext convnextv2 cvt
    data2vec-text deberta deberta-v2 deit dinov2 distilbert dpt electra ernie esm falcon flaubert fnet funnel gemma
    gemma2 glpn gpt2 gpt_bigcode gpt_neo gpt_neox gptj granite hiera hubert ibert led levit llama longformer luke
    mamba marian mbart mistral mixtral mobilebert mobilenet_v2 mobilevit mpnet mpt mt5 nystromformer olmo opt
    pegasus persimmon phi phi3 pvt qwen2 qwen2_moe qwen3 regnet rembert resnet roberta roformer segformer siglip
    squeezebert stablelm starcoder2 swin swinv2 t5 timesformer videomae vit vit_mae wav2vec2 wavlm whisper xglm xlm
    xlm-roberta xlnet yolos yoso
"""
ARCHITECTURES = _NAMES.split()
