"""A training that is saved and taken up with new objects goes on to the bit, after an epoch and in the midst of one."""

from __future__ import annotations

import io
import itertools

import pytest

import tinygrad_cnn as torch
from tinygrad_cnn import nn, optim
from tinygrad_cnn.nn import functional as F
from tinygrad_cnn.optim import lr_scheduler
from tinygrad_cnn.utils.data import DataLoader, TensorDataset

OPTIMIZERS = {
    "sgd": lambda parameters: optim.SGD(parameters, lr=0.05, momentum=0.9, nesterov=True, weight_decay=1e-3),
    "adam": lambda parameters: optim.AdamW(parameters, lr=0.01, amsgrad=True),
    "rmsprop": lambda parameters: optim.RMSprop(parameters, lr=0.01, momentum=0.5, centered=True),
}
SCHEDULES = {
    "sgd": lambda optimizer: lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, total_steps=30),
    "adam": lambda optimizer: lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=4),
    "rmsprop": lambda optimizer: lr_scheduler.ReduceLROnPlateau(optimizer, patience=0, factor=0.5),
}
EPOCHS, BATCHES = 3, 5


class Training:
    """All objects of a training, and the numbers that it drew at the beginning of its epoch."""

    def __init__(self, kind: str, workers: int) -> None:
        generator = torch.Generator().manual_seed(5)
        images = torch.randn(40, 1, 6, 6, generator=generator)
        data = TensorDataset(images, torch.randint(0, 3, (40,), generator=generator))
        self.loader = DataLoader(data, batch_size=8, shuffle=True, num_workers=workers)
        self.model = nn.Sequential(
            nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout2d(0.2), nn.Flatten(), nn.Dropout(0.4),
            nn.Linear(64, 3),
        )  # fmt: skip
        self.optimizer = OPTIMIZERS[kind](self.model.parameters())
        self.schedule = SCHEDULES[kind](self.optimizer)
        self.epoch = self.batch = 0
        self.losses: list[float] = []
        self.order = self.random = torch.get_rng_state()

    def save(self) -> bytes:
        """Return a checkpoint of this moment."""
        file, parts = io.BytesIO(), (self.model, self.optimizer, self.schedule)
        place = {"epoch": self.epoch, "batch": self.batch, "losses": self.losses, "order": self.order}
        torch.save({**place, "parts": [part.state_dict() for part in parts], "random": torch.get_rng_state()}, file)
        return file.getvalue()

    def load(self, checkpoint: bytes) -> None:
        """Become the training that was saved."""
        state = torch.load(io.BytesIO(checkpoint))
        for part, saved in zip((self.model, self.optimizer, self.schedule), state.pop("parts"), strict=True):
            part.load_state_dict(saved)
        self.__dict__.update(state)

    def run(self, stop: int | None = None) -> bytes | None:
        """Train on to the end, or to the step `stop`, of which it returns a checkpoint."""
        while self.epoch < EPOCHS:
            if self.batch:  # resumed: the order of this epoch once more, less what is done
                torch.set_rng_state(self.order)
                batches = list(itertools.islice(self.loader, self.batch, None))
                torch.set_rng_state(self.random)
            else:
                self.order, batches = torch.get_rng_state(), self.loader
            for images, labels in batches:
                self.optimizer.zero_grad()
                loss = F.cross_entropy(self.model(images), labels)
                loss.backward()
                self.optimizer.step()
                self.losses.append(loss.item())
                if not isinstance(self.schedule, lr_scheduler.ReduceLROnPlateau):
                    self.schedule.step()
                self.batch += 1
                if len(self.losses) == stop:
                    return self.save()
            if isinstance(self.schedule, lr_scheduler.ReduceLROnPlateau):
                self.schedule.step(self.losses[-1])
            self.epoch, self.batch = self.epoch + 1, 0
        return None


@pytest.mark.parametrize(
    ("kind", "workers", "stop"), [("sgd", 0, 5), ("sgd", 2, 7), ("adam", 0, 8), ("adam", 0, 14), ("rmsprop", 0, 11)]
)
def test_goes_on_to_the_bit(kind, workers, stop):
    torch.manual_seed(1)
    whole = Training(kind, workers)
    whole.run()
    torch.manual_seed(1)
    checkpoint = Training(kind, workers).run(stop)
    torch.manual_seed(77)  # another process
    resumed = Training(kind, workers)
    torch.rand(5)
    resumed.load(checkpoint)
    resumed.run()
    assert resumed.losses == whole.losses and len(set(whole.losses)) == EPOCHS * BATCHES
    for name, tensor in whole.model.state_dict().items():
        assert tensor.numpy().tobytes() == resumed.model.state_dict()[name].numpy().tobytes(), name
