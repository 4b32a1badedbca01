"""Ridge on the diabetes data for each alpha; submitted by submit_alpha_sweep.py, and it runs by itself too."""

import joblib
import mylib
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_squared_error
from sklearn.model_selection import train_test_split

from azml_integrations.core import Run

run = Run.get_context()
X, y = load_diabetes(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=0)

for alpha in mylib.get_alphas():
    model = Ridge(alpha=alpha).fit(X_train, y_train)
    mse = mean_squared_error(y_test, model.predict(X_test))
    name = f"ridge_{alpha:.2f}.pkl"
    joblib.dump(model, name)
    run.upload_file(f"outputs/{name}", name)
    run.log("alpha", alpha)
    run.log("mse", mse)
    print(f"alpha is {alpha:.2f}, and mse is {mse:.2f}")
