"""From a definition to rows: files are read by pandas, and the steps are done in their order."""

import gzip
import json
import operator
import re
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import errors
from ..frames import pandas
from .dataset_definition import (
    ColumnType,
    Constant,
    Drop,
    Field,
    Keep,
    Moment,
    Operation,
    Part,
    Reading,
    RowStep,
    Skip,
    TabularDefinition,
    Take,
    Term,
    Where,
    Within,
    Written,
)
from .dataset_files import DataFile, PartitionFormat, drawn, listed, on_disk

if TYPE_CHECKING:
    from .workspace import Workspace

WHAT = "reading a TabularDataset as a data frame"

_NUMBERED = re.compile(r"Column[1-9]\d{0,8}")
_ISO = r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?"


def frame(definition: TabularDefinition, workspace: "Workspace | None") -> Any:
    """Return the rows of a dataset as a data frame, its index counted from 0.

    Raises
    ------
    PackageMissingError
        If pandas is not installed, or pyarrow for parquet files.
    SourceNotFoundError
        If a file is not there.
    UserErrorException
        If one cannot be read as what it is said to be.
    """
    rows = _read_all(definition, workspace)
    for step in definition.steps:
        rows = _stepped(rows, step).reset_index(drop=True)
    return rows


def table_files(definition: TabularDefinition, workspace: "Workspace | None") -> list[DataFile]:
    """Return the files of a dataset: those whose names begin with ``_`` or ``.`` are notes of who wrote the others."""
    files = listed(definition.sources, workspace)
    return [file for file in files if Path(file.name).name[0] not in "._"] or files


def _read_all(definition: TabularDefinition, workspace: "Workspace | None") -> Any:
    pd = pandas(WHAT)
    reading = definition.reading
    parts = list(_parts(definition, workspace))
    full = [part for part in parts if len(part)] or parts[:1]  # one without rows knows no types
    whole = full[0] if len(full) == 1 else pd.concat(full, ignore_index=True) if full else pd.DataFrame()
    return _with_moments(whole, reading.types) if reading.form != "parquet" and reading.infer else whole


def _parts(definition: TabularDefinition, workspace: "Workspace | None") -> Iterator[Any]:
    """Yield the rows of each file, until there are as many as the first step takes."""
    reading, steps = definition.reading, definition.steps
    left = steps[0].count if steps and isinstance(steps[0], Take) else None
    columns: Sequence[str] = ()
    for file in table_files(definition, workspace):
        rows = _typed(_read(file, reading, workspace, left, columns), reading)
        columns = columns if len(columns) > 0 else rows.columns
        yield _with_its_path(rows, file, reading)
        if left is not None and (left := left - len(rows)) <= 0:
            return


def _with_its_path(rows: Any, file: DataFile, reading: Reading) -> Any:
    """Add the columns that a file's path tells, in place."""
    told: dict[str, Any] = {"Path": f"/{file.name}"} if reading.include_path else {}
    told |= PartitionFormat(reading.partition_format).values(file.name) if reading.partition_format else {}
    for name, value in told.items():
        if name in rows.columns:
            raise errors.UserErrorException(
                f"/{file.name} has a column {name!r}, which its path tells too; leave include_path out, or name the "
                f"key of partition_format otherwise"
            )
        rows.insert(0 if name == "Path" else len(rows.columns), name, value)
    return rows


def _read(
    file: DataFile, reading: Reading, workspace: "Workspace | None", rows: int | None, columns: Sequence[str]
) -> Any:
    with on_disk(file, workspace) as path:
        try:
            match reading.form:
                case "delimited":
                    return _read_delimited(path, reading, rows, columns)
                case "parquet":
                    return _read_parquet(path)
                case "json_lines":
                    return _read_json_lines(path, reading, rows)
        except errors.AzmlError:
            raise
        except (OSError, ValueError, LookupError) as error:  # pandas' own errors are ValueErrors
            raise errors.UserErrorException(
                f"/{file.name} cannot be read as {reading.form.replace('_', ' ')}: {error}", error
            ) from error


def _read_delimited(path: Path, reading: Reading, rows: int | None, columns: Sequence[str]) -> Any:
    pd = pandas(WHAT)
    named = reading.header == "each" or (reading.header == "first" and not len(columns))
    try:
        found = pd.read_csv(
            path,
            sep=reading.separator if len(reading.separator) == 1 else re.escape(reading.separator),
            header=0 if named else None,
            nrows=rows,
            encoding=reading.encoding,
            dtype=_read_as(reading, named=named),
            engine="c" if len(reading.separator) == 1 else "python",
            index_col=False,
        )
    except pd.errors.EmptyDataError:
        return pd.DataFrame()
    if not named:
        found.columns = _columns(columns, found.shape[1])
    return found


def _read_as(reading: Reading, *, named: bool) -> object:
    """Return the columns that are read as the strings they are: all, or those whose types are set."""
    if not reading.infer:
        return str
    names = [name for name in reading.types if named or _NUMBERED.fullmatch(name)]
    return {name if named else int(name.removeprefix("Column")) - 1: str for name in names}


def _columns(columns: Sequence[str], count: int) -> list[str]:
    return list(columns) if len(columns) == count else [f"Column{n + 1}" for n in range(count)]


def _read_parquet(path: Path) -> Any:
    pd = pandas(WHAT)
    try:
        return pd.read_parquet(path)
    except ImportError as error:
        raise errors.PackageMissingError("pyarrow", "reading parquet files", error) from error


def _read_json_lines(path: Path, reading: Reading, rows: int | None) -> Any:
    pd = pandas(WHAT)
    records: list[dict[str, Any]] = []
    with (gzip.open if path.suffix == ".gz" else open)(path, "rb") as raw:
        for number, line in enumerate(raw, 1):
            if rows is not None and len(records) >= rows:
                break
            if (record := _record(line.decode(reading.encoding), number, reading)) is not None:
                records.append(record)
    return pd.DataFrame.from_records(records)


def _record(line: str, number: int, reading: Reading) -> dict[str, Any] | None:
    """Return the object in a line; None for a line to leave out."""
    if not line.strip():
        return None
    try:
        record = json.loads(line)
    except ValueError:
        record = None
    if isinstance(record, dict):
        return record
    if reading.invalid_lines == "drop":
        return None
    raise ValueError(f"line {number} is no JSON object; invalid_lines='drop' leaves such lines out")


# -- types -------------------------------------------------------------------------------------------


def _typed(rows: Any, reading: Reading) -> Any:
    """Turn columns into the types that are set for them, in place."""
    for name, wanted in reading.types.items():
        if name in rows.columns:
            rows[name] = _turned(rows[name], wanted)
    if reading.empty_as_string:
        for name in _texts(rows):
            rows[name] = rows[name].fillna("")
    return rows


def _turned(values: Any, wanted: ColumnType) -> Any:
    pd = pandas(WHAT)
    match wanted.kind:
        case "string":
            return values
        case "long":
            return pd.to_numeric(values, errors="coerce").round().astype("Int64")
        case "float":
            return pd.to_numeric(values, errors="coerce").astype(float)
        case "bool":
            return values.astype(str).str.strip().str.lower().map(_BOOLEANS).astype("boolean")
        case "datetime":
            turned = pd.to_datetime(values, format=wanted.formats[0] if wanted.formats else None, errors="coerce")
            for other in wanted.formats[1:]:
                turned = turned.fillna(pd.to_datetime(values, format=other, errors="coerce"))
            return turned


_BOOLEANS = {"true": True, "1": True, "1.0": True, "yes": True, "false": False, "0": False, "0.0": False, "no": False}


def _texts(rows: Any) -> list[str]:
    """Return the names of the columns of strings."""
    is_text = pandas(WHAT).api.types.is_string_dtype
    return [name for name in rows.columns if rows[name].dtype == object or is_text(rows[name].dtype)]


def _with_moments(rows: Any, settled: Container[str]) -> Any:
    """Turn the columns of strings that hold nothing but moments in ISO 8601 into moments, in place."""
    pd = pandas(WHAT)
    for name in _texts(rows):
        values = rows[name].dropna()
        if name in settled or not len(values) or not all(isinstance(value, str) for value in values.head()):
            continue
        if values.astype(str).str.fullmatch(_ISO).all():
            zoned = bool(values.str.contains("Z|:.*[+-]").any())
            turned = pd.to_datetime(rows[name], format="ISO8601", errors="coerce", utc=zoned)
            rows[name] = turned if turned.notna().sum() == len(values) else rows[name]
    return rows


# -- steps -------------------------------------------------------------------------------------------


def _stepped(rows: Any, step: RowStep) -> Any:
    match step:
        case Keep(columns=columns):
            return rows[_known(rows, columns)]
        case Drop(columns=columns):
            return rows.drop(columns=_known(rows, columns))
        case _:
            return rows.iloc[_chosen(rows, step)]


def _chosen(rows: Any, step: Take | Skip | Part | Where | Within) -> Any:
    """Return which rows a step leaves: a slice, or one truth for each row."""
    import numpy as np

    match step:
        case Take(count=count):
            return slice(0, count)
        case Skip(count=count):
            return slice(count, None)
        case Part():
            return np.array(drawn(step, len(rows)), dtype=bool)
        case Within():
            return _within(rows, step)
        case Where(condition=condition):
            held = _computed(condition, rows)
            return held.fillna(value=False).to_numpy(bool) if hasattr(held, "fillna") else [bool(held)] * len(rows)


def _known(rows: Any, columns: Sequence[str]) -> list[str]:
    """Return the names of columns that are there.

    Raises
    ------
    UserErrorException
        If one is not.
    """
    if missing := [name for name in columns if name not in rows.columns]:
        there = errors.few(list(map(str, rows.columns)))
        raise errors.UserErrorException(f"the dataset has no column {', '.join(map(repr, missing))}; it has {there}")
    return list(columns)


def _within(rows: Any, step: Within) -> Any:
    pd = pandas(WHAT)
    moments = pd.to_datetime(rows[_known(rows, [step.column])[0]], utc=True, errors="coerce")
    chosen = moments.notna()
    if step.start is not None:
        chosen &= (operator.ge if step.closed else operator.gt)(moments, pd.Timestamp(step.start))
    if step.end is not None:
        chosen &= (operator.le if step.closed else operator.lt)(moments, pd.Timestamp(step.end))
    return chosen.to_numpy(bool)


_OPERATIONS: Mapping[str, Callable[..., Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "and": operator.and_,
    "or": operator.or_,
    "not": operator.invert,
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "isnull": lambda values: values.isna(),
    "startswith": lambda values, start: values.astype(str).str.startswith(start),
}


def _computed(term: Term, rows: Any) -> Any:
    match term:
        case Field(name=name):
            return rows[_known(rows, [name])[0]]
        case Constant(value=value):
            return value
        case Moment(at=at):
            return pandas(WHAT).Timestamp(at)
        case Operation(name=name, terms=terms):
            values = [_computed(one, rows) for one in terms]
            try:
                return _OPERATIONS[name](*values)
            except TypeError as error:
                raise errors.UserErrorException(f"rows cannot be filtered by {name!r}: {error}", error) from error


# -- writing -----------------------------------------------------------------------------------------


def write(written: Written, target: Path, workspace: "Workspace | None") -> None:
    """Write the rows of a dataset into a file.

    Raises
    ------
    PackageMissingError
        If pandas is not installed, or pyarrow for a parquet file.
    StoreError
        If the disk refuses.
    """
    write_frame(frame(written.rows, workspace), target, written.form, written.separator)


def write_frame(rows: Any, target: Path, form: str, separator: str = ",") -> None:
    """Write a data frame into a file, which is complete or was never touched."""
    partial = target.with_name(f".{target.name}.partial")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            if form == "csv":
                rows.to_csv(partial, sep=separator, index=False)
            else:
                rows.to_parquet(partial, index=False)
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)
    except ImportError as error:
        raise errors.PackageMissingError("pyarrow", "writing parquet files", error) from error
    except OSError as error:
        raise errors.StoreError(str(target), error) from error


def key_values(definition_format: str | None, files: Sequence[DataFile]) -> Iterator[dict[str, Any]]:
    """Yield the keys in the paths of files, each combination once."""
    if definition_format is None:
        return
    keys, told = PartitionFormat(definition_format), set[tuple[Any, ...]]()
    for file in files:
        values = keys.values(file.name)
        if tuple(values.values()) not in told:
            told.add(tuple(values.values()))
            yield values
