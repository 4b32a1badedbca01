"""The estimator's diagram: a page of its own, which shows what was given and runs nothing."""

import contextlib
import html
import pickle
import sys
from html.parser import HTMLParser

import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge, SGDRegressor
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import estimator_html_repr

from azml_integrations import autolog
from azml_sklearn import diagram

CANCER = load_breast_cancer(return_X_y=True)
DIABETES = load_diabetes(return_X_y=True)


class Page(HTMLParser):
    """What a reader sees, what would be loaded, and what would run."""

    def __init__(self, text):
        super().__init__()
        self.title, self.loaded, self.scripts, self.charset = "", [], 0, None
        self._tag = ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self._tag = tag
        self.scripts += tag == "script"
        self.charset = given.get("charset", self.charset)
        if tag != "a":
            self.loaded += [given[name] for name in ("src", "href", "data") if name in given]

    def handle_data(self, text):
        if self._tag == "title":
            self.title += text.strip()


@pytest.fixture
def drawn(runs, tmp_path):
    """Switch pictures on; the result reads the page of a run."""
    autolog("sklearn", silent=True, log_models=False)

    def read(run):
        (name,) = [name for name in run.get_file_names() if name.endswith("/estimator.html")]
        run.download_file(name, str(tmp_path / "page.html"))
        return (tmp_path / "page.html").read_text("utf-8")

    return read


def test_the_diagram_is_a_page_of_its_own(runs, drawn):
    """A pipeline is drawn with all its steps, in a page that says its encoding and loads nothing."""
    make_pipeline(make_column_transformer((StandardScaler(), [0, 1])), LogisticRegression(C=0.25)).fit(*CANCER)
    text = drawn(runs()[0])
    page = Page(text)
    assert (page.title, page.charset, page.loaded) == ("Pipeline", "utf-8", [])
    assert text.startswith('<!DOCTYPE html>\n<html lang="en">\n<meta charset="utf-8">')
    assert "default-src 'none'" in text
    assert all(word in text for word in ("ColumnTransformer", "StandardScaler", "LogisticRegression(C=0.25)"))


def test_without_pictures_there_is_no_diagram(runs):
    """It takes longer than all the rest of a Ridge, so it goes with what is to be looked at."""
    Ridge().fit(*DIABETES)
    assert not any("html" in name for name in runs()[0].get_file_names())


class Watched(Ridge):
    """A model with a property that takes its time."""

    @property
    def slow_(self):
        raise AssertionError("evaluated")


def test_the_diagram_is_of_what_was_given(runs, drawn):
    """Not what was learned: no property is evaluated, and a refit is drawn as the first fit was."""
    for _ in range(2):
        model = Watched(alpha=0.5).fit(*DIABETES)
    first, second = map(drawn, runs())
    assert first == second
    assert "alpha" in first
    assert "Not fitted" in html.unescape(first)
    assert str(model.coef_[0])[:6] not in first


class Hostile:
    """A parameter whose text tries to be a page."""

    def __repr__(self):
        return "<script>alert('x')</script><img src=http://evil.example/x>"


def test_a_hostile_text_is_text(runs, drawn):
    """What a parameter calls itself is escaped, and the page lets nothing run or load anyhow."""
    model = make_pipeline(RandomForestClassifier(3, random_state=None), verbose=False)
    harmless = Page(diagram.page(model)).scripts
    model.steps[0] = ("<b>step</b>", Carrying(Hostile()))
    text = diagram.page(model)
    assert Page(text).scripts == harmless
    assert Page(text).loaded == []
    assert "<script>alert" not in text
    assert "<b>step" not in text
    assert "&lt;script&gt;alert" in text


class Carrying(BaseEstimator):
    """Holds whatever it is given."""

    def __init__(self, thing=None):
        self.thing = thing

    def fit(self, X, y=None):
        return self


class Raising:
    def __repr__(self):
        raise ValueError("no words")


class CarryingRidge(Ridge):
    """A Ridge with one more parameter."""

    def __init__(self, alpha=1.0, thing=None):
        super().__init__(alpha)
        self.thing = thing


def test_what_cannot_be_drawn_is_said(runs, drawn, notes):
    """A parameter without words costs the diagram, not the rest; the note says so."""
    CarryingRidge(thing=Raising()).fit(*DIABETES)
    (run,) = runs()
    assert "training_r2_score" in run.get_metrics()
    assert any("estimator.html (it cannot be drawn: ValueError: no words)" in note for note in notes(run))


def test_the_users_next_diagram_has_the_ids_that_it_has_without_us(runs, drawn):
    """scikit-learn numbers the elements of its diagrams; ours leaves no gap in the user's notebook."""
    module = sys.modules[estimator_html_repr.__module__]
    counters = module._CONTAINER_ID_COUNTER, module._ESTIMATOR_ID_COUNTER
    before = [counter.count for counter in counters]
    make_pipeline(StandardScaler(), GridSearchCV(Ridge(), {"alpha": [0.1, 1.0]})).fit(*DIABETES)
    assert drawn(runs()[0]).count("Ridge") > 1
    assert [counter.count for counter in counters] == before


def test_ids_stay_where_somebody_else_has_drawn(monkeypatch):
    """While another thread draws, numbers are not put back: no id is given twice."""
    module = sys.modules[estimator_html_repr.__module__]
    before = module._CONTAINER_ID_COUNTER.count
    with contextlib.suppress(IndexError), diagram._own_ids(module) as drawn:
        drawn.append(estimator_html_repr(Ridge()))
        estimator_html_repr(Ridge())
    assert module._CONTAINER_ID_COUNTER.count == before + 2


def test_no_parameter_is_copied():
    """What is drawn holds the very objects that the estimator holds, but for the estimators among them."""
    start = np.zeros((1000, 2))
    inner = Ridge()
    model = make_pipeline(Carrying(start), inner)
    drawn = diagram.unfitted(model)
    assert drawn.steps[0][1].thing is start
    assert drawn.steps[1][1] is not inner
    assert model.steps[1][1] is inner


def test_a_loop_is_drawn_when_it_is_over(runs, drawn):
    """A loop over partial_fit has its diagram beside its model."""
    model = SGDRegressor()
    model.partial_fit(*DIABETES)
    autolog(False)
    assert "SGDRegressor" in drawn(runs()[0])


def test_drawing_and_describing_leave_no_trace(runs, drawn):
    """Model, random numbers and scikit-learn's own counters are those of a fit that nobody draws or describes."""

    def train():
        np.random.seed(4)  # noqa: NPY002 - the state that is shared
        model = make_pipeline(StandardScaler(), RandomForestClassifier(3)).fit(*CANCER)
        return pickle.dumps(model), np.random.random()  # noqa: NPY002

    autolog("sklearn", silent=True, log_input_examples=True)
    watched = train()
    assert len([name for name in runs()[0].get_file_names() if name.endswith((".json", ".html"))]) == 4
    autolog(False)
    assert train() == watched
