"""What a dataset is: where its files lie, how they are read, and what is done to the rows. Never the rows themselves.

Everything here is a frozen fact that is stored as JSON. Two datasets with the same definition have the same id.
"""

from hashlib import sha256
from typing import Literal, TypeAlias
from uuid import UUID

import msgspec

# -- where the files lie -----------------------------------------------------------------------------


class LocalPath(msgspec.Struct, frozen=True, tag="local", tag_field="kind", omit_defaults=True):
    """A file, a folder or a pattern on this machine.

    Attributes
    ----------
    path : str
        Absolute.
    """

    path: str


class DatastorePath(msgspec.Struct, frozen=True, tag="datastore", tag_field="kind", omit_defaults=True):
    """A file, a folder or a pattern in a datastore of the workspace.

    Attributes
    ----------
    datastore : str
        Name of the datastore.
    path : str
        Relative POSIX path; empty for all of it.
    """

    datastore: str
    path: str = ""


class WebAddress(msgspec.Struct, frozen=True, tag="web", tag_field="kind", omit_defaults=True):
    """A file that is fetched when it is read.

    Attributes
    ----------
    url : str
        Of the scheme http or https.
    """

    url: str


class Written(msgspec.Struct, frozen=True, tag="written", tag_field="kind", omit_defaults=True):
    """A file that is written from the rows of another dataset when it is read.

    Attributes
    ----------
    rows : TabularDefinition
        The other dataset.
    form : {"csv", "parquet"}
        What is written.
    separator : str
        Between the columns of a csv file.
    """

    rows: "TabularDefinition"
    form: Literal["csv", "parquet"]
    separator: str = ","


Source: TypeAlias = LocalPath | DatastorePath | WebAddress | Written

# -- conditions on rows ------------------------------------------------------------------------------


class Field(msgspec.Struct, frozen=True, tag="field", tag_field="is"):
    """The value of a row in one column."""

    name: str


class Constant(msgspec.Struct, frozen=True, tag="constant", tag_field="is"):
    """A value that is the same for all rows."""

    value: float | int | bool | str | None


class Moment(msgspec.Struct, frozen=True, tag="moment", tag_field="is"):
    """A moment that is the same for all rows, as ISO 8601 spells it."""

    at: str


class Operation(msgspec.Struct, frozen=True, tag="operation", tag_field="is"):
    """What is computed of other terms.

    Attributes
    ----------
    name : str
        ``==``, ``<``, ``and``, ``not``, ``isnull`` ...
    terms : tuple of Term
        One or two.
    """

    name: Literal["==", "!=", "<", "<=", ">", ">=", "and", "or", "not", "isnull", "startswith", "+", "-", "*", "/"]
    terms: "tuple[Term, ...]"


Term: TypeAlias = Field | Constant | Moment | Operation

# -- what is done to files or rows, in this order ----------------------------------------------------


class Take(msgspec.Struct, frozen=True, tag="take", tag_field="do"):
    """Only the first ones."""

    count: int


class Skip(msgspec.Struct, frozen=True, tag="skip", tag_field="do"):
    """All but the first ones."""

    count: int


class Part(msgspec.Struct, frozen=True, tag="part", tag_field="do"):
    """One of the two parts of a random split: each item is drawn into the first part with this probability.

    Attributes
    ----------
    percentage : float
        Probability of the first part [0 to 1].
    seed : int
        Both parts have the same one, so that together they are the whole.
    first : bool
        Which part.
    """

    percentage: float
    seed: int
    first: bool


class Keep(msgspec.Struct, frozen=True, tag="keep", tag_field="do"):
    """Only these columns."""

    columns: tuple[str, ...]


class Drop(msgspec.Struct, frozen=True, tag="drop", tag_field="do"):
    """All but these columns."""

    columns: tuple[str, ...]


class Where(msgspec.Struct, frozen=True, tag="where", tag_field="do"):
    """Only rows for which a condition holds."""

    condition: Term


class Within(msgspec.Struct, frozen=True, tag="within", tag_field="do"):
    """Only rows of a span of time.

    Attributes
    ----------
    column : str
        Column of moments.
    start, end : str or None
        Moments as ISO 8601 spells them; None where the span is open.
    closed : bool
        Whether `start` and `end` belong to it.
    """

    column: str
    start: str | None
    end: str | None
    closed: bool


FileStep: TypeAlias = Take | Skip | Part
RowStep: TypeAlias = Take | Skip | Part | Keep | Drop | Where | Within

# -- how rows are read -------------------------------------------------------------------------------


class ColumnType(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a column's values are turned into; what cannot be turned becomes null.

    Attributes
    ----------
    kind : {"string", "long", "float", "bool", "datetime"}
        The type.
    formats : tuple of str
        Of a datetime: the formats of strftime to try, in this order; any that pandas knows by default.
    """

    kind: Literal["string", "long", "float", "bool", "datetime"]
    formats: tuple[str, ...] = ()


class Reading(msgspec.Struct, frozen=True, omit_defaults=True):
    """How files become rows.

    Attributes
    ----------
    form : {"delimited", "parquet", "json_lines"}
        What the files are.
    include_path : bool
        Whether a column ``Path`` names each row's file.
    infer : bool
        Whether types are found from the values; else all columns of delimited files are strings.
    types : dict of str to ColumnType
        Types of columns that are not found but set.
    separator : str
        Between columns.
    header : {"none", "first", "each"}
        Which files begin with the names of the columns.
    partition_format : str or None
        Which parts of the paths are columns.
    empty_as_string : bool
        Whether an empty field of a column of strings is ``""`` and not null.
    encoding : str
        As `codecs.lookup` knows it.
    invalid_lines : {"error", "drop"}
        What becomes of lines that are no JSON.
    """

    form: Literal["delimited", "parquet", "json_lines"]
    include_path: bool = False
    infer: bool = True
    types: dict[str, ColumnType] = {}
    separator: str = ","
    header: Literal["none", "first", "each"] = "each"
    partition_format: str | None = None
    empty_as_string: bool = False
    encoding: str = "utf-8"
    invalid_lines: Literal["error", "drop"] = "error"


# -- datasets ----------------------------------------------------------------------------------------


class FileDefinition(msgspec.Struct, frozen=True, tag="File", tag_field="type", omit_defaults=True):
    """Files.

    Attributes
    ----------
    sources : tuple of Source
        Where they lie.
    partition_format : str or None
        Which parts of the paths are keys.
    steps : tuple of FileStep
        What is done to the list of them.
    """

    sources: tuple[Source, ...]
    partition_format: str | None = None
    steps: tuple[FileStep, ...] = ()


class TabularDefinition(msgspec.Struct, frozen=True, tag="Tabular", tag_field="type", omit_defaults=True):
    """Rows in columns.

    Attributes
    ----------
    sources : tuple of Source
        Where their files lie.
    reading : Reading
        How the files become rows.
    steps : tuple of RowStep
        What is done to the rows.
    timestamp, partition_timestamp : str or None
        Column of each row's moment, exact and as its folder tells.
    """

    sources: tuple[Source, ...]
    reading: Reading
    steps: tuple[RowStep, ...] = ()
    timestamp: str | None = None
    partition_timestamp: str | None = None


Definition: TypeAlias = FileDefinition | TabularDefinition


def encoded(definition: Definition) -> bytes:
    """Return a definition as JSON, always the same for the same one."""
    return msgspec.json.encode(definition, order="deterministic")


def decoded(text: bytes) -> Definition:
    """Return the definition that JSON holds.

    Raises
    ------
    msgspec.DecodeError
        If it holds none.
    """
    return _decoder.decode(text)


_decoder: msgspec.json.Decoder[FileDefinition | TabularDefinition] = msgspec.json.Decoder(Definition)


def identity(definition: Definition) -> str:
    """Return the id of a definition: a UUID made of its content."""
    return str(UUID(bytes=sha256(encoded(definition)).digest()[:16], version=5))
