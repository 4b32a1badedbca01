"""One action for many runs, and the trash."""

import csv
import io
import re

import pytest

from azml_integrations.core import Run

WRITE = {"X-Azml": "1"}


@pytest.fixture
def several(experiment):
    """Give three ended runs with mse 1, 2, 3; the last has a child."""
    runs = []
    for place in range(3):
        with experiment.start_logging(outputs=False, snapshot_directory=None, display_name=f"run {place}") as run:
            run.log("mse", place + 1)
            run.upload_file("outputs/m.bin", io.BytesIO(b"0" * 100))
            if place == 2:
                run.child_run("below").complete()
        runs.append(run)
    return runs


def act(studio, action, runs=(), status=200, **more):
    body = {"action": action, **({"runs": [getattr(run, "id", run) for run in runs]} if runs else {}), **more}
    answer = studio.post("/api/runs", headers=WRITE, json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


def act_on_trash(studio, action, status=200, **more):
    answer = studio.post("/api/trash", headers=WRITE, json={"action": action, **more})
    assert answer.status_code == status, answer.text
    return answer.json()


def test_runs_are_tagged_together(studio, several):
    assert act(studio, "tag", several[:2], key="stage", value="prod") == {
        "action": "tag",
        "done": 2,
        "refused": [],
        "freed": None,
    }
    assert [run.tags for run in several] == [{"stage": "prod"}, {"stage": "prod"}, {}]
    act(studio, "untag", several, key="stage")
    assert [run.tags for run in several] == [{}, {}, {}]
    assert "expects the key" in act(studio, "tag", several, status=400)["error"]


def test_one_that_is_refused_stops_no_other(studio, several, experiment):
    """The result says which, and why."""
    living = experiment.start_logging(outputs=False, snapshot_directory=None, display_name="living")
    result = act(studio, "delete", [*several, living])
    assert result["done"] == 3
    (refused,) = result["refused"]
    assert refused == {
        "run_id": living.id,
        "run": "living #5",
        "why": "goes on: a process writes to it; end it first",
    }
    canceled = act(studio, "cancel", [living])
    assert (canceled["done"], living.get_status()) == (1, "Canceled")
    assert "nothing to cancel" in act(studio, "cancel", [living])["refused"][0]["why"]


def test_all_that_a_filter_finds(studio, several):
    """The request says how many a person saw: a run that came since is not deleted unseen."""
    found = {"experiment": "trials", "query": "q=mse>1"}
    assert "nobody said how many" in act(studio, "delete", status=409, **found)["error"]
    assert "finds 2 runs now, and it found 3 before" in act(studio, "delete", status=409, count=3, **found)["error"]
    assert act(studio, "delete", count=2, **found)["done"] == 2
    assert [entry["number"] for entry in studio.get("/api/trash").json()] == [3, 2]


def test_a_filter_that_cannot_be_read_finds_nothing(studio, several):
    """Else a slip in it would delete every run."""
    broken = {"experiment": "trials", "query": "q=mse+%3C", "count": 3}
    assert "expected a value" in act(studio, "delete", status=400, **broken)["error"]
    assert studio.get("/bulk?action=delete&all=trials&q=mse+%3C").status_code == 400


@pytest.mark.parametrize(
    "body",
    [
        "[]",
        "{",
        '{"action": "format"}',
        '{"action": "delete"}',
        '{"action": "delete", "runs": ["a"], "experiment": "e"}',
        '{"action": "delete", "runs": "a"}',
        '{"action": "delete", "runs": ["a"], "force": true}',
    ],
)
def test_a_body_that_is_not_understood_does_nothing(studio, body):
    headers = {**WRITE, "Content-Type": "application/json"}
    assert studio.post("/api/runs", headers=headers, content=body).status_code == 400
    assert studio.post("/api/trash", headers=headers, content=body).status_code == 400


def test_a_run_that_is_not_there_is_told(studio, several):
    assert "there is no run nobody" in act(studio, "tag", ["nobody"], status=404, key="k")["error"]
    assert studio.get("/bulk?action=tag&runs=nobody").status_code == 404
    assert studio.get(f"/bulk?action=format&runs={several[0].id}").status_code == 404


def test_the_page_says_what_would_happen(studio, several, experiment):
    """How many, what is below them, what came from them, which are refused; and the command where no script runs."""
    several[2].register_model("net", "outputs/m.bin")
    living = experiment.start_logging(outputs=False, snapshot_directory=None)
    text = studio.get("/bulk", params={"action": "delete", "runs": [several[2].id, living.id]}).text
    assert "Move to the trash: 2 runs" in text
    assert "and 1 below them" in text
    assert f"model net:1 was registered from run {several[2].id}; it has its own files and stays" in text
    assert "goes on: a process writes to it" in text
    assert f"azml run delete {several[2].id} {living.id}" in text
    assert 'class="edit js"' in text
    every = studio.get("/bulk", params={"action": "archive", "all": "trials", "q": "mse>1"}).text
    assert "Archive 2 runs" in every
    assert '"count": 2' in every
    living.complete()


def test_archived_runs_stand_in_the_table_when_asked_for(studio, several):
    """With what is below them; how many are hidden is said."""
    act(studio, "archive", [several[2]])
    hidden = studio.get("/experiments/trials?children=flat").text
    shown = studio.get("/experiments/trials?children=flat&archived=1").text
    assert ">run 2</a>" not in hidden
    assert "below" not in hidden
    assert "Show 2 archived" in hidden
    assert ">run 2</a>" in shown
    assert '<span class="chip">archived</span>' in shown
    assert "Unarchive" in shown
    assert studio.get("/api/experiments/trials/runs").json()["found"] == 2
    act(studio, "reactivate", [several[2]])
    assert several[2].archived_time is None


def test_those_chosen_are_exported(studio, several):
    answer = studio.get("/api/experiments/trials/runs.csv", params={"runs": [several[0].id, several[2].id]})
    assert [row["label"] for row in csv.DictReader(io.StringIO(answer.text))] == ["run 0", "run 2"]
    every = studio.get("/api/experiments/trials/runs.csv", params={"runs": [several[0].id], "all": "trials"})
    assert len(every.text.splitlines()) == 5


def test_a_run_without_a_name_is_called_the_same_in_the_trash(studio, experiment):
    with experiment.start_logging(outputs=False, snapshot_directory=None) as run:
        pass
    name = re.search(r"<h1>([\w ]+?) <", studio.get(f"/runs/{run.id}").text)[1]
    entry = run.delete()
    assert f'<th scope="row">{name} <' in studio.get("/trash").text
    assert name in studio.get(f"/trash/action?action=restore&entries={entry.entry_id}").text


def test_a_page_of_a_run_that_was_deleted_says_where_it_is(studio, several):
    child = next(several[2].get_children())
    several[2].delete()
    for path in (f"/runs/{child.id}", f"/api/runs/{several[2].id}", f"/compare?runs={several[2].id}"):
        answer = studio.get(path)
        assert answer.status_code == 404
        assert "lies in the trash" in answer.text
    assert "lies in the trash" in act(studio, "tag", [child], 404, key="a")["error"]
    assert "lies in the trash" not in studio.get("/runs/nobody").text


def test_the_trash_is_shown_and_given_back(studio, several, workspace):
    assert "Nothing was deleted" in studio.get("/trash").text
    act(studio, "delete", several[2:])
    (entry,) = workspace.trash
    text = studio.get("/trash").text
    assert "run 2" in text
    assert "2 runs, " in text
    assert "Restore 2 runs" in studio.get(f"/trash/action?action=restore&entries={entry.entry_id}").text
    result = act_on_trash(studio, "restore", entries=[entry.entry_id])
    assert (result["done"], result["refused"]) == (2, [])
    assert studio.get(f"/runs/{several[2].id}").status_code == 200
    again = act_on_trash(studio, "restore", entries=[entry.entry_id])
    assert again["refused"][0]["why"] == "it is not in the trash any more"


def test_a_purge_is_typed(studio, several, workspace):
    """The words hold how many runs there are: who confirmed 2 has not confirmed 3."""
    act(studio, "delete", several)
    entry = workspace.trash.get(several[2].id)
    page = studio.get(f"/trash/action?action=purge&entries={entry.entry_id}").text
    assert "Delete for good: 2 runs" in page
    assert re.search("Type <code>purge 2</code>", page)
    for confirm in ({}, {"confirm": "yes"}, {"confirm": "purge 3"}):
        said = act_on_trash(studio, "purge", 409, entries=[entry.entry_id], **confirm)
        assert "confirm with: purge 2" in said["error"]
    done = act_on_trash(studio, "purge", entries=[entry.entry_id], confirm="purge 2")
    assert done["done"] == 2
    assert done["freed"] > 100
    assert len(workspace.trash) == 2


def test_what_is_old_is_purged_together(studio, several, workspace):
    act(studio, "delete", several)
    assert "Nothing in the trash is meant" in studio.get("/trash/action?action=purge&older=30").text
    assert "Delete for good: 4 runs" in studio.get("/trash/action?action=purge&older=0").text
    assert act_on_trash(studio, "purge", older=0, confirm="purge 4")["done"] == 4
    assert studio.get("/trash/action?action=purge&older=-1").status_code == 400
    assert studio.get("/trash/action?action=purge&older=nan").status_code == 400
    assert studio.get("/trash/action?action=purge&entries=nobody").status_code == 404
    assert len(workspace.trash) == 0


def test_a_full_trash_comes_in_pages(studio, several, monkeypatch):
    """And all of it can be chosen from any of them."""
    monkeypatch.setattr("azml_integrations.portal.bulk.PER_PAGE", 2)
    act(studio, "delete", several)
    first, last = studio.get("/trash").text, studio.get("/trash?page=99").text
    assert "page 1 of 2" in first
    assert (">run 2 " in first, ">run 0 " in first) == (True, False)
    assert "page 2 of 2" in last
    assert ">run 0 " in last
    assert "all 3</label>" in last
    everything = studio.get("/trash/action?action=restore&older=0").text
    assert "Restore 4 runs" in everything
    assert act_on_trash(studio, "restore", older=0)["done"] == 4


def test_reading_the_pages_of_actions_changes_nothing(studio, several, workspace):
    """A link of another page can only show them."""
    for action in ("delete", "tag", "archive", "cancel"):
        studio.get(f"/bulk?action={action}&runs={several[0].id}&key=k&value=v")
    assert len(workspace.find_runs()) == 4
    assert Run(several[0].experiment, several[0].id).tags == {}


def test_the_description_says_what_a_body_holds(studio):
    told = studio.get("/api/openapi.json").json()["paths"]
    runs = told["/api/runs"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert {"action", "runs", "experiment", "query", "count", "key", "value"} == set(runs["properties"])
    assert "delete" in runs["properties"]["action"]["enum"]
    assert "confirm" in told["/api/trash"]["post"]["requestBody"]["content"]["application/json"]["schema"]["properties"]
