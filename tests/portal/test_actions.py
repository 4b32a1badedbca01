"""What a page may do."""

from pathlib import Path

import pytest

from azml_integrations.core import Experiment, Run

HEADERS = {"X-Azml": "1"}


@pytest.fixture
def act(studio, run):
    def call(status=200, path=None, **body):
        answer = studio.post(path or f"/api/runs/{run.id}", json=body, headers=HEADERS)
        assert answer.status_code == status, answer.text
        return answer

    return call


def test_labels_are_changed_from_the_page(act, run, studio):
    """The run knows at once, and so does the page."""
    act(action="tag", key="stage", value="prod")
    act(action="tag", key="bare", value="")
    act(action="name", text="the best")
    act(action="describe", text="alpha by hand <b>")
    assert (run.tags, run.display_name, run.description) == (
        {"stage": "prod", "bare": None},
        "the best",
        "alpha by hand <b>",
    )
    page = studio.get(f"/runs/{run.id}").text
    assert "the best" in page
    assert "alpha by hand &lt;b&gt;" in page
    act(action="untag", key="stage")
    assert run.tags == {"bare": None}


def test_a_run_is_canceled_from_the_page(act, run):
    act(action="cancel")
    assert Run.get(run.experiment.workspace, run.id).get_status() == "Canceled"


def test_an_experiment_is_archived_and_taken_out_again(act, studio, experiment):
    path = f"/api/experiments/{experiment.name}"
    act(path=path, action="archive")
    assert experiment.name not in studio.get("/").text
    assert experiment.name in studio.get("/?archived=1").text
    act(path=path, action="reactivate")
    assert Experiment(experiment.workspace, experiment.name).archived_time is None


def test_what_is_no_action_is_refused(act):
    act(400, action="delete everything")
    act(400, action="tag")
    act(400, action="tag", key=["a"])
    act(400, action="tag", key="a\0b", value="c")
    act(404, path="/api/experiments/none", action="archive")


def test_a_page_holds_no_journal_open(act, run):
    """Each action is a guest's: it writes its line and goes."""
    before = len(list(Path("/proc/self/fd").iterdir()))
    for number in range(20):
        act(action="tag", key="n", value=str(number))
    assert len(list(Path("/proc/self/fd").iterdir())) <= before + 1
