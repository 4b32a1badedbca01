"""Two networks against each other on points of a ring: each optimizer's losses and rates have names of their own."""

import math

import torch
from torch import nn

import azml_integrations

azml_integrations.autolog()

torch.manual_seed(0)


def points_of_a_ring(count):
    angle = 2 * math.pi * torch.rand(count)
    return torch.stack([angle.cos(), angle.sin()], dim=1) + 0.05 * torch.randn(count, 2)


class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 2))

    def forward(self, noise):
        return self.layers(noise)


class Discriminator(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(2, 32), nn.LeakyReLU(0.2), nn.Linear(32, 1))

    def forward(self, points):
        return self.layers(points)


generator, discriminator = Generator(), Discriminator()
optimizer_d = torch.optim.Adam(discriminator.parameters(), lr=2e-3, betas=(0.5, 0.999))  # steps first: no suffix
optimizer_g = torch.optim.Adam(generator.parameters(), lr=1e-3, betas=(0.5, 0.999))  # the second one: _2
criterion = nn.BCEWithLogitsLoss()
ones, zeros = torch.ones(64, 1), torch.zeros(64, 1)

for _ in range(300):
    fake = generator(torch.randn(64, 4))

    optimizer_d.zero_grad()
    loss_d = criterion(discriminator(points_of_a_ring(64)), ones) + criterion(discriminator(fake.detach()), zeros)
    loss_d.backward()
    optimizer_d.step()

    optimizer_g.zero_grad()
    loss_g = criterion(discriminator(fake), ones)
    loss_g.backward()
    optimizer_g.step()

radius = generator(torch.randn(1000, 4)).norm(dim=1)
print(f"radius of the generated points: {radius.mean():.2f} +- {radius.std():.2f}")
