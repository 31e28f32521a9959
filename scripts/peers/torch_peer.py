"""PyTorch: eager with its default optimiser, with the fused one, and compiled with the fused one."""

import torch
import torch.nn.functional as F

import peer


def network(data):
    w = data.workload
    layers, parameters = [], map(torch.from_numpy, data.parameters)
    for outputs, inputs in w.shapes:
        linear = torch.nn.Linear(inputs, outputs)
        with torch.no_grad():
            linear.weight.copy_(next(parameters))
            linear.bias.copy_(next(parameters))
        layers += [linear, torch.nn.Tanh() if w.activation == "tanh" else torch.nn.ReLU()]
    return torch.nn.Sequential(*layers[:-1])


def mode(fused, compiled):
    def begin(data):
        w = data.workload
        model = network(data)
        kind = torch.optim.Adam if w.optimizer == "adam" else torch.optim.SGD
        optimizer = kind(model.parameters(), lr=w.learning_rate, fused=fused or None)

        x = torch.from_numpy(data.x)
        y = torch.from_numpy(data.y)
        y = y[:, None] if w.loss == "mse" else y.long()
        batches = list(torch.from_numpy(data.batches).long())
        criterion = F.mse_loss if w.loss == "mse" else F.cross_entropy

        def loss_of(x, y, rows):
            if rows is not None:
                x, y = x[rows], y[rows]
            return criterion(model(x), y)

        if compiled:
            loss_of = torch.compile(loss_of)

        def run(call):
            rows = None if w.full_batch else batches[call % len(batches)]
            optimizer.zero_grad()
            loss = loss_of(x, y, rows)
            loss.backward()
            optimizer.step()
            return [loss.detach()]

        return run, 1

    return begin


if __name__ == "__main__":
    modes = {
        "eager": mode(fused=False, compiled=False),
        "eager, fused optimizer": mode(fused=True, compiled=False),
        "compiled, fused optimizer": mode(fused=True, compiled=True),
    }
    peer.main(torch.__version__, modes)
