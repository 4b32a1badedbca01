"""SIGKILL between any two steps of a deletion, a restoration and a purge."""

import pytest
from worlds import told

from azml_integrations.core import Workspace
from azml_integrations.store import trash
from azml_integrations.store.doctor import Examination, mended

ROUND = """
verb = sys.argv[1]

def family(experiment):
    with experiment.start_logging(run_id="a", outputs=False, snapshot_directory=None) as run:
        run.log("loss", 1.0)
        with run.child_run(run_id="a-child") as child:
            child.log("loss", 2.0)
            child.child_run(run_id="a-grandchild").complete()
    return run

def killed_at(step, act):
    # tell whether the process was killed before its step, counted over all that it asks of the disk
    child = os.fork()
    if child == 0:
        left = [step]
        def watch(event, arguments):
            asks = event in ("os.rename", "os.mkdir", "os.rmdir", "os.remove", "os.chmod")
            writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
            if (asks or writes) and ("trash" in str(arguments) or event == "os.remove"):
                if not left[0]:
                    os.kill(os.getpid(), signal.SIGKILL)
                left[0] -= 1
        sys.addaudithook(watch)
        try:
            act()
        finally:
            os._exit(0)
    return os.waitpid(child, 0)[1] == signal.SIGKILL

def act(run):
    match verb:
        case "delete": return run.delete
        case "restore": return lambda entry=run.delete(): run.experiment.workspace.trash.restore(entry)
        case "purge": return lambda entry=run.delete(): run.experiment.workspace.trash.purge(entry)

for step in range(100):
    place = Workspace.create(f"{verb}-{step}")
    run = family(Experiment(place, "trials"))
    if not killed_at(step, act(run)):
        break
    say(place.name)
say("end")
"""


FAMILY = ["a", "a-child", "a-grandchild"]


def places(workspace: Workspace) -> list[int]:
    """Return in how many places the folder of each run lies."""
    entries = [place / "runs" for place in trash.places(workspace.root)]
    return [sum((runs / run_id).exists() for runs in (workspace.root / "runs", *entries)) for run_id in FAMILY]


def shown(workspace: Workspace) -> list[str]:
    return sorted(run.run_id for run in workspace.find_runs())


def listed(workspace: Workspace) -> list[str]:
    return sorted(run_id for entry in workspace.trash for run_id in entry.run_ids)


@pytest.mark.parametrize("verb", ["delete", "restore"])
def test_a_run_is_in_one_place_wherever_it_is_killed(program, verb):
    """Never in both, never in none; and whoever uses the trash next finds the family whole."""
    *names, _ = program(ROUND, verb).ended()
    ends = []
    for workspace in map(Workspace.get, names):
        assert places(workspace) == [1, 1, 1]
        assert ("a" in listed(workspace)) != ("a" in shown(workspace))

        workspace.trash.restore("nothing")

        assert trash.unsettled(workspace.root) == []
        assert [shown(workspace), listed(workspace)] in ([FAMILY, []], [[], FAMILY])
        ends.append(shown(workspace) == FAMILY)
    assert len(ends) > 6
    assert any(ends)


def test_a_run_that_is_purged_is_there_or_gone(program):
    """What is half deleted is never restored, and the doctor gives its space back."""
    *names, _ = program(ROUND, "purge").ended()
    states = set()
    for workspace in map(Workspace.get, names):
        findings = [one for one in Examination(workspace.root, None).findings() if one.topic == "left over"]
        assert all(mended(finding)[0] for finding in findings)
        assert trash.leftovers(workspace.root) == []
        states.add((*places(workspace), bool(findings)))
    assert {(1, 1, 1, False), (0, 0, 0, True)} <= states <= {(1, 1, 1, False), (0, 0, 0, True), (0, 0, 0, False)}


def test_the_doctor_ends_what_was_interrupted(program):
    """A fault is told, mended, and told no more."""
    *names, _ = program(ROUND, "delete").ended()
    interrupted = 0
    for workspace in map(Workspace.get, names):
        found = [one for one in Examination(workspace.root, None).findings() if one.topic == "trash interrupted"]
        for finding in found:
            assert mended(finding) == (True, "put back what was left of 1 entry")
        interrupted += len(found)
        assert [
            one.level for one in Examination(workspace.root, None).findings() if one.topic.startswith("trash")
        ] == []
        assert set(told(workspace)) == set(FAMILY)
    assert interrupted > 1


CROWD = """
import random
for place in range(4):
    with begin(run_id=f"run-{place}") as run:
        run.child_run(run_id=f"run-{place}-child").complete()
say("made")
children = []
for seed in range(4):
    child = os.fork()
    if child == 0:
        dice = random.Random(seed)
        try:
            for _ in range(25):
                name = f"run-{dice.randrange(4)}"
                workspace.trash.delete(name, f"{name}-child") if dice.random() < 0.5 else workspace.trash.restore(name)
        except BaseException as error:
            say(repr(error))
        finally:
            os._exit(0)
    children.append(child)
for child in children:
    os.waitpid(child, 0)
say("end")
"""


def test_many_delete_and_restore_at_once(program):
    """Each finds the trash as the one before has left it; no run is lost, and none is there twice."""
    said = program(CROWD).ended()
    workspace = Workspace.get("test")

    assert said == ["made", "end"]
    assert sorted([*shown(workspace), *listed(workspace)]) == sorted(
        f"run-{place}{below}" for place in range(4) for below in ("", "-child")
    )
    assert trash.unsettled(workspace.root) == []
    assert trash.leftovers(workspace.root) == []
