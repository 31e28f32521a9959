"""The training of `consonance train` as a PyTorch user writes it: from a cold start to trained
digits. Prints the held-out accuracy as JSON.

    python torch_train.py digits.csv.gz
"""

import json
import sys

import numpy as np
import torch
from torch import nn

torch.manual_seed(0)
table = torch.from_numpy(np.loadtxt(sys.argv[1], delimiter=",", skiprows=1, dtype=np.float32))
table = table[torch.randperm(len(table))]
held_out = len(table) // 5
x, y = table[:, :-1], table[:, -1].long()
x_test, y_test, x, y = x[:held_out], y[:held_out], x[held_out:], y[held_out:]
mean, deviation = x.mean(dim=0), x.std(dim=0)
deviation[deviation == 0] = 1
x, x_test = (x - mean) / deviation, (x_test - mean) / deviation

model = nn.Sequential(
    nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 10)
)
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.001)

for epoch in range(30):
    for rows in torch.randperm(len(x)).split(32):
        optimizer.zero_grad()
        criterion(model(x[rows]), y[rows]).backward()
        optimizer.step()

with torch.no_grad():
    accuracy = (model(x_test).argmax(dim=1) == y_test).float().mean().item()
print(json.dumps({"accuracy": accuracy}))
