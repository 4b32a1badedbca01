"""The contract of an adapter: what every plugin that records a framework promises to its users."""
# ruff: noqa: S101 - a contract asserts

import threading
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from importlib import import_module
from importlib.metadata import entry_points
from itertools import chain
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from .entry_modules import check_plugin
from .portraits import portrait
from .training import assert_training_unchanged, result_faults, seed

if TYPE_CHECKING:
    from pathlib import Path

    from ..core import Run
    from ..records import Adapter


class UsersOwnError(Exception):
    """What a training meets in a contract: an error of the user's."""


@dataclass
class Stage:
    """Where a contract tests an adapter: a home of its own, an empty working directory, one plugin.

    Attributes
    ----------
    adapter : Adapter
        What is tested.
    settings : mapping
        What `autolog` is always told.
    """

    adapter: "Adapter"
    settings: Mapping[str, Any] = field(default_factory=dict)

    def switch_on(self, **options: Any) -> None:
        """Call `autolog` for this adapter alone."""
        from ..autologging import autolog

        autolog(self.adapter.framework, **{"silent": True, **self.settings, **options})

    def switch_off(self) -> None:
        """Undo it; what was seen is written when this returns."""
        from ..autologging import autolog

        autolog(False)

    def runs(self, *, children: bool = False) -> "list[Run]":
        """Return the runs that were recorded, the oldest first."""
        from ..core import Experiment, Workspace

        experiment = Experiment(Workspace.from_config(), "contract")
        return list(experiment.get_runs(include_children=children))[::-1]

    def names(self) -> set[str]:
        """Return what was recorded, by name: metrics, properties, tags and files of all runs."""
        return set(chain.from_iterable(_names(run) for run in self.runs(children=True)))


class AdapterContract:
    """The promises of an adapter: inherit it, name the entry module, and say how one trains.

    Trainings should be small: each test does one or more. What the contract asks of a training is what
    `assert_training_unchanged` asks: it begins from the beginning, needs nothing from the working directory, and gives
    the same result when the random generators stand where they stood.

    Attributes
    ----------
    plugin : str
        The entry module, as the entry point names it; it need not be installed.
    framework : str
        Which of its adapters is meant; needed only where it offers several.
    expected : collection of str
        Names that a recorded training has: metrics, properties, tags, files; ``*`` stands for any letters.
    options : mapping
        A value for each option of the adapter's own; a training is recorded with them.
    settings : mapping
        What `autolog` is told in every test, ``{"log_images": False}``.
    ignore : collection of str
        What differs between any two trainings, as `assert_training_unchanged` has it.
    status_after_failure : str
        Status of a run whose training has raised.

    Examples
    --------
    ::

        class TestToy(AdapterContract):
            plugin = "azml_toy"
            expected = ("loss", "param.rate", "training_score")

            @pytest.fixture
            def training(self):
                return lambda: toy.Model().fit([0.0, 1.0], [1.0, 3.0])

            @pytest.fixture
            def failing(self):
                return lambda error: toy.Model().fit([0.0, 1.0], [1.0, 3.0], callbacks=[toy.failing_at(1, error)])
    """

    plugin: ClassVar[str] = ""
    framework: ClassVar[str] = ""
    expected: ClassVar[Collection[str]] = ()
    options: ClassVar[Mapping[str, object]] = {}
    settings: ClassVar[Mapping[str, object]] = {}
    ignore: ClassVar[Collection[str]] = ()
    status_after_failure: ClassVar[str] = "Failed"

    # -- what a plugin gives -------------------------------------------------------------------------

    @pytest.fixture
    def training(self) -> Callable[[], object]:
        """Return a callable that trains and returns the trained object."""
        raise NotImplementedError("override the fixture `training`")

    @pytest.fixture
    def failing(self) -> Callable[[Exception], object]:
        """Return a callable that trains and raises the exception it is given, from within the framework's training."""
        raise NotImplementedError("override the fixture `failing`")

    @pytest.fixture
    def idle(self) -> Callable[[], object]:
        """Return a callable that uses the framework and trains nothing; by default it does nothing at all."""
        return lambda: None

    @pytest.fixture
    def as_worker(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Make this process one of a group, and not its first; add what your framework asks instead of RANK."""
        monkeypatch.setenv("RANK", "1")

    # -- where it is tested --------------------------------------------------------------------------

    @pytest.fixture
    def stage(self, azml_home: "Path", tmp_path: "Path", monkeypatch: pytest.MonkeyPatch) -> Stage:
        """Let the plugin in, and no other; stand in an empty directory."""
        from ..plugins import plugins

        installed = {entry.name for entry in entry_points(group="azml_integrations") if entry.value == self.plugin}
        monkeypatch.setenv("AZML_PLUGINS", ",".join(installed))
        monkeypatch.setenv("AZML_EXPERIMENT", "contract")
        work = tmp_path / "work"
        work.mkdir()
        monkeypatch.chdir(work)
        plugins.cache_clear()
        if not installed:
            plugins().register(import_module(self.plugin), self.plugin)
        return Stage(self._adapter(), self.settings)

    def _adapter(self) -> "Adapter":
        offered = {adapter.framework: adapter for adapter in import_module(self.plugin).azml_adapters()}
        if self.framework:
            assert self.framework in offered, f"{self.plugin} offers {', '.join(offered)}, not {self.framework}"
            return offered[self.framework]  # type: ignore[no-any-return]
        assert len(offered) == 1, f"{self.plugin} offers {', '.join(offered)}; name one of them: framework = ..."
        return next(iter(offered.values()))  # type: ignore[no-any-return]

    # -- the promises --------------------------------------------------------------------------------

    def test_the_entry_module_keeps_the_laws(self) -> None:
        """Hooks that exist, with words; strings only; nothing of the framework is imported."""
        check_plugin(self.plugin)

    def test_a_training_is_recorded(self, stage: Stage, training: Callable[[], object]) -> None:
        """One run, Completed, and in it what the plugin promises."""
        assert self.expected, "name what a recorded training has: expected = ('loss', ...)"
        stage.switch_on()
        training()
        stage.switch_off()

        statuses = [run.get_status() for run in stage.runs()]
        assert statuses == ["Completed"]
        assert _missing(self.expected, stage.names()) == []

    def test_a_training_is_unchanged(self, stage: Stage, training: Callable[[], object]) -> None:
        """The same result, pickle, random numbers, warnings and files as without us; all is given back."""
        assert_training_unchanged(
            training, framework=stage.adapter.framework, ignore=self.ignore, **dict(stage.settings)
        )

    def test_a_training_with_every_option_is_unchanged(self, stage: Stage, training: Callable[[], object]) -> None:
        """Each option that the adapter names is tried; one that it does not name is refused."""
        from ..errors import OptionError

        assert set(self.options) == set(stage.adapter.options), "give a value for each option: options = {...}"
        with pytest.raises(OptionError, match="no option 'no_such_option'"):
            stage.switch_on(no_such_option=1)
        if self.options:
            settings = {**stage.settings, **self.options}
            assert_training_unchanged(training, framework=stage.adapter.framework, ignore=self.ignore, **settings)

    def test_a_training_belongs_to_the_run_around_it(self, stage: Stage, training: Callable[[], object]) -> None:
        """Inside ``with run:`` nothing begins a run beside the user's, and nothing ends it early."""
        from ..core import Experiment, Workspace

        stage.switch_on()
        with Experiment(Workspace.from_config(), "contract").start_logging(snapshot_directory=None) as run:
            training()
            assert run.get_status() == "Running"
        stage.switch_off()

        assert [found.id for found in stage.runs()] == [run.id]
        assert _missing(self.expected, stage.names()) == []

    def test_switched_off_nothing_is_recorded(self, stage: Stage, training: Callable[[], object]) -> None:
        """``autolog(False)`` is the end, and so is a pause, for its length."""
        from ..autologging import paused

        stage.switch_on()
        with paused(stage.adapter.framework):
            training()
        stage.switch_off()
        training()

        assert stage.runs() == []

    def test_switched_on_twice_a_training_is_recorded_once(self, stage: Stage, training: Callable[[], object]) -> None:
        """A notebook's cell is run again."""
        stage.switch_on()
        stage.switch_on(log_models=False)
        stage.switch_on()
        training()
        stage.switch_off()

        assert len(stage.runs()) == 1

    def test_an_exception_of_the_users_leaves_as_it_came(
        self, stage: Stage, failing: Callable[[Exception], object]
    ) -> None:
        """It is the same object with nothing added, and the run has failed with it."""
        mistake = UsersOwnError("the user's own mistake")
        stage.switch_on()
        with pytest.raises(UsersOwnError) as caught:
            failing(mistake)
        stage.switch_off()

        assert caught.value is mistake
        assert (mistake.__cause__, mistake.__context__, getattr(mistake, "__notes__", [])) == (None, None, [])
        assert [run.get_status() for run in stage.runs()] == [self.status_after_failure]

    def test_where_nothing_is_trained_there_is_no_run(self, stage: Stage, idle: Callable[[], object]) -> None:
        """The framework may be imported and used; a run appears with a training."""
        stage.switch_on()
        import_module(stage.adapter.import_name)
        idle()
        stage.switch_off()

        assert stage.runs() == []

    @pytest.mark.parametrize("fault", ["no run can be begun", "nothing can be written"])
    def test_a_fault_of_ours_is_a_warning(
        self, stage: Stage, training: Callable[[], object], fault: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The user's model is worth more than our notes about it: one warning for each run, and training goes on."""
        from ..errors import AzmlWarning

        plain = portrait(_seeded(training))
        stage.switch_on()
        with monkeypatch.context() as patch, warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("default")  # as users have it: once for each line and message
            FAULTS[fault](patch)
            seen = portrait(_seeded(training))
            stage.switch_off()

        assert result_faults(plain, seen, self.ignore) == []
        told = [str(each.message) for each in caught if issubclass(each.category, AzmlWarning)]
        assert any("injected" in message for message in told), f"nobody was told: {told}"
        most = len(set(told)) * max(1, len(stage.runs(children=True)))
        assert len(told) <= most, f"the same thing is told again and again: {told}"

    def test_a_worker_of_a_group_writes_nothing(
        self, stage: Stage, as_worker: None, training: Callable[[], object]
    ) -> None:
        """With RANK above 0 another process writes the run of them all."""
        stage.switch_on()
        training()
        stage.switch_off()

        assert stage.runs() == []

    def test_threads_train_side_by_side(self, stage: Stage, training: Callable[[], object]) -> None:
        """Two trainings at once end as they would alone, and nobody is warned."""
        stage.switch_on()
        with warnings.catch_warnings(record=True) as caught, _threads(training, 2) as errors:
            warnings.simplefilter("always")
        stage.switch_off()

        assert errors == []
        assert [str(each.message) for each in caught if "Autolog" in each.category.__name__] == []
        assert {run.get_status() for run in stage.runs()} <= {"Completed"}


def _begin_no_run(patch: pytest.MonkeyPatch) -> None:
    from ..core import Run

    def refuse(*_: object, **__: object) -> None:
        raise OSError("injected: no space left on device")

    patch.setattr(Run, "_create", refuse)


def _write_nothing(patch: pytest.MonkeyPatch) -> None:
    """Let runs begin and end, and refuse whatever else is written to them."""
    from ..core import Run
    from ..records import RunCreated, StatusChanged

    write = Run._append  # noqa: SLF001 - the one door

    def refuse(run: "Run", *events: Any) -> None:
        if not all(isinstance(event, RunCreated | StatusChanged) for event in events):
            raise OSError("injected: no space left on device")
        write(run, *events)

    patch.setattr(Run, "_append", refuse)
    patch.setattr(Run, "_record_facts", lambda _: None)


FAULTS: Mapping[str, Callable[[pytest.MonkeyPatch], None]] = {
    "no run can be begun": _begin_no_run,
    "nothing can be written": _write_nothing,
}


def _names(run: "Run") -> Iterator[str]:
    yield from (summary.name for summary in run.metric_summaries())
    yield from run.get_properties()
    yield from run.get_tags()
    yield from run.get_file_names()


def _missing(wanted: Collection[str], found: Collection[str]) -> list[str]:
    return [name for name in wanted if not any(fnmatchcase(each, name) for each in found)]


def _seeded(training: Callable[[], object]) -> object:
    seed()
    return training()


@contextmanager
def _threads(work: Callable[[], object], number: int) -> Iterator[list[BaseException]]:
    """Do something in several threads at once; the errors are there when all have ended."""
    errors: list[BaseException] = []
    together = threading.Barrier(number)

    def run() -> None:
        try:
            together.wait(60)
            work()
        except BaseException as error:  # noqa: BLE001 - told to the test
            errors.append(error)

    threads = [threading.Thread(target=run, name=f"training {n}") for n in range(number)]
    yield errors
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
