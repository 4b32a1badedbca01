"""How gradients and weights are spread, looked at every so many optimizer steps; no hook is set on the model."""

from collections.abc import Sequence
from typing import Any

from azml_integrations import errors
from azml_integrations.autologging import stumble

from .companion import runs_of

KINDS = ("gradients", "parameters")
BINS = 16


class Watching:
    """Logs how gradients and weights are spread: their norms as metrics, their histograms as tables.

    The norms are ``gradients/<parameter>`` and ``parameters/<parameter>``, and of all together ``gradients``; the
    tables are ``gradients_histogram`` and ``parameters_histogram`` with a row for each parameter. Gradients are read
    before they are clipped.

    Parameters
    ----------
    log : {"gradients", "parameters"} or both, default=("gradients", "parameters")
        What to log.
    every : int, default=100
        How often [optimizer steps].

    Raises
    ------
    OptionError
        If `log` names something else, or `every` is less than 1.
    """

    def __init__(self, log: str | Sequence[str] = KINDS, every: int = 100) -> None:
        super().__init__()
        # not self.log: Lightning puts the module's log() there
        self.kinds = (log,) if isinstance(log, str) else tuple(log)
        self.every = every
        self._steps = 0
        if not self.kinds or not set(self.kinds) <= set(KINDS):
            raise errors.OptionError(f"watch logs {' and '.join(KINDS)}, not {log!r}")
        if every < 1:
            raise errors.OptionError(f"watch looks every 1 or more steps, not {every!r}")

    def on_before_optimizer_step(self, trainer: Any, pl_module: Any, optimizer: Any) -> None:
        """Look, if it is time to."""
        self._steps += 1
        if (self._steps - 1) % self.every:
            return
        for run in runs_of(trainer):
            try:
                self._look(run, pl_module, trainer.global_step)
            except Exception as error:  # noqa: BLE001 - a look must not end the training
                stumble("lightning", error, run)

    def _look(self, run: Any, model: Any, step: int) -> None:
        values: dict[str, float] = {}
        for kind in self.kinds:
            found = tensors(model, kind)
            if found:
                norms, rows = measured(found)
                values[kind] = sum(norm * norm for norm in norms) ** 0.5
                values.update({f"{kind}/{name}": norm for name, norm in zip(found, norms, strict=True)})
                run.log_table(f"{kind}_histogram", {"step": [step] * len(found), "parameter": list(found), **rows})
        if values:
            run.log_metrics(values, step)


def tensors(model: Any, kind: str) -> dict[str, Any]:
    """Return the gradients or the weights of a module that have values, by name."""
    named = {name: p.grad if kind == "gradients" else p.detach() for name, p in model.named_parameters()}
    return {name: value for name, value in named.items() if value is not None and value.numel() and not value.is_sparse}


def measured(found: dict[str, Any]) -> tuple[list[float], dict[str, list[Any]]]:
    """Return the norm of each tensor, and columns of histograms, in which only what is finite counts."""
    import torch

    norms = torch.stack([value.float().norm() for value in found.values()]).tolist()
    columns: dict[str, list[Any]] = {"low": [], "high": [], "counts": []}
    for value in found.values():
        finite = value.detach().float().flatten()
        finite = finite[torch.isfinite(finite)]
        low, high = (finite.min().item(), finite.max().item()) if finite.numel() else (0.0, 0.0)
        counts = torch.histc(finite, BINS, low, high).long().tolist()
        columns["low"].append(low)
        columns["high"].append(high)
        columns["counts"].append(" ".join(map(str, counts)))
    return norms, columns
