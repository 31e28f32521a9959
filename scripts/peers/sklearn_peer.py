"""scikit-learn: `partial_fit` on one mini-batch is one step."""

import numpy as np
import sklearn
from sklearn.neural_network import MLPClassifier, MLPRegressor

import peer


def partial_fit(data):
    w = data.workload
    options = {
        "hidden_layer_sizes": w.widths[1:-1],
        "activation": w.activation,
        "solver": w.optimizer,
        "alpha": 0,
        "batch_size": w.batch,
        "learning_rate_init": w.learning_rate,
        "momentum": 0,
        "nesterovs_momentum": False,
        "shuffle": False,
    }
    classes = {}
    if w.loss == "mse":
        model = MLPRegressor(**options)
        loss_scale = 2  # scikit-learn's squared loss is half of the mean squared error
    else:
        model = MLPClassifier(**options)
        classes["classes"] = np.arange(w.widths[-1])
        loss_scale = 1

    # The first call draws parameters of its own: they are replaced, and the optimiser begins anew.
    model.partial_fit(data.x[: w.batch], data.y[: w.batch], **classes)
    for layer, (W, b) in enumerate(zip(data.parameters[0::2], data.parameters[1::2])):
        model.coefs_[layer][...] = W.T
        model.intercepts_[layer][...] = b
    del model._optimizer

    def run(call):
        if w.full_batch:
            model.partial_fit(data.x, data.y)
        else:
            rows = data.batches[call % len(data.batches)]
            model.partial_fit(data.x[rows], data.y[rows])
        return [loss_scale * model.loss_]

    return run, 1


if __name__ == "__main__":
    peer.main(sklearn.__version__, {"partial_fit": partial_fit})
