"""The contract that every adapter is held to, with each of the two packages."""

import importlib
import logging
import tempfile

import pytest
import toys

from azml_integrations.testing import AdapterContract


def train(package, toy, root, error=None):
    """Two epochs of a toy; returns what has been learned.

    Each keeps its files in a folder of its own: two Trainers that begin at once take the same number of Lightning's.
    """
    logging.getLogger(package).setLevel(logging.ERROR)  # tips and banners
    pl = importlib.import_module(package)
    quiet = {"enable_progress_bar": False, "enable_model_summary": False, "log_every_n_steps": 1, "accelerator": "cpu"}
    stop = [pl.callbacks.LambdaCallback(on_train_epoch_end=lambda *_: _raise(error))] if error is not None else []
    trainer = pl.Trainer(max_epochs=2, callbacks=stop, default_root_dir=tempfile.mkdtemp(dir=root), **quiet)
    model = toy()
    trainer.fit(model, toys.rows(), toys.rows())
    return model.layer, model.hparams, trainer.callback_metrics


def _raise(error):
    raise error


class TestLightning(AdapterContract):
    """``import lightning``."""

    plugin = "azml_lightning"
    framework = "lightning"
    package, toy = "lightning.pytorch", toys.ToyOfLightning
    expected = ("loss", "val_loss", "param.lr", "*.ckpt")

    @pytest.fixture
    def training(self, tmp_path):
        return lambda: train(self.package, self.toy, tmp_path)

    @pytest.fixture
    def failing(self, tmp_path):
        return lambda error: train(self.package, self.toy, tmp_path, error)

    @pytest.fixture
    def as_worker(self, monkeypatch):
        rank_zero = importlib.import_module(f"{self.package}.utilities.rank_zero")
        monkeypatch.setattr(rank_zero.rank_zero_only, "rank", 1)  # it has asked for RANK when it was imported


class TestPytorchLightning(TestLightning):
    """``import pytorch_lightning``."""

    framework = "pytorch_lightning"
    package, toy = "pytorch_lightning", toys.ToyOfPytorchLightning
