"""What a training leaves on the disk, taken into its run."""

import contextlib
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from azml_integrations import Run

MOST_WEIGHTS = 256 * 2**20
"""Bytes of weights that are stored where the training keeps no checkpoint."""

SHARDED = ("FSDPStrategy", "DeepSpeedStrategy", "ModelParallelStrategy")
"""Strategies under which no process has all weights."""


def sweep(run: "Run", folder: Path, without: Path) -> None:
    """Take the files that were written into the run's own ``outputs`` among its artifacts, where they lie.

    Parameters
    ----------
    run : Run
        The run.
    folder : Path
        Its folder.
    without : Path
        Lightning's own folder of checkpoints, of which the shelf keeps what it keeps.
    """
    root = folder / "outputs"
    if not root.is_dir():
        return
    there = set(run.get_file_names())
    for path in sorted(root.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if name not in there and path.is_file() and not path.is_relative_to(without) and not name.endswith(".partial"):
            run.link_file(name, path)


def move_aside(run: "Run", folder: Path, name: str) -> None:
    """Give a file of an earlier part of the training another name, so that this part can write its own."""
    path = folder / name
    if not path.is_file():
        return
    number = next(n for n in range(1, 10_000) if not (folder / f"{path.stem}_{n}{path.suffix}").exists())
    aside = path.rename(folder / f"{path.stem}_{number}{path.suffix}")
    run.link_file(f"outputs/{aside.name}", aside)


def store_weights(run: "Run", trainer: Any) -> None:
    """Store the weights of a training that keeps no checkpoint: ``outputs/model/weights.safetensors``.

    Parameters
    ----------
    run : Run
        Where to.
    trainer : Trainer
        At the end of a fit; of anything else nothing is stored.
    """
    model = getattr(trainer, "lightning_module", None)
    if model is None or trainer.state.fn != "fit":
        return
    weights = {} if type(trainer.strategy).__name__ in SHARDED else model.state_dict()
    size = sum(tensor.numel() * tensor.element_size() for tensor in weights.values() if hasattr(tensor, "numel"))
    if not weights or size > MOST_WEIGHTS:
        why = f"they are {size / 2**20:,.0f} MiB" if weights else "no process has all of them, or there are none"
        run.note("lightning", f"no weights stored: {why}; a ModelCheckpoint keeps them")
        return
    suffix, content = _dumped(weights)
    facts = {
        "class": f"{type(model).__module__}.{type(model).__qualname__}",
        "file": f"weights.{suffix}",
        "load": "model.load_state_dict(safetensors.torch.load_file(file))"
        if suffix == "safetensors"
        else "model.load_state_dict(torch.load(file, weights_only=True))",
    }
    run.upload_file(f"outputs/model/weights.{suffix}", io.BytesIO(content))
    run.upload_file("outputs/model/model.json", io.BytesIO(json.dumps(facts, indent=2).encode()))


def _dumped(weights: dict[str, Any]) -> tuple[str, bytes]:
    """Return weights as a file that runs no code: safetensors, else torch's own."""
    with contextlib.suppress(ImportError, RuntimeError, ValueError, AttributeError):  # tied weights, no tensors
        from safetensors.torch import save

        return "safetensors", save({name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()})
    import torch

    out = io.BytesIO()
    torch.save(weights, out)
    return "pt", out.getvalue()
