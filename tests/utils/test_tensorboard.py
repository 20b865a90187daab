"""SummaryWriter: PyTorch's methods on tensorboardX, with tensors; a missing library says what to install."""

import os
import subprocess
import sys

import pytest

import tinygrad_cnn as tg


@pytest.fixture
def writer(tmp_path):
    pytest.importorskip("tensorboardX")
    from tinygrad_cnn.utils.tensorboard import SummaryWriter

    with SummaryWriter(log_dir=tmp_path / "runs") as writer:
        yield writer


def records(writer):
    """The summaries that are in the event files: {tag: values}."""
    from tensorboardX.proto.event_pb2 import Event

    writer.close()
    found = {}
    for name in sorted(os.listdir(writer.log_dir)):
        if not name.startswith("events."):
            continue
        with open(os.path.join(writer.log_dir, name), "rb") as file:
            data = file.read()
        while data:  # length, its checksum, the event, its checksum
            length = int.from_bytes(data[:8], "little")
            event = Event.FromString(data[12 : 12 + length])
            data = data[16 + length :]
            for value in event.summary.value:
                found.setdefault(value.tag, []).append((event.step, value))
    return found


def test_numbers(writer):
    writer.add_scalar("loss", tg.tensor(1.5, requires_grad=True) * 2, 7)
    writer.add_scalar("loss", 2, global_step=8, new_style=True)
    writer.add_scalars("both", {"a": tg.tensor(1.0), "b": 2.0}, 1)
    found = records(writer)["loss"]
    assert [(step, value.simple_value) for step, value in found] == [(7, 3.0), (8, 2.0)]
    assert writer.get_logdir() == writer.log_dir


def test_arrays(writer):
    pytest.importorskip("PIL")
    writer.add_image("image", tg.rand(3, 8, 8), 0)
    writer.add_images("images", tg.rand(2, 1, 8, 8), 0)
    writer.add_histogram("weights", tg.nn.Linear(3, 4).weight, 1)
    writer.add_pr_curve("curve", tg.tensor([0, 1, 1]), tg.tensor([0.1, 0.9, 0.6]), 0)
    writer.add_text("text", "words")
    writer.add_hparams({"lr": 0.1, "n": tg.tensor(3.0)}, {"accuracy": tg.tensor(0.5)}, run_name="run")
    writer.add_embedding(tg.rand(4, 2), metadata=list("abcd"))
    found = records(writer)
    assert (found["image"][0][1].image.height, found["image"][0][1].image.width) == (8, 8)
    assert found["weights"][0][1].histo.num == 12 and {"images", "curve"} <= found.keys()


def test_what_is_not_there(writer):
    for call in (lambda: writer.add_graph(tg.nn.ReLU(), tg.ones(1)), lambda: writer.add_tensor("t", tg.ones(1))):
        with pytest.raises(NotImplementedError, match="SummaryWriter"):
            call()


def test_without_the_library(tmp_path):
    (tmp_path / "tensorboardX.py").write_text("raise ImportError('broken')")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ["PYTHONPATH"]])}
    code = "from tinygrad_cnn.utils.tensorboard import SummaryWriter"
    done = subprocess.run([sys.executable, "-c", code], env=environment, cwd=tmp_path, capture_output=True, text=True)
    assert "ImportError: SummaryWriter needs the package tensorboardX: pip install tensorboardX" in done.stderr
