"""autolog() alone: trainers record themselves, and are given back as they were."""

import importlib
import pickle
import subprocess
import sys
import warnings

import pytest
import toys

from azml_integrations import autolog
from azml_integrations.autologging import is_paused
from azml_integrations.errors import AutologWarning


@pytest.fixture
def on(kind, pl, experiment, monkeypatch):
    """Switch autolog on for the package of this test."""
    from azml_integrations.plugins import plugins

    monkeypatch.setenv("AZML_PLUGINS", "lightning")
    plugins.cache_clear()
    autolog(kind)
    yield
    autolog(False)


@pytest.fixture
def quiet(trainer_for):
    """Make a trainer as a user does who says nothing about loggers, but for keywords."""
    import inspect

    def make(**settings):
        trainer_class = inspect.getclosurevars(trainer_for).nonlocals["pl"].Trainer
        silence = {"enable_progress_bar": False, "enable_model_summary": False, "log_every_n_steps": 1}
        return trainer_class(**{"max_epochs": 2, "accelerator": "cpu", **silence, **settings})

    return make


def test_a_trainer_without_a_logger_is_recorded(on, quiet, toy, runs, capsys):
    """Lightning's default logger stays the first; ours is beside it; one line says where to look."""
    trainer = quiet()
    model = toy(lr=0.5)
    trainer.fit(model, toys.rows(), toys.rows())
    trainer.test(model, toys.rows(), verbose=False)

    (run,) = runs()
    assert type(trainer.loggers[0]).__name__ in ("CSVLogger", "TensorBoardLogger")
    assert [point.step for point in run.metric_points("loss")] == list(range(8))
    assert len(run.metric_points("test_loss")) == 1
    assert run.get_properties()["param.lr"] == "0.5"
    assert "outputs/checkpoints/best.ckpt" in run.get_file_names()
    assert run.get_status() == "Completed"
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("azml:")]
    assert lines[0] == (
        f"azml: {toy.__name__}: fit, 3 metrics of up to 10 points, best.ckpt; see it with: azml run show {run.id}"
    )
    assert len(lines) == 2  # one for the fit, one for the test


def test_silent_is_silent(on, kind, quiet, toy, capsys):
    """autolog(silent=True) prints nothing."""
    autolog(kind, silent=True)
    quiet(logger=True, max_epochs=1).fit(toy(), toys.rows(), toys.rows())
    assert "azml: " not in capsys.readouterr().err


def test_log_models_false_stores_none(on, kind, quiet, toy, runs):
    """As for every framework."""
    autolog(kind, log_models=False)
    quiet(max_epochs=1).fit(toy(), toys.rows(), toys.rows())
    assert not any(name.endswith((".ckpt", ".safetensors")) for name in runs()[0].get_file_names())


def test_a_users_own_logger_is_respected(on, pl, quiet, toy, runs, capsys):
    """Nothing is added to it; a line says so, and what to do."""
    own = pl.loggers.CSVLogger("logs")
    trainer = quiet(logger=own, max_epochs=1)
    trainer.fit(toy(), toys.rows(), toys.rows())

    assert trainer.loggers == [own]
    assert runs() == []
    assert "a logger of yours (CSVLogger)" in capsys.readouterr().err


def test_a_logger_of_ours_is_used_once(on, azml, quiet, toy, runs):
    """AzmlLogger and autolog() together are one run."""
    quiet(logger=azml.AzmlLogger(), max_epochs=1).fit(toy(), toys.rows(), toys.rows())
    (run,) = runs()
    assert len(run.metric_points("loss")) == 4


def test_no_logger_is_recorded_by_epoch(on, quiet, toy, runs):
    """logger=False stays without one: what is computed at the end of each epoch is read, and no step waits for it."""
    trainer = quiet(logger=False)
    model = toy()
    trainer.fit(model, toys.rows(), toys.rows())
    trainer.validate(model, toys.rows(), verbose=False)
    trainer.test(model, toys.rows(), verbose=False)

    assert trainer.loggers == []
    (run,) = runs()
    assert [point.step for point in run.metric_points("loss")] == [4, 8]
    assert [point.step for point in run.metric_points("val_loss")] == [4, 8, 8]
    assert run.get_metrics()["epoch"][:2] == [0, 1]
    assert len(run.metric_points("test_loss")) == 1
    assert "outputs/checkpoints/best.ckpt" in run.get_file_names()
    assert run.get_properties()["param.lr"] == "0.1"
    assert run.get_status() == "Completed"


def test_a_failure_without_a_logger_fails_the_run(on, quiet, toy, runs):
    """The exception leaves as it came."""

    class Broken(toy):
        def training_step(self, batch, index):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        quiet(logger=False).fit(Broken(), toys.rows(), toys.rows())
    assert [run.get_status() for run in runs()] == ["Failed"]


def test_it_writes_into_the_users_run(on, quiet, toy, experiment):
    """A training inside ``with start_logging()`` belongs to that run."""
    with experiment.start_logging(outputs=False) as run:
        quiet(max_epochs=1).fit(toy(), toys.rows(), toys.rows())
        assert run.get_status() == "Running"
    assert len(run.metric_points("loss")) == 4


def test_a_loop_of_trainings_in_one_run_is_a_table(on, quiet, toy, experiment):
    """The first fit stands in the run, each later one in a child: no curve runs into another."""
    with experiment.start_logging(outputs=False) as run:
        for lr in (0.1, 0.2, 0.4):
            trainer, model = quiet(max_epochs=1), toy(lr=lr)
            trainer.fit(model, toys.rows(), toys.rows())
            trainer.test(model, toys.rows(), verbose=False)

    children = sorted(run.get_children(), key=lambda child: child.number)
    assert [len(one.metric_points("loss")) for one in (run, *children)] == [4, 4, 4]
    assert [len(one.metric_points("test_loss")) for one in (run, *children)] == [1, 1, 1]
    assert {child.get_status() for child in children} == {"Completed"}
    assert run.fits().columns["lr"] == [0.1, 0.2, 0.4]
    assert len(run.fits().columns["val_loss"]) == 3


def test_a_test_by_another_trainer_stays_in_the_run(on, quiet, toy, experiment):
    """Only a fit makes a child."""
    model = toy()
    with experiment.start_logging(outputs=False) as run:
        quiet(max_epochs=1).fit(model, toys.rows(), toys.rows())
        quiet().test(model, toys.rows(), verbose=False)
    assert len(run.metric_points("test_loss")) == 1
    assert list(run.get_children()) == []


def test_wrong_arguments_are_the_trainers_to_refuse(on, quiet, toy):
    """Its own TypeError, and no warning of ours beside it."""
    with pytest.raises(TypeError):
        quiet().fit(toy(), nothing=1)


def test_torch_is_silent_underneath_and_scikit_learn_is_not(on, quiet, toy):
    """The steps of a trainer are the trainer's; a fit of scikit-learn inside is still recorded by its own adapter."""
    seen = []

    class Asking(toy):
        def on_train_start(self):
            seen.append((is_paused("torch"), is_paused("sklearn"), is_paused()))

    quiet(max_epochs=1).fit(Asking(), toys.rows(), toys.rows())
    assert seen == [(True, False, False)]
    assert not is_paused("torch")


def test_a_fit_from_a_checkpoint_goes_on_in_its_run(on, quiet, toy, runs):
    """ckpt_path alone is enough: the checkpoint knows its run."""
    first = quiet(max_epochs=1)
    first.fit(toy(), toys.rows(), toys.rows())
    quiet(max_epochs=2).fit(toy(), toys.rows(), toys.rows(), ckpt_path=first.checkpoint_callback.best_model_path)

    (run,) = runs()
    assert [point.step for point in run.metric_points("loss")] == list(range(8))
    assert run.get_status() == "Completed"


def test_rehearsals_leave_nothing(on, pl, quiet, toy, runs):
    """fast_dev_run and barebones want no logging."""
    quiet(fast_dev_run=True).fit(toy(), toys.rows(), toys.rows())
    bare = pl.Trainer(barebones=True, max_epochs=1, accelerator="cpu")

    class Mute(toy):
        log = lambda self, *_, **__: None  # noqa: E731 - barebones refuses self.log

    bare.fit(Mute(), toys.rows(), toys.rows())
    assert runs() == []


def test_off_gives_everything_back(kind, on, pl, quiet, toy, runs):
    """The class is what it was, and a trainer from meanwhile has no logger of ours."""
    with_default, without = quiet(max_epochs=1), quiet(logger=False, max_epochs=1)
    autolog(False)

    for name in ("__init__", "fit", "validate", "test", "predict"):
        assert getattr(pl.Trainer, name).__module__.startswith(pl.__name__.partition(".")[0])
        assert not getattr(pl.Trainer, name).__globals__["__name__"].startswith("azml")
    for trainer in (with_default, without):
        assert not any("azml" in type(one).__module__ for one in [*trainer.loggers, *trainer.callbacks])
        trainer.fit(toy(), toys.rows(), toys.rows())
    assert runs() == []


def test_trouble_of_ours_is_a_warning(on, quiet, toy, monkeypatch):
    """A home that cannot be written to costs the recording, not the training."""
    from azml_integrations import Experiment

    def refuse(*_, **__):
        raise OSError("read-only")

    monkeypatch.setattr(Experiment, "start_logging", refuse)
    trainer = quiet(max_epochs=1)
    with pytest.warns(AutologWarning, match="read-only"):
        trainer.fit(toy(), toys.rows(), toys.rows())
    assert trainer.global_step == 4


def test_the_users_random_numbers_are_not_touched(on, quiet, toy, pl):
    """The same weights with and without us."""
    weights = []
    for switched_on in (True, False):
        if not switched_on:
            autolog(False)
        pl.seed_everything(7, verbose=False)
        model = toy()
        quiet(max_epochs=1).fit(model, toys.rows(), toys.rows())
        weights.append(model.layer.weight.tolist())
    assert weights[0] == weights[1]


def test_a_trainer_that_is_recorded_can_be_pickled(on, quiet):
    """For ddp_spawn."""
    for logger in (None, False):
        pickle.loads(pickle.dumps(quiet(logger=logger)))


def test_both_packages_are_offered_as_plugins(tmp_path):
    """autolog() alone listens to whichever comes; nothing is imported by it."""
    code = (
        "import sys, azml_integrations; azml_integrations.autolog('lightning', 'pytorch_lightning');"
        "print('torch' in sys.modules);"
        "import pytorch_lightning as pl; print(pl.Trainer.fit.__code__.co_filename.count('azml_lightning'))"
    )
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path, timeout=100
    )
    assert said.stdout.split() == ["False", "1"]


def test_the_command_line_sees_the_same_arguments(on, pl):
    """jsonargparse and editors read the signature of Trainer."""
    import inspect

    assert "max_epochs" in inspect.signature(pl.Trainer.__init__).parameters
    assert "ckpt_path" in inspect.signature(pl.Trainer.fit).parameters


def test_the_entry_point_is_a_good_plugin():
    """What the core checks of every plugin."""
    from azml_integrations.testing import check_plugin

    with warnings.catch_warnings():
        check_plugin(importlib.import_module("azml_lightning"))
