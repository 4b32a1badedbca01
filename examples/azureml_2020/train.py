# a training script in the spelling of 2020: the same run whether it is submitted or not
import os

from sklearn.datasets import load_wine
from sklearn.model_selection import cross_val_score
from sklearn.tree import DecisionTreeClassifier

from azureml.core import Run, Workspace
from azureml.core.run import _OfflineRun

run = Run.get_context()
if isinstance(run, _OfflineRun) or run.id.startswith("OfflineRun"):
    ws = Workspace.from_config()
else:
    ws = run.experiment.workspace
print("workspace", ws.name)

X, y = load_wine(return_X_y=True)
for depth in range(1, 6):
    with run.child_run(name=f"depth {depth}") as child:
        scores = cross_val_score(DecisionTreeClassifier(max_depth=depth, random_state=0), X, y, cv=5)
        child.log("depth", depth)
        child.log_list("scores", scores)
        child.log("mean score", scores.mean())
    run.log_row("by depth", depth=depth, score=scores.mean())
    if getattr(run, "parent", None) is not None:
        run.parent.log("depth done", depth)

os.makedirs("outputs", exist_ok=True)
with open("outputs/report.txt", "w") as file:
    file.write(os.environ.get("AUTHOR", "nobody") + " looked at five depths\n")
