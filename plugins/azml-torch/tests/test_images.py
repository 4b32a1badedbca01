"""`run.log_image` takes tensors, though the core has never heard of PyTorch."""

import io

import pytest
import torch
from matplotlib.figure import Figure
from matplotlib.image import imread

GREY = torch.tensor([[0.0, 0.5], [1.0, 0.2]])
BYTES = [[0, 128], [255, 51]]


def stored(run):
    (name,) = (name for name in run.get_file_names() if name.endswith(".png"))
    return (imread(io.BytesIO(run._read(name))) * 255).round().astype(int)


@pytest.mark.parametrize(
    "tensor",
    [
        GREY,
        GREY[None],
        GREY.half(),
        GREY.bfloat16().clone().requires_grad_(),
        GREY.t().contiguous().t(),
        (GREY * 255).round().byte(),
        GREY.to_sparse(),
        torch.nn.Parameter(GREY),
        torch.complex(torch.zeros(2, 2), -GREY).conj().imag,
    ],
    ids=["flat", "channel", "half", "bfloat16 with a graph", "strides", "bytes", "sparse", "parameter", "put off"],
)
def test_tensors_of_every_kind(run, tensor):
    """Detached, read back, and of types that numpy has not; the tensor stays as it is."""
    before, graph = tensor.detach().clone(), tensor.requires_grad
    run.log_image("input", tensor)
    assert abs(stored(run) - torch.tensor(BYTES).numpy()).max() <= 1  # bfloat16 has eight bits
    assert tensor.requires_grad == graph
    assert torch.equal(before.to_dense(), tensor.detach().to_dense())


def test_a_batch_makes_a_grid(run):
    """What a loader gives: (images, channels, height, width)."""
    run.log_image("batch", torch.rand(9, 3, 8, 8), step=2)
    assert stored(run).shape == (3 * 8 + 2 * 2, 3 * 8 + 2 * 2, 3)
    assert [point.step for point in run.metric_points("batch")] == [2]


def test_a_figure_beside_a_tensor(run):
    """What could be logged before still can."""
    run.log_image("figure", Figure(figsize=(1, 1), dpi=50))
    assert stored(run).shape[:2] == (50, 50)
