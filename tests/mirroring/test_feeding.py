"""A mirror gets every event, off the user's thread; one that is down costs nothing and loses nothing."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import warnings

import msgspec
import pytest
from queues import eventually

from azml_integrations import Mirror, ScriptRunConfig, hookimpl, journal
from azml_integrations.errors import PluginWarning
from azml_integrations.mirroring import Follower, followers, mirrors
from azml_integrations.plugins import plugins
from azml_integrations.records import MetricPoint, StatusChanged
from azml_integrations.store.mirrors import Ledger, known, open_again


def values(mirror, run):
    return [event.value for event in mirror.events(run.id) if isinstance(event, MetricPoint)]


def test_a_mirror_gets_what_happens_while_it_happens(mirror, begin, written):
    """From a thread that is not the user's; in the end it has all, in order."""
    run = begin()
    for step in range(50):
        run.log("loss", step)
    eventually(lambda: values(mirror, run) == list(range(50)), 20)
    assert threading.get_ident() not in mirror.threads

    run.complete()
    followers().end()
    assert mirror.events(run.id) == written(run.id)
    assert mirror.events(run.id)[-1].status == "Completed"
    assert (mirror.begun, mirror.closed) == (1, 1)


def test_children_are_runs_too(mirror, begin, written):
    """Each run of the process is followed."""
    run = begin()
    child = run.child_run()
    child.log("loss", 1.0)
    child.complete()
    run.complete()
    followers().end()
    assert mirror.events(child.id) == written(child.id)


@pytest.mark.filterwarnings("ignore::azml_integrations.errors.PluginWarning")
def test_a_mirror_that_is_down_gets_all_of_it_later(mirror, begin, written, workspace, monkeypatch):
    """Training goes on as if it were not there; the end of the program does not wait for it."""
    monkeypatch.setattr("azml_integrations.mirroring.feeding.POLL", 0.01)
    mirror.error = ConnectionError("no route")
    run = begin()
    for step in range(20):
        run.log("loss", step)
    (ledger,) = known(workspace.root)
    eventually(lambda: ledger.state().failures >= 2, 20)
    assert ledger.state().fault == "ConnectionError: no route"
    run.complete()
    began = time.monotonic()
    followers().end()
    assert time.monotonic() - began < END_OF_ONE_THAT_IS_DOWN
    assert run.get_status() == "Completed"
    assert [note for note in run._record().notes if note.source != "plugin core"] == []

    mirror.error = None
    begin().complete()  # the next program of this workspace
    followers().end()
    assert mirror.events(run.id) == written(run.id)
    assert ledger.state().fault is None


END_OF_ONE_THAT_IS_DOWN = 0.5
"""Nearly nothing [s]; the margin is for a busy machine."""


def test_one_that_is_down_is_warned_of_once(mirror, begin, follower, workspace):
    """And stops no other: each has its own thread."""
    mirror.error = ConnectionError("no route")
    run = begin()
    followers().end()
    one = follower()
    one.ledger.open(run.id)
    with pytest.warns(PluginWarning, match="mirror 'memory': ConnectionError: no route; nothing is lost"):
        assert one.look() == 1.0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert [one.look() for _ in range(8)] == [2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0]
    assert mirror.closed == mirror.begun
    mirror.error = None
    assert one.look() == 0.5
    run.complete()


@pytest.mark.filterwarnings("ignore::azml_integrations.errors.PluginWarning")
@pytest.mark.parametrize("error", [ImportError("no library"), SystemExit(2), KeyError("url")])
def test_one_that_cannot_begin_stops_no_other(offer, remembering, begin, written, workspace, error):
    """Its fault is kept; the other has everything."""
    sound = remembering()
    offer(broken=error, sound=sound)
    run = begin()
    run.log("loss", 1.0)
    run.complete()
    followers().end()
    assert sound.events(run.id) == written(run.id)
    states = {ledger.name: ledger.state().fault for ledger in known(workspace.root)}
    assert states == {"broken": f"{type(error).__name__}: {error}", "sound": None}


def test_one_that_hangs_delays_the_end_of_a_run_by_nothing(offer, begin, monkeypatch):
    """The end of a run does not wait for it, that of the program for so long and no longer."""
    monkeypatch.setattr("azml_integrations.mirroring.feeding.END_ALLOWANCE", 0.1)
    go_on, left, waited = threading.Event(), threading.Event(), []
    join = Follower.join
    monkeypatch.setattr(Follower, "join", lambda one, timeout: waited.append(timeout) or join(one, timeout))

    class Hanging:
        begun = 0

        def apply(self, run_id, batch):
            hanging.set()
            go_on.wait(60)
            left.set()

    hanging = threading.Event()
    offer(hanging=Hanging())
    run = begin()
    assert hanging.wait(20)
    run.complete()
    assert waited == []
    followers().end()
    assert len(waited) == 1
    assert waited[0] <= 0.1
    assert not left.is_set()
    go_on.set()


def test_a_run_is_taken_over_from_a_dead_process(mirror, begin, follower, workspace, written):
    """Also one whose journals have been sealed meanwhile, in the middle of which the mirror stood."""
    run = begin()
    for step in range(10):
        run.log("loss", step)
    followers().end()
    had = len(mirror.events(run.id))
    assert had > 10
    for step in range(10, 20):
        run.log("loss", step)
    run.complete()
    assert list(workspace.view.seal_all()) == [run.id]
    assert len(mirror.events(run.id)) == had

    one = follower()
    one.look()
    assert mirror.events(run.id) == written(run.id)
    assert one.ledger.live() == []
    assert one.look() is None


def test_a_batch_that_was_under_way_comes_again_as_it_was(mirror, begin, follower):
    """Whatever has come since: so a mirror that has it can pass over it."""
    run = begin()
    followers().end()
    mirror.batches.clear()
    one = follower()
    run.log("loss", 1.0)
    mirror.error = ConnectionError()
    with pytest.warns(PluginWarning):
        one.look()
    begun = one.ledger.position(run.id)
    assert begun.end > 0
    run.log("loss", 2.0)
    mirror.error = None
    one.look()

    (first, second) = [batch for of, batch in mirror.batches]
    assert first.after.offset == begun.end == second.before.offset
    assert values(mirror, run) == [1.0, 2.0]
    run.complete()


def test_one_process_follows_for_all(mirror, begin, follower, workspace):
    """Whoever holds the lock feeds the mirror with everybody's runs; when it lets go, the next one does."""
    run = begin()
    followers().end()
    mirror.batches.clear()
    first, second = follower(), follower()
    first.ledger.open(run.id)
    run.log("loss", 1.0)
    first.look()
    run.log("loss", 2.0)
    assert second.look() == 0.5
    assert values(mirror, run) == [1.0]
    first.release()
    second.look()
    assert values(mirror, run) == [1.0, 2.0]
    second.release()
    run.complete()


def test_what_a_guest_adds_to_an_ended_run_is_followed(mirror, begin, follower, experiment):
    """Lightning finalizes and then tests: points may follow the end."""
    run = begin()
    run.complete()
    followers().end()
    assert follower().ledger.live() == []
    run.log("late", 5)
    one = follower()
    assert one.ledger.live() == [run.id]
    one.look()
    assert values(mirror, run) == [5]


def test_a_verdict_that_the_doctor_writes_is_followed(mirror, begin, follower, workspace):
    """Whoever writes to a run has the mirrors look at it."""
    run = begin()
    run.complete()
    followers().end()
    book = journal.Journal(workspace.view.folder(run.id))
    book.append(StatusChanged("Failed", time.time()))
    book.close()
    assert follower().ledger.live() == []
    open_again(workspace.root, run.id)
    follower().look()
    assert mirror.events(run.id)[-1].status == "Failed"


def test_the_end_of_a_submitted_script_is_followed(mirror, begin, experiment, queue, follower, tmp_path):
    """Of a mirror that its launcher does not know; any other process of the workspace gives it the run to its end."""
    begin().complete()
    (tmp_path / "job").mkdir()
    (tmp_path / "job" / "script.py").write_text(
        "from azml_integrations import Run\nRun.get_context().log('inside', 3)\n"
    )
    run = experiment.submit(ScriptRunConfig(source_directory=str(tmp_path / "job"), script="script.py"))
    run.wait_for_completion()
    followers().end()
    one = follower()
    eventually(lambda: (one.look(), run.id not in one.ledger.live())[1])
    assert values(mirror, run) == [3]
    statuses = [event.status for event in mirror.events(run.id) if isinstance(event, StatusChanged)]
    assert "Completed" in statuses
    one.release()


def test_a_submitted_script_is_mirrored_though_nobody_stays(guide, experiment, queue, mirrored, written, tmp_path):
    """Its launcher has a process follow it while it runs, until the mirror has its last status; then it is gone."""
    (tmp_path / "job").mkdir()
    (tmp_path / "job" / "script.py").write_text(
        "import time\nfrom pathlib import Path\nfrom azml_integrations import Run\n"
        "Run.get_context().log('inside', 3)\n"
        "until = time.monotonic() + 30\n"
        f"while time.monotonic() < until and b'inside' not in Path({str(guide)!r}).read_bytes():\n"
        "    time.sleep(0.05)\n"
        f"assert b'inside' in Path({str(guide)!r}).read_bytes()\n"
    )
    guide.touch()
    run = experiment.submit(ScriptRunConfig(source_directory=str(tmp_path / "job"), script="script.py"))
    assert run.wait_for_completion()["status"] == "Completed"

    eventually(lambda: b'"status":"Completed"' in guide.read_bytes())
    eventually(lambda: not Ledger(experiment.workspace.root, "file").live())
    kept = [event for _, event in mirrored(run.id)]
    assert sorted(kept, key=json.dumps) == sorted(map(as_json, written(run.id)), key=json.dumps)


def test_a_run_from_before_the_mirror_waits_for_the_command(offer, remembering, begin, follower, written):
    """Nobody's training uploads the runs of a year."""
    old = begin()
    old.log("loss", 1.0)
    old.complete()
    mirror = remembering()
    offer(memory=mirror)
    begin().complete()
    followers().end()
    assert mirror.events(old.id) == []
    one = follower()
    one.ledger.open_all()
    one.look()
    assert mirror.events(old.id) == written(old.id)


def test_a_deleted_run_is_forgotten(mirror, begin, follower, workspace):
    """A mirror keeps what it has; there is nothing more to give."""
    run = begin()
    followers().end()
    run.complete()
    follower().ledger.open(run.id)
    workspace.delete_run(run.id) if hasattr(workspace, "delete_run") else _remove(workspace, run.id)
    one = follower()
    one.look()
    assert one.ledger.live() == []
    assert list(one.ledger.folder.rglob(run.id)) == []


def _remove(workspace, run_id):
    from azml_integrations.store import trash

    trash.discard(workspace.root, workspace.view.folder(run_id))


def test_names_never_become_paths_unchecked(offer, remembering, begin, workspace):
    """A mirror's name is a stranger's string; what lies in its folder is only believed where it is an id of a run."""

    class Plugin:
        @hookimpl
        def azml_mirrors(self):
            names = ["../../outside", "", "a/b", "nul", "same", "same"]
            return [*(Mirror(name, activate="json:dumps") for name in names), "no mirror"]

    plugins().register(Plugin(), "odd")

    def train():
        assert len(mirrors()) == 5
        begin().complete()
        followers().end()

    with pytest.warns(PluginWarning) as caught:
        train()
    told = {str(warning.message) for warning in caught}
    assert any(message.startswith("plugin 'odd': azml_mirrors: 'no mirror' is no") for message in told)
    assert any(message.startswith("the mirror '' is not followed") for message in told)
    folders = {path.name for path in (workspace.root / "mirrors").iterdir()}
    assert len(folders) == 4
    assert "same" in folders
    assert all(name == "same" or name.startswith("x-") for name in folders)
    assert not (workspace.root.parent / "outside").exists()
    ledger = known(workspace.root)[0]
    (ledger.folder / "live" / ".hidden").touch()
    (ledger.folder / "live" / "two words").touch()
    assert len(ledger.live()) <= 1


def test_a_forked_child_leaves_the_mirror_to_its_parent(mirror, begin, follower):
    """It neither feeds nor holds it; the parent goes on, and has what the child logged."""
    run = begin()
    eventually(lambda: mirror.batches, 20)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of threads that fork: that is what is tried
        pid = os.fork()
    if not pid:
        run.log("child", 7)
        os._exit(0 if not mirror.closed else 1)
    assert os.waitpid(pid, 0)[1] == 0
    eventually(lambda: 7 in values(mirror, run), 20)
    run.complete()
    followers().end()
    assert isinstance(mirror.events(run.id)[-1], (StatusChanged, MetricPoint))


def test_without_a_mirror_nothing_is_started(azml_home):
    """No thread, no import."""
    program = (
        "import sys, threading\n"
        "from azml_integrations import Experiment, Workspace\n"
        "with Experiment(Workspace.create('abc'), 'e').start_logging(outputs=False, snapshot_directory=None) as run:\n"
        "    run.log('a', 1)\n"
        "    assert threading.active_count() == 1\n"
        "assert 'azml_integrations.mirroring' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


VICTIM = """
import os, signal, sys, time
import azml_file_mirror
from azml_integrations import Experiment, Workspace, mirroring
from azml_integrations.store.mirrors import Ledger

where, after = sys.argv[1], int(sys.argv[2])

def die(countdown=[after]):
    countdown[0] -= 1
    if not countdown[0]:
        os.kill(os.getpid(), signal.SIGKILL)

class File:
    def __init__(self, file):
        self.file = file
    def write(self, line):
        self.file.write(line)
        if where == "line":
            self.file.flush()
            die()
    def __getattr__(self, name):
        return getattr(self.file, name)

begin = azml_file_mirror.activate
def activate(workspace):
    mirror = begin(workspace)
    mirror.file = File(mirror.file)
    return mirror
azml_file_mirror.activate = activate

save = Ledger.save
def counted(ledger, run_id, position):
    save(ledger, run_id, position) if where == "note" else None
    die() if where in ("mark", "note") and (where == "note" or not position.end) else None
    save(ledger, run_id, position)
Ledger.save = counted

run = Experiment(Workspace.get("test"), "trials").start_logging(outputs=False, snapshot_directory=None)
for _ in range(20_000):
    run.log("loss", 1.0)
    time.sleep(0.001)
"""


@pytest.mark.parametrize(
    ("where", "after"),
    [("line", 2), ("line", 40), ("mark", 1), ("mark", 3), ("note", 1), ("note", 2)],
    ids=str,
)
def test_killed_at_any_point_it_has_every_event_once(
    guide, workspace, mirrored, written, begin, follower, where, after
):
    """In the middle of a batch, after its mark and before the note of it, between two notes: SIGKILL is no excuse."""
    victim = [sys.executable, "-c", VICTIM, where, str(after)]
    assert subprocess.run(victim, timeout=60, check=False).returncode == -signal.SIGKILL
    (killed,) = [path.name for path in (workspace.root / "runs").iterdir()]

    begin().complete()
    followers().end()
    follower("file").look()
    events = written(killed)
    assert events
    assert [event for _, event in mirrored(killed)] == [as_json(event) for event in events]


def as_json(event):
    return msgspec.json.decode(msgspec.json.encode(event))
