"""A run: the live handle with SDK v1's verbs."""

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TextIO

from msgspec.json import encode, format  # noqa: A004 - its name
from msgspec.structs import replace

from .. import errors, host, names
from ..journal import Role
from ..records import (
    TERMINAL,
    ErrorInfo,
    PointKind,
    RunCreated,
    RunQuery,
    RunRecord,
    RunStatus,
    RunStore,
    StatusChanged,
    TrashEntry,
)
from . import cloud, context, ending, run_types
from .detail_verbs import DetailVerbs
from .fit_table import FitTable, compared, fit_table
from .following import Follower
from .handle import Known, OnError, checked_on_error
from .label_verbs import LabelVerbs
from .logging_verbs import LoggingVerbs, shapes
from .snapshot_verbs import SnapshotVerbs
from .tee import teed

if TYPE_CHECKING:
    from . import facts
    from .experiment import Experiment
    from .shared import SharedRun
    from .workspace import Workspace

USER_LOG = "logs/user_log.txt"
LONGEST_PAUSE = 0.5
"""Between two looks at a run that is waited for [s]."""

RECALL = 5.0
"""Between two looks at whether somebody works on it [s]."""


class Run(LoggingVerbs, SnapshotVerbs, LabelVerbs, DetailVerbs):
    """One run of an experiment.

    A run is begun by `Experiment.start_logging`, `Run.get_context` or `autolog`; this constructor attaches to one
    that is there.

    Parameters
    ----------
    experiment : Experiment
        The experiment that the run belongs to.
    run_id : str
        Its id.
    outputs : str, default=None
        Ignored for a run that is there already.

    Raises
    ------
    RunNotFoundError
        If there is no such run.
    """

    def __init__(self, experiment: "Experiment", run_id: str, outputs: object = None, **kwargs: object) -> None:
        if not hasattr(experiment, "workspace"):
            found = errors.a(experiment)
            raise errors.OptionError(
                f"Run expects an Experiment first, got {found}; Run.get(workspace, run_id) needs none"
            )
        super().__init__(experiment, run_id)
        self._prepare()
        record = self._record()
        if record.experiment != experiment.name:
            raise errors.RunNotFoundError(run_id, f"experiment {experiment.name}; it belongs to {record.experiment}")

    def _prepare(self) -> None:
        self._kinds = {}
        self._outputs = None
        self._versions = {}
        self._logs_since: float | None = None
        self._dirtiness: facts.Dirtiness | None = None
        self._tees = contextlib.ExitStack()
        self._quiet = self._ending = False
        self._topmost = self.id

    # -- beginning -----------------------------------------------------------------------------------

    @classmethod
    def _handle(cls, experiment: "Experiment", run_id: str, role: Role = "guest") -> Self:
        """Return a handle without asking whether the run is there."""
        handle = cls.__new__(cls)
        super(Run, handle).__init__(experiment, run_id, role)
        handle._prepare()  # noqa: SLF001 - a constructor
        return handle

    @classmethod
    def _create(
        cls,
        experiment: "Experiment",
        *,
        run_id: str | None = None,
        name: str | None = None,
        display_name: str | None = None,
        parent_id: str | None = None,
        run_type: str | None = None,
        outputs: Path | None = None,
        on_error: str | None = None,
        fold: bool = True,
        family: str | None = None,
    ) -> Self:
        """Create a run that this process owns, and begin it; without a `fold` the index learns of it from a reader."""
        handle = cls._handle(experiment, run_id or _new_id(), "owner")
        handle._topmost = family or handle.id  # noqa: SLF001 - a constructor
        handle._on_error = checked_on_error(on_error)  # noqa: SLF001 - a constructor
        handle._begin(name, display_name, parent_id, run_type, outputs, fold=fold)  # noqa: SLF001 - likewise
        return handle

    @classmethod
    def _resume(cls, experiment: "Experiment", run_id: str, on_error: str | None) -> Self:
        """Make a run that has ended this process's own, and set it running."""
        handle = cls._handle(experiment, run_id, "owner")
        handle._on_error = checked_on_error(on_error)  # noqa: SLF001 - a constructor
        ending.watch().add(handle)
        handle._set_status(RunStatus.RUNNING)  # noqa: SLF001 - likewise
        tell("azml_run_started", lambda: {"run": handle}, handle)
        return handle

    def _begin(
        self,
        name: str | None,
        display_name: str | None,
        parent_id: str | None,
        run_type: str | None,
        outputs: Path | None,
        *,
        fold: bool = True,
    ) -> None:
        """Make the folder, say what the run is, and set it running."""
        for what, value in (("run name", name), ("display name", display_name)):
            if value is not None:
                names.label(what, value)
        self._experiment._open()  # noqa: SLF001 - an archived experiment takes no run
        if outputs is not None:
            _make(outputs)
        self._workspace._claim_folder(self.id)  # noqa: SLF001 - two runs of one id must not meet
        number = self._experiment._next_number()  # noqa: SLF001 - only here
        self._outputs = outputs
        self._known = Known(name)
        self._append(
            RunCreated(
                self.id,
                self._experiment.name,
                number,
                time.time(),
                name,
                display_name,
                parent_id,
                run_type,
                user=host.user(),
            )
        )
        if parent_id is None:
            self._record_facts()
        ending.watch().add(self)
        self._append(StatusChanged(str(RunStatus.RUNNING), time.time()))
        self._quiet = not fold
        if fold:
            self._fold()
        tell("azml_run_started", lambda: {"run": self}, self)

    def _record_facts(self) -> None:
        """Write down where the run came from: git, script, packages, arguments; never a secret."""
        from . import facts

        git, self._dirtiness = facts.at(Path.cwd())
        properties = dict(git)
        if script := facts.script():
            properties["azml.script"] = _storable(script.name)
        properties["azml.arguments"] = encode(facts.arguments()).decode()
        self.add_properties(properties)
        self._record_texts({"packages.txt": facts.packages(), **facts.program()})

    def _record_texts(self, texts: Mapping[str, str]) -> None:
        about = self._folder / "about"
        with contextlib.suppress(OSError):  # beside the point: a run without them is a run
            about.mkdir(exist_ok=True)
            for name, content in texts.items():
                self._workspace.texts.put(about / name, content)

    # -- life cycle ----------------------------------------------------------------------------------

    def start(self) -> None:
        """Mark a run that was created but not started as Running."""
        if self.get_status() == RunStatus.NOT_STARTED:
            self._set_status(RunStatus.RUNNING)

    def complete(self, _set_status: bool = True) -> None:
        """End the run well: its ``outputs`` are copied into it, and it is Completed; harmless twice.

        Raises
        ------
        StoreError
            If the disk refuses.
        """
        self._end(RunStatus.COMPLETED if _set_status else None)

    def fail(self, error_details: str | BaseException | None = None, error_code: str | None = None) -> None:
        """End the run badly.

        Parameters
        ----------
        error_details : str or exception, default=None
            Why; an exception's traceback is kept.
        error_code : str, default=None
            ``UserError`` by default.

        Raises
        ------
        OptionError
            If `error_details` is neither a string nor an exception.
        """
        self._end(RunStatus.FAILED, error_info(error_details, error_code))

    def cancel(self) -> None:
        """End the run early, as Canceled.

        Of a submitted run, its launcher is asked to end it with all processes that its script has started; the call
        returns at once, and a run that still waits never starts. One that has ended stays as it is.
        """
        from . import submission

        if self.over:
            return
        if self._quiet:  # begun by an adapter: this process's own, and it ends here
            self._append(StatusChanged(RunStatus.CANCEL_REQUESTED, time.time()))
        elif self.get_status() in TERMINAL or (not self.owned and submission.ask_to_cancel(self)):
            return
        else:
            self._set_status(RunStatus.CANCEL_REQUESTED)
        self._end(RunStatus.CANCELED)

    def delete(self, force: bool = False) -> TrashEntry:
        """Move the run into the trash of its workspace, with all below it.

        It is in no list any more and its metrics cannot be asked for, until it is restored; what it takes on the disk
        is freed when it is purged. A registered model has its own files and stays.

        Parameters
        ----------
        force : bool, default=False
            Whether also a run of another machine that has not ended is deleted.

        Returns
        -------
        entry : TrashEntry
            For ``workspace.trash.restore(entry)`` or ``.purge(entry)``.

        Raises
        ------
        RunStateError
            If the run or one below it goes on, or waits; cancel it first.
        RunNotFoundError
            If it is not there any more.
        StoreError
            If the disk refuses.
        """
        if not self.owned:
            self._journal.close()  # what this handle has added since is no reason to refuse
        return self._workspace.trash.discard(self.id, force=force)

    def _end(self, status: str | None, error: ErrorInfo | None = None) -> None:
        if self._over and status == RunStatus.COMPLETED:
            return
        if not (self._over or self._ending) and self._ended_by_a_plugin() and status in (None, RunStatus.COMPLETED):
            return
        self._tees.close()
        self._collect_all()
        self._report_lost()
        if status is not None:
            self._append(StatusChanged(str(status), time.time(), error))
        self._over = True
        self._journal.close()
        if self._quiet:
            self._settle_soon()
        else:
            self._workspace.view.settle(self.id)
        ending.watch().remove(self)
        tell("azml_run_ended", lambda: {"record": self._record()}, self)
        self._journal.close()  # a note about a plugin has opened another

    def _ended_by_a_plugin(self) -> bool:
        """Let plugins add to the run, and tell whether one has ended it: none is asked twice for that."""
        self._ending = True
        try:
            tell("azml_run_ending", lambda: {"run": self}, self)
        finally:
            self._ending = False
        return self._over

    def _settle_soon(self) -> None:
        """Tell the index of the run's end in the company of others, at the latest when the program ends."""
        view = self._workspace.view
        ending.watch().at_last(view.settle_last)
        view.settle_soon(self.id)

    def _collect_all(self) -> None:
        """Copy ``./outputs`` and what came into ``./logs`` into the run, and write down what came late."""
        from . import facts

        if self._outputs is not None and self._outputs.is_dir():
            self._collect(self._outputs, "outputs")
            if self._logs_since is not None and Path("logs").is_dir():
                self._collect(Path("logs"), "logs", self._logs_since)
        if self._dirtiness is not None and (dirty := self._dirtiness.answer(patience=0.5)) is not None:
            self.add_properties({"azureml.git.dirty": dirty, "azml.git.dirty_asked": "at the end"})
            self._dirtiness = None
        if facts.cells():  # a script is what it was at the beginning
            self._record_texts(facts.program())

    def _report_lost(self) -> None:
        lost, self._lost = self._lost, 0
        if lost:
            self.note("store", f"{lost} events could not be stored because the disk refused")
            self._warned.discard(("", "StoreWarning"))
            self._warn_once("", f"run {self.id}: {lost} events could not be stored", errors.StoreWarning)

    def _set_status(self, status: str, error: ErrorInfo | None = None) -> None:
        self._append(StatusChanged(str(status), time.time(), error))
        self._fold()

    def get_status(self) -> str:
        """Return where the run stands now: ``Running``, ``Completed``, ``Failed``, ``Canceled`` ..."""
        return str(self._record().status)

    @property
    def status(self) -> str:
        """Return where the run stands."""
        return self.get_status()

    def wait_for_completion(
        self,
        show_output: bool = False,
        wait_post_processing: bool = False,
        raise_on_error: bool = True,
    ) -> dict[str, Any]:
        """Wait until the run has ended.

        Parameters
        ----------
        show_output : bool, default=False
            Whether to print where the run is and how it ended.
        wait_post_processing : bool, default=False
            Ignored: nothing is processed afterwards.
        raise_on_error : bool, default=True
            Whether a failed run raises.

        Returns
        -------
        details : dict
            As `get_details` has them.

        Raises
        ------
        UserErrorException
            If the run belongs to this process, and no other thread could end it.
        ActivityFailedException
            If the run failed and `raise_on_error`; a canceled run returns.
        ExperimentExecutionException
            If the waiting is interrupted; the run goes on.
        """
        if self.owned and not self.over:
            self._expect_another_thread()
        follower = self._followed(sys.stdout) if show_output else None
        try:
            self._wait(follower)
        except KeyboardInterrupt as interrupt:
            raise errors.ExperimentExecutionException(
                f"waiting for run {self.id} was interrupted; the run goes on",
                interrupt,
            ) from interrupt
        details = self.get_details()
        error = format(encode(details.get("error")), indent=4).decode()
        failed = details["status"] == RunStatus.FAILED
        if show_output:
            self._summarize(details.get("warnings"), error if failed else None)
        if failed and raise_on_error:
            raise errors.ActivityFailedException("Activity Failed:\n" + error)
        return details

    def _followed(self, out: TextIO) -> Follower:
        out.write(f"RunId: {self.id}\nWeb View: {self._portal_address()}\n\n")
        return Follower(self._folder, out)

    def _wait(self, follower: Follower | None) -> None:
        """Wait for the end, looking often at first."""
        pause = 0.01
        self._await()
        called = time.monotonic()
        while not self._final():
            if follower is not None:
                pause = 0.05 if follower.show() else pause
                follower.progress(self._progress)
            time.sleep(pause)
            pause = min(pause * 1.3, LONGEST_PAUSE)
            if time.monotonic() - called > RECALL:
                self._await()
                called = time.monotonic()
        if follower is not None:
            follower.end()

    def _final(self) -> bool:
        """Tell whether the run has ended, and no launcher will say otherwise."""
        from . import submission

        record = self._record()
        return record.ended and (record.verdict is None or not submission.in_queue(self))

    def _await(self) -> None:
        """Make sure that a launcher works on the run, if it was submitted."""
        from . import submission

        if not self.owned:
            submission.attend(self)

    def _progress(self) -> str:
        """Return what the run waits for, in a few words."""
        from . import submission

        before = submission.position(self)
        return self.get_status() + (f", {before} before it" if before else "")

    def _summarize(self, warnings: object, error: str | None) -> None:
        lines = [
            "",
            "Execution Summary",
            "=================",
            f"RunId: {self.id}",
            f"Web View: {self._portal_address()}",
        ]
        if warnings:
            lines += ["", "Warnings:", format(encode(warnings), indent=4).decode()]
        if error is not None:
            lines += ["", "Error:", error]
        print("\n".join(lines))  # noqa: T201 - asked for

    def _expect_another_thread(self) -> None:
        """Make sure that somebody can end a run of this very process while it waits."""
        advice = f"run {self.id} belongs to this process and ends when complete() is called"
        if threading.active_count() == 1:
            raise errors.UserErrorException(f"{advice}; waiting for it here would last for ever")
        self._warn_once("", f"{advice}; waiting for another thread to do so", errors.AzmlWarning)

    # -- as a context manager ------------------------------------------------------------------------

    def __enter__(self) -> Self:
        """Make this the current run, and copy what is printed into ``logs/user_log.txt``."""
        context.enter(self)
        log = self._folder / USER_LOG
        try:
            self._tees.enter_context(teed(log))
        except OSError as error:
            self.note("tee", f"what is printed is not copied: {error}")
        else:
            self._stored_already(USER_LOG, 0, time.time())
            self._tees.callback(lambda: self._stored_already(USER_LOG, log.stat().st_size, time.time()))
        if self._outputs is not None:
            self._logs_since = time.time()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        """End the run as the block ended; a ``SystemExit`` of 0 counts as a good end and is swallowed."""
        context.leave(self)
        clean = error is None or (isinstance(error, SystemExit) and error.code in (None, 0))
        if self._over:
            self._tees.close()
        elif clean:
            self.complete()
        else:
            self._end_badly(error)
        return clean and error is not None

    def _end_badly(self, error: BaseException | None) -> None:
        """Fail without hiding the user's own exception behind one of ours."""
        try:
            self.fail(error)
        except errors.AzmlError as ours:
            if error is not None:
                error.add_note(f"azml_integrations could not record this failure: {ours.message}")

    # -- family --------------------------------------------------------------------------------------

    @property
    def parent(self) -> "Run | None":
        """Return the run that this one is a child of, or None."""
        parent_id = self._record().parent_id
        if parent_id is None:
            return None
        record = self._workspace.view.of(parent_id).run(parent_id)
        return Run._handle(self._experiment, parent_id) if record is None else self._relative(record)

    def child_run(self, name: str | None = None, run_id: str | None = None, outputs: str | None = None) -> "Run":
        """Create a child run and start it.

        Parameters
        ----------
        name : str, default=None
            The child is named ``<parent's name>><name>``.
        run_id : str, default=None
            Its id; a fresh one by default.
        outputs : str, default=None
            Folder whose files are copied into the child at its end; none by default.

        Returns
        -------
        child : Run
            Usable as a context manager.
        """
        return self._child(name, run_id, Path(outputs).resolve() if outputs else None)

    def _child(
        self, name: str | None, run_id: str | None = None, outputs: Path | None = None, *, fold: bool = True
    ) -> "Run":
        """Create a child; the way in for every kind of run."""
        own = self._known.name if self._known is not None else self._record().name
        full = name if name is None or own is None else f"{own}>{name}"
        return Run._create(
            self._experiment,
            run_id=run_id,
            name=full,
            parent_id=self.id,
            outputs=outputs,
            fold=fold,
            family=self._topmost,
        )

    def shared_child(
        self, run_id: str, name: str | None = None, properties: Mapping[str, str] | None = None
    ) -> "SharedRun":
        """Return the child run with this id, begun by this call if no process was quicker.

        For work that several processes share, as the candidates of a sweep: each computes the same id and meets
        the others in one run. Nobody holds that run; it lives as long as this one does.

        Parameters
        ----------
        run_id : str
            Its id, computed from what is worked on.
        name : str, default=None
            A name beside the id.
        properties : dict of str to str, default=None
            What it is about; written by whoever begins it.

        Returns
        -------
        child : SharedRun
            Running; end it with `SharedRun.finish_part` of its last part, or `SharedRun.fail`.
        """
        from . import shared

        return shared.join(self, run_id, name, properties or {})

    def create_children(
        self, count: int | None = None, tag_key: str | None = None, tag_values: Sequence[str] | None = None
    ) -> "list[Run]":
        """Create several child runs and start them.

        Parameters
        ----------
        count : int, default=None
            How many, at most 100; each is tagged ``azureml.batch_child_number``, from "0" on.
        tag_key : str, default=None
            With `tag_values` in place of `count`: a tag for each child.
        tag_values : list of str, default=None
            One value and one child each, at most 100.

        Raises
        ------
        UserErrorException
            If neither `count` alone nor both tag arguments are given, or more than 100 are asked for.
        """
        by_tags = tag_key is not None and tag_values is not None
        if (count is None) != by_tags or (not by_tags and (tag_key is not None or tag_values is not None)):
            raise errors.UserErrorException("create_children expects either count, or tag_key and tag_values together")
        key = tag_key if by_tags and tag_key is not None else "azureml.batch_child_number"
        values = [str(value) for value in (tag_values if by_tags and tag_values is not None else range(count or 0))]
        asked = len(values) if count is None else count
        if not 0 <= asked <= 100:  # noqa: PLR2004 - SDK v1's limit, kept so that a slip does not make a million folders
            raise errors.UserErrorException(f"create_children makes 0 to 100 children a call, got {asked}")
        children = []
        for value in values:
            child = self.child_run()
            child.tag(key, value)
            children.append(child)
        return children

    def get_children(
        self,
        recursive: bool = False,
        tags: str | Mapping[str, str] | None = None,
        properties: str | Mapping[str, str] | None = None,
        type: str | None = None,
        status: str | None = None,
    ) -> "Iterator[Run]":
        """Yield the child runs, newest first.

        Parameters
        ----------
        recursive : bool, default=False
            Whether children of children are among them.
        tags, properties : str or dict, default=None
            Only runs with this key, or with these keys and values.
        type, status : str, default=None
            Only runs of this type, or that stand so.
        """
        query = RunQuery(tags=_wanted(tags), properties=_wanted(properties), type=type, status=status)
        for record in self._family(self._workspace.view.all(), query, recursive=recursive):
            yield self._relative(record)

    def _relative(self, record: RunRecord) -> "Run":
        """Return a handle on a run of the family: it belongs to the same experiment."""
        return run_types.handle(self._experiment, record)

    def _family(self, store: RunStore, query: RunQuery, *, recursive: bool) -> "_Records":
        """Return the runs below this one that a query asks for, newest first."""
        below = replace(query, ancestor_id=self.id) if recursive else replace(query, parent_id=self.id)
        return sorted(store.find(below), key=lambda run: (run.started_at or run.created_at, run.number))[::-1]

    def get_metrics(
        self,
        name: str | None = None,
        recursive: bool = False,
        run_type: str | None = None,
        populate: bool = False,
    ) -> dict[str, Any]:
        """Return the metrics, in SDK v1's shapes.

        Parameters
        ----------
        name : str, default=None
            Only this one; an unknown one gives an empty dict.
        recursive : bool, default=False
            Return ``{run id: metrics}`` for this run and all below it that have any.
        run_type : str, default=None
            With `recursive`, only runs of this type.
        populate : bool, default=False
            Whether confusion matrices and their like come as their content.

        Returns
        -------
        metrics : dict of str to value
            A metric logged once is its value, several times a list; rows and tables are dicts of columns; files are
            their ``aml://`` addresses. `metric_points` gives everything, with steps and times.
        """
        if not recursive:
            return self._own_metrics(name, populate=populate)
        found = {} if run_type not in (None, self.type) else {self.id: self._own_metrics(name, populate=populate)}
        store = self._workspace.view.all()
        below = {run.run_id: run for run in self._family(store, RunQuery(type=run_type), recursive=True)}
        for run_id, several in store.series_of(list(below), name).items():
            found[run_id] = shapes(several, partial(self._file_of, below[run_id], populate=populate))
        return {run_id: metrics for run_id, metrics in found.items() if metrics}

    def _file_of(self, record: RunRecord, kind: PointKind, value: object, *, populate: bool) -> object:
        return self._relative(record)._file(kind, value, populate=populate)  # noqa: SLF001 - family

    def fits(self) -> FitTable:
        """Return what was fitted in this run as a table: one row a fit, the varied parameters beside the metrics.

        The first fit of a run stands in the run itself, later ones in its children. The table is a view, computed
        from their properties and metrics whenever it is asked for.

        Returns
        -------
        table : FitTable
            One row for this run, if a fit stands in it, and one for each child with a fit, in order of their numbers.
            Where a search over parameters is the only fit, its candidates are the rows.

        Examples
        --------
        >>> with experiment.start_logging() as run:  # doctest: +SKIP
        ...     for alpha in (0.01, 0.1, 1.0):
        ...         model = Ridge(alpha=alpha).fit(X, y)
        ...         mean_squared_error(y_test, model.predict(X_test))
        >>> pandas.DataFrame(run.fits().columns)[["alpha", "mean_squared_error"]]  # doctest: +SKIP
           alpha  mean_squared_error
        0   0.01         3063.852139
        1   0.10         3074.293399
        2   1.00         3192.329312
        """
        own = self._record()
        store = self._workspace.view.all()
        children = sorted(store.find(RunQuery(parent_id=self.id)), key=lambda child: child.number)
        records = compared(own, children)
        several = store.summaries_of([record.run_id for record in records])
        return fit_table([(record, several[record.run_id]) for record in records])

    def submit_child(self, config: object, tags: Mapping[str, str | None] | None = None, **kwargs: Any) -> "Run":
        """Submit a script, or whatever else can be submitted, as a child of this run.

        Parameters
        ----------
        config, tags, **kwargs
            As `Experiment.submit` has them.

        Returns
        -------
        child : Run
            Queued.
        """
        return self._experiment.submit(config, tags, parent=self, **kwargs)

    # -- finding runs --------------------------------------------------------------------------------

    @staticmethod
    def get(workspace: "Workspace", run_id: str) -> "Run":
        """Return a run by its id.

        Raises
        ------
        RunNotFoundError
            If there is none.
        """
        return workspace.get_run(run_id)

    @staticmethod
    def list(
        experiment: "Experiment",
        type: str | None = None,
        tags: str | Mapping[str, str] | None = None,
        properties: str | Mapping[str, str] | None = None,
        status: str | None = None,
        include_children: bool = False,
    ) -> "Iterator[Run]":
        """Yield the runs of an experiment, newest first; parameters as in `Experiment.get_runs`, and `status`."""
        query = RunQuery(
            experiment=experiment.name,
            type=type,
            tags=_wanted(tags),
            properties=_wanted(properties),
            status=status,
            include_children=include_children,
        )
        for record in experiment.workspace.view.all().find(query):
            yield _revived(experiment.workspace, record)

    @staticmethod
    def list_by_compute(
        compute: Any,
        type: str | None = None,
        tags: str | Mapping[str, str] | None = None,
        properties: str | Mapping[str, str] | None = None,
        status: str | None = None,
    ) -> "Iterator[Run]":
        """Yield the runs that run or wait on a compute target, of all experiments, newest first.

        Parameters
        ----------
        compute : ComputeTarget or str
            The target; a name means one of the workspace that `Workspace.from_config` returns.
        type, tags, properties
            As in `Experiment.get_runs`.
        status : {"Running", "Queued"}, default=None
            Only runs that stand so.

        Raises
        ------
        OptionError
            If `status` is another one.
        """
        from .workspace import Workspace

        if status not in (None, "Running", "Queued"):
            raise errors.OptionError(f"list_by_compute knows the statuses 'Running' and 'Queued', got {status!r}")
        workspace = Workspace.from_config() if isinstance(compute, str) else compute.workspace
        query = RunQuery(
            target=compute if isinstance(compute, str) else compute.name,
            type=type,
            tags=_wanted(tags),
            properties=_wanted(properties),
            status=status,
            include_children=True,
        )
        for record in workspace.view.all().find(query):
            if not record.ended:
                yield _revived(workspace, record)

    @classmethod
    def get_context(cls, allow_offline: bool = True, used_for_context_manager: bool = False, **kwargs: object) -> "Run":  # noqa: ARG003 - SDK v1's signature
        """Return the run that this process is part of.

        Inside a submitted script that is the submission's run; inside ``with start_logging()`` that run; elsewhere one
        run of the process, stored in the local workspace, whose folder appears with the first verb.

        Raises
        ------
        RunEnvironmentException
            If there is no submission around this process and `allow_offline` is False.
        """
        from . import process

        return process.run_of_process(allow_offline=allow_offline)

    @classmethod
    def get_submitted_run(cls, **kwargs: Any) -> "Run":
        """Return the run of the submission around this process; the same as ``get_context(allow_offline=False)``."""
        return cls.get_context(allow_offline=False, **kwargs)

    @classmethod
    def start_logging(cls, experiment: "Experiment", *args: Any, **kwargs: Any) -> "Run":
        """Begin a run of an experiment; the name of 2018 for `Experiment.start_logging`."""
        return experiment.start_logging(*args, **kwargs)

    @staticmethod
    def add_type_provider(runtype: str, run_factory: "Callable[[Experiment, RunRecord], Run]") -> None:
        """Let a function make the handles on runs of a type, wherever runs of this process are found.

        Parameters
        ----------
        runtype : str
            Type of run; the last provider of a type wins.
        run_factory : callable
            Gets the experiment and the run's record, which has the run's ``run_id``, and returns the handle.

        See Also
        --------
        azml_integrations.hookspecs.azml_run_types : The same for a plugin, without importing anything.
        """
        run_types.add(runtype, run_factory)

    # -- travel --------------------------------------------------------------------------------------

    def clean(self) -> "_Names":
        """Return an empty list: a run leaves no temporary files."""
        return []

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel as an address; the other process adds to the run as a guest."""
        return _attached, (type(self), self._experiment, self.id, self._on_error)

    get_secret = cloud.verb("Run", "get_secret")
    get_secrets = cloud.verb("Run", "get_secrets")

    @property
    def _run_dto(self) -> dict[str, Any]:  # read by scripts that look under the hood
        return self.get_details()


_Names = list[str]
_Records = list[RunRecord]


def __getattr__(name: str) -> Any:
    """Hand on ``_OfflineRun``, which SDK v1's scripts import from here."""
    if name != "_OfflineRun":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import process

    return process._OfflineRun  # noqa: SLF001 - its name in SDK v1


def _new_id() -> str:
    from uuid import uuid4

    return str(uuid4())


def _attached(kind: "type[Run]", experiment: "Experiment", run_id: str, on_error: OnError) -> Run:
    handle = kind._handle(experiment, run_id)  # noqa: SLF001 - unpickling
    handle._on_error = on_error  # noqa: SLF001 - likewise
    return handle


def _revived(workspace: "Workspace", record: RunRecord) -> Run:
    from .experiment import Experiment

    return run_types.handle(Experiment._told(workspace, record.experiment), record)  # noqa: SLF001 - nothing is made


def _wanted(filters: str | Mapping[str, str] | None) -> dict[str, str | None] | None:
    """Return SDK v1's filters as a query has them: a string asks for a key, a dict for keys and values."""
    if filters is None:
        return None
    if isinstance(filters, str):
        return {filters: None}
    return {key: str(value) for key, value in filters.items()}


def error_info(details: object, code: str | None) -> ErrorInfo | None:
    """Return why a run failed, from what `Run.fail` takes.

    Raises
    ------
    OptionError
        If it is neither a string nor an exception.
    """
    if details is None:
        return None
    if isinstance(details, BaseException):
        kind, said = type(details).__name__, str(details)
        message = f"User program failed with {kind}{': ' if said else ''}{said}"
        return ErrorInfo(_storable(message), code or "UserError", kind, _storable(_trace(details)))
    if not isinstance(details, str):
        raise errors.OptionError(f"fail() got {errors.a(details)}; expected a string or an exception")
    return ErrorInfo(_storable(details), code or "UserError")


def _trace(error: BaseException) -> str:
    """Return a traceback as text, without frames of this package: they say nothing about the user's program."""
    from traceback import StackSummary, TracebackException

    told = TracebackException.from_exception(error)
    here = str(Path(__file__).parent.parent)
    told.stack = StackSummary.from_list([frame for frame in told.stack if not frame.filename.startswith(here)])
    return "".join(told.format())


def _storable(text: str) -> str:
    """Return a text that any journal can hold."""
    return text.replace("\0", "\\0").encode("utf-8", "backslashreplace").decode()


def tell(hook: str, arguments: Callable[[], dict[str, object]], run: Run) -> None:
    """Let plugins see something of a run; the arguments are made only if somebody looks."""
    from .. import plugins  # pluggy only when a run starts

    asked = plugins.plugins()
    if asked.listen(hook):
        asked.tell(hook, plugins.Life(run.id, run.note, run._topmost), **arguments())  # noqa: SLF001 - of this file
    if hook == "azml_run_ended" and run._topmost == run.id:  # noqa: SLF001 - likewise
        asked.end(run.id)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise errors.StoreError(str(folder), error) from error
