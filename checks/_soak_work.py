"""What the long run does over and over: two networks trained, evaluated, saved and loaded, on batches of many sizes."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import tinygrad_cnn as torch
from benchmarks.nets import INPUTS, resnet20
from tinygrad_cnn import nn, optim
from tinygrad_cnn.nn import functional as F
from tinygrad_cnn.utils.data import DataLoader, TensorDataset

BATCHES = (64, 32, 17, 100, 50, 128)


def lenet(torch: Any) -> Any:
    """LeNet-5 with dropout."""
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Dropout(0.25),
        nn.Linear(400, 120), nn.ReLU(), nn.Dropout(0.5), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10),
    )  # fmt: skip


class Job:
    """The training of one network on random images, from checkpoint to checkpoint."""

    def __init__(self, make: Any, shape: tuple[int, ...], images: int, workers: int, folder: Path) -> None:
        self._make, self._workers, self._file = make, workers, folder / f"{make.__name__}.pt"
        pixels = torch.randn(images, *shape)
        self._data = TensorDataset(pixels, torch.randint(0, 10, (images,)))
        self.steps = 0
        self._begin()
        self._save()

    def _begin(self) -> None:
        self._model = self._make(torch)
        self._optimizer = optim.SGD(self._model.parameters(), lr=1e-3, momentum=0.9, weight_decay=5e-4)
        self._schedule = optim.lr_scheduler.CosineAnnealingLR(self._optimizer, 1000)

    def _save(self) -> None:
        state = {
            "model": self._model.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "schedule": self._schedule.state_dict(),
        }
        torch.save(state, self._file)

    def _load(self) -> None:
        """Go on with new objects, as a resumed run does."""
        self._begin()
        state = torch.load(self._file)
        self._model.load_state_dict(state["model"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._schedule.load_state_dict(state["schedule"])

    def _train(self, batch: int) -> None:
        self._model.train()
        for images, labels in DataLoader(self._data, batch, shuffle=True, num_workers=self._workers):
            self._optimizer.zero_grad()
            loss = F.cross_entropy(self._model(images), labels)
            loss.backward()
            nn.utils.clip_grad_norm_(self._model.parameters(), 10.0)
            self._optimizer.step()
            self._schedule.step()
            self.steps += 1
            if not loss.isfinite():
                raise RuntimeError(f"the loss of {self._make.__name__} is {loss.item()}")

    @torch.no_grad()
    def _evaluate(self) -> None:
        self._model.eval()
        for images, _ in DataLoader(self._data, 200):
            self._model(images).argmax(1)

    def _leave_early(self) -> None:
        """Begin a pass and leave it, with workers that would stay for another one."""
        for _ in DataLoader(self._data, 10, num_workers=self._workers, persistent_workers=self._workers > 0):
            break

    def round(self, batch: int) -> None:
        """Load, train an epoch with this size of batches, evaluate, save."""
        self._load()
        self._train(batch)
        self._leave_early()
        self._evaluate()
        self._save()


class Work:
    """Both networks, by turns."""

    def __init__(self, folder: Path, seed: int) -> None:
        torch.manual_seed(seed)
        self._rng = random.Random(seed)
        self._jobs = [
            Job(lenet, (1, 28, 28), 2000, 2, folder),
            Job(resnet20, INPUTS["resnet20"], 48, 0, folder),
        ]

    def round(self) -> int:
        """Do an epoch of each network with each size of batches, in another order each time; the steps so far."""
        for batch in self._rng.sample(BATCHES, len(BATCHES)):
            for job in self._jobs:
                job.round(batch)
        return sum(job.steps for job in self._jobs)
