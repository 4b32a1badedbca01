"""What a test compiles with ``torch.jit.script``, which wants the source of a module."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def mse_times_two(a: Tensor, b: Tensor) -> Tensor:
    return F.mse_loss(a, b.expand(32, 4)) * 2


class Scripted(nn.Module):
    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return torch.nn.functional.smooth_l1_loss(a, b.expand(32, 4))
