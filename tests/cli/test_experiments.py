"""``azml experiment``: what is listed and shown."""

from azml_integrations.core import Experiment


def test_experiments_count_their_runs(azml, workspace, ended, experiment):
    """How many runs stand how, and when the last one began; children are counted apart."""
    Experiment(workspace, "empty")
    ended()
    failed = experiment.start_logging(outputs=False, snapshot_directory=None)
    failed.child_run().complete()
    failed.fail()

    empty, trials = azml("experiment", "list", "--output", "json").json

    assert (empty["name"], empty["runs"], empty["status"], empty["last_run_at"]) == ("empty", 0, {}, None)
    assert (trials["runs"], trials["children"]) == (2, 1)
    assert trials["status"] == {"Failed": 1, "Completed": 1}
    assert trials["last_run_id"] == failed.id
    assert azml("experiment", "list").lines[0].split()[:4] == ["experiment", "runs", "Completed", "Failed"]


def test_archived_experiments_are_put_away(azml, workspace, experiment):
    """They are listed when asked for."""
    experiment.archive()

    assert azml("experiment", "list", "--output", "json").json == []
    assert "no experiments" in azml("experiment", "list").err
    assert azml("experiment", "list", "--all", "--output", "json").json[0]["archived"] is True
    assert "(archived)" in azml("experiment", "show", "trials").out


def test_an_experiment_shows_the_extremes_of_each_metric(azml, ended):
    """Which run was the best, whichever way up the metric is read."""
    low, high = ended(mse=[5.0, 1.0], text="x"), ended(mse=4.0)

    shown = azml("experiment", "show", "trials", "--output", "json").json

    assert shown["metrics"] == [
        {"name": "mse", "runs": 2, "min": 1.0, "max": 5.0, "min_run_id": low.id, "max_run_id": low.id}
    ]
    assert azml("experiment", "show", "trials", "--output", "csv").lines[0] == "name,runs,min,min_run_id,max,max_run_id"
    assert high.id[:8] in azml("experiment", "show", "trials").out


def test_an_unknown_experiment_is_not_found(azml, experiment):
    """The answer names those that are there."""
    assert "there are: trials" in azml("experiment", "show", "trails", code=3).err


def test_runs_copied_in_are_listed_without_their_experiment_s_folder(azml, ended, workspace):
    """A run folder is complete in itself."""
    import shutil

    ended()
    shutil.rmtree(workspace.root / "experiments")

    assert azml("experiment", "list", "--output", "json").json[0]["runs"] == 1
    assert azml("experiment", "show", "trials", "--output", "json").json["runs"] == 1
