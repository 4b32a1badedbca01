"""Two processes on the CPU, one run: rank 0 logs, and what it logs is averaged over both."""

import torch
from lightning.pytorch import LightningModule, Trainer, seed_everything
from torch import nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, TensorDataset

from azml_lightning import AzmlLogger, LogClassification


class Sides(LightningModule):
    """Tells on which side of a line a point lies."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(2, 2)

    def forward(self, x):
        return self.layer(x)

    def training_step(self, batch, index):
        loss = cross_entropy(self(batch[0]), batch[1])
        self.log("loss", loss, sync_dist=True)
        return loss

    def validation_step(self, batch, index):
        self.log("val_loss", cross_entropy(self(batch[0]), batch[1]), sync_dist=True)

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.5)


def main():
    seed_everything(0, verbose=False)
    x = torch.randn(256, 2)
    rows = TensorDataset(x, (x.sum(1) > 0).long())
    trainer = Trainer(
        max_epochs=3,
        log_every_n_steps=1,
        accelerator="cpu",
        devices=2,
        strategy="ddp_spawn",
        logger=AzmlLogger("lightning_two_processes"),
        callbacks=[LogClassification()],  # gathers the rows of both
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(Sides(), DataLoader(rows, 16), DataLoader(rows, 64))

    run = trainer.logger.experiment  # the processes are gone; their run is here
    found = run.get_metrics()
    print(f"{run.get_status()}: {len(found['loss'])} steps, ROC AUC {found['val_roc_auc_score']:.3f}")


if __name__ == "__main__":
    main()
