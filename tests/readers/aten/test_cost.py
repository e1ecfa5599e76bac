"""The same operator costs the same, whether torch ran it or a file says its shapes; and what arithmetic says."""

from __future__ import annotations

from tests.support.command import in_child, release


@in_child("torch")
def test_a_run_and_a_file_agree_on_what_an_operator_costs() -> None:
    from typing import Any

    import torch
    import torchvision  # noqa: F401 - it registers its operators

    from resnet_inspect.ir import Tensor
    from resnet_inspect.readers.aten import cost as aten_cost
    from resnet_inspect.readers.aten.operators import Operator
    from resnet_inspect.readers.torch import cost as torch_cost

    def meta(*shape: int) -> torch.Tensor:
        return torch.empty(shape, device="meta")

    def plain(value: Any) -> Any:
        return Tensor(tuple(value.shape), "float32") if isinstance(value, torch.Tensor) else value

    def costs(name: str, arguments: list[Any], *output: int) -> tuple[int | None, int | None]:
        namespace, _, last = name.partition(".")
        func = getattr(getattr(torch.ops, namespace), last).default
        named = {item.name: plain(value) for item, value in zip(func._schema.arguments, arguments, strict=False)}
        written = Operator(namespace, last, named, (Tensor(output, "float32"),))
        return torch_cost.macs(func, arguments, {}, meta(*output)), aten_cost.macs(written)

    flash, fused = "_scaled_dot_product_flash_attention_for_cpu", "_scaled_dot_product_fused_attention_overrideable"
    query, key, value = meta(2, 3, 5, 4), meta(2, 3, 7, 4), meta(2, 3, 7, 6)
    for name, arguments, output, expected in (
        ("aten.mm", [meta(2, 3), meta(3, 5)], (2, 5), 2 * 3 * 5),
        ("aten.bmm", [meta(4, 2, 3), meta(4, 3, 5)], (4, 2, 5), 4 * 2 * 3 * 5),
        ("aten.addmm", [meta(5), meta(2, 3), meta(3, 5)], (2, 5), 2 * 3 * 5),
        ("aten.baddbmm", [meta(1), meta(4, 2, 3), meta(4, 3, 5)], (4, 2, 5), 4 * 2 * 3 * 5),
        ("aten.addbmm", [meta(2, 5), meta(4, 2, 3), meta(4, 3, 5)], (2, 5), 4 * 2 * 3 * 5),
        ("aten.mv", [meta(2, 3), meta(3)], (2,), 2 * 3),
        ("aten.addmv", [meta(2), meta(2, 3), meta(3)], (2,), 2 * 3),
        ("aten.dot", [meta(9), meta(9)], (), 9),
        ("aten.vdot", [meta(9), meta(9)], (), 9),
        # 6 steps and none around them: 4 places of 3 steps of 4 channels to 5; with one on either side, 6.
        ("aten.conv_tbc", [meta(6, 2, 4), meta(3, 4, 5), meta(5), 0], (4, 2, 5), 4 * 2 * 3 * 4 * 5),
        ("aten.conv_tbc", [meta(6, 2, 4), meta(3, 4, 5), meta(5), 1], (6, 2, 5), 6 * 2 * 3 * 4 * 5),
        # 5 queries with 7 keys of 4 features, and as many weights with values of 6.
        (f"aten.{flash}", [query, key, value], (2, 3, 5, 6), 2 * 3 * 5 * 7 * (4 + 6)),
        (f"aten.{fused}", [query, key, value], (2, 3, 5, 6), 2 * 3 * 5 * 7 * (4 + 6)),
        # 8 rows, sent to 2 experts; 2 stacks of 3 rows, each times its share of 8 columns.
        ("aten._grouped_mm", [meta(8, 4), meta(2, 4, 5)], (8, 5), 8 * 4 * 5),
        ("aten._grouped_mm", [meta(2, 3, 4), meta(4, 8)], (3, 8), 3 * 4 * 8),
        # 7 steps of 2 sequences: four gates of 6 of the 5 features, and of the state.
        ("aten.mkldnn_rnn_layer", [meta(7, 2, 5), meta(24, 5), meta(24, 6)], (7, 2, 6), 7 * 2 * 24 * (5 + 6)),
        ("torchvision.nms", [meta(9, 4), meta(9), 0.5], (3,), 0),
        ("torchvision.roi_pool", [meta(1, 2, 8, 8), meta(3, 5), 1.0, 2, 2], (3, 2, 2, 2), 0),
        ("torchvision.ps_roi_pool", [meta(1, 8, 8, 8), meta(3, 5), 1.0, 2, 2], (3, 2, 2, 2), 0),
        ("torchvision.ps_roi_align", [meta(1, 8, 8, 8), meta(3, 5), 1.0, 2, 2, 2], (3, 2, 2, 2), 0),
        ("aten.relu", [meta(3)], (3,), 0),
        ("aten.linalg_cross", [meta(4, 3), meta(4, 3)], (4, 3), 0),
        ("aten.linalg_vector_norm", [meta(4, 3)], (), 0),
        ("aten.upsample_bilinear2d", [meta(1, 2, 4, 4), [8, 8], False], (1, 2, 8, 8), 0),
        # Nobody has a formula for these: unknown, and never 0.
        ("aten._cdist_forward", [meta(4, 3), meta(5, 3), 2.0, None], (4, 5), None),
        ("aten._trilinear", [meta(1, 2, 3)] * 3, (1, 2, 3), None),
        ("aten.linalg_lu_factor", [meta(3, 3)], (3, 3), None),
        ("aten.cholesky_solve", [meta(4, 4), meta(4, 4)], (4, 4), None),
        ("aten.triangular_solve", [meta(4, 4), meta(4, 4)], (4, 4), None),
        ("aten.ormqr", [meta(4, 4), meta(4), meta(4, 4)], (4, 4), None),
        ("aten.geqrf", [meta(4, 4)], (4, 4), None),
        ("aten.chain_matmul", [[meta(2, 3), meta(3, 4)]], (2, 4), None),
        ("aten._native_multi_head_attention", [query, key, value], (2, 5, 4), None),
        ("aten.einsum", ["ij,jk,kl", [meta(2, 2)] * 3], (2, 2), None),
        ("torchvision.deform_conv2d", [meta(1, 2, 4, 4)], (1, 2, 4, 4), None),
    ):
        namespace, _, last = name.partition(".")
        if not hasattr(getattr(torch.ops, namespace), last):
            assert release(torch.__version__) < (2, 14), name  # some are new
            continue
        assert costs(name, arguments, *output) == (expected, expected), name
