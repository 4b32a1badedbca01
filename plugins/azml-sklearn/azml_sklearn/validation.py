"""Cross-validation is one run, however many folds it fits; a curve has a child run for each of its points."""

import functools
import inspect
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from azml_integrations.autologging import Observation, Patches

from .evaluation import CELL, real_function, source
from .nesting import by_user, inside
from .parameters import describe, safe_text
from .pictures.album import log_charts
from .report import announce, note_missing
from .searches import curves_of
from .session import SOURCE, Session, recording
from .sweeps import Candidate, Locate, OfLearningCurve, OfValidationCurve, Sweep, of_validation

if TYPE_CHECKING:
    import numpy as np

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
    """Log the estimator's parameters, the score of every fold as it comes, and what they amount to."""
    with session.attempt(run):
        run.add_properties({"validation": function})
        describe(run, arguments["estimator"], arguments["estimator"].get_params(deep=True))
    with recording(run), Sweep(run, session, _places(function, arguments)) as sweep:
        result = yield
    session.last = run
    told = "what it returned could not be read"
    with session.attempt(run):
        told = _tell(run, function, arguments, result, sweep)
    announce(session, run, f"{function} of {type(arguments['estimator']).__name__}", told)


def _places(function: str, arguments: dict[str, Any]) -> Locate:
    match function:
        case "validation_curve":
            return OfValidationCurve(len(arguments["param_range"]))
        case "learning_curve":
            return OfLearningCurve()
        case _:
            return of_validation


def _tell(run: "Run", function: str, arguments: dict[str, Any], result: Any, sweep: Sweep) -> str:
    match function:
        case "cross_val_predict":
            sweep.session.made_by[source(result)] = run
            return "predictions"
        case "permutation_test_score":
            run.log_metrics({"score": float(result[0]), "pvalue": float(result[2])})
            return "score and pvalue"
        case "learning_curve":
            return _tell_curve(run, "train_size", result[0], Scores(*result[1:]), sweep)
        case "validation_curve":
            return _tell_curve(run, arguments["param_name"], arguments["param_range"], Scores(*result), sweep)
        case _:
            return _tell_folds(run, {"test_score": result} if function == "cross_val_score" else result, sweep)


def _tell_folds(run: "Run", result: Mapping[str, Any], sweep: Sweep) -> str:
    scores = {name: values for name, values in result.items() if _is_scores(values)}
    folds = len(next(iter(scores.values()), ()))
    for fold in () if sweep.live else range(folds):
        run.log_metrics({name: float(values[fold]) for name, values in scores.items()}, step=fold)
    run.log_metrics({name: value for key, values in scores.items() for name, value in _sums(key, values).items()})
    return f"{len(scores)} scores of {folds} folds"


@dataclass(frozen=True)
class Scores:
    """Scores of a curve, one row for each of its points, one column for each split; times where they were asked for."""

    train_score: "np.ndarray[Any, Any]"
    test_score: "np.ndarray[Any, Any]"
    fit_time: "np.ndarray[Any, Any] | None" = None
    score_time: "np.ndarray[Any, Any] | None" = None

    def at(self, place: int) -> dict[str, list[float]]:
        """Return what was measured at one point of the curve, by split."""
        rows = {name: getattr(self, name) for name in ("train_score", "test_score", "fit_time", "score_time")}
        return {name: values[place].tolist() for name, values in rows.items() if values is not None}


def _tell_curve(run: "Run", name: str, values: Iterable[Any], scores: Scores, sweep: Sweep) -> str:
    """Log a curve: a child run for each point, the means in the run, and a table of all."""
    points = [scores.at(place) for place in range(len(scores.test_score))]
    sums = [{name: value for key, of in point.items() for name, value in _sums(key, of).items()} for point in points]
    given = [_plain(value) for value in values]
    prefix = "" if name == "train_size" else "param."
    for place, (value, found) in enumerate(zip(given, sums, strict=True)):
        run.log_metrics(found, step=value if name == "train_size" else place)
    columns = {key: [found[key] for found in sums] for key in sums[0]}
    kind = "learning_curve" if name == "train_size" else "validation_curve"
    run.log_table(kind, {name: given, **columns})
    if sweep.session.options.log_images:
        with sweep.session.attempt(run):
            missing: dict[str, str] = {}
            title, attempt = kind.replace("_", " ").capitalize(), sweep.session.attempt
            log_charts(run, {name: given}, curves_of(columns), title, f"outputs/{kind}", "score", missing, attempt)
            note_missing(run, missing)
    sweep.conclude(
        [
            Candidate(
                ((f"{prefix}{name}", safe_text(value)),),
                found,
                [dict(zip(point, each, strict=True)) for each in zip(*point.values(), strict=True)],
            )
            for value, found, point in zip(given, sums, points, strict=True)
        ]
    )
    return f"{len(points)} points of a curve"


def _sums(name: str, values: Any) -> dict[str, float]:
    import numpy as np

    return {f"mean_{name}": float(np.mean(values)), f"std_{name}": float(np.std(values))}


def _plain(value: Any) -> Any:
    """Return a point of a curve as a number or a string: an array or an estimator as its text."""
    plain = value.item() if getattr(value, "shape", None) == () else value
    return plain if plain is None or isinstance(plain, int | float | str) else safe_text(plain)


def _is_scores(values: Any) -> bool:
    import numpy as np

    return isinstance(values, np.ndarray) and values.ndim == 1 and np.issubdtype(values.dtype, np.number)
