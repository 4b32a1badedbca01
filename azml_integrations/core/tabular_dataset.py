"""A dataset of rows in columns."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

from msgspec.structs import replace

from .. import errors
from .abstract_dataset import AbstractDataset
from .dataset_definition import (
    Constant,
    Drop,
    Field,
    FileDefinition,
    Keep,
    Moment,
    Operation,
    TabularDefinition,
    Term,
    Where,
    Within,
    Written,
)

if TYPE_CHECKING:
    from .file_dataset import FileDataset


class Condition:
    """A term of a condition on rows: ``dataset["age"] > 50``; joined by ``&``, ``|`` and ``~``.

    Parameters
    ----------
    term : Term
        What it computes.
    """

    __hash__ = None  # type: ignore[assignment]  # what compares to a condition has no hash

    def __init__(self, term: Term) -> None:
        self.term = term

    def _with(self, name: Any, *others: object) -> "Condition":
        return Condition(Operation(name, (self.term, *map(_term, others))))

    def __eq__(self, other: object) -> "Condition":  # type: ignore[override]  # a condition, as with columns of pandas
        return self._with("==", other)

    def __ne__(self, other: object) -> "Condition":  # type: ignore[override]  # likewise
        return self._with("!=", other)

    def __lt__(self, other: object) -> "Condition":
        return self._with("<", other)

    def __le__(self, other: object) -> "Condition":
        return self._with("<=", other)

    def __gt__(self, other: object) -> "Condition":
        return self._with(">", other)

    def __ge__(self, other: object) -> "Condition":
        return self._with(">=", other)

    def __and__(self, other: object) -> "Condition":
        return self._with("and", other)

    def __or__(self, other: object) -> "Condition":
        return self._with("or", other)

    def __invert__(self) -> "Condition":
        return self._with("not")

    def __add__(self, other: object) -> "Condition":
        return self._with("+", other)

    def __sub__(self, other: object) -> "Condition":
        return self._with("-", other)

    def __mul__(self, other: object) -> "Condition":
        return self._with("*", other)

    def __truediv__(self, other: object) -> "Condition":
        return self._with("/", other)

    def is_null(self) -> "Condition":
        """Return whether the value is missing."""
        return self._with("isnull")

    def starts_with(self, start: str) -> "Condition":
        """Return whether the value begins so."""
        return self._with("startswith", start)

    def __bool__(self) -> bool:
        """Refuse: a condition holds for some rows and not for others.

        Raises
        ------
        OptionError
            Always.
        """
        raise errors.OptionError("a condition on rows is neither true nor false; join conditions with &, | and ~")


def _term(value: object) -> Term:
    if isinstance(value, Condition):
        return value.term
    if isinstance(value, datetime):
        return Moment(value.isoformat())
    plain = value.item() if hasattr(value, "item") else value
    if plain is None or isinstance(plain, (bool, int, float, str)):
        return Constant(plain)
    raise errors.OptionError(f"rows are compared with numbers, strings and moments, got {errors.a(value)}")


class TabularDataset(AbstractDataset):
    """Rows in columns, read when they are asked for; made by `Dataset.Tabular`."""

    _definition: TabularDefinition

    # -- rows ----------------------------------------------------------------------------------------

    def to_pandas_dataframe(self, on_error: str = "null", out_of_range_datetime: str = "null") -> Any:
        """Read all rows.

        Parameters
        ----------
        on_error, out_of_range_datetime : str, default="null"
            Ignored: what cannot be turned into its column's type is null.

        Returns
        -------
        rows : pandas.DataFrame
            Of shape (rows, columns).

        Raises
        ------
        PackageMissingError
            If pandas is not installed, or pyarrow for parquet files.
        SourceNotFoundError
            If a file is not there.
        DownloadError
            If an address cannot be read.
        UserErrorException
            If a file cannot be read as what it is said to be, or a column is not there.
        """
        from .dataset_rows import frame

        return frame(self._definition, self._workspace)

    def to_csv_files(self, separator: str = ",") -> "FileDataset":
        """Return the rows as a file dataset of one csv file, written when it is read."""
        return self._written(Written(self._definition, "csv", separator))

    def to_parquet_files(self) -> "FileDataset":
        """Return the rows as a file dataset of one parquet file, written when it is read."""
        return self._written(Written(self._definition, "parquet"))

    def _written(self, source: Written) -> "FileDataset":
        from .file_dataset import FileDataset

        return FileDataset(FileDefinition((source,)), self._workspace)

    def to_spark_dataframe(self) -> object:
        """Refuse: there is no Spark here.

        Raises
        ------
        NeedsCloudError
            Always.
        """
        raise errors.NeedsCloudError("to_spark_dataframe", "to_pandas_dataframe() reads all rows")

    # -- columns and conditions ----------------------------------------------------------------------

    def keep_columns(self, columns: str | Sequence[str], validate: bool = False) -> Self:
        """Return these columns, in this order, as a dataset.

        Parameters
        ----------
        columns : str or list of str
            Their names. An unknown one raises when rows are read; at once with `validate`.
        validate : bool, default=False
            Whether the names are compared with the data now.
        """
        kept = self._then(Keep(_names(columns)))
        if validate:
            kept.take(1).to_pandas_dataframe()
        return kept

    def drop_columns(self, columns: str | Sequence[str]) -> Self:
        """Return all but these columns as a dataset."""
        return self._then(Drop(_names(columns)))

    def __getitem__(self, column: str) -> Condition:
        """Return a column as the term of a condition: ``dataset.filter(dataset["age"] > 50)``."""
        return Condition(Field(*_names(column)))

    def filter(self, expression: Condition) -> Self:
        """Return the rows for which a condition holds as a dataset.

        Parameters
        ----------
        expression : Condition
            Such as ``(dataset["age"] > 50) & (dataset["sex"] == 2)``.

        Raises
        ------
        OptionError
            If it is no condition, such as a function: it could not be stored with the dataset.
        """
        if not isinstance(expression, Condition):
            raise errors.OptionError(
                f"filter expects a condition such as dataset['age'] > 50, got {errors.a(expression)}; for anything "
                f"else filter the data frame of to_pandas_dataframe()"
            )
        return self._then(Where(expression.term))

    # -- time ----------------------------------------------------------------------------------------

    @property
    def timestamp_columns(self) -> tuple[str | None, str | None]:
        """Return the columns of each row's moment: the exact one, and the one that its folder tells."""
        return self._definition.timestamp, self._definition.partition_timestamp

    def with_timestamp_columns(
        self,
        timestamp: str | None = None,
        partition_timestamp: str | None = None,
        validate: bool = False,
        **kwargs: Any,
    ) -> Self:
        """Return the dataset with columns of moments, for `time_before` and its like.

        Parameters
        ----------
        timestamp : str, default=None
            Column of the exact moment.
        partition_timestamp : str, default=None
            Column of the moment that the folder tells.
        validate : bool, default=False
            Whether the columns are looked for now.
        **kwargs : str
            ``fine_grain_timestamp`` and ``coarse_grain_timestamp``, the older names of both.
        """
        fine = timestamp or kwargs.pop("fine_grain_timestamp", None)
        coarse = partition_timestamp or kwargs.pop("coarse_grain_timestamp", None)
        if kwargs:
            raise errors.OptionError(f"with_timestamp_columns does not know {', '.join(sorted(kwargs))}")
        timed = type(self)(replace(self._definition, timestamp=fine, partition_timestamp=coarse), self._workspace)
        if validate:
            timed.keep_columns([name for name in (fine, coarse) if name], validate=True)
        return timed

    def time_before(self, end_time: datetime, include_boundary: bool = True, validate: bool = True) -> Self:
        """Return the rows up to a moment as a dataset; one without a time zone is meant in UTC."""
        return self._within("time_before", None, end_time, closed=include_boundary)

    def time_after(self, start_time: datetime, include_boundary: bool = True, validate: bool = True) -> Self:
        """Return the rows from a moment on as a dataset; one without a time zone is meant in UTC."""
        return self._within("time_after", start_time, None, closed=include_boundary)

    def time_between(
        self, start_time: datetime, end_time: datetime, include_boundary: bool = True, validate: bool = True
    ) -> Self:
        """Return the rows between two moments as a dataset; those without a time zone are meant in UTC."""
        return self._within("time_between", start_time, end_time, closed=include_boundary)

    def time_recent(self, time_delta: timedelta, include_boundary: bool = True, validate: bool = True) -> Self:
        """Return the rows of the last while as a dataset, counted from this call.

        Parameters
        ----------
        time_delta : timedelta
            How long ago they may be.
        """
        if not isinstance(time_delta, timedelta):
            raise errors.OptionError(f"time_recent expects a timedelta, got {errors.a(time_delta)}")
        start = datetime.now(UTC) - time_delta
        return self._within("time_recent", start, None, closed=include_boundary)

    def _within(self, verb: str, start: datetime | None, end: datetime | None, *, closed: bool) -> Self:
        column = self._definition.timestamp or self._definition.partition_timestamp
        if column is None:
            raise errors.DatasetTimestampMissingError(
                f"{verb} needs to know which column tells the moment of a row; with_timestamp_columns() says it"
            )
        return self._then(Within(column, _moment(start), _moment(end), closed))


def _names(columns: object) -> tuple[str, ...]:
    named = (columns,) if isinstance(columns, str) else tuple(columns) if isinstance(columns, (list, tuple)) else ()
    if not named or not all(isinstance(name, str) for name in named):
        raise errors.OptionError(f"expected the name of a column or a list of them, got {columns!r}")
    return named


def _moment(moment: datetime | None) -> str | None:
    """Return a moment as ISO 8601 spells it, in UTC."""
    if moment is None:
        return None
    if not isinstance(moment, datetime):
        raise errors.OptionError(f"expected a datetime, got {errors.a(moment)}")
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC).isoformat()
