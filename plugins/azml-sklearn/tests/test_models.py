"""A fitted model as a file, and the way back, which trusts nobody."""

import hashlib
import io
import json
import pickle
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_diabetes, load_iris, load_wine
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge, SGDClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.svm import LinearSVC

import azml_sklearn
from azml_integrations import Experiment, Workspace, autolog, errors
from azml_integrations.core import Model
from azml_integrations.errors import (
    AmbiguousModelError,
    ModelChangedError,
    ModelExistsError,
    ModelFactsError,
    ModelNotFoundError,
    UntrustedModelError,
)
from azml_sklearn.errors import (
    ModelFormatMissingError,
    ModelNotStorableError,
    ModelTooLargeError,
    ModelVersionWarning,
    NoModelError,
)
from azml_sklearn.formats import FORMATS

DIABETES = load_diabetes(return_X_y=True)
IRIS = load_iris(return_X_y=True)
WINE = load_wine(return_X_y=True)

NEEDED = {"pickle": (), "skops": ("skops",), "onnx": ("skl2onnx", "onnxruntime")}
TREE = "sklearn.tree._tree.Tree"


@pytest.fixture(params=FORMATS)
def model_format(request):
    """Each format whose packages are here."""
    for package in NEEDED[request.param]:
        pytest.importorskip(package)
    return request.param


@pytest.fixture
def run(experiment):
    with experiment.start_logging(outputs=None, snapshot_directory=None) as run:
        yield run


def stored(run):
    """Files of models."""
    return [name for name in run.get_file_names() if "/model." in name]


def facts_of(run, folder, tmp_path):
    run.download_file(f"outputs/{folder}/model.json", str(tmp_path / "facts"))
    return json.loads((tmp_path / "facts").read_text())


def overwrite(run, name, content):
    """Change a file behind the run's back."""
    path = run._folder / name
    assert path.exists()
    path.write_bytes(content)


def as_loaded(model, X):
    """Return what a loaded model says, whichever kind of thing it is."""
    if hasattr(model, "predict"):
        return np.asarray(model.predict(X))
    (port,) = model.get_inputs()
    return model.run(None, {port.name: np.asarray(X, dtype=np.float32)})[0].ravel()


def mixed_table():
    """Diabetes as people keep it: numbers, whole numbers, words and categories."""
    pd = pytest.importorskip("pandas")
    X, y = load_diabetes(return_X_y=True, as_frame=True, scaled=False)
    table = X[["bmi", "bp"]].assign(
        age=X["age"].astype(int),
        sex=X["sex"].map({1.0: "f", 2.0: "m"}),
        band=pd.cut(X["s6"], 3, labels=["low", "middle", "high"]),
    )
    columns = ColumnTransformer(
        [("numbers", StandardScaler(), ["bmi", "bp", "age"]), ("words", OneHotEncoder(), ["sex", "band"])]
    )
    return table, y, make_pipeline(columns, Ridge(alpha=0.1))


# -- round trips -------------------------------------------------------------------------------------


def forest():
    return RandomForestClassifier(10, max_depth=3, random_state=0)


@pytest.mark.parametrize(
    ("model", "data", "types"),
    [
        (Ridge(alpha=0.03), DIABETES, []),
        (make_pipeline(StandardScaler(), LogisticRegression()), IRIS, []),
        (forest(), WINE, [TREE]),
        (GridSearchCV(Ridge(), {"alpha": [0.03, 1.0]}, cv=3), DIABETES, []),
        (make_pipeline(StandardScaler(), LinearSVC()), IRIS, []),
    ],
    ids=["Ridge", "Pipeline", "RandomForest", "search", "LinearSVC"],
)
def test_what_a_fit_has_stored_comes_back(runs, tmp_path, model, data, types, model_format):
    """Each format gives back a model that says what the fitted one says."""
    autolog("sklearn", silent=True, log_images=False, model_format=model_format)
    X, y = data
    model.fit(X, y)
    (run,) = runs()
    suffix = FORMATS[model_format].suffix
    folder = type(model).__name__
    assert stored(run) == sorted([f"outputs/{folder}/model.json", f"outputs/{folder}/model{suffix}"])
    loaded = azml_sklearn.load_model(run, trust=True)
    np.testing.assert_allclose(as_loaded(loaded, X), model.predict(X), rtol=1e-5)  # ONNX computes in 32 bits
    facts = facts_of(run, folder, tmp_path)
    assert (facts["format"], facts["file"]) == (model_format, f"model{suffix}")
    if model_format == "skops":
        assert facts["untrusted_types"] == types
        assert facts["versions"]["skops"]
    if model_format == "onnx":
        assert facts["inputs"] == [{"name": "X", "type": "float", "shape": [None, X.shape[1]]}]
        assert facts["opset"]["ai.onnx"] >= 9
        assert facts["versions"]["skl2onnx"]


def test_a_pipeline_on_a_table_comes_back(runs, model_format, tmp_path):
    """Numbers, words and categories in one table; ONNX takes each column by its name."""
    autolog("sklearn", silent=True, log_images=False, model_format=model_format)
    table, y, model = mixed_table()
    model.fit(table, y)
    loaded = azml_sklearn.load_model(runs()[0], trust=True)
    if model_format == "onnx":
        ports = {port["name"]: port["type"] for port in facts_of(runs()[0], "Pipeline", tmp_path)["inputs"]}
        assert ports == {"bmi": "float", "bp": "float", "age": "int64", "sex": "string", "band": "string"}
        kinds = {"float": np.float32, "int64": np.int64, "string": object}
        asked = {name: table[[name]].to_numpy().astype(kinds[kind]) for name, kind in ports.items()}
        said = loaded.run(None, asked)[0].ravel()
    else:
        said = loaded.predict(table)
    np.testing.assert_allclose(said, model.predict(table), rtol=1e-5)


@pytest.mark.parametrize("by_name", [False, True], ids=["Ridge", "columns by name"])
def test_a_table_of_numbers_is_one_tensor_unless_its_columns_are_asked_for_by_name(run, tmp_path, by_name):
    """ONNX has no tables: what the model needs decides, not what the user happened to have."""
    pytest.importorskip("skl2onnx")
    pytest.importorskip("pandas")
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    columns = ColumnTransformer([("two", StandardScaler(), ["bmi", "bp"])])
    model = (make_pipeline(columns, Ridge()) if by_name else Ridge()).fit(X, y)
    name = azml_sklearn.save_model(run, model, model_format="onnx", X=X[:3])
    ports = [port["name"] for port in facts_of(run, name, tmp_path)["inputs"]]
    assert ports == (X.columns.tolist() if by_name else ["X"])


def test_onnx_gives_probabilities_as_an_array(run):
    """A list of dicts, as ONNX has it by default, is no use to anybody who compares."""
    pytest.importorskip("skl2onnx")
    pytest.importorskip("onnxruntime")
    X, y = IRIS
    model = LogisticRegression(max_iter=1000).fit(X, y)
    session = azml_sklearn.load_model(run, azml_sklearn.save_model(run, model, model_format="onnx"))
    _, probabilities = session.run(None, {"X": X.astype(np.float32)})
    np.testing.assert_allclose(probabilities, model.predict_proba(X), atol=1e-5)


def test_a_loop_over_partial_fit_stores_in_the_format_that_was_asked_for(runs, model_format):
    """Its data is gone when its model is stored; the number of columns is known to the model."""
    autolog("sklearn", silent=True, log_images=False, model_format=model_format)
    X, y = IRIS
    model = SGDClassifier(random_state=0)
    for start in range(0, len(X), 50):
        model.partial_fit(X[start : start + 50], y[start : start + 50], classes=np.unique(y))
    autolog(False)
    loaded = azml_sklearn.load_model(runs()[0], trust=True)
    np.testing.assert_array_equal(as_loaded(loaded, X), model.predict(X))


# -- a search ----------------------------------------------------------------------------------------


def test_of_a_search_the_best_model_is_stored(runs, tmp_path):
    """Whoever loads the model of a search wants to predict; model.json says who found it."""
    search = GridSearchCV(Ridge(), {"alpha": [0.03, 100.0]}, cv=3).fit(*DIABETES)
    (run,) = runs()
    loaded = azml_sklearn.load_model(run, "GridSearchCV", trust=True)
    assert type(loaded) is Ridge
    assert loaded.alpha == search.best_params_["alpha"] == 0.03
    facts = facts_of(run, "GridSearchCV", tmp_path)
    assert (facts["class"], facts["of"]) == ("Ridge", "GridSearchCV")


def test_a_search_without_a_best_model_says_so(runs, run, notes):
    """``refit=False`` keeps nothing to store: said in the run, and raised where somebody asks for it."""
    for scoring in (None, ["r2", "neg_mean_absolute_error"]):
        search = GridSearchCV(Ridge(), {"alpha": [1.0]}, cv=3, refit=False, scoring=scoring).fit(*DIABETES)
        with pytest.raises(NoModelError, match=r"GridSearchCV\(refit=False\) keeps no model"):
            azml_sklearn.save_model(run, search)
    assert stored(run) == []
    for each in runs()[:2]:
        assert any("model (GridSearchCV(refit=False) keeps no model" in note for note in notes(each))


# -- trust -------------------------------------------------------------------------------------------


class Marker:
    """What an attacker writes: loading it makes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def hostile(run, tmp_path, folder="Ridge"):
    """Exchange the model of a run for a pickle that runs code, model.json and all."""
    content = pickle.dumps(Marker(tmp_path / "was_here"))
    facts = facts_of(run, folder, tmp_path) | {
        "size": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    overwrite(run, f"outputs/{folder}/model.pkl", content)
    overwrite(run, f"outputs/{folder}/model.json", json.dumps(facts).encode())


@pytest.mark.parametrize("trust", [False, ["sklearn.linear_model._ridge.Ridge", "builtins.open", "io.open"], []])
def test_a_pickle_is_not_run_unless_it_is_trusted(run, tmp_path, trust):
    """A pickle can do anything; names of types do not help, because it acts before anybody sees a type."""
    azml_sklearn.save_model(run, Ridge().fit(*DIABETES))
    hostile(run, tmp_path)
    with pytest.raises(
        UntrustedModelError, match=r"runs whatever code .* trust=True; .* model_format=.\"skops"
    ) as told:
        azml_sklearn.load_model(run, trust=trust)
    assert not (tmp_path / "was_here").exists()
    assert isinstance(told.value, PermissionError)
    assert told.value.name == "outputs/Ridge/model.pkl"

    azml_sklearn.load_model(run, trust=True).close()  # the proof that the file above would have been made
    assert (tmp_path / "was_here").exists()


class Offset(RegressorMixin, BaseEstimator):
    """A user's own estimator."""

    def fit(self, X, y):
        self.mean_ = float(np.mean(y))
        return self

    def predict(self, X):
        return np.full(len(X), self.mean_)


def test_a_class_of_the_users_needs_trust_in_skops_by_name(run, tmp_path):
    """What skops does not know is listed; whoever has looked at it names it, and nothing else is let in."""
    pytest.importorskip("skops")
    model = Offset().fit(*DIABETES)
    name = azml_sklearn.save_model(run, model, model_format="skops")
    mine = f"{Offset.__module__}.Offset"
    assert facts_of(run, name, tmp_path)["untrusted_types"] == [mine]
    for trust in (False, [], ["sklearn.svm.SVC"]):
        with pytest.raises(UntrustedModelError, match="not trusted by default") as told:
            azml_sklearn.load_model(run, trust=trust)
        assert told.value.types == [mine]
    for trust in (True, [mine], (mine, "one.Too.Many")):
        assert azml_sklearn.load_model(run, trust=trust).mean_ == model.mean_


def test_what_skops_knows_needs_no_trust(run):
    """That is what it is for."""
    pytest.importorskip("skops")
    X, y = DIABETES
    model = Ridge().fit(X, y)
    azml_sklearn.save_model(run, model, model_format="skops")
    np.testing.assert_array_equal(azml_sklearn.load_model(run).predict(X), model.predict(X))


def test_the_types_to_trust_are_those_of_the_file_not_those_of_its_description(run, tmp_path):
    """A model.json that says "nothing to see here" opens no door."""
    pytest.importorskip("skops")
    name = azml_sklearn.save_model(run, Offset().fit(*DIABETES), model_format="skops")
    facts = facts_of(run, name, tmp_path) | {"untrusted_types": []}
    overwrite(run, f"outputs/{name}/model.json", json.dumps(facts).encode())
    with pytest.raises(UntrustedModelError, match="Offset"):
        azml_sklearn.load_model(run)


@pytest.mark.parametrize("trust", [None, 1, "sklearn.svm.SVC", [1]])
def test_trust_is_yes_no_or_names(run, trust):
    """A string would otherwise be a list of letters, and 1 a yes."""
    with pytest.raises(errors.OptionError, match="trust is True, False or a list"):
        azml_sklearn.load_model(run, trust=trust)


# -- changed files -----------------------------------------------------------------------------------


@pytest.mark.parametrize("change", [lambda old: old + b"!", lambda old: old[:-1] + b"!"], ids=["longer", "same size"])
def test_a_changed_model_is_refused_before_anything_is_loaded(run, tmp_path, monkeypatch, change, model_format):
    """However much it is trusted: trust was given to what was stored."""
    name = azml_sklearn.save_model(run, Ridge().fit(*DIABETES), model_format=model_format)
    file = f"outputs/{name}/model{FORMATS[model_format].suffix}"
    overwrite(run, file, change((run._folder / file).read_bytes()))
    monkeypatch.setattr("pickle.loads", lambda _: pytest.fail("it was loaded"))
    with pytest.raises(ModelChangedError, match=r"is not the file that was stored: it has (\d+|the sha256)") as told:
        azml_sklearn.load_model(run, trust=True)
    assert told.value.name == file
    assert isinstance(told.value, ValueError)


@pytest.mark.parametrize(
    "file", ["../secret.pkl", "../../../secret.pkl", "/secret.pkl", "model.json", "", "model.pkl\n"]
)
def test_a_description_leads_nowhere_else(run, tmp_path, file):
    """The name in model.json is data from outside: it stays in its folder, and is the name that the format has."""
    azml_sklearn.save_model(run, Ridge().fit(*DIABETES))
    (run._folder / "outputs" / "secret.pkl").write_bytes(pickle.dumps(Marker(tmp_path / "was_here")))
    facts = facts_of(run, "Ridge", tmp_path) | {"file": file}
    overwrite(run, "outputs/Ridge/model.json", json.dumps(facts).encode())
    with pytest.raises(ModelFactsError, match="the file of a pickle is not"):
        azml_sklearn.load_model(run, trust=True)
    assert not (tmp_path / "was_here").exists()


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"format": "dill"}, "the format 'dill' is unknown"),
        ({"size": -1}, "size"),
        ({"size": "12"}, "size"),
        ({"sha256": "abc"}, "sha256"),
        ({"versions": ["1.9"]}, "versions"),
        ({"class": None}, "class"),
    ],
)
def test_a_description_that_makes_no_sense_is_refused(run, tmp_path, change, why):
    """Nothing is guessed about a file that may be somebody else's."""
    azml_sklearn.save_model(run, Ridge().fit(*DIABETES))
    facts = facts_of(run, "Ridge", tmp_path) | change
    overwrite(run, "outputs/Ridge/model.json", json.dumps(facts).encode())
    with pytest.raises(ModelFactsError, match=why):
        azml_sklearn.load_model(run, trust=True)


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b"\xff\xfe", b"[" * 100_000])
def test_a_description_that_is_none_is_refused(run, content):
    """Whatever the bytes are, the answer is one clear error."""
    azml_sklearn.save_model(run, Ridge().fit(*DIABETES))
    overwrite(run, "outputs/Ridge/model.json", content)
    with pytest.raises(ModelFactsError, match="nothing was loaded"):
        azml_sklearn.load_model(run, trust=True)


def test_a_description_of_gigabytes_is_not_read(run):
    """It is refused by its size, however well it reads."""
    azml_sklearn.save_model(run, Ridge().fit(*DIABETES))
    good = (run._folder / "outputs/Ridge/model.json").read_bytes()
    overwrite(run, "outputs/Ridge/model.json", good + b" " * 2**20)
    with pytest.raises(ModelFactsError, match="it is larger than 1 MiB"):
        azml_sklearn.load_model(run, trust=True)


def test_what_was_hashed_is_what_is_loaded(run, tmp_path, monkeypatch):
    """A file that changes after it was checked is not read again."""
    model = Ridge().fit(*DIABETES)
    azml_sklearn.save_model(run, model)
    sha256 = hashlib.sha256

    def then_exchange(content):
        digest = sha256(content)
        overwrite(run, "outputs/Ridge/model.pkl", pickle.dumps(Marker(tmp_path / "was_here")))
        return digest

    monkeypatch.setattr("hashlib.sha256", then_exchange)
    loaded = azml_sklearn.load_model(run, trust=True)
    np.testing.assert_array_equal(loaded.coef_, model.coef_)
    assert not (tmp_path / "was_here").exists()


def test_another_scikit_learn_is_said_before_the_model_is_loaded(run, tmp_path):
    """It may load, and answer otherwise."""
    model = Ridge().fit(*DIABETES)
    azml_sklearn.save_model(run, model)
    facts = facts_of(run, "Ridge", tmp_path)
    facts["versions"]["scikit-learn"] = "1.0.2"
    overwrite(run, "outputs/Ridge/model.json", json.dumps(facts).encode())
    with pytest.warns(ModelVersionWarning, match=r"made by scikit-learn 1\.0\.2") as said:
        azml_sklearn.load_model(run, trust=True)
    assert said[0].filename == __file__


# -- which one ---------------------------------------------------------------------------------------


def test_several_models_in_one_run_have_names(run):
    """One is found by itself, of several one is named, and the error lists what there is."""
    X, y = DIABETES
    for alpha in (1.0, 2.0):
        azml_sklearn.save_model(run, Ridge(alpha=alpha).fit(X, y))
    azml_sklearn.save_model(run, Ridge(alpha=3.0).fit(X, y), "the good one")
    with pytest.raises(AmbiguousModelError, match="3 models: Ridge, Ridge_2, the good one; name one") as told:
        azml_sklearn.load_model(run, trust=True)
    assert told.value.names == ["Ridge", "Ridge_2", "the good one"]
    assert azml_sklearn.load_model(run, "Ridge_2", trust=True).alpha == 2.0
    assert azml_sklearn.load_model(run, "the good one", trust=True).alpha == 3.0


def test_a_model_that_is_not_there_is_a_clear_error(run):
    """What was asked for, and what there is."""
    with pytest.raises(ModelNotFoundError, match="has no model; it has none"):
        azml_sklearn.load_model(run)
    azml_sklearn.save_model(run, Ridge().fit(*DIABETES))
    for name in ("ridge", "../Ridge", ""):
        with pytest.raises(ModelNotFoundError, match="it has Ridge") as told:
            azml_sklearn.load_model(run, name, trust=True)
        assert told.value.name == name
    assert isinstance(told.value, KeyError)


def test_a_model_whose_file_is_gone_is_a_clear_error(run):
    """An upload that was cut off has no model.json; a file deleted later has no excuse."""
    run.upload_file("outputs/Half/model.pkl", io.BytesIO(b"half"))
    with pytest.raises(ModelNotFoundError):
        azml_sklearn.load_model(run, trust=True)
    azml_sklearn.save_model(run, Ridge().fit(*DIABETES))
    (run._folder / "outputs/Ridge/model.pkl").unlink()
    with pytest.raises(errors.StoreError, match="No such file"):
        azml_sklearn.load_model(run, trust=True)


def test_a_saved_model_takes_no_name_that_is_taken(run):
    """Two models in one folder would be told apart by nobody."""
    model = Ridge().fit(*DIABETES)
    azml_sklearn.save_model(run, model, "mine")
    with pytest.raises(ModelExistsError, match="outputs/mine already"):
        azml_sklearn.save_model(run, model, "mine", "skops")


@pytest.mark.parametrize("name", ["", "a/b", "..", ".", "a\\b", "a\nb", 3])
def test_a_models_name_is_that_of_a_folder(run, name):
    """No way out of ``outputs/``."""
    with pytest.raises(errors.NameRefusedError):
        azml_sklearn.save_model(run, Ridge().fit(*DIABETES), name)
    assert stored(run) == []


def test_a_run_of_another_workspace_and_another_process_works(tmp_path, azml_home):
    """A model is loaded where it is needed, long after its run, which was somebody else's."""
    script = """
import sys
from azml_integrations import Experiment, Workspace
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge
import azml_sklearn
workspace = Workspace.create("theirs", exist_ok=True)
with Experiment(workspace, "exp").start_logging(outputs=None, snapshot_directory=None) as run:
    azml_sklearn.save_model(run, Ridge(alpha=0.03).fit(*load_diabetes(return_X_y=True)))
print(run.id)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=tmp_path, check=True)
    (run,) = Experiment(Workspace.get("theirs"), "exp").get_runs()
    assert (run.id, run.get_status()) == (done.stdout.strip(), "Completed")
    assert azml_sklearn.load_model(run, trust=True).alpha == 0.03
    assert azml_sklearn.save_model(run, Ridge(alpha=7).fit(*DIABETES)) == "Ridge_2"  # a model may be added later
    assert azml_sklearn.load_model(run, "Ridge_2", trust=True).alpha == 7


# -- what cannot be stored ---------------------------------------------------------------------------


def test_the_cap_holds_for_every_format(runs, run, notes, model_format):
    """A forest of gigabytes does not fill the disk in another format either."""
    autolog("sklearn", silent=True, log_images=False, max_model_bytes=200, model_format=model_format)
    model = Ridge().fit(*DIABETES)
    assert stored(run) == []
    suffix = FORMATS[model_format].suffix
    told = f"not recorded: model (the {suffix} file of Ridge is larger than 200 bytes; max_model_bytes=..."
    assert notes(run)[0].startswith(told)
    with pytest.raises(ModelTooLargeError) as error:
        azml_sklearn.save_model(run, model, model_format=model_format, max_model_bytes=200)
    assert error.value.most_bytes == 200
    size = 10_000
    name = azml_sklearn.save_model(run, model, model_format=model_format, max_model_bytes=size)
    written = (run._folder / f"outputs/{name}/model{suffix}").stat().st_size
    assert 200 < written <= size


@pytest.mark.parametrize("package", ["skops", "skl2onnx"])
def test_a_format_that_is_not_installed_stores_nothing_else(experiment, runs, notes, monkeypatch, package, capsys):
    """Whoever asked for skops for safety must not get a pickle: said at once, in each run, and on its line."""
    wanted = {"skops": "skops", "skl2onnx": "onnx"}[package]
    monkeypatch.setitem(sys.modules, package, None)  # what Python does for a module that cannot be imported
    with pytest.warns(errors.AutologWarning, match=f"no models will be stored: .* needs {package}, .* pip install"):
        autolog("sklearn", log_images=False, model_format=wanted)
    model = Ridge().fit(*DIABETES)
    (run,) = runs()
    assert stored(run) == []
    assert notes(run)[0].startswith(f"not recorded: model (the format '{wanted}' needs {package}")
    assert f"no model{FORMATS[wanted].suffix} ({package} is not installed)" in capsys.readouterr().err
    with pytest.raises(ModelFormatMissingError) as told:
        azml_sklearn.save_model(run, model, model_format=wanted)
    assert isinstance(told.value, ImportError)
    assert told.value.package == package
    again = pickle.loads(pickle.dumps(told.value))  # out of a worker process
    assert (type(again), again.package, again.message) == (ModelFormatMissingError, package, told.value.message)


@pytest.mark.parametrize(("wanted", "package"), [("skops", "skops"), ("onnx", "onnxruntime")])
def test_a_format_that_cannot_be_read_here_says_what_to_install(run, monkeypatch, wanted, package):
    """The model may come from a machine that had more."""
    for needed in NEEDED[wanted]:
        pytest.importorskip(needed)
    azml_sklearn.save_model(run, Ridge().fit(*DIABETES), model_format=wanted)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ModelFormatMissingError, match=f"needs {package}, which is not installed; pip install"):
        azml_sklearn.load_model(run)


def test_an_estimator_that_onnx_cannot_hold_costs_only_the_model(runs, run, notes):
    """The warning says which, and the metrics are there; no other format steps in."""
    pytest.importorskip("skl2onnx")
    autolog("sklearn", silent=True, log_images=False, model_format="onnx")
    model = make_pipeline(FunctionTransformer(np.log1p), Ridge())
    X, y = load_diabetes(return_X_y=True, scaled=False)
    with pytest.warns(errors.AutologWarning, match="the format 'onnx' cannot hold this Pipeline"):
        model.fit(X, y)
    assert "training_r2_score" in run.get_metrics()
    assert stored(run) == []
    assert any("cannot hold this Pipeline" in note for note in notes(run))
    with pytest.raises(ModelNotStorableError) as told:
        azml_sklearn.save_model(run, model, model_format="onnx")
    assert told.value.__cause__ is not None
    assert pickle.loads(pickle.dumps(told.value)).estimator == "Pipeline"


def test_onnx_without_columns_asks_for_them(run):
    """A model cannot tell the kinds of the columns that it was fitted on; rows of the table can."""
    pytest.importorskip("skl2onnx")
    table, y, model = mixed_table()
    model.fit(table, y)
    with pytest.raises(ModelNotStorableError, match="pass X, some rows of what it was fitted on"):
        azml_sklearn.save_model(run, model, model_format="onnx")
    assert azml_sklearn.save_model(run, model, model_format="onnx", X=table[:2]) == "Pipeline"


def test_an_unknown_format_is_refused(run, experiment):
    """One error where it was asked for, with the names that there are."""
    with pytest.raises(errors.OptionError, match="model_format is one of 'pickle', 'skops', 'onnx', not 'dill'"):
        azml_sklearn.save_model(run, Ridge().fit(*DIABETES), model_format="dill")
    with pytest.warns(errors.AutologWarning, match="ValueError: model_format is one of 'pickle', 'skops', 'onnx'"):
        autolog("sklearn", model_format="dill")


# -- it does not disturb -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "model", [forest(), KNeighborsClassifier(), GaussianNB()], ids=lambda model: type(model).__name__
)
def test_storing_changes_neither_the_model_nor_chance(run, model, model_format):
    """Same pickle bytes, same random state, numpy's global one too."""
    model.fit(*WINE)
    before, chance = pickle.dumps(model), pickle.dumps(np.random.mtrand._rand)
    azml_sklearn.save_model(run, model, model_format=model_format, X=WINE[0])
    assert pickle.dumps(model) == before
    assert pickle.dumps(np.random.mtrand._rand) == chance


@pytest.mark.parametrize("model_format", ["pickle", "skops"])
def test_a_large_model_lies_in_memory_once_more_not_twice(run, model_format):
    """What is written is hashed and copied to the disk in pieces."""
    import tracemalloc

    for package in NEEDED[model_format]:
        pytest.importorskip(package)
    model = Ridge().fit(*DIABETES)
    azml_sklearn.save_model(run, model, "warm", model_format)
    generator = np.random.default_rng(0)
    model.ballast_ = [generator.random(2**20) for _ in range(8)]  # 64 MiB; skops copies one array at a time
    tracemalloc.start()
    try:
        azml_sklearn.save_model(run, model, "large", model_format)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most < 64 * 2**20 * 1.6  # a file in memory grows by an eighth at a time


def test_a_skops_file_of_ours_is_one(run, tmp_path):
    """skops itself reads it, without us."""
    skops_io = pytest.importorskip("skops.io")
    X, y = DIABETES
    model = Ridge().fit(X, y)
    azml_sklearn.save_model(run, model, model_format="skops")
    run.download_file("outputs/Ridge/model.skops", str(tmp_path / "model.skops"))
    assert "schema.json" in zipfile.ZipFile(tmp_path / "model.skops").namelist()
    np.testing.assert_array_equal(skops_io.load(tmp_path / "model.skops").coef_, model.coef_)


def test_a_text_model_takes_texts_in_onnx_too(run, tmp_path):
    """A list of sentences has no columns."""
    pytest.importorskip("skl2onnx")
    texts = ["the cat sat", "a dog ran", "the cat ran", "a dog sat"]
    model = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(texts, [0, 1, 0, 1])
    name = azml_sklearn.save_model(run, model, model_format="onnx", X=texts)
    assert facts_of(run, name, tmp_path)["inputs"] == [{"name": "X", "type": "string", "shape": [None]}]
    with pytest.raises(ModelNotStorableError, match="its columns are unknown; pass X"):
        azml_sklearn.save_model(run, model, model_format="onnx")


def test_formats_bring_nothing_along_until_they_are_asked_for(tmp_path):
    """``autolog()`` with pickles loads neither skops nor ONNX."""
    script = """
import sys
from azml_integrations import autolog
autolog("sklearn", silent=True, log_images=False)
from sklearn.linear_model import Ridge
Ridge().fit([[0.0], [1.0]], [0.0, 1.0])
print([name for name in ("skops", "skl2onnx", "onnx", "onnxruntime") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=tmp_path, check=True)
    assert done.stdout.strip() == "[]"


def test_what_these_tests_skip_is_what_the_formats_need():
    """Else a format would go untested without a word."""
    for name, packages in NEEDED.items():
        known = FORMATS[name]
        assert {*known.writes_with, *known.reads_with} == {*packages}
        assert known.install == " ".join(packages)


# -- registered models -------------------------------------------------------------------------------


@pytest.fixture
def ridge(run):
    """Give a fitted model that was saved in the run."""
    model = Ridge(alpha=0.03).fit(*DIABETES)
    azml_sklearn.save_model(run, model)
    return model


@pytest.mark.parametrize("path", ["outputs/Ridge", "outputs/Ridge/model.pkl", "./outputs"])
def test_a_registered_model_comes_back(run, ridge, path, monkeypatch):
    """Whether its folder was registered, its file, or the folder above it; a pickle still takes trust."""
    run.register_model("diabetes", path, tags={"alpha": 0.03})
    registered = Model(run.experiment.workspace, "diabetes")
    np.testing.assert_array_equal(azml_sklearn.load_model(registered, trust=True).coef_, ridge.coef_)
    monkeypatch.setattr("pickle.loads", lambda _: pytest.fail("it was loaded"))
    with pytest.raises(UntrustedModelError, match=r"model\.pkl of model diabetes:1 is a pickle"):
        azml_sklearn.load_model(registered)


def test_several_registered_together_are_told_apart(run, ridge):
    """By the name that they had in the run."""
    azml_sklearn.save_model(run, Ridge(alpha=1.0).fit(*DIABETES), "other")
    registered = run.register_model("both", "outputs")
    with pytest.raises(AmbiguousModelError, match="model both:1 has 2 models: Ridge, other"):
        azml_sklearn.load_model(registered, trust=True)
    assert azml_sklearn.load_model(registered, "other", trust=True).alpha == 1.0
    for name in ("../Ridge", "Ridge/model.pkl", "", "nothing"):
        with pytest.raises(ModelNotFoundError, match="it has Ridge, other"):
            azml_sklearn.load_model(registered, name, trust=True)


def test_what_fits_wrote_is_registered_and_loaded(runs, tmp_path):
    """One line for the run, one for the registry, one for whoever predicts."""
    autolog("sklearn", silent=True, log_images=False)
    model = Ridge().fit(*DIABETES)
    (run,) = runs()
    path = run.register_model("diabetes", "outputs/Ridge").download(tmp_path / "served")
    for source in (path, f"{path}/model.pkl", Model.get_model_path("diabetes", _workspace=run.experiment.workspace)):
        np.testing.assert_array_equal(azml_sklearn.load_model(source, trust=True).coef_, model.coef_)


@pytest.mark.parametrize("name", ["model.pkl", "model.json"])
def test_a_registered_file_that_was_exchanged_is_refused(run, ridge, tmp_path, monkeypatch, name):
    """However much it is trusted, and though nobody looks at the run any more."""
    registered = run.register_model("diabetes", "outputs/Ridge/model.pkl")
    (path,) = (run.experiment.workspace.root / "models" / "diabetes" / "1").rglob(f"*/{name}")
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content[:-2] + b"!" + content[-1:])
    monkeypatch.setattr("pickle.loads", lambda _: pytest.fail("it was loaded"))
    with pytest.raises(ModelChangedError, match="of model diabetes:1 is not the file that was stored"):
        azml_sklearn.load_model(registered, trust=True)


def test_a_local_file_is_registered_with_what_is_known_of_it(run, ridge, tmp_path):
    """What was downloaded of a run, and lies beside the .json that tells of it."""
    run.download_files("outputs/Ridge", str(tmp_path))
    workspace = run.experiment.workspace
    known = Model.register(workspace, tmp_path / "outputs" / "Ridge" / "model.pkl", "known")
    np.testing.assert_array_equal(azml_sklearn.load_model(known, trust=True).coef_, ridge.coef_)

    (tmp_path / "outputs" / "Ridge" / "model.pkl").write_bytes(pickle.dumps(ridge))  # another file than the .json's
    for name in ("outputs/Ridge/model.pkl", "alone.pkl"):
        (tmp_path / "alone.pkl").write_bytes(pickle.dumps(ridge))
        bare = Model.register(workspace, tmp_path / name, "bare")
        with pytest.raises(ModelNotFoundError, match=r"no \.json beside \w+\.pkl says what it is"):
            azml_sklearn.load_model(bare, trust=True)


def test_a_model_of_another_scikit_learn_is_told_of_by_its_name_in_the_registry(run, ridge, tmp_path):
    """The versions stand in the .json that came along."""
    facts = facts_of(run, "Ridge", tmp_path)
    facts["versions"]["scikit-learn"] = "1.0"
    run.upload_file("outputs/Ridge/model.json", io.BytesIO(json.dumps(facts).encode()))
    registered = run.register_model("diabetes", "outputs/Ridge/model.pkl")
    with pytest.warns(ModelVersionWarning, match=r"model\.pkl of model diabetes:1 was made by scikit-learn 1\.0"):
        azml_sklearn.load_model(registered, trust=True)
