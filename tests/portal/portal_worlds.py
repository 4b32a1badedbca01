"""A workspace as people have it: a sweep, trainings with lines and pictures, one that failed, and a model."""

import math
from pathlib import Path

import numpy as np

from azml_integrations.core import Experiment
from azml_integrations.core.workspace import from_address

CONFUSION = {
    "schema_type": "confusion_matrix",
    "schema_version": "1.0.0",
    "data": {"class_labels": ["cat", "dog"], "matrix": [[50, 3], [4, 40]]},
}
RESIDUALS = {
    "schema_type": "residuals",
    "schema_version": "1.0.0",
    "data": {"bin_edges": [-3, -1, 0, 1, 3], "bin_counts": [4, 20, 22, 3]},
}
PREDICTIONS = {
    "schema_type": "predictions",
    "schema_version": "1.0.0",
    "data": {
        "bin_averages": [0.4, 1.6],
        "bin_errors": [0.1, 0.2],
        "bin_counts": [10, 12],
        "bin_edges": [0, 1, 2],
    },
}
_COUNTS = [[60, 40, 0, 0], [40, 4, 36, 20], [0, 0, 40, 60]]
ACCURACY = {
    "schema_type": "accuracy_table",
    "schema_version": "1.0.1",
    "data": {
        "class_labels": ["no", "yes"],
        "probability_tables": [_COUNTS, _COUNTS],
        "percentile_tables": [_COUNTS, _COUNTS],
        "probability_thresholds": [0.0, 0.5, 1.0],
        "percentile_thresholds": [0.0, 0.5, 1.0],
    },
}
ALPHAS = (0.03, 0.1, 0.3, 1, 3, 10)


def make(folder):
    """Make a workspace in a folder by real runs; the current directory is one that may be written to."""
    workspace = from_address(str(folder))
    sweep(workspace)
    trainings(workspace)
    return workspace


def sweep(workspace):
    """A loop over alphas, as autolog leaves it: the best one is 0.3."""
    with Experiment(workspace, "ridge").start_logging(
        outputs=False, snapshot_directory=None, display_name="alphas"
    ) as run:
        run.add_properties({"estimator": "Ridge", "param.alpha": "0.01", "param.solver": "auto"})
        run.log("mse", 3100.0)
        for alpha in ALPHAS:
            with run.child_run(f"alpha {alpha}") as child:
                child.add_properties({"estimator": "Ridge", "param.alpha": str(alpha), "param.solver": "auto"})
                child.log("mse", round(3000 + 200 * (math.log10(alpha) + 0.5) ** 2, 3))


def trainings(workspace):
    for number in range(3):
        Path("src").mkdir(exist_ok=True)
        Path("src/train.py").write_text(f"lr = {0.1 / (number + 1):.3f}\nprint('training')\n")
        run = Experiment(workspace, "digits").start_logging(
            outputs=False, snapshot_directory="src", display_name=f"digits {number}"
        )
        run.add_properties({"param.lr": f"{0.1 / (number + 1):.3f}", "param.optimizer": ["adam", "sgd"][number % 2]})
        run.add_properties({"param.batch": "64"})
        run.tag("stage", "draft")
        fill(run, number)
        if number == 2:
            run.fail(trouble())
        else:
            run.complete()


def trouble():
    """Return an exception that was raised somewhere."""
    try:
        int("three columns, expected 4")
    except ValueError as error:
        return error


def fill(run, number):
    for step in range(300):
        broken = number == 0 and step == 50
        run.log("loss", math.nan if broken else math.exp(-step / 80) + 0.05 * number, step=step)
    run.log("best", 0.9 - 0.1 * number)
    run.log("note", "all <b>well</b>")
    run.log_list("rates", [0.1 * 0.9**step for step in range(30)])
    run.log_table("curve", {"x": [1, 2, 3, 4], "y": [1.0, 4, 9, 16]}, "squares")
    for label, recall in (("cat", 0.9), ("dog", 0.8)):
        run.log_row("per class", label=label, recall=recall)
    for step in range(3):
        run.log_image("digit", plot=np.tile(np.linspace(0, 1, 64), (48, 1)) * (step + 1) / 3, step=step * 100)
    run.log_confusion_matrix("confusion", CONFUSION)
    run.log_residuals("residuals", RESIDUALS)
    run.log_predictions("predicted", PREDICTIONS)
    run.log_accuracy_table("accuracy", ACCURACY)
    for name, content in (
        ("outputs/history.csv", b"epoch,loss\n1,0.5\n2,0.25\n"),
        ("outputs/facts.json", b'{"a":{"b":[1,2]}}'),
        ("outputs/model.pkl", b"\x80\x04evil\x00\xff"),
        ("outputs/page.html", b"<script>alert(1)</script>"),
        ("logs/user_log.txt", "epoch 1\nepoch 2 <b>bold</b> ä\n".encode()),
    ):
        Path("given").write_bytes(content)
        run.upload_file(name, "given")
    if number == 0:
        run.register_model("digits", "outputs/model.pkl", tags={"stage": "prod"})
