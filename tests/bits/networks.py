"""Whole training runs, by the bits that they end with."""

from __future__ import annotations

import hashlib

import numpy as np

import tinygrad_cnn as tg
from benchmarks import nets
from tinygrad_cnn.utils.data import DataLoader, TensorDataset

# Batches, and what their loss is.
RUNS = {"lenet5": (32, tg.nn.CrossEntropyLoss), "mnistnet": (6, tg.nn.NLLLoss), "resnet20": (4, tg.nn.CrossEntropyLoss)}

OPTIMIZERS = {
    "SGD": lambda parameters: tg.optim.SGD(parameters, lr=0.05, momentum=0.9, weight_decay=1e-4),
    "Adam": lambda parameters: tg.optim.Adam(parameters, lr=1e-3),
    "AdamW": lambda parameters: tg.optim.AdamW(parameters, lr=1e-3, amsgrad=True),
}


def dataset(network: str, batches: int) -> TensorDataset:
    """Return random images and labels; the default generator is left as it is."""
    rng = np.random.default_rng(1)
    size = batches * RUNS[network][0]
    images = rng.standard_normal((size, *nets.INPUTS[network]), np.float32)
    return TensorDataset(tg.tensor(images), tg.tensor(rng.integers(0, 10, size)))


class Training:
    """A network with its optimizer, seeded, and what a step is; `generator` is where batches are shuffled from."""

    def __init__(self, network: str, optimizer: str, seed: int = 0):
        tg.manual_seed(seed)
        self.network = network
        self.model = nets.BUILDERS[network](tg)
        self.optimizer = OPTIMIZERS[optimizer](self.model.parameters())
        self.criterion = RUNS[network][1]()
        self.losses: list[float] = []

    def step(self, images: tg.Tensor, labels: tg.Tensor) -> None:
        """Make one step."""
        self.optimizer.zero_grad()
        loss = self.criterion(self.model(images), labels)
        loss.backward()
        self.optimizer.step()
        self.losses.append(loss.item())

    def run(self, batches: int, workers: int = 0) -> Training:
        """Train on one pass of shuffled batches."""
        data = dataset(self.network, batches)
        for images, labels in DataLoader(data, RUNS[self.network][0], shuffle=True, num_workers=workers):
            self.step(images, labels)
        return self

    def arrays(self) -> dict[str, np.ndarray]:
        """Return parameters, buffers and the optimizer's state by name."""
        found = {name: value.numpy() for name, value in self.model.state_dict().items()}
        for number, state in self.optimizer.state_dict()["state"].items():
            found |= {f"{number}.{name}": np.asarray(value) for name, value in state.items() if value is not None}
        return found

    def digest(self) -> str:
        """Return a hash of all that the run has made: losses, weights, state, and where the generator stands."""
        seen = hashlib.sha256(repr(self.losses).encode())
        for name, array in self.arrays().items():
            seen.update(name.encode() + array.tobytes())
        seen.update(tg.get_rng_state().numpy().tobytes())
        return seen.hexdigest()
