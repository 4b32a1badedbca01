"""What every test stands on: a directory of its own, and a process that remembers no run."""

import contextlib
import inspect
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from queues import dismiss

from azml_integrations.core import Experiment, Run, Workspace, ending, process
from azml_integrations.launch.queue import Queue

settings.register_profile("house", deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")  # a busy machine is no finding, and a test leaves no folder behind


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Stand in an empty directory, and forget the runs of earlier tests."""
    monkeypatch.chdir(tmp_path)
    _forget_runs()
    yield tmp_path
    _forget_runs()


@pytest.fixture
def experiment(workspace: Workspace) -> Experiment:
    return Experiment(workspace, "trials")


@pytest.fixture
def run(experiment: Experiment) -> Iterator[Run]:
    """Give a test a running run that copies nothing."""
    run = experiment.start_logging(outputs=False, snapshot_directory=None)
    yield run
    with contextlib.suppress(Exception):  # a test may have broken it on purpose
        run.complete()


@pytest.fixture
def queue(workspace: Workspace) -> Iterator[Queue]:
    """Give the queue of the local target; its launcher and all that it has started end with the test."""
    queue = Queue(workspace.root, "local")
    yield queue
    dismiss(queue)


@pytest.fixture
def signature() -> Callable[[Callable[..., object]], str]:
    """Spell a callable's parameters as the reference does: names, order and defaults, no types, no self."""

    def spell(verb: Callable[..., object]) -> str:
        parameters = inspect.signature(verb).parameters.values()
        bare = [parameter.replace(annotation=inspect.Parameter.empty) for parameter in parameters]
        return ", ".join(str(parameter) for parameter in bare if parameter.name not in ("self", "cls"))

    return spell


def _forget_runs() -> None:
    process.forget()
    ending.watch()._kept.clear()
    ending.watch()._at_last.clear()
