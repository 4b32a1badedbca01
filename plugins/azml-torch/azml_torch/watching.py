"""Gradients and parameters of a model while it is trained: norms as metrics, histograms as tables.

Nothing is put on the model. One official hook, called after each step of any optimizer, counts the steps of those that
hold parameters of it; at every so many of them all is measured on the device and comes back together.
"""

import math
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn.parameter import UninitializedParameter
from torch.optim import Optimizer
from torch.optim.optimizer import register_optimizer_step_post_hook

from azml_integrations import Run, current_run
from azml_integrations.autologging import stumble
from azml_integrations.errors import UserErrorException

from .measuring import Measured, measured
from .modules import unwrapped

if TYPE_CHECKING:
    from types import TracebackType

SOURCE = "torch watch"
KINDS = {"gradients": "gradient", "parameters": "parameter"}
"""What can be watched, and the word for one of them."""


def watch(
    model: nn.Module,
    run: "Run | None" = None,
    log: str | Sequence[str] = ("gradients", "parameters"),
    every: int = 100,
    *,
    bins: int = 32,
    name: str = "",
) -> "Watch":
    """Log norms and histograms of a model's gradients and parameters while it is trained.

    At the first and every `every`-th step of an optimizer that holds parameters of the model, norms become metrics
    ``gradient_norm`` (of all gradients together) and ``gradient_norm/<parameter>``, histograms tables
    ``gradients/<parameter>`` with the columns ``step``, ``from``, ``to`` and ``count``; the same for parameters.
    Gradients are those that the optimizer used: accumulated, unscaled and clipped. A value that is NaN or infinite
    makes the norm so, is left out of the histogram, and is counted in ``gradient_nonfinite/<parameter>``.

    The model is not touched: it can be pickled, copied and compiled while it is watched. Between the sampled steps
    nothing is computed and no device is waited for; at a sampled one everything comes back in one transfer. Frozen
    parameters, and those without a gradient, are left out. Steps within ``torch.compile`` are not seen.

    Parameters
    ----------
    model : torch.nn.Module
        What to watch; while it lives.
    run : Run, default=None
        Where to, until it ends; by default the run that is current at each sample.
    log : {"gradients", "parameters"} or sequence of them, default=("gradients", "parameters")
        What to log.
    every : int, default=100
        Steps of the optimizer from one sample to the next [steps].
    bins : int, default=32
        Of a histogram; they are of equal width from the least to the greatest value, empty ones are left out.
    name : str, default=""
        Begins the names of the parameters, to tell two models in one run apart: ``gradients/generator.0.weight``.
        Without it, the names of the second model become ``gradients_2/...``.

    Returns
    -------
    Watch
        ``.remove()`` ends it, as does leaving it as a context. Watching the same model again replaces the first watch.

    Raises
    ------
    UserErrorException
        If `model` is no module, `log` names something else, or `every` or `bins` are less than 1.

    Examples
    --------
    >>> from azml_torch import watch
    >>> with watch(model, run, every=50):  # doctest: +SKIP
    ...     train(model)
    """
    if not isinstance(model, nn.Module):
        raise UserErrorException(f"watch got {model!r} as model; expected a torch.nn.Module")
    kinds = (log,) if isinstance(log, str) else tuple(log)
    if not kinds or not set(kinds) <= KINDS.keys():
        raise UserErrorException(f"watch got log={log!r}; expected 'gradients', 'parameters' or both")
    for which, number in (("every", every), ("bins", bins)):
        if not isinstance(number, int) or number < 1:
            raise UserErrorException(f"watch got {which}={number!r}; expected a whole number from 1 on")
    if run is not None and not hasattr(run, "log_metrics"):
        raise UserErrorException(f"watch got {run!r} as run; expected a Run, or None for the current one")
    return Watch(unwrapped(model), run, kinds, every, bins, name)


@dataclass
class Steps:
    """What is remembered of an optimizer.

    Attributes
    ----------
    groups : int
        Its groups of parameters when it was looked at.
    number : int
        Which one of those that train the model it is, from 1; 0 for an optimizer that does not.
    made : int
        Its steps since the watch began.
    """

    groups: int
    number: int = 0
    made: int = 0


class Watch(AbstractContextManager["Watch"]):
    """A model that is watched; see `watch`.

    Attributes
    ----------
    same : tuple
        Equal for two watches of the same model into the same run, of which the second replaces the first.
    """

    _living: ClassVar[list["Watch"]] = []
    _named: ClassVar[dict[tuple[str, str], list["weakref.ref[nn.Module]"]]] = {}

    def __init__(
        self, model: nn.Module, run: Run | None, kinds: Sequence[str], every: int, bins: int, name: str
    ) -> None:
        self._run, self._kinds, self._every, self._bins, self._name = run, kinds, every, bins, name
        self._steps: weakref.WeakKeyDictionary[Optimizer, Steps] = weakref.WeakKeyDictionary()
        self._model = weakref.ref(model, lambda _: self.remove())
        self.same = (id(model), None if run is None else run.id, name)
        for other in [other for other in self._living if other.same == self.same]:
            other.remove()
        self._hook: Any = register_optimizer_step_post_hook(self._on_step)
        self._living.append(self)

    def remove(self) -> None:
        """End it; a second time does nothing."""
        if self._hook is not None:
            self._hook.remove()
            self._hook = None
            self._living.remove(self)

    def sample(self, step: int | None = None) -> None:
        """Log now: for training without an optimizer of ``torch.optim``, after ``backward()``.

        Parameters
        ----------
        step : int, default=None
            Position on the x axis [steps].
        """
        self._log(None, Steps(0, 1), step)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: "TracebackType | None"
    ) -> None:
        self.remove()

    def _on_step(self, optimizer: Optimizer, args: object, kwargs: object) -> None:
        if torch.compiler.is_compiling():
            return
        try:
            self._count(optimizer)
        except Exception as error:  # noqa: BLE001 - training must not suffer from being watched
            self.remove()
            stumble(SOURCE, error, self._run)

    def _count(self, optimizer: Optimizer) -> None:
        steps = self._steps.get(optimizer)
        if steps is None or steps.groups != len(optimizer.param_groups):
            steps = self._steps[optimizer] = self._looked_at(optimizer, steps)
        if not steps.number:
            return
        steps.made += 1
        if steps.made == 1 or steps.made % self._every == 0:
            if self._run is not None and self._run.over:
                self.remove()
            elif not (torch.cuda.is_available() and torch.cuda.is_current_stream_capturing()):
                self._log(optimizer, steps, steps.made)

    def _looked_at(self, optimizer: Optimizer, steps: Steps | None) -> Steps:
        """Return what is remembered of an optimizer that is new, or has got more parameters."""
        if steps is not None and steps.number:
            return Steps(len(optimizer.param_groups), steps.number, steps.made)
        held, model = _held(optimizer), self._model()
        trains = model is not None and any(id(parameter) in held for parameter in model.parameters())
        number = 1 + max((other.number for other in self._steps.values()), default=0) if trains else 0
        return Steps(len(optimizer.param_groups), number)

    def _log(self, optimizer: Optimizer | None, steps: Steps, step: int | None) -> None:
        model = self._model()
        if model is None:
            return
        run = self._run or current_run() or Run.get_context()
        again = self._again(run)
        tensors = list(self._tensors(model, optimizer))
        found = measured((tensor for _, _, tensor in tensors), self._bins)
        for kind, word in KINDS.items():
            of_kind = {name: one for (of, name, _), one in zip(tensors, found, strict=True) if of == kind}
            if not of_kind:
                continue
            for name, one in of_kind.items():
                if any(one.counts):
                    run.log_table(f"{kind}{again}/{name}", one.table(step))
            run.log_metrics(_numbers(of_kind, f"{word}_{{}}{again}", steps.number), step=step)

    def _tensors(self, model: nn.Module, optimizer: Optimizer | None) -> Iterator[tuple[str, str, Tensor]]:
        """Yield kind, name and values of what is to be measured; of an optimizer, what it trains."""
        held = None if optimizer is None else _held(optimizer)
        for own_name, parameter in model.named_parameters():
            if not parameter.requires_grad or (held is not None and id(parameter) not in held):
                continue
            if isinstance(parameter, UninitializedParameter) or parameter.is_meta or not parameter.numel():
                continue
            name = f"{self._name}.{own_name}" if self._name else own_name
            if "gradients" in self._kinds and parameter.grad is not None and _has_values(parameter.grad):
                yield "gradients", name, parameter.grad
            if "parameters" in self._kinds:
                yield "parameters", name, parameter

    def _again(self, run: Run) -> str:
        """Return what tells the names from those of another model in the same run."""
        models = self._named.setdefault((run.id, self._name), [])
        mine = weakref.ref(self._model())  # type: ignore[arg-type] - it lives, or nothing would be logged
        if mine not in models:
            models.append(mine)
        place = models.index(mine)
        return f"_{place + 1}" if place else ""


def _held(optimizer: Optimizer) -> set[int]:
    return {id(parameter) for group in optimizer.param_groups for parameter in group["params"]}


def _has_values(gradient: Tensor) -> bool:
    return not gradient.is_sparse or gradient._nnz() > 0  # noqa: SLF001 - the public way copies them


def _numbers(found: Mapping[str, Measured], names: str, optimizer: int) -> dict[str, float]:
    """Return metrics: of all tensors together, and of each; of the second optimizer, the first is told apart."""
    norm, nonfinite = names.format("norm"), names.format("nonfinite")
    whole = math.sqrt(math.fsum(one.norm**2 for one in found.values()))
    return (
        {norm if optimizer == 1 else f"{norm}_{optimizer}": whole}
        | {f"{norm}/{name}": one.norm for name, one in found.items()}
        | {f"{nonfinite}/{name}": one.nonfinite for name, one in found.items() if one.nonfinite}
    )
