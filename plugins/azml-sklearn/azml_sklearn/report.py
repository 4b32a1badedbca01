"""What is written about one fit."""

import io
import sys
from collections.abc import Generator
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from . import images
from .fits import Fit, unmoved_randomness
from .models import store_model
from .parameters import describe
from .session import SOURCE, Session
from .training import Judged, judge, metrics_of

if TYPE_CHECKING:
    from azml_integrations import Run


def observe_fit(run: "Run", fit: Fit, session: Session) -> Generator[None, Any, None]:
    """Log an estimator's parameters before the fit; its metrics, pictures and pickle after it."""
    parameters = 0
    with session.attempt(run):
        parameters = describe(run, fit.estimator)
    fitted = yield
    told: list[str] = []
    folder = f"outputs/{fit.name}"
    if session.options.log_models or session.options.log_images:
        with session.attempt(run):
            folder = f"outputs/{_free_folder(run, fit.name)}"
    if session.options.log_models:  # before anything else asks the model a question
        with session.attempt(run):
            told.append(store_model(run, fitted, folder, session.max_model_bytes))
    judged, metrics = None, 0
    with session.attempt(run), unmoved_randomness(fitted):
        judged = judged_quietly(fit, session)
    if judged is not None:
        with session.attempt(run):
            metrics = log_metrics(run, judged)
        if session.options.log_images and judged.classifies:
            with session.attempt(run):
                told += log_images(run, judged, fit.name, folder)
    with session.attempt(run):
        log_search(run, fitted)
    files = f", {', '.join(told)} in {folder}" if told else ""
    announce(session, run, fit.name, f"{parameters} parameters, {metrics} training metrics{files}")


def judged_quietly(fit: Fit, session: Session) -> Judged | None:
    """Judge a fitted model on its training data, without validating again what fit has validated."""
    if session.max_metric_rows == 0:
        return None
    import numpy as np
    from sklearn import config_context

    with np.errstate(all="ignore"), config_context(skip_parameter_validation=True, assume_finite=True):
        return judge(fit, session.max_metric_rows)


def log_metrics(run: "Run", judged: Judged, step: int | None = None) -> int:
    """Write training metrics; say so when they stand for part of the rows only."""
    import numpy as np
    from sklearn import config_context

    with np.errstate(all="ignore"), config_context(skip_parameter_validation=True, assume_finite=True):
        values = metrics_of(judged)
    run.log_metrics(values, step)
    if judged.rows < judged.of:
        run.note(
            SOURCE,
            f"training metrics are those of {judged.rows:,} of {judged.of:,} rows, evenly chosen; "
            f'autolog("sklearn", max_metric_rows=...) sets another cap',
        )
    return len(values)


def log_images(run: "Run", judged: Judged, name: str, folder: str) -> list[str]:
    """Draw and store the pictures of a classifier; say why where there is nothing to draw."""
    told = []
    if find_spec("matplotlib") is None:
        run.note(SOURCE, "no ROC curve and no confusion matrix: matplotlib is not installed")
        return told
    rows = f"{judged.rows:,} training rows"
    for metric, draw, title in (
        ("roc_curve", images.roc_curve, f"ROC of {name}, {rows}"),
        ("confusion_matrix", images.confusion_matrix, f"Confusion matrix of {name}, {rows}"),
    ):
        figure = draw(judged, title)
        if isinstance(figure, str):
            run.note(SOURCE, figure)
            continue
        picture = NamedPicture(f"{folder}/{metric}.png")
        figure.savefig(picture, format="png")
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
