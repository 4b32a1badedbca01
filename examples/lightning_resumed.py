"""A training that is stopped and goes on: one run, one curve. Start it again and again until it is through."""

import sys
from pathlib import Path

import torch
from lightning.pytorch import LightningModule, Trainer, seed_everything
from lightning.pytorch.callbacks import ModelCheckpoint
from torch import nn
from torch.nn.functional import mse_loss
from torch.utils.data import DataLoader, TensorDataset

from azml_lightning import AzmlLogger

LAST = Path("checkpoints/last.ckpt")


class Line(LightningModule):
    """y = 2x + 1, learned."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(1, 1)

    def training_step(self, batch, index):
        loss = mse_loss(self.layer(batch[0]), batch[1])
        self.log("loss", loss)
        return loss

    def on_train_epoch_start(self):
        if self.current_epoch == 3 and not self.trainer.ckpt_path:
            sys.exit("the power fails in the middle of epoch 3")  # what happens to us all

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


def main():
    seed_everything(0, verbose=False)
    x = torch.linspace(-1, 1, 64)[:, None]
    trainer = Trainer(
        max_epochs=6,
        log_every_n_steps=1,
        logger=AzmlLogger("lightning_resumed", resume=str(LAST)),  # the run of this checkpoint, if it is there
        callbacks=[ModelCheckpoint(LAST.parent, save_last=True)],
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(Line(), DataLoader(TensorDataset(x, 2 * x + 1), 16), ckpt_path=str(LAST) if LAST.exists() else None)

    run = trainer.logger.experiment
    points = run.metric_points("loss")
    print(f"{run.get_status()}: steps {points[0].step} to {points[-1].step}, {len(points)} points")
    print(f"loss {points[-1].value:.6f}")


if __name__ == "__main__":
    main()
