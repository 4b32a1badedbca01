"""What goes into a model and what comes out stands beside it, read from types and names alone."""

import datetime as dt
import json

import numpy as np
import pytest
import scipy.sparse
from sklearn.cluster import KMeans
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, load_wine
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor, IsolationForest
from sklearn.feature_extraction import DictVectorizer
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge, RidgeClassifier, SGDClassifier
from sklearn.mixture import GaussianMixture
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.tree import DecisionTreeClassifier

from azml_integrations import autolog
from azml_integrations.errors import AutologWarning
from azml_sklearn import signature
from azml_sklearn.fits import Fit

CANCER = load_breast_cancer(return_X_y=True)
DIABETES = load_diabetes(return_X_y=True)
IRIS = load_iris(return_X_y=True)
WINE = load_wine(return_X_y=True)
TEXTS = ["ship sails", "train leaves", "sea and ship", "station"], ["water", "land", "water", "land"]


def stored(run, name, tmp_path):
    """Read a file of a run's only fit."""
    (found,) = [file for file in run.get_file_names() if file.endswith(f"/{name}")]
    run.download_file(found, str(tmp_path / name))
    return json.loads((tmp_path / name).read_text("utf-8"), parse_constant=pytest.fail)


def array(dtype, *width):
    return {"kind": "array", "library": "numpy", "shape": [None, *width], "dtype": dtype}


def test_the_signature_of_the_main_job(runs, tmp_path):
    """Any number of rows of ten numbers go into Ridge on diabetes, and one number for each comes out."""
    Ridge().fit(*DIABETES)
    assert stored(runs()[0], "signature.json", tmp_path) == {
        "inputs": array("float64", 10),
        "target": array("float64"),
        "outputs": {"dtype": "float64", "shape": [None]},
    }


def test_without_models_there_is_no_signature(runs):
    """It belongs to the model: whoever stores none wants nothing beside it."""
    autolog("sklearn", silent=True, log_models=False, log_images=False)
    Ridge().fit(*DIABETES)
    assert runs()[0].get_file_names() == []


def mixed_frame(rows=40):
    """A table as people have them: numbers with gaps, words, dates, categories."""
    pd = pytest.importorskip("pandas")
    numbers = np.arange(rows, dtype=float)
    return pd.DataFrame(
        {
            "age": numbers,
            "count": pd.array([None, *range(rows - 1)], dtype="Int64"),
            "ill": pd.array([True] * rows, dtype="boolean"),
            "town": pd.Categorical(["Ulm", "Köln"] * (rows // 2), categories=["Köln", "Ulm", "Bonn"], ordered=True),
            "seen": pd.date_range("2026-01-01", periods=rows, tz="UTC").as_unit("ns"),
            "note": pd.array(["a", None] * (rows // 2), dtype="string"),
            "last": numbers.astype("float32"),
        }
    )


def drop_hard(frame):
    return frame[["age"]]


def test_a_frame_is_described_by_its_columns(runs, tmp_path):
    """Each column has its name and its library's word for its type; a categorical one its categories."""
    X = mixed_frame()
    y = X["age"].rename("target") * 2
    make_pipeline(FunctionTransformer(drop_hard), LinearRegression()).fit(X, y)
    found = stored(runs()[0], "signature.json", tmp_path)
    assert found["inputs"] == {
        "kind": "dataframe",
        "library": "pandas",
        "shape": [None, 7],
        "columns": [
            {"name": "age", "dtype": "float64"},
            {"name": "count", "dtype": "Int64"},
            {"name": "ill", "dtype": "boolean"},
            {
                "name": "town",
                "dtype": "category",
                "categories": ["Köln", "Ulm", "Bonn"],
                "n_categories": 3,
                "ordered": True,
            },
            {"name": "seen", "dtype": "datetime64[ns, UTC]"},
            {"name": "note", "dtype": "string"},
            {"name": "last", "dtype": "float32"},
        ],
    }
    assert found["target"] == {
        "kind": "series",
        "library": "pandas",
        "shape": [None],
        "dtype": "float64",
        "name": "target",
    }
    assert found["outputs"] == {"dtype": "float64", "shape": [None]}


class Interchangeable:
    """A frame of some other library: all that is known is the interchange protocol."""

    def __init__(self, frame):
        self.frame = frame

    def __dataframe__(self, **_):
        return self

    def column_names(self):
        return list(self.frame)

    def get_column_by_name(self, name):
        return self.frame[name]


class Kind:
    def __init__(self, name):
        self.name = name


class InterchangedColumn:
    def __init__(self, kind, bits):
        self.dtype = (Kind(kind), bits, "", "=")


class Polarlike:
    """A frame as polars has them: lists of names and of types."""

    columns = ("age", "town")
    dtypes = ("Float64", "Enum(categories=['Köln', 'Ulm'])")
    shape = (3, 2)

    def head(self, rows):
        return self

    def to_dicts(self):
        return [{"age": 1.5, "town": "Ulm"}]


@pytest.mark.parametrize(
    ("frame", "columns"),
    [
        (
            Interchangeable({"age": InterchangedColumn("FLOAT", 64), "town": InterchangedColumn("STRING", 8)}),
            [("age", "float64"), ("town", "string")],
        ),
        (Polarlike(), [("age", "Float64"), ("town", "Enum(categories=['Köln', 'Ulm'])")]),
    ],
    ids=["protocol", "polars"],
)
def test_a_frame_of_another_library_is_described_too(frame, columns):
    """No library is imported for it; its columns speak for themselves."""
    found = signature.described(frame)
    assert (found.kind, found.shape) == ("dataframe", [None, 2])
    assert [(column.name, column.dtype) for column in found.columns] == columns


@pytest.mark.parametrize("form", ["csr", "csc", "coo", "bsr", "lil"])
@pytest.mark.parametrize("make", [scipy.sparse.csr_matrix, scipy.sparse.csr_array], ids=["matrix", "array"])
def test_a_sparse_matrix_stays_sparse(runs, tmp_path, monkeypatch, make, form):
    """Its format and type are told; nothing of it is made dense."""
    X = make(CANCER[0].astype("float32")).asformat(form)
    for kind in type(X).__mro__:
        for name in ("toarray", "todense"):
            if name in vars(kind):
                monkeypatch.setattr(kind, name, lambda *_: pytest.fail("densified"))
    found = signature.signature_of(Fit(RidgeClassifier(), X=X, y=CANCER[1]))
    assert (found.inputs.kind, found.inputs.library, found.inputs.format) == ("sparse", "scipy", form)
    assert (found.inputs.shape, found.inputs.dtype) == ([None, 30], "float32")
    example = signature._example(X)
    if form == "bsr":
        assert example == "a sparse matrix in bsr format does not show its first rows"
        return
    expected = CANCER[0][:5].astype("float32").astype(float)
    rebuilt = np.zeros(example["shape"])
    rebuilt[example["row"], example["column"]] = example["value"]
    assert (example["kind"], example["format"], example["shape"]) == ("sparse", form, [5, 30])
    assert np.array_equal(rebuilt, expected)


@pytest.mark.parametrize(
    ("X", "inputs"),
    [
        (np.ones((4, 2), dtype=">f4"), array(">f4", 2)),
        (np.ones((4, 2, 3)), array("float64", 2, 3)),
        ([[1, 2.5], [3, 4.5]], {"kind": "list", "shape": [None, 2], "dtype": "float|int"}),
        (((1, 2), (3, 4)), {"kind": "list", "shape": [None, 2], "dtype": "int"}),
        (TEXTS[0], {"kind": "texts", "shape": [None], "dtype": "str"}),
        ([{"a": 1}, {"b": 2}], {"kind": "list", "shape": [None], "dtype": "dict"}),
        ([1, 2], {"kind": "list", "shape": [None], "dtype": "int"}),
        ([], {"kind": "list"}),
        (iter([[1]]), {"kind": "list_iterator"}),
        (np.array(TEXTS[0]), array("<U12")),
    ],
    ids=lambda value: type(value).__name__,
)
def test_every_shape_of_data_has_a_description(X, inputs):
    """What is not an array is described as far as its first row tells, an iterator is not touched."""
    found = json.loads(signature.msgspec.json.encode(signature.described(X)))
    assert found == inputs
    assert not hasattr(X, "__next__") or next(X) == [1]


def test_the_estimator_speaks_where_the_data_do_not():
    """Of data without a width the number of features, and their names, are those that the estimator remembers."""
    pd = pytest.importorskip("pandas")
    model = Ridge().fit(pd.DataFrame({"bmi": [1.0, 2.0], "bp": [2.0, 3.0]}), [1.0, 2.0])
    found = signature.signature_of(Fit(model))
    assert (found.inputs, found.n_features, found.features) == (None, 2, ["bmi", "bp"])


CLASSIFIERS = [
    (GaussianNB(), IRIS, {"dtype": "int64", "shape": [None], "classes": [0, 1, 2], "n_classes": 3}),
    (
        make_pipeline(HashingVectorizer(n_features=16), RidgeClassifier()),
        TEXTS,
        {"dtype": "<U5", "shape": [None], "classes": ["land", "water"], "n_classes": 2},
    ),
    (
        make_pipeline(DictVectorizer(), DecisionTreeClassifier()),
        ([{"a": 1}, {"a": 2}], [True, False]),
        {"dtype": "bool", "shape": [None], "classes": [False, True], "n_classes": 2},
    ),
    (
        KNeighborsClassifier(),
        (IRIS[0], np.column_stack([IRIS[1], IRIS[1] > 0])),
        {"dtype": "int64", "shape": [None, 2], "classes": [[0, 1, 2], [0, 1]], "n_classes": [3, 2]},
    ),
    (
        GaussianNB(),
        (np.arange(2004.0)[:, None], np.arange(2004) // 2),
        {"dtype": "int64", "shape": [None], "classes": list(range(1000)), "n_classes": 1002},
    ),
    (KMeans(3, n_init=1), (WINE[0],), {"dtype": "int32", "shape": [None]}),
    (
        IsolationForest(n_estimators=5),
        (WINE[0],),
        {"dtype": "int64", "shape": [None], "classes": [-1, 1], "n_classes": 2},
    ),
    (GaussianMixture(2), (WINE[0],), {"shape": [None]}),
    (Ridge(), (DIABETES[0], np.column_stack([DIABETES[1]] * 3)), {"dtype": "float64", "shape": [None, 3]}),
    (Ridge(), (DIABETES[0], DIABETES[1].astype(int)), {"dtype": "float64", "shape": [None]}),
]


@pytest.mark.filterwarnings("ignore:The number of unique classes:UserWarning")
@pytest.mark.filterwarnings("ignore:autolog of sklearn.*no training metrics")  # of two outputs with many classes
@pytest.mark.parametrize(("model", "data", "outputs"), CLASSIFIERS, ids=lambda value: type(value).__name__)
def test_the_outputs_are_those_of_predict(runs, tmp_path, model, data, outputs):
    """Type, number and classes of the answers, also of several at once; of too many classes the first, and how many."""
    model.fit(*data)
    assert stored(runs()[0], "signature.json", tmp_path)["outputs"] == outputs


def test_nothing_is_predicted_for_a_signature(runs, tmp_path):
    """With training metrics off the model is asked nothing: the classes tell the type of its answers."""
    autolog("sklearn", silent=True, log_images=False, max_metric_rows=0)
    GaussianNB().fit(*IRIS)
    HistGradientBoostingRegressor(max_iter=2).fit(*DIABETES)
    first, second = runs()
    found = stored(first, "signature.json", tmp_path)
    assert found["outputs"] == {"dtype": "int64", "shape": [None], "classes": [0, 1, 2], "n_classes": 3}
    assert stored(second, "signature.json", tmp_path)["outputs"] == {"shape": [None]}


def test_a_loop_over_partial_fit_has_a_signature_too(runs, tmp_path):
    """Its model is stored when the loop is over, what belongs to it is stored then."""
    autolog("sklearn", silent=True, log_images=False, log_input_examples=True)
    model = SGDClassifier()
    for part in range(3):
        model.partial_fit(IRIS[0][part::3], IRIS[1][part::3], classes=[0, 1, 2])
    autolog(False)
    (run,) = runs()
    assert stored(run, "signature.json", tmp_path)["inputs"] == array("float64", 4)
    assert stored(run, "input_example.json", tmp_path)["rows"] == IRIS[0][:15:3].tolist()


@pytest.fixture
def with_examples(runs):
    autolog("sklearn", silent=True, log_images=False, log_models=False, log_input_examples=True)
    return runs


def test_examples_are_off_by_default(runs):
    """Data leave the program only when they are asked for."""
    Ridge().fit(*DIABETES)
    assert not any("example" in name for name in runs()[0].get_file_names())


def test_an_example_is_what_fit_was_given(with_examples, tmp_path):
    """The first five rows, as they were before a fit that writes over its data."""
    X = DIABETES[0].copy(order="F")
    Ridge(copy_X=False, solver="cholesky").fit(X, DIABETES[1])
    assert not np.array_equal(X[:5], DIABETES[0][:5])
    found = stored(with_examples()[0], "input_example.json", tmp_path)
    assert found == {"kind": "array", "rows": DIABETES[0][:5].tolist(), "remarks": []}


def test_an_example_of_a_frame_has_the_names_of_its_columns(with_examples, tmp_path):
    """Gaps are null, dates are text, a category is its name."""
    X = mixed_frame()
    make_pipeline(FunctionTransformer(drop_hard), LinearRegression()).fit(X, X["age"])
    found = stored(with_examples()[0], "input_example.json", tmp_path)
    assert found["kind"] == "dataframe"
    assert found["records"][:2] == [
        {
            "age": 0.0,
            "count": None,
            "ill": True,
            "town": "Ulm",
            "seen": "2026-01-01T00:00:00+00:00",
            "note": "a",
            "last": 0.0,
        },
        {
            "age": 1.0,
            "count": 0,
            "ill": True,
            "town": "Köln",
            "seen": "2026-01-02T00:00:00+00:00",
            "note": None,
            "last": 1.0,
        },
    ]
    assert len(found["records"]) == 5


def test_a_name_that_is_a_number_stays_one():
    """Columns are called as the frame calls them; what JSON cannot call a name is text."""
    pd = pytest.importorskip("pandas")
    found = signature.described(pd.DataFrame([[1, 2, 3]], columns=[7, "b", ("c", 1)]))
    assert [column.name for column in found.columns] == [7, "b", "('c', 1)"]


def test_two_columns_of_one_name_are_both_there():
    """A record would lose one of them, so such a frame is told by rows."""
    pd = pytest.importorskip("pandas")
    found = signature._example(pd.DataFrame([[1, 2], [3, 4]], columns=["a", "a"]))
    assert (found["columns"], found["rows"]) == (["a", "a"], [[1, 2], [3, 4]])


def test_what_json_has_not_is_told_in_its_words(with_examples, tmp_path):
    """NaN is null, an infinity is a word; the file is JSON that any reader takes."""
    X = np.array([[np.nan, 1.0], [np.inf, -np.inf], [0.0, 1.0]])
    HistGradientBoostingClassifier(max_iter=1).fit(X, [0, 1, 1])
    found = stored(with_examples()[0], "input_example.json", tmp_path)
    assert found["rows"] == [[None, 1.0], ["Infinity", "-Infinity"], [0.0, 1.0]]


def test_a_huge_text_is_cut_and_said_so(with_examples, tmp_path):
    """An example is to be looked at, not a copy of a corpus."""
    texts = ["ship " * 1000, "train"]
    make_pipeline(HashingVectorizer(n_features=16), LogisticRegression()).fit(texts, ["water", "land"])
    found = stored(with_examples()[0], "input_example.json", tmp_path)
    assert found == {
        "kind": "texts",
        "rows": ["ship " * 200, "train"],
        "remarks": ["1 texts are cut after 1,000 letters"],
    }


def test_wide_rows_are_fewer_and_too_wide_ones_none():
    """A row of a million values is no example; one of twenty thousand stands with one other."""
    few = signature._example(np.zeros((9, 20_000)))
    assert len(few["rows"]) == 2
    assert few["remarks"] == ["2 rows, of 20,000 values each"]
    assert signature._example(np.zeros((2, 60_000))) == "one row has 60,000 values, more than 50,000"


def test_where_there_is_no_example_a_note_says_why(with_examples, notes):
    """What cannot be had without reading it is left alone, and said."""
    make_pipeline(HashingVectorizer(n_features=16), KMeans(2, n_init=1)).fit(iter(TEXTS[0]))
    (run,) = with_examples()
    reason = "the first rows of a list_iterator cannot be had without reading it"
    assert f"input_example.json ({reason})" in notes(run)[0]
    assert "training metrics (a list_iterator can be read only once)" in notes(run)[0]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.float32(1.5), 1.5),
        (np.int8(3), 3),
        (np.bool_(True), True),
        (np.str_("a"), "a"),
        (b"a\xff", "a\\xff"),
        (np.datetime64("2026-01-02"), "2026-01-02"),
        (np.array(["2026-01-02", "NaT"], dtype="M8[ns]"), ["2026-01-02T00:00:00.000000000", None]),
        (dt.date(2026, 1, 2), "2026-01-02"),
        (1 + 2j, "(1+2j)"),
        ({1: (np.nan, {2})}, {"1": [None, [2]]}),
    ],
)
def test_values_become_json(value, expected):
    """Whatever lies in a table has a plain form, and the same one every time."""
    assert signature.plain(value) == expected
    json.dumps(signature.plain(value))


def test_the_option_is_yes_or_no(experiment):
    """A number or a word for it is a mistake that is told at once."""
    with pytest.warns(AutologWarning, match="log_input_examples is True or False, not 5"):
        autolog("sklearn", log_input_examples=5, silent=True)
