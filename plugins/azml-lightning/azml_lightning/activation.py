"""Trainers that record themselves, after ``autolog()``: where they are met, and how they are given back."""

import functools
import inspect
import sys
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from azml_integrations import implicit_child
from azml_integrations.autologging import Patches, is_paused, paused, stumble

from .logger import RunLogger, run_of_the_user

if TYPE_CHECKING:
    from azml_integrations import AutologOptions

VERBS = ("fit", "validate", "test", "predict")
HOLDS_FIT = frozenset({"estimator", "model"})
"""Properties of a run in which something was fitted."""


def activate_lightning(options: "AutologOptions") -> Callable[[], None]:
    """Begin to listen to the trainers of ``lightning.pytorch``; return what undoes it."""
    return Listening("lightning", "lightning.pytorch", options).begin()


def activate_pytorch_lightning(options: "AutologOptions") -> Callable[[], None]:
    """Begin to listen to the trainers of ``pytorch_lightning``; return what undoes it."""
    return Listening("pytorch_lightning", "pytorch_lightning", options).begin()


class Listening:
    """The adapter of one package between two turns of the switch.

    A trainer that has no logger of the user's choice gets one of ours beside Lightning's own, which stays the first:
    checkpoints lie where they would.

    Parameters
    ----------
    source : str
        Name of the adapter, and of our module for the package.
    package : str
        What the user imports.
    options : AutologOptions
        What the user asked for.
    """

    def __init__(self, source: str, package: str, options: "AutologOptions") -> None:
        self.source, self.options = source, options
        self._ours = import_module(f".{source}", __package__)
        self._trainer_class = import_module(package).Trainer
        self._patches = Patches(source, on_error=options.on_error)
        self._loggers: weakref.WeakKeyDictionary[Any, RunLogger] = weakref.WeakKeyDictionary()
        self._left_alone: weakref.WeakKeyDictionary[Any, str] = weakref.WeakKeyDictionary()

    def begin(self) -> Callable[[], None]:
        """Replace the constructor and the verbs of the trainer; return what puts them back."""
        patches, trainer_class = self._patches, self._trainer_class
        patches.also(self._take_back)
        patches.replace(trainer_class, "__init__", self._equipping(trainer_class.__init__))
        for verb in VERBS:
            patches.replace(trainer_class, verb, self._recording(getattr(trainer_class, verb), verb))
        return patches.undo

    def _equipping(self, construct: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(construct)
        def equipped(trainer: Any, *args: Any, **kwargs: Any) -> None:
            construct(trainer, *args, **kwargs)
            if self._patches.active and not is_paused(self.source):
                with self._attempt():
                    self._equip(trainer, kwargs.get("logger"))

        return equipped

    def _equip(self, trainer: Any, logger: Any) -> None:
        """Give a trainer our logger, unless the user chose."""
        if trainer.fast_dev_run or getattr(trainer, "barebones", False):
            return  # a rehearsal, or one that wants nothing beside the training
        if logger is None or logger is True:
            self._loggers[trainer] = self._new_logger()
            trainer.loggers = [*trainer.loggers, self._loggers[trainer]]
        elif logger is False:
            self._loggers[trainer] = self._new_logger()
            trainer.callbacks.insert(0, self._ours.RecorderCallback(self._loggers[trainer]))
        elif not any(isinstance(chosen, RunLogger) for chosen in trainer.loggers):
            self._left_alone[trainer] = ", ".join(type(chosen).__name__ for chosen in trainer.loggers)

    def _new_logger(self) -> RunLogger:
        logger: RunLogger = self._ours.AzmlLogger(log_model="best" if self.options.log_models else False)
        logger.become_lenient(self.options.on_error)
        return logger

    def _recording(self, call: Callable[..., Any], verb: str) -> Callable[..., Any]:
        signature = inspect.signature(call)

        @functools.wraps(call)
        def recorded(trainer: Any, *args: Any, **kwargs: Any) -> Any:
            if not self._patches.active or is_paused(self.source):
                return call(trainer, *args, **kwargs)
            if verb == "fit":
                with self._attempt():
                    given = _arguments(signature, trainer, *args, **kwargs)
                    self._place(trainer, given.get("model"), given.get("ckpt_path"))
            with paused("torch"):  # the steps of its loop are ours; scikit-learn's fits are still scikit-learn's
                result = call(trainer, *args, **kwargs)
            with self._attempt():
                self._announce(trainer, verb)
            return result

        return recorded

    def _place(self, trainer: Any, model: Any, ckpt_path: Any) -> None:
        """Choose the run of a fit: that of its checkpoint, or a child of a run that has a fit already."""
        logger = self._loggers.get(trainer)
        if logger is None or logger.settled:
            return
        run = run_of_the_user()
        if run is None and ckpt_path is not None and Path(ckpt_path).is_file():
            logger.resume_from(ckpt_path)
        elif run is not None and not HOLDS_FIT.isdisjoint(run.get_properties()):
            logger.write_to(implicit_child(run, name=type(model).__name__))

    def _announce(self, trainer: Any, verb: str) -> None:
        """Say in one line what was logged, and where."""
        if self.options.silent or not trainer.is_global_zero:
            return
        logger, model = self._loggers.get(trainer), type(trainer.lightning_module).__name__
        if trainer in self._left_alone:
            chosen = self._left_alone.pop(trainer)
            told = f"has a logger of yours ({chosen}), so it is not recorded; add AzmlLogger() to it"
            sys.stderr.write(f"azml: the Trainer of {model} {told}\n")
        elif logger is not None and (run := logger.run_so_far()) is not None:
            series = run.metric_summaries()
            if not series:  # a tuner's fit: it logs nothing
                return
            points = max((one.count for one in series), default=0)
            files = [Path(name).name for name in run.get_file_names() if name.endswith((".ckpt", ".safetensors"))]
            told = ", ".join([f"{verb}, {len(series)} metrics of up to {points} points", *files])
            sys.stderr.write(f"azml: {model}: {told}; see it with: azml run show {run.id}\n")

    def _take_back(self) -> None:
        """Leave nothing of ours on the user's trainers."""
        for trainer, logger in list(self._loggers.items()):
            trainer.loggers = [other for other in trainer.loggers if other is not logger]
            trainer.callbacks[:] = [
                callback for callback in trainer.callbacks if getattr(callback, "logger", None) is not logger
            ]

    @contextmanager
    def _attempt(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # noqa: BLE001 - a trainer works without us
            stumble(self.source, error, on_error=self.options.on_error)


def _arguments(signature: inspect.Signature, *args: Any, **kwargs: Any) -> dict[str, Any]:
    """Return arguments by name; none of wrong ones, which are the trainer's to refuse."""
    with suppress(TypeError):
        return signature.bind(*args, **kwargs).arguments
    return {}
