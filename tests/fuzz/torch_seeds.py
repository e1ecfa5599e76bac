"""Writes a small file of each kind that torch makes, into the folder that is given."""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from torch import nn


class Looped(nn.Module):
    """Control flow that depends on a number, and on a shape."""

    def forward(self, x: torch.Tensor, n: int = 3) -> torch.Tensor:
        for i in range(n):
            if x.dim() > 1:
                x = torch.relu(x) + i
        return x


def write(folder: Path) -> None:
    """All of them."""
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 2)).eval()
    image = torch.zeros(1, 3, 8, 8)
    weights, optimizer = net.state_dict(), torch.optim.Adam(net.parameters()).state_dict()
    torch.save(weights, folder / "net.pth")
    torch.save(weights, folder / "old.pth", _use_new_zipfile_serialization=False)
    torch.save({"state_dict": weights, "epoch": 3, "optimizer": optimizer}, folder / "training.pth")
    torch.jit.save(torch.jit.trace(net, image), str(folder / "traced.pt"))
    torch.jit.save(torch.jit.script(Looped()), str(folder / "scripted.pt"))
    torch.export.save(torch.export.export(net, (image,)), folder / "net.pt2")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
