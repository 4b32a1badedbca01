"""The contract that every adapter is held to, with the smallest training loop."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from azml_integrations.testing import AdapterContract


def train(error=None):
    """Two epochs of a net with dropout; returns the net and its optimizer."""
    inputs = torch.linspace(-1, 1, 8).reshape(8, 1)
    net = nn.Sequential(nn.Linear(1, 3), nn.Dropout(0.2), nn.Linear(3, 1))
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    for epoch in range(2):
        for part in inputs.split(4):
            optimizer.zero_grad()
            F.mse_loss(net(part), 2 * part).backward()
            optimizer.step()
        if error is not None and epoch == 1:
            raise error
    return net, optimizer.state_dict()


class TestLoop(AdapterContract):
    """A loop of the user's own."""

    plugin = "azml_torch"
    options = {"log_grad_norm": 2}  # noqa: RUF012 - as an author writes it
    expected = ("mse_loss", "param.*", "outputs/*")

    status_after_failure = "Completed"  # no call of PyTorch's fails; who catches a loop's error goes on with the run

    @pytest.fixture
    def training(self):
        return train

    @pytest.fixture
    def failing(self):
        return train

    @pytest.fixture
    def idle(self):
        return lambda: nn.Linear(1, 1)(torch.ones(1, 1))
