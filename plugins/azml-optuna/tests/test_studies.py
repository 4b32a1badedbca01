"""A study is a run, each trial a child of it, while it is under way."""

import traceback

import optuna
import pytest

from azml_integrations import Run, autolog, current_run


def study_of(**kwargs):
    return optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0), **kwargs)


def parabola(trial):
    return (trial.suggest_float("x", -3, 3) - 1) ** 2


def test_a_study_is_a_run_and_its_trials_are_children(runs, trials):
    """What somebody looks for: the study by its name, what was tried, what came out."""
    study_of(study_name="parabola", direction="minimize").optimize(parabola, n_trials=3)

    (run,) = runs()
    assert (run.name, run.status) == ("parabola", "Completed")
    told = run.properties
    assert told["study"] == "parabola"
    assert told["directions"] == "minimize"
    assert (told["sampler"], told["pruner"], told["pruner.n_startup_trials"]) == ("RandomSampler", "MedianPruner", "5")
    children = trials(run)
    assert [child.name for child in children] == ["parabola>trial 0", "parabola>trial 1", "parabola>trial 2"]
    assert [child.status for child in children] == ["Completed"] * 3
    values = [child.get_metrics()["objective"] for child in children]
    assert values == [(float(child.properties["param.x"]) - 1) ** 2 for child in children]
    assert run.get_metrics()["objective"] == values
    assert [point.step for point in run.metric_points("objective")] == [0, 1, 2]


def test_a_trial_appears_while_it_is_under_way(runs, trials):
    """The page shows a training of hours from its first parameter on."""
    seen = []

    def objective(trial):
        trial.suggest_float("x", 0, 1)
        trial.suggest_int("n", 2, 2)
        trial.suggest_categorical("k", ["a"])
        trial.set_user_attr("who", ["me", 1])
        trial.report(0.5, step=7)
        (run,) = runs()
        (child,) = trials(run)
        seen.append((run.status, child.status, child.properties, child.tags, child.metric_points("intermediate_value")))
        return 1.0

    study_of().optimize(objective, n_trials=1)

    ((study, status, properties, tags, points),) = seen
    assert (study, status) == ("Running", "Running")
    assert 0 <= float(properties["param.x"]) <= 1
    assert (properties["param.n"], properties["param.k"]) == ("2", "a")
    assert tags == {"who": '["me", 1]'}
    assert [(point.step, point.value) for point in points] == [(7, 0.5)]


def test_a_pruned_trial_is_canceled_and_tells_its_step(runs, trials):
    """It did not fail; somebody stopped it, at a step that matters."""

    def objective(trial):
        for step in range(10):
            trial.report(trial.number, step)
            if trial.number == 1 and step == 3:
                raise optuna.TrialPruned
        return 1.0

    study_of().optimize(objective, n_trials=2)

    (run,) = runs()
    done, pruned = trials(run)
    assert (done.status, pruned.status, run.status) == ("Completed", "Canceled", "Completed")
    assert pruned.properties["pruned_step"] == "3"
    assert len(pruned.metric_points("intermediate_value")) == 4
    assert "objective" not in pruned.get_metrics()


def test_a_caught_error_fails_its_trial_only(runs, trials):
    """`catch=` keeps the study going, and the run says which trial broke, and how."""

    def objective(trial):
        if trial.number == 1:
            raise ValueError("singular matrix")
        return 1.0

    study_of().optimize(objective, n_trials=3, catch=ValueError)

    (run,) = runs()
    assert run.status == "Completed"
    assert [child.status for child in trials(run)] == ["Completed", "Failed", "Completed"]
    error = trials(run)[1].get_details()["error"]["error"]
    assert "ValueError: singular matrix" in error["message"]
    assert run.get_metrics()["trials"]["state"] == ["COMPLETE", "FAIL", "COMPLETE"]


def test_an_error_leaves_as_it_came(runs, trials):
    """The user's exception, with the user's frames; study and trial are Failed."""
    ours = KeyError("mine")

    def objective(trial):
        raise ours

    with pytest.raises(KeyError) as caught:
        study_of().optimize(objective, n_trials=3)

    assert caught.value is ours
    frames = [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert frames.count("objective") == 1
    (run,) = runs()
    assert run.status == "Failed"
    assert [child.status for child in trials(run)] == ["Failed"]
    assert current_run() is None


def test_an_interrupted_study_is_canceled_and_summed_up(runs, trials):
    """Ctrl-C is how studies are stopped; what was found until then counts."""

    def objective(trial):
        if trial.number == 2:
            raise KeyboardInterrupt
        return float(trial.number)

    with pytest.raises(KeyboardInterrupt):
        study_of().optimize(objective, n_trials=5)

    (run,) = runs()
    assert run.status == "Canceled"
    assert [child.status for child in trials(run)] == ["Completed", "Completed", "Failed"]
    assert run.tags["best_trial"] == "0"


def test_a_value_that_optuna_refuses_fails_the_trial(runs, trials):
    """Nothing was raised, so the run says what was returned."""
    study_of().optimize(lambda trial: float("nan"), n_trials=1)

    (child,) = trials(runs()[0])
    assert child.status == "Failed"
    assert "nan" in child.get_details()["error"]["error"]["message"]


def test_what_the_objective_logs_lands_in_its_trial(runs, trials):
    """Also in threads, of which each has its own trial."""

    def objective(trial):
        Run.get_context().log("mine", trial.number)
        current_run().tag("number", str(trial.number))
        return 1.0

    study_of().optimize(objective, n_trials=6, n_jobs=2)

    (run,) = runs()
    assert run.status == "Completed"
    assert [child.get_metrics()["mine"] for child in trials(run)] == [0, 1, 2, 3, 4, 5]
    assert [child.tags["number"] for child in trials(run)] == ["0", "1", "2", "3", "4", "5"]


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_what_a_callback_logs_lands_in_the_study(runs, trials, n_jobs):
    """Between two trials the study's run is the current one; after the study none is."""

    def callback(study, frozen):
        Run.get_context().log("seen", frozen.number)

    study_of().optimize(lambda trial: 1.0, n_trials=4, n_jobs=n_jobs, callbacks=[callback])

    (run,) = runs()
    assert sorted(run.get_metrics()["seen"]) == [0, 1, 2, 3]
    assert current_run() is None


def test_several_calls_continue_one_run(runs, trials, experiment):
    """The study is one, however often it is continued; its table has no row twice."""
    study = study_of()
    for _ in range(3):
        study.optimize(parabola, n_trials=2)

    (run,) = runs()
    assert run.status == "Completed"
    assert len(trials(run)) == 6
    assert run.get_metrics()["trials"]["number"] == [0, 1, 2, 3, 4, 5]
    best = study.best_trial
    assert run.tags["best_trial"] == str(best.number)
    assert run.tags["best.x"] == repr(best.params["x"])
    assert run.tags["best_child_run_id"] == trials(run)[best.number].id
    assert run.metric_points("best_value")[-1].value == study.best_value


def test_another_handle_on_a_study_finds_its_run(runs, trials, tmp_path):
    """Tomorrow's program goes on with the study that today's began."""
    storage = f"sqlite:///{tmp_path}/s.db"
    study_of(study_name="s", storage=storage).optimize(parabola, n_trials=2)
    autolog(False)  # what a new process knows
    autolog("optuna", silent=True, log_images=False)
    again = optuna.load_study(study_name="s", storage=storage)
    again.optimize(parabola, n_trials=1)

    (run,) = runs()
    assert [child.properties["trial"] for child in trials(run)] == ["0", "1", "2"]
    assert run.status == "Completed"
    assert again.user_attrs == {}
    assert again._storage.get_study_system_attrs(again._study_id) == {}


def test_two_studies_of_one_name_are_two_runs(runs):
    """A script that is started twice tunes twice."""
    for _ in range(2):
        study_of(study_name="tune").optimize(parabola, n_trials=1)

    assert [run.name for run in runs()] == ["tune", "tune"]


def test_a_study_stands_in_the_users_run(runs, trials, experiment):
    """Who has begun a run wants it there; a second study is a child, and the run stays the user's to end."""
    with experiment.start_logging(outputs=False, snapshot_directory=None) as run:
        study_of(study_name="one").optimize(parabola, n_trials=2)
        assert run.get_status() == "Running"
        study_of(study_name="two").optimize(parabola, n_trials=1)

    (found,) = runs()
    assert found.id == run.id
    assert found.properties["study"] == "one"
    assert [child.properties.get("trial") for child in trials(found)] == [None, "0", "1"]
    second = trials(found)[0]
    assert (second.properties["study"], len(list(second.get_children()))) == ("two", 1)


def test_a_study_within_a_trial_is_a_child_of_the_trial(runs, trials):
    """Nested studies keep their shape."""

    def outer(trial):
        inner = study_of(study_name=f"inner {trial.number}")
        inner.optimize(parabola, n_trials=2)
        return inner.best_value

    study_of(study_name="outer").optimize(outer, n_trials=2)

    (run,) = runs()
    for number, trial in enumerate(trials(run)):
        (inner,) = trial.get_children()
        assert inner.properties["study"] == f"inner {number}"
        assert len(list(inner.get_children())) == 2
        assert trial.status == inner.status == "Completed"


def test_several_objectives_have_their_names(runs, trials):
    """The user's names, else numbered ones."""

    def objective(trial):
        x = trial.suggest_float("x", 0, 1)
        return x, 1 - x

    named = study_of(study_name="named", directions=["minimize", "maximize"])
    with pytest.warns(optuna.exceptions.ExperimentalWarning):
        named.set_metric_names(["loss", "accuracy"])
    named.optimize(objective, n_trials=3)
    study_of(study_name="plain", directions=["minimize", "minimize"]).optimize(objective, n_trials=3)

    first, second = runs()
    assert {"loss", "accuracy"} <= trials(first)[0].get_metrics().keys()
    assert {"objective_0", "objective_1"} <= trials(second)[0].get_metrics().keys()
    assert first.properties["directions"] == "minimize, maximize"
    assert set(first.get_metrics()["trials"]) >= {"values_loss", "values_accuracy", "params_x", "state"}
    assert second.tags["best_trials"] == "0, 1, 2"


def test_an_enqueued_trial_is_recorded_as_it_was_wanted(runs, trials):
    """Its parameters, and the attributes that it was given beforehand."""
    study = study_of()
    study.enqueue_trial({"x": 0.25}, user_attrs={"from": "a colleague"})
    study.optimize(parabola, n_trials=1)

    (child,) = trials(runs()[0])
    assert child.properties["param.x"] == "0.25"
    assert child.tags == {"from": "a colleague"}


def test_a_study_that_is_stopped_has_ended_well(runs, trials):
    """`study.stop()` and a timeout are ends that the user chose; no trial at all leaves no run."""

    def objective(trial):
        trial.study.stop()
        return 1.0

    study_of().optimize(objective)
    study_of().optimize(parabola, timeout=0)

    (run,) = runs()
    assert (run.status, len(trials(run))) == ("Completed", 1)


def test_beyond_the_cap_trials_are_rows_only(experiment, trials, notes):
    """A study of 100,000 trials makes no 100,000 folders, and the run says so."""
    autolog("optuna", silent=True, log_images=False, max_child_runs=2)
    study_of().optimize(parabola, n_trials=5)

    (run,) = experiment.get_runs()
    assert len(trials(run)) == 2
    assert len(run.get_metrics()["trials"]["number"]) == 5
    assert len(run.get_metrics()["objective"]) == 5
    assert any("3 trials have no run" in note for note in notes(run))


def test_the_fits_of_a_study_are_its_trials(runs):
    """`run.fits()` compares what was tried, as it does for any search."""
    study_of().optimize(parabola, n_trials=3)

    table = runs()[0].fits()
    assert len(table) == 3
    assert list(table.parameters) == ["x"]
    assert "objective" in table.metrics


def test_the_best_trial_may_have_other_parameters(runs):
    """What the tags say is one trial, not a mixture of two."""

    def objective(trial):
        if trial.number:
            return trial.suggest_float("late", 0, 0.5)
        return trial.suggest_float("early", 1, 2)

    study = study_of()
    for _ in range(2):
        study.optimize(objective, n_trials=1)

    assert {tag for tag in runs()[0].tags if tag.startswith("best.")} == {"best.late"}


def test_an_error_in_a_thread_ends_all_trials(runs, trials):
    """The others finish first, as Optuna has it, and nothing stays Running."""

    def objective(trial):
        trial.suggest_float("x", 0, 1)
        if trial.number == 3:
            raise RuntimeError("boom")
        return 1.0

    with pytest.raises(RuntimeError, match="boom"):
        study_of().optimize(objective, n_trials=20, n_jobs=2)

    (run,) = runs()
    assert run.status == "Failed"
    assert trials(run)[3].status == "Failed"
    assert {child.status for child in trials(run)} == {"Completed", "Failed"}


def test_an_error_in_a_callback_is_no_failed_trial(runs, trials):
    """The trial was done; the study was ended by the callback."""

    def callback(study, frozen):
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        study_of().optimize(parabola, n_trials=3, callbacks=[callback])

    (run,) = runs()
    assert (run.status, [child.status for child in trials(run)]) == ("Failed", ["Completed"])


def test_many_nested_studies_are_not_all_remembered(runs, monkeypatch):
    """A study that was forgotten finds its run again."""
    from azml_optuna import session

    monkeypatch.setattr(session, "MOST_REMEMBERED", 2)
    first = study_of(study_name="first")
    first.optimize(parabola, n_trials=1)
    for _ in range(4):
        study_of().optimize(parabola, n_trials=1)
    first.optimize(parabola, n_trials=1)

    assert len(runs()) == 5
    assert len(list(runs()[0].get_children())) == 2
    assert runs()[0].get_metrics()["trials"]["number"] == [0, 1]
