"""Builds the virtual environments that scripts ask for, each once.

An environment is built where it stays, since the commands in it hold its path; a file written last says that it is
complete. Who builds holds a lock, which pip inherits: a builder that is killed leaves the lock to its pip, and the
next one finds an environment without that file, deletes it and begins anew.
"""

import contextlib
import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from hashlib import sha256
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import TextIO

from .. import errors, host
from . import luggage
from .requirements import comparable, expand, is_azureml

OLDEST = (3, 11)
"""The oldest Python that can import this package."""

_READY = "azml-environment.json"
_PATIENCE = 0.1  # [s] between two looks at a lock that another holds
_LINES = 15  # of pip's output that an error tells
_ASK = (
    "import json, sys, sysconfig as s; print(json.dumps(dict(version=sys.version, release=list(sys.version_info[:2]),"
    " tag='-'.join(map(str, (sys.implementation.cache_tag, s.get_config_var('SOABI'), s.get_platform()))),"
    " base=sys.base_prefix, folders=[s.get_path('purelib'), s.get_path('platlib')])))"
)
_PROBE = "import azml_integrations.core.run, azml_integrations.core.process, msgspec, pluggy, platformdirs"
_MISLEADING = ("PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_PYTHON", "PIP_REQUIREMENT")


@dataclass(frozen=True)
class Interpreter:
    """A Python, as it tells of itself.

    Attributes
    ----------
    version : str
        In full.
    release : tuple of int
        Major and minor.
    tag : str
        What a compiled module must be made for.
    base : str
        Where it is installed.
    folders : tuple of str
        Its site-packages.
    """

    version: str
    release: tuple[int, ...]
    tag: str
    base: str
    folders: tuple[str, ...]


class _Steps:
    """The processes of one builder, one at a time, which another thread may end."""

    def __init__(self) -> None:
        self.stopped = threading.Event()
        self._alone = threading.Lock()
        self._process: subprocess.Popen[str] | None = None

    def stop(self) -> None:
        with self._alone:
            self.stopped.set()
            if self._process is not None:
                _kill(self._process)

    @contextlib.contextmanager
    def started(self, command: Sequence[str | Path], folder: Path, lock: int) -> "Iterator[subprocess.Popen[str]]":
        """Start a process in a session of its own, which inherits the lock; it is over in the end."""
        variables = {name: value for name, value in os.environ.items() if name not in _MISLEADING}
        with self._alone:
            process = subprocess.Popen(  # noqa: S603 - the user's interpreter, for the user
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                encoding="utf-8",
                errors="replace",
                env=variables,
                cwd=folder,
                pass_fds=(lock,),
                start_new_session=True,
            )
            self._process = process
            if self.stopped.is_set():
                _kill(process)
        try:
            with process:  # leaving it waits, so what is given up is killed before
                try:
                    yield process
                except BaseException:
                    _kill(process)
                    raise
        finally:
            with self._alone:
                self._process = None


def _kill(process: "subprocess.Popen[str]") -> None:
    if process.returncode is None:
        os.killpg(process.pid, signal.SIGKILL)


class Builder:
    """Keeps virtual environments by what they were asked to hold.

    Parameters
    ----------
    root : Path
        Folder for them; made when it is needed.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._steps = _Steps()

    def stop(self) -> None:
        """End the build that another thread is in, or waits for: it raises, and keeps nothing."""
        self._steps.stop()

    def python(self, requirements: Sequence[str], python: Path, log: TextIO) -> Path:
        """Return the interpreter of an environment with these packages, built now unless it is there.

        Two lists that differ in order, in spaces or in how names are spelt are the same. ``azureml`` packages are
        left out, also those that others bring. Beside what was asked for, the environment has this package and its
        plugins, so that the script records its run.

        Parameters
        ----------
        requirements : list of str
            Lines of a requirements file, options as ``--index-url`` among them.
        python : Path
            The interpreter to build upon.
        log : TextIO
            Gets pip's output, line by line.

        Returns
        -------
        interpreter : Path
            Absolute.

        Raises
        ------
        EnvironmentBuildError
            If it cannot be built, or was stopped; nothing of it is kept.
        SourceNotFoundError
            If a requirements file that a line names is not there.
        StoreError
            If the disk refuses.
        """
        lines = expand(requirements, Path.cwd())
        kept = [line for line in lines if not is_azureml(line)]
        base = _known(python, kept)
        try:
            parcels = luggage.ours()
        except PackageNotFoundError as error:
            raise errors.EnvironmentBuildError(kept, "looking for this package's own files", str(error)) from error
        folder = self._root / _key(kept, base, parcels)
        build = _Build(folder, tuple(kept), python, base, tuple(parcels), log, self._steps)
        if build.is_ready():
            return build.interpreter
        try:
            with build.alone() as lock:
                if not build.is_ready():  # who waited finds it built
                    build.make(lock)
        except OSError as error:
            if isinstance(error, errors.AzmlError):
                raise
            raise errors.StoreError(str(build.folder), error) from error
        return build.interpreter


@dataclass(frozen=True)
class _Build:
    """One environment, to be built or built."""

    folder: Path
    requirements: tuple[str, ...]
    python: Path
    base: Interpreter
    parcels: tuple[luggage.Parcel, ...]
    log: TextIO
    steps: _Steps

    @property
    def interpreter(self) -> Path:
        return self.folder.absolute() / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

    def is_ready(self) -> bool:
        return (self.folder / _READY).is_file() and self.interpreter.exists()

    @contextlib.contextmanager
    def alone(self) -> Iterator[int]:
        """Hold the lock of the environment, once nobody else does."""
        path = self.folder.with_suffix(".lock")
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            if not host.try_lock(lock, exclusive=True):
                _see_that_locks_work(path.parent)
                self._say("Waiting for another process that builds the same environment")
            while not host.try_lock(lock, exclusive=True):
                if self.steps.stopped.wait(_PATIENCE):
                    raise errors.EnvironmentBuildError(self.requirements, "waiting for another build", "it was stopped")
            yield lock
        finally:
            os.close(lock)

    def make(self, lock: int) -> None:
        """Build it, or leave nothing of it."""
        if self.folder.exists():
            shutil.rmtree(self.folder)
        self._say(f"Building an environment with {errors.few(self.requirements) or 'no packages'}")
        try:
            self._install(lock)
        except BaseException:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise
        self._say(f"Built {self.folder}")

    def _install(self, lock: int) -> None:
        self._run("making a virtual environment", [self.python, "-I", "-m", "venv", self.folder], lock)
        within = _asked(self.interpreter)
        folders = [Path(folder) for folder in dict.fromkeys(within.folders)]
        copied = self.base.tag == _asked(Path(sys.executable)).tag
        foreign = [] if copied else self.parcels[0].needs  # compiled for this Python, they are of no use to another
        if lines := [*self.requirements, *foreign]:
            listed = self.folder / "requirements.txt"
            listed.write_text("\n".join(lines) + "\n", encoding="utf-8", errors="surrogateescape")
            self._pip("install", lock, "-r", str(listed))
        if unwanted := [name for name in luggage.installed(folders) if is_azureml(name)]:
            self._say(f"Removing {errors.few(unwanted)}: azml_integrations stands in their place")
            self._pip("uninstall", lock, "--yes", *unwanted)
        self._bring(folders, copied=copied)
        self._run("importing azml_integrations in it", [self.interpreter, "-I", "-c", _PROBE], lock)
        self._finish(luggage.installed(folders))

    def _bring(self, folders: list[Path], *, copied: bool) -> None:
        """Copy this package, its plugins and what it needs; what the environment has already stays as it is."""
        there = luggage.installed(folders)
        needed = luggage.needed(self.parcels[0], there) if copied else []
        brought = [parcel for parcel in [*self.parcels, *needed] if parcel.name not in there]
        for parcel in brought:
            parcel.copy_to(folders[0])
        self._say(f"Copied {', '.join(f'{parcel.name} {parcel.source.version}' for parcel in brought)}")

    def _finish(self, versions: dict[str, str]) -> None:
        facts = {"requirements": self.requirements, "python": asdict(self.base), "versions": versions}
        partial = self.folder / f".{_READY}"
        partial.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
        partial.replace(self.folder / _READY)

    def _pip(self, verb: str, lock: int, *arguments: str) -> None:
        told = ["--disable-pip-version-check", "--no-input", "--no-color"]
        self._run(f"pip {verb}", [self.interpreter, "-I", "-u", "-m", "pip", verb, *told, *arguments], lock)

    def _run(self, doing: str, command: Sequence[str | Path], lock: int) -> None:
        """Run a step, its output told as it comes.

        Raises
        ------
        EnvironmentBuildError
            If it fails.
        """
        last: deque[str] = deque(maxlen=_LINES)
        with self.steps.started(command, self.folder.parent, lock) as process:
            for line in process.stdout or ():
                last.append(line.rstrip())
                self._say(line.rstrip())
        if process.returncode:
            said = "it was stopped" if self.steps.stopped.is_set() else "\n".join(last)
            raise errors.EnvironmentBuildError(self.requirements, doing, said)

    def _say(self, line: str) -> None:
        self.log.write(line + "\n")
        self.log.flush()


def _known(python: Path, requirements: Sequence[str]) -> Interpreter:
    """Return what an interpreter tells of itself.

    Raises
    ------
    EnvironmentBuildError
        If it tells nothing, or is too old.
    """
    try:
        base = _asked(python)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise errors.EnvironmentBuildError(requirements, f"asking {python} for its version", str(error)) from error
    if base.release < OLDEST:
        old, oldest = (".".join(map(str, release)) for release in (base.release, OLDEST))
        said = f"it is Python {old}; azml_integrations needs {oldest} or newer"
        raise errors.EnvironmentBuildError(requirements, f"using {python}", said)
    return base


@cache
def _asked(python: Path) -> Interpreter:
    done = subprocess.run([python, "-I", "-c", _ASK], capture_output=True, text=True, check=True)  # noqa: S603 - likewise
    told = json.loads(done.stdout)
    return Interpreter(told["version"], tuple(told["release"]), told["tag"], told["base"], tuple(told["folders"]))


def _key(requirements: Sequence[str], base: Interpreter, parcels: Sequence[luggage.Parcel]) -> str:
    """Return the name of an environment: a hash of all that decides what is in it."""
    packages = sorted({comparable(line) for line in requirements if not line.startswith("-")})
    options = [comparable(line) for line in requirements if line.startswith("-")]  # their order may matter
    states = sorted(filter(None, map(_state, set(requirements))))
    decided = [packages, options, states, base.version, base.tag, base.base, [one.fingerprint for one in parcels]]
    return sha256(json.dumps(decided).encode()).hexdigest()[:24]


def _state(line: str) -> str:
    """Return what a local file that a line names holds now; nothing for any other line."""
    path = Path(line.removeprefix("-c ").partition(";")[0].partition("[")[0].strip())
    if not path.is_absolute() or not path.exists():
        return ""
    if path.is_file():
        return sha256(path.read_bytes()).hexdigest()
    files = sorted(file for file in path.rglob("*") if file.is_file())
    return str([(str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in files])


def _see_that_locks_work(folder: Path) -> None:
    """Refuse a filesystem without locks, where two builders would wait for ever.

    Raises
    ------
    StoreError
        If a file that nobody else knows cannot be locked.
    """
    with tempfile.TemporaryFile(dir=folder) as mine:
        if not host.try_lock(mine.fileno(), exclusive=True):
            cause = OSError(errno.ENOLCK, "this filesystem has no locks")
            raise errors.StoreError(str(folder), cause, doing="lock a file in")
