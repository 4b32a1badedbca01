"""What is written about one fit."""

import io
import sys
import time
from collections.abc import Generator
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from . import images
from .fits import Fit, unmoved_randomness
from .models import store_model
from .parameters import describe
from .session import SOURCE, Session
from .training import Judged, innermost, judge, metrics_of

if TYPE_CHECKING:
    from azml_integrations import Run


def observe_fit(run: "Run", fit: Fit, session: Session) -> Generator[None, Any, None]:
    """Log an estimator's parameters before the fit; its metrics, pictures and pickle after it."""
    given: dict[str, Any] = {}
    parameters = 0
    with session.attempt(run):
        given = fit.estimator.get_params(deep=True)
        parameters = describe(run, fit.estimator, given)
    began = time.perf_counter()
    fitted = yield
    values: dict[str, float] = {"fit_time": time.perf_counter() - began}  # [s]; scikit-learn's word
    told: list[str] = []
    missing: dict[str, str] = {}
    folder = f"outputs/{fit.name}"
    if session.options.log_models or session.options.log_images:
        with session.attempt(run):
            folder = f"outputs/{_free_folder(run, fit.name)}"
    if session.options.log_models:  # before anything else asks the model a question
        with session.attempt(run):
            told.append(store_model(run, fitted, folder, session.max_model_bytes))
    judged: Judged | None = None
    metrics: dict[str, float] = {}
    with session.attempt(run):
        values |= own_numbers(fitted)
    with session.attempt(run), unmoved_randomness(given):
        judged, metrics = judged_quietly(fit, session, missing)
    with session.attempt(run):
        run.log_metrics(values | metrics)
        note_rows(run, judged)
    if session.options.log_images and judged is not None and judged.classifies:
        with session.attempt(run):
            told += log_images(run, judged, fit.name, folder, missing)
    with session.attempt(run):
        log_search(run, fitted)
    with session.attempt(run):
        note_missing(run, missing)
    files = f", {', '.join(told)} in {folder}" if told else ""
    announce(session, run, fit.name, f"{parameters} parameters, {len(metrics)} training metrics{files}")


def own_numbers(fitted: Any) -> dict[str, float]:
    """Return what an estimator says about its fit in one number, in its own words: inertia, iterations."""
    import numpy as np

    model = innermost(fitted)
    numbers = {name: np.asarray(getattr(model, f"{name}_", None)) for name in ("inertia", "n_iter")}
    return {name: number.item() for name, number in numbers.items() if number.size == 1 and number.dtype.kind in "iuf"}


def judged_quietly(fit: Fit, session: Session, missing: dict[str, str]) -> tuple[Judged | None, dict[str, float]]:
    """Judge a fitted model on its training data, without validating again what fit has validated.

    Parameters
    ----------
    fit : Fit
        The fit, over by now.
    session : Session
        Knows how many rows to ask about.
    missing : dict of str to str
        Gets why a training metric is not there, by its name.

    Returns
    -------
    Judged or None
        None where there is nothing to judge.
    dict of str to float
        The training metrics.
    """
    if session.max_metric_rows == 0:
        return None, {}
    import numpy as np
    from sklearn import config_context

    with np.errstate(all="ignore"), config_context(skip_parameter_validation=True, assume_finite=True):
        judged = judge(fit, session.max_metric_rows)
        if isinstance(judged, str):
            missing["training metrics"] = judged
        values = metrics_of(judged) if isinstance(judged, Judged) else {}
    missing |= {name: why for name, why in values.items() if isinstance(why, str)}
    metrics = {name: value for name, value in values.items() if not isinstance(value, str)}
    return judged if isinstance(judged, Judged) else None, metrics


def note_rows(run: "Run", judged: Judged | None) -> None:
    """Say so when training metrics stand for part of the rows only."""
    if judged is not None and judged.rows < judged.of:
        run.note(
            SOURCE,
            f"training metrics are those of {judged.rows:,} of {judged.of:,} rows, evenly chosen; "
            f'autolog("sklearn", max_metric_rows=...) sets another cap',
        )


def note_missing(run: "Run", missing: dict[str, str], what: str = "not recorded") -> None:
    """Say in one sentence what is not there, and why."""
    if missing:
        names_of = {why: [name for name in missing if missing[name] == why] for why in missing.values()}
        told = "; ".join(f"{', '.join(names)} ({why})" for why, names in names_of.items())
        run.note(SOURCE, f"{what}: {told}")


def log_images(run: "Run", judged: Judged, name: str, folder: str, missing: dict[str, str]) -> list[str]:
    """Draw and store the pictures of a classifier; `missing` gets why, where there is nothing to draw."""
    told: list[str] = []
    if find_spec("matplotlib") is None:
        missing |= dict.fromkeys(("roc_curve", "confusion_matrix"), "matplotlib is not installed")
        return told
    rows = f"{judged.rows:,} training rows"
    for metric, draw, title in (
        ("roc_curve", images.roc_curve, f"ROC of {name}, {rows}"),
        ("confusion_matrix", images.confusion_matrix, f"Confusion matrix of {name}, {rows}"),
    ):
        figure = draw(judged, title)
        if isinstance(figure, str):
            missing[metric] = figure
            continue
        picture = NamedPicture(f"{folder}/{metric}.png")
        images.save(figure, picture)
        picture.seek(0)
        run.log_image(metric, picture)
        told.append(f"{metric}.png")
    return told


class NamedPicture(io.BytesIO):
    """A picture in memory that says, as an open file does, under which name it lies."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name


def log_search(run: "Run", fitted: Any) -> None:
    """Write what a search over parameters has found."""
    best = getattr(fitted, "best_params_", None)
    if not isinstance(best, dict):
        return
    from .parameters import as_text

    run.add_properties({f"best.{name}": as_text(value) for name, value in best.items()})
    score = getattr(fitted, "best_score_", None)
    if score is not None:
        run.log("best_score", float(score))


def announce(session: Session, run: "Run", name: str, told: str) -> None:
    """Say in one line what was logged, and where."""
    if not session.options.silent:
        sys.stderr.write(f"azml: {name}: {told}; see it with: azml run show {run.id}\n")


def _free_folder(run: "Run", name: str) -> str:
    """Return the class name, or a name after it where the user has files under that one."""
    there = {file.split("/")[1] for file in run.get_file_names() if file.startswith("outputs/") and file.count("/") > 1}
    candidates = (name if number == 1 else f"{name}_{number}" for number in range(1, len(there) + 2))
    return next(candidate for candidate in candidates if candidate not in there)
