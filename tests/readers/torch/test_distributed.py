"""Modules whose weights are spread over processes: every weight has its whole, logical size."""

from __future__ import annotations

import tempfile

from resnet_inspect import summarize
from tests.support.command import in_child, needs


@needs("torch", "2.6")
@in_child("torch")
def test_sharded_and_parallel_modules_count_as_plain_ones() -> None:
    from torch import distributed, nn
    from torch.distributed.fsdp import fully_shard
    from torch.distributed.tensor import init_device_mesh
    from torch.distributed.tensor.parallel import ColwiseParallel, parallelize_module

    def net() -> nn.Sequential:
        return nn.Sequential(nn.Linear(4, 8), nn.Linear(8, 2))

    with tempfile.NamedTemporaryFile() as store:
        distributed.init_process_group("gloo", init_method=f"file://{store.name}", rank=0, world_size=1)
        try:
            mesh = init_device_mesh("cpu", (1,))
            sharded, parallel = net(), net()
            fully_shard(sharded[0], mesh=mesh)
            fully_shard(sharded, mesh=mesh)
            parallelize_module(parallel, mesh, {"0": ColwiseParallel()})
            for model in (sharded, parallel):
                hooks = [len(module._forward_pre_hooks) for module in model.modules()]
                totals = summarize(model, (4,)).totals
                assert (totals.params, totals.macs) == (4 * 8 + 8 + 8 * 2 + 2, 4 * 8 + 8 * 2)
                assert [len(module._forward_pre_hooks) for module in model.modules()] == hooks
        finally:
            distributed.destroy_process_group()
