"""Three learning rates on five folds each, epoch by epoch: what a mean over runs is for."""

from sklearn.datasets import load_digits
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import log_loss
from sklearn.model_selection import KFold
from sklearn.preprocessing import scale

from azml_integrations.core import Experiment, Workspace

EPOCHS, FOLDS = 25, 5

X, y = load_digits(return_X_y=True)
X = scale(X)
experiment = Experiment(workspace=Workspace.from_config(), name="digits_by_fold")

with experiment.start_logging(snapshot_directory=None) as run:
    for rate in (0.001, 0.01, 0.1):
        for fold, (train, test) in enumerate(KFold(FOLDS, shuffle=True, random_state=0).split(X)):
            with run.child_run(f"rate {rate}, fold {fold}") as child:
                child.add_properties({"param.learning_rate": str(rate), "param.fold": str(fold)})
                model = SGDClassifier(loss="log_loss", learning_rate="constant", eta0=rate, random_state=fold)
                for epoch in range(EPOCHS):
                    model.partial_fit(X[train], y[train], classes=range(10))
                    child.log("test_log_loss", log_loss(y[test], model.predict_proba(X[test])), step=epoch)

print(f"{len(list(run.get_children()))} folds are children of run {run.number}: `azml studio` draws their mean by rate")
