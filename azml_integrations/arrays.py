"""Arrays out of whatever holds numbers, frameworks' tensors among them, without knowing a framework."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np


def is_tensor(values: object) -> bool:
    """Tell whether values lie in a tensor, which may be on a device and part of a graph."""
    return hasattr(values, "detach") and hasattr(values, "cpu") and hasattr(values, "shape")


def array_of(values: Any) -> "np.ndarray[Any, Any]":
    """Return values as a numpy array; a tensor is detached, and read back from its device once.

    Parameters
    ----------
    values : array-like
        Array, tensor, series, or nested lists.

    Returns
    -------
    array
        Of the same shape; a tensor's type that numpy has not, such as bfloat16, becomes float32.
    """
    import numpy as np

    if not is_tensor(values):
        return np.asarray(values)
    there = values.detach().cpu()
    for settle in ("to_dense", "resolve_conj", "resolve_neg"):  # what a tensor may have put off
        there = getattr(there, settle)() if hasattr(there, settle) else there
    try:
        return np.asarray(there.numpy())
    except TypeError:
        return np.asarray(there.float().numpy())
