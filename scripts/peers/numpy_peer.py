"""The tutorial's plain numpy network, and in float64 the reference of everyone's first losses."""

import math

import numpy as np

import peer
from workloads import CHECKED_STEPS


class Network:
    """Dense layers as a tutorial builds them by hand, in the element type of its parameters."""

    def __init__(self, workload, parameters, epsilon_hat=False):
        self.workload = workload
        self.epsilon_hat = epsilon_hat
        # a copy also of a column, which its transpose would share with other networks
        self.W = [W.T.copy() for W in parameters[0::2]]
        self.b = [b.copy() for b in parameters[1::2]]
        self.moments = [(np.zeros_like(p), np.zeros_like(p)) for p in self.W + self.b]
        self.steps = 0

    def forward(self, X):
        self.a = [X]
        for W, b in zip(self.W[:-1], self.b[:-1]):
            z = self.a[-1] @ W + b
            self.a.append(np.tanh(z) if self.workload.activation == "tanh" else np.maximum(z, 0))
        return self.a[-1] @ self.W[-1] + self.b[-1]

    def loss(self, X, y):
        """The loss, and its gradient by the last layer's outputs."""
        out, n = self.forward(X), len(X)
        if self.workload.loss == "mse":
            error = out - y[:, None]
            return (error**2).mean(), 2 / n * error
        e = np.exp(out - out.max(axis=1, keepdims=True))
        p = e / e.sum(axis=1, keepdims=True)
        loss = -np.log(p[np.arange(n), y]).mean()
        p[np.arange(n), y] -= 1
        return loss, p / n

    def gradient(self, delta):
        dW, db = [], []
        for layer in reversed(range(len(self.W))):
            a = self.a[layer]
            dW.insert(0, a.T @ delta)
            db.insert(0, delta.sum(axis=0))
            if layer > 0:
                slope = 1 - a**2 if self.workload.activation == "tanh" else a > 0
                delta = (delta @ self.W[layer].T) * slope
        return dW + db

    def update(self, gradient):
        self.steps += 1
        rate = self.workload.learning_rate
        epsilon = 1e-8 / math.sqrt(1 - 0.999**self.steps) if self.epsilon_hat else 1e-8
        for p, g, (m, v) in zip(self.W + self.b, gradient, self.moments):
            if self.workload.optimizer == "sgd":
                p -= rate * g
                continue
            m *= 0.9
            m += 0.1 * g
            v *= 0.999
            v += 0.001 * g**2
            m_hat = m / (1 - 0.9**self.steps)
            v_hat = v / (1 - 0.999**self.steps)
            p -= rate * m_hat / (np.sqrt(v_hat) + epsilon)

    def step(self, X, y):
        loss, delta = self.loss(X, y)
        self.update(self.gradient(delta))
        return loss


# A relu whose input is nearer to 0 than this is on in one rounding and off in another.
KINK = 1e-5


def references(workload, x, y, parameters, batches, rng):
    """The losses of the first steps in float64, with each of the two places that Adam's ε is put:
    after the second moment's correction (`reference`, nearly everyone) and before it
    (`reference_epsilon_hat`: Kingma and Ba, end of section 2; scikit-learn).

    Rows of these steps that bring a relu close to its kink are drawn anew: rounding would flip it,
    and one gradient more or less, divided by its own size in Adam, shows in the losses.
    """
    parameters = [p.astype(np.float64) for p in parameters]
    networks = {
        "reference": Network(workload, parameters),
        "reference_epsilon_hat": Network(workload, parameters, epsilon_hat=True),
    }
    losses = {name: [] for name in networks}
    for step in range(CHECKED_STEPS):
        rows = batches[step % len(batches)]
        while workload.activation == "relu":
            close = np.zeros(len(rows), bool)
            for network in networks.values():
                network.forward(x[rows].astype(np.float64))
                for a, W, b in zip(network.a, network.W[:-1], network.b[:-1]):
                    close |= (np.abs(a @ W + b) < KINK).any(axis=1)
            if not close.any():
                break
            x[rows[close]] = rng.standard_normal((close.sum(), x.shape[1]), x.dtype)
        for name, network in networks.items():
            losses[name].append(float(network.step(x[rows].astype(np.float64), y[rows])))
    return losses


def plain(data):
    network = Network(data.workload, data.parameters)

    def run(call):
        if data.workload.full_batch:
            return [network.step(data.x, data.y)]
        rows = data.batches[call % len(data.batches)]
        return [network.step(data.x[rows], data.y[rows])]

    return run, 1


if __name__ == "__main__":
    peer.main(np.__version__, {"float32": plain})
