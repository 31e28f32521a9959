"""Makes tests/goldens/tutorial.safetensors: a network trained by plain numpy.

The network is the one many tutorials build by hand: one hidden layer of tanh, softmax outputs,
cross-entropy, gradient descent on the whole batch at once. Its gradient is summed over the
samples, not averaged. Everything is float64.

Run: python tutorial.py DATA_DIR OUTPUT_DIR     (DATA_DIR holds digits.csv; make.sh does all)
"""

import sys
from pathlib import Path

import numpy as np

from golden_file import save

SEED = 42
SAMPLES = 200
HIDDEN = 32
LEARNING_RATE = 0.003
MILESTONES = (0, 1, 10, 100)


class NeuralNetwork:
    def __init__(self, n_inputs, n_hidden, n_outputs, seed):
        rng = np.random.default_rng(seed)
        self.W1 = rng.standard_normal((n_inputs, n_hidden))
        self.b1 = np.zeros(n_hidden)
        self.W2 = rng.standard_normal((n_hidden, n_outputs))
        self.b2 = np.zeros(n_outputs)

    def softmax(self, z):
        exp_z = np.exp(z)
        return exp_z / exp_z.sum(axis=1, keepdims=True)

    def forward(self, X):
        self.a1 = np.tanh(X @ self.W1 + self.b1)
        self.a2 = self.softmax(self.a1 @ self.W2 + self.b2)
        return self.a2

    def loss(self, X, y):
        return -np.log(self.forward(X)[np.arange(len(y)), y]).sum()

    def backward(self, X, y, learning_rate):
        delta2 = self.a2.copy()
        delta2[np.arange(len(y)), y] -= 1
        delta1 = (delta2 @ self.W2.T) * (1 - self.a1**2)
        self.W2 -= learning_rate * self.a1.T @ delta2
        self.b2 -= learning_rate * delta2.sum(axis=0)
        self.W1 -= learning_rate * X.T @ delta1
        self.b1 -= learning_rate * delta1.sum(axis=0)

    def train(self, X, y, learning_rate, epochs):
        losses = []
        for _ in range(epochs):
            losses.append(self.loss(X, y))
            self.backward(X, y, learning_rate)
        return losses

    def predict(self, X):
        return self.forward(X).argmax(axis=1)


def state(network):
    """Parameters under the names, and in the orientation, of torch.nn.Sequential."""
    return {
        "0.weight": network.W1.T.copy(),
        "0.bias": network.b1.copy(),
        "2.weight": network.W2.T.copy(),
        "2.bias": network.b2.copy(),
    }


def amplification(X, y, trained):
    """How many times larger a relative change of the first weights is after the training.

    Backends differ in the rounding of each operation, so a golden of a chaotic training could
    hold nobody to anything: this number has to stay small.
    """
    relative = 1e-12
    network = NeuralNetwork(X.shape[1], HIDDEN, y.max() + 1, SEED)
    signs = np.random.default_rng(SEED + 1)
    for W in (network.W1, network.W2):
        W *= 1 + relative * signs.choice([-1, 1], W.shape)
    network.train(X, y, LEARNING_RATE, MILESTONES[-1])
    changes = [
        np.linalg.norm(value - trained[name]) / np.linalg.norm(trained[name])
        for name, value in state(network).items()
    ]
    return max(changes) / relative


def overflow():
    """What the tutorial's softmax gets wrong: eᶻ overflows, or every eᶻ is 0, and 0/0 is no
    number. The right values come from the logits less their largest, which changes nothing."""
    logits = np.array(
        [
            [1000.0, 0.0, 0.0],
            [1000.0, 0.0, 0.0],
            [1000.0, 999.0, 998.0],
            [-1000.0, -1000.0, -1000.0],
            [-1000.0, -1001.0, -1002.0],
            [710.0, 710.0, -710.0],
            [3.0, 1.0, -2.0],
        ]
    )
    classes = np.array([0, 1, 1, 2, 0, 0, 1])
    with np.errstate(all="ignore"):
        naive = NeuralNetwork.softmax(None, logits)
    shifted = logits - logits.max(axis=1, keepdims=True)
    sums = np.exp(shifted).sum(axis=1, keepdims=True)
    return {
        "overflow.logits": logits,
        "overflow.classes": classes,
        "overflow.naive_probabilities": naive,
        "overflow.probabilities": np.exp(shifted) / sums,
        "overflow.losses": (np.log(sums) - shifted)[np.arange(len(classes)), classes],
    }


def main(data_dir, output_dir):
    digits = np.loadtxt(Path(data_dir) / "digits.csv", delimiter=",", skiprows=1)[:SAMPLES]
    X, y = digits[:, :-1] / 16, digits[:, -1].astype(np.int64)

    network = NeuralNetwork(X.shape[1], HIDDEN, y.max() + 1, SEED)
    tensors = {"X": X, "y": y}
    losses = []
    for milestone in MILESTONES:
        losses += network.train(X, y, LEARNING_RATE, milestone - len(losses))
        tensors |= {f"epoch{milestone}.{name}": v for name, v in state(network).items()}
    # the loss of the parameters after 0, 1, … 100 epochs
    tensors["loss"] = np.array(losses + [network.loss(X, y)])
    tensors["predictions"] = network.predict(X)
    tensors |= overflow()
    description = {
        "activation": "tanh",
        "epochs": MILESTONES[-1],
        "learning_rate": LEARNING_RATE,
        "loss": "cross_entropy",
        "numpy": np.__version__,
        "reduction": "sum",
    }
    save(Path(output_dir) / "tutorial.safetensors", tensors, description)
    print(f"  loss {losses[0]:.1f} → {tensors['loss'][-1]:.3f}")
    print(f"  falls in every epoch: {bool(np.all(np.diff(tensors['loss']) < 0))}")
    print(f"  accuracy {np.mean(tensors['predictions'] == y):.3f}")
    factor = amplification(X, y, state(network))
    print(f"  a relative change of the first weights grows by {factor:.2f}")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
