"""Contestants, the environment each is installed in, and the processes in which they run."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

Answer = TypeVar("Answer")

HERE = Path(__file__).parent
REPOSITORY = HERE.parent

#: Nobody's defaults are changed but these: no message home, and no word on the screen.
QUIET = {
    "DO_NOT_TRACK": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "WANDB_ERROR_REPORTING": "false",
    "WANDB_SILENT": "true",
}

#: One thread of linear algebra for each: on two busy cores, threads that wait for one another turn a fit of 100 ms into
#: one of 10 s, and what is added to it could not be seen.
ALONE = dict.fromkeys(["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"], "1")

#: Before the next contestant's turn [s]: threads and helper processes of the last one come to rest.
PAUSE = 0.05

#: An answer that takes longer is none [s].
PATIENCE = 600


@dataclass(frozen=True)
class Entrant:
    """A contestant as it is announced.

    Attributes
    ----------
    name : str
        Its file in `contestants/`, and its environment.
    title : str
        What people call it.
    requires : tuple of str
        What pip installs for it.
    imports : str or None
        The statements that a user's script has at its top; None where there is nothing to import.
    environment : str or None
        Environment that it shares with those who require the same; None is one of its own.
    """

    name: str
    title: str
    requires: tuple[str, ...] = ()
    imports: str | None = None
    environment: str | None = None

    @property
    def head(self) -> str:
        """Head of its column: the title, and the version where one is pinned."""
        versions = self.requires[0].split("==")[1:] if self.requires and self.environment is None else []
        return " ".join([self.title, *versions])


OURS = Entrant("azml", "ours", ("-e", str(REPOSITORY)), "import azml_integrations; azml_integrations.Run")
BARE_WRITE = Entrant("os_write", "bare `os.write`")
RECORDERS = [
    OURS,
    BARE_WRITE,
    Entrant("sqlite_insert", "SQLite insert"),
    Entrant("mlflow_", "MLflow", ("mlflow==3.17.2",), "import mlflow"),
    Entrant("wandb_", "W&B", ("wandb==0.31.0",), "import wandb"),
    Entrant(
        "tensorboard_",
        "TensorBoard",
        ("tensorboard==2.21.0", "tensorboardX==2.6.5"),
        "from tensorboardX import SummaryWriter",
    ),
]

#: What all who train share, so that only the logging differs.
SCIKIT_LEARN = ("scikit-learn==1.9.1", "matplotlib==3.11.2", "numpy==2.4.6", "scipy==1.17.1", "joblib==1.6.0")

PLAIN = Entrant("sklearn_plain", "scikit-learn", SCIKIT_LEARN)
OUR_AUTOLOG = Entrant(
    "sklearn_azml", "ours", ("-e", str(REPOSITORY), "-e", str(REPOSITORY / "plugins" / "azml-sklearn"), *SCIKIT_LEARN)
)
THEIR_AUTOLOG = Entrant("sklearn_mlflow", "MLflow", ("mlflow==3.17.2", *SCIKIT_LEARN))
TRAINERS = [PLAIN, OUR_AUTOLOG, THEIR_AUTOLOG]

#: What all who train with Lightning share: one environment, since torch alone is a gigabyte on disk.
LIGHTNING = (
    *("-e", str(REPOSITORY), "-e", str(REPOSITORY / "plugins" / "azml-lightning")),
    *("-e", str(REPOSITORY / "plugins" / "azml-torch"), "torch==2.13.0", "lightning==2.6.6"),
    *("mlflow==3.17.2", "wandb==0.31.0", "tensorboard==2.21.0"),
)


def lightning(name: str, title: str) -> Entrant:
    """One who logs a Lightning training, or a loop of plain PyTorch, in the environment of them all."""
    return Entrant(name, title, LIGHTNING, environment="lightning")


NO_LOGGER = lightning("lightning_plain", "no logger")
OUR_LOGGER = lightning("lightning_azml", "ours")
LOGGERS = [
    NO_LOGGER,
    OUR_LOGGER,
    lightning("lightning_csv", "CSVLogger (Lightning 2.6.6)"),
    lightning("lightning_tensorboard", "TensorBoardLogger (2.21.0)"),
    lightning("lightning_wandb", "WandbLogger (0.31.0, offline)"),
    lightning("lightning_mlflow", "MLFlowLogger (3.17.2, SQLite)"),
]

BARE_LOOP = lightning("torch_plain", "PyTorch")
OUR_LOOP = lightning("torch_azml", "ours")
LOOPS = [BARE_LOOP, OUR_LOOP]

BY_HAND = Entrant("submit_by_hand", "by hand", OURS.requires, environment="azml")
OUR_QUEUE = Entrant("submit_azml", "ours", OURS.requires, environment="azml")
SUBMITTERS = [BY_HAND, OUR_QUEUE]

#: What `azml studio` needs, and the browser that looks at it; Chromium itself is the machine's.
STUDIO = (
    *("-e", str(REPOSITORY), "starlette==1.10.0", "uvicorn==0.54.0", "jinja2==3.1.6", "plotly==7.1.0"),
    *("numpy==2.4.6", "matplotlib==3.11.2", "playwright==1.65.2"),
)

OUR_STUDIO = Entrant("studio_azml", "`azml studio`", STUDIO, environment="studio")
THEIR_UI = Entrant("studio_mlflow", "`mlflow ui` 3.17.2", ("mlflow==3.17.2",), environment="mlflow")
BROWSER = Entrant("browser", "Chromium", STUDIO, environment="studio")
VIEWERS = [OUR_STUDIO, THEIR_UI]

NO_PLUGINS = Entrant("plugins_none", "no plugin", OURS.requires, environment="azml")
FIFTY_PLUGINS = Entrant("plugins_fifty", "50 plugins", OURS.requires, environment="azml")
MIRRORED = Entrant("plugins_mirror", "a mirror", OURS.requires, environment="azml")
PLUGGED = [NO_PLUGINS, FIFTY_PLUGINS, MIRRORED]


class Refused(Exception):
    """A contestant did not do what it was asked; the message is its own."""


class Missing(Refused):
    """A contestant has no such verb."""


def installed(entrant: Entrant, environments: Path) -> Path:
    """The interpreter of an entrant's environment, made now unless it was made before for the same requirements."""
    folder = environments / (entrant.environment or entrant.name.rstrip("_"))
    python, receipt = folder / "bin" / "python", folder / "requirements.txt"
    paths = [Path(wanted) for wanted in entrant.requires if wanted.startswith(str(REPOSITORY))]
    ours = [(path / "pyproject.toml").read_text() for path in paths]
    wanted = "\n".join([sys.version, *entrant.requires, *ours])
    if not receipt.exists() or receipt.read_text() != wanted:
        print(f"installing {entrant.head}", file=sys.stderr)
        pip = ["--without-pip"] if not entrant.requires else []
        subprocess.run([sys.executable, "-m", "venv", "--clear", *pip, folder], check=True)
        if entrant.requires:
            subprocess.run([python, "-m", "pip", "install", "--quiet", *entrant.requires], check=True)
        receipt.write_text(wanted)
    return python


class Worker:
    """A process that runs one contestant and answers one request at a time.

    Parameters
    ----------
    entrant : Entrant
        Who runs in it.
    python : Path
        Interpreter of the entrant's environment.
    home : Path
        Folder for all it stores, which workers may share.
    """

    def __init__(self, entrant: Entrant, python: Path, home: Path) -> None:
        self.entrant, self.home = entrant, home
        home.mkdir(parents=True, exist_ok=True)
        self._said = home.with_name(f"{home.name}.stderr")
        with self._said.open("ab") as said:
            self._process = subprocess.Popen(
                [python, HERE / "contestants" / f"{entrant.name}.py", home],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=said,
                cwd=home,
                env=os.environ | QUIET | ALONE | dict.fromkeys(["HOME", "TMPDIR", "AZML_HOME"], str(home)),
                start_new_session=True,  # so that it dies together with its helpers, and with nobody else
                text=True,
            )

    def ask(self, verb: str, **request: object) -> object:
        """What the contestant answers: timings [ns] for a timed verb."""
        self.send(verb, **request)
        return self.receive()

    def send(self, verb: str, **request: object) -> None:
        """Ask, and leave the answer for `receive`."""
        with contextlib.suppress(BrokenPipeError):  # receive says it
            self._process.stdin.write(json.dumps({"verb": verb, **request}) + "\n")
            self._process.stdin.flush()

    def receive(self) -> object:
        """The answer to the request before.

        Raises
        ------
        Refused
            If the contestant raised, or its process has died.
        """
        watchdog = threading.Timer(PATIENCE, self.kill)
        watchdog.start()
        line = self._process.stdout.readline()
        watchdog.cancel()
        if not line:
            *_, last = ["no word", *self._said.read_text(errors="replace").splitlines()]
            raise Refused(f"its process died: {last}")
        match json.loads(line):
            case {"nanoseconds": answer} | {"answer": answer}:
                return answer
            case {"error": error}:
                raise Refused(error)
        raise Missing

    def kill(self, grace: float = 0.0) -> None:
        """SIGKILL the process, and after `grace` seconds what it started; return when all are gone."""
        group = self._process.pid
        if grace:
            self._process.kill()
            self._process.wait()
            deadline = time.monotonic() + grace
            while alive(group) and time.monotonic() < deadline:
                time.sleep(0.05)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)
        self._process.wait()

    def close(self) -> None:
        """Let the process end by itself, as a script does, for a while."""
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=60)
        self.kill()
        self._process.stdout.close()


def alive(group: int) -> bool:
    """Whether any process of a group is left."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


class Arena:
    """Where contestants take their turns.

    Parameters
    ----------
    pythons : dict of Entrant to Path
        Who takes part, and the interpreter of each.
    ground : Path
        Empty folder for all homes.
    """

    def __init__(self, pythons: dict[Entrant, Path], ground: Path) -> None:
        self.pythons, self._ground = pythons, ground
        self.notes: dict[tuple[Entrant, str], str] = {}

    @property
    def entrants(self) -> list[Entrant]:
        return list(self.pythons)

    def clear(self) -> None:
        """Make room: a case leaves gigabytes."""
        for folder in self._ground.iterdir():
            shutil.rmtree(folder)

    def home(self, entrant: Entrant, case: str) -> Path:
        """A contestant's folder in one case."""
        return self._ground / case / entrant.name

    @contextlib.contextmanager
    def workers(self, case: str, entrants: Iterable[Entrant] | None = None) -> Iterator[list[Worker]]:
        """A process for each contestant, or for each named one; who is named twice gets two."""
        with contextlib.ExitStack() as closing:
            workers = []
            for entrant in self.entrants if entrants is None else entrants:
                workers.append(Worker(entrant, self.pythons[entrant], self.home(entrant, case)))
                closing.callback(workers[-1].close)
            yield workers

    def turns(self, workers: Iterable[Worker], act: Callable[[Worker], Answer]) -> dict[Worker, Answer]:
        """One turn for each; who refuses is noted and left out of the answers."""
        answers = {}
        for worker in workers:
            with self._noting(worker.entrant):
                answers[worker] = act(worker)
            time.sleep(PAUSE)
        return answers

    def together(self, workers: Iterable[Worker], verb: str, **request: object) -> dict[Worker, object]:
        """Ask all at the same time; who refuses is noted and left out of the answers."""
        for worker in workers:
            worker.send(verb, **request)
        answers = {}
        for worker in workers:
            with self._noting(worker.entrant):
                answers[worker] = worker.receive()
        return answers

    @contextlib.contextmanager
    def _noting(self, entrant: Entrant) -> Iterator[None]:
        try:
            yield
        except Missing:
            pass
        except Refused as refusal:
            self.note(entrant, str(refusal))

    def note(self, entrant: Entrant, text: str) -> None:
        """Keep what the reader of the table must know, without this machine's paths."""
        words = text.replace(str(self._ground), "").split()
        said = f"{entrant.title}: {' '.join(words)[:160]}"
        if self.notes.setdefault((entrant, words[0]), said) is said:  # the first of its kind will do
            print(said, file=sys.stderr)
