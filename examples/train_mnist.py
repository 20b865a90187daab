"""Train a LeNet-style CNN on the 60,000 real MNIST digits and report on the 10,000 test digits.

    python examples/train_mnist.py                        train, report, write runs/mnist/weights.pt
    python examples/train_mnist.py --seed 7 --plot        a repeatable run, with pictures in runs/mnist
    python examples/train_mnist.py --predict digit.png    classify image files with the saved weights

It is a PyTorch script: network, training and evaluation run unchanged there (data set and pictures apart).
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

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
}


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
    for name in TRAINING_DEFAULTS.keys() - set(given):
        setattr(arguments, name, TRAINING_DEFAULTS[name])
    if arguments.seed is not None and not 0 <= arguments.seed < 2**63:
        parser.error(f"--seed: must be in 0...2**63 - 1, got {arguments.seed}")
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


def train(net: nn.Module, data: TensorDataset, arguments: argparse.Namespace, test: TensorDataset) -> report.History:
    """Train with SGD and a one-cycle learning rate; Ctrl-C ends the training early, with the weights of that moment."""
    loader = DataLoader(data, batch_size=arguments.batch_size, shuffle=True)
    optimizer = optim.SGD(net.parameters(), lr=arguments.lr, momentum=0.9, weight_decay=5e-4)
    schedule = optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=arguments.lr, epochs=arguments.epochs, steps_per_epoch=len(loader), pct_start=0.3
    )
    history = report.History()
    try:
        for epoch in range(arguments.epochs):
            net.train()
            bar = report.progress(len(data), f"epoch {epoch + 1}/{arguments.epochs}")
            with bar:
                for step, (images, labels) in enumerate(loader):
                    optimizer.zero_grad()
                    loss = F.cross_entropy(net(images), labels)
                    loss.backward()
                    optimizer.step()
                    schedule.step()
                    history.losses.append(loss.item())
                    bar.update(len(images))
                    if step % 20 == 0:
                        bar.set_postfix(loss=f"{history.recent_loss():.4f}")
            if not np.isfinite(history.losses[-1]):
                raise SystemExit(
                    f"the loss is {history.losses[-1]}: training diverged, try a smaller --lr than {arguments.lr}"
                )
            accuracy = float((classify(net, test).argmax(axis=1) == test.tensors[1].numpy()).mean())
            history.accuracies.append(accuracy)
            print(f"epoch {epoch + 1}: loss {history.recent_loss():.4f}, test accuracy {accuracy:.2%}")
    except KeyboardInterrupt:
        history.interrupted = True
        print("\ninterrupted: going on with the weights as they are")
    return history


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
    if arguments.seed is not None:
        torch.manual_seed(arguments.seed)
    if arguments.plot:
        report.require_matplotlib()
    train_data = load(arguments.data, train=True, download=arguments.download)
    test_data = load(arguments.data, train=False, download=arguments.download)
    net = LeNet()
    print(net)
    print(f"{sum(p.numel() for p in net.parameters()):,} parameters, {torch.get_num_threads()} threads")

    start = time.perf_counter()
    history = train(net, train_data, arguments, test_data)
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
        for path in report.plot(net, history, test_data, probabilities, arguments.out):
            print(f"picture: {path}")
    return 130 if history.interrupted else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (OSError, RuntimeError, ValueError) as error:
        sys.exit(f"train_mnist.py: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
