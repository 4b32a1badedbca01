"""One line for pictures of a classifier, without Lightning: a namespace module joins it to its ``Callback``."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from azml_integrations.autologging import stumble

from .companion import runs_of

SCORES = ("logits", "scores", "probabilities", "probs", "y_score", "preds", "outputs")
TARGETS = ("target", "targets", "y", "y_true", "labels", "label")
STAGES = ("validate", "test")


@dataclass
class Collected:
    """Scores and true classes of one pass over the data.

    Attributes
    ----------
    scores, targets : list of Tensor
        On the CPU, a piece for each batch.
    why_not : str
        What a batch was missing.
    """

    scores: list[Any] = field(default_factory=list)
    targets: list[Any] = field(default_factory=list)
    why_not: str = ""


class Classification:
    """Logs the ROC curves, the confusion matrix and more of a classifier.

    It does so for a test, and for the last validation of a fit.

    ``Trainer(callbacks=[LogClassification()])`` is all: where ``test_step`` and ``validation_step`` call the module on
    a batch ``(inputs, target)``, what it answers is taken for the scores. Where they do something else, they return
    ``{"logits": ..., "target": ...}``.

    Parameters
    ----------
    classes : list of str, default=None
        Names of the classes.
    stages : {"validate", "test"} or both, default=("validate", "test")
        Of what; the names of the metrics begin with ``val_`` and ``test_``.
    """

    def __init__(self, classes: list[str] | None = None, stages: Sequence[str] = STAGES) -> None:
        super().__init__()
        self.classes = classes
        self.stages = (stages,) if isinstance(stages, str) else tuple(stages)
        self._collected = Collected()
        self._answer: Any = None
        self._hook: Any = None

    # -- validation ----------------------------------------------------------------------------------

    def on_validation_epoch_start(self, trainer: Any, pl_module: Any) -> None:
        """Begin afresh: the last validation counts."""
        if "validate" in self.stages and not trainer.sanity_checking:
            self._begin(pl_module)

    def on_validation_batch_end(
        self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int, dataloader_idx: int = 0
    ) -> None:
        """Collect a batch."""
        self._collect(outputs, batch)

    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
        """Log a validation of its own; one within a fit waits for the last."""
        self._let_go()
        if trainer.state.fn == "validate":
            self._log(trainer, "val")

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        """Log the last validation, while the other processes are still there to be asked."""
        self._log(trainer, "val")

    # -- test ----------------------------------------------------------------------------------------

    def on_test_epoch_start(self, trainer: Any, pl_module: Any) -> None:
        """Begin afresh."""
        if "test" in self.stages:
            self._begin(pl_module)

    def on_test_batch_end(
        self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int, dataloader_idx: int = 0
    ) -> None:
        """Collect a batch."""
        self._collect(outputs, batch)

    def on_test_end(self, trainer: Any, pl_module: Any) -> None:
        """Log the test."""
        self._let_go()
        self._log(trainer, "test")

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        """Leave nothing on the module."""
        self._let_go()

    # -- parts ---------------------------------------------------------------------------------------

    def _begin(self, module: Any) -> None:
        self._let_go()
        self._collected = Collected()
        self._hook = module.register_forward_hook(self._hear)

    def _let_go(self) -> None:
        if self._hook is not None:
            self._hook.remove()
        self._hook = self._answer = None

    def _hear(self, _module: Any, _inputs: Any, answer: Any) -> None:
        """Remember the module's last answer; under DDP a whole step comes by as one, with its loss or nothing."""
        scores = answer if hasattr(answer, "detach") else getattr(answer, "logits", None)
        if scores is not None and scores.ndim:
            self._answer = scores

    def _collect(self, outputs: Any, batch: Any) -> None:
        """Keep the scores and true classes of a batch; say once what is missing."""
        if self._hook is None or self._collected.why_not:
            return
        scores, target = found_in(outputs, batch, self._answer)
        self._answer = None
        if scores is None or target is None:
            what = "scores" if scores is None else "true classes"
            self._collected.why_not = (
                f"no pictures of the classifier: a step gave no {what}; return "
                f'{{"logits": logits, "target": y}} from it, or call the module itself on a batch (x, y)'
            )
            return
        self._collected.scores.append(scores.detach().float().cpu())
        self._collected.targets.append(target.detach().cpu())

    def _log(self, trainer: Any, prefix: str) -> None:
        collected, self._collected = self._collected, Collected()
        everyone = gathered(trainer, collected)
        for run in runs_of(trainer):
            try:
                if everyone.why_not:
                    run.note("lightning", everyone.why_not)
                elif everyone.scores:
                    log(run, everyone, self.classes, prefix, type(trainer.lightning_module).__name__)
            except Exception as error:  # noqa: BLE001 - a picture must not end the training
                stumble("lightning", error, run)

    def __getstate__(self) -> dict[str, Any]:
        """Travel without what hangs on a module of this process."""
        return {**self.__dict__, "_hook": None, "_answer": None}


def found_in(outputs: Any, batch: Any, answer: Any) -> tuple[Any, Any]:
    """Return the scores and true classes of a batch; None for what is not there.

    Parameters
    ----------
    outputs : object
        What the step returned.
    batch : object
        What it was given.
    answer : Tensor or None
        What the module answered when the step called it.
    """
    told = outputs if isinstance(outputs, Mapping) else {}
    given = batch if isinstance(batch, Mapping) else {}
    scores = next((told[name] for name in SCORES if name in told), None)
    target = next((place[name] for place in (told, given) for name in TARGETS if name in place), None)
    if scores is None:
        scores = answer
    if target is None and isinstance(batch, (tuple, list)) and len(batch) > 1:
        target = batch[1]
    fits = hasattr(scores, "detach") and hasattr(target, "detach") and len(scores) == len(target)
    return (scores, target) if fits else (scores if hasattr(scores, "detach") else None, None)


def gathered(trainer: Any, collected: Collected) -> Collected:
    """Return what all ranks have collected, on each of them."""
    if trainer.world_size < 2:  # noqa: PLR2004 - alone
        return collected
    from torch import distributed

    if not (distributed.is_available() and distributed.is_initialized()):
        return collected
    everyone: list[Any] = [None] * trainer.world_size
    distributed.all_gather_object(everyone, collected)
    return Collected(
        [piece for one in everyone for piece in one.scores],
        [piece for one in everyone for piece in one.targets],
        next((one.why_not for one in everyone if one.why_not), ""),
    )


def log(run: Any, collected: Collected, classes: list[str] | None, prefix: str, name: str) -> None:
    """Log what was collected."""
    import torch

    from azml_integrations import log_classification

    scores, targets = torch.cat(collected.scores), torch.cat(collected.targets)
    log_classification(run, targets.flatten(), scores, classes, prefix, name=name)
