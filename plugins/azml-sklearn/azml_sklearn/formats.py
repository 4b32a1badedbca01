"""How a fitted model becomes a file and a model again: one noun for each format, and a table of three."""

import hashlib
import io
import pickle
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any, TypeAlias

from azml_integrations.errors import UntrustedModelError

from .errors import ModelFormatMissingError, ModelNotStorableError, ModelTooLargeError

PROTOCOL = 5

Trust: TypeAlias = bool | frozenset[str]
"""What a caller vouches for: everything, nothing, or types by name."""


@dataclass(frozen=True)
class Dumped:
    """A model as bytes.

    Attributes
    ----------
    content : memoryview
        The file, which lies in memory once.
    sha256 : str
        Its digest.
    facts : dict of str to object
        What this format has to say in model.json.
    """

    content: memoryview
    sha256: str
    facts: dict[str, Any]


@dataclass(frozen=True)
class Source:
    """Where bytes that are to become a model come from, for messages.

    Attributes
    ----------
    name : str
        The file.
    where : str
        What has it: ``run 2f6a...``.
    """

    name: str
    where: str


@dataclass(frozen=True)
class ModelFormat:
    """A way to keep a fitted model.

    Attributes
    ----------
    name : str
        As in ``model_format="pickle"``.
    suffix : str
        Of the file.
    how : str
        How to load it, for people who read model.json.
    packages : tuple of str
        Distributions whose versions stand in model.json.
    writes, reads : callable
        ``writes(model, X, most_bytes) -> Dumped`` and ``reads(content, source, trust) -> model``.
    writes_with, reads_with : tuple of str
        Modules that must be installed for it.
    install : str
        What brings them.
    tied : bool
        Whether it should be loaded with the scikit-learn that made it.
    """

    name: str
    suffix: str
    how: str
    packages: tuple[str, ...]
    writes: Callable[[Any, Any, int | None], Dumped]
    reads: Callable[[bytes, Source, Trust], Any]
    writes_with: tuple[str, ...] = ()
    reads_with: tuple[str, ...] = ()
    install: str = ""
    tied: bool = True

    @property
    def file(self) -> str:
        """The name of its file: ``model.pkl``."""
        return f"model{self.suffix}"

    def check_written(self) -> None:
        """Raise `ModelFormatMissingError` if a package to write it is missing."""
        self._check(self.writes_with)

    def dump(self, model: Any, X: Any = None, most_bytes: int | None = None) -> Dumped:
        """Turn a fitted model into bytes.

        Parameters
        ----------
        model : object
            A fitted estimator; it is not changed.
        X : object, default=None
            Data of the kind it was fitted on: ONNX wants to know the columns.
        most_bytes : int, default=None
            Cap on the size of the file [bytes].

        Raises
        ------
        ModelFormatMissingError
            If its package is not installed.
        ModelTooLargeError
            If the file is larger than the cap.
        ModelNotStorableError
            If the format cannot hold this estimator.
        """
        self.check_written()
        try:
            dumped = self.writes(model, X, most_bytes)
        except _BeyondCapError:
            dumped = None
        except Exception as error:
            raise ModelNotStorableError(model, self.name, error) from error
        if dumped is None or (most_bytes is not None and dumped.content.nbytes > most_bytes):
            raise ModelTooLargeError(f"the {self.suffix} file of {type(model).__name__}", most_bytes or 0)
        return dumped

    def load(self, content: bytes, source: Source, trust: Trust) -> Any:
        """Turn bytes into a model.

        Raises
        ------
        ModelFormatMissingError
            If its package is not installed.
        UntrustedModelError
            If it wants more trust than it is given.
        """
        self._check(self.reads_with)
        return self.reads(content, source, trust)

    def _check(self, modules: tuple[str, ...]) -> None:
        for module in modules:
            if find_spec(module) is None:
                raise ModelFormatMissingError(self.name, module, self.install)


class View(io.RawIOBase):
    """Bytes that lie in memory already, as a file to read: no second copy of the whole.

    Parameters
    ----------
    content : memoryview
        The bytes.
    """

    def __init__(self, content: memoryview) -> None:
        super().__init__()
        self._content = content.cast("B")
        self._at = 0

    def seekable(self) -> bool:
        """Say yes."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Go to a place, from the beginning, from here or from the end."""
        self._at = max(0, offset + (0, self._at, len(self._content))[whence])
        return self._at

    def read(self, size: int = -1, /) -> bytes:
        """Return the next bytes, all that are left by default."""
        part = self._content[self._at :] if size < 0 else self._content[self._at : self._at + size]
        self._at += len(part)
        return bytes(part)


# -- pickle ------------------------------------------------------------------------------------------


class _BeyondCapError(Exception):
    """A file that grows beyond the cap, while it is written."""


class _Capped(io.BytesIO):
    def __init__(self, most: int | None) -> None:
        super().__init__()
        self._most = float("inf") if most is None else most
        self.digest = hashlib.sha256()

    def write(self, chunk: Any, /) -> int:
        if self.tell() + memoryview(chunk).nbytes > self._most:
            raise _BeyondCapError
        self.digest.update(chunk)
        return super().write(chunk)


def _write_pickle(model: Any, _X: Any, most_bytes: int | None) -> Dumped:
    file = _Capped(most_bytes)
    pickle.dump(model, file, protocol=PROTOCOL)  # joblib.load reads it as well as pickle.load
    return Dumped(file.getbuffer(), file.digest.hexdigest(), {"protocol": PROTOCOL})


def _read_pickle(content: bytes, source: Source, trust: Trust) -> Any:
    if trust is not True:  # names do not help: a pickle calls what it likes before anybody sees a type
        why = (
            "is a pickle, and loading a pickle runs whatever code whoever wrote it has put into it; "
            "if you know who that was, pass trust=True; models for strangers are better stored with "
            'model_format="skops"'
        )
        raise UntrustedModelError(source.name, source.where, why)
    return pickle.loads(content)  # noqa: S301 - the caller said trust=True, and the digest of these bytes was right


# -- skops -------------------------------------------------------------------------------------------


@dataclass
class _Kept:
    """What skops writes in one piece: its own buffer is kept, where a file in memory would copy it."""

    pieces: list[memoryview] = field(default_factory=list)

    def write(self, piece: memoryview) -> None:
        self.pieces.append(piece)

    @property
    def content(self) -> memoryview:
        return self.pieces[0] if len(self.pieces) == 1 else memoryview(b"".join(self.pieces))


def _write_skops(model: Any, _X: Any, _most_bytes: int | None) -> Dumped:
    from skops import io as skops_io

    kept = _Kept()
    skops_io.dump(model, kept)
    content = kept.content
    untrusted = skops_io.get_untrusted_types(data=_bones(content))
    return Dumped(content, hashlib.sha256(content).hexdigest(), {"untrusted_types": untrusted})


def _bones(content: memoryview) -> bytes:
    """Return a skops file without its arrays, which skops would read into memory to list the types beside them.

    For a file of our own only: of one that comes from elsewhere, skops itself sees all.
    """
    from zipfile import ZipFile  # 14 ms, and skops has it

    bones = io.BytesIO()
    with ZipFile(View(content)) as whole, ZipFile(bones, "w") as left:
        for name in whole.namelist():
            left.writestr(name, whole.read(name) if name == "schema.json" else b"")
    return bones.getvalue()


def _read_skops(content: bytes, source: Source, trust: Trust) -> Any:
    from skops import io as skops_io

    wanted = skops_io.get_untrusted_types(data=content)  # asked of the file: model.json may say anything
    doubtful = [name for name in wanted if trust is not True and name not in (trust or ())]
    if doubtful:
        why = (
            f"needs types that are not trusted by default: {', '.join(doubtful)}; "
            f"if you have reviewed them, pass trust={doubtful!r}"
        )
        raise UntrustedModelError(source.name, source.where, why, doubtful)
    return skops_io.loads(content, trusted=wanted)


# -- ONNX --------------------------------------------------------------------------------------------


def _write_onnx(model: Any, X: Any, _most_bytes: int | None) -> Dumped:
    converted = _converted(model, X)
    facts = {
        "inputs": [_port(port) for port in converted.graph.input],
        "outputs": [_port(port) for port in converted.graph.output],
        "opset": {opset.domain or "ai.onnx": opset.version for opset in converted.opset_import},
    }
    content = converted.SerializeToString(deterministic=True)
    return Dumped(memoryview(content), hashlib.sha256(content).hexdigest(), facts)


def _read_onnx(content: bytes, _source: Source, _trust: Trust) -> Any:
    import onnxruntime

    return onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])


def _converted(model: Any, X: Any) -> Any:
    """Convert with the first description of the inputs, and the first choice of outputs, that fit the model."""
    from skl2onnx import convert_sklearn

    trouble: Exception | None = None
    for columns in _inputs(model, X):
        for choice in _CHOICES if hasattr(model, "classes_") else (None,):
            options = None if choice is None else {id(model): choice}
            try:
                return convert_sklearn(model, type(model).__name__, columns, options=options)
            except Exception as error:  # noqa: BLE001 - skl2onnx raises nearly anything
                if trouble is None or not isinstance(error, NameError):  # that one says that there is no such choice
                    trouble = error
    if X is None and (trouble is None or hasattr(model, "feature_names_in_")):
        raise ValueError("its columns are unknown; pass X, some rows of what it was fitted on") from trouble
    raise trouble or ValueError("its training data has no columns that ONNX could take")


_CHOICES: tuple[dict[str, bool], ...] = (
    {"zipmap": False},  # an array of probabilities, where skl2onnx makes a list of dicts
    {
        "nocl": False
    },  # changes nothing; without any choice skl2onnx makes one that a pipeline of LinearSVC does not know
)


def _inputs(model: Any, X: Any) -> Iterator[list[tuple[str, Any]]]:
    """Yield ways to describe what the model is asked with: one tensor of numbers, or one for each column."""
    from skl2onnx.common import data_types as types

    if hasattr(X, "columns"):
        kinds = {str(name): _kind(X[name]) for name in X.columns}
        if "text" not in kinds.values():
            yield [("X", types.FloatTensorType([None, len(kinds)]))]
        tensors = {
            "text": types.StringTensorType,
            "whole": types.Int64TensorType,
            "truth": types.BooleanTensorType,
            "real": types.FloatTensorType,
        }
        yield [(name, tensors[kind]([None, 1])) for name, kind in kinds.items()]
        return
    shape = getattr(X, "shape", None) or (None, getattr(model, "n_features_in_", None))
    if len(shape) > 1 and shape[1] is not None:
        tensor = types.StringTensorType if X is not None and _kind(X) == "text" else types.FloatTensorType
        yield [("X", tensor([None, shape[1]]))]
    elif X is not None:
        yield [("X", types.StringTensorType([None]))]  # a list of texts


def _kind(values: Any) -> str:
    import numpy as np

    kind = getattr(getattr(values, "dtype", None), "kind", None)
    if kind is None or kind == "O":  # a category counts as what it is made of, text of pandas 3 as text
        kind = np.asarray(values[:1]).dtype.kind
    return {"f": "real", "i": "whole", "u": "whole", "b": "truth"}.get(kind, "text")


def _port(port: Any) -> dict[str, Any]:
    from onnx import TensorProto

    tensor = port.type.tensor_type
    shape = [axis.dim_value or None for axis in tensor.shape.dim]
    return {"name": port.name, "type": TensorProto.DataType.Name(tensor.elem_type).lower(), "shape": shape}


FORMATS: dict[str, ModelFormat] = {
    known.name: known
    for known in (
        ModelFormat(
            name="pickle",
            suffix=".pkl",
            how="joblib.load or pickle.load; a pickle can run any code, so load only what you trust",
            packages=("scikit-learn", "numpy", "scipy", "joblib"),
            writes=_write_pickle,
            reads=_read_pickle,
        ),
        ModelFormat(
            name="skops",
            suffix=".skops",
            how="skops.io.load(file, trusted=[...]) with those of untrusted_types that you have reviewed",
            packages=("scikit-learn", "numpy", "scipy", "skops"),
            writes=_write_skops,
            reads=_read_skops,
            writes_with=("skops",),
            reads_with=("skops",),
            install="skops",
        ),
        ModelFormat(
            name="onnx",
            suffix=".onnx",
            how="onnxruntime.InferenceSession(file); it computes in 32 bits, so its numbers differ in the last digits, "
            "and by a branch where a tree of a scaled column is asked at a threshold",
            packages=("scikit-learn", "skl2onnx", "onnx"),
            writes=_write_onnx,
            reads=_read_onnx,
            writes_with=("skl2onnx",),
            reads_with=("onnxruntime",),
            install="skl2onnx onnxruntime",
            tied=False,
        ),
    )
}
"""The formats, by name."""
