"""How well a model does on data of the user's choice: one explicit call."""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor

from azml_integrations.autologging import paused
from azml_integrations.errors import UserErrorException
from azml_integrations.pictures import check_target, judged_classes, judged_numbers, log_judged

from .modules import device_of, name_of, undisturbed
from .randomness import unmoved_randomness

if TYPE_CHECKING:
    from azml_integrations import Run

SOURCE = "torch"
PAIR = 2
Answer = Callable[[Any, Any], tuple[Any, Any]]
"""``answer(model, batch)`` returns what is right for the rows of a batch, and what the model says."""


def evaluate(
    run: "Run",
    model: Callable[..., Any],
    data: Iterable[Any] | tuple[Tensor, Tensor],
    prefix: str = "test",
    *,
    task: Literal["auto", "classification", "regression"] = "auto",
    classes: Sequence[Any] | None = None,
    scores: Literal["auto", "probabilities", "logits"] = "auto",
    batch_size: int = 1024,
    answer: Answer | None = None,
    name: str | None = None,
) -> dict[str, float]:
    """Log how well a model does on data: all metrics, pictures, and the numbers of the pictures as tables.

    The model answers in evaluation mode and without gradients, batch by batch, on the device of its parameters.
    Afterwards each of its modules is in the mode it was in, and random numbers go on as if nothing had happened. It
    needs no ``autolog()``; where that is on, nothing of this is recorded a second time.

    Parameters
    ----------
    run : Run
        Where to.
    model : torch.nn.Module or callable
        What answers.
    data : DataLoader, iterable of batches, or tuple of two tensors
        Batches are ``(inputs..., target)``. A tuple of two tensors ``(X, y)`` with as many rows is cut into batches.
    prefix : str, default="test"
        Begins the name of each metric, table and picture: ``test_accuracy_score``, ``test_roc_curve``.
    task : {"auto", "classification", "regression"}, default="auto"
        By default it is a classification where targets are whole numbers and the model gives several columns, or where
        it gives one column and each target is 0 or 1.
    classes : sequence, default=None
        The classes in the order of the model's columns; 0, 1, 2 ... by default.
    scores : {"auto", "probabilities", "logits"}, default="auto"
        What a classifier gives; see `azml_integrations.log_classification`.
    batch_size : int, default=1024
        Rows of a batch that is cut from tensors.
    answer : callable, default=None
        ``answer(model, batch)`` returns target and output, for batches or outputs of another form.
    name : str, default=None
        What the model is called in titles, and the folder below ``outputs/``; its class name by default.

    Returns
    -------
    dict of str to float
        The metrics as they were logged. What could not be computed stands with its reason in the run's notes.

    Raises
    ------
    UserErrorException
        If the batches have another form, or targets and outputs do not fit together.
    NameRefusedError
        If `prefix` or `name` is no word of letters, digits, ``-``, ``.`` and ``_``.

    Examples
    --------
    >>> from azml_torch import evaluate
    >>> evaluate(run, model, test_loader)  # doctest: +SKIP
    {'test_accuracy_score': 0.958, 'test_balanced_accuracy_score': 0.951, ...}
    """
    name = name_of(model) if name is None else name
    check_target(run, prefix, name, "evaluate")
    if not callable(model):
        raise UserErrorException(f"evaluate got {model!r} as model; expected a module, then the data")
    if task not in {"auto", "classification", "regression"}:
        raise UserErrorException(f"evaluate got task={task!r}; expected 'auto', 'classification' or 'regression'")
    right, said = _answers(model, data, batch_size, answer or _plain_answer)
    if task == "classification" or (task == "auto" and _classifies(right, said)):
        judged = judged_classes(right, said, classes, None, scores, what="evaluate")
    else:
        judged = judged_numbers(right, said, None, what="evaluate")
    return log_judged(run, judged, prefix=prefix, name=name, source=SOURCE)


def _answers(model: Callable[..., Any], data: Any, batch_size: int, answer: Answer) -> tuple[Tensor, Tensor]:
    """Return targets and outputs of all rows, on the CPU."""
    rights, saids = [], []
    device = device_of(model)
    with paused(), unmoved_randomness(data, device), undisturbed(model), _without_gradients():
        for batch in _batches(data, batch_size):
            pair = answer(model, _moved(batch, device))
            if not isinstance(pair, tuple) or len(pair) != PAIR or not all(isinstance(one, Tensor) for one in pair):
                raise UserErrorException(
                    f"evaluate got {_kinds(pair)} from answer; expected two tensors: target, output"
                )
            right, said = pair
            rights.append(right.detach().cpu())
            saids.append(said.detach().cpu())
    if not rights:
        raise UserErrorException("evaluate got data without a batch; expected one at least")
    return _joined(rights, "targets"), _joined(saids, "outputs")


@contextlib.contextmanager
def _without_gradients() -> Iterator[None]:
    """Compute no gradients.

    Not in inference mode: what a module keeps from its first call, a table of positions, could never be trained with
    again. What autocast keeps of the weights is dropped for the same reason: torch before 2.10 may train with that.
    """
    with torch.no_grad():
        try:
            yield
        finally:
            torch.clear_autocast_cache()


def _batches(data: Any, batch_size: int) -> Iterator[Any]:
    if not (isinstance(data, tuple) and len(data) == PAIR and all(isinstance(one, Tensor) for one in data)):
        if isinstance(data, Tensor) or not isinstance(data, Iterable):
            raise UserErrorException(f"evaluate got {_kinds(data)} as data; expected a DataLoader or a tuple (X, y)")
        yield from data
        return
    X, y = data
    if X.ndim == 0 or y.ndim == 0 or len(X) != len(y):
        raise UserErrorException(
            f"evaluate got X of shape {tuple(X.shape)} and y of shape {tuple(y.shape)}; expected as many rows of both"
        )
    yield from zip(X.split(batch_size), y.split(batch_size), strict=True)


def _moved(batch: Any, device: torch.device | None) -> Any:
    """Return a batch with its tensors on a device."""
    if isinstance(batch, Tensor):
        return batch if device is None else batch.to(device, non_blocking=True)
    if isinstance(batch, dict):
        return {key: _moved(each, device) for key, each in batch.items()}
    if isinstance(batch, tuple) and hasattr(batch, "_fields"):
        return type(batch)(*(_moved(each, device) for each in batch))
    if isinstance(batch, list | tuple):
        return type(batch)(_moved(each, device) for each in batch)
    return batch


def _plain_answer(model: Callable[..., Any], batch: Any) -> tuple[Tensor, Tensor]:
    if not isinstance(batch, list | tuple) or len(batch) < PAIR or not isinstance(batch[-1], Tensor):
        raise UserErrorException(
            f"evaluate got a batch of {_kinds(batch)}; expected (inputs..., target); "
            f"for another form pass answer=lambda model, batch: (target, output)"
        )
    output = model(*batch[:-1])
    output = getattr(output, "logits", output)
    if not isinstance(output, Tensor):
        raise UserErrorException(
            f"evaluate got {_kinds(output)} from the model; expected a tensor, or an object with logits; "
            f"for another form pass answer=lambda model, batch: (target, output)"
        )
    return batch[-1], output


def _kinds(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"{type(value).__name__} of {', '.join(type(each).__name__ for each in value) or 'nothing'}"
    return type(value).__name__


def _joined(parts: list[Tensor], what: str) -> Tensor:
    shapes = {tuple(part.shape[1:]) for part in parts}
    if len(shapes) > 1 or parts[0].ndim == 0:
        raise UserErrorException(
            f"evaluate got batches of {what} of shapes {tuple(parts[0].shape)}, {tuple(parts[-1].shape)} and others; "
            f"expected the same shape but for the first axis, the rows"
        )
    return torch.cat(parts)


def _classifies(right: Tensor, said: Tensor) -> bool:
    columns = said.shape[1] if said.ndim > 1 else 1
    whole = not (right.is_floating_point() or right.is_complex())
    if columns > 1:
        return whole and right.numel() == len(right)
    return bool(((right == 0) | (right == 1)).all())
