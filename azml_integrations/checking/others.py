"""Names that old scripts use and today's libraries no longer have: none of ours, and no shim is put in."""

from collections.abc import Mapping

from .facts import Fact, Verdict

_PLAIN = "gone in NumPy {}: write {}"
_NUMPY: Mapping[str, str] = {
    **{f"numpy.{name}": _PLAIN.format("1.24", name) for name in ("float", "int", "str", "object", "complex")},
    "numpy.unicode": _PLAIN.format("1.24", "str"),
    "numpy.typeDict": _PLAIN.format("1.24", "numpy.sctypeDict"),
    "numpy.asscalar": _PLAIN.format("1.23", "array.item()"),
    "numpy.rank": _PLAIN.format("1.18", "numpy.ndim"),
    **{
        f"numpy.{name}": _PLAIN.format("2.0", instead)
        for name, instead in {
            "float_": "numpy.float64",
            "complex_": "numpy.complex128",
            "string_": "numpy.bytes_",
            "unicode_": "numpy.str_",
            "Inf": "numpy.inf",
            "PINF": "numpy.inf",
            "NINF": "-numpy.inf",
            "infty": "numpy.inf",
            "NaN": "numpy.nan",
            "product": "numpy.prod",
            "cumproduct": "numpy.cumprod",
            "alltrue": "numpy.all",
            "sometrue": "numpy.any",
            "round_": "numpy.round",
            "asfarray": "numpy.asarray(..., dtype=float)",
            "msort": "numpy.sort(..., axis=0)",
            "mat": "numpy.asmatrix",
            "find_common_type": "numpy.result_type",
        }.items()
    },
}

_MOVED = "scikit-learn {} took it away: {}"
_JOBLIB = _MOVED.format("0.23", "write `import joblib`")
_PRIVATE = "a private module that scikit-learn 0.24 took away: import its names from {}"
_SKLEARN: Mapping[str, str] = {
    "sklearn.externals.joblib": _JOBLIB,
    "sklearn.externals.six": _MOVED.format("0.23", "Python 3 needs no six"),
    "sklearn.cross_validation": _MOVED.format("0.20", "use sklearn.model_selection"),
    "sklearn.grid_search": _MOVED.format("0.20", "use sklearn.model_selection"),
    "sklearn.learning_curve": _MOVED.format("0.20", "use sklearn.model_selection"),
    "sklearn.lda": _MOVED.format("0.19", "use sklearn.discriminant_analysis"),
    "sklearn.qda": _MOVED.format("0.19", "use sklearn.discriminant_analysis"),
    "sklearn.datasets.load_boston": _MOVED.format(
        "1.2", "its data raise ethical questions; load_diabetes or fetch_california_housing are regressions too"
    ),
    "sklearn.datasets.fetch_mldata": _MOVED.format("0.22", "use fetch_openml"),
    "sklearn.preprocessing.Imputer": _MOVED.format("0.22", "use sklearn.impute.SimpleImputer"),
    "sklearn.preprocessing.CategoricalEncoder": _MOVED.format("0.20", "use OneHotEncoder or OrdinalEncoder"),
    "sklearn.metrics.plot_roc_curve": _MOVED.format("1.2", "use RocCurveDisplay.from_estimator"),
    "sklearn.metrics.plot_confusion_matrix": _MOVED.format("1.2", "use ConfusionMatrixDisplay.from_estimator"),
    "sklearn.metrics.plot_precision_recall_curve": _MOVED.format("1.2", "use PrecisionRecallDisplay.from_estimator"),
    "sklearn.metrics.jaccard_similarity_score": _MOVED.format("0.23", "use jaccard_score or accuracy_score"),
    "sklearn.metrics.calinski_harabaz_score": _MOVED.format("0.23", "use calinski_harabasz_score"),
    "sklearn.inspection.plot_partial_dependence": _MOVED.format("1.2", "use PartialDependenceDisplay.from_estimator"),
    "sklearn.utils.linear_assignment_": _MOVED.format("0.23", "use scipy.optimize.linear_sum_assignment"),
    "sklearn.mixture.GMM": _MOVED.format("0.20", "use GaussianMixture"),
    "sklearn.decomposition.RandomizedPCA": _MOVED.format("0.20", "use PCA(svd_solver='randomized')"),
    "sklearn.linear_model.RandomizedLasso": _MOVED.format("0.21", "use a selection of sklearn.feature_selection"),
    **{
        name: _PRIVATE.format(name.rpartition(".")[0])
        for name in (
            *("sklearn.linear_model.logistic", "sklearn.linear_model.ridge", "sklearn.linear_model.base"),
            *("sklearn.ensemble.forest", "sklearn.ensemble.gradient_boosting", "sklearn.tree.tree"),
            *("sklearn.svm.classes", "sklearn.neighbors.classification", "sklearn.datasets.base"),
            *("sklearn.datasets.samples_generator", "sklearn.preprocessing.data", "sklearn.preprocessing.label"),
            *("sklearn.cluster.k_means_", "sklearn.decomposition.pca", "sklearn.metrics.scorer"),
            *("sklearn.neural_network.multilayer_perceptron", "sklearn.utils.testing"),
        )
    },
}

_PANDAS: Mapping[str, str] = {
    "pandas.Panel": "gone in pandas 0.25: use a DataFrame with a MultiIndex, or xarray",
    "pandas.datetime": "gone in pandas 2.0: use datetime.datetime",
    "pandas.np": "gone in pandas 2.0: write `import numpy as np`",
    **{
        f"pandas.{name}": "gone in pandas 2.0: use pandas.Index"
        for name in ("Int64Index", "Float64Index", "UInt64Index")
    },
    "pandas.rolling_mean": "gone in pandas 0.23: use .rolling(...).mean()",
    "pandas.TimeGrouper": "gone in pandas 1.0: use pandas.Grouper",
    "pandas.scatter_matrix": "gone in pandas 0.25: use pandas.plotting.scatter_matrix",
    **{
        f"pandas.DataFrame.{name}": f"gone in pandas {version}: {instead}"
        for name, version, instead in (
            ("append", "2.0", "use pandas.concat"),
            ("iteritems", "2.0", "use .items()"),
            ("mad", "2.0", "compute (df - df.mean()).abs().mean()"),
            ("lookup", "2.0", "use .loc or factorize"),
            ("ix", "1.0", "use .loc or .iloc"),
            ("as_matrix", "1.0", "use .to_numpy()"),
            ("get_value", "1.0", "use .at"),
            ("set_value", "1.0", "use .at"),
            ("sort", "0.20", "use .sort_values()"),
            ("convert_objects", "1.0", "use .infer_objects()"),
            ("reindex_axis", "1.0", "use .reindex"),
        )
    },
}

_ONE = "there is no TensorFlow 1 for this Python: use tf.compat.v1.{0}, or write it anew in Keras"
_TENSORFLOW: Mapping[str, str] = {
    **{
        f"tensorflow.{name}": _ONE.format(name)
        for name in (
            *("placeholder", "Session", "InteractiveSession", "ConfigProto", "global_variables_initializer"),
            *("get_variable", "variable_scope", "reset_default_graph", "layers", "set_random_seed", "app"),
        )
    },
    "tensorflow.contrib": "gone in TensorFlow 2: see its guide to migration",
    "tensorflow.examples": "gone in TensorFlow 2: use tf.keras.datasets",
}

_PYTHON: Mapping[str, str] = {
    "imp": "gone in Python 3.12: use importlib",
    "distutils": "gone in Python 3.12: use setuptools, or packaging.version for versions",
    "asynchat": "gone in Python 3.12",
    "asyncore": "gone in Python 3.12: use asyncio",
    "inspect.getargspec": "gone in Python 3.11: use inspect.getfullargspec or inspect.signature",
    "time.clock": "gone in Python 3.8: use time.perf_counter",
    **{
        f"collections.{name}": f"gone in Python 3.10: use collections.abc.{name}"
        for name in ("Mapping", "MutableMapping", "Iterable", "Sequence", "Callable")
    },
    **dict.fromkeys(
        ("urllib2", "cPickle", "ConfigParser", "StringIO", "Queue", "Tkinter", "urllib.urlretrieve"),
        "a name of Python 2",
    ),
    **dict.fromkeys(
        ("scipy.misc.imread", "scipy.misc.imresize", "scipy.misc.imsave", "scipy.misc.toimage"),
        "gone in SciPy 1.3: imageio and PIL read and write images",
    ),
    "scipy.interp": "gone in SciPy 1.12: use numpy.interp",
}

BROKEN: Mapping[str, str] = {**_NUMPY, **_SKLEARN, **_PANDAS, **_TENSORFLOW, **_PYTHON}
"""What is gone, by full name, and what to write instead."""

BROKEN_ARGUMENTS: Mapping[tuple[str, str], str] = {
    **{
        (f"sklearn.linear_model.{name}", "normalize"): "gone in scikit-learn 1.2: put a StandardScaler before the model"
        for name in ("LinearRegression", "Ridge", "Lasso", "ElasticNet", "RidgeCV", "LassoCV")
    },
    ("sklearn.preprocessing.OneHotEncoder", "sparse"): "gone in scikit-learn 1.4: write sparse_output=",
    ("sklearn.metrics.mean_squared_error", "squared"): "gone in scikit-learn 1.6: use root_mean_squared_error",
    ("sklearn.model_selection.GridSearchCV", "iid"): "gone in scikit-learn 0.24: leave it out",
    ("sklearn.cluster.KMeans", "n_jobs"): "gone in scikit-learn 1.0: leave it out",
    **{
        (f"sklearn.ensemble.{name}", "base_estimator"): "gone in scikit-learn 1.4: write estimator="
        for name in ("BaggingClassifier", "BaggingRegressor", "AdaBoostClassifier", "AdaBoostRegressor")
    },
}
"""Arguments that are gone, by function and name."""

CHANGED: Mapping[str, str] = {
    "numpy.bool": "gone in NumPy 1.24 to 1.26, and NumPy's own boolean since 2.0: write bool",
    "numpy.long": "gone in NumPy 1.24 to 1.26, and a C integer since 2.0: write int",
}
"""What is there, and is something else than it was."""

GIVES: Mapping[str, str] = dict.fromkeys(
    (
        *("pandas.DataFrame", "pandas.read_csv", "pandas.read_parquet", "pandas.read_json", "pandas.read_excel"),
        *("pandas.read_table", "pandas.concat", "pandas.merge"),
    ),
    "DataFrame",
)
"""Classes of what functions of other libraries return."""


def facts() -> dict[str, Fact]:
    """Return what is known about names of other libraries, by full name."""
    broken = {name: Fact(name.rpartition(".")[2], Verdict.BROKEN, why) for name, why in BROKEN.items()}
    changed = {name: Fact(name.rpartition(".")[2], Verdict.DIFFERS, why) for name, why in CHANGED.items()}
    return broken | changed
