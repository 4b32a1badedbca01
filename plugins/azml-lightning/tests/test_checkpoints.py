"""The model in a run's outputs: linked, never copied twice; and the way back from a checkpoint to its run."""

import json
import os
import weakref
from pathlib import Path

import pytest
import torch

from azml_integrations import errors
from azml_lightning.checkpoints import run_id_in

BEST = "outputs/checkpoints/best.ckpt"


def path_of(run, name):
    return run.experiment.workspace.view.folder(run.id) / name


def told(run, name):
    return json.loads(path_of(run, f"outputs/checkpoints/{name}.json").read_text())


def test_the_best_and_the_last_are_links(azml, pl, train):
    """The very file that Lightning wrote, by a second name; a small file says which one it is and how good."""
    keeper = pl.callbacks.ModelCheckpoint(monitor="val_loss", save_last=True)
    logger = azml.AzmlLogger()
    train(logger, callbacks=[keeper], max_epochs=3)

    run = logger.experiment
    assert [n for n in run.get_file_names() if n.endswith(".ckpt")] == [BEST, "outputs/checkpoints/last.ckpt"]
    assert path_of(run, BEST).samefile(keeper.best_model_path)
    assert path_of(run, "outputs/checkpoints/last.ckpt").samefile(keeper.last_model_path)
    best = told(run, "best")
    assert best["saved_as"] == Path(keeper.best_model_path).name
    assert (best["monitor"], best["mode"]) == ("val_loss", "min")
    assert best["score"] == pytest.approx(keeper.best_model_score.item())
    assert Path(keeper.best_model_path).is_relative_to(path_of(run, "outputs"))  # Lightning writes into the run itself


def test_lightning_may_delete_what_the_run_keeps(azml, pl, train):
    """With "all", every checkpoint is kept under its own name, though Lightning keeps the best alone."""
    logger = azml.AzmlLogger(log_model="all")
    keeper = pl.callbacks.ModelCheckpoint(monitor="val_loss", save_top_k=1, filename="{epoch}")
    train(logger, callbacks=[keeper], max_epochs=3)

    names = {Path(name).name for name in logger.experiment.get_file_names() if name.endswith(".ckpt")}
    assert names == {"best.ckpt", "epoch=0.ckpt", "epoch=1.ckpt", "epoch=2.ckpt"}
    assert len(list(Path(keeper.dirpath).glob("*.ckpt"))) == 1
    weights = torch.load(path_of(logger.experiment, "outputs/checkpoints/epoch=0.ckpt"), weights_only=True)
    assert "layer.weight" in weights["state_dict"]


def test_none_are_kept_when_none_are_wanted(azml, train):
    """log_model=False is no model at all in the run's list of files."""
    logger = azml.AzmlLogger(log_model=False)
    train(logger, max_epochs=1)
    assert logger.experiment.get_file_names() == ["outputs/model_summary.txt"]


def test_without_checkpoints_the_weights_are_stored(azml, train, toy):
    """A training that keeps none has its model in outputs all the same, as a file that runs no code."""
    from safetensors.torch import load_file

    logger, model = azml.AzmlLogger(), toy()
    train(logger, model=model, enable_checkpointing=False, max_epochs=1)

    run = logger.experiment
    weights = load_file(path_of(run, "outputs/model/weights.safetensors"))
    assert torch.equal(weights["layer.weight"], model.layer.weight)
    assert json.loads(path_of(run, "outputs/model/model.json").read_text())["class"].endswith(toy.__qualname__)


def test_weights_that_are_tied_or_too_large(azml, train, toy, monkeypatch, notes):
    """Tied ones go into torch's own file; beyond the cap none do, and the run says so."""

    class Tied(toy):
        def __init__(self):
            super().__init__()
            self.again = self.layer

    logger = azml.AzmlLogger()
    train(logger, model=Tied(), enable_checkpointing=False, max_epochs=1)
    assert "outputs/model/weights.pt" in logger.experiment.get_file_names()

    monkeypatch.setattr("azml_lightning.outputs.MOST_WEIGHTS", 3)
    logger = azml.AzmlLogger()
    train(logger, enable_checkpointing=False, max_epochs=1)
    assert not any("weights" in name for name in logger.experiment.get_file_names())
    assert "ModelCheckpoint keeps them" in notes(logger.experiment)[0]


def test_nothing_of_the_weak_reference_is_kept(azml, train):
    """Lightning's callback dies with its trainer."""
    logger = azml.AzmlLogger()
    trainer = train(logger, max_epochs=1)
    dying = weakref.ref(trainer.checkpoint_callback)
    del trainer
    import gc

    gc.collect()
    assert dying() is None


def test_a_folder_of_the_users_is_respected(azml, pl, train, tmp_path):
    """save_dir and dirpath decide where Lightning writes; the run has its links."""
    logger = azml.AzmlLogger(save_dir=str(tmp_path / "mine"))
    trainer = train(logger, max_epochs=1)

    assert Path(trainer.checkpoint_callback.dirpath) == tmp_path / "mine" / "exp" / logger.version / "checkpoints"
    assert trainer.log_dir == str(tmp_path / "mine")
    assert path_of(logger.experiment, BEST).samefile(trainer.checkpoint_callback.best_model_path)


def test_another_disk_gets_a_copy(azml, train, monkeypatch):
    """Where the disk gives no second names."""

    def refuse(*_):
        raise OSError(18, "cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    logger = azml.AzmlLogger()
    trainer = train(logger, max_epochs=1)
    stored = path_of(logger.experiment, BEST)
    assert stored.read_bytes() == Path(trainer.checkpoint_callback.best_model_path).read_bytes()
    assert not stored.samefile(trainer.checkpoint_callback.best_model_path)


def test_a_name_that_the_next_run_writes_over_is_copied(azml, pl, train, tmp_path):
    """Without Lightning's version counter, two runs share one file in a folder of the user's; each keeps its own."""
    loggers = [azml.AzmlLogger(), azml.AzmlLogger()]
    for epochs, logger in enumerate(loggers, start=1):
        keeper = pl.callbacks.ModelCheckpoint(tmp_path / "mine", filename="model", enable_version_counter=False)
        train(logger, callbacks=[keeper], max_epochs=epochs)

    first, second = (torch.load(path_of(one.experiment, BEST), weights_only=True)["epoch"] for one in loggers)
    assert (first, second) == (0, 1)
    assert not path_of(loggers[1].experiment, BEST).samefile(tmp_path / "mine" / "model.ckpt")


def test_two_monitors_have_a_best_each(azml, pl, train):
    """The second one says in its name what it watches, the third one, which watches the same, its number."""
    keepers = [pl.callbacks.ModelCheckpoint(monitor=name, filename=name) for name in ("val_loss", "loss")]
    keepers.append(pl.callbacks.ModelCheckpoint(monitor="loss", mode="max", filename="worst"))
    logger = azml.AzmlLogger()
    train(logger, callbacks=keepers, max_epochs=1)
    names = [Path(name).name for name in logger.experiment.get_file_names() if name.endswith(".ckpt")]
    assert names == ["best-3.ckpt", "best-loss.ckpt", "best.ckpt"]
    assert [told(logger.experiment, name)["mode"] for name in ("best", "best-loss", "best-3")] == ["min", "min", "max"]


def test_a_linked_last_is_the_one_of_the_end(azml, pl, train):
    """save_last="link" makes a symbolic link after the logger was told."""
    keeper = pl.callbacks.ModelCheckpoint(monitor="val_loss", save_last="link", save_top_k=-1)
    logger = azml.AzmlLogger()
    train(logger, callbacks=[keeper])
    assert path_of(logger.experiment, "outputs/checkpoints/last.ckpt").samefile(keeper.last_model_path)


def test_what_callbacks_write_into_the_folder_is_listed(azml, train, toy):
    """trainer.log_dir is the run's own outputs."""

    class Writing(toy):
        def on_train_end(self):
            Path(self.trainer.log_dir, "deep").mkdir()
            Path(self.trainer.log_dir, "deep", "mine.txt").write_text("x")

    logger = azml.AzmlLogger()
    train(logger, model=Writing(), max_epochs=1)
    assert "outputs/deep/mine.txt" in logger.experiment.get_file_names()


# -- resuming ----------------------------------------------------------------------------------------------


def test_a_checkpoint_says_which_run_wrote_it(azml, train):
    """Without a line of it being run, or a tensor being read."""
    logger = azml.AzmlLogger()
    trainer = train(logger, max_epochs=1)
    assert run_id_in(trainer.checkpoint_callback.best_model_path) == logger.version


def test_reading_an_evil_checkpoint_runs_nothing(tmp_path):
    """A pickle may call what it likes; here it calls nothing."""

    class Evil:
        def __reduce__(self):
            return os.system, (f"touch {tmp_path}/harm",)

    torch.save({"state": Evil(), "azml_integrations": {"run_id": "abc"}}, tmp_path / "evil.ckpt")
    assert run_id_in(tmp_path / "evil.ckpt") == "abc"
    assert not (tmp_path / "harm").exists()


@pytest.mark.parametrize("by", ["run_id", "resume"])
def test_a_failed_training_goes_on_in_its_run(azml, pl, train, toy, runs, by):
    """Stop, and resume from the checkpoint: one run, every step once, Running in between and Completed at the end."""

    class Stopping(toy):
        def on_train_epoch_start(self):
            if self.current_epoch == 1:
                raise RuntimeError("power cut")

    keeper = pl.callbacks.ModelCheckpoint(save_last=True, save_on_train_epoch_end=True)
    first = azml.AzmlLogger()
    with pytest.raises(RuntimeError, match="power cut"):
        train(first, model=Stopping(), callbacks=[keeper])
    assert runs()[0].get_status() == "Failed"

    last = keeper.last_model_path
    again = azml.AzmlLogger(run_id=first.version) if by == "run_id" else azml.AzmlLogger(resume=last)
    seen = []

    class Going(toy):
        def on_train_start(self):
            seen.append(runs()[0].get_status())

    train(again, model=Going(), ckpt_path=last)

    (run,) = runs()
    assert seen == ["Running"]
    assert run.get_status() == "Completed"
    assert run._record().error is None
    assert [point.step for point in run.metric_points("loss")] == list(range(8))


def test_resume_begins_a_run_where_there_is_no_checkpoint_yet(azml, train, runs):
    """The same script, started for the first time."""
    train(azml.AzmlLogger(resume="not/there.ckpt"), max_epochs=1)
    assert len(runs()) == 1


def test_a_checkpoint_of_another_logger_is_refused(azml, tmp_path, experiment):
    """It does not say which run it belongs to; run_id does."""
    torch.save({"state_dict": {}}, tmp_path / "other.ckpt")
    with pytest.raises(errors.OptionError, match="run_id"):
        _ = azml.AzmlLogger(resume=str(tmp_path / "other.ckpt")).version


def test_a_living_run_is_joined_and_left_open(azml, train, experiment):
    """run_id of a run that is Running adds to it, as run= does."""
    run = experiment.start_logging(outputs=False)
    train(azml.AzmlLogger(run_id=run.id), max_epochs=1)
    assert run.get_status() == "Running"
    assert len(run.metric_points("loss")) == 4
    run.complete()


def test_an_unknown_run_is_an_error_before_the_training(azml, train):
    """Not after the first epoch."""
    with pytest.raises(errors.RunNotFoundError):
        train(azml.AzmlLogger(run_id="nobody"), max_epochs=1)
