"""One ticket is worked off by one process, wherever a launcher of somebody's own starts it."""

import shutil
import signal
import subprocess
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from msgspec import structs
from queues import dismiss, eventually, gone

from azml_integrations import journal
from azml_integrations.core import Run
from azml_integrations.core.submission import Family, ask_to_cancel, attend, enter, in_queue, launcher
from azml_integrations.errors import OfferError, OptionError, PluginWarning
from azml_integrations.hookspecs import hookimpl
from azml_integrations.launch import alone, channel
from azml_integrations.launch.local import LocalLauncher
from azml_integrations.plugins import plugins
from azml_integrations.records import Cursor, StatusChanged

TARGET = "elsewhere"


class Spool:
    """A launcher that notes what it is asked, and starts nothing."""

    def __init__(self):
        self.asked = []

    def receive(self, ticket, secrets):
        self.asked.append(("receive", ticket.run_id, secrets))

    def attend(self, run_id):
        self.asked.append(("attend", run_id))

    def cancel(self, run_id):
        self.asked.append(("cancel", run_id))


def register(answer, name="acme"):
    """Register a plugin that answers so for the target."""

    @hookimpl
    def azml_launcher(target, workspace):
        return answer(workspace) if target == TARGET else None

    plugins().register(SimpleNamespace(azml_launcher=azml_launcher), name)


@pytest.fixture
def spool(workspace):
    made = Spool()
    register(lambda _: made)
    yield made
    dismiss(workspace.queue(TARGET))


@pytest.fixture
def waiting(experiment, ticket, spool):
    """Put a script into the queue of the target, and return its run."""

    def submit(*words, secrets=None, **facts):
        made = structs.replace(ticket(*words, **facts), target=TARGET)
        enter(experiment, made, Family(made.run_id), {}, {}, secrets or {})
        return Run(experiment, made.run_id)

    return submit


def process_for(run, workspace, secrets=None):
    """Start what works a run off, and return it."""
    words = alone.command(workspace, TARGET, run.id)
    return subprocess.Popen(words, env=alone.environment(secrets), start_new_session=True)


def test_a_plugin_has_the_runs_of_its_target(waiting, spool, workspace):
    """It hears of a ticket before it joins the queue, of the run afterwards, and that it is to end."""
    run = waiting(secrets={b"KEY": b"x"})
    assert spool.asked == [("receive", run.id, {b"KEY": b"x"}), ("attend", run.id)]
    assert run.get_status() == "Queued"
    attend(run)
    run.cancel()
    assert spool.asked[2:] == [("attend", run.id), ("cancel", run.id)]
    assert channel.launcher(workspace.queue(TARGET)) is None


def test_this_machine_is_the_default_and_local_is_never_another(workspace):
    """A plugin takes the names that it knows; for ``local`` it is not even asked."""
    register(lambda _: Spool())

    @hookimpl
    def azml_launcher(target):
        assert target != "local"

    plugins().register(SimpleNamespace(azml_launcher=azml_launcher), "nosy")
    assert isinstance(launcher(workspace, "local"), LocalLauncher)
    assert isinstance(launcher(workspace, "cluster-3"), LocalLauncher)
    assert not isinstance(launcher(workspace, TARGET), LocalLauncher)


def test_a_refused_ticket_leaves_nothing(experiment, ticket, workspace):
    """A launcher that cannot do what is asked says so before there is a run."""

    class Refusing(Spool):
        def receive(self, ticket, secrets):
            raise OptionError("this cluster has no GPU")

    register(lambda _: Refusing())
    with pytest.raises(OptionError, match="no GPU"):
        _enter(experiment, ticket)
    assert list(workspace.queue(TARGET).folder.rglob("*.ticket")) == []
    assert list(workspace.queue(TARGET).folder.rglob("*.partial")) == []
    assert workspace.find_runs() == []


@pytest.mark.parametrize("verb", ["receive", "attend"])
def test_a_broken_launcher_is_named(experiment, ticket, verb):
    """A submission ends with one error; its cause is the plugin's own."""

    class Broken(Spool):
        pass

    setattr(Broken, verb, lambda *_: 1 / 0)
    register(lambda _: Broken())
    with pytest.raises(OfferError, match="launcher of target 'elsewhere' of plugin 'acme' failed: ZeroDiv") as caught:
        _enter(experiment, ticket)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_who_waits_is_warned_and_waits_on(waiting, spool):
    """A scheduler that does not answer now may answer later."""
    run = waiting()
    spool.attend = lambda run_id: 1 / 0
    with pytest.warns(PluginWarning, match="ZeroDivisionError"):
        attend(run)
    spool.cancel = lambda run_id: 1 / 0
    with pytest.raises(OfferError, match="the run is marked"):
        ask_to_cancel(run)
    assert in_queue(run)


def _enter(experiment, ticket):
    made = structs.replace(ticket(), target=TARGET)
    enter(experiment, made, Family(made.run_id), {}, {}, {})


# -- one ticket --------------------------------------------------------------------------------------


def test_a_ticket_is_worked_off_in_this_process_too(waiting, workspace, log):
    """Whoever calls it waits for the script's end; a second time there is nothing to do."""
    run = waiting("print('hello')")
    before = signal.getsignal(signal.SIGTERM)

    assert alone.work_off(workspace.root, TARGET, run.id)

    assert (run.get_status(), log(run), in_queue(run)) == ("Completed", "hello\n", False)
    assert not alone.work_off(workspace.root, TARGET, run.id)
    assert not alone.work_off(workspace.root, TARGET, "nobody")
    assert signal.getsignal(signal.SIGTERM) is before


def test_two_processes_do_it_once(waiting, workspace, tmp_path):
    """A ticket is one process's alone."""
    run = waiting(f"import time; open({str(tmp_path / 'count')!r}, 'a').write('x'); time.sleep(1)")
    several = [process_for(run, workspace) for _ in range(3)]
    assert [one.wait(60) for one in several] == [0, 0, 0]
    assert (run.get_status(), (tmp_path / "count").read_text()) == ("Completed", "x")


def test_what_waits_is_withdrawn(waiting, workspace):
    """A run that nobody has begun ends at once; its ticket is gone."""
    run = waiting()
    assert not alone.is_worked_on(workspace, TARGET, run.id)
    assert alone.withdraw(workspace, TARGET, run.id)
    assert (run.get_status(), in_queue(run)) == ("Canceled", False)
    assert not alone.withdraw(workspace, TARGET, run.id)
    assert alone.is_worked_on(workspace, TARGET, run.id)  # there is nothing to do


def test_one_that_is_to_end_is_never_begun(waiting, workspace, tmp_path):
    """The mark is looked at first."""
    run = waiting(f"open({str(tmp_path / 'began')!r}, 'w')")
    run.cancel()
    assert not alone.work_off(workspace.root, TARGET, run.id)
    assert run.get_status() == "Canceled"
    assert not (tmp_path / "began").exists()


def test_a_process_that_is_told_to_end_cancels_its_run(waiting, workspace, tmp_path):
    """As a scheduler does whose time is up; whoever looks sees that somebody works on the run until then."""
    run = waiting(f"import time; open({str(tmp_path / 'began')!r}, 'w'); time.sleep(600)")
    process = process_for(run, workspace)
    eventually((tmp_path / "began").exists)
    assert alone.is_worked_on(workspace, TARGET, run.id)
    assert not alone.withdraw(workspace, TARGET, run.id)

    process.send_signal(signal.SIGTERM)

    assert process.wait(60) == 0
    assert run.get_status() == "Canceled"
    assert "was told to end" in run._record().notes[-1].message


def test_the_script_of_a_process_that_was_killed_is_waited_for(waiting, workspace, tmp_path):
    """It is not begun again: the next process sees how it ends."""
    go_on = tmp_path / "go on"
    run = waiting(
        f"""
        import os, time
        open({str(tmp_path / "pid")!r}, "a").write(f"{{os.getpid()}} ")
        while not os.path.exists({str(go_on)!r}): time.sleep(0.02)
        raise SystemExit(3)
        """
    )
    first = process_for(run, workspace)
    eventually(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text().endswith(" "))
    first.kill()
    first.wait()

    second = process_for(run, workspace)
    eventually(lambda: alone.is_worked_on(workspace, TARGET, run.id))
    go_on.touch()

    assert second.wait(60) == 0
    assert run.get_status() == "Failed"
    (pid,) = (tmp_path / "pid").read_text().split()
    assert gone(int(pid))


def test_secrets_that_nobody_hands_over_are_missing_and_told(waiting, workspace, log):
    """They come with the environment of the process; without it the script starts, and its run says what is missing."""
    given = waiting("import os; print(os.environ.get('ACME_KEY'))", withheld=["ACME_KEY"])
    bare = waiting("import os; print(os.environ.get('ACME_KEY'))", withheld=["ACME_KEY"])
    for run, secrets in ((given, {b"ACME_KEY": b"x"}), (bare, None)):
        assert process_for(run, workspace, secrets).wait(60) == 0
    assert (log(given), log(bare)) == ("x\n", "None\n")
    assert "ACME_KEY" in bare._record().notes[0].message
    assert not given._record().notes


def test_a_deleted_workspace_is_nothing_to_do(waiting, workspace):
    """A job that comes late finds nothing."""
    run = waiting()
    words = alone.command(workspace, TARGET, run.id)
    shutil.rmtree(workspace.root)
    assert subprocess.run(words, env=alone.environment(), check=False).returncode == 0
    assert not Path(workspace.root).exists()


def children():
    """Return the ids of processes that this one has to wait for."""
    listed = [task.read_text() for task in Path("/proc/self/task").glob("*/children")]
    return {int(pid) for pid in " ".join(listed).split()}


def test_started_here_it_is_nobodys_to_wait_for(waiting, workspace):
    """What it says lies in the queue's folder."""
    run, before = waiting(), children()
    began = time.monotonic()
    alone.start(workspace, TARGET, run.id)
    assert time.monotonic() - began < 20
    eventually(lambda: not in_queue(run))
    assert run.get_status() == "Completed"
    assert (workspace.queue(TARGET).folder / "launcher.log").exists()
    assert children() <= before


def test_one_that_works_alone_and_the_launcher_leave_each_other_their_tickets(waiting, workspace, tmp_path):
    """They meet where a plugin is installed for some processes only, or since a while: no run is ended twice."""
    go_on = tmp_path / "go on"
    script = f"import os, time\nopen({str(tmp_path)!r} + '/' + os.environ['AZUREML_RUN_ID'], 'w')\n"
    script += f"while not os.path.exists({str(go_on)!r}): time.sleep(0.02)\n"
    alones, launchers = waiting(script), waiting(script)
    process = process_for(alones, workspace)
    eventually((tmp_path / alones.id).exists)

    LocalLauncher(workspace.queue(TARGET)).attend(launchers.id)
    eventually((tmp_path / launchers.id).exists)
    assert alone.is_worked_on(workspace, TARGET, launchers.id)
    assert not alone.work_off(workspace.root, TARGET, launchers.id)
    go_on.touch()

    assert process.wait(60) == 0
    eventually(lambda: not in_queue(launchers))
    for run in (alones, launchers):
        assert statuses(run) == ["Queued", "Preparing", "Running", "Finalizing", "Completed"]


def statuses(run):
    """Return every status that a run has had, in order, from its journals."""
    events = [
        event
        for path in journal.files(run._folder)
        for batch in journal.read(path, Cursor())
        for event in batch.events
        if isinstance(event, StatusChanged)
    ]
    return [str(event.status) for event in sorted(events, key=lambda event: event.at)]
