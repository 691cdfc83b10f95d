"""The networks of two presets as people write and train them in PyTorch.

    python train.py PRESET ROWS.npz EPOCHS_PER_ROUND BATCH_SIZE LEARNING_RATE

A line for each round: see ``benchmarks/contest.py``. The program ends with its standard input.
"""

import sys
import time

import numpy as np
import torch
from torch import nn

WHITE = 16.0


class Convolutions(nn.Module):
    """Three convolutions, two of them pooled, and a dense layer of 64: 93,322 parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(64, 64, 3), nn.ReLU(),
            nn.Flatten(), nn.Linear(576, 64), nn.ReLU(), nn.Linear(64, 10),
        )  # fmt: skip

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers(x / WHITE)


class Recurrent(nn.Module):
    """Two LSTM layers of 64 and the state after the last step; gates have two biases: 53,386 parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(10, 64, num_layers=2, batch_first=True)
        self.answer = nn.Linear(64, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.answer(self.lstm(x)[0][:, -1])


NETWORKS = {"cnn-basic": Convolutions, "lstm-sequence": Recurrent}


def main() -> None:
    preset, path, epochs, batch, rate = sys.argv[1:]
    with np.load(path) as rows:
        x, y = torch.from_numpy(rows["x"]), torch.from_numpy(rows["y"])
    if preset == "cnn-basic":
        x = x.permute(0, 3, 1, 2).contiguous()
    torch.manual_seed(0)
    network = NETWORKS[preset]()
    optimizer = torch.optim.Adam(network.parameters(), float(rate))
    started = 0.0, 0.0
    while True:
        for _ in range(int(epochs)):
            right = epoch(network, optimizer, x, y, int(batch))
        wall, processor = time.perf_counter() - started[0], time.process_time() - started[1]
        print("round", wall, processor, right, flush=True)
        if not sys.stdin.readline():
            return
        started = time.perf_counter(), time.process_time()


def epoch(
    network: nn.Module, optimizer: torch.optim.Optimizer, x: torch.Tensor, y: torch.Tensor, batch: int
) -> float:
    """Train once on all rows in a new order; return the share of rows that were answered right."""
    right, loss = torch.zeros(()), nn.CrossEntropyLoss()
    for rows in torch.randperm(len(x)).split(batch):
        answer, target = network(x[rows]), y[rows]
        error = loss(answer, target)
        optimizer.zero_grad()
        error.backward()
        optimizer.step()
        right += (answer.argmax(1) == target).sum()
    return float(right) / len(x)


if __name__ == "__main__":
    main()
