"""The fitted model as a file: a pickle, and beside it what one must know before loading it."""

import functools
import hashlib
import io
import json
import pickle
import platform
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from azml_integrations import Run

PROTOCOL = 5


class TooLargeError(ValueError):
    """A pickle that grows beyond the cap."""


class _Capped(io.BytesIO):
    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most
        self.digest = hashlib.sha256()

    def write(self, chunk: Any, /) -> int:
        if self.tell() + memoryview(chunk).nbytes > self._most:
            raise TooLargeError
        self.digest.update(chunk)
        return super().write(chunk)


def store_model(run: "Run", model: Any, folder: str, most_bytes: int) -> str:
    """Write ``model.pkl`` and ``model.json``.

    Parameters
    ----------
    run : Run
        Where to.
    model : object
        A fitted estimator.
    folder : str
        Folder in the run, ``outputs/Ridge``.
    most_bytes : int
        Cap on the size of the pickle [bytes].

    Returns
    -------
    str
        What was stored, or why not.
    """
    file = _Capped(most_bytes)
    try:
        pickle.dump(model, file, protocol=PROTOCOL)  # joblib.load reads it as well as pickle.load
    except TooLargeError:
        message = (
            f"model not stored: its pickle is larger than {most_bytes / 2**20:.0f} MiB; "
            f'autolog("sklearn", max_model_bytes=...) sets another cap'
        )
        run.note("sklearn", message)
        return "no model.pkl (too large)"
    size = file.tell()
    facts = {
        "class": type(model).__qualname__,
        "module": type(model).__module__,
        "file": "model.pkl",
        "format": f"pickle, protocol {PROTOCOL}",
        "load": "joblib.load or pickle.load; a pickle can run any code, so load only what you trust",
        "size": size,
        "sha256": file.digest.hexdigest(),
        "versions": {"python": platform.python_version()}
        | {name: _version(name) for name in ("scikit-learn", "numpy", "scipy", "joblib")},
    }
    file.seek(0)
    run.upload_file(f"{folder}/model.pkl", file)
    run.upload_file(f"{folder}/model.json", io.BytesIO(json.dumps(facts, indent=2).encode()))
    return "model.pkl"


@functools.cache
def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
