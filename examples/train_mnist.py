"""Train a LeNet-style CNN on the 60,000 real MNIST digits and report on the 10,000 test digits.

    python examples/train_mnist.py                        train, report, write runs/mnist/weights.pt
    python examples/train_mnist.py --seed 7 --plot        a repeatable run, with pictures in runs/mnist
    python examples/train_mnist.py --resume               go on with a run that was stopped or killed
    python examples/train_mnist.py --predict digit.png    classify image files with the saved weights

It is a PyTorch script: network, training and evaluation run unchanged there (data set and pictures apart).
After each epoch all that the run is goes into OUT/checkpoint.pt. A run that is resumed ends with the same bits as one
that was never stopped.
"""

from __future__ import annotations

import argparse
import pickle
import sys
import time
from pathlib import Path
from typing import Any

import mnist_report as report
import numpy as np

import tinygrad_cnn as torch
import tinygrad_cnn.nn.functional as F
from tinygrad_cnn import nn, optim
from tinygrad_cnn.utils.data import DataLoader, TensorDataset
from tinygrad_cnn.vision.datasets import MNIST

DATA = Path(__file__).resolve().parent / "data"
MEAN, STD = 0.1307, 0.3081  # of the pixels of the training images, in 0...1
TRAINING_DEFAULTS = {
    "epochs": 4,
    "batch_size": 64,
    "lr": 0.05,
    "seed": None,
    "data": DATA,
    "download": False,
    "plot": False,
    "resume": False,
}
KEPT = ("epochs", "batch_size", "lr", "seed")  # options that a run keeps when it is resumed


class LeNet(nn.Module):
    """LeNet-5 with ReLU and max pooling: two convolutions, three fully connected layers; (N, 1, 28, 28) -> (N, 10)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, kernel_size=5, padding=2)
        self.conv2 = nn.Conv2d(6, 16, kernel_size=5)
        self.pool = nn.MaxPool2d(2)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the logits of the ten digits."""
        x = self.pool(F.relu(self.conv1(x)))
        x = self.pool(F.relu(self.conv2(x)))
        x = torch.flatten(x, 1)
        x = F.relu(self.fc1(x))
        x = F.relu(self.fc2(x))
        return self.fc3(x)


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """Return the options; exit with a message (status 2) for an unknown, a bad or a contradictory one."""
    parser = argparse.ArgumentParser(
        description="Train a LeNet-style CNN on MNIST, or classify images with the weights of an earlier run.",
        allow_abbrev=False,
    )
    # Suppressed defaults: an option is an attribute only if it was given, whatever its value.
    training = parser.add_argument_group("training", argument_default=argparse.SUPPRESS)
    training.add_argument("--epochs", type=positive(int), help="passes over the training images (default 4)")
    training.add_argument("--batch-size", type=positive(int), help="images a step (default 64)")
    training.add_argument("--lr", type=positive(float), help="highest learning rate (default 0.05)")
    training.add_argument("--seed", type=int, help="seed of weights and shuffling; the same seed gives the same bits")
    training.add_argument("--data", type=Path, help="folder with MNIST/raw (default: beside this script)")
    training.add_argument("--download", action="store_true", help="download the images if they are missing from --data")
    training.add_argument("--resume", action="store_true", help="go on from OUT/checkpoint.pt if it is there")
    training.add_argument("--plot", action="store_true", help="write PNG pictures (needs matplotlib: the extra 'plot')")
    parser.add_argument("--threads", type=positive(int), help="threads to use (default: the CPUs of this process)")
    parser.add_argument("--out", type=Path, default=Path("runs/mnist"), help="folder to write to (default runs/mnist)")
    parser.add_argument(
        "--weights", type=Path, help="weights file to write or, with --predict, to read (default OUT/weights.pt)"
    )
    parser.add_argument(
        "--predict", type=Path, nargs="+", metavar="FILE", help="classify image files instead of training"
    )
    arguments = parser.parse_args(argv)
    given = [name for name in TRAINING_DEFAULTS if name in arguments]
    if arguments.predict and given:
        named = ", ".join("--" + name.replace("_", "-") for name in given)
        parser.error(f"{named}: for training, and --predict does not train")
    arguments.given = given
    for name in TRAINING_DEFAULTS.keys() - set(given):
        setattr(arguments, name, TRAINING_DEFAULTS[name])
    if arguments.seed is not None and not 0 <= arguments.seed < 2**63:
        parser.error(f"--seed: must be in 0...2**63 - 1, got {arguments.seed}")
    arguments.checkpoint = arguments.out / "checkpoint.pt"
    arguments.weights = arguments.weights or arguments.out / "weights.pt"
    return arguments


def positive(kind: type) -> object:
    """Return an argparse type for finite numbers above 0."""

    def convert(text: str) -> object:
        value = kind(text)
        if not 0 < value < float("inf"):
            raise argparse.ArgumentTypeError(f"must be above 0, got {text}")
        return value

    convert.__name__ = kind.__name__
    return convert


def load(root: Path, train: bool, download: bool) -> TensorDataset:
    """Return all images of a part as one normalised tensor (N, 1, 28, 28) with their labels (N,)."""
    return TensorDataset(*MNIST(root, train=train, download=download).normalized(MEAN, STD))


class Run:
    """A training run at the end of an epoch: network, SGD with a one-cycle learning rate, and what it has seen."""

    def __init__(self, arguments: argparse.Namespace, steps_per_epoch: int) -> None:
        self.arguments = arguments
        self.net = LeNet()
        self.optimizer = optim.SGD(self.net.parameters(), lr=arguments.lr, momentum=0.9, weight_decay=5e-4)
        self.schedule = optim.lr_scheduler.OneCycleLR(
            self.optimizer,
            max_lr=arguments.lr,
            epochs=arguments.epochs,
            steps_per_epoch=steps_per_epoch,
            pct_start=0.3,
        )
        self.history = report.History()

    def save(self) -> None:
        """Write the checkpoint; the file that was there stays whole until the new one is."""
        state = {
            "options": {name: getattr(self.arguments, name) for name in KEPT},
            "net": self.net.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "losses": torch.tensor(self.history.losses, dtype=torch.float64),
            "accuracies": self.history.accuracies,
            "random": torch.get_rng_state(),
        }
        self.arguments.out.mkdir(parents=True, exist_ok=True)
        torch.save(state, self.arguments.checkpoint)

    def restore(self, state: dict[str, Any]) -> None:
        """Become the run that wrote a checkpoint; from now on the random numbers, too, are those that it would draw."""
        self.net.load_state_dict(state["net"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.load_state_dict(state["schedule"])
        self.history = report.History(state["losses"].tolist(), state["accuracies"])
        torch.set_rng_state(state["random"])


def read_checkpoint(arguments: argparse.Namespace) -> dict[str, Any] | None:
    """Return the checkpoint to go on from, None if there is none; its options are those of the run from now on.

    Raises ValueError for a file that is none, and for an option given that is not the run's.
    """
    if not arguments.checkpoint.exists():
        print(f"no {arguments.checkpoint}: from the beginning")
        return None
    try:
        state: dict[str, Any] = torch.load(arguments.checkpoint)
        options = {name: state["options"][name] for name in KEPT}
    except (EOFError, KeyError, TypeError, RuntimeError, pickle.UnpicklingError) as error:
        raise ValueError(f"{arguments.checkpoint} is no checkpoint of this script ({error})") from None
    for name, value in options.items():
        if name in arguments.given and getattr(arguments, name) != value:
            option = "--" + name.replace("_", "-")
            raise ValueError(f"{option}: the run in {arguments.checkpoint} has {value}, not {getattr(arguments, name)}")
        setattr(arguments, name, value)
    return state


def train(run: Run, loader: DataLoader, test: TensorDataset) -> None:
    """Train the epochs that are left; Ctrl-C ends the training early, with the weights of that moment."""
    net, history, epochs = run.net, run.history, run.arguments.epochs
    try:
        for epoch in range(len(history.accuracies), epochs):
            net.train()
            bar = report.progress(len(loader.dataset), f"epoch {epoch + 1}/{epochs}")
            with bar:
                for step, (images, labels) in enumerate(loader):
                    run.optimizer.zero_grad()
                    loss = F.cross_entropy(net(images), labels)
                    loss.backward()
                    run.optimizer.step()
                    run.schedule.step()
                    history.losses.append(loss.item())
                    bar.update(len(images))
                    if step % 20 == 0:
                        bar.set_postfix(loss=f"{history.recent_loss():.4f}")
            if not np.isfinite(history.losses[-1]):
                raise SystemExit(
                    f"the loss is {history.losses[-1]}: training diverged, try a smaller --lr than {run.arguments.lr}"
                )
            accuracy = float((classify(net, test).argmax(axis=1) == test.tensors[1].numpy()).mean())
            history.accuracies.append(accuracy)
            run.save()
            print(f"epoch {epoch + 1}: loss {history.recent_loss():.4f}, test accuracy {accuracy:.2%}")
    except KeyboardInterrupt:
        history.interrupted = True
        print("\ninterrupted: going on with the weights as they are (--resume takes up the training)")


@torch.no_grad()
def classify(net: nn.Module, data: TensorDataset) -> np.ndarray:
    """Return the probabilities (N, 10) of all images of a data set."""
    net.eval()
    return np.concatenate([F.softmax(net(images), dim=1).numpy() for images, _ in DataLoader(data, batch_size=500)])


def predict(files: list[Path], weights: Path) -> None:
    """Print the digit that the saved weights see in each image file, with the two most probable ones."""
    net = LeNet()
    net.load_state_dict(torch.load(weights))
    for file in files:
        pixels = report.read_image(file)
        image = (torch.from_numpy(pixels).reshape(1, 1, 28, 28) - MEAN) / STD
        probabilities = classify(net, TensorDataset(image, torch.zeros(1, dtype=torch.int64)))[0]
        first, second = np.argsort(probabilities)[::-1][:2]
        print(f"{file}: {first} ({probabilities[first]:.1%}; next {second}, {probabilities[second]:.1%})")


def main(argv: list[str] | None = None) -> int:
    """Run the example; return the exit status."""
    arguments = parse_arguments(argv)
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    if arguments.predict:
        predict(arguments.predict, arguments.weights)
        return 0
    state = read_checkpoint(arguments) if arguments.resume else None
    if arguments.seed is not None:
        torch.manual_seed(arguments.seed)
    if arguments.plot:
        report.require_matplotlib()
    train_data = load(arguments.data, train=True, download=arguments.download)
    test_data = load(arguments.data, train=False, download=arguments.download)
    loader = DataLoader(train_data, batch_size=arguments.batch_size, shuffle=True)
    run = Run(arguments, len(loader))
    net = run.net
    if state is not None:
        run.restore(state)
        print(f"resumed after epoch {len(run.history.accuracies)} of {arguments.epochs}")
    else:
        run.save()
    print(net)
    print(f"{sum(p.numel() for p in net.parameters()):,} parameters, {torch.get_num_threads()} threads")

    start = time.perf_counter()
    train(run, loader, test_data)
    seconds = time.perf_counter() - start
    arguments.weights.parent.mkdir(parents=True, exist_ok=True)
    torch.save(net.state_dict(), arguments.weights)

    labels = test_data.tensors[1].numpy()
    probabilities = classify(net, test_data)
    report.print_confusion(labels, probabilities)
    report.print_mistakes(test_data.tensors[0].numpy(), labels, probabilities)
    accuracy = float((probabilities.argmax(axis=1) == labels).mean())
    print(f"accuracy on {len(labels):,} test images: {accuracy:.2%} after {seconds:.1f} s of training")
    print(f"weights: {arguments.weights}")
    if arguments.plot:
        for path in report.plot(net, run.history, test_data, probabilities, arguments.out):
            print(f"picture: {path}")
    return 130 if run.history.interrupted else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (OSError, RuntimeError, ValueError) as error:
        sys.exit(f"train_mnist.py: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
