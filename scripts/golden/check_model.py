"""Loads a model that Consonance wrote into PyTorch and prints what it answers.

The model is a safetensors file of a state dict: `0.weight` [outputs, inputs], `0.bias` [outputs],
`2.weight`, … where the numbers left out are activations; the last layer has none. The inputs are
a CSV file of numbers, one row a line, with or without a header. The outputs, logits where the loss
takes logits, go to standard output as CSV with every digit.

Run: python check_model.py MODEL.safetensors INPUTS.csv --activation tanh[,gelu,…]
(one name for all hidden layers, or one for each)
"""

import argparse
import csv

import torch
from safetensors.torch import load_file
from torch import nn

ACTIVATIONS = {
    "identity": nn.Identity,
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "softplus": nn.Softplus,
    "elu": nn.ELU,
}


def build(state, activations):
    """The `nn.Sequential` whose state dict is `state`."""
    dense = sorted(int(name.removesuffix(".weight")) for name in state if name.endswith(".weight"))
    names = [name for index in dense for name in (f"{index}.weight", f"{index}.bias")]
    if sorted(names) != sorted(state):
        raise SystemExit(f"expected the tensors {names}, the file has {sorted(state)}")
    hidden = [index for index in range(dense[-1]) if index not in dense]
    if len(activations) == 1:
        activations *= len(hidden)
    if len(activations) != len(hidden):
        raise SystemExit(f"{len(hidden)} activations are needed, {len(activations)} were given")
    layers = {index: ACTIVATIONS[name]() for index, name in zip(hidden, activations)}
    for index in dense:
        outputs, inputs = state[f"{index}.weight"].shape
        layers[index] = nn.Linear(inputs, outputs)
    network = nn.Sequential(*(layers[index] for index in sorted(layers)))
    network.to(state[f"{dense[0]}.weight"].dtype).load_state_dict(state)
    return network


def read_inputs(path):
    with open(path, newline="") as file:
        rows = [row for row in csv.reader(file) if row]
    try:
        float(rows[0][0])
    except ValueError:
        rows = rows[1:]
    return [[float(field) for field in row] for row in rows]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model")
    parser.add_argument("inputs")
    parser.add_argument("--activation", required=True, type=lambda text: text.split(","))
    arguments = parser.parse_args()
    for name in arguments.activation:
        if name not in ACTIVATIONS:
            parser.error(f"unknown activation '{name}'; there are: {', '.join(ACTIVATIONS)}")

    network = build(load_file(arguments.model), arguments.activation)
    inputs = torch.tensor(read_inputs(arguments.inputs), dtype=network[0].weight.dtype)
    with torch.no_grad():
        for row in network(inputs):
            print(",".join(repr(value) for value in row.tolist()))


if __name__ == "__main__":
    main()
