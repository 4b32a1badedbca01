"""Pixels of arrays and tensors as PNG files, and several of them as a grid."""

import io

import numpy as np
import pytest
from matplotlib.image import imread

from azml_integrations.errors import MetricError, UserErrorException

RAMP = np.arange(24, dtype=np.uint8).reshape(2, 4, 3) * 10
"""Two rows of four pixels of three channels."""


class Tensor:
    """Channels first, on a device, part of a graph: of no framework."""

    def __init__(self, values):
        self._values, self.shape = np.asarray(values), np.shape(values)

    def detach(self):
        return self

    def cpu(self):
        return self

    def numpy(self):
        return self._values


def stored(run):
    """Return the pixels of the run's only image, as whole numbers."""
    (name,) = run.get_file_names()
    return np.round(imread(io.BytesIO(run._read(name))) * 255).astype(int)


@pytest.mark.parametrize("argument", ["path", "plot"])
def test_a_tensor_has_its_channels_first(run, argument):
    """As frameworks have it; it may stand in the place of the path."""
    run.log_image("input", **{argument: Tensor(RAMP.transpose(2, 0, 1))})
    assert stored(run).tolist() == RAMP.tolist()
    (name,) = run.get_file_names()
    assert name.startswith("input_")
    assert run.get_metrics()["input"].endswith(name)


def test_an_array_has_its_channels_last(run):
    """As image files have it; with transparency there are four."""
    with_alpha = np.concatenate([RAMP, np.full((2, 4, 1), 128, np.uint8)], axis=2)
    run.log_image("photo", with_alpha, step=3)
    assert stored(run).tolist() == with_alpha.tolist()
    assert [point.step for point in run.metric_points("photo")] == [3]


@pytest.mark.parametrize(
    "grey",
    [
        np.array([[0.0, 0.5], [1.0, 0.2]]),
        np.array([[0.0, 0.5], [1.0, 0.2]], np.float16)[..., None],
        np.array([[0, 128], [255, 51]], np.int64),
        Tensor(np.array([[[0.0, 0.5], [1.0005, 0.2]]], np.float32)),
    ],
    ids=["flat", "one channel", "whole numbers", "tensor with a rounding error"],
)
def test_grey_pixels(run, grey):
    """Floats from 0 to 1, whole numbers from 0 to 255."""
    run.log_image("grey", grey)
    assert stored(run).tolist() == [[0, 128], [255, 51]]


def test_truth_values_are_black_and_white(run):
    """A mask."""
    run.log_image("mask", np.eye(3, dtype=bool))
    assert stored(run).tolist() == (np.eye(3) * 255).tolist()


def test_several_make_a_grid(run):
    """Five pictures of 2 × 4 pixels: three beside each other, two below, white between and after them."""
    run.log_image("batch", Tensor(np.zeros((5, 3, 2, 4), np.float32)))
    sheet = stored(run)
    assert sheet.shape == (2 + 2 + 2, 4 + 2 + 4 + 2 + 4, 3)
    expected = np.full((6, 16), 255)
    for top, left in [(0, 0), (0, 6), (0, 12), (4, 0), (4, 6)]:
        expected[top : top + 2, left : left + 4] = 0
    assert sheet[..., 1].tolist() == expected.tolist()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (Tensor(np.zeros(3)), r"\(channels, height, width\) .* not of shape \(3,\)"),
        (Tensor(np.zeros((4, 4, 3))), None),
        (Tensor(np.zeros((2, 4, 4))), r"with 1, 3 or 4 channels.* not of shape \(2, 4, 4\)"),
        (np.zeros((3, 8, 8)), r"\(height, width, channels\) .* not of shape \(3, 8, 8\)"),
        (np.zeros((0, 8, 8, 3)), "not of shape"),
        (np.array([[-1.0, 1.0]]), r"floats from 0 to 1 or whole numbers from 0 to 255, not from -1.0 to 1.0"),
        (np.array([[0.0, np.nan]]), "not from nan"),
        (np.array([[0, 256]]), "not from 0 to 256"),
        (np.array([["a"]]), "expected numbers"),
        (np.broadcast_to(np.uint8(0), (9000, 9000)), r"at most 67,108,864 pixels"),
    ],
)
def test_what_makes_no_picture_is_told(run, values, message):
    """Shapes and values that somebody meant otherwise; nothing is logged."""
    if message is None:  # four channels, whatever was meant
        run.log_image("a", values)
        return
    with pytest.raises(MetricError, match=message):
        run.log_image("a", values)
    assert run.get_metrics() == {}


def test_a_path_of_numpys_is_a_path(run, tmp_path):
    """Its strings are arrays, too."""
    run.log_image("a", plot=RAMP)
    (name,) = run.get_file_names()
    (tmp_path / "again.png").write_bytes(run._read(name))
    run.log_image("b", np.str_("again.png"))
    assert run.get_file_names() == sorted(["again.png", name])
    with pytest.raises(UserErrorException, match="both a path and a plot"):
        run.log_image("c", RAMP, RAMP)
