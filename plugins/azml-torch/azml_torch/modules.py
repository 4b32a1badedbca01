"""What is asked of a module before it is used: its name, its device, and the modes that it has to be left in."""

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn


def unwrapped(model: Any) -> Any:
    """Return the user's own module inside ``torch.compile`` and the wrappers of data parallelism."""
    while True:
        inner = getattr(model, "_orig_mod", None)
        if inner is None and isinstance(model, nn.DataParallel | nn.parallel.DistributedDataParallel):
            inner = model.module
        if inner is None:
            return model
        model = inner


def name_of(model: Any) -> str:
    """Return a name for a model: its class, or what a function is called."""
    inner = unwrapped(model)
    if isinstance(inner, torch.jit.ScriptModule):
        return str(inner.original_name)
    if isinstance(inner, nn.Module):
        return type(inner).__name__
    name = getattr(inner, "__name__", "")
    return name if name.isidentifier() else "model"


def device_of(model: Any) -> torch.device | None:
    """Return where the parameters of a model are, else its buffers; None where it has neither."""
    if not isinstance(model, nn.Module):
        return None
    first = next(model.parameters(), None)
    first = next(model.buffers(), None) if first is None else first
    return None if first is None else first.device


@contextlib.contextmanager
def undisturbed(model: Any) -> Iterator[None]:
    """Put a model into evaluation mode, and each of its modules back into the mode it was in."""
    if not isinstance(model, nn.Module):
        yield
        return
    before = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in before:  # one by one: a part of the user's may be frozen in evaluation mode
            module.training = training
