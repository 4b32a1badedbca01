"""A search, a cross-validation or a curve, candidate by candidate, while it is under way.

Each of them hands its tasks, one fit and its scores, to a ``Parallel`` that it looks up in its module. That name is
replaced: within something observed it answers with the same `Parallel`, which dispatches the same tasks, each able
to write down what came out, in whichever thread or process it runs. A candidate is a child run whose id is computed,
so that two workers of one candidate meet in it.
"""

import contextlib
import functools
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from contextvars import ContextVar, Token
from dataclasses import dataclass
from types import ModuleType, TracebackType
from typing import TYPE_CHECKING, Any, Self

from azml_integrations.autologging import Patches, is_paused, paused, stumble
from azml_integrations.errors import AutologWarning

from .nesting import stays_here
from .parameters import safe_text
from .session import SOURCE

if TYPE_CHECKING:
    from azml_integrations import Run
    from azml_integrations.core.shared import SharedRun

    from .session import Session

TASK = "_fit_and_score"
LONGEST_NAME = 80
"""Letters of a candidate's name."""
MOST_OPEN = 4
"""Journals of candidates that a process keeps open."""

Locate = Callable[[int, Mapping[str, Any]], "Place"]
"""Tells from a task's position and keywords where its scores go."""

_UNDER_WAY: ContextVar["Sweep | None"] = ContextVar("azml_sklearn_sweep", default=None)


@dataclass(frozen=True)
class Place:
    """Where one task writes, in whichever process.

    Attributes
    ----------
    split : int
        Which split, from 0.
    candidate : int or None
        Which row of the results, from 0; None where there is one candidate only, which is the run itself.
    of : int or None
        Number of splits; None where it is not known before the end.
    properties : tuple of (str, str)
        What the candidate is.
    """

    split: int
    candidate: int | None = None
    of: int | None = None
    properties: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Candidate:
    """What came out of one candidate.

    Attributes
    ----------
    properties : tuple of (str, str)
        What it is.
    values : dict of str to float
        What its splits amount to: mean, deviation, rank.
    splits : list of dict
        The numbers of each split.
    """

    properties: tuple[tuple[str, str], ...]
    values: dict[str, float]
    splits: list[dict[str, float]]


class Sweep(AbstractContextManager["Sweep"]):
    """Something observed that fits an estimator many times; enter it around the call.

    Parameters
    ----------
    run : Run
        Where it is recorded.
    session : Session
        Knows how many child runs there may be.
    locate : Locate
        Tells where the scores of a task go.
    owner : object, default=None
        The search whose own tasks these are, not those of a search within it.

    Attributes
    ----------
    live : bool
        Whether the tasks wrote down their scores themselves.
    """

    def __init__(self, run: "Run", session: "Session", locate: Locate, owner: object = None) -> None:
        self.run, self.session, self.owner = run, session, owner
        self.live = False
        self._locate = locate
        self._begun: set[str] = set()
        self._token: Token[Sweep | None] | None = None

    def __enter__(self) -> Self:
        self._token = _UNDER_WAY.set(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._token is not None:
            _UNDER_WAY.reset(self._token)
        if error is not None:
            _candidates.close()
            self._cancel()

    def watch(self, tasks: Iterable[tuple[Any, Any, dict[str, Any]]]) -> Iterator[tuple[Any, Any, dict[str, Any]]]:
        """Yield the same tasks, each of which writes down its scores."""
        for position, (call, args, keywords) in enumerate(tasks):
            with self.session.attempt(self.run):
                self._watch(position, call, keywords)
            yield call, args, keywords

    def _watch(self, position: int, call: Any, keywords: Mapping[str, Any]) -> None:
        if getattr(call.function, "__name__", "") != TASK:
            return
        place = self._locate(position, keywords)
        self.live = True
        if place.candidate is None or place.candidate < self.session.max_child_runs:
            self._begun.add(child_id(self.run, place.candidate))
            call.function = Task(call.function, self.run, place, raises=self.session.options.on_error == "raise")

    def conclude(self, candidates: "Sequence[Candidate]") -> None:
        """Write down what the splits of each candidate amount to, and end those that nobody has ended.

        Parameters
        ----------
        candidates : sequence of Candidate
            In the order of their rows; only as many have a run as there may be child runs.
        """
        with contextlib.closing(_candidates):
            self._conclude(candidates[: self.session.max_child_runs])
        if len(candidates) > self.session.max_child_runs:
            self.run.note(
                SOURCE,
                f"{self.session.max_child_runs:,} of {len(candidates):,} candidates have a child run, the table has "
                f'all; autolog("sklearn", max_child_runs=...) sets another cap',
            )

    def _conclude(self, candidates: "Sequence[Candidate]") -> None:
        for row, candidate in enumerate(candidates):
            child = _candidates.of(self.run, child_id(self.run, row), candidate.properties)
            for split, scores in enumerate(() if self.live else candidate.splits):
                child.log_metrics(scores, split)
            child.log_metrics(candidate.values)
            if not child.over and child.get_status() == "Running":  # nobody knew how many splits there would be
                child.complete()
            child.settle()

    def child_id(self, candidate: int) -> str:
        """Return the id of a candidate's run."""
        return child_id(self.run, candidate)

    def _cancel(self) -> None:
        """End the candidates that the search will not come back to."""
        with self.session.attempt(self.run):
            for child in self._unfinished():
                child.cancel()

    def _unfinished(self) -> "list[Run]":
        return [child for child in self.run.get_children(status="Running") if child.id in self._begun]


class Task:
    """One fit and its scores; it is pickled as the function that it calls and an address.

    Parameters
    ----------
    call : callable
        scikit-learn's own.
    run : Run
        That of the sweep.
    place : Place
        Where the scores go.
    raises : bool
        Whether an error of ours is let out.
    """

    def __init__(self, call: Callable[..., dict[str, Any]], run: "Run", place: Place, *, raises: bool) -> None:
        self._call, self._run, self._place, self._raises = call, run, place, raises

    def __call__(self, *args: Any, **keywords: Any) -> dict[str, Any]:
        """Do the task."""
        self._attempt(self._place_of_run)  # so that the candidate is there while it is fitted
        token = _UNDER_WAY.set(None)  # a search within the candidate is part of its fit
        try:
            result = self._call(*args, **keywords)
        except BaseException as error:
            self._attempt(functools.partial(self._tell_error, error))
            hide_our_frame(error)
            raise
        finally:
            _UNDER_WAY.reset(token)
        self._attempt(functools.partial(self._tell, result))
        return result

    def _place_of_run(self) -> "Run":
        row = self._place.candidate
        return self._run if row is None else _candidates.of(self._run, child_id(self._run, row), self._place.properties)

    def _tell(self, result: Mapping[str, Any]) -> None:
        run = self._place_of_run()
        run.log_metrics(scores_of(result), self._place.split)
        if self._place.candidate is not None:
            trace = result.get("fit_error")
            told = None if trace is None else trace.strip().rpartition("\n")[2]
            run.finish_part(self._place.split, self._place.of, told, trace)  # type: ignore[attr-defined]

    def _tell_error(self, error: BaseException) -> None:
        if self._place.candidate is not None and isinstance(error, Exception):
            self._place_of_run().fail(error)

    def _attempt(self, tell: Callable[[], object]) -> None:
        try:
            with paused():
                tell()
        except Exception as error:
            if self._raises:
                raise
            with contextlib.suppress(AutologWarning):  # in a worker a filter that makes it an error is not meant for us
                stumble(f"{SOURCE} sweep", error, self._run)


def listen_to_sweeps(_: "Session", patches: Patches) -> None:
    """See the tasks of searches and cross-validations.

    Raises
    ------
    RuntimeError
        If this scikit-learn dispatches them another way.
    """
    from sklearn.model_selection import _search, _validation

    for module in (_search, _validation):
        real = getattr(module, "Parallel", None)
        if not isinstance(real, type) or not hasattr(module, TASK):
            raise RuntimeError(
                "the candidates of a search cannot be seen while it runs; its table is recorded at the end"
            )
        patches.replace(module, "Parallel", _observed(real, module, patches))


def _observed(real: type, module: ModuleType, patches: Patches) -> Callable[..., Any]:
    class Watched(real):  # type: ignore[misc, valid-type]
        """The same, within something observed."""

        def __call__(self, iterable: Any) -> Any:
            sweep = self.azml_sweep
            try:
                return super().__call__(sweep.watch(iterable) if stays_here(self) else iterable)
            except BaseException as error:
                hide_our_frame(error)
                raise

    for name in ("__name__", "__qualname__", "__module__"):  # joblib prints them
        setattr(Watched, name, getattr(real, name))

    @functools.wraps(real, updated=())
    def parallel(*args: Any, **settings: Any) -> Any:
        sweep = _UNDER_WAY.get()
        if sweep is None or not patches.active or is_paused("sklearn"):
            return real(*args, **settings)
        caller = sys._getframe(1)  # noqa: SLF001 - whose tasks they are
        if sweep.owner is not None and caller.f_locals.get("self") is not sweep.owner:
            return real(*args, **settings)
        watched = Watched(*args, **settings)
        watched.azml_sweep = sweep
        return watched

    parallel.__module__ = module.__name__  # whoever pickles it finds the plain one there, in a worker
    return parallel


class OfSearch:
    """Tells the tasks of a search apart: each says itself which candidate and which split it is."""

    def __init__(self) -> None:
        self._first = self._next = 0
        self._properties: dict[int, tuple[tuple[str, str], ...]] = {}

    def __call__(self, position: int, task: Mapping[str, Any]) -> Place:
        """Return where a task's scores go; a halving search asks in several rounds."""
        candidate, many = task["candidate_progress"]
        split, of = task["split_progress"]
        if position == 0:
            self._first, self._next = self._next, self._next + many
        row = self._first + candidate
        if row not in self._properties:
            self._properties[row] = properties_of(task["parameters"])
        return Place(split, row, of, self._properties[row])


class OfValidationCurve:
    """Tells the tasks of a validation curve apart: split by split, each value in turn."""

    def __init__(self, values: int) -> None:
        self._values = values

    def __call__(self, position: int, task: Mapping[str, Any]) -> Place:
        """Return where a task's scores go."""
        split, row = divmod(position, self._values)
        return Place(split, row, None, properties_of(task["parameters"]))


class OfLearningCurve:
    """Tells the tasks of a learning curve apart: split by split, each size in turn."""

    def __init__(self) -> None:
        self._test: object = None
        self._split = self._row = -1

    def __call__(self, position: int, task: Mapping[str, Any]) -> Place:
        """Return where a task's scores go; the tasks of one split share the rows that they are scored on."""
        another = task["test"] is not self._test
        self._split, self._row = (self._split + 1, 0) if another else (self._split, self._row + 1)
        self._test = task["test"]
        return Place(self._split, self._row, None, (("train_size", str(len(task["train"]))),))


def of_validation(position: int, _: Mapping[str, Any]) -> Place:
    """Return where a split of a cross-validation goes: into its own run."""
    return Place(position)


def properties_of(parameters: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return a candidate's parameters as properties."""
    return tuple((f"param.{name}", safe_text(value)) for name, value in parameters.items())


def scores_of(result: Mapping[str, Any]) -> dict[str, float]:
    """Return the numbers of one task under the names that `cross_validate` gives them."""
    numbers = {name: float(result[name]) for name in ("fit_time", "score_time") if name in result}
    for kind in ("test", "train"):
        scores = result.get(f"{kind}_scores")
        if isinstance(scores, Mapping):
            numbers |= {f"{kind}_{name}": float(score) for name, score in scores.items()}
        elif scores is not None:
            numbers[f"{kind}_score"] = float(scores)
    return numbers


def child_id(run: "Run", candidate: int | None) -> str:
    """Return the id of a candidate's run, the same in every process."""
    return run.id if candidate is None else f"{run.id}_{candidate}"


def hide_our_frame(error: BaseException) -> None:
    """Take the frame that caught an error out of its traceback, before a bare ``raise``: it tells the user nothing."""
    trace = error.__traceback__
    error.__traceback__ = None if trace is None else trace.tb_next


class Candidates:
    """A process's handles on the candidates of the sweep under way: one for all splits, and for its end.

    Only the last few keep their journals open; a candidate of which other processes do splits, too, would never
    be let go of else.
    """

    def __init__(self) -> None:
        self._of: str | None = None
        self._handles: dict[str, SharedRun] = {}
        self._open: list[SharedRun] = []

    def of(self, run: "Run", run_id: str, properties: tuple[tuple[str, str], ...]) -> "SharedRun":
        """Return the handle on a candidate, begun by this call if by no other process."""
        if run.id != self._of:
            self.close()
            self._of = run.id
        handle = self._handles.get(run_id)
        if handle is None:
            handle = self._handles[run_id] = _begun(run, run_id, properties)
        if handle not in self._open:
            latest = [handle, *self._open]
            self._open = latest[:MOST_OPEN]
            for other in latest[MOST_OPEN:]:
                other.close()
        return handle

    def close(self) -> None:
        """Let go of all journals."""
        for handle in self._open:
            handle.close()
        self._handles, self._open = {}, []


_candidates = Candidates()


def _begun(run: "Run", run_id: str, properties: tuple[tuple[str, str], ...]) -> "SharedRun":
    name = " ".join(", ".join(f"{key.removeprefix('param.')}={value}" for key, value in properties).split())
    return run.shared_child(run_id, name[:LONGEST_NAME] or None, dict(properties))
