"""Every kind of metric once: a list, a repeated scalar, rows, a table, an image and a confusion matrix."""

import math

from matplotlib import pyplot as plt
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import RocCurveDisplay, confusion_matrix
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from azml_integrations.core import Experiment, Workspace

run = Experiment(Workspace.from_config(), "logging-calls").start_logging()

# A list logged at once: a line over one variable.
fibonacci = [0, 1, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89]
run.log_list(name="Fibonacci", value=fibonacci)

# One name logged again and again: a line over one variable as well.
for x in range(-10, 11):
    run.log(name="Sigmoid", value=1 / (1 + math.exp(-x)))

# Rows of two numeric columns: a line over two variables.
for step in range(-10, 11):
    angle = step / 2.0
    run.log_row(name="Cosine Wave", angle=angle, cos=math.cos(angle))

# A whole table at once: the same.
angles = [step / 2.0 for step in range(-10, 11)]
run.log_table(name="Sine Wave", value={"angle": angles, "sine": [math.sin(angle) for angle in angles]})

# A picture, and the four numbers behind a classifier.
X, y = load_breast_cancer(return_X_y=True)
model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X[:400], y[:400])
RocCurveDisplay.from_estimator(model, X[400:], y[400:])
run.log_image(name="ROC", plot=plt)
run.log_confusion_matrix(
    "confusion",
    {
        "schema_type": "confusion_matrix",
        "schema_version": "1.0.0",
        "data": {
            "class_labels": ["malignant", "benign"],
            "matrix": confusion_matrix(y[400:], model.predict(X[400:])).tolist(),
        },
    },
)
run.complete()

for name, value in run.get_metrics().items():
    print(f"{name}: {value}")
