# a training script of 2020: hyperparameters as arguments, one number that is compared
import argparse

import numpy as np
from azureml.core import Run
from sklearn.datasets import load_iris
from sklearn.model_selection import cross_val_score
from sklearn.svm import SVC

parser = argparse.ArgumentParser()
parser.add_argument("--kernel", type=str, default="linear", help="Kernel type to be used in the algorithm")
parser.add_argument("--penalty", type=float, default=1.0, help="Penalty parameter of the error term")
args = parser.parse_args()

run = Run.get_context()
run.log("Kernel type", str(args.kernel))
run.log("Penalty", float(args.penalty))

X, y = load_iris(return_X_y=True)
accuracy = cross_val_score(SVC(kernel=args.kernel, C=args.penalty), X, y, cv=5).mean()
print("Accuracy of SVM classifier: {:.2f}".format(accuracy))
run.log("Accuracy", float(accuracy))
