"""The logger itself, without Lightning: `azml_lightning.lightning` joins it to each package's base class."""

import os
import sys
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal
from uuid import uuid4

from lightning_utilities.core.rank_zero import rank_zero_only

from azml_integrations import Experiment, Run, Workspace, current_run, errors, implicit_experiment
from azml_integrations.autologging import is_paused, paused, stumble
from azml_integrations.records import TERMINAL

from .checkpoints import KEY, Shelf, run_id_in
from .errors import TableError, WatchError
from .outputs import move_aside, store_weights, sweep
from .parameters import flattened
from .pictures import NamedStream, is_stored_elsewhere, png
from .summary import described, summary

SOURCE = "lightning"

_OURS: set[str] = set()
"""Runs that loggers of this process have begun: another logger does not join them."""


class Silence:
    """What `AzmlLogger.experiment` is on other ranks than the first: it takes every call and does nothing."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self._nothing

    def _nothing(self, *_: object, **__: object) -> None:
        """Do nothing."""

    def __getitem__(self, _: object) -> "Silence":
        """Stand for a part of itself."""
        return self


@dataclass(frozen=True)
class Address:
    """Where a logger writes.

    Attributes
    ----------
    experiment : Experiment
        Nothing of it need be on the disk.
    run_id : str
        Fixed before the run is there, so that processes that are spawned meet in one run.
    ours : bool
        Whether the logger ends the run: it began or resumed it.
    """

    experiment: Experiment
    run_id: str
    ours: bool


class RunLogger:
    """Logs what Lightning trains into a run: metrics, hyperparameters, checkpoints, pictures and tables.

    Without arguments it logs into the run that is current (``with experiment.start_logging()``), which it does not
    end; where there is none, into a new one, which ends as the training ends. No run is begun before it is needed.

    Parameters
    ----------
    experiment : str or Experiment, default=None
        Where a new run goes. None takes ``AZML_EXPERIMENT``, else the name of the script or notebook.
    name : str, default=None
        A name for a new run, beside its id.
    run : Run, default=None
        A run of yours to log into; you end it.
    run_id : str, default=None
        A run to go on with. One that has ended is Running again, and ends with the training.
    resume : str, default=None
        Path of a checkpoint: the same for the run that wrote it. Where there is no such file yet, a new run is begun.
    save_dir : str, default=None
        Folder for checkpoints and what callbacks write; ``outputs`` in the run's own folder by default.
    prefix : str, default=""
        Put before the name of each metric, with ``-`` between them.
    log_model : {"best", "all"} or bool, default="best"
        Which checkpoints the run keeps: the best and the last one (True is the same), every one, or none.
    tags : dict of str to str, default=None
        Tags of the run.

    Raises
    ------
    OptionError
        If arguments contradict each other.

    Examples
    --------
    >>> from lightning.pytorch import Trainer
    >>> from azml_lightning import AzmlLogger
    >>> trainer = Trainer(logger=AzmlLogger("digits"))  # doctest: +SKIP
    """

    LOGGER_JOIN_CHAR = "-"
    _companion_class: ClassVar[type]
    _watch_class: ClassVar[type]

    def __init__(
        self,
        experiment: str | Experiment | None = None,
        name: str | None = None,
        run: Run | None = None,
        run_id: str | None = None,
        resume: str | None = None,
        save_dir: str | None = None,
        prefix: str = "",
        log_model: Literal["best", "all"] | bool = "best",
        tags: dict[str, str] | None = None,
    ) -> None:
        super().__init__()
        if log_model not in ("best", "all", True, False):
            raise errors.OptionError(f'log_model is "best", "all", True or False, not {log_model!r}')
        if run is not None and (run_id or resume or experiment or name):
            raise errors.OptionError(
                "AzmlLogger(run=...) has its run; run_id, resume, experiment and name are for others"
            )
        if run_id and resume:
            raise errors.OptionError("AzmlLogger takes run_id, or the checkpoint that knows it in resume, not both")
        self._wanted_experiment = experiment
        self._run_name = name
        self._given_run = run
        self._run_id = run_id
        self._resume = resume
        self._save_dir = None if save_dir is None else os.fspath(save_dir)
        self._prefix = f"{prefix}{self.LOGGER_JOIN_CHAR}" if prefix else ""
        self._log_model = "best" if log_model is True else log_model
        self._tags = dict(tags or {})
        self._lenient = False
        self._on_error = "warn"
        self._address: Address | None = None
        self._resuming = False
        self._fresh()

    def _fresh(self) -> None:
        """Have no live handle, as at the beginning and in another process."""
        self._experiment: Any = None
        self._trainer: weakref.ref[Any] | None = None
        self._companion: Any = None
        self._shelf = Shelf(self._log_model)
        self._told: set[tuple[str, str]] = set()
        self._silence = ExitStack()

    # -- which run -----------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """Name of the experiment; no run is begun."""
        return self._bound().experiment.name

    @property
    def version(self) -> str:
        """Id of the run, also of one that has not begun yet."""
        return self._bound().run_id

    @property
    def save_dir(self) -> str:
        """Folder for what the training writes; ``outputs`` in the run's own folder. No run is begun."""
        if self._save_dir is not None:
            return self._save_dir
        return str(self._folder / "outputs")

    @property
    def root_dir(self) -> str:
        """The same as `save_dir`."""
        return self.save_dir

    @property
    def log_dir(self) -> str:
        """Folder in which Lightning makes ``checkpoints``."""
        return str(Path(self.save_dir, self.name, self.version))

    @property
    def run(self) -> Any:
        """The same as `experiment`."""
        return self.experiment

    @property
    def experiment(self) -> Any:
        """The `azml_integrations.Run`, begun now if it was not; on other ranks than the first something silent."""
        if _is_follower():
            return Silence()
        if self._experiment is None:
            self._experiment = self._opened()
        return self._experiment

    def _live(self) -> Run | None:
        """Return the run; None on other ranks, and where autolog could not begin one."""
        run = self.experiment
        return None if isinstance(run, Silence) else run

    @property
    def _folder(self) -> Path:
        address = self._bound()
        return address.experiment.workspace.view.folder(address.run_id)

    def _bound(self) -> Address:
        """Return the address of the run, chosen once."""
        if self._address is None:
            self._address = self._chosen()
        return self._address

    def _chosen(self) -> Address:
        if self._given_run is not None:
            return Address(self._given_run.experiment, self._given_run.id, ours=False)
        run_id = self._run_id or self._resumable()
        if run_id is not None:
            return self._again(run_id)
        current = current_run()
        if (
            current is not None
            and current.id not in _OURS
            and self._wanted_experiment in (None, current.experiment.name)
        ):
            self._given_run = current
            return Address(current.experiment, current.id, ours=False)
        return Address(self._home(), str(uuid4()), ours=True)

    def _home(self) -> Experiment:
        wanted = self._wanted_experiment
        if isinstance(wanted, str):
            return Experiment(Workspace.from_config(), wanted, _create_in_cloud=False)
        return wanted or implicit_experiment()

    def _again(self, run_id: str) -> Address:
        """Return the address of a run that is there; one that has ended is ours to set running."""
        workspace = Workspace.from_config() if self._wanted_experiment is None else self._home().workspace
        run = workspace.get_run(run_id)
        self._resuming = run.get_status() in TERMINAL
        return Address(run.experiment, run.id, ours=self._resuming)

    def _resumable(self) -> str | None:
        """Return the run of the checkpoint to resume from, if the file is there."""
        if self._resume is None or not Path(self._resume).is_file():
            return None
        found = run_id_in(self._resume)
        if found is None:
            raise errors.OptionError(
                f"{self._resume} does not say which run wrote it, as with another logger; pass run_id=..."
            )
        return found

    def become_lenient(self, on_error: str = "warn") -> None:
        """Let nothing reach the user from now on: autolog made this logger, nobody asked for it.

        Parameters
        ----------
        on_error : {"warn", "raise"}, default="warn"
            As of `azml_integrations.autolog`.
        """
        self._lenient, self._on_error = on_error == "warn", on_error

    def write_to(self, run: Run) -> None:
        """Write into a run that was begun for this logger, and end it with the training."""
        self._address = Address(run.experiment, run.id, ours=True)
        self._experiment = run
        _OURS.add(run.id)

    @property
    def settled(self) -> bool:
        """Whether it is known which run this logger writes to."""
        return self._address is not None

    def run_so_far(self) -> Run | None:
        """Return the run if it has begun in this process; none is begun."""
        return self._experiment if isinstance(self._experiment, Run) else None

    def resume_from(self, checkpoint: str | os.PathLike[str]) -> bool:
        """Go on with the run that wrote a checkpoint, if no other run has been chosen.

        Parameters
        ----------
        checkpoint : str or path-like
            As ``ckpt_path`` of ``Trainer.fit``; one of another logger's changes nothing.

        Returns
        -------
        bool
            Whether this logger writes to that run now.
        """
        if self._address is None and Path(checkpoint).is_file():
            found = run_id_in(checkpoint)
            current = current_run()
            if found is not None and (current is None or current.id in _OURS):
                self._run_id = found
        return self._address is None and self._run_id is not None

    def _opened(self) -> Any:
        try:
            return self._open()
        except Exception as error:
            if not self._lenient:
                raise
            stumble(SOURCE, error)
            return Silence()

    def _open(self) -> Run:
        address = self._bound()
        if not address.ours:
            run = self._given_run or Run(address.experiment, address.run_id)
        else:
            run = self._resumed() if self._resuming else self._begun()
            _OURS.add(run.id)
        if self._tags:
            run.set_tags(self._tags)
        return run

    def _begun(self) -> Run:
        address = self._bound()
        try:
            return address.experiment.start_logging(
                self._run_name, address.run_id, outputs=False, snapshot_directory=None, on_error=_on_error()
            )
        except errors.RunExistsError:  # a spawned relative was first, or this is a copy
            return Run(address.experiment, address.run_id)

    def _resumed(self) -> Run:
        address = self._bound()
        first, self._resuming = self._resuming, False
        run = address.experiment.resume_logging(address.run_id, on_error=_on_error())
        if self._save_dir is not None or not first:
            return run
        with self._attempt(run):
            move_aside(run, Path(self.save_dir), "config.yaml")  # LightningCLI refuses to write over it
        return run

    # -- what Lightning calls ------------------------------------------------------------------------

    def log_metrics(self, metrics: Mapping[str, Any], step: int | None = None) -> None:
        """Log scalars: one event, with its step and time; ``epoch`` is one of them.

        Where the optimizer steps taken are not the `step`, as under manual optimization with two optimizers, they
        stand beside it as ``trainer/global_step``.

        Parameters
        ----------
        metrics : mapping of str to float
            Numbers, or tensors of one; it is not changed.
        step : int, default=None
            Position on the x axis [steps].
        """
        run = self._experiment or self._live()
        if run is None:
            return
        if self._prefix:
            metrics = {self._prefix + name: value for name, value in metrics.items()}
        trainer = self._trainer and self._trainer()
        if trainer is not None and step is not None:
            taken = trainer.global_step
            if taken - step not in (0, 1):  # Lightning logs a step before it counts it
                metrics = {**metrics, "trainer/global_step": taken}
        try:
            run.log_metrics(metrics, step)
        except Exception as error:
            if not self._lenient:
                raise
            stumble(SOURCE, error, run)

    def log_hyperparams(self, params: Any, metrics: Any = None, *_: object, **__: object) -> None:
        """Log hyperparameters as properties: ``param.lr``, of nested ones ``param.optimizer.lr``.

        A property never changes: of a second value the change is noted in the run, and the first one stays.

        Parameters
        ----------
        params : mapping, Namespace, dataclass or None
            Any nesting of them.
        metrics : mapping of str to float, default=None
            Logged beside them, as TensorBoard's logger does.
        """
        run = self._live()
        if run is None:
            return
        with self._attempt(run):
            self._add(run, flattened(params))
        if isinstance(metrics, Mapping):
            with self._attempt(run):
                run.log_metrics(metrics)

    def log_graph(self, model: Any, input_array: Any = None) -> None:
        """Store what the model is made of as ``outputs/model_summary.txt``; it is not called.

        Parameters
        ----------
        model : Module
            The module that is trained.
        input_array : optional
            Ignored: a forward pass could change the model, or draw random numbers.
        """
        run = self._live()
        if run is None:
            return
        with self._attempt(run):
            self._meet(getattr(model, "_trainer", None))
        run = self.experiment
        with self._attempt(run):
            self._add(run, described(model, self._trainer and self._trainer()), quietly=True)
            if ("summary", text := summary(model)) not in self._told:
                self._told.add(("summary", text))
                run.upload_file("outputs/model_summary.txt", NamedStream(text.encode(), "model_summary.txt"))

    def save(self) -> None:
        """Do nothing: what was logged is stored."""

    def after_save_checkpoint(self, checkpoint_callback: Any) -> None:
        """Take the checkpoint into the run: a second name for the file, no copy of it.

        Parameters
        ----------
        checkpoint_callback : ModelCheckpoint
            A weak reference to it, of which nothing is kept.
        """
        run = self._live()
        if run is None:
            return
        with self._attempt(run):
            self._shelf.put(run, checkpoint_callback)

    def finalize(self, status: str) -> None:
        """End the run as the training ended, if this logger began it; what follows is still logged into it.

        Parameters
        ----------
        status : str
            ``failed`` fails it with the exception that is being handled, or cancels it where that is Ctrl-C; every
            other word completes it. Lightning says ``success`` after each of fit, validate, test and predict.
        """
        run = None if _is_follower() else self.run_so_far()
        if run is None:
            return
        failed = status in ("failed", "aborted")
        with self._attempt(run):
            self._collect(run, failed=failed)
        self._part()
        if self._bound().ours:
            with self._attempt(run):
                self._end(run, failed=failed)

    def _end(self, run: Run, *, failed: bool) -> None:
        error = sys.exc_info()[1] if failed else None
        if not failed:
            run.complete()
        elif isinstance(error, KeyboardInterrupt):
            run.cancel()
        else:
            run.fail(error or "the training failed")

    def _collect(self, run: Run, *, failed: bool) -> None:
        """Take into the run what stands on the disk: the last checkpoints, and what callbacks wrote."""
        trainer = self._trainer and self._trainer()
        for callback in getattr(trainer, "checkpoint_callbacks", None) or ():
            self._shelf.put(run, callback)
        if trainer is not None and self._log_model and not failed and not self._shelf.filled:
            store_weights(run, trainer)
        if self._save_dir is None:
            sweep(run, self._folder, Path(self.log_dir, "checkpoints"))

    # -- the trainer ---------------------------------------------------------------------------------

    def _meet(self, trainer: Any) -> None:
        """Know the trainer while it trains, and let each checkpoint carry the address of the run."""
        if trainer is None:
            return
        self._trainer = weakref.ref(trainer)
        if not is_paused("torch"):  # in a spawned process, and without autolog of Lightning: nobody else says so there
            self._silence.enter_context(paused("torch"))
        if trainer.state.fn == "fit" and self._bound().ours and self._experiment.over:  # after a fit, or a tuner
            self._experiment = self._resumed()
        if self._companion is None:
            self._companion = self._companion_class({KEY: {"run_id": self.version, "experiment": self.name}})
        if self._companion not in trainer.callbacks:
            trainer.callbacks.insert(0, self._companion)  # before the checkpoints, which come last

    def _part(self) -> None:
        """Leave nothing of ours on the trainer, and nobody silent."""
        with suppress(ValueError):  # another thread's to end
            self._silence.close()
        trainer = self._trainer and self._trainer()
        if trainer is not None and self._companion in trainer.callbacks:
            trainer.callbacks.remove(self._companion)

    def _add(self, run: Run, properties: dict[str, str], *, quietly: bool = False) -> None:
        """Add properties; of those that are there with another value, note the change, once."""
        there = run.get_properties()
        run.add_properties({name: value for name, value in properties.items() if name not in there})
        for name, value in properties.items():
            if there.get(name, value) != value and not quietly and (name, value) not in self._told:
                self._told.add((name, value))
                run.note(SOURCE, f"{name} was {there[name]} and is {value} now; the first value stands")

    @contextmanager
    def _attempt(self, run: Run) -> Iterator[None]:
        """Do something beside the training: when it fails, the run says so and the training goes on."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - a picture that fails must not cost the model
            stumble(SOURCE, error, run, on_error=self._on_error)

    # -- what users call -----------------------------------------------------------------------------

    def log_image(self, key: str, images: Any, step: int | None = None) -> None:
        """Log one image or several.

        Parameters
        ----------
        key : str
            Metric name; several images are points of it.
        images : image or list of images
            Figures, paths, PIL images, arrays or tensors of shape (h, w), (channels, h, w) or (h, w, channels),
            floats from 0 to 1 or bytes.
        step : int, default=None
            Position on the x axis [steps].

        Raises
        ------
        PictureError
            If one of them cannot be shown.
        """
        if _is_follower():
            return
        for image in images if isinstance(images, (list, tuple)) else [images]:
            if is_stored_elsewhere(image):
                self.experiment.log_image(key, image, step=step)
            else:
                place = f"images/{key.strip('/')}{'' if step is None else f'_{step}'}.png"
                self.experiment.log_image(key, NamedStream(png(key, image), place), step=step)

    def log_table(
        self,
        key: str,
        columns: Sequence[str] | None = None,
        data: Sequence[Sequence[Any]] | None = None,
        dataframe: Any = None,
    ) -> None:
        """Log a table.

        Parameters
        ----------
        key : str
            Metric name.
        columns : list of str, default=None
            Names of the columns.
        data : list of lists, default=None
            Rows, each with a cell for each column.
        dataframe : DataFrame, default=None
            In place of both.

        Raises
        ------
        TableError
            If neither is given, or a row has not a cell for each column.
        """
        if _is_follower():
            return
        if dataframe is not None:
            table = {str(name): dataframe[name].tolist() for name in dataframe.columns}
        elif columns is None or data is None:
            raise TableError(key, "neither a dataframe nor columns with data")
        else:
            rows = [list(row) for row in data]
            wrong = next((row for row in rows if len(row) != len(columns)), None)
            if wrong is not None:
                raise TableError(key, f"a row of {len(wrong)} cells for {len(columns)} columns")
            table = {str(name): [row[place] for row in rows] for place, name in enumerate(columns)}
        self.experiment.log_table(key, table)

    def log_text(self, key: str, text: str) -> None:
        """Store a text as an artifact.

        Parameters
        ----------
        key : str
            Its name; it lies in ``outputs/<key>.txt``.
        text : str
            What it says.
        """
        self.experiment.upload_file(f"outputs/{key}.txt", NamedStream(storable_lines(text), key))

    def log_classification(
        self, y_true: Any, y_score: Any, classes: Sequence[Any] | None = None, prefix: str = "test", **settings: Any
    ) -> dict[str, float]:
        """Log how well classes are told apart, as `azml_integrations.log_classification` does, into this run.

        Parameters
        ----------
        y_true : array-like of shape (n,)
            The right class of each row.
        y_score : array-like of shape (n, n_classes) or (n,)
            Probabilities or logits, a column for each class; one column is that of the second of two.
        classes : sequence, default=None
            The classes in the order of the columns; 0, 1, ... by default.
        prefix : str, default="test"
            Begins each name: ``test_roc_curve``.
        **settings
            ``sample_weight``, ``scores`` and ``name``.

        Returns
        -------
        metrics : dict of str to float
            As logged; on other ranks than the first none.

        Raises
        ------
        UserErrorException
            If the arguments do not fit together.
        """
        if _is_follower():
            return {}
        from azml_integrations import log_classification

        return log_classification(self.experiment, y_true, y_score, classes, prefix, **settings)

    def watch(self, model: Any, log: str | Sequence[str] = ("gradients", "parameters"), every: int = 100) -> None:
        """Log how gradients and weights are spread while a trainer trains, as the callback `Watch` does.

        No hook is set on the model, which stays as it is for pickle and ``torch.compile``.

        Parameters
        ----------
        model : LightningModule
            The one that is trained.
        log : {"gradients", "parameters"} or both, default=("gradients", "parameters")
            What to log.
        every : int, default=100
            How often [optimizer steps].

        Raises
        ------
        WatchError
            If no trainer trains it: call it in ``on_fit_start``, or pass ``Trainer(callbacks=[Watch()])``.
        """
        trainer = getattr(model, "_trainer", None)
        if trainer is None or not hasattr(trainer, "callbacks"):
            raise WatchError
        if not any(isinstance(callback, self._watch_class) for callback in trainer.callbacks):
            trainer.callbacks.insert(0, self._watch_class(log=log, every=every))

    # -- travel --------------------------------------------------------------------------------------

    def __getstate__(self) -> dict[str, Any]:
        """Travel as an address: what is spawned meets in the same run, and nothing live is pickled."""
        self._bound()
        given = None if self._address is not None and self._address.ours else self._given_run
        live = dict.fromkeys(("_experiment", "_trainer", "_companion", "_shelf", "_told", "_silence"))
        return {**self.__dict__, **live, "_given_run": given}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Begin without a live handle."""
        self.__dict__.update(state)
        self._fresh()


def storable_lines(text: str) -> bytes:
    """Return a text as the bytes of a file."""
    return text.encode("utf-8", "backslashreplace")


def run_of_the_user() -> Run | None:
    """Return the run that is current, unless a logger has begun it; None on other ranks than the first."""
    current = None if _is_follower() else current_run()
    return current if current is not None and current.id not in _OURS else None


def _is_follower() -> bool:
    """Tell whether this process is another rank than the first."""
    return bool(getattr(rank_zero_only, "rank", 0))


def _on_error() -> str:
    """Return what becomes of a full disk: a warning, since days of training are worth more than a point."""
    return os.environ.get("AZML_ON_ERROR") or "warn"
