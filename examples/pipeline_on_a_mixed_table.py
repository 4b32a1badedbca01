"""A Pipeline on a table of numbers and words, with gaps: one fit, one run, whatever its steps do inside."""

import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_diabetes
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import azml_integrations
import azml_sklearn

azml_integrations.autolog("sklearn", log_input_examples=True)

table, progress = load_diabetes(as_frame=True, scaled=False, return_X_y=True)
table["sex"] = table["sex"].map({1.0: "one", 2.0: "the other"})  # the data set does not say which is which
table["pressure"] = pd.cut(table.pop("bp"), [0, 80, 100, 200], labels=["low", "middle", "high"]).astype(str)
table.loc[table.index % 17 == 0, "bmi"] = None
X, X_test, y, y_test = train_test_split(table, progress, random_state=0)

words = ["sex", "pressure"]
prepare = ColumnTransformer(
    [
        ("words", OneHotEncoder(handle_unknown="ignore"), words),
        (
            "numbers",
            Pipeline([("fill", SimpleImputer()), ("scale", StandardScaler())]),
            table.columns.difference(words),
        ),
    ]
)
model = Pipeline([("prepare", prepare), ("boost", GradientBoostingRegressor(random_state=0))])

experiment = azml_integrations.Experiment(azml_integrations.Workspace.from_config(), "pipeline_on_a_mixed_table")
with experiment.start_logging() as run:
    model.fit(X, y)
    azml_sklearn.evaluate(run, model, X_test, y_test)

print(f"mean absolute error on test rows {run.get_metrics()['test_mean_absolute_error']:.1f}")
trees, filling = (
    run.properties[f"param.{name}"] for name in ("boost__n_estimators", "prepare__numbers__fill__strategy")
)
print(f"{trees} trees, gaps filled by the {filling}")
print(*run.get_file_names(), sep="\n")
