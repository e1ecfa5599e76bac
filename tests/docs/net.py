"""The network of the documentation's examples."""

import torch
from torch import nn


class Net(nn.Module):
    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU())
        self.head = nn.Linear(16, classes)

    def forward(self, x: torch.Tensor, scale: float = 1) -> torch.Tensor:
        return self.head(self.features(x).mean((2, 3))) * scale


def example() -> torch.Tensor:
    return torch.rand(2, 3, 64, 64)
