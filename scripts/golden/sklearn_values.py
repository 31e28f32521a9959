"""Makes tests/goldens/sklearn.json: scikit-learn's standard scaler and metrics.

Run: python sklearn_values.py DATA_DIR OUTPUT_DIR
(DATA_DIR holds iris.csv and breast_cancer.csv; make.sh does all)
"""

import csv
import json
import sys
from pathlib import Path

import numpy as np
import sklearn
from sklearn import metrics
from sklearn.preprocessing import StandardScaler


def features(path):
    """Every column but the last, which names the class."""
    with open(path, newline="") as file:
        header, *rows = csv.reader(file)
    return header[:-1], np.array([row[:-1] for row in rows], dtype=float)


def scaler(path):
    columns, X = features(path)
    fitted = StandardScaler().fit(X)
    return {
        "columns": columns,
        "rows": len(X),
        "mean": fitted.mean_.tolist(),
        "scale": fitted.scale_.tolist(),
        "first_row_scaled": fitted.transform(X[:1])[0].tolist(),
    }


def constant_column():
    """A column without variance is only centred: its scale is 1."""
    X = np.array([[1.0, 5.0], [2.0, 5.0], [4.0, 5.0]])
    fitted = StandardScaler().fit(X)
    return {
        "X": X.tolist(),
        "mean": fitted.mean_.tolist(),
        "scale": fitted.scale_.tolist(),
        "scaled": fitted.transform(X).tolist(),
    }


def regression(truth, predictions):
    return {
        "truth": truth.tolist(),
        "predictions": predictions.tolist(),
        "mse": metrics.mean_squared_error(truth, predictions),
        "rmse": metrics.root_mean_squared_error(truth, predictions),
        "mae": metrics.mean_absolute_error(truth, predictions),
        # of several outputs, the mean of each output's
        "r2": metrics.r2_score(truth, predictions),
    }


def classification(truth, probabilities):
    predictions = probabilities.argmax(axis=1)
    classes = range(probabilities.shape[1])
    return {
        "truth": truth.tolist(),
        "probabilities": probabilities.tolist(),
        "predictions": predictions.tolist(),
        "accuracy": metrics.accuracy_score(truth, predictions),
        "log_loss": metrics.log_loss(truth, probabilities, labels=classes),
        # rows are the truth, columns the predictions
        "confusion_matrix": metrics.confusion_matrix(truth, predictions, labels=classes).tolist(),
        "macro_precision": metrics.precision_score(truth, predictions, average="macro"),
        "macro_recall": metrics.recall_score(truth, predictions, average="macro"),
        "macro_f1": metrics.f1_score(truth, predictions, average="macro"),
    }


def binary(truth, probabilities):
    return {
        "truth": truth.tolist(),
        "probabilities": probabilities.tolist(),
        "log_loss": metrics.log_loss(truth, probabilities),
        "roc_auc": metrics.roc_auc_score(truth, probabilities),
        "accuracy_at_half": metrics.accuracy_score(truth, probabilities > 0.5),
    }


def main(data_dir, output_dir):
    data = Path(data_dir)
    rng = np.random.default_rng(5)
    truth = rng.normal(size=(20, 2)) * [1, 10] + [0, 100]
    errors = rng.normal(size=(20, 2)) * [0.5, 4]
    classes = np.arange(30) % 4
    scores = rng.normal(size=(30, 4)) + 1.5 * np.eye(4)[classes]
    halves = np.arange(25) % 2
    # rounded, so that equal scores meet both classes
    chances = np.clip(np.round(0.3 * rng.normal(size=25) + 0.2 + 0.5 * halves, 1), 0.05, 0.95)
    golden = {
        "scikit-learn": sklearn.__version__,
        "standard_scaler": {
            "iris": scaler(data / "iris.csv"),
            "breast_cancer": scaler(data / "breast_cancer.csv"),
            "constant_column": constant_column(),
        },
        "regression": {
            "one_output": regression(truth[:, :1], (truth + errors)[:, :1]),
            "two_outputs": regression(truth, truth + errors),
        },
        "classification": classification(
            classes, np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
        ),
        "binary": binary(halves, chances),
    }
    path = Path(output_dir) / "sklearn.json"
    path.write_text(json.dumps(golden, indent=1) + "\n")
    print(f"{path}: scikit-learn {sklearn.__version__}")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
