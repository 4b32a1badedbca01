"""Pictures, tables, histograms, and the one line for a classifier."""

import pickle
import struct
import zlib

import numpy as np
import pandas as pd
import pytest
import torch
import toys

from azml_integrations import errors
from azml_lightning.lightning import AzmlLogger
from azml_lightning.pictures import png

HALF = np.linspace(0, 1, 12).reshape(3, 4)


def pixels(content):
    """Read a PNG back, the rows as bytes."""
    width, height, _, colour = struct.unpack(">IIBB", content[16:26])
    begin = content.index(b"IDAT")
    length = struct.unpack(">I", content[begin - 4 : begin])[0]
    rows = np.frombuffer(zlib.decompress(content[begin + 4 : begin + 4 + length]), np.uint8)
    return rows.reshape(height, -1)[:, 1:].reshape(height, width, {0: 1, 2: 3, 6: 4}[colour])


@pytest.mark.parametrize(
    ("image", "shape"),
    [
        (HALF, (3, 4, 1)),
        (np.zeros((3, 5, 7)), (5, 7, 3)),
        (np.dstack([HALF] * 3), (3, 4, 3)),
        (torch.tensor(HALF).bfloat16()[None], (3, 4, 1)),
        (torch.zeros(3, 3, 3, dtype=torch.uint8), (3, 3, 3)),
        (torch.ones(4, 2, 5, requires_grad=True), (2, 5, 4)),
        (HALF > 0.5, (3, 4, 1)),
        ((HALF * 300).astype(int), (3, 4, 1)),
    ],
    ids=["grey", "channels first", "channels last", "bfloat16", "a cube", "with alpha", "a mask", "whole numbers"],
)
def test_whatever_has_the_shape_of_an_image_is_one(image, shape):
    """Tensors have their channels first, arrays first or last."""
    found = pixels(png("x", image))
    assert found.shape == shape


def test_floats_run_from_black_to_white():
    """0 is 0, 1 is 255, and what lies outside is cut."""
    assert pixels(png("x", np.array([[-1.0, 0.0, 0.5, 1.0, 7.0, np.nan]]))).ravel().tolist() == [0, 0, 128, 255, 255, 0]


@pytest.mark.parametrize("image", [np.zeros((2, 2, 2)), np.array("word"), torch.zeros(0), np.zeros((1, 1, 1, 1))])
def test_what_is_no_image_is_refused_in_words(experiment, image):
    """The error says what came and what was wanted."""
    with pytest.raises(errors.UserErrorException, match=r"image 'x' got .* expected a figure"):
        AzmlLogger().log_image("x", image)


def test_images_of_all_kinds_are_points_of_one_metric(experiment, tmp_path):
    """A figure, a tensor and a file, at a step."""
    from matplotlib.figure import Figure

    (tmp_path / "there.png").write_bytes(png("x", HALF))
    logger = AzmlLogger()
    logger.log_image("seen", [Figure(), torch.zeros(1, 4, 4), tmp_path / "there.png"], step=5)
    logger.log_image("seen/again", HALF)

    run = logger.experiment
    assert [point.step for point in run.metric_points("seen")] == [5, 5, 5]
    assert len([name for name in run.get_file_names() if name.endswith(".png")]) == 4
    run.complete()


def test_tables_of_rows_and_of_frames(experiment):
    """As WandbLogger's, and what does not fit is refused."""
    logger = AzmlLogger()
    logger.log_table("rows", columns=["a", "b"], data=[[1, "x"], [2, "y"]])
    logger.log_table("frame", dataframe=pd.DataFrame({"a": [1, 2], "b": [0.5, 1.5]}))

    assert logger.experiment.get_metrics() == {
        "rows": {"a": [1, 2], "b": ["x", "y"]},
        "frame": {"a": [1, 2], "b": [0.5, 1.5]},
    }
    with pytest.raises(errors.UserErrorException, match="a row of 1 cells for 2 columns"):
        logger.log_table("rows", columns=["a", "b"], data=[[1, 2], [3]])
    with pytest.raises(errors.UserErrorException, match="neither"):
        logger.log_table("rows", columns=["a"])
    logger.log_text("words/about", "é\ud800")
    assert "outputs/words/about.txt" in logger.experiment.get_file_names()
    logger.experiment.complete()


# -- watch ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["callback", "logger"])
def test_gradients_and_weights_are_watched_without_hooks(azml, train, toy, by):
    """Their norms are those of torch, every so many steps; the model can be pickled meanwhile."""
    seen = []

    class Watched(toy):
        def on_fit_start(self):
            if by == "logger":
                self.logger.watch(self, every=3)
                self.logger.watch(self, every=3)  # twice is once

        def on_before_optimizer_step(self, optimizer):
            seen.append(self.layer.weight.grad.norm().item())

        def on_train_batch_end(self, *_):
            pickle.dumps(self.layer)

    logger = azml.AzmlLogger()
    callbacks = [azml.Watch(every=3)] if by == "callback" else []
    model = Watched()
    train(logger, model=model, callbacks=callbacks)

    points = logger.experiment.metric_points("gradients/layer.weight")
    assert [point.step for point in points] == [0, 3, 6]
    assert [point.value for point in points] == pytest.approx([seen[0], seen[3], seen[6]])
    rows = logger.experiment.get_metrics()["parameters_histogram"]
    assert rows["parameter"] == ["layer.weight", "layer.bias"] * 3
    assert [sum(map(int, counts.split())) for counts in rows["counts"]] == [4, 2] * 3
    assert not model.layer._forward_hooks


def test_watch_without_a_trainer_tells_the_way_out(azml, toy, experiment):
    """Fabric has none: azml-torch's hooks are named."""
    with pytest.raises(errors.UserErrorException, match=r"azml_torch\.watch"):
        azml.AzmlLogger().watch(toy())
    with pytest.raises(errors.OptionError, match="gradients and parameters"):
        azml.Watch(log="weights")
    with pytest.raises(errors.OptionError, match="1 or more"):
        azml.Watch(every=0)


# -- a classifier ----------------------------------------------------------------------------------------


def test_one_line_logs_the_pictures_of_a_classifier(azml, train, toy, notes):
    """The last validation and the test, without a change to the module: what it answers is taken for the scores."""
    logger, model = azml.AzmlLogger(), toy()
    trainer = train(logger, model=model, callbacks=[azml.LogClassification(classes=["left", "right"])])
    trainer.test(model, toys.rows(), verbose=False)

    found = logger.experiment.get_metrics()
    x, y = toys.rows().dataset.tensors
    expected = (model(x).argmax(1) == y).float().mean().item()
    assert found["test_accuracy_score"] == found["val_accuracy_score"] == pytest.approx(expected)
    files = logger.experiment.get_file_names()
    for picture in "roc_curve", "confusion_matrix":
        assert f"outputs/{toy.__name__}/test_{picture}.png" in files
        assert f"outputs/{toy.__name__}/val_{picture}.png" in files
    assert notes(logger.experiment) == []
    assert not model._forward_hooks


@pytest.mark.parametrize("name", ["logits", "scores"])
def test_a_step_may_return_scores_and_targets(azml, trainer_for, toy, name):
    """Where the batch is no pair, or the module is not called itself."""

    class Returning(toy):
        def test_step(self, batch, index):
            return {name: self.layer(batch[0]), "target": batch[1]}

    logger = azml.AzmlLogger()
    trainer_for(logger, callbacks=[azml.LogClassification(stages="test")]).test(Returning(), toys.rows(), verbose=False)

    assert "test_roc_auc_score" in logger.experiment.get_metrics()


def test_a_step_without_scores_is_a_note_not_an_error(azml, trainer_for, toy, notes):
    """What is missing, and what to return."""

    class Silent(toy):
        def test_step(self, batch, index):
            self.layer(batch[0])

    logger = azml.AzmlLogger()
    trainer_for(logger, callbacks=[azml.LogClassification()]).test(Silent(), toys.rows(), verbose=False)

    (note,) = notes(logger.experiment)
    assert "a step gave no scores" in note
    assert "logits" in note
    assert logger.experiment.get_status() == "Completed"


def test_scores_that_cannot_be_judged_do_not_end_the_training(azml, trainer_for, toy, notes):
    """A label that is no class becomes a warning and a note."""

    class Odd(toy):
        def test_step(self, batch, index):
            return {"logits": self(batch[0]), "target": batch[1] + 7}

    logger = azml.AzmlLogger()
    with pytest.warns(errors.AutologWarning, match="none of the 2 classes"):
        trainer_for(logger, callbacks=[azml.LogClassification()]).test(Odd(), toys.rows(), verbose=False)
    assert logger.experiment.get_status() == "Completed"
    assert notes(logger.experiment)


def test_the_same_by_hand(experiment):
    """For whoever has scores already."""
    logger = AzmlLogger()
    found = logger.log_classification(torch.tensor([0, 1, 1, 0]), torch.tensor([0.1, 0.9, 0.8, 0.3]), prefix="dev")
    assert found["dev_accuracy_score"] == 1.0
    assert "dev_roc_curve" in logger.experiment.get_metrics()
    logger.experiment.complete()


def test_the_callbacks_travel(azml):
    """ddp_spawn pickles them with the trainer."""
    for callback in (azml.LogClassification(["a"]), azml.Watch()):
        assert type(pickle.loads(pickle.dumps(callback))) is type(callback)
