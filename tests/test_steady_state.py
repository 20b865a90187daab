"""What a training step asks of the system once it was done before: nothing; and what backward holds at most."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import tinygrad_cnn as torch
from tests.builds import unsanitized
from tinygrad_cnn import nn
from tinygrad_cnn.core.runtime import memory_stats, reset_peak_memory
from tinygrad_cnn.nn import functional as F

SCRIPT = """
import json, resource, sys
import tinygrad_cnn as torch
from tinygrad_cnn import nn, optim
from tinygrad_cnn.core.runtime import memory_stats
from tinygrad_cnn.nn import functional as F

torch.set_num_threads(int(sys.argv[1]))
torch.manual_seed(0)
model = nn.Sequential(
    nn.Conv2d(1, 6, 5, padding=2), nn.BatchNorm2d(6), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(),
    nn.AvgPool2d(2), nn.Dropout(0.1), nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 10),
)
optimizer = optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
x, y = torch.randn(64, 1, 28, 28), torch.randint(0, 10, (64,))

def counters():
    stats = memory_stats()
    return stats["requests"] - stats["hits"], resource.getrusage(resource.RUSAGE_SELF).ru_minflt

steps = [counters()]
for _ in range(20):
    optimizer.zero_grad()
    F.cross_entropy(model(x), y).backward()
    optimizer.step()
    steps.append(counters())
print(json.dumps([[after[0] - before[0], after[1] - before[1]] for before, after in zip(steps, steps[1:])]))
"""


@unsanitized
@pytest.mark.skipif(sys.platform != "linux", reason="what counts as a page fault differs")
@pytest.mark.parametrize("threads", [1, 3])
def test_a_step_takes_no_memory_from_the_system(threads, tmp_path):
    command = [sys.executable, "-c", SCRIPT, str(threads)]
    printed = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    blocks, faults = zip(*json.loads(printed), strict=True)
    assert blocks[0] > 20 and faults[0] > 500  # the first step shows that the counters count
    # Workers take their buffers when they happen to come, so the most that are out at a time varies.
    assert sum(blocks[5:]) <= (0 if threads == 1 else 2 * threads)
    assert sum(faults[5:]) / len(faults[5:]) < 20


def held_and_peak(function):
    """Return the bytes in use after `function()`, its result alive, and at most in between, less those before."""
    before = memory_stats()["in_use"]
    reset_peak_memory()
    result = function()
    stats = memory_stats()
    return stats["in_use"] - before, stats["peak"] - before, result


def test_backward_frees_what_it_has_passed():
    """A chain of convolutions holds one activation each; on the way back come two more, and then they are all gone."""
    torch.manual_seed(0)
    convs = [nn.Conv2d(4, 4, 3, padding=1) for _ in range(10)]
    x = torch.randn(8, 4, 64, 64)
    one = 4 * x.numel()

    def forward():
        y = x
        for conv in convs:
            y = F.relu(conv(y))
        return y.sum()

    forward().backward()  # the gradients of the weights are there from now on
    held, peak, loss = held_and_peak(forward)
    assert len(convs) * one <= held <= (len(convs) + 1) * one
    assert peak <= held + 2 * one
    _, peak, _ = held_and_peak(loss.backward)
    assert peak <= 3 * one
    left, peak, _ = held_and_peak(lambda: forward().backward())
    assert left <= one // 8
    assert peak <= held + 3 * one
