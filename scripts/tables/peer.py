"""scikit-learn's standard pipeline on the same rows.

Numbers: the median for what is missing, a column that says so, then mean 0 and deviation 1. Text:
the most frequent for what is missing, then one-hot, of at most 50 levels. Then MLPClassifier or
MLPRegressor (its target standardised, as Consonance's is) with one hidden layer as wide as
Consonance's default; everything else is scikit-learn's default: relu, Adam at 0.001, mini-batches
of up to 200, alpha 0.0001, and up to 200 epochs, fewer where the loss stands still for 10.
"""

import hashlib
import json
import signal
import time
import warnings
from contextlib import contextmanager

import numpy as np
import sklearn
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.impute import SimpleImputer
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import program
import sample

HIDDEN = (512,)
EPOCHS = 200
MAX_CATEGORIES = 50


@contextmanager
def time_limit(seconds):
    def stop(*_):
        raise TimeoutError(f"not ready after {seconds:g} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def features(frame, target, row_label):
    """Numbers, in which ±∞ is missing, and text, in which what is missing is NaN. R's row label is
    a feature for the peer exactly where it is one for Consonance: whether the order of rows may
    tell something is a question to the table's owner, not to a network."""
    columns = [c for c in frame if c != target and (row_label or c != sample.ROW_LABEL)]
    frame = frame[columns].copy()
    texts = [c for c in columns if sample.is_text(frame[c])]
    for c in columns:
        column = frame[c]
        if c in texts:
            frame[c] = column.astype(str).astype(object).where(column.notna(), np.nan)
        else:
            frame[c] = column.astype(float).replace([np.inf, -np.inf], np.nan)
    return frame, [c for c in columns if c not in texts], texts


def pipeline(numbers, texts, task, seed):
    prepare = ColumnTransformer([
        ("numbers", make_pipeline(SimpleImputer(strategy="median", add_indicator=True),
                                  StandardScaler()), numbers),
        ("texts", make_pipeline(SimpleImputer(strategy="most_frequent"),
                                OneHotEncoder(handle_unknown="ignore", sparse_output=False,
                                              max_categories=MAX_CATEGORIES)), texts),
    ])
    network = {"hidden_layer_sizes": HIDDEN, "max_iter": EPOCHS, "random_state": seed}
    if task == "classification":
        return make_pipeline(prepare, MLPClassifier(**network))
    return make_pipeline(prepare, TransformedTargetRegressor(MLPRegressor(**network),
                                                             transformer=StandardScaler()))


def fit(frame, target, cells, test, task, row_label, seed):
    """The loss of each test row (a mask of the frame's rows), as `program.losses`."""
    inputs, numbers, texts = features(frame, target, row_label)
    cells = np.array([c.strip() for c in cells], object)
    if task == "regression":
        cells = np.array([program.number(c) for c in cells])
        known = np.isfinite(cells)
    else:
        known = cells != ""
    model = pipeline(numbers, texts, task, seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(inputs[known & ~test], cells[known & ~test])
        answers = model.predict(inputs[test])
    if task == "regression":
        return (answers - cells[test]) ** 2
    return np.where(known[test], answers != cells[test], np.nan).astype(float)


def remembered(folder, question, limit, frame, cells, test):
    """`fit`, or what it said when asked the same before: (losses or None, message).

    The question names everything that the answer depends on.
    """
    versions = [sklearn.__version__, HIDDEN, EPOCHS, MAX_CATEGORIES]
    text = json.dumps([question, versions, limit], sort_keys=True)
    file = folder / (hashlib.sha256(text.encode()).hexdigest()[:24] + ".npz")
    if file.exists():
        stored = np.load(file)
        message = str(stored["message"])
        return (None if message else stored["losses"]), message
    begun, losses, message = time.monotonic(), None, ""
    try:
        with time_limit(limit):
            losses = fit(frame, question["target"], cells, test, question["task"],
                         question["row_label"], question["seed"])
    except Exception as error:  # whatever it is, the report shows it
        message = f"{type(error).__name__}: {error}".splitlines()[0]
    seconds = time.monotonic() - begun
    folder.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(".part.npz")
    stored = np.array([]) if losses is None else np.asarray(losses, np.float64)
    np.savez_compressed(part, losses=stored, message=message, seconds=seconds)
    part.replace(file)
    return losses, message
