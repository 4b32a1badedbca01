"""The nouns: what a journal line says, what a run looks like when it is read back.

Everything here is a frozen fact. Events are written once, one line each, and never change; records are
what a fold of those events amounts to. Nothing in this module opens a file or imports anything of ours.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from enum import StrEnum
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

import msgspec

if TYPE_CHECKING:
    from .launch.ticket import Ticket

# -- values ------------------------------------------------------------------------------------------


class Special(msgspec.Struct, frozen=True, gc=False, rename={"float": "$float"}):
    """A float that JSON cannot spell; written as ``{"$float": "nan"}``.

    Attributes
    ----------
    float : {"nan", "inf", "-inf"}
        What ``float()`` takes to give the value back.
    """

    float: Literal["nan", "inf", "-inf"]


Scalar: TypeAlias = float | int | bool | str | None
"""What one metric point holds, as the user sees it."""

Stored: TypeAlias = Scalar | Special
"""What one metric point holds in a journal line."""

# -- events ------------------------------------------------------------------------------------------


class JournalOpened(msgspec.Struct, frozen=True, tag="opened", tag_field="event", omit_defaults=True):
    """First line of every journal: which process writes here.

    Attributes
    ----------
    role : {"owner", "guest"}
        An owner's lock tells that the run lives; a guest only adds to it.
    pid : int
        Process id on `host`.
    host : str
        Name of the machine.
    boot : str
        Identity of the machine's current boot; a lock means nothing after it.
    at : float
        Moment of opening [s since the epoch, UTC].
    version : str
        Version of azml_integrations that writes.
    """

    role: Literal["owner", "guest"]
    pid: int
    host: str
    boot: str
    at: float
    version: str = ""


class RunCreated(msgspec.Struct, frozen=True, tag="created", tag_field="event", omit_defaults=True):
    """A run came to be.

    Attributes
    ----------
    run_id : str
        Unique in its workspace.
    experiment : str
        Name of the experiment.
    number : int
        Counts within the experiment, from 1.
    at : float
        Moment of creation [s since the epoch, UTC].
    name : str or None
        Name that the user gave, or ``parent>child``.
    display_name : str or None
        Name shown on pages; None lets the reader make one from the id.
    parent_id : str or None
        Run that this one is a child of.
    type : str or None
        Kind of run (``azureml.scriptrun``, ``hyperdrive``); None for an interactive one.
    target : str
        Where it runs.
    user : str or None
        Login name of whoever started it.
    """

    run_id: str
    experiment: str
    number: int
    at: float
    name: str | None = None
    display_name: str | None = None
    parent_id: str | None = None
    type: str | None = None
    target: str = "local"
    user: str | None = None


class ErrorInfo(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why a run failed.

    Attributes
    ----------
    message : str
        One sentence.
    code : str
        ``UserError`` when the user's program raised.
    type : str or None
        Name of the exception's class.
    trace : str or None
        Traceback as text.
    """

    message: str
    code: str = "UserError"
    type: str | None = None
    trace: str | None = None


class StatusChanged(msgspec.Struct, frozen=True, tag="status", tag_field="event", omit_defaults=True):
    """A run moved on; the last one of these wins.

    Attributes
    ----------
    status : str
        One of `RunStatus`.
    at : float
        Moment of the change [s since the epoch, UTC].
    error : ErrorInfo or None
        Why, for a failure.
    """

    status: str
    at: float
    error: ErrorInfo | None = None


class ErrorNoted(msgspec.Struct, frozen=True, tag="error", tag_field="event", omit_defaults=True):
    """Why a run is about to fail, told before its status is known."""

    error: ErrorInfo
    at: float


class PartEnded(msgspec.Struct, frozen=True, tag="part", tag_field="event", omit_defaults=True, gc=False):
    """One of the parts of a shared run is done.

    Attributes
    ----------
    number : int
        Which, from 0.
    """

    number: int
    at: float


class MetricPoint(msgspec.Struct, frozen=True, tag="metric", tag_field="event", omit_defaults=True, gc=False):
    """One value that a run logged under a name.

    Attributes
    ----------
    name : str
        Metric name, as the user typed it.
    value : float, int, bool, str, None or Special
        Plain value; a non-finite float travels as a tagged value.
    at : float
        Moment of logging [s since the epoch, UTC].
    step : int or None
        Position on the x axis [steps]; None lets the order decide.
    description : str
        Shown on pages.
    """

    name: str
    value: Stored
    at: float
    step: int | None = None
    description: str = ""


class MetricsLogged(msgspec.Struct, frozen=True, tag="metrics", tag_field="event", omit_defaults=True):
    """Several metrics of one moment: one point each.

    Attributes
    ----------
    values : dict of str to value
        One point per name.
    at : float
        Moment of logging [s since the epoch, UTC].
    step : int or None
        Position on the x axis [steps].
    """

    values: dict[str, Stored]
    at: float
    step: int | None = None


class ColumnsLogged(msgspec.Struct, frozen=True, tag="columns", tag_field="event", omit_defaults=True):
    """Several metrics of many moments, each with a value at each of them.

    Attributes
    ----------
    values : dict of str to list
        By name, one value a moment, shape (n,), n > 0.
    times : list of float, shape (n,)
        Moments of logging [s since the epoch, UTC].
    steps : list of int or None, shape (n,)
        Positions on the x axis [steps].
    """

    values: dict[str, list[Stored]]
    times: list[float]
    steps: list[int | None]

    def __post_init__(self) -> None:
        """Refuse columns that differ in length; a journal line that holds such counts as damaged."""
        if not self.times or {len(self.steps), *map(len, self.values.values())} - {len(self.times)}:
            raise ValueError("columns of one length, at least 1, are wanted")

    @property
    def at(self) -> float:
        """The latest moment [s since the epoch, UTC]."""
        return max(self.times)


class ListLogged(msgspec.Struct, frozen=True, tag="list", tag_field="event", omit_defaults=True):
    """A list of values logged at once (`Run.log_list`)."""

    name: str
    values: list[Stored]
    at: float
    description: str = ""


class RowLogged(msgspec.Struct, frozen=True, tag="row", tag_field="event", omit_defaults=True):
    """One row of named columns (`Run.log_row`)."""

    name: str
    row: dict[str, Stored]
    at: float
    description: str = ""


class TableLogged(msgspec.Struct, frozen=True, tag="table", tag_field="event", omit_defaults=True):
    """Columns of equal length (`Run.log_table`).

    Attributes
    ----------
    columns : dict of str to list
        One list of n values per column; a scalar column counts as one row.
    """

    name: str
    columns: dict[str, list[Stored]]
    at: float
    description: str = ""


ArtifactKind: TypeAlias = Literal["image", "confusion_matrix", "accuracy_table", "residuals", "predictions"]


class ArtifactMetric(msgspec.Struct, frozen=True, tag="artifact_metric", tag_field="event", omit_defaults=True):
    """A metric whose value is a file of the run: an image, or one of the four JSON schemas."""

    name: str
    kind: ArtifactKind
    artifact: str
    at: float
    description: str = ""
    step: int | None = None


class ArtifactStored(msgspec.Struct, frozen=True, tag="artifact", tag_field="event", omit_defaults=True):
    """A file lies in the run's folder.

    Attributes
    ----------
    name : str
        Relative POSIX path that the user gave it.
    path : str
        Where it lies below the run's folder; differs from `name` where the name is unsafe on some platform.
    size : int
        Length [bytes].
    sha256 : str
        Digest of the content, hexadecimal.
    at : float
        Moment of storing [s since the epoch, UTC].
    """

    name: str
    path: str
    size: int
    sha256: str
    at: float


class TagsSet(msgspec.Struct, frozen=True, tag="tags", tag_field="event", omit_defaults=True):
    """Tags written or overwritten."""

    tags: dict[str, str | None]
    at: float


class TagsRemoved(msgspec.Struct, frozen=True, tag="tags_removed", tag_field="event", omit_defaults=True):
    """Tags taken away."""

    keys: list[str]
    at: float


class PropertiesAdded(msgspec.Struct, frozen=True, tag="properties", tag_field="event", omit_defaults=True):
    """Properties written; the first value of a key stays."""

    properties: dict[str, str]
    at: float


class RunDescribed(msgspec.Struct, frozen=True, tag="described", tag_field="event", omit_defaults=True):
    """A new display name or description; None leaves the old one."""

    at: float
    display_name: str | None = None
    description: str | None = None


class Noted(msgspec.Struct, frozen=True, tag="noted", tag_field="event", omit_defaults=True):
    """Something that was skipped or went wrong beside the user's work, and why.

    Attributes
    ----------
    source : str
        Who noticed: the name of an adapter, a plugin or a room of ours.
    message : str
        One sentence.
    """

    source: str
    message: str
    at: float


class ExperimentCreated(msgspec.Struct, frozen=True, tag="experiment_created", tag_field="event", omit_defaults=True):
    """An experiment came to be."""

    name: str
    experiment_id: str
    at: float


class ExperimentArchived(msgspec.Struct, frozen=True, tag="experiment_archived", tag_field="event", omit_defaults=True):
    """An experiment was put away (`archived`) or taken out again."""

    archived: bool
    at: float


class DatasetUse(msgspec.Struct, frozen=True, omit_defaults=True):
    """A data set that a model was registered with.

    Attributes
    ----------
    scenario : str
        What it was used for: ``training`` ...
    name, id, version : str or None
        As far as it has them.
    """

    scenario: str = ""
    name: str | None = None
    id: str | None = None
    version: str | None = None


class ModelDescribed(msgspec.Struct, frozen=True, tag="model_described", tag_field="event", omit_defaults=True):
    """Something new about a registered model; None leaves what was known."""

    at: float
    description: str | None = None
    sample_input: DatasetUse | None = None
    sample_output: DatasetUse | None = None
    resources: dict[str, float | None] | None = None


RunEvent: TypeAlias = (
    JournalOpened
    | RunCreated
    | StatusChanged
    | ErrorNoted
    | PartEnded
    | MetricPoint
    | MetricsLogged
    | ColumnsLogged
    | ListLogged
    | RowLogged
    | TableLogged
    | ArtifactMetric
    | ArtifactStored
    | TagsSet
    | TagsRemoved
    | PropertiesAdded
    | RunDescribed
    | Noted
)
ExperimentEvent: TypeAlias = JournalOpened | ExperimentCreated | ExperimentArchived | TagsSet | TagsRemoved
ModelEvent: TypeAlias = JournalOpened | TagsSet | TagsRemoved | PropertiesAdded | ModelDescribed

# -- what a fold amounts to --------------------------------------------------------------------------


class RunStatus(StrEnum):
    """Where a run stands; the words are SDK v1's."""

    NOT_STARTED = "NotStarted"
    STARTING = "Starting"
    PROVISIONING = "Provisioning"
    PREPARING = "Preparing"
    QUEUED = "Queued"
    RUNNING = "Running"
    FINALIZING = "Finalizing"
    CANCEL_REQUESTED = "CancelRequested"
    COMPLETED = "Completed"
    FAILED = "Failed"
    CANCELED = "Canceled"


TERMINAL: frozenset[str] = frozenset({RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELED})
"""Statuses after which nothing more is expected."""


class Note(msgspec.Struct, frozen=True):
    """One line of what was skipped, and why."""

    source: str
    message: str
    at: float


class RunRecord(msgspec.Struct, frozen=True):
    """A run as it stands: the fold of all its events.

    Attributes
    ----------
    run_id, experiment, number, name, display_name, description, type, target, parent_id, user
        As in `RunCreated` and `RunDescribed`.
    status : str
        One of `RunStatus`; of a run whose process died, the verdict ``Failed``.
    created_at, started_at, ended_at : float or None
        [s since the epoch, UTC]
    host : str or None
        Machine of the owning process.
    error : ErrorInfo or None
        Why it failed.
    verdict : str or None
        Set where `status` is a judgement about a dead process, not something the run said.
    tags, properties : dict
        As set.
    notes : list of Note
        What was skipped or went wrong, and why.
    damaged : int
        Journal lines that could not be read.
    """

    run_id: str
    experiment: str
    number: int
    status: str
    created_at: float
    started_at: float | None = None
    ended_at: float | None = None
    name: str | None = None
    display_name: str | None = None
    description: str | None = None
    type: str | None = None
    target: str = "local"
    parent_id: str | None = None
    user: str | None = None
    host: str | None = None
    error: ErrorInfo | None = None
    verdict: str | None = None
    tags: dict[str, str | None] = {}
    properties: dict[str, str] = {}
    notes: list[Note] = []
    damaged: int = 0

    @property
    def ended(self) -> bool:
        """Whether nothing more is expected of the run."""
        return self.status in TERMINAL


class ArtifactRecord(msgspec.Struct, frozen=True):
    """A file of a run; see `ArtifactStored`."""

    name: str
    path: str
    size: int
    sha256: str
    at: float


class ModelFile(msgspec.Struct, frozen=True):
    """A file of a registered model.

    Attributes
    ----------
    name : str
        Relative POSIX path, which is also where it lies below the folder of the files.
    size : int
        [bytes].
    sha256 : str
        Its digest.
    """

    name: str
    size: int
    sha256: str


class ModelRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One version of a registered model.

    Attributes
    ----------
    name : str
        The model.
    version : int
        Counts within the name, from 1; a number may be skipped, none is given twice.
    at : float
        Moment of registration [s since the epoch, UTC].
    path : str
        The file, or the folder that holds all files.
    files : list of ModelFile
        What it consists of; their names begin with `path`.
    beside : list of ModelFile
        What was written beside the one file when it was stored, and tells how to load it; no part of the model.
    user : str or None
        Login name of whoever registered it.
    description : str
        Free text.
    tags : dict of str to str or None
        May change.
    properties : dict of str to str
        May only grow.
    framework, framework_version : str or None
        What it was made with.
    run_id, experiment : str or None
        Where it was trained.
    datasets : list of DatasetUse
        What it was trained on.
    sample_input, sample_output : DatasetUse or None
        Examples of what goes in and comes out.
    resources : dict of str to float or None
        Processors and memory that a service would want, kept as data.
    """

    name: str
    version: int = 0
    at: float
    path: str
    files: list[ModelFile] = []
    beside: list[ModelFile] = []
    user: str | None = None
    description: str = ""
    tags: dict[str, str | None] = {}
    properties: dict[str, str] = {}
    framework: str | None = None
    framework_version: str | None = None
    run_id: str | None = None
    experiment: str | None = None
    datasets: list[DatasetUse] = []
    sample_input: DatasetUse | None = None
    sample_output: DatasetUse | None = None
    resources: dict[str, float | None] | None = None

    @property
    def id(self) -> str:
        """Return ``name:version``."""
        return f"{self.name}:{self.version}"

    @property
    def size(self) -> int:
        """Return the length of the files [bytes]."""
        return sum(file.size for file in self.files)


PointKind: TypeAlias = Literal[
    "scalar", "list", "row", "table", "image", "confusion_matrix", "accuracy_table", "residuals", "predictions"
]


class Point(msgspec.Struct, frozen=True, gc=False):
    """One logging call as it went in, read back.

    Attributes
    ----------
    value : scalar, list, dict or str
        A scalar; the list of `log_list`; the row or table as a dict; an artifact's name.
    at : float
        Moment of logging [s since the epoch, UTC]; never decreases within one process.
    step : int or None
        Position on the x axis [steps].
    kind : str
        Which verb logged it.
    """

    value: object
    at: float
    step: int | None
    kind: PointKind


class Series(msgspec.Struct, frozen=True):
    """All points of one metric as columns of equal length n, in order of time.

    Attributes
    ----------
    kind : str
        Kind of the first point.
    values : sequence of shape (n,)
        As in `Point`.
    times : sequence of float, shape (n,)
        [s since the epoch, UTC]
    steps : sequence of int or None, shape (n,)
        [steps]
    kinds : list of str, shape (n,), or None
        Kind of each point where they differ; None means that all are of `kind`.
    """

    kind: PointKind
    values: Sequence[object]
    times: Sequence[float]
    steps: Sequence[int | None]
    kinds: list[PointKind] | None = None

    def __len__(self) -> int:
        """Return the number of points."""
        return len(self.values)

    def points(self) -> list[Point]:
        """Return the same as a list of points."""
        kinds = self.kinds or [self.kind] * len(self)
        return [Point(*point) for point in zip(self.values, self.times, self.steps, kinds, strict=True)]


class Outline(msgspec.Struct, frozen=True):
    """A long metric by the few points that show it: of each stretch the lowest and the highest.

    Attributes
    ----------
    series : Series
        Those points. Their steps are their places among all points where some point has none.
    count : int
        How many points they stand for.
    first_at : float
        Moment of the metric's first point [s since the epoch, UTC].
    """

    series: Series
    count: int
    first_at: float


class MetricSummary(msgspec.Struct, frozen=True):
    """One metric of one run in a line.

    Attributes
    ----------
    name : str
        Metric name.
    kind : str
        Kind of its first point.
    mixed : bool
        Whether other kinds follow.
    count : int
        Number of points.
    last, min, max : float or None
        Over the numbers among its values; NaN is left out of `min` and `max`.
    last_value : scalar
        The last value as it was logged.
    first_step, last_step : int or None
        [steps]
    description : str
        The last one given.
    first_at, last_at : float
        Moments of its first and last point [s since the epoch, UTC].
    """

    name: str
    kind: PointKind
    mixed: bool
    count: int
    last: float | None
    min: float | None
    max: float | None
    last_value: Scalar
    first_step: int | None = None
    last_step: int | None = None
    description: str = ""
    first_at: float = 0.0
    last_at: float = 0.0


class MetricOrder(msgspec.Struct, frozen=True):
    """Sort runs by one metric; runs without it are left out.

    Attributes
    ----------
    metric : str
        Metric name.
    by : {"last", "min", "max"}
        Which number of the metric counts.
    descending : bool
        Highest first.
    """

    metric: str
    by: Literal["last", "min", "max"] = "last"
    descending: bool = False


class RunQuery(msgspec.Struct, frozen=True):
    """Which runs, and in which order; every condition narrows.

    Attributes
    ----------
    experiment, type, status, target, parent_id : str or None
        Equal to this.
    tags, properties : dict of str to (str or None), or None
        Has this key; with a value, has this value.
    include_children : bool
        Also runs that have a parent.
    order : MetricOrder or None
        None is newest first, by start time.
    limit : int or None
        At most so many.
    ancestor_id : str or None
        Below this run, at any depth.
    """

    experiment: str | None = None
    type: str | None = None
    status: str | None = None
    target: str | None = None
    parent_id: str | None = None
    tags: dict[str, str | None] | None = None
    properties: dict[str, str | None] | None = None
    include_children: bool = False
    order: MetricOrder | None = None
    limit: int | None = None
    ancestor_id: str | None = None


class TrashEntry(msgspec.Struct, frozen=True):
    """A run that was deleted with its children, and can be restored.

    Attributes
    ----------
    entry_id : str
        Id in the trash.
    run_id, experiment, number, label, status
        Of the run that was deleted, as they were then.
    deleted_at : float
        When [s since the epoch, UTC].
    deleted_by : str or None
        Login name.
    size : int
        What purging it gives back [bytes]; a file that a registered model shares counts nothing.
    run_ids : list of str
        The run, and behind it all below it.
    """

    entry_id: str
    run_id: str
    experiment: str
    number: int
    label: str
    status: str
    deleted_at: float
    deleted_by: str | None
    size: int
    run_ids: list[str]


class Cursor(msgspec.Struct, frozen=True):
    """How far one journal file is folded.

    Attributes
    ----------
    offset : int
        Bytes of whole lines read, uncompressed [bytes].
    line : int
        Lines read.
    clock : float
        Latest moment seen in the file [s since the epoch, UTC]; time never runs back before it.
    damaged : int
        Lines among them that could not be read.
    """

    offset: int = 0
    line: int = 0
    clock: float = 0.0
    damaged: int = 0


class Batch(msgspec.Struct, frozen=True):
    """Events of one journal file between two cursors."""

    journal: str
    before: Cursor
    after: Cursor
    events: list[RunEvent]


class RunStore(Protocol):
    """The index: a view of the runs' folders that answers questions.

    A store holds nothing that cannot be folded again from the journals. It applies a run's batches
    exactly once, because the cursor that goes with them is kept in the same transaction. Prove a store of
    your own with `azml_integrations.testing.RunStoreContract`.
    """

    @property
    def opened(self) -> int:
        """Return a number that is another one when what the store knew may be gone: its file emptied or replaced."""

    def cursors(self, run_id: str) -> dict[str, Cursor]:
        """Return how far each journal file of a run is folded."""

    def apply(self, run_id: str, batches: Sequence[Batch]) -> bool:
        """Fold batches in one transaction; False, and nothing done, when a cursor has moved meanwhile."""

    def together(self) -> AbstractContextManager[None]:
        """Keep what is applied, judged and settled inside in one transaction, where the store knows such a thing."""

    def judge(self, run_id: str, verdict: str | None, ended_at: float | None = None) -> None:
        """Keep a verdict about a run whose process died at a moment [s since the epoch, UTC], or take it back."""

    def forget(self, run_id: str) -> None:
        """Drop all that is known of a run."""

    def run(self, run_id: str) -> RunRecord | None:
        """Return a run, or None."""

    def find(self, query: RunQuery) -> list[RunRecord]:
        """Return the runs that a query asks for."""

    def run_ids(self) -> set[str]:
        """Return the ids of all runs known."""

    def revisions(self) -> Mapping[str, object]:
        """Return by run a value that is another one when what the store knows of that run is no longer the same."""

    def unsettled(self) -> list[str]:
        """Return the ids of runs whose folders may still grow."""

    def settle(self, run_id: str, journals: int | None = None) -> None:
        """Mark a run that has ended and whose folder does not grow any more; one that has not stays as it is.

        With `journals`, only if no more than so many are known: else somebody began to write after the caller looked.
        """

    def series(self, run_id: str, name: str) -> Series | None:
        """Return all points of a metric, in order of (time, journal, line); None for an unknown one."""

    def outline(
        self,
        run_id: str,
        name: str,
        along: Literal["step", "time"] = "step",
        between: tuple[float | None, float | None] = (None, None),
    ) -> Outline | None:
        """Return the points that show a metric, so many that 2,000 can be chosen among them.

        The lowest and the highest of each stretch, the ends, and where a value is not finite are among them, and all
        points where they are few. `between` names a part of it, its ends included: of the steps (of the order, from 0,
        where some point has none), or of the moments [s since the epoch, UTC]. None for an unknown metric, and where a
        store knows nothing shorter than `series`.
        """

    def summaries(self, run_id: str) -> list[MetricSummary]:
        """Return one line per metric, in order of first logging."""

    def series_of(self, run_ids: Sequence[str], name: str | None = None) -> dict[str, dict[str, Series]]:
        """Return all metrics of several runs as `series` does, by run id and name; or this one metric of them.

        Runs come in the order given, those without a metric are left out; metrics in order of first logging.
        """

    def summaries_of(self, run_ids: Sequence[str]) -> dict[str, list[MetricSummary]]:
        """Return the `summaries` of several runs, by run id; of a run without metrics, an empty list."""

    def artifacts(self, run_id: str) -> list[ArtifactRecord]:
        """Return the files of a run, by name."""

    def close(self) -> None:
        """Let go of files and connections."""


class Launcher(Protocol):
    """Has the scripts run that are sent to one compute target; a plugin returns it from `azml_launcher`.

    A ticket in the target's queue, a folder of the workspace, is the truth about what waits and what runs. A launcher
    sees to it that some process works it off: ``azml_integrations.launch.alone.command(workspace, target, run_id)`` is
    its command line, and does all the rest. The `receive` of a submission and the `attend` after it reach one object;
    later calls reach another, often in another process, so a launcher keeps in memory nothing that it needs later.
    """

    def receive(self, ticket: "Ticket", secrets: Mapping[bytes, bytes]) -> None:
        """Hear of a ticket just before it joins the queue; to raise is to refuse it, and then there is no run.

        `secrets` are the values that the ticket withholds: they go to the process that works it off, in memory or its
        environment, and never to a disk.
        """

    def attend(self, run_id: str) -> None:
        """See to it that a run in the queue is worked on: it has just joined, or somebody waits for it.

        Quick, and harmless twice.
        """

    def cancel(self, run_id: str) -> None:
        """Hear that a run in the queue is to end; the process that works on it, if there is one, sees it by itself."""


# -- plugins -----------------------------------------------------------------------------------------


class Adapter(msgspec.Struct, frozen=True):
    """What a plugin offers to `autolog` for one framework: strings only, so that nothing is imported.

    Attributes
    ----------
    framework : str
        Name that users type: ``autolog("sklearn")``.
    import_name : str
        Module whose import makes the adapter act.
    activate : str
        ``"package.module:function"``; called with the options of `autolog` once the module is there.
    versions : str
        Version range of the distribution that was tested (PEP 440), or empty.
    distribution : str
        Name of the distribution that `versions` speaks of; empty means `import_name`.
    options : tuple of str
        Names that ``autolog(framework, name=...)`` may carry.
    """

    framework: str
    import_name: str
    activate: str
    versions: str = ""
    distribution: str = ""
    options: tuple[str, ...] = ()


class Mirror(msgspec.Struct, frozen=True):
    """Where a plugin wants every event to go: strings only, so that nothing is imported.

    Attributes
    ----------
    name : str
        What ``azml mirror`` calls it; how far it is is kept under this name.
    activate : str
        ``"package.module:function"``; called with the workspace, it returns a `Reflection`.
    """

    name: str
    activate: str


class Reflection(Protocol):
    """What a mirror's `activate` returns; if it has a ``close()``, that is called when it is needed no more."""

    def apply(self, run_id: str, batch: Batch) -> None:
        """Take over the events of one journal of a run between two cursors.

        A batch comes again, exactly the same, until this returns, also after a crash between the two. Who keeps
        ``batch.after`` beside what it took over, in one step, and passes over a batch whose ``after`` it has, holds
        every event exactly once.

        Parameters
        ----------
        run_id : str
            The run.
        batch : Batch
            At least one line; its events may be none, where no line could be read.

        Raises
        ------
        Exception
            Any: not now, try again later.
        """


class AutologOptions(msgspec.Struct, frozen=True):
    """What the user asked of `autolog`, as an adapter's `activate` gets it.

    Attributes
    ----------
    log_models, log_images : bool
        Whether to store models and pictures.
    silent : bool
        Whether to print nothing.
    on_error : {"warn", "raise"}
        What becomes of errors of the adapter.
    extra : dict
        The adapter's own options.
    """

    log_models: bool = True
    log_images: bool = True
    silent: bool = False
    on_error: Literal["warn", "raise"] = "warn"
    extra: Mapping[str, object] = {}


__all__ = [
    "TERMINAL",
    "Adapter",
    "ArtifactKind",
    "ArtifactMetric",
    "ArtifactRecord",
    "ArtifactStored",
    "AutologOptions",
    "Batch",
    "ColumnsLogged",
    "Cursor",
    "DatasetUse",
    "ErrorInfo",
    "ErrorNoted",
    "ExperimentArchived",
    "ExperimentCreated",
    "ExperimentEvent",
    "JournalOpened",
    "Launcher",
    "ListLogged",
    "MetricOrder",
    "MetricPoint",
    "MetricSummary",
    "MetricsLogged",
    "Mirror",
    "ModelDescribed",
    "ModelEvent",
    "ModelFile",
    "ModelRecord",
    "Note",
    "Noted",
    "Outline",
    "PartEnded",
    "Point",
    "PointKind",
    "PropertiesAdded",
    "Reflection",
    "RowLogged",
    "RunCreated",
    "RunDescribed",
    "RunEvent",
    "RunQuery",
    "RunRecord",
    "RunStatus",
    "RunStore",
    "Scalar",
    "Series",
    "Special",
    "StatusChanged",
    "Stored",
    "TableLogged",
    "TagsRemoved",
    "TagsSet",
    "TrashEntry",
]
