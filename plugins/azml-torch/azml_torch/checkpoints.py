"""Where a training stands: the states of a model, its optimizer and whatever else has one, to go on from there."""

import io
import tempfile
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import torch

from azml_integrations.autologging import paused
from azml_integrations.core.stored_model import checked_name, find
from azml_integrations.errors import ModelFactsError, UserErrorException

from .errors import ModelNotStorableError
from .models import check_fit, facts_of
from .modules import unwrapped
from .stored import Facts, store

if TYPE_CHECKING:
    import os

    from torch import nn

    from azml_integrations import Run
    from azml_integrations.core import Model

FACTS, FILE = "checkpoint.json", "checkpoint.pt"
HOW = "azml_torch.load_checkpoint(run, model, optimizer), or torch.load(file, weights_only=True)"


def save_checkpoint(
    run: "Run", model: "nn.Module", optimizer: Any = None, epoch: int = 0, *, name: str = "checkpoint", **others: Any
) -> str:
    """Store where a training stands; a later one of the same name takes its place.

    Parameters
    ----------
    run : Run
        Where to.
    model : torch.nn.Module
        Its state; of a compiled or data-parallel one, that of the user's own module.
    optimizer : torch.optim.Optimizer, default=None
        Its state.
    epoch : int, default=0
        What `load_checkpoint` returns: the epochs that are over.
    name : str, default="checkpoint"
        Folder below ``outputs/``.
    **others
        Whatever has a ``state_dict()``: ``scheduler=scheduler, scaler=scaler``.

    Returns
    -------
    str
        The name.

    Raises
    ------
    ModelNotStorableError
        If a state holds more than tensors, numbers, strings and collections of them: it could not be loaded safely.
    NameRefusedError
        If `name` is no plain folder name.

    Examples
    --------
    >>> azml_torch.save_checkpoint(run, model, optimizer, epoch + 1, scheduler=scheduler)  # doctest: +SKIP
    """
    if not hasattr(run, "upload_file"):
        raise UserErrorException(f"save_checkpoint got {type(run).__name__} as run; expected a Run, then the model")
    model = unwrapped(model)
    place = checked_name(name)
    parts = {"model": model} | _parts(optimizer, others)
    states = {one: part.state_dict() for one, part in parts.items()}
    with tempfile.TemporaryDirectory(prefix="azml-model-") as folder, paused():
        path = Path(folder, FILE)
        try:
            torch.save({"epoch": int(epoch), "states": states}, path)
            torch.load(path, map_location="meta", weights_only=True)  # what is refused now is not missed later
        except Exception as error:
            way_out = "expected states of tensors, numbers, strings and collections of them"
            raise ModelNotStorableError(type(model).__name__, "checkpoint", error, way_out) from error
        facts = {"format": "checkpoint", "load": HOW, "epoch": int(epoch)} | facts_of(model)
        store(run, f"outputs/{place}", path, FACTS, facts, ("torch",))
    return place


def load_checkpoint(
    source: "Run | Model | str | os.PathLike[str]",
    model: "nn.Module",
    optimizer: Any = None,
    *,
    name: str | None = None,
    **others: Any,
) -> int:
    """Put a training back to where it stood.

    Nothing but tensors, numbers, strings and collections of them is read, so it takes no trust.

    Parameters
    ----------
    source : Run, Model, str or path-like
        Where from: a run, running or over; a registered model; or what was downloaded of either, a folder or the file
        in it.
    model, optimizer, **others
        What the states go into, as for `save_checkpoint`; a part may be left out.
    name : str, default=None
        Folder below ``outputs/``; may be left out where there is one checkpoint only.

    Returns
    -------
    int
        The epoch that was stored.

    Raises
    ------
    ModelNotFoundError
        If there is no checkpoint, or none of that name.
    ModelChangedError
        If the file is not the one that was stored.
    ModelMismatchError
        If the states are those of another model; nothing is changed then.
    UserErrorException
        If the checkpoint has no state of something, or the state is another optimizer's.

    Examples
    --------
    >>> for epoch in range(azml_torch.load_checkpoint(run, model, optimizer), 10):  # doctest: +SKIP
    ...     train(model, optimizer)
    """
    place = find(source, name, FACTS)
    facts = place.facts(Facts, {"checkpoint": FILE})
    target, parts = unwrapped(model), _parts(optimizer, others)
    content = io.BytesIO(place.content(facts))
    with paused():
        epoch, states = _read(content, place.where)
    if absent := [one for one in parts if one not in states]:
        raise UserErrorException(
            f"the checkpoint of {place.where} has no state of {', '.join(absent)}; it has {', '.join(states)}"
        )
    check_fit(target.state_dict(), states["model"], type(target).__name__, place.where)
    for one, part in parts.items():
        try:
            part.load_state_dict(states[one])
        except (ValueError, KeyError, RuntimeError) as error:
            raise UserErrorException(f"the state of {one} in {place.where} is that of another: {error}") from error
    target.load_state_dict(states["model"])
    return epoch


def _parts(optimizer: Any, others: dict[str, Any]) -> dict[str, Any]:
    parts = ({} if optimizer is None else {"optimizer": optimizer}) | others
    for one, part in parts.items():
        if not hasattr(part, "state_dict") or not hasattr(part, "load_state_dict"):
            raise UserErrorException(f"a checkpoint got {part!r} as {one}; expected something with a state_dict()")
    return parts


def _read(content: IO[bytes], where: str) -> tuple[int, dict[str, Any]]:
    try:
        told = torch.load(content, map_location="cpu", weights_only=True)
        return told["epoch"], {"model": told["states"]["model"]} | told["states"]
    except Exception as error:
        raise ModelFactsError(FILE, where, str(error).partition("\n")[0]) from error
