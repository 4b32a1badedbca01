"""What goes into a model and what comes out: ``signature.json``, and on request ``input_example.json``.

A signature is read from types and names alone: no value of X is read beyond the first row of a list, nothing is
copied, nothing is predicted for it.
"""

import io
import json
import math
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from azml_integrations import Run

    from .fits import Fit

MOST_CLASSES = 1000
"""Classes, or categories of a column, that are listed."""
ROWS = 5
"""Rows of an input example."""
MOST_VALUES = 50_000
"""Values of an input example; of wider rows there are fewer."""
SLICED = ("csr", "csc", "lil", "dok")
"""Sparse formats of which scipy returns the first rows."""
LETTERS = 1000
"""Letters of one text in an input example, of one class in a signature."""


class Column(msgspec.Struct, frozen=True, omit_defaults=True):
    """A column of a frame.

    Attributes
    ----------
    name : str or int
        As the frame has it; what is neither text nor whole number, as text.
    dtype : str
        In the words of the frame's library: ``float64``, ``Int64``, ``category``, ``datetime64[ns, UTC]``.
    categories : list or None
        Those of a categorical column, in order, at most `MOST_CLASSES`.
    n_categories : int or None
        How many there are.
    ordered : bool or None
        Whether their order means something.
    """

    name: str | int
    dtype: str
    categories: list[Any] | None = None
    n_categories: int | None = None
    ordered: bool | None = None


class Data(msgspec.Struct, frozen=True, omit_defaults=True):
    """What X or y is made of.

    Attributes
    ----------
    kind : str
        ``dataframe``, ``series``, ``array``, ``sparse``, ``list``, ``texts``; else the name of its type.
    library : str or None
        Where its type comes from: ``pandas``, ``polars``, ``numpy``, ``scipy``; None for Python's own.
    shape : list of int or None
        Length of each axis; None, which is null in the file, stands for any number of rows. None for the whole where
        it is not known.
    dtype : str or None
        Of all values; of a list, the types of its first row, joined by ``|``. A frame has one for each column.
    name : str or int or None
        Of a series.
    columns : list of Column or None
        Of a frame.
    format : str or None
        Of a sparse matrix: ``csr``, ``csc``, ``coo``, ...
    """

    kind: str
    library: str | None = None
    shape: list[int | None] | None = None
    dtype: str | None = None
    name: str | int | None = None
    columns: list[Column] | None = None
    format: str | None = None


class Outputs(msgspec.Struct, frozen=True, omit_defaults=True):
    """What ``predict`` returns, or ``labels_`` holds.

    Attributes
    ----------
    dtype : str or None
        None where nothing was predicted, as with ``max_metric_rows=0``, and the classes do not tell.
    shape : list of int or None
        As of `Data`: ``[null]`` for one output, ``[null, k]`` for k.
    classes : list or None
        The classes of a classifier in the order of the columns of ``predict_proba``, at most `MOST_CLASSES`; a list
        for each output where there are several.
    n_classes : int, list of int or None
        How many there are.
    """

    dtype: str | None = None
    shape: list[int | None] | None = None
    classes: list[Any] | None = None
    n_classes: int | list[int] | None = None


class Signature(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a model was fitted on, and what it answers.

    Attributes
    ----------
    inputs : Data or None
        X as the user gave it.
    n_features, features : int, list of str or None
        ``n_features_in_`` and ``feature_names_in_`` of the estimator, where X itself does not say it.
    target : Data or None
        y as the user gave it.
    outputs : Outputs or None
        None where the estimator neither predicts nor labels.
    """

    inputs: Data | None = None
    n_features: int | None = None
    features: list[str] | None = None
    target: Data | None = None
    outputs: Outputs | None = None


def signature_of(fit: "Fit", predicted: Any = None) -> Signature:
    """Return the signature of a fitted estimator.

    Parameters
    ----------
    fit : Fit
        The fit, over by now.
    predicted : array, default=None
        Some of its predictions, if there are any already.
    """
    model, inputs = fit.estimator, described(fit.X)
    silent = inputs is None or (inputs.columns is None and len(inputs.shape or ()) < 2)  # noqa: PLR2004 - no width
    names = getattr(model, "feature_names_in_", None) if silent else None
    return Signature(
        inputs,
        getattr(model, "n_features_in_", None) if silent else None,
        None if names is None else [str(name) for name in names],
        target := described(fit.y),
        _outputs(model, target, predicted),
    )


def described(data: Any) -> Data | None:
    """Return what X or y is made of, None for None.

    Frames of other libraries than pandas are known by their ``columns`` and ``dtypes``, as polars has them, or by the
    dataframe interchange protocol; no library is imported for it.
    """
    if data is None:
        return None
    library = _library(data)
    if (hasattr(data, "columns") and hasattr(data, "dtypes")) or hasattr(data, "__dataframe__"):
        columns = _columns(data)
        return Data("dataframe", library, [None, len(columns)], columns=columns)
    if isinstance(data, list | tuple) and data:
        return _described_list(data)
    if hasattr(data, "shape") and hasattr(data, "dtype"):
        return _described_array(data, library)
    return Data(type(data).__name__, library)


def store_signature(run: "Run", signature: Signature, folder: str) -> None:
    """Write ``signature.json`` into a folder of a run, beside the model's pickle."""
    content = msgspec.json.format(msgspec.json.encode(signature), indent=2)
    run.upload_file(f"{folder}/signature.json", io.BytesIO(content))


def store_example(run: "Run", X: Any, folder: str, missing: dict[str, str]) -> list[str]:
    """Write ``input_example.json`` into a folder of a run, and return what was stored.

    The file has ``kind``, as in a signature, and the first rows as ``records`` (of a frame: a value by column name),
    as ``rows`` (of an array or a list; of a frame with two columns of one name, beside ``columns``), or as ``row``,
    ``column`` and ``value`` of what is not zero beside ``shape`` (of a sparse matrix). What JSON does not have:
    missing values and NaN are null; an infinity is the text ``Infinity`` or ``-Infinity``; a date is ISO text. What was
    shortened is told under ``remarks``.

    Parameters
    ----------
    run : Run
        Where to write.
    X : object
        What is about to be fitted on.
    folder : str
        Folder in the run, ``outputs/Ridge``.
    missing : dict of str to str
        Gets why, where there is no example.
    """
    example = _example(X)
    if isinstance(example, str):
        missing["input_example.json"] = example
        return []
    run.upload_file(f"{folder}/input_example.json", io.BytesIO(json.dumps(example).encode()))
    return ["input_example.json"]


def plain(value: Any) -> Any:
    """Return a value as JSON has it."""
    if value is None or isinstance(value, bool | int | str):
        return value.item() if hasattr(value, "item") else value
    if isinstance(value, float):
        return _finite(float(value))
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    if isinstance(value, dict):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set):
        return [plain(each) for each in value]
    return _plain_of_library(value)


def _plain_of_library(value: Any) -> Any:
    if getattr(getattr(value, "dtype", None), "kind", "") in ("m", "M") and hasattr(value, "astype"):
        return _dated(value.astype(str).tolist())  # tolist alone gives nanoseconds
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if type(value).__name__ in ("NAType", "NaTType"):
        return None
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _dated(texts: Any) -> Any:
    if isinstance(texts, list):
        return [_dated(text) for text in texts]
    return None if texts == "NaT" else texts


def _finite(value: float) -> float | str | None:
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return None if math.isnan(value) else value


def _columns(frame: Any) -> list[Column]:
    if (dtypes := getattr(frame, "dtypes", None)) is not None:
        dtypes = list(dtypes)
        kinds = {id(dtype): _kind(dtype) for dtype in dtypes}  # many columns are of few kinds
        return [Column(_label(name), **kinds[id(dtype)]) for name, dtype in zip(frame.columns, dtypes, strict=True)]
    frame = frame.__dataframe__()
    return [Column(_label(name), _interchanged(frame.get_column_by_name(name))) for name in frame.column_names()]


def _kind(dtype: Any) -> dict[str, Any]:
    categories = getattr(dtype, "categories", None)
    if categories is None or not hasattr(dtype, "ordered"):
        return {"dtype": str(dtype)}
    listed = {"categories": _listed(categories), "n_categories": len(categories)}
    return {"dtype": str(dtype), **listed, "ordered": bool(dtype.ordered)}


def _interchanged(column: Any) -> str:
    kind, bits, *_ = column.dtype
    name = getattr(kind, "name", str(kind)).lower()
    return f"{name}{bits}" if name in ("int", "uint", "float") else name


def _described_array(data: Any, library: str | None) -> Data:
    shape, dtype = [None, *map(int, data.shape[1:])], str(data.dtype)
    if hasattr(data, "nnz") and hasattr(data, "format"):
        return Data("sparse", library, shape, dtype, format=data.format)
    if hasattr(data, "name"):
        return Data("series", library, shape, dtype, name=_label(data.name))
    return Data("array", library, shape, dtype)


def _described_list(data: Sequence[Any]) -> Data:
    first = data[0]
    if isinstance(first, str | bytes):
        return Data("texts", shape=[None], dtype=type(first).__name__)
    if isinstance(first, dict):
        return Data("list", shape=[None], dtype="dict")
    if hasattr(first, "__len__"):
        return Data("list", shape=[None, len(first)], dtype="|".join(sorted({type(each).__name__ for each in first})))
    return Data("list", shape=[None], dtype=type(first).__name__)


def _outputs(model: Any, target: Data | None, predicted: Any) -> Outputs | None:
    given = getattr(model, "labels_", None) if predicted is None else predicted
    classes = getattr(model, "classes_", None)
    if classes is None and given is None:
        return _outputs_untold(model, target)
    shape = _answers(getattr(given, "shape", None) or (target and target.shape))
    if isinstance(classes, list):  # one array for each output
        dtype = getattr(given, "dtype", None) or classes[0].dtype
        return Outputs(str(dtype), shape, [_listed(each) for each in classes], [len(each) for each in classes])
    dtype = getattr(given, "dtype", None) or classes.dtype
    return Outputs(str(dtype), shape, *((None, None) if classes is None else (_listed(classes), len(classes))))


def _outputs_untold(model: Any, target: Data | None) -> Outputs | None:
    """Return what is known of answers of which none has been seen."""
    from sklearn.base import is_outlier_detector

    if not hasattr(model, "predict"):
        return None
    if is_outlier_detector(model):
        return Outputs("int64", [None], [-1, 1], 2)
    return Outputs(shape=_answers(target and target.shape))


def _answers(shape: Sequence[int | None] | None) -> list[int | None]:
    """Return the shape of any number of answers; a single column counts as one output."""
    wide = [] if shape is None else [each for each in shape[1:] if each is not None]
    return [None] if wide in ([], [1]) else [None, *wide]


def _listed(values: Iterable[Any]) -> list[Any]:
    """Return classes or categories as JSON has them, the first of too many."""
    listed = [plain(value) for value in islice(values, MOST_CLASSES)]
    return [value[:LETTERS] if isinstance(value, str) else value for value in listed]


def _label(name: Any) -> Any:
    return name if name is None or type(name) in (str, int) else str(name)


def _library(data: Any) -> str | None:
    library = type(data).__module__.partition(".")[0]
    return None if library == "builtins" else library


def _example(X: Any) -> dict[str, Any] | str:
    """Return the first rows of X, or why there are none."""
    told = described(X)
    if told is None:
        return "X could not be told"
    width = math.prod(length or 1 for length in (told.shape or ())[1:])
    rows = ROWS if told.kind == "sparse" else min(ROWS, MOST_VALUES // max(width, 1))
    if rows == 0:
        return f"one row has {width:,} values, more than {MOST_VALUES:,}"
    found = _first_rows(X, told.kind, rows)
    if isinstance(found, str):
        return found
    values, cut = _shortened(plain(found))
    remarks = [f"{rows} rows, of {width:,} values each"] if rows < ROWS else []
    remarks += [f"{cut} texts are cut after {LETTERS:,} letters"] if cut else []
    return {"kind": told.kind, **values, "remarks": remarks}


def _first_rows(X: Any, kind: str, rows: int) -> dict[str, Any] | str:
    match kind:
        case "dataframe":
            return _records(X, rows)
        case "sparse":
            return _sparse_rows(X)
        case "array" | "list" | "texts":
            return {"rows": X[:rows]}
        case "series" if hasattr(X, "head"):
            return {"rows": X.head(rows).to_list()}
    return f"the first rows of a {type(X).__name__} cannot be had without reading it"


def _records(frame: Any, rows: int) -> dict[str, Any] | str:
    if hasattr(frame, "iloc"):
        return _pandas_records(frame.iloc[:rows])
    if hasattr(frame, "to_dicts"):  # polars
        return {"records": frame.head(rows).to_dicts()}
    if hasattr(frame, "to_pylist"):  # pyarrow
        return {"records": frame.slice(0, rows).to_pylist()}
    return f"a {type(frame).__name__} does not show its first rows"


def _pandas_records(first: Any) -> dict[str, Any]:
    names = [str(name) for name in first.columns]
    columns = [first.iloc[:, place].tolist() for place in range(len(names))]
    rows = list(zip(*columns, strict=True))
    if len(set(names)) < len(names):  # a record would lose one of them
        return {"columns": names, "rows": rows}
    return {"records": [dict(zip(names, row, strict=True)) for row in rows]}


def _sparse_rows(X: Any) -> dict[str, Any] | str:
    if X.format == "coo":
        here = X.row < ROWS
        row, column, value = X.row[here], X.col[here], X.data[here]
    elif X.format in SLICED:
        first = X[:ROWS].tocoo()
        row, column, value = first.row, first.col, first.data
    else:
        return f"a sparse matrix in {X.format} format does not show its first rows"
    if len(value) > MOST_VALUES:
        return f"{ROWS} rows have {len(value):,} values, more than {MOST_VALUES:,}"
    shape = [min(ROWS, X.shape[0]), X.shape[1]]
    return {"format": X.format, "shape": shape, "row": row, "column": column, "value": value}


def _shortened(value: Any) -> tuple[Any, int]:
    """Return a value with its long texts cut, and how many were."""
    cut = 0

    def short(value: Any) -> Any:
        nonlocal cut
        if isinstance(value, str) and len(value) > LETTERS:
            cut += 1
            return value[:LETTERS]
        if isinstance(value, list):
            return [short(each) for each in value]
        return {key: short(each) for key, each in value.items()} if isinstance(value, dict) else value

    return short(value), cut
