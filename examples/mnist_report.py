"""What `train_mnist.py` shows: progress, confusion matrix, worst mistakes, pictures; and how it reads an image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import tinygrad_cnn as torch
import tinygrad_cnn.nn.functional as F

SHADES = " .:-=+*#%@"


@dataclass
class History:
    """The loss of each step, the test accuracy after each epoch, and whether Ctrl-C ended the run."""

    losses: list[float] = field(default_factory=list)
    accuracies: list[float] = field(default_factory=list)
    interrupted: bool = False

    def recent_loss(self) -> float:
        """Return the mean loss of the last 100 steps."""
        return float(np.mean(self.losses[-100:]))


def progress(total: int, title: str) -> Any:
    """Return a progress bar over `total` images that shows loss, images a second and time left."""
    from tqdm import tqdm

    return tqdm(total=total, desc=title, unit=" images", unit_scale=True, ncols=100, mininterval=0.2)


def print_confusion(labels: np.ndarray, probabilities: np.ndarray) -> None:
    """Print how often each digit (row) was taken for each (column), a dot for never."""
    matrix = confusion(labels, probabilities)
    print("\nconfusion matrix (row: the digit, column: what it was taken for)")
    print("     " + "".join(f"{digit:6d}" for digit in range(10)) + "   correct")
    for digit, row in enumerate(matrix):
        cells = "".join(f"{count:6d}" if count else "     ." for count in row)
        print(f"{digit:5d}{cells}   {row[digit] / max(row.sum(), 1):7.2%}")


def confusion(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Return the counts (10, 10) of (label, prediction)."""
    matrix = np.zeros((10, 10), np.int64)
    np.add.at(matrix, (labels, probabilities.argmax(axis=1)), 1)
    return matrix


def worst(labels: np.ndarray, probabilities: np.ndarray, count: int) -> np.ndarray:
    """Return the indices of the misclassified images to whose digit the least probability was given."""
    wrong = np.flatnonzero(probabilities.argmax(axis=1) != labels)
    return wrong[np.argsort(probabilities[wrong, labels[wrong]], kind="stable")][:count]


def print_mistakes(images: np.ndarray, labels: np.ndarray, probabilities: np.ndarray, count: int = 3) -> None:
    """Print the worst mistakes side by side, drawn with characters."""
    chosen = worst(labels, probabilities, count)
    if not len(chosen):
        print("\nno mistakes")
        return
    print(f"\nthe {len(chosen)} worst mistakes of {(probabilities.argmax(axis=1) != labels).sum()}")
    titles = []
    for index in chosen:
        guess = int(probabilities[index].argmax())
        titles.append(f"#{index}: a {labels[index]}, taken for {guess} ({probabilities[index, guess]:.0%})")
    print("   ".join(f"{title:28}" for title in titles))
    drawings = [draw(images[index, 0]) for index in chosen]
    for rows in zip(*drawings, strict=True):
        print("   ".join(f"{row:28}" for row in rows).rstrip())


def draw(image: np.ndarray) -> list[str]:
    """Return an image (H, W) as lines of characters, darkest for the largest value."""
    scaled = (image - image.min()) / max(float(np.ptp(image)), 1e-12) * (len(SHADES) - 1)
    return ["".join(SHADES[value] for value in row) for row in scaled.round().astype(int)]


def read_image(path: Path) -> np.ndarray:
    """Return an image file as MNIST has it: float32 (28, 28) in 0...1, light digit on dark ground, centred.

    Dark writing on light paper is inverted; the digit is cut out, scaled to 20 pixels and placed by its centre of mass.
    Raises ValueError naming the file if it is not an image or shows nothing.
    """
    from PIL import Image, UnidentifiedImageError

    if not path.is_file():
        raise FileNotFoundError(f"no such file: {path}")
    try:
        with Image.open(path) as image:
            grey = np.asarray(image.convert("L"), np.float32) / 255
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError) as error:
        raise ValueError(f"{path}: not a readable image ({error})") from None
    if grey.shape == (28, 28) and grey[[0, -1]].max() == 0:
        return grey  # already as MNIST has it
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    paper = np.median(border)
    if paper > 0.5:
        grey, paper = 1 - grey, 1 - paper
    grey = np.clip((grey - paper) * 1.2, 0, 1)
    rows, columns = np.flatnonzero(grey.max(axis=1) > 0.3), np.flatnonzero(grey.max(axis=0) > 0.3)
    if not len(rows):
        raise ValueError(f"{path}: the image shows no digit (one flat shade)")
    digit = grey[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    scale = 20 / max(digit.shape)
    size = (max(1, round(digit.shape[1] * scale)), max(1, round(digit.shape[0] * scale)))
    small = (
        np.asarray(Image.fromarray((digit * 255).astype(np.uint8)).resize(size, Image.Resampling.LANCZOS), np.float32)
        / 255
    )
    weight = max(float(small.sum()), 1e-6)
    top = round(14 - float((small.sum(axis=1) * np.arange(size[1])).sum()) / weight)
    left = round(14 - float((small.sum(axis=0) * np.arange(size[0])).sum()) / weight)
    top, left = min(max(top, 0), 28 - size[1]), min(max(left, 0), 28 - size[0])
    canvas = np.zeros((28, 28), np.float32)
    canvas[top : top + size[1], left : left + size[0]] = small
    return canvas


def require_matplotlib() -> None:
    """Raise RuntimeError at once, not after the training, if no picture can be drawn."""
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise RuntimeError('--plot needs matplotlib: pip install ".[examples,plot]"') from None


def plot(net: Any, history: History, test: Any, probabilities: np.ndarray, folder: Path) -> list[Path]:
    """Write curves, first-layer filters, feature maps of a digit and misclassified digits as PNG; return the paths."""
    import matplotlib

    matplotlib.use("Agg")
    folder.mkdir(parents=True, exist_ok=True)
    images, labels = test.tensors[0].numpy(), test.tensors[1].numpy()
    return [
        plot_curves(history, folder / "curves.png"),
        plot_grid(
            net.conv1.weight.detach().numpy()[:, 0], folder / "filters.png", "Filters of the first layer", cmap="RdBu_r"
        ),
        plot_features(net, test.tensors[0][:1], folder / "features.png"),
        plot_mistakes(images, labels, probabilities, folder / "mistakes.png"),
    ]


def plot_curves(history: History, path: Path) -> Path:
    """Draw the loss of each step with its running mean, and the test accuracy of each epoch."""
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    losses = np.asarray(history.losses)
    left.plot(losses, color="0.8", linewidth=0.5, label="each step")
    if len(losses) >= 100:
        mean = np.convolve(losses, np.ones(100) / 100, "valid")
        left.plot(np.arange(99, len(losses)), mean, color="C0", label="mean of 100 steps")
    left.set(xlabel="step", ylabel="cross-entropy", title="Training loss", yscale="log")
    left.legend()
    right.plot(np.arange(1, len(history.accuracies) + 1), [100 * a for a in history.accuracies], marker="o")
    right.set(xlabel="epoch", ylabel="correct, %", title="Accuracy on the test images")
    right.set_ylim(top=100)
    right.xaxis.get_major_locator().set_params(integer=True)
    right.grid(alpha=0.3)
    figure.savefig(path, dpi=120)
    plt.close(figure)
    return path


def plot_grid(
    maps: Sequence[np.ndarray], path: Path, title: str, cmap: str, titles: list[str] | None = None, columns: int = 8
) -> Path:
    """Draw images (H, W) of any sizes in a grid; the diverging colour map is centred on 0 and common to all."""
    import matplotlib.pyplot as plt

    columns = min(columns, len(maps))
    rows = -(-len(maps) // columns)
    figure, axes = plt.subplots(
        rows, columns, figsize=(1.4 * columns, 1.6 * rows + 0.6), squeeze=False, layout="constrained"
    )
    figure.suptitle(title)
    limit = max(float(np.abs(image).max()) for image in maps) or 1.0
    for axis in axes.flat:
        axis.axis("off")
    for index, image in enumerate(maps):
        axis = axes.flat[index]
        axis.imshow(image, cmap=cmap, **({"vmin": -limit, "vmax": limit} if cmap == "RdBu_r" else {}))
        if titles:
            axis.set_title(titles[index], fontsize=8)
    figure.savefig(path, dpi=120)
    plt.close(figure)
    return path


def plot_features(net: Any, image: Any, path: Path) -> Path:
    """Draw what the two convolutions make of one digit, after ReLU."""
    with torch.no_grad():
        first = F.relu(net.conv1(image))
        second = F.relu(net.conv2(net.pool(first)))
    maps = [image.numpy()[0, 0], *first.numpy()[0], *second.numpy()[0]]
    titles = (
        ["the digit"] + [f"conv1 {i}" for i in range(first.shape[1])] + [f"conv2 {i}" for i in range(second.shape[1])]
    )
    return plot_grid(maps, path, "Feature maps of one digit", cmap="viridis", titles=titles, columns=11)


def plot_mistakes(images: np.ndarray, labels: np.ndarray, probabilities: np.ndarray, path: Path) -> Path:
    """Draw the worst misclassified digits with label, guess and its probability."""
    chosen = worst(labels, probabilities, 32)
    if not len(chosen):
        chosen = np.argsort(probabilities.max(axis=1))[:32]
    titles = [f"{labels[i]} as {probabilities[i].argmax()} ({probabilities[i].max():.0%})" for i in chosen]
    return plot_grid(images[chosen, 0], path, "Misclassified digits, the worst first", cmap="gray_r", titles=titles)
