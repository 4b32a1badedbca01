"""A LightningModule on digits: loss curves, the pictures of its test by one line, its best checkpoint in outputs."""

import torch
from lightning.pytorch import LightningModule, Trainer, seed_everything
from lightning.pytorch.callbacks import ModelCheckpoint
from matplotlib.figure import Figure
from sklearn.datasets import load_digits
from torch import nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, TensorDataset, random_split

from azml_lightning import AzmlLogger, LogClassification


class LitDigits(LightningModule):
    """A network with one hidden layer, as anybody writes it."""

    def __init__(self, hidden: int = 64, lr: float = 0.003) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.layers = nn.Sequential(nn.Linear(64, hidden), nn.ReLU(), nn.Linear(hidden, 10))

    def forward(self, x):
        return self.layers(x)

    def training_step(self, batch, index):
        return self.told("train", batch)

    def validation_step(self, batch, index):
        self.told("val", batch)

    def test_step(self, batch, index):
        self.told("test", batch)

    def told(self, stage, batch):
        logits = self(batch[0])
        loss = cross_entropy(logits, batch[1])
        accuracy = (logits.argmax(1) == batch[1]).float().mean()
        self.log_dict({f"{stage}_loss": loss, f"{stage}_accuracy": accuracy})
        return loss

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=self.hparams.lr)


def curves(run):
    """Draw the losses of steps and epochs; the run has every point."""
    figure = Figure((6, 3.5), layout="constrained")
    axes = figure.add_subplot(xlabel="step", ylabel="cross entropy", yscale="log")
    for name in ("train_loss", "val_loss"):
        points = run.metric_points(name)
        axes.plot([point.step for point in points], [point.value for point in points], label=name)
    axes.legend()
    figure.savefig("curves.png")
    return "curves.png"


def main():
    seed_everything(0, verbose=False)
    digits = load_digits()
    rows = TensorDataset(torch.tensor(digits.data / 16, dtype=torch.float32), torch.tensor(digits.target))
    train, val, test = random_split(rows, [1200, 297, 300])

    trainer = Trainer(
        max_epochs=10,
        log_every_n_steps=1,
        logger=AzmlLogger("lightning_digits"),
        callbacks=[ModelCheckpoint(monitor="val_loss"), LogClassification()],  # the second is the one line
        enable_progress_bar=False,
    )
    trainer.fit(LitDigits(), DataLoader(train, 64, shuffle=True), DataLoader(val, 300))
    trainer.test(ckpt_path="best", dataloaders=DataLoader(test, 300), verbose=False)

    run = trainer.logger.experiment
    trainer.logger.log_image("curves", curves(run))
    found = run.get_metrics()
    print(f"accuracy on test rows {found['test_accuracy_score']:.3f}, ROC AUC {found['test_roc_auc_score']:.4f}")
    print(*run.get_file_names(), sep="\n")


if __name__ == "__main__":
    main()
