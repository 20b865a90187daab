"""The lecture's figures, as the library computes them and as `examples/lecture.py` prints them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import tinygrad_cnn as torch
import tinygrad_cnn.nn.functional as F
from tinygrad_cnn import nn

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
IMAGE = [[1, 1, 1, 0, 0], [0, 1, 1, 1, 0], [0, 0, 1, 1, 1], [0, 0, 1, 1, 0], [0, 1, 1, 0, 0]]
KERNEL = [[1, 0, 1], [0, 1, 0], [1, 0, 1]]
LARGER = [
    [int(c) for c in row] for row in ["1110000", "0110101", "0011000", "1100001", "0011000", "0000111", "0001101"]
]


def image(rows) -> torch.Tensor:
    return torch.tensor([[rows]], dtype=torch.float32)


def test_convolution_of_the_5x5_image(isa, threads):
    result = F.conv2d(image(IMAGE), image(KERNEL))
    assert result.tolist() == [[[[4, 3, 4], [2, 4, 3], [2, 3, 4]]]]


def test_convolution_with_padding_and_stride_3(isa, threads):
    result = F.conv2d(image(LARGER), image(KERNEL), stride=3, padding=1)
    assert result.tolist() == [[[[2, 2, 0], [1, 2, 1], [0, 2, 2]]]]


@pytest.mark.parametrize("stride", [1, 2, 4])
def test_no_other_stride_gives_the_padded_figure(stride):
    result = F.conv2d(image(LARGER), image(KERNEL), stride=stride, padding=1)
    assert result[0, 0].tolist() != [[2, 2, 0], [1, 2, 1], [0, 2, 2]]


@pytest.mark.parametrize(("n", "f", "stride"), [(5, 3, 1), (7, 3, 1), (7, 3, 2), (7, 3, 3), (32, 5, 1), (28, 2, 2)])
def test_output_size(n, f, stride):
    result = F.conv2d(torch.zeros(1, 1, n, n), torch.zeros(1, 1, f, f), stride=stride)
    assert result.shape == (1, 1, (n - f) // stride + 1, (n - f) // stride + 1)


def test_the_layer_of_the_lecture():
    layer = nn.Conv2d(in_channels=1, out_channels=1, kernel_size=(3, 3), stride=(2, 2), padding=1)
    assert repr(layer) == "Conv2d(1, 1, kernel_size=(3, 3), stride=(2, 2), padding=(1, 1))"
    assert layer(torch.zeros(4, 1, 7, 7)).shape == (4, 1, 4, 4)


def test_relu():
    assert nn.ReLU()(torch.tensor([-2.0, 0.0, 3.0])).tolist() == [0, 0, 3]


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (nn.MaxPool2d(kernel_size=2), [[6, 8], [4, 3]]),
        (nn.MinPool2d(kernel_size=2), [[1, -2], [-1, 0]]),
        (nn.AvgPool2d(kernel_size=2), [[3.25, 3], [1, 1.5]]),
    ],
    ids=["max", "min", "average"],
)
def test_pooling(layer, expected):
    rows = [[1, 3, 2, 8], [6, 3, 4, -2], [-1, 4, 3, 0], [1, 0, 1, 2]]
    assert layer(image(rows))[0, 0].tolist() == expected


def test_linear_sees_every_input():
    layer = nn.Linear(4, 1)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[1.0, 10.0, 100.0, 1000.0]]))
        layer.bias.fill_(0.5)
    assert layer(nn.Flatten()(image([[1, 2], [3, 4]]))).tolist() == [[4321.5]]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(EXAMPLES / "lecture.py"), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_script_walks_through_all_steps():
    result = run()
    assert result.returncode == 0, result.stderr
    titles = [line for line in result.stdout.splitlines() if line[:2] in {f"{i}." for i in range(1, 8)}]
    assert len(titles) == 7
    assert titles == sorted(titles)
    assert "1*1 + 1*1 + 1*1 + 0*1 + 1*1 = 4" in result.stdout
    assert "    4 3 4\n    2 4 3\n    2 3 4\n" in result.stdout
    assert "    2 2 0\n    1 2 1\n    0 2 2\n" in result.stdout


def test_script_runs_one_step_and_refuses_an_unknown_one():
    assert "5. ReLU" in run("--step", "5").stdout
    refused = run("--step", "8")
    assert refused.returncode == 2
    assert "--step" in refused.stderr
