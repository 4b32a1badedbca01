"""Cross-validation is one run, however many folds it fits."""

import functools
import inspect
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

from azml_integrations.autologging import Observation, Patches

from .evaluation import CELL, real_function, source
from .nesting import by_user, inside
from .parameters import describe
from .report import announce
from .session import SOURCE, Session

if TYPE_CHECKING:
    from azml_integrations import Run

FUNCTIONS = (
    "cross_validate",
    "cross_val_score",
    "cross_val_predict",
    "learning_curve",
    "validation_curve",
    "permutation_test_score",
)


def listen_to_validation(session: Session, patches: Patches) -> None:
    """Record the functions of ``sklearn.model_selection`` that fit one estimator many times."""
    from sklearn import model_selection

    for name in FUNCTIONS:
        public = getattr(model_selection, name, None)
        real = real_function(public)
        if real is not None:
            patches.replace_cell(public, CELL, _observed(real, name, session, patches))


def _observed(real: Callable[..., Any], name: str, session: Session, patches: Patches) -> Callable[..., Any]:
    signature = inspect.signature(real)

    @functools.wraps(real)
    def observed(*args: Any, **kwargs: Any) -> Any:
        if not patches.active or not by_user(depth=2):  # past validate_params' wrapper
            return real(*args, **kwargs)
        observation = Observation(
            SOURCE,
            observe_validation,
            name,
            signature.bind(*args, **kwargs).arguments,
            session,
            open_run=lambda: session.open_run(name),
            on_error=session.options.on_error,
        )
        with observation as seen, inside():
            seen.result = real(*args, **kwargs)
        return seen.result

    return observed


def observe_validation(
    run: "Run", function: str, arguments: dict[str, Any], session: Session
) -> Generator[None, Any, None]:
    """Log the estimator's parameters, the score of every fold, and what they amount to."""
    with session.attempt(run):
        run.add_properties({"validation": function})
        describe(run, arguments["estimator"], arguments["estimator"].get_params(deep=True))
    result = yield
    session.last = run
    if function == "cross_val_predict":
        session.made_by[source(result)] = run
        told = "predictions"
    else:
        told = _log_scores(run, function, result)
    announce(session, run, f"{function} of {type(arguments['estimator']).__name__}", told)


def _log_scores(run: "Run", function: str, result: Any) -> str:
    import numpy as np

    match function:
        case "cross_validate":
            scores = {name: values for name, values in result.items() if _is_scores(values)}
        case "cross_val_score":
            scores = {"test_score": result}
        case "permutation_test_score":
            run.log_metrics({"score": float(result[0]), "pvalue": float(result[2])})
            return "score and pvalue"
        case _:
            return _log_curve(run, function, result)
    folds = len(next(iter(scores.values()), ()))
    for fold in range(folds):
        run.log_metrics({name: float(values[fold]) for name, values in scores.items()}, step=fold)
    for name, values in scores.items():
        run.log_metrics({f"mean_{name}": float(np.mean(values)), f"std_{name}": float(np.std(values))})
    return f"{len(scores)} scores of {folds} folds"


def _log_curve(run: "Run", function: str, result: Any) -> str:
    sizes, train, test = result[:3] if function == "learning_curve" else (range(len(result[0])), *result)
    for size, of_train, of_test in zip(sizes, train, test, strict=True):
        values = {"mean_train_score": float(of_train.mean()), "mean_test_score": float(of_test.mean())}
        run.log_metrics(values, step=int(size))
    return f"{len(train)} points of a curve"


def _is_scores(values: Any) -> bool:
    import numpy as np

    return isinstance(values, np.ndarray) and values.ndim == 1 and np.issubdtype(values.dtype, np.number)
