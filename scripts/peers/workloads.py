"""The training steps that are timed, and the one set of numbers every peer begins with.

A workload's folder holds `workload.json` and, in little-endian row-major files, the features
`x.f32` [rows, inputs], the targets `y.i32` (class indices) or `y.f32`, the initial parameters
`parameters.f32` (of each layer the weight [outputs, inputs], then the bias) and the mini-batches
`batches.i32` [batches, batch]: row numbers, in epochs of another order each.
"""

import json
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

SEED = 20240601
# The rows of a data set are so many mini-batches', as in `consonance bench`; the peers go through
# them in another order each epoch, and after so many epochs begin again.
BATCHES_AN_EPOCH = 4
EPOCHS = 16
# The losses of this many steps are compared with the float64 reference.
CHECKED_STEPS = 3


@dataclass
class Workload:
    name: str
    widths: list  # inputs, hidden units of each layer, outputs
    activation: str  # after every layer but the last: "relu" or "tanh"
    loss: str  # "cross_entropy" or "mse", the mean over the batch
    optimizer: str  # "sgd" or "adam", with PyTorch's defaults
    learning_rate: float
    batch: int
    full_batch: bool = False  # every row at once, so that none is gathered

    @property
    def rows(self):
        return self.batch if self.full_batch else BATCHES_AN_EPOCH * self.batch

    @property
    def shapes(self):
        """Of each layer's weight, [outputs, inputs]."""
        return list(zip(self.widths[1:], self.widths[:-1]))

    @property
    def flops(self):
        """Of the products of one step: forward, the gradient of every weight, and the gradient of
        the inputs of every layer but the first."""
        weights = [outputs * inputs for outputs, inputs in self.shapes]
        return 2 * self.batch * (3 * sum(weights) - weights[0])

    def __str__(self):
        hidden = self.widths[1:-1]
        repeats = len(hidden) > 2 and len(set(hidden)) == 1
        middle = [f"[{hidden[0]}]×{len(hidden)}"] if repeats else hidden
        return "-".join(str(w) for w in [self.widths[0], *middle, self.widths[-1]])


def sgd(name, widths, activation, batch, **options):
    return Workload(name, widths, activation, "cross_entropy", "sgd", 0.01, batch, **options)


def adam(name, widths, activation, batch, loss="cross_entropy"):
    return Workload(name, widths, activation, loss, "adam", 0.001, batch)


WORKLOADS = {
    w.name: w
    for w in [
        sgd("seed", [64, 32, 10], "tanh", batch=1797, full_batch=True),
        sgd("tiny", [64, 32, 10], "tanh", batch=32),
        adam("tab", [32, 64, 64, 1], "relu", batch=256, loss="mse"),
        adam("digits", [64, 128, 64, 10], "relu", batch=64),
        adam("keras", [784, 128, 10], "relu", batch=64),
        adam("mnist", [784, 512, 512, 10], "relu", batch=128),
        adam("wide", [784, 2048, 2048, 10], "relu", batch=256),
        adam("deep", [256] + [256] * 8 + [10], "tanh", batch=128),
    ]
}

# Networks that grow in one size and in nothing else: series to size to workload.
GROWTH = {
    "width": {
        width: adam(f"width-{width}", [64, width, width, 10], "relu", batch=128)
        for width in (16, 64, 256, 1024, 4096)
    },
    "batch": {
        batch: adam(f"batch-{batch}", [784, 512, 512, 10], "relu", batch)
        for batch in (1, 16, 128, 1024, 16384)
    },
    "depth": {
        depth: adam(f"depth-{depth}", [256, *[256] * depth, 10], "relu", batch=128)
        for depth in (1, 2, 4, 8, 16, 32)
    },
}
# The one that is timed on every number of threads.
THREADED = GROWTH["batch"][128]

ALL = WORKLOADS | {w.name: w for sizes in GROWTH.values() for w in sizes.values()}


def write(workload, folder, references):
    """Draws a workload's numbers into a folder. `references(workload, x, y, parameters, batches,
    rng)` answers the first losses in float64, by name, and may draw rows of x anew."""
    rng = np.random.default_rng([SEED, list(ALL).index(workload.name)])
    x = rng.standard_normal((workload.rows, workload.widths[0]), np.float32)
    if workload.loss == "mse":
        y = rng.standard_normal(workload.rows, np.float32)
    else:
        y = rng.integers(workload.widths[-1], size=workload.rows, dtype=np.int32)

    parameters = []
    for outputs, inputs in workload.shapes:
        glorot = math.sqrt(6 / (inputs + outputs))
        parameters.append(rng.uniform(-glorot, glorot, (outputs, inputs)).astype(np.float32))
        bound = 1 / math.sqrt(inputs)
        parameters.append(rng.uniform(-bound, bound, outputs).astype(np.float32))

    epochs = [np.arange(workload.rows)]
    if not workload.full_batch:
        epochs = [rng.permutation(workload.rows) for _ in range(EPOCHS)]
    batches = np.concatenate(epochs).astype(np.int32).reshape(-1, workload.batch)

    losses = references(workload, x, y, parameters, batches, rng)
    folder.mkdir(parents=True, exist_ok=True)
    x.tofile(folder / "x.f32")
    y.tofile(folder / ("y.f32" if workload.loss == "mse" else "y.i32"))
    np.concatenate([p.ravel() for p in parameters]).tofile(folder / "parameters.f32")
    batches.tofile(folder / "batches.i32")
    description = vars(workload) | {"rows": workload.rows, "checked_steps": CHECKED_STEPS} | losses
    (folder / "workload.json").write_text(json.dumps(description, indent=1) + "\n")


class Data:
    """What `write` left in a folder: x, y, parameters as [weight, bias, weight, …], batches."""

    def __init__(self, folder):
        folder = Path(folder)
        w = self.workload = ALL[folder.name]
        self.x = np.fromfile(folder / "x.f32", np.float32).reshape(w.rows, -1)
        if w.loss == "mse":
            self.y = np.fromfile(folder / "y.f32", np.float32)
        else:
            self.y = np.fromfile(folder / "y.i32", np.int32)
        self.batches = np.fromfile(folder / "batches.i32", np.int32).reshape(-1, w.batch)
        flat = np.fromfile(folder / "parameters.f32", np.float32)
        self.parameters, at = [], 0
        for outputs, inputs in w.shapes:
            for shape in ((outputs, inputs), (outputs,)):
                size = math.prod(shape)
                self.parameters.append(flat[at : at + size].reshape(shape))
                at += size
