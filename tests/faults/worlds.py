"""Worlds in which things go wrong: programs to kill, disks to fill, and a reader that asks about everything."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import textwrap
from hashlib import sha256
from pathlib import Path

import pytest

from azml_integrations import journal
from azml_integrations.core import Experiment, Run, Workspace
from azml_integrations.records import Cursor
from azml_integrations.store.sqlite import SqliteStore
from azml_integrations.store.view import View

NO_FAULT = "cannot produce this fault here: "

PRELUDE = """
import os, signal, sys, threading, time
from azml_integrations.core import Experiment, Run, Workspace
from azml_integrations import errors

workspace = Workspace.create("test", exist_ok=True)
experiment = Experiment(workspace, "trials")

def begin(**options):
    return experiment.start_logging(outputs=False, snapshot_directory=None, **options)

def say(word):
    os.write(1, f"{word}\\n".encode())
"""


class Program(subprocess.Popen[str]):
    """A Python program in a process of its own; warnings are errors in it."""

    def __init__(self, code: str, *arguments: object, prelude: str = PRELUDE, **environment: str) -> None:
        super().__init__(
            [sys.executable, "-W", "error", "-c", prelude + textwrap.dedent(code), *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | environment,
            start_new_session=True,  # its children end with it, and nothing that it kills is ours
        )

    def heard(self) -> str:
        """Return the next line that it says."""
        assert self.stdout
        line = ""
        while not line.endswith("\n") and (byte := os.read(self.stdout.fileno(), 1)):  # `communicate` gets the rest
            line += byte.decode()
        if not line:
            _, told = self.communicate(timeout=60)
            pytest.fail(f"the program ended early with {self.returncode}:\n{told}")
        return line.strip()

    def ended(self, code: int = 0) -> list[str]:
        """Wait for the end, demand its exit code, and return what it said."""
        out, err = self.communicate(timeout=110)
        assert self.returncode == code, f"exit code {self.returncode}, expected {code}:\n{out}\n{err}"
        return out.split()

    def swept(self) -> None:
        """Kill what it may have left, and itself."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.communicate()

    def killed(self) -> None:
        """Kill it; it gets no say."""
        self.send_signal(signal.SIGKILL)
        self.communicate(timeout=60)


class Disk:
    """A disk of two megabytes that can be filled to the last byte."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.mounts = [root]
        self._ballast = root / "ballast"

    def fill(self) -> None:
        """Leave no byte free."""
        for size in (1 << 16, 4096, 1):
            with self._ballast.open("ab", buffering=0) as out:
                try:
                    while out.write(b"\0" * size):
                        pass
                except OSError:
                    continue

    def fill_but(self, room: int) -> None:
        """Leave about so many bytes free."""
        self.fill()
        os.truncate(self._ballast, self._ballast.stat().st_size - room)

    def fill_with(self, run: Run) -> None:
        """Leave no room for one more line of a run either, in the last block of its journal."""
        self.fill()
        journal_ = books(run)[-1]
        rest = -journal_.stat().st_size % 4096
        end = b'{"event":"noted","source":"test","message":"%s","at":0}\n'
        with journal_.open("ab", buffering=0) as out:
            out.write(end % (b"x" * (rest - len(end) + 2)) if rest > len(end) else b"")

    def clear(self) -> None:
        """Give the space back."""
        self._ballast.unlink()

    def read_only(self) -> Path:
        """Return another path to the disk, by which nothing can be written."""
        view = self.root.with_name("read-only")
        view.mkdir()
        subprocess.run(["mount", "--bind", self.root, view], check=True)
        subprocess.run(["mount", "-o", "remount,bind,ro", view], check=True)
        self.mounts.append(view)
        return view

    def unmount(self) -> None:
        """Take the disk away, also from those who still hold a file on it."""
        for mount in reversed(self.mounts):
            subprocess.run(["umount", "--lazy", mount], check=True)


def begin(experiment: Experiment, **options: object) -> Run:
    """Begin a run that copies nothing."""
    return experiment.start_logging(outputs=False, snapshot_directory=None, **options)


def again(workspace: Workspace) -> Workspace:
    """Return a fresh handle on a workspace: nothing is remembered."""
    return Workspace._at(workspace.root)


def told(workspace: Workspace) -> dict[str, dict[str, str]]:
    """Return all that can be asked about every run, spelled out so that NaN equals NaN and order counts."""
    return {record.run_id: _told(Run.get(workspace, record.run_id)) for record in workspace.find_runs()}


def _told(run: Run) -> dict[str, str]:
    answers = {
        "record": run._record(),
        "metrics": run.get_metrics(),
        "points": {summary.name: run.metric_points(summary.name) for summary in run.metric_summaries()},
        "summaries": run.metric_summaries(),
        "details": run.get_details(),
        "tags": run.tags,
        "properties": run.properties,
        "files": {name: sha256(run._read(name)).hexdigest() for name in run.get_file_names()},
    }
    return {question: repr(answer) for question, answer in answers.items()}


def differences(one: dict[str, dict[str, str]], other: dict[str, dict[str, str]]) -> list[tuple[str, ...]]:
    """Return what two readers were told differently."""
    return [
        (run_id, question, one.get(run_id, {}).get(question, ""), other.get(run_id, {}).get(question, ""))
        for run_id in sorted({*one, *other})
        for question in {*one.get(run_id, {}), *other.get(run_id, {})}
        if one.get(run_id, {}).get(question) != other.get(run_id, {}).get(question)
    ]


def told_afresh(workspace: Workspace, index: Path | None) -> dict[str, dict[str, str]]:
    """Return the same, folded from the folders alone: into a new index, or into memory."""
    fresh = again(workspace)
    vars(fresh)["view"] = View(fresh.root / "runs", index and SqliteStore(index))
    return told(fresh)


def values(run: Run, name: str) -> list[object]:
    """Return the values of a metric, in order."""
    return [point.value for point in run.metric_points(name)]


def folder(run: Run) -> Path:
    """Return the folder of a run."""
    return run._folder


def books(run: Run) -> list[Path]:
    """Return the journals of a run."""
    return journal.files(run._folder)


def damaged_lines(run: Run) -> int:
    """Return how many whole lines of a run's journals cannot be read, and demand that none is torn."""
    damaged = 0
    for path in books(run):
        assert path.suffix == ".gz" or path.read_bytes()[-1:] == b"\n", f"{path} ends in a torn line"
        damaged += sum(batch.after.damaged - batch.before.damaged for batch in journal.read(path, Cursor()))
    return damaged


def without_index(workspace: Workspace) -> None:
    """Delete the index."""
    for path in workspace.root.glob("index.db*"):
        path.unlink()


def seal_all(workspace: Workspace) -> None:
    """Compress the journals of all ended runs."""
    list(workspace.view.seal_all())


def fresh_copy(workspace: Workspace, to: Path) -> Workspace:
    """Return a copy of a workspace as a backup would hold it: the folders without the index."""
    shutil.copytree(workspace.root, to, ignore=shutil.ignore_patterns("index.db*"))
    return Workspace._at(to)
