"""A classifier on breast cancer: ROC and the other pictures of its fit, and the same of rows that it has not seen."""

from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import azml_integrations
import azml_sklearn

azml_integrations.autolog()
data = load_breast_cancer(as_frame=True)
X, X_test, y, y_test = train_test_split(data.data, data.target_names[data.target], stratify=data.target, random_state=0)

experiment = azml_integrations.Experiment(azml_integrations.Workspace.from_config(), "roc_breast_cancer")
with experiment.start_logging() as run:
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
    found = azml_sklearn.evaluate(run, model, X_test, y_test, prefix="test")

print(f"accuracy on test rows {found['test_accuracy_score']:.3f}, ROC AUC {found['test_roc_auc_score']:.4f}")
print(*sorted(name for name in run.get_file_names() if name.endswith(".png")), sep="\n")
loaded = azml_sklearn.load_model(run, trust=True)  # a pickle can run any code: we know where this one comes from
print(f"loaded again: {(loaded.predict(X_test) == model.predict(X_test)).all()}")
