"""Makes tests/goldens/pytorch_*.safetensors and state_dict*.safetensors: networks trained by
PyTorch on the CPU.

  pytorch_classes      8-16-8-3, tanh and gelu, cross-entropy of class indices
  pytorch_regression   6-24-12-8-1, relu, silu and elu, mean squared error
                       each: ten steps of SGD, Adam and AdamW, and a gradient to the inputs
  pytorch_losses       one loss and gradient each for targets that are probabilities
  pytorch_activations  each activation's values and derivatives
  state_dict           a state dict exactly as PyTorch users save it, float32
  state_dict_outputs   what that network answers

Everything but the state dict is float64. Losses are means, as is PyTorch's default.

Run: python pytorch.py OUTPUT_DIR     (make.sh does all)
"""

import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F

from golden_file import save

STEPS = 10
ROWS = 40
BATCH = 12

ADAM = {"learning_rate": 0.01, "beta1": 0.8, "beta2": 0.99, "epsilon": 1e-6, "weight_decay": 0.02}
SETTINGS = {
    "sgd": {"learning_rate": 0.05, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01},
    "sgd_plain": {"learning_rate": 0.1, "momentum": 0.0, "nesterov": False, "weight_decay": 0.0},
    "sgd_momentum": {
        "learning_rate": 0.05, "momentum": 0.8, "nesterov": False, "weight_decay": 0.001,
    },
    "adam": ADAM,
    "adamw": ADAM,
}


def make_optimizer(name, parameters):
    settings = dict(SETTINGS[name])
    settings["lr"] = settings.pop("learning_rate")
    if name.startswith("sgd"):
        return torch.optim.SGD(parameters, **settings)
    settings["betas"] = (settings.pop("beta1"), settings.pop("beta2"))
    settings["eps"] = settings.pop("epsilon")
    return {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[name](parameters, **settings)


def numpy(tensors, prefix=""):
    """Copies: an optimiser goes on writing to the tensors themselves."""
    return {prefix + name: tensor.detach().numpy().copy() for name, tensor in tensors.items()}


def gradients(network):
    return {name: p.grad.clone() for name, p in network.named_parameters()}


def describe(network):
    """Sizes of the layers and the activation between each two, for the reader of a golden."""
    linear = [layer for layer in network if isinstance(layer, nn.Linear)]
    return {
        "sizes": [linear[0].in_features] + [layer.out_features for layer in linear],
        "activations": [
            type(layer).__name__.lower() for layer in network if not isinstance(layer, nn.Linear)
        ],
    }


def train(optimizer_name, network, initial, loss_function, x, y, batches):
    network.load_state_dict(initial)
    optimizer = make_optimizer(optimizer_name, network.parameters())
    losses, steps = [], []
    for rows in batches:
        optimizer.zero_grad()
        loss = loss_function(network(x[rows]), y[rows])
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
        steps.append(gradients(network))
    stacked = {name: torch.stack([step[name] for step in steps]) for name in steps[0]}
    return (
        {f"{optimizer_name}.loss": torch.stack(losses).numpy()}
        | numpy(stacked, f"{optimizer_name}.gradient.")
        | numpy(network.state_dict(), f"{optimizer_name}.final.")
    )


def input_gradient(network, x):
    """The gradient to the inputs of Σ coefficients · outputs."""
    x = x.clone().requires_grad_()
    outputs = network(x)
    coefficients = torch.randn(outputs.shape)
    (outputs * coefficients).sum().backward()
    return {
        "input_gradient.outputs": outputs,
        "input_gradient.coefficients": coefficients,
        "input_gradient.value": x.grad,
    }


def training_golden(path, seed, network, loss_name, loss_function, make_targets):
    torch.manual_seed(seed)
    network = network()
    initial = {name: value.clone() for name, value in network.state_dict().items()}
    x = torch.randn(ROWS, network[0].in_features)
    y = make_targets(x)
    batches = torch.stack([torch.randperm(ROWS)[:BATCH] for _ in range(STEPS)])

    tensors = numpy({"x": x, "y": y, "batches": batches}) | numpy(initial, "initial.")
    for name in SETTINGS:
        tensors |= train(name, network, initial, loss_function, x, y, batches)
    network.load_state_dict(initial)
    tensors |= numpy(input_gradient(network, x))
    description = describe(network) | {
        "loss": loss_name,
        "reduction": "mean",
        "optimizers": SETTINGS,
        "torch": torch.__version__,
    }
    save(path, tensors, description)


def losses_golden(path):
    """One loss and gradient each of a small network, without an update."""
    torch.manual_seed(3)
    outputs, rows = 3, 7
    targets = {
        "cross_entropy_probabilities": torch.softmax(2 * torch.randn(rows, outputs), dim=1),
        "binary_cross_entropy": torch.rand(rows, outputs),
        "mse": torch.randn(rows, outputs),
    }
    targets["binary_cross_entropy"][0] = torch.tensor([0.0, 1.0, 0.0])
    functions = {
        "cross_entropy_probabilities": F.cross_entropy,
        "binary_cross_entropy": F.binary_cross_entropy_with_logits,
        "mse": F.mse_loss,
    }
    network = nn.Sequential(nn.Linear(5, 6), nn.Tanh(), nn.Linear(6, outputs))
    x = torch.randn(rows, 5)
    tensors = numpy({"x": x, "outputs": network(x)}) | numpy(network.state_dict(), "initial.")
    for name, function in functions.items():
        for reduction in ("mean", "sum"):
            network.zero_grad()
            loss = function(network(x), targets[name], reduction=reduction)
            loss.backward()
            tensors |= numpy({f"{name}.{reduction}.loss": loss.reshape(1)})
            tensors |= numpy(gradients(network), f"{name}.{reduction}.gradient.")
        tensors[f"{name}.targets"] = targets[name].numpy()
    save(path, tensors, describe(network) | {"torch": torch.__version__})


def activations_golden(path):
    """Values and derivatives on a grid that holds 0, where the left derivative counts.

    It ends at ±8 because PyTorch's softplus turns into the identity above 20. Values and
    derivatives near 0 are right to an absolute, not a relative error of about 1e-15: below 0 gelu
    comes of 1 + erf, which cancels, as does 1 − tanh² on both sides.
    """
    functions = {
        "identity": lambda x: x * 1,
        "relu": F.relu,
        "leaky_relu": F.leaky_relu,
        "sigmoid": torch.sigmoid,
        "tanh": torch.tanh,
        "gelu": F.gelu,
        "silu": F.silu,
        "softplus": F.softplus,
        "elu": F.elu,
    }
    x = torch.linspace(-8, 8, 129)
    tensors = {"x": x.numpy()}
    for name, function in functions.items():
        inputs = x.clone().requires_grad_()
        values = function(inputs)
        values.sum().backward()
        tensors |= numpy({f"{name}.value": values, f"{name}.derivative": inputs.grad})
    save(path, tensors, {"leaky_relu_slope": 0.01, "elu_alpha": 1.0, "torch": torch.__version__})


def state_dict_golden(directory):
    torch.manual_seed(4)
    network = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10)).float()
    save_file(network.state_dict(), directory / "state_dict.safetensors")
    (directory / "state_dict.safetensors").chmod(0o644)
    x = torch.rand(5, 64, dtype=torch.float32)
    outputs = {"x": x, "outputs": network(x)}
    description = describe(network) | {"torch": torch.__version__}
    save(directory / "state_dict_outputs.safetensors", numpy(outputs), description)


def main(output_dir):
    directory = Path(output_dir)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    torch.set_default_dtype(torch.float64)
    training_golden(
        directory / "pytorch_classes.safetensors",
        seed=1,
        network=lambda: nn.Sequential(
            nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 8), nn.GELU(), nn.Linear(8, 3)
        ),
        loss_name="cross_entropy",
        loss_function=F.cross_entropy,
        make_targets=lambda x: x[:, :3].argmax(dim=1),
    )
    training_golden(
        directory / "pytorch_regression.safetensors",
        seed=2,
        network=lambda: nn.Sequential(
            nn.Linear(6, 24), nn.ReLU(), nn.Linear(24, 12), nn.SiLU(),
            nn.Linear(12, 8), nn.ELU(), nn.Linear(8, 1),
        ),
        loss_name="mse",
        loss_function=F.mse_loss,
        make_targets=lambda x: (x[:, :1] * x[:, 1:2]).sin() + x[:, 2:3],
    )
    losses_golden(directory / "pytorch_losses.safetensors")
    activations_golden(directory / "pytorch_activations.safetensors")
    state_dict_golden(directory)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
