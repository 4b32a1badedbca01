"""An estimator that records its own fits, whether or not autolog is on: the explicit form."""

import functools
import weakref
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Self

from sklearn import get_config
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone
from sklearn.utils import get_tags
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, has_fit_parameter

from azml_integrations import AutologOptions, Run, RunStatus, current_run
from azml_integrations.autologging import Observation, is_paused
from azml_integrations.errors import OptionError

from .fits import as_called
from .loops import Loops
from .nesting import in_a_worker, inside, is_inside, is_part_of_another
from .predictions import remember
from .report import observe_fit
from .session import LISTENING, SOURCE, Session

if TYPE_CHECKING:
    from .fits import Fit

ROUTED = (
    "fit",
    "partial_fit",
    "fit_predict",
    "fit_transform",
    "predict",
    "predict_proba",
    "predict_log_proba",
    "decision_function",
    "score",
    "transform",
    "inverse_transform",
)
"""The methods to which scikit-learn can route metadata."""
ENDED = {RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELED}


def _answers(name: str) -> Callable[["LoggedEstimator"], bool]:
    """Return a check of whether the inner estimator has a method; fitted, if it is."""

    def check(logged: "LoggedEstimator") -> bool:
        getattr(logged._inner, name)  # noqa: SLF001 - its own check; raises what the inner one raises, which says why
        return True

    return check


OPTIONS = ("log_input_examples", "max_child_runs", "max_metric_rows", "max_model_bytes", "model_format")
"""Arguments that are the adapter's options, by its names."""


class LoggedEstimator(MetaEstimatorMixin, BaseEstimator):  # type: ignore[misc]
    """An estimator whose fits are recorded, with no `autolog` needed.

    It behaves as the estimator inside: the same results, the same methods, the same parameters under
    ``estimator__``. What is recorded is what `autolog` records of the estimator inside, under its name.

    A fit that scikit-learn makes as a part of another one (a fold, a candidate, a member of an ensemble) is no
    training of its own and makes no run, in whichever process. The last step of a pipeline and the refit of a search
    are recorded, unless the pipeline or the search is recorded itself.

    Parameters
    ----------
    estimator : estimator
        What is fitted: a clone of it, as scikit-learn has it. A generator given as ``random_state`` is cloned with it,
        so each fit begins with the same random numbers.
    run : Run, default=None
        Where to: the first fit stands in this run, each later one in a child of it. None, or a run that is over,
        leaves it to the rules of `autolog`: the current run, a child of it, or a run of its own. `clone` keeps the
        handle. A pickle leaves it out, and so does a deep copy: what is loaded tomorrow does not write into the run of
        today.
    log_models : bool, default=True
        Store the fitted estimator: the inner one, which is loaded without this package.
    log_images : bool, default=True
        Store pictures: ROC curves, confusion matrices.
    silent : bool, default=False
        Print nothing at the end of a fit.
    log_input_examples : bool, default=False
        Store the first rows of X.
    max_child_runs : int, default=None
        At most so many candidates of a search have a child run; None as in `autolog`.
    max_metric_rows : int, default=None
        Training metrics come from at most so many rows [rows]; None as in `autolog`, 0 switches them off.
    max_model_bytes : int, default=None
        A larger model file is not stored [bytes]; None as in `autolog`.
    model_format : {"pickle", "skops", "onnx"}, default=None
        How a model is stored; None as in `autolog`.

    Attributes
    ----------
    estimator_ : estimator
        The fitted one. What it has learned is found here too: ``coef_``, ``classes_``, ``best_params_``.
    run_id_ : str or None
        Id of the run of the last fit; None where it was not recorded.
    n_features_in_ : int
        Number of features seen in `fit`, if the inner estimator has it.
    feature_names_in_ : array of shape (n_features_in_,)
        Names of features seen in `fit`, if the inner estimator has them.
    classes_ : array of shape (n_classes,)
        Classes, if the inner estimator has them.

    Raises
    ------
    OptionError
        In `fit`, if an argument is not what it has to be.

    Notes
    -----
    A worker process begins no run: there, give `run`, or begin one.

    Calls of ``partial_fit`` are one loop and one run, whose model is stored when this thread trains another
    `LoggedEstimator`, or the program ends.

    Examples
    --------
    >>> from azml_sklearn import LoggedEstimator
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.linear_model import Ridge
    >>> X, y = load_diabetes(return_X_y=True)
    >>> LoggedEstimator(Ridge(alpha=0.03)).fit(X, y).score(X, y)  # doctest: +SKIP
    0.51...
    """

    def __init__(
        self,
        estimator: Any,
        run: Run | None = None,
        *,
        log_models: bool = True,
        log_images: bool = True,
        silent: bool = False,
        log_input_examples: bool = False,
        max_child_runs: int | None = None,
        max_metric_rows: int | None = None,
        max_model_bytes: int | None = None,
        model_format: str | None = None,
    ) -> None:
        self.estimator = estimator
        self.run = run
        self.log_models = log_models
        self.log_images = log_images
        self.silent = silent
        self.log_input_examples = log_input_examples
        self.max_child_runs = max_child_runs
        self.max_metric_rows = max_metric_rows
        self.max_model_bytes = max_model_bytes
        self.model_format = model_format

    # -- training ------------------------------------------------------------------------------------

    def fit(self, X: Any, y: Any = None, **fit_params: Any) -> Self:
        """Fit a clone of the estimator, and record it.

        Parameters
        ----------
        X, y : array-like
            As the estimator takes them.
        **fit_params
            As the estimator takes them; routed where scikit-learn's metadata routing is enabled.

        Returns
        -------
        self : LoggedEstimator
        """
        self._train("fit", X, y, fit_params)
        return self

    @available_if(_answers("fit_predict"))  # type: ignore[untyped-decorator]
    def fit_predict(self, X: Any, y: Any = None, **fit_params: Any) -> Any:
        """Fit as `fit` does, and return what the estimator's ``fit_predict`` returns."""
        return self._train("fit_predict", X, y, fit_params)

    @available_if(_answers("fit_transform"))  # type: ignore[untyped-decorator]
    def fit_transform(self, X: Any, y: Any = None, **fit_params: Any) -> Any:
        """Fit as `fit` does, and return what the estimator's ``fit_transform`` returns."""
        return self._train("fit_transform", X, y, fit_params)

    @available_if(_answers("partial_fit"))  # type: ignore[untyped-decorator]
    def partial_fit(self, X: Any, y: Any = None, **fit_params: Any) -> Self:
        """Fit one more batch; all calls on one object are one loop in one run.

        Parameters
        ----------
        X, y : array-like
            One batch.
        **fit_params
            As the estimator takes them: ``classes``.

        Returns
        -------
        self : LoggedEstimator
        """
        session = self._session()
        routed = self._routed("partial_fit", fit_params)
        fitted = vars(self).get("estimator_") or clone(self.estimator)
        fit = _seen(fitted, "partial_fit", X, y, routed)
        observation = None if self._is_part() else _loops_of(self, session).step(fit)
        self._call(fit, routed, observation)
        return self

    def _train(self, method: str, X: Any, y: Any, params: dict[str, Any]) -> Any:
        session = self._session()
        routed = self._routed(method, params)
        fit = _seen(clone(self.estimator), method, X, y, routed)
        if self._is_part():
            return self._call(fit, routed, None)
        return self._call(fit, routed, session.observation(fit))

    def _call(self, fit: "Fit", params: Mapping[str, Any], observation: Observation | None) -> Any:
        """Make the user's call; remember who was fitted when it is over."""
        train = getattr(fit.estimator, fit.method)
        data = (fit.X,) if fit.y is None and not has_fit_parameter(fit.estimator, "y") else (fit.X, fit.y)
        if observation is None:
            result = train(*data, **params)
        else:
            with observation as seen, inside():
                result = seen.result = train(*data, **params)
        run = observation.run if observation is not None else None
        self.estimator_ = fit.estimator
        self.run_id_ = None if run is None else run.id
        for session, patches in list(LISTENING.items()) if run is not None else ():
            remember(run, fit.estimator, session, patches)
        return result

    def _session(self) -> "_OwnSession":
        """Return what records the next fit.

        Raises
        ------
        OptionError
            If an argument is not what it has to be.
        """
        if not hasattr(self.estimator, "fit") or isinstance(self.estimator, type):
            raise OptionError(
                f"LoggedEstimator wraps an estimator, as in LoggedEstimator(Ridge()); it got {self.estimator!r}"
            )
        if self.run is not None and not isinstance(self.run, Run):
            raise OptionError(f"LoggedEstimator got run={self.run!r}; expected a Run or None")
        for name in ("log_models", "log_images", "silent"):
            if not isinstance(getattr(self, name), bool):
                raise OptionError(f"LoggedEstimator got {name}={getattr(self, name)!r}; expected True or False")
        extra = {name: getattr(self, name) for name in OPTIONS}
        given = {name: value for name, value in extra.items() if value is not None}
        options = AutologOptions(self.log_models, self.log_images, self.silent, extra=given)
        return _OwnSession(options, self.run)

    def _is_part(self) -> bool:
        if is_inside() or is_paused("sklearn") or is_part_of_another(self):
            return True
        return self.run is None and in_a_worker() and current_run() is None

    # -- what a fitted estimator can do ---------------------------------------------------------------

    @available_if(_answers("predict"))  # type: ignore[untyped-decorator]
    def predict(self, X: Any, **params: Any) -> Any:
        """Return what the fitted estimator predicts."""
        return self._ask("predict", X, params=params)

    @available_if(_answers("predict_proba"))  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any, **params: Any) -> Any:
        """Return the fitted estimator's probabilities."""
        return self._ask("predict_proba", X, params=params)

    @available_if(_answers("predict_log_proba"))  # type: ignore[untyped-decorator]
    def predict_log_proba(self, X: Any, **params: Any) -> Any:
        """Return the logarithms of the fitted estimator's probabilities."""
        return self._ask("predict_log_proba", X, params=params)

    @available_if(_answers("decision_function"))  # type: ignore[untyped-decorator]
    def decision_function(self, X: Any, **params: Any) -> Any:
        """Return the fitted estimator's decision function."""
        return self._ask("decision_function", X, params=params)

    @available_if(_answers("score_samples"))  # type: ignore[untyped-decorator]
    def score_samples(self, X: Any) -> Any:
        """Return the fitted estimator's score of each sample."""
        return self._ask("score_samples", X)

    @available_if(_answers("score"))  # type: ignore[untyped-decorator]
    def score(self, X: Any, y: Any = None, **params: Any) -> Any:
        """Return the fitted estimator's score."""
        return self._ask("score", X, y, params=params)

    @available_if(_answers("transform"))  # type: ignore[untyped-decorator]
    def transform(self, X: Any, **params: Any) -> Any:
        """Return the data as the fitted estimator transforms them."""
        return self._ask("transform", X, params=params)

    @available_if(_answers("inverse_transform"))  # type: ignore[untyped-decorator]
    def inverse_transform(self, X: Any, **params: Any) -> Any:
        """Return the data as they were before the fitted estimator's ``transform``."""
        return self._ask("inverse_transform", X, params=params)

    @available_if(_answers("get_feature_names_out"))  # type: ignore[untyped-decorator]
    def get_feature_names_out(self, input_features: Any = None) -> Any:
        """Return the names of the columns that the fitted estimator's ``transform`` makes."""
        return self._ask("get_feature_names_out", input_features)

    @available_if(_answers("set_output"))  # type: ignore[untyped-decorator]
    def set_output(self, *, transform: str | None = None) -> Self:
        """Choose the container that ``transform`` returns, as scikit-learn's ``set_output`` does.

        Parameters
        ----------
        transform : {"default", "pandas", "polars"}, default=None
            The container; None changes nothing.

        Returns
        -------
        self : LoggedEstimator
        """
        for inner in {id(each): each for each in (self.estimator, self._inner)}.values():
            inner.set_output(transform=transform)
        return self

    def _ask(self, method: str, *given: Any, params: Mapping[str, Any] | None = None) -> Any:
        check_is_fitted(self)
        return getattr(self.estimator_, method)(*given, **self._routed(method, params or {}))

    def __getattr__(self, name: str) -> Any:
        """Answer for what the fitted estimator has learned."""
        if name.endswith("_") and not name.startswith("_") and "estimator_" in vars(self):
            return getattr(self.estimator_, name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    # -- as scikit-learn wants an estimator to be -------------------------------------------------------

    @property
    def _inner(self) -> Any:
        return vars(self).get("estimator_", self.estimator)

    def get_metadata_routing(self) -> MetadataRouter:
        """Return how metadata travel: whatever the inner estimator requests goes to its method of the same name.

        Returns
        -------
        routing : MetadataRouter
        """
        mapping = functools.reduce(lambda known, name: known.add(caller=name, callee=name), ROUTED, MethodMapping())
        return MetadataRouter(owner=type(self).__name__).add(estimator=self.estimator, method_mapping=mapping)

    def _routed(self, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
        if not params or not get_config()["enable_metadata_routing"]:
            return dict(params)
        return dict(process_routing(self, method, **params).estimator[method])

    def __sklearn_tags__(self) -> Any:
        tags = get_tags(self.estimator)  # made anew at each call
        tags.requires_fit = True  # there is no estimator_ before
        return tags

    def __sklearn_is_fitted__(self) -> bool:
        return "estimator_" in vars(self)

    def __sklearn_clone__(self) -> Any:
        fresh = super().__sklearn_clone__()
        fresh.run = self.run  # the handle itself: a copy of it would not know when the run is over
        return fresh

    def __getstate__(self) -> dict[str, Any]:
        """Travel without the run."""
        return {**super().__getstate__(), "run": None}

    def _sk_visual_block_(self) -> Any:
        """Show the inner estimator in the diagram, fitted if it is."""
        try:
            from sklearn.utils._repr_html.estimator import _VisualBlock
        except ImportError:  # scikit-learn 1.6
            from sklearn.utils._estimator_html_repr import _VisualBlock
        name = f"estimator: {type(self._inner).__name__}"
        return _VisualBlock("parallel", [self._inner], names=[name], name_details=[str(self._inner)])


class _OwnSession(Session):
    """The session of one `LoggedEstimator`, whose fits stand in the run that it was given."""

    def __init__(self, options: AutologOptions, run: Run | None) -> None:
        super().__init__(options)
        self._run = run

    def open_run(self, name: str) -> tuple[Run, bool]:
        """Return the run for one more fit, and whether it has to be ended with the fit."""
        given = self._run
        if given is None:
            return super().open_run(name)
        if not given.over and given.get_status() not in ENDED:
            return self.place_in(given, name)
        run, owned = super().open_run(name)
        run.note(SOURCE, f"recorded here, because the run that was given, {given.id}, was over")
        return run, owned

    def observation(self, fit: "Fit") -> Observation:
        """Return the observation of one training."""
        return Observation(
            SOURCE,
            observe_fit,
            fit,
            self,
            open_run=lambda: self.open_run(fit.name),
            on_error=self.options.on_error,
        )


_LOOPS: weakref.WeakKeyDictionary[LoggedEstimator, Loops] = weakref.WeakKeyDictionary()
_BUSY: list[Loops] = []


def _loops_of(logged: LoggedEstimator, session: Session) -> Loops:
    """Return the loop of one estimator; those of others pause where it is a new one."""
    loops = _LOOPS.get(logged)
    if loops is None:
        _pause_all()
        loops = _LOOPS[logged] = Loops(session)
        _BUSY.append(loops)
    return loops


def _pause_all() -> None:
    """Store the models of this thread's loops, because another training begins."""
    for loops in list(_BUSY):
        loops.pause()
        if not loops.busy:
            _BUSY.remove(loops)


def _seen(estimator: Any, method: str, X: Any, y: Any, params: Mapping[str, Any]) -> "Fit":
    return as_called(estimator, method, {"self": estimator, "X": X, "y": y, **params})
