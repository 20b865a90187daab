"""Packages that import torch work with this one in its place."""

from __future__ import annotations

import importlib.util

import pytest

from tests.compat.programs import run_script


def needs(package):
    return pytest.mark.skipif(importlib.util.find_spec(package) is None, reason=f"{package} is not installed")


NET = """
    import torch
    from torch import nn
    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 10))
"""


@needs("torchsummary")
def test_torchsummary(tmp_path):
    text = NET + "    import torchsummary\n    torchsummary.summary(net, (1, 8, 8), device='cpu')\n"
    output, _ = run_script(tmp_path, text)
    lines = [line.split() for line in output.splitlines()]
    assert ["Conv2d-1", "[-1,", "4,", "6,", "6]", "40"] in lines
    assert ["Total", "params:", "1,498"] in lines


@needs("torchinfo")
def test_torchinfo(tmp_path):
    text = NET + (
        "    import torchinfo\n"
        "    columns = ('input_size', 'output_size', 'num_params', 'kernel_size', 'mult_adds', 'trainable')\n"
        "    print(torchinfo.summary(net, (2, 1, 8, 8), col_names=columns, verbose=0))\n"
    )
    output, _ = run_script(tmp_path, text)
    assert "Conv2d: 1-1" in output
    assert "Total params: 1,498" in output


@needs("torchmetrics")
def test_torchmetrics(tmp_path):
    text = """
        import torch
        from torchmetrics import Accuracy, ConfusionMatrix, MeanMetric, MetricCollection, Precision
        scores = torch.tensor([[0.9, 0.1, 0.0], [0.2, 0.7, 0.1], [0.3, 0.4, 0.3], [0.1, 0.2, 0.7]])
        labels = torch.tensor([0, 1, 2, 2])
        task = {"task": "multiclass", "num_classes": 3}
        accuracy = Accuracy(**task, average="micro")
        accuracy.update(scores, labels)
        print(accuracy.compute().item(), ConfusionMatrix(**task)(scores, labels).tolist())
        mean = MeanMetric()
        mean.update(1.0)
        mean.update(torch.tensor([3.0, 5.0]))
        print(mean.compute().item(), sorted(MetricCollection([accuracy, Precision(**task)])(scores, labels)))
    """
    output, _ = run_script(tmp_path, text)
    assert output.splitlines() == [
        "0.75 [[1, 0, 0], [0, 1, 0], [0, 1, 1]]",
        "3.0 ['MulticlassAccuracy', 'MulticlassPrecision']",
    ]
