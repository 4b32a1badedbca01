"""Saved views: a name for what an address shows."""

import dataclasses
import json
import threading
from urllib.parse import urlencode

import pytest

from azml_integrations.portal.table import DRAWN, Look
from azml_integrations.portal.views import LONGEST, Views, query_of

HEADERS = {"X-Azml": "1"}


@pytest.fixture
def views(studio, run):
    """Give a way to act on the views of the run's experiment."""
    path = f"/api/experiments/{run.experiment.name}/views"

    def act(status=200, **body):
        answer = studio.post(path, json=body, headers=HEADERS)
        assert answer.status_code == status, answer.text
        return studio.get(path).json()

    return act


@pytest.fixture
def kept(run):
    return Views(run.experiment.workspace, run.experiment.name)


def test_a_view_is_saved_listed_renamed_and_deleted(views, studio, run):
    """Columns, filter, order, grouping and charts: all stand in the query, and come back by one click."""
    query = "?q=mse<3&col=metric.mse%3Amin&sort=-metric.mse&history=mse&group=param.alpha&band=range&logy=1"
    (one,) = views(action="save", name=" best first ", page="table", query=query)
    assert (one["name"], one["page"], one["default"]) == ("best first", "table", False)
    assert one["href"] == (
        f"experiments/{run.experiment.name}?q=mse%3C3&col=metric.mse%3Amin&sort=-metric.mse&history=mse"
        "&group=param.alpha&band=range&logy=1"
    )
    page = studio.get("/" + one["href"])
    assert page.status_code == 200
    assert ">best first</a>" in page.text
    (one,) = views(action="rename", name="best first", to="Bäst & 'first' <b>")
    assert "Bäst &amp; &#39;first&#39; &lt;b&gt;</a>" in studio.get("/" + one["href"]).text
    assert views(action="delete", name="Bäst & 'first' <b>") == []


def test_a_table_opens_with_its_default(views, studio, run):
    """Only where the address says nothing; a reset says so."""
    path = f"/experiments/{run.experiment.name}"
    views(action="save", name="flat", page="table", query="?children=flat&sort=number")
    (one,) = views(action="default", name="flat")
    assert one["default"]
    answer = studio.get(path, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (
        302,
        f"./{run.experiment.name}?children=flat&sort=number",
    )
    for words in ("?view=", "?sort=name"):
        assert studio.get(path + words, follow_redirects=False).status_code == 200
    views(action="rename", name="flat", to="flatter")
    assert studio.get(path, follow_redirects=False).status_code == 302
    views(action="default", name="")
    assert studio.get(path, follow_redirects=False).status_code == 200
    views(action="default", name="flatter")
    views(action="delete", name="flatter")
    assert studio.get(path, follow_redirects=False).status_code == 200


def test_a_default_view_of_all_runs_leads_nowhere_else(views, studio, run):
    """Browsers take an address with an empty query for the same page: they would go around for ever."""
    views(action="save", name="all", page="table", query="")
    views(action="default", name="all")
    assert studio.get(f"/experiments/{run.experiment.name}", follow_redirects=False).status_code == 200


def test_a_comparison_is_saved_beside_its_experiment(views, studio, run):
    (one,) = views(action="save", name="two", page="compare", query=f"?runs={run.id}&group=all&evil=1")
    assert one["href"] == f"compare?runs={run.id}&group=all"
    assert 'aria-current="true">two</a>' in studio.get("/" + one["href"]).text
    assert ">two</a>" in studio.get(f"/experiments/{run.experiment.name}").text
    views(400, action="default", name="two")


@pytest.mark.parametrize(
    "query",
    [
        "?next=//evil.example",
        "https://evil.example/?token=x",
        "?sort=a%0d%0aLocation:%20x",
        "?q=<script>",
        "//evil",
        "?",
    ],
)
def test_whatever_a_file_says_only_words_of_the_page_come_out(views, studio, kept, run, query):
    """A workspace may be somebody else's: its views lead to our own pages, with what these know."""
    views(action="save", name="one", page="table", query="?sort=number")
    (path,) = kept.folder.glob("v-*.json")
    path.write_text(json.dumps({"name": "one", "page": "table", "query": query, "at": 1.0}))
    views(action="default", name="one")
    answer = studio.get(f"/experiments/{run.experiment.name}", follow_redirects=False)
    location = answer.headers.get("location", f"./{run.experiment.name}?")  # nothing of it is left: no redirect
    assert location.startswith(f"./{run.experiment.name}?")
    assert not any(part in location for part in ("\r", "\n", "<", "evil", "token", "next"))
    assert query_of("table", query) in location


def test_files_that_make_no_sense_are_no_views(views, kept):
    views(action="save", name="one", page="table", query="")
    for number, content in enumerate(
        (b"", b"[]", b'{"name": 1}', b"\xff", b'{"name": "a", "page": "../x", "query": "", "at": 1}', b"null")
    ):
        (kept.folder / f"v-{number}.json").write_bytes(content)
    (kept.folder / "default").write_bytes(b"\xff")
    assert [view.name for view in kept.all()] == ["one"]


def test_names_and_addresses_are_checked(views, studio):
    for name in ("", "  ", "a\nb", "x" * 81, "a\0b"):
        views(400, action="save", name=name, page="table", query="")
    views(400, action="save", name="a", page="models", query="")
    views(400, action="save", name="a", page="table", query="q=" + "x" * LONGEST)
    views(400, action="explode", name="a")
    views(404, action="delete", name="a")
    views(404, action="default", name="a")
    views(404, action="rename", name="a", to="b")
    for name in ("a", "b"):
        views(action="save", name=name, page="table", query="")
    views(409, action="rename", name="a", to="b")
    assert [view["name"] for view in views(action="rename", name="a", to="a")] == ["a", "b"]
    assert studio.get("/api/experiments/none/views").status_code == 404
    assert studio.post("/api/experiments/none/views", json={}, headers=HEADERS).status_code == 404


def test_there_are_not_too_many(views, monkeypatch):
    monkeypatch.setattr("azml_integrations.portal.views.MOST", 2)
    for name in ("a", "b"):
        views(action="save", name=name, page="table", query="")
    views(400, action="save", name="c", page="table", query="")
    views(action="save", name="b", page="table", query="?sort=number")


def test_studios_that_save_at_once_lose_nothing(kept):
    """Each view is a file of its own, complete or not there."""
    threads = [threading.Thread(target=lambda n=n: kept.save(f"view {n}", "table", f"?page={n}")) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(kept.all()) == 20
    assert not list(kept.folder.glob(".azml-*"))


def test_a_view_keeps_every_word_of_a_table():
    """Whoever gives a table another word gives it to its views, too."""
    values = {str: "x", bool: True, int: 3, tuple: ("param.a",)}
    told = {field.name: values[type(field.default)] for field in dataclasses.fields(Look)}
    words = Look(**told | {"drawn": tuple((key, "x") for key in DRAWN)}).words()
    assert len(words) >= len(told)
    assert query_of("table", urlencode(words)) == urlencode(words)


def test_views_are_described(pages):
    told = pages.get("/api/openapi.json").json()["paths"]["/api/experiments/{name}/views"]
    assert "saved views" in told["get"]["summary"]
    assert told["post"]["requestBody"]["content"]["application/json"]["schema"]["required"] == ["action"]
