"""The operators that the code of a TorchScript archive may call, by name. Any other is refused, and never called."""

from __future__ import annotations

#: Each has a twin that writes its result into its first argument.
_WITH_TWIN = """
    abs neg exp exp2 expm1 log log2 log10 log1p sqrt rsqrt square reciprocal sin cos tan asin acos atan sinh cosh tanh
    asinh acosh atanh sigmoid relu relu6 silu mish elu selu celu leaky_relu hardtanh hardsigmoid hardswish threshold erf
    erfc floor ceil round trunc frac sign sgn logical_not bitwise_not clamp clamp_min clamp_max clip nan_to_num lgamma
    dropout feature_dropout alpha_dropout feature_alpha_dropout rrelu gelu add sub subtract mul multiply div divide
    true_divide floor_divide remainder fmod pow float_power eq ne lt le gt ge not_equal less less_equal greater
    greater_equal logical_and logical_or logical_xor bitwise_and bitwise_or bitwise_xor atan2 hypot lerp addcmul addcdiv
    masked_fill xlogy copysign squeeze unsqueeze transpose t swapaxes swapdims detach cumsum cumprod tril triu fill
    index_put scatter scatter_add index_add index_fill addmm baddbmm addmv addbmm
"""
_REAL = """
    isnan isinf isfinite softplus log_sigmoid softshrink hardshrink prelu glu rsub maximum minimum fmax fmin where
    logaddexp heaviside positive __and__ __or__ __xor__ zero_ copy_ uniform_ normal_ bernoulli_ bernoulli
    sum mean prod std var amax amin max min argmax argmin all any norm logsumexp softmax log_softmax var_mean std_mean
    linalg_vector_norm linalg_norm count_nonzero nansum aminmax equal allclose
    view reshape flatten unflatten permute expand expand_as contiguous clone select slice narrow chunk split
    split_with_sizes unbind movedim moveaxis cat stack concat concatenate hstack vstack dstack repeat tile roll flip
    fliplr flipud rot90 view_as reshape_as type_as meshgrid broadcast_tensors broadcast_to pad constant_pad_nd
    reflection_pad1d reflection_pad2d reflection_pad3d replication_pad1d replication_pad2d replication_pad3d
    diagonal diag diag_embed numpy_T adjoint pixel_shuffle pixel_unshuffle channel_shuffle unfold tensor_split
    unsafe_chunk unsafe_split unsafe_split_with_sizes _unsafe_view alias ravel lift_fresh repeat_interleave outer
    zeros_like ones_like full_like empty_like rand_like randn_like new_zeros new_ones new_full new_empty
    index index_select gather embedding masked_select nonzero nonzero_numpy topk sort argsort one_hot
    _unique2 unique_dim linear matmul mm bmm mv dot einsum bilinear tensordot inner linalg_matmul
    scaled_dot_product_attention
    conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d _convolution _convolution_mode
    convolution
    batch_norm layer_norm group_norm instance_norm rms_norm cosine_similarity pairwise_distance
    lstm gru rnn_tanh rnn_relu lstm_cell gru_cell rnn_tanh_cell rnn_relu_cell
    max_pool1d max_pool2d max_pool3d max_pool2d_with_indices avg_pool1d avg_pool2d avg_pool3d
    adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d adaptive_max_pool1d adaptive_max_pool2d
    upsample_nearest1d upsample_nearest2d upsample_nearest3d upsample_linear1d upsample_bilinear2d upsample_bicubic2d
    upsample_trilinear3d _upsample_nearest_exact1d _upsample_nearest_exact2d _upsample_nearest_exact3d
    _upsample_bilinear2d_aa _upsample_bicubic2d_aa item is_nonzero _shape_as_tensor
    quantize_per_tensor dequantize to
"""
#: A kernel of theirs for real tensors believes a number in a tensor, or nobody has looked whether it does.
_ON_META = """
    conv_tbc grid_sampler grid_sampler_2d grid_sampler_3d
    affine_grid_generator im2col col2im view_as_real view_as_complex view_as_complex_copy real imag complex polar angle
    conj resolve_conj resolve_neg as_strided cdist take take_along_dim masked_scatter index_copy index_copy_
    max_unpool2d max_unpool3d adaptive_max_pool3d max_pool3d_with_indices max_pool1d_with_indices
    fft_fft fft_ifft fft_rfft fft_irfft fft_fft2 fft_ifft2 fft_rfft2 fft_irfft2 fft_fftn fft_ifftn fft_rfftn fft_irfftn
    fft_fftshift fft_ifftshift native_layer_norm native_group_norm native_batch_norm
    _native_batch_norm_legit_no_training l1_loss smooth_l1_loss mse_loss binary_cross_entropy
    binary_cross_entropy_with_logits huber_loss
    kron cross linalg_cross digamma erfinv logit sinc cummax cummin kthvalue median mode
    scatter_reduce scatter_reduce_ bucketize searchsorted addr vdot std_mean logcumsumexp renorm trace block_diag
    atleast_1d atleast_2d atleast_3d column_stack linalg_qr linalg_inv linalg_det
    linalg_solve linalg_svd linalg_eigh cartesian_prod cumulative_trapezoid
    embedding_bag fake_quantize_per_tensor_affine fake_quantize_per_channel_affine
"""
_FACTORIES = """
    arange zeros ones empty full rand randn eye linspace randperm randint scalar_tensor normal hann_window
    hamming_window
"""
#: What is done to quantised tensors, whose own kernels are fewer.
_QUANTISED = """
    relu relu_ relu6 relu6_ hardtanh hardtanh_ clamp clamp_ sigmoid tanh hardsigmoid hardswish max_pool2d avg_pool2d
    adaptive_avg_pool2d flatten view reshape permute transpose contiguous clone cat mean chunk split select slice
    squeeze unsqueeze dropout dropout_ upsample_nearest2d upsample_bilinear2d dequantize unbind detach to
"""

_twins = frozenset(_WITH_TWIN.split())
#: They make new tensors of a size that the code says.
FACTORIES = frozenset(f"aten::{name}" for name in _FACTORIES.split())
#: They check whatever they are given, real tensors too.
REAL = FACTORIES | frozenset(
    ["torchvision::nms", "torchvision::roi_align"]
    + [f"aten::{name}" for name in (*_twins, *(f"{name}_" for name in _twins), *_REAL.split())]
)
ALLOWED = REAL | frozenset(["torchvision::deform_conv2d", *(f"aten::{name}" for name in _ON_META.split())])
QUANTISED = frozenset(f"aten::{name}" for name in _QUANTISED.split())
#: Overloads that read a number from a tensor's memory without asking where that is.
EXCLUDED = frozenset(
    [
        *(f"aten::{name}.data" for name in ("lstm", "gru", "rnn_tanh", "rnn_relu")),
        *("aten::repeat_interleave.Tensor", "aten::repeat_interleave.self_Tensor"),
        *(f"aten::dequantize.{name}" for name in ("tensors", "tensor", "list", "any")),
        "aten::quantize_per_tensor.tensors",
        "aten::tensor_split.tensor_indices_or_sections",
    ]
)
#: They give as many tensors as a dimension has elements or a number says.
MANY = frozenset(
    f"aten::{unsafe}{name}"
    for name in ("split", "chunk", "unbind", "tensor_split", "split_with_sizes")
    for unsafe in ("", "unsafe_")
)
RECURRENT = frozenset(f"aten::{name}" for name in ("lstm", "gru", "rnn_tanh", "rnn_relu"))
#: Their own checks of two shapes are sound, and say more than those on meta.
PRODUCTS = frozenset(f"aten::{name}" for name in ("linear", "matmul", "mm", "addmm"))
#: A processor stops at the least number divided by -1.
DIVIDES = frozenset(
    f"aten::{name}{twin}" for name in ("div", "divide", "floor_divide", "remainder", "fmod") for twin in ("", "_")
)
#: Tensors of memory that nobody has written.
UNWRITTEN = frozenset(["aten::empty", "aten::empty_like", "aten::new_empty"])
