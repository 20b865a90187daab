"""The main job in the small: options, a short run, repeatability, interruption, prediction, pictures."""

from __future__ import annotations

import gzip
import os
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import tinygrad_cnn as torch

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
SCRIPT = EXAMPLES / "train_mnist.py"


def start(*arguments: object, **options) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(SCRIPT), *map(str, arguments)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options,
    )  # fmt: skip


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    process = start(*arguments)
    out, err = process.communicate(timeout=240)
    return subprocess.CompletedProcess(arguments, process.returncode, out, err)


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """One epoch on the real data, with pictures."""
    folder = tmp_path_factory.mktemp("mnist")
    result = run("--epochs", 1, "--seed", 0, "--plot", "--out", folder)
    assert result.returncode == 0, result.stderr
    return folder, result


def test_one_epoch_learns_and_reports(trained):
    folder, result = trained
    accuracy = float(result.stdout.split("accuracy on 10,000 test images: ")[1].split("%")[0])
    assert accuracy > 97
    assert "confusion matrix" in result.stdout
    assert "worst mistakes" in result.stdout
    assert "images/s" in result.stderr
    assert "loss=" in result.stderr
    assert list(torch.load(folder / "weights.pt")) == [
        f"{layer}.{kind}" for layer in ("conv1", "conv2", "fc1", "fc2", "fc3") for kind in ("weight", "bias")
    ]


def test_pictures_are_written(trained):
    from PIL import Image

    folder, _ = trained
    for name in ("curves", "filters", "features", "mistakes"):
        with Image.open(folder / f"{name}.png") as picture:
            pixels = np.asarray(picture.convert("L"))
        assert min(pixels.shape) > 100
        assert pixels.std() > 5, "the picture shows something"


def test_a_seed_repeats_the_run_bit_for_bit(trained, tmp_path):
    folder, _ = trained
    assert run("--epochs", 1, "--seed", 0, "--threads", 1, "--out", tmp_path).returncode == 0
    first, second = torch.load(folder / "weights.pt"), torch.load(tmp_path / "weights.pt")
    for name, tensor in first.items():
        assert tensor.numpy().tobytes() == second[name].numpy().tobytes(), name


def write_digits(folder: Path, count: int) -> list[tuple[Path, int]]:
    """Write test digits of MNIST as dark writing on large light paper; return the files and labels."""
    from PIL import Image

    raw = EXAMPLES / "data" / "MNIST" / "raw"
    images = np.frombuffer(gzip.decompress((raw / "t10k-images-idx3-ubyte.gz").read_bytes()), np.uint8, offset=16)
    labels = np.frombuffer(gzip.decompress((raw / "t10k-labels-idx1-ubyte.gz").read_bytes()), np.uint8, offset=8)
    written = []
    for index in range(count):
        paper = Image.new("L", (200, 160), 245)
        digit = Image.fromarray(255 - images.reshape(-1, 28, 28)[index]).resize((112, 112))
        paper.paste(Image.fromarray(np.minimum(np.asarray(digit), 245)), (30 + index % 40, 20))
        paper.save(folder / f"digit{index}.png")
        written.append((folder / f"digit{index}.png", int(labels[index])))
    return written


def test_predict_classifies_photographed_digits(trained, tmp_path):
    folder, _ = trained
    files = write_digits(tmp_path, 20)
    result = run("--predict", *[path for path, _ in files], "--out", folder)
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()
    right = sum(f"{path}: {label} (" in line for (path, label), line in zip(files, lines, strict=True))
    assert right >= 18


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such file"),
        (b"not an image", "not a readable image"),
        (b"\x89PNG\r\n\x1a\n0000", "not a readable image"),
    ],
)
def test_predict_names_the_file_that_it_cannot_read(trained, tmp_path, content, message):
    folder, _ = trained
    file = tmp_path / "broken.png"
    if content is not None:
        file.write_bytes(content)
    result = run("--predict", file, "--out", folder)
    assert result.returncode != 0
    assert message in result.stderr
    assert "broken.png" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--epoch", 3], "unrecognized arguments"),
        (["--epochs", 0], "must be above 0"),
        (["--epochs", "many"], "invalid int value"),
        (["--lr", "nan"], "must be above 0"),
        (["--seed", -1], "--seed: must be in"),
        (["--predict", "a.png", "--epochs", 3], "--epochs: for training"),
        (["--predict", "a.png", "--seed", 0], "--seed: for training"),
        (["--predict", "a.png", "--plot"], "--plot: for training"),
        (["--predict", "a.png", "--resume"], "--resume: for training"),
        (["--predict"], "expected at least one argument"),
    ],
)
def test_bad_options_are_refused(arguments, message):
    result = run(*arguments)
    assert result.returncode == 2
    assert message in result.stderr


def test_help_names_every_option():
    result = run("--help")
    assert result.returncode == 0
    for option in (
        "epochs",
        "batch-size",
        "lr",
        "seed",
        "threads",
        "data",
        "resume",
        "plot",
        "out",
        "weights",
        "predict",
    ):
        assert f"--{option}" in result.stdout


def test_missing_weights_and_data_are_named(tmp_path):
    result = run("--predict", *[path for path, _ in write_digits(tmp_path, 1)], "--weights", tmp_path / "none.pt")
    assert result.returncode != 0
    assert "none.pt" in result.stderr
    assert "Traceback" not in result.stderr
    result = run("--data", tmp_path / "empty")
    assert result.returncode != 0
    assert "Dataset not found" in result.stderr
    assert "Traceback" not in result.stderr


def test_corrupt_images_are_named(tmp_path):
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name in (
        "train-images-idx3-ubyte",
        "train-labels-idx1-ubyte",
        "t10k-images-idx3-ubyte",
        "t10k-labels-idx1-ubyte",
    ):
        (raw / name).write_bytes(struct.pack(">II", 2051, 60000) + b"\0" * 100)
    result = run("--data", tmp_path)
    assert result.returncode != 0
    assert "train-images-idx3-ubyte" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.skipif(os.name == "nt", reason="sends a POSIX signal")
def test_interrupt_keeps_the_weights(tmp_path):
    # A program that a shell has put in the background ignores the signal, and so do those that it starts.
    process = start(
        "--epochs", 50, "--seed", 1, "--out", tmp_path, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)
    )
    assert process.stderr is not None
    seen = ""
    deadline = time.monotonic() + 60
    while "loss=" not in seen and time.monotonic() < deadline:
        seen += process.stderr.read(1)
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "interrupted" in out
    assert "accuracy on 10,000 test images" in out
    weights = torch.load(tmp_path / "weights.pt")
    assert all(np.isfinite(tensor.numpy()).all() for tensor in weights.values())
