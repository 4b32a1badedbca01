# a training script in the spelling of 2019: arguments, pictures, a picture's data beside it
import argparse
import os

import matplotlib

matplotlib.use("agg")
import joblib
import matplotlib.pyplot as plt
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import confusion_matrix, roc_auc_score, roc_curve
from sklearn.model_selection import train_test_split

from azureml.core import Run

parser = argparse.ArgumentParser()
parser.add_argument("--regularization", type=float, dest="reg_rate", default=0.01)
args = parser.parse_args()

run = Run.get_context()
run.log("regularization", args.reg_rate)

data = load_breast_cancer()
X_train, X_test, y_train, y_test = train_test_split(data.data, data.target, random_state=0)
model = LogisticRegression(C=1 / args.reg_rate, solver="liblinear").fit(X_train, y_train)
scores = model.predict_proba(X_test)[:, 1]

run.log("Accuracy", model.score(X_test, y_test))
run.log("AUC", roc_auc_score(y_test, scores))
run.log_list("classes", list(data.target_names))

fpr, tpr, thresholds = roc_curve(y_test, scores)
for x, y in zip(fpr, tpr):
    run.log_row("ROC curve", false_positive_rate=x, true_positive_rate=y)

plt.plot(fpr, tpr)
plt.xlabel("False Positive Rate")
plt.ylabel("True Positive Rate")
run.log_image("ROC", plt)

run.log_confusion_matrix(
    "confusion",
    {
        "schema_type": "confusion_matrix",
        "schema_version": "1.0.0",
        "data": {
            "class_labels": list(data.target_names),
            "matrix": confusion_matrix(y_test, model.predict(X_test)).tolist(),
        },
    },
)

os.makedirs("outputs", exist_ok=True)
joblib.dump(value=model, filename="outputs/cancer_model.pkl")
run.complete()
