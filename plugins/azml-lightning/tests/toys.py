"""Tiny models by module-level names, so that they can be pickled."""

import lightning.pytorch
import pytorch_lightning
import torch
from torch import nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, TensorDataset


def rows(n=32, batch=8):
    """Return batches of points in the plane and their quadrants' sides: n // batch steps an epoch."""
    x = torch.randn(n, 2, generator=torch.Generator().manual_seed(0))
    return DataLoader(TensorDataset(x, (x[:, 0] > 0).long()), batch)


def _toy(base):
    class Toy(base):
        def __init__(self, lr=0.1, net=None):
            super().__init__()
            self.save_hyperparameters()
            self.layer = nn.Linear(2, 2)

        def forward(self, x):
            return self.layer(x)

        def training_step(self, batch, index):
            loss = cross_entropy(self(batch[0]), batch[1])
            self.log("loss", loss)
            return loss

        def validation_step(self, batch, index):
            self.log("val_loss", cross_entropy(self(batch[0]), batch[1]))

        def test_step(self, batch, index):
            self.log("test_loss", cross_entropy(self(batch[0]), batch[1]))

        def predict_step(self, batch, index):
            return self(batch[0])

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), lr=self.hparams.lr)

    return Toy


def _gan(base):
    class TwoOptimizers(base):
        """Manual optimization: each batch is two optimizer steps."""

        def __init__(self):
            super().__init__()
            self.automatic_optimization = False
            self.one, self.other = nn.Linear(2, 1), nn.Linear(2, 1)

        def training_step(self, batch, index):
            for layer, optimizer in zip((self.one, self.other), self.optimizers(), strict=True):
                loss = layer(batch[0]).square().mean()
                optimizer.zero_grad()
                self.manual_backward(loss)
                optimizer.step()
                self.log(f"loss_{layer.in_features}", loss)

        def validation_step(self, batch, index):
            """Have one, so that nobody warns."""

        def configure_optimizers(self):
            return [torch.optim.SGD(self.one.parameters(), 0.1), torch.optim.Adam(self.other.parameters(), 0.01)]

    return TwoOptimizers


ToyOfLightning = _toy(lightning.pytorch.LightningModule)
ToyOfPytorchLightning = _toy(pytorch_lightning.LightningModule)
GanOfLightning = _gan(lightning.pytorch.LightningModule)
GanOfPytorchLightning = _gan(pytorch_lightning.LightningModule)
for _name, _class in list(globals().items()):
    if _name.startswith(("ToyOf", "GanOf")):
        _class.__name__ = _class.__qualname__ = _name

TOYS = {"lightning": ToyOfLightning, "pytorch_lightning": ToyOfPytorchLightning}
GANS = {"lightning": GanOfLightning, "pytorch_lightning": GanOfPytorchLightning}
