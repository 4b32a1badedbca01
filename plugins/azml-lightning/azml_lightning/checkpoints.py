"""Checkpoints in a run: second names for Lightning's files, and the run that a checkpoint belongs to."""

import io
import json
import os
import pickle
import re
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from azml_integrations import Run

FOLDER = "outputs/checkpoints"
KEY = "azml_integrations"
"""What a checkpoint keeps the address of its run under."""


class Shelf:
    """The checkpoints of one run, as far as this process put them there.

    Nothing is copied where the disk gives files second names: Lightning may then delete its own name, as it does for
    all but the best, and the run keeps the file.

    Parameters
    ----------
    policy : {"best", "all"} or False
        What is kept: the best and the last one, or every one; False keeps none.
    """

    def __init__(self, policy: str | bool) -> None:
        self.policy = policy
        self._copies = False
        self._kept: dict[str, tuple[str, int, int]] = {}
        self._monitors: dict[str, str | None] = {}

    @property
    def filled(self) -> bool:
        """Whether anything stands there."""
        return bool(self._kept)

    def put(self, run: "Run", callback: Any) -> None:
        """Keep what a ``ModelCheckpoint`` has on the disk now; nothing of the callback is kept.

        Parameters
        ----------
        run : Run
            Where to.
        callback : ModelCheckpoint
            Or another ``Checkpoint``, as far as it says where its files are.
        """
        if not self.policy:
            return
        monitor = getattr(callback, "monitor", None)
        suffix = self._suffix(getattr(callback, "state_key", ""), monitor)
        self._copies = not getattr(callback, "_enable_version_counter", True)
        best, last = (str(getattr(callback, name, "") or "") for name in ("best_model_path", "last_model_path"))
        score = _number(getattr(callback, "best_model_score", None))
        if best:
            facts = {"monitor": monitor, "mode": getattr(callback, "mode", None), "score": score}
            self._point(run, f"best{suffix}", best, facts if monitor else {})
        if last:
            self._point(run, f"last{suffix}", last, {})
        if self.policy == "all":
            saved = getattr(callback, "_last_checkpoint_saved", "") or ""
            for path in {str(saved), best, last, *map(str, getattr(callback, "best_k_models", None) or ())} - {""}:
                self._keep(run, Path(path).name, path)

    def _suffix(self, key: str, monitor: str | None) -> str:
        """Return what tells the files of one callback from those of others: nothing, its monitor, or its number."""
        others = [watched for other, watched in self._monitors.items() if other != key]
        self._monitors.setdefault(key, monitor)
        place = list(self._monitors).index(key)
        if not place:
            return ""
        return f"-{_plain(monitor)}" if monitor and monitor not in others[:place] else f"-{place + 1}"

    def _point(self, run: "Run", name: str, path: str, facts: dict[str, Any]) -> None:
        """Keep a checkpoint under the name of what it is, and say in a small file which one it is."""
        if self._keep(run, f"{name}.ckpt", path):
            told = {"file": f"{FOLDER}/{name}.ckpt", "saved_as": Path(path).name, **facts}
            run.upload_file(f"{FOLDER}/{name}.json", io.BytesIO(json.dumps(told, indent=2).encode()))

    def _keep(self, run: "Run", name: str, path: str) -> bool:
        """Link a file, or each file of a folder, unless that very one is there."""
        try:
            found = Path(path).stat()
        except OSError:  # deleted meanwhile, or on another machine
            return False
        state = (path, found.st_mtime_ns, found.st_ino)
        if self._kept.get(name) == state:
            return False
        self._kept[name] = state
        # a name that another run may write over in place, as Lightning does where its temporary folder is another disk
        take = run.upload_file if self._copies else run.link_file
        for file in sorted(Path(path).rglob("*")) if Path(path).is_dir() else [Path(path)]:
            if file.is_file():
                inside = file.relative_to(path).as_posix()
                take(f"{FOLDER}/{name}" if inside == "." else f"{FOLDER}/{name}/{inside}", file)
        return True


def _plain(name: str) -> str:
    return re.sub(r"[^\w.-]+", "_", name)


def _number(score: Any) -> float | None:
    return None if score is None else float(score)


# -- the run of a checkpoint -------------------------------------------------------------------------


def run_id_in(path: str | os.PathLike[str]) -> str | None:
    """Return the id of the run that wrote a checkpoint; None where it does not say so.

    A checkpoint is a pickle, which can run any code; here nothing of it is run and no tensor is read.

    Parameters
    ----------
    path : str or path-like
        A checkpoint.
    """
    if not zipfile.is_zipfile(path):
        return None
    with zipfile.ZipFile(path) as archive:
        inside = next((name for name in archive.namelist() if name.endswith("/data.pkl")), None)
        if inside is None:
            return None
        with archive.open(inside) as file:
            checkpoint = _Inert(file).load()
    address = checkpoint.get(KEY) if isinstance(checkpoint, dict) else None
    run_id = address.get("run_id") if isinstance(address, dict) else None
    return run_id if isinstance(run_id, str) else None


class _Husk(dict):  # type: ignore[type-arg]
    """Stands for whatever a pickle builds: it takes every call and does nothing."""

    def __new__(cls, *_: object, **__: object) -> Self:
        return super().__new__(cls)

    def __init__(self, *_: object, **__: object) -> None:
        super().__init__()

    def __setstate__(self, state: object) -> None:
        """Forget it."""

    def append(self, *_: object) -> None:
        """Forget it."""

    extend = add = append

    def __setitem__(self, *_: object) -> None:
        """Forget it."""

    def __hash__(self) -> int:  # type: ignore[override]  # may be a key of something
        return id(self)


class _Inert(pickle.Unpickler):
    def find_class(self, _module: str, _name: str) -> Any:
        return _Husk

    def persistent_load(self, _pid: object) -> None:
        return None
