"""Deleting, restoring and purging runs; archiving them."""

import io
import os
import time
from pathlib import Path

import pytest

from azml_integrations.core import Experiment, Model, Run, Workspace
from azml_integrations.core.label_verbs import ARCHIVED
from azml_integrations.errors import (
    ExperimentStateError,
    RunNotFoundError,
    RunStateError,
    StoreError,
    TrashEntryNotFoundError,
)
from azml_integrations.store import trash


def begin(experiment, **options) -> Run:
    return experiment.start_logging(outputs=False, snapshot_directory=None, **options)


@pytest.fixture
def parent(experiment) -> Run:
    """Give an ended run with a child and a grandchild."""
    with begin(experiment, display_name="alphas") as run:
        run.log("loss", 1.0)
        run.upload_file("outputs/model.bin", io.BytesIO(b"0" * 5000))
        with run.child_run("a") as child:
            child.log("loss", 2.0)
            child.child_run("b").complete()
    return run


def ids(workspace: Workspace) -> list[str]:
    return sorted(run.run_id for run in workspace.find_runs())


def test_a_deleted_run_can_be_restored(workspace, parent):
    """All that it said is there again, with its children and under its number."""
    before = ids(workspace)
    metrics = parent.get_metrics(recursive=True)

    entry = parent.delete()

    assert ids(workspace) == []
    assert (entry.experiment, entry.number, entry.label, entry.status) == ("trials", 1, "alphas", "Completed")
    assert sorted(entry.run_ids) == before
    assert entry.run_ids[0] == parent.id
    assert entry.size > 5000
    assert abs(entry.deleted_at - time.time()) < 60
    assert workspace.trash.list() == [entry]

    outcome = workspace.trash.restore(entry)

    assert (outcome.done, outcome.refused) == ([entry], {})
    assert ids(workspace) == before
    assert parent.get_metrics(recursive=True) == metrics
    assert (parent.number, len(workspace.trash)) == (1, 0)


def test_another_process_sees_it_go_and_come(workspace, parent):
    """Its index knows nothing of the verbs of this one."""
    other = Workspace._at(workspace.root)
    assert len(ids(other)) == 3
    entry = parent.delete()
    assert ids(other) == []
    workspace.trash.restore(entry)
    assert len(ids(other)) == 3


def test_a_run_that_goes_on_is_refused(workspace, experiment):
    """With the reason, also where it is a child that goes on; nothing is moved."""
    run = begin(experiment)
    child = run.child_run()
    with pytest.raises(RunStateError, match="goes on: a process writes to it; end it first"):
        run.delete()
    run.complete()
    with pytest.raises(RunStateError, match="has a child, trials/2, that goes on"):
        run.delete()
    assert workspace.trash.refusal(run.id) is not None
    assert len(ids(workspace)) == 2
    child.complete()
    assert workspace.trash.refusal(run.id) is None
    run.delete()


def test_a_handle_that_added_something_may_delete(workspace, parent):
    """Another one that holds the run open is a reason to refuse: what it adds would be lost from sight."""
    parent.tag("stage", "draft")
    other = Run(parent.experiment, parent.id)
    other.tag("stage", "prod")
    with pytest.raises(RunStateError, match="has ended, but a program or notebook still holds it open"):
        parent.delete()
    other._journal.close()
    parent.delete()


def test_a_dead_run_is_over(workspace, experiment):
    """A process that was killed keeps nobody from clearing up after it."""
    child = os.fork()
    if child == 0:
        try:
            begin(experiment, run_id="killed")
        finally:
            os.kill(os.getpid(), 9)
    os.waitpid(child, 0)
    assert workspace.get_run("killed").delete().status == "Failed"


def test_a_handle_does_not_bring_a_deleted_run_back(workspace, parent):
    """Whoever goes on with it is told; restoring it is not stood against."""
    handle = Run(parent.experiment, parent.id)
    entry = parent.delete()
    with pytest.raises(StoreError, match="No such file"):
        handle.log("loss", 3.0)
    with pytest.raises(RunNotFoundError):
        parent.delete()
    assert workspace.trash.restore(entry).refused == {}


def test_an_id_that_was_taken_meanwhile_is_kept(workspace, experiment):
    """The run in the trash waits until the other one has gone."""
    begin(experiment, run_id="mine").complete()
    first = workspace.get_run("mine").delete()
    begin(experiment, run_id="mine").complete()

    outcome = workspace.trash.restore(first)

    assert outcome.done == []
    assert "'mine' is there already" in outcome.refused[first.entry_id]
    second = workspace.get_run("mine").delete()
    assert [entry.number for entry in workspace.trash] == [2, 1]
    assert workspace.trash.get("mine") == second
    assert workspace.trash.restore(first).done == [first]
    assert workspace.get_run("mine").number == 1


def test_a_number_is_given_once(workspace, experiment, parent):
    """No run is given the number of one in the trash, also where the experiment's folder was removed by hand."""
    entry = parent.delete()
    other = begin(experiment)
    other.complete()
    assert other.number == 4
    workspace.trash.purge(other.delete())
    with pytest.raises(ExperimentStateError, match="has 1 deleted run in the trash; restore or purge them"):
        Experiment.delete(workspace, experiment.id)

    (workspace.root / "experiments").rename(workspace.root / "lost")
    workspace.trash.restore(entry)

    assert begin(Experiment(workspace, "trials")).number == 4


def test_several_are_deleted_in_one_go(workspace, experiment, parent):
    """A child goes with its parent, one that is refused stops no other, and what is not there is told."""
    living = begin(experiment)
    other = begin(experiment)
    other.complete()
    child = next(parent.get_children())

    outcome = workspace.trash.delete(child.id, living.id, other.id, parent.id, "nobody")

    assert sorted(entry.run_id for entry in outcome.done) == sorted([parent.id, other.id])
    assert child.id in outcome.run_ids
    assert set(outcome.refused) == {living.id, "nobody"}
    assert "goes on" in outcome.refused[living.id]


def test_purging_frees_the_disk(workspace, parent, experiment):
    """For good; an entry that is not there is told."""
    entry = parent.delete()
    outcome = workspace.trash.purge(entry, "nothing")
    assert outcome.done == [entry]
    assert outcome.freed > 5000
    assert outcome.refused == {"nothing": "no 'nothing' in the trash; `azml trash list` shows what is there"}
    assert (ids(workspace), workspace.trash.list()) == ([], [])
    with pytest.raises(TrashEntryNotFoundError):
        workspace.trash.get(entry.entry_id)


def test_old_entries_are_found(workspace, parent):
    parent.delete()
    assert workspace.trash.older_than(days=1) == []
    assert len(workspace.trash.older_than(days=-1)) == 1


def test_purging_follows_no_link(workspace, parent, tmp_path):
    """What a link in a run leads to is not the run's; a folder that was made read-only goes all the same."""
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "thesis.txt").write_text("years")
    folder = workspace.view.folder(parent.id)
    (folder / "link").symlink_to(precious)
    (folder / "outputs" / "file").symlink_to(precious / "thesis.txt")
    (folder / "outputs").chmod(0o555)

    workspace.trash.purge(parent.delete())

    assert (precious / "thesis.txt").read_text() == "years"
    assert workspace.trash.list() == []


def test_a_registered_model_outlives_its_run(workspace, parent):
    """Its files may be other names of the run's; they are said to stay, they stay, and count as nothing freed."""
    parent.register_model("net", "outputs/model.bin")
    (told,) = workspace.trash.origins([parent.id])
    assert told == f"model net:1 was registered from run {parent.id}; it has its own files and stays"
    entry = parent.delete()
    assert Model(workspace, "net").run is None
    workspace.trash.purge(entry)

    found = Model(workspace, "net").download(str(workspace.root.parent / "copy"))
    assert Path(found).read_bytes() == b"0" * 5000


def test_a_dataset_that_reads_a_run_is_named(workspace, parent):
    from azml_integrations.core import Dataset

    inside = workspace.view.folder(parent.id) / "outputs" / "model.bin"
    Dataset.File.from_files(str(inside)).register(workspace, "reads-a-run")
    (told,) = workspace.trash.origins([parent.id])
    assert told == f"dataset reads-a-run:1 reads files of run {parent.id}, and cannot be read without it"


def test_what_cannot_be_moved_stays_whole(workspace, parent, monkeypatch):
    """A disk that refuses in the middle leaves the run where it was, with all below it."""
    before, real, calls = ids(workspace), os.rename, []

    def refuse(source, target, **options):
        if os.fspath(source).startswith(str(workspace.root / "runs")):
            calls.append(source)
            if len(calls) == 3:
                raise OSError(28, "No space left on device")
        return real(source, target, **options)

    monkeypatch.setattr(os, "rename", refuse)
    with pytest.raises(StoreError, match=r"cannot delete .*No space left"):
        parent.delete()

    assert ids(workspace) == before
    assert trash.places(workspace.root) == []


def test_snapshots_of_deleted_runs_are_kept(workspace, experiment, tmp_path):
    """A run that is restored wants its source back."""
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "train.py").write_text("print(1)\n")
    run = experiment.start_logging(outputs=False, snapshot_directory=str(tmp_path / "src"))
    run.complete()
    snapshot = run.get_snapshot_id()
    entry = run.delete()
    assert workspace._snapshots_in_use() == {snapshot}
    workspace.trash.purge(entry)
    assert workspace._snapshots_in_use() == set()


def test_an_entry_that_cannot_be_read_hides_no_other(workspace, experiment, parent):
    broken, whole = parent.delete(), None
    begin(experiment, run_id="other").complete()
    whole = workspace.get_run("other").delete()
    (trash.run_folder(workspace.root, broken, "x").parent.parent / "entry.json").write_text("{")
    assert workspace.trash.list() == [whole]


# -- archive -----------------------------------------------------------------------------------------


def test_a_run_is_put_away_and_taken_out_again(experiment):
    """It is a tag with the moment; twice is harmless."""
    run = begin(experiment)
    run.complete()
    run.reactivate()
    assert run.archived_time is None
    run.archive()
    first = run.archived_time
    run.archive()
    assert run.archived_time == first
    assert abs(first.timestamp() - time.time()) < 60
    assert run.tags == {ARCHIVED: first.isoformat(timespec="seconds")}
    run.reactivate()
    assert run.tags == {}


def test_a_tag_by_hand_archives_too(experiment):
    run = begin(experiment)
    run.tag(ARCHIVED, "yes")
    assert run.archived_time.timestamp() == 0
