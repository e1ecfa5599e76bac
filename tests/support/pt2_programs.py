"""Programs that torch.export writes for the tests, in the layouts of several versions."""

from __future__ import annotations

import copy
import io
import json
import re
import zipfile
from pathlib import Path
from typing import Any

from resnet_inspect.ir import Summary
from resnet_inspect.readers import file as from_file
from resnet_inspect.readers.request import Request
from tests.support.command import needs, release

# torch 2.4 writes a functionalised graph: without weights that nothing uses, with slice_scatter in place of a write to
# a view, with operators that later versions leave out. Those files are read too, but their layers are others.
graphs_of_today = needs("torch", "2.14")


def summarized(path: Path, **asked: Any) -> Summary:
    """A program's summary, made in this process: reading it needs no framework."""
    return from_file.summarize(Request.from_options(str(path), **asked)).summary


def export(folder: str) -> None:
    """Writes all programs that the tests read; runs in a process of its own."""
    import warnings

    import torch
    import torchvision
    from torch import nn
    from torch.export import Dim, save
    from torch.nn import functional

    warnings.simplefilter("ignore")

    class Net(nn.Module):
        """Linear layers ``fc`` and ``fc2`` of 8 features, other modules by name, and any forward."""

        def __init__(self, forward: Any, **modules: nn.Module) -> None:
            super().__init__()
            self.fc, self.fc2 = nn.Linear(8, 8), nn.Linear(8, 8)
            self.run = forward
            for name, module in modules.items():
                setattr(self, name, module)

        def forward(self, *given: Any) -> Any:
            return self.run(self, *given)

    def tied(self: Any, x: Any) -> Any:
        return self.out(self.emb(x))

    def twice(self: Any, x: Any) -> Any:
        return self.act(self.fc(self.act(self.fc(x)))) + x

    def recurrent(self: Any, x: Any) -> Any:
        return self.gru(self.lstm(x)[0])[0]

    def attention(self: Any, x: Any) -> Any:
        heads = x.view(2, 5, 4, 4).transpose(1, 2)
        y, _ = self.mha(x, x, x, need_weights=False)
        return y, functional.scaled_dot_product_attention(heads, heads, heads)

    def functions(self: Any, x: Any) -> Any:
        x = functional.conv2d(x, self.filters.weight, padding="same")
        x = functional.adaptive_avg_pool2d(functional.interpolate(x, scale_factor=2), 1).flatten(1)
        x = torch.cat([x, functional.linear(x, self.filters2.weight)], 1)
        return torch.einsum("bi,cj->bij", x, x), x @ x.T

    def wrapped(self: Any, x: Any) -> Any:
        with torch.no_grad():
            y = self.fc(x)
        with torch.autocast("cpu", torch.bfloat16):
            z = self.fc2(y)
        return z.float() + y

    def in_place(self: Any, x: Any) -> Any:
        h = self.fc(x)
        h[:, :4].relu_()
        return self.fc2(h)

    def dictionary(self: Any, batch: Any, scale: int = 2) -> Any:
        return {"sum": self.fc(batch["x"]) + self.fc2(batch["y"]) * scale, "nothing": None}

    def chooses(self: Any, x: Any) -> Any:
        return self.fc2(self.fc(x)[x.sum(1) > 0])

    def branches(self: Any, x: Any) -> Any:
        return torch.cond(x.sum() > 0, lambda x: self.fc(x), lambda x: self.fc2(x), (x,))

    pair = Net(tied, emb=nn.Embedding(10, 4), out=nn.Linear(4, 10, bias=False))
    pair.out.weight = pair.emb.weight
    frozen = Net(twice, act=nn.ReLU())
    frozen.fc2.requires_grad_(False)
    filters = {"filters": nn.Conv2d(3, 6, 3, bias=False), "filters2": nn.Linear(6, 7, bias=False)}
    size, batch = Dim("size", min=8, max=64), Dim("batch", min=2, max=64)
    head = (nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2))
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), *head)
    row, images = torch.zeros(2, 8), torch.zeros(2, 3, 8, 8)
    programs: dict[str, Any] = {
        "attention": (Net(attention, mha=nn.MultiheadAttention(16, 4, batch_first=True)), torch.zeros(2, 5, 16)),
        "bfloat16": (copy.deepcopy(network).bfloat16(), images.bfloat16()),
        "branches": (Net(branches), row),
        "chooses": (Net(chooses), row),
        "dictionary": (Net(dictionary), {"x": row, "y": row}),
        "frozen": (frozen, row),
        "functions": (Net(functions, **filters), images),
        "in_place": (Net(in_place), row),
        "linear": (nn.Linear(8, 8), row),
        "network": (network, images),
        "normalised": (nn.utils.parametrizations.weight_norm(nn.Linear(4, 5)), torch.zeros(2, 4)),
        "recurrent": (
            Net(recurrent, lstm=nn.LSTM(5, 6, 2, batch_first=True, bidirectional=True), gru=nn.GRU(12, 3)),
            torch.zeros(2, 7, 5),
        ),
        "resnet50": (torchvision.models.resnet50(), torch.zeros(1, 3, 224, 224)),
        "tied": (pair, torch.zeros(2, 3, dtype=torch.int64)),
        "transposed": (nn.ConvTranspose2d(3, 4, 3, stride=2), images),
        "twice": (Net(twice, act=nn.ReLU()), row),
    }
    if release(torch.__version__) >= (2, 5):
        programs["wrapped"] = (Net(wrapped), row)
    made = {name: torch.export.export(model.eval(), (given,)) for name, (model, given) in programs.items()}
    made["decomposed"] = made["network"].run_decompositions()
    made["strict"] = torch.export.export(network, (images,), strict=True)
    made["sizes_vary"] = torch.export.export(
        network, (torch.zeros(2, 3, 12, 8),), dynamic_shapes=({0: batch, 2: size},)
    )
    for name, program in made.items():
        save(program, f"{folder}/{name}.pt2")
    for name in ("tied", "network"):
        _save_as_before(made[name], Path(folder), name)


def _save_as_before(program: Any, folder: Path, name: str) -> None:
    """The same program in the layouts that torch 2.4 and 2.8 wrote, whose weights are a pickle."""
    from torch._export.serde.serialize import serialize

    parts = serialize(program)
    weights = io.BytesIO()
    import torch

    torch.save(program.state_dict, weights)
    with zipfile.ZipFile(folder / f"{name}_old.pt2", "w") as archive:
        archive.writestr("serialized_exported_program.json", _as_in_2_4(json.loads(parts.exported_program)))
        archive.writestr("serialized_state_dict.pt", weights.getvalue())
        archive.writestr("serialized_constants.pt", b"")
        archive.writestr("version", "6.1")
    with zipfile.ZipFile(folder / f"{name}_2_8.pt2", "w") as archive:
        archive.writestr("archive/archive_format", "pt2")
        archive.writestr("archive/models/model.json", parts.exported_program)
        archive.writestr("archive/data/weights/model.pt", weights.getvalue())


def _as_in_2_4(document: dict[str, Any]) -> str:
    """Without what later versions added: torch's version, the count of a module's calls, what is trained."""
    document.pop("torch_version", None)
    for tensor in document["graph_module"]["graph"]["tensor_values"].values():
        tensor["requires_grad"] = False
    for node in document["graph_module"]["graph"]["nodes"]:
        for key in ("name", "is_hop_single_tensor_return"):
            node.pop(key, None)
        stack = node["metadata"].get("nn_module_stack", "")
        node["metadata"]["nn_module_stack"] = re.sub(r"@\d+", "", stack)
    return json.dumps(document)
