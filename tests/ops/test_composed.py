"""Layers that torch makes of several operators: what it keeps of them, against torch's autograd."""

from __future__ import annotations

from tests.support.command import in_child, needs


@needs("transformers")
@in_child("torch")
def test_what_training_keeps_of_activations_written_by_hand() -> None:
    import torch
    from torch import nn
    from transformers import activations

    from resnet_inspect import summarize
    from resnet_inspect.analysis.memory import saved_bytes
    from resnet_inspect.ops import composed

    made = [getattr(activations, name) for name in composed.TYPES]
    for module in (cls(-1, 1) if cls is activations.ClippedGELUActivation else cls() for cls in made):
        x = torch.rand(3, 5).requires_grad_() * 1.0
        kept: dict[int, int] = {}

        def remember(tensor: torch.Tensor, kept: dict[int, int] = kept) -> torch.Tensor:
            kept[tensor.untyped_storage().data_ptr()] = tensor.nbytes
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(remember, lambda tensor: tensor):
            result = module(x)
        del result
        summary = summarize(nn.Sequential(module), x.detach(), mode="train")
        found = saved_bytes(summary)["0"]
        assert summary.layers[-1].op == "gelu", type(module).__name__
        assert found == sum(kept.values()), type(module).__name__


@needs("torch")
@in_child("torch")
def test_what_training_keeps_of_normalised_vectors() -> None:
    import torch
    from torch import nn

    from resnet_inspect import summarize
    from resnet_inspect.analysis.memory import saved_bytes

    class Normalised(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.part = nn.Identity()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return nn.functional.normalize(self.part(x), dim=-1)

    summary = summarize(Normalised(), torch.rand(3, 5), mode="train")
    layer = summary.layers[-1]
    assert layer.op == "unit_norm"
    # What it read, the length of each vector, and by how much each was divided.
    assert saved_bytes(summary)[layer.id] == 4 * (3 * 5 + 3 + 3)
