"""A plugin may break every law: training, the other plugins and the run go on, and the run says what happened."""

import time
import warnings

import pytest

from azml_integrations import hookspecs
from azml_integrations.errors import PluginWarning
from azml_integrations.hookspecs import hookimpl
from azml_integrations.plugins import PATIENCE, plugins

pytestmark = pytest.mark.filterwarnings("ignore::azml_integrations.errors.PluginWarning")  # those that no test asks for


class Sound:
    """A plugin that does what it should, and remembers what it saw."""

    def __init__(self):
        self.seen = []

    @hookimpl(trylast=True)
    def azml_run_started(self, run):
        self.seen.append(("started", run.id))

    @hookimpl(trylast=True)
    def azml_run_ending(self, run):
        self.seen.append(("ending", run.id))

    @hookimpl(trylast=True)
    def azml_run_ended(self, record):
        self.seen.append(("ended", record.run_id, dict(record.tags)))


class Raising:
    """A plugin that raises in every hook of a run's life."""

    def __init__(self, error):
        self.error, self.asked = error, 0

    def _raise(self):
        self.asked += 1
        raise self.error

    @hookimpl
    def azml_run_started(self, run):
        self._raise()

    @hookimpl
    def azml_run_ending(self, run):
        self._raise()

    @hookimpl
    def azml_run_ended(self, record):
        self._raise()


@pytest.fixture
def sound(workspace):
    sound = Sound()
    plugins().register(sound, "sound")
    return sound


@pytest.fixture
def train(experiment):
    """Run a small training, and return what the run says of it."""

    def train(children=0):
        with experiment.start_logging(outputs=False, snapshot_directory=None) as run:
            for _ in range(children):
                run.child_run().complete()
            for step in range(3):
                run.log("loss", 1.0 / (step + 1))
        return run

    return train


def notes(run):
    return [(note.source, note.message) for note in run._record().notes]


class Panic(BaseException):
    """As extensions written in Rust raise it: no Exception, and not Ctrl-C either."""


@pytest.mark.parametrize("error", [RuntimeError("boom"), SystemExit(3), Panic("boom"), RecursionError()])
def test_one_that_raises_in_every_hook(sound, train, error):
    """The run is Completed, the others see it, and it says who raised what."""
    plugins().register(Raising(error), "broken")

    with pytest.warns(PluginWarning, match="plugin 'broken': azml_run_started raised"):
        run = train()

    assert run.get_status() == "Completed"
    assert run.get_metrics()["loss"] == [1.0, 0.5, pytest.approx(1 / 3)]
    assert [seen[0] for seen in sound.seen] == ["started", "ending", "ended"]
    told = f"raised {type(error).__name__}: {error}"
    assert notes(run) == [
        *(("plugin broken", f"{hook} {told}") for hook in ("azml_run_started", "azml_run_ending", "azml_run_ended")),
        ("plugin broken", "switched off for the rest of the run: it failed 3 times"),
    ]


def test_ctrl_c_in_a_hook_is_the_users(sound, experiment):
    """It stops the program, as it does anywhere."""
    plugins().register(Raising(KeyboardInterrupt()), "broken")
    with pytest.raises(KeyboardInterrupt):
        experiment.start_logging(outputs=False, snapshot_directory=None)


def test_the_users_own_exception_leaves_as_it_came(sound, experiment):
    """A broken plugin does not hide it."""
    plugins().register(Raising(RuntimeError("boom")), "broken")
    mine = ValueError("mine")
    with (
        pytest.warns(PluginWarning),
        pytest.raises(ValueError, match="mine") as caught,
        experiment.start_logging(outputs=False, snapshot_directory=None) as run,
    ):
        raise mine
    assert caught.value is mine
    assert mine.__cause__ is None
    assert run.get_status() == "Failed"


def test_after_three_failures_it_is_left_out_for_the_run(sound, train):
    """With its children: a search of a thousand fits does not meet it a thousand times. The next run asks it again."""
    broken = Raising(RuntimeError("boom"))
    plugins().register(broken, "broken")

    with pytest.warns(PluginWarning, match="is switched off for the rest of run"):
        run = train(children=5)

    assert broken.asked == PATIENCE
    assert len([one for one in sound.seen if one[0] == "ended"]) == 6
    off = ("plugin broken", "switched off for the rest of the run: it failed 3 times")
    assert off in [note for one in [run, *run.get_children()] for note in notes(one)]
    assert plugins()._conduct._lives == {}

    with pytest.warns(PluginWarning, match="is switched off for the rest of run"):
        train()
    assert broken.asked == 2 * PATIENCE


@pytest.fixture
def hurried(monkeypatch):
    """Let a hook of 10 ms count as slow."""
    monkeypatch.setattr(hookspecs, "BUDGET", 0.005)


class Slow:
    def __init__(self):
        self.asked = 0

    @hookimpl
    def azml_run_started(self, run):
        self.asked += 1
        time.sleep(0.01)


def test_a_slow_one_is_measured_named_and_left_out(sound, train, hurried):
    """Nobody kills it, since it runs in the user's thread; the third time it has had its chance."""
    slow = Slow()
    plugins().register(slow, "slow")

    with pytest.warns(
        PluginWarning, match="plugin 'slow' is switched off for the rest of run .*: it was too slow 3 times"
    ):
        run = train(children=4)

    assert slow.asked == PATIENCE
    told = [note for one in [run, *run.get_children()] for note in notes(one)]
    assert any("too long for the user's thread" in message for _, message in told)
    assert ("plugin slow", "switched off for the rest of the run: it was too slow 3 times") in told
    (fact,) = [fact for fact in plugins().facts() if fact.name == "slow"]
    assert "azml_run_started took up to 0.0" in fact.reason
    assert "(3 times too long)" in fact.reason


def test_who_begins_a_run_inside_a_hook_does_not_pay_for_the_slow(experiment, sound, train, hurried):
    """The time of a nested hook is its plugin's own, not that of whoever has caused it to be asked."""

    class Nesting:
        asked = 0

        @hookimpl
        def azml_run_started(self, run):
            Nesting.asked += 1
            plugins().call("azml_figure_renderers")

    class SlowElsewhere:
        @hookimpl
        def azml_figure_renderers(self):
            time.sleep(0.01)
            return []

    plugins().register(Nesting(), "nesting")
    plugins().register(SlowElsewhere(), "slow")

    run = train(children=PATIENCE + 1)

    assert Nesting.asked == PATIENCE + 2
    assert not [note for one in [run, *run.get_children()] for note in notes(one) if note[0] == "plugin nesting"]
    reasons = {fact.name: fact.reason for fact in plugins().facts()}
    assert not reasons["nesting"]
    assert "azml_figure_renderers took up to 0.0" in reasons["slow"]


def test_slow_once_is_no_warning(sound, train, hurried):
    """A busy machine makes everybody slow at times; the run says it, the screen does not."""
    plugins().register(Slow(), "slow")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run = train()
    assert [source for source, _ in notes(run)] == ["plugin slow"]


def test_a_hook_with_a_budget_of_its_own_may_take_longer(sound, train, hurried):
    """Who stores a model at the end of a run is not slow."""

    class Storing:
        @hookimpl
        def azml_run_ending(self, run):
            time.sleep(0.01)

    plugins().register(Storing(), "storing")
    assert notes(train()) == []


def test_one_that_logs_from_inside_a_hook(sound, train, experiment):
    """What it logs is recorded once, and it is not told of what it does itself: else that would have no end."""

    class Logging:
        @hookimpl
        def azml_run_started(self, run):
            run.log("begun", 1.0)
            if run.experiment.name == "trials":
                type(experiment)(experiment.workspace, "inner").start_logging(
                    outputs=False, snapshot_directory=None
                ).complete()

        @hookimpl
        def azml_run_ending(self, run):
            run.log("ending", 1.0)
            run.complete()

    plugins().register(Logging(), "logging")
    run = train()

    assert [len(run.metric_points(name)) for name in ("begun", "ending")] == [1, 1]
    assert sorted(one[0] for one in sound.seen if one[1] == run.id) == ["ended", "ending", "started"]
    assert notes(run) == []
    inner = experiment.workspace.experiments["inner"].get_runs()
    assert [one.get_status() for one in inner] == ["Completed"]


def test_one_that_starts_runs_without_end(sound, train, experiment):
    """It is not told of the runs that it starts."""
    begun = []

    class Breeding:
        @hookimpl
        def azml_run_started(self, run):
            begun.append(experiment.start_logging(outputs=False, snapshot_directory=None))

    plugins().register(Breeding(), "breeding")
    train()
    assert len(begun) == 1
    begun[0].complete()


def test_a_plugin_that_ends_the_run_does_not_overrule_the_user(sound, experiment):
    """The user's failure stays a failure."""

    class Ending:
        @hookimpl
        def azml_run_ending(self, run):
            run.complete()

    plugins().register(Ending(), "ending")
    run = experiment.start_logging(outputs=False, snapshot_directory=None)
    run.fail("it diverged")
    assert run.get_status() == "Failed"
    assert [one[0] for one in sound.seen].count("ending") == 1


def test_one_that_changes_its_arguments(sound, train):
    """The next plugin sees what happened, not what somebody made of it."""

    class Changing:
        @hookimpl(tryfirst=True)
        def azml_run_ending(self, run):
            run.tag("kind", "trial")

        @hookimpl(tryfirst=True)
        def azml_run_ended(self, record):
            record.tags.clear()
            record.notes.append("graffiti")

    plugins().register(Changing(), "changing")
    run = train()
    assert sound.seen[-1] == ("ended", run.id, {"kind": "trial"})


def test_no_plugin_code_runs_inside_log(workspace, experiment):
    """Neither a hook nor the manager: `Run.log` is a write, whoever is installed."""
    run = experiment.start_logging(outputs=False, snapshot_directory=None)
    asked = []

    class Curious:
        def __getattribute__(self, name):
            asked.append(name)
            return super().__getattribute__(name)

    plugins().register(Curious(), "curious")
    asked.clear()
    plugins.cache_clear()  # whoever asks for plugins from here on makes them anew

    run.log("loss", 1.0)
    run.log_list("several", [1.0, 2.0])
    run.log_row("row", x=1.0)
    run.log_table("table", {"x": [1.0, 2.0]})
    run.log_metrics({"a": 1.0, "b": 2.0})

    assert asked == []
    assert plugins.cache_info().currsize == 0
    run.complete()
