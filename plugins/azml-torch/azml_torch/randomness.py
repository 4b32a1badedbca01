"""Random numbers go on as if nothing had been asked for."""

import contextlib
import random
from collections.abc import Iterator
from typing import Any

import torch


@contextlib.contextmanager
def unmoved_randomness(data: Any = None, device: torch.device | None = None) -> Iterator[None]:
    """Put back every generator that reading data or asking a model may move.

    Parameters
    ----------
    data : DataLoader or other iterable, default=None
        A loader draws from generators of its own.
    device : torch.device, default=None
        Where the model answers.
    """
    import numpy as np

    generators = [torch.default_generator, *_generators_of(data), *_generator_on(device)]
    states = [generator.get_state() for generator in generators]
    of_numpy, of_python = np.random.get_state(), random.getstate()  # noqa: NPY002 - the one that data sets draw from
    try:
        yield
    finally:
        for generator, state in zip(generators, states, strict=True):
            generator.set_state(state)
        np.random.set_state(of_numpy)  # noqa: NPY002 - as above
        random.setstate(of_python)


def _generators_of(data: Any) -> list[torch.Generator]:
    sampler = getattr(data, "sampler", None)
    of_batches = getattr(getattr(data, "batch_sampler", None), "sampler", None)
    found = [getattr(holder, "generator", None) for holder in (data, sampler, of_batches)]
    return list({id(one): one for one in found if isinstance(one, torch.Generator)}.values())


def _generator_on(device: torch.device | None) -> list[torch.Generator]:
    if device is None or device.type != "cuda" or not torch.cuda.is_initialized():
        return []
    index = torch.cuda.current_device() if device.index is None else device.index
    return [torch.cuda.default_generators[index]]
