"""`train_mnist.py --resume`: what is taken up again ends with the bits of a run that was never stopped."""

from __future__ import annotations

import os
import shutil

import pytest

import tinygrad_cnn as torch
from checks._kills.example import load_example, small_example
from checks._kills.resume import same

pytest.importorskip("tqdm")
OPTIONS = ["--epochs", "3", "--batch-size", "32", "--lr", "0.02", "--seed", "3"]


@pytest.fixture(scope="module")
def example():
    return small_example(160)


@pytest.fixture(scope="module")
def whole(example, tmp_path_factory):
    """The folder of a run that nobody stopped."""
    folder = tmp_path_factory.mktemp("whole")
    assert example([*OPTIONS, "--out", str(folder)]) == 0
    return folder


def states(folder):
    return [torch.load(folder / name) for name in ("checkpoint.pt", "weights.pt")]


def stop_after(monkeypatch, steps):
    """Have the training break off in the midst of an epoch."""
    module, done = load_example(), []
    cross_entropy = module.F.cross_entropy

    def breaking(*arguments):
        done.append(arguments)
        if len(done) > steps:
            raise ConnectionError("the power is off")
        return cross_entropy(*arguments)

    monkeypatch.setattr(module.F, "cross_entropy", breaking)


@pytest.mark.parametrize("steps", [0, 3, 5, 13])  # of five an epoch
def test_the_bits_are_those_of_one_run(example, whole, tmp_path, monkeypatch, steps, capsys):
    with monkeypatch.context() as patch:
        stop_after(patch, steps)
        with pytest.raises(ConnectionError):
            example([*OPTIONS, "--out", str(tmp_path)])
    torch.manual_seed(999)  # another process has other random numbers
    assert example(["--resume", "--out", str(tmp_path)]) == 0
    assert f"resumed after epoch {steps // 5} of 3" in capsys.readouterr().out
    assert same(states(tmp_path), states(whole))
    assert sorted(os.listdir(tmp_path)) == ["checkpoint.pt", "weights.pt"]


def test_a_run_without_a_seed_keeps_the_numbers_that_it_began_with(example, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        stop_after(patch, 3)
        with pytest.raises(ConnectionError):
            example(["--epochs", "1", "--batch-size", "32", "--out", str(tmp_path / "first")])
    shutil.copytree(tmp_path / "first", tmp_path / "second")
    for number, name in enumerate(("first", "second")):
        torch.manual_seed(number)
        assert example(["--resume", "--out", str(tmp_path / name)]) == 0
    assert same(states(tmp_path / "first"), states(tmp_path / "second"))


def test_a_finished_run_only_reports(example, whole, capsys):
    before = states(whole)
    assert example(["--resume", *OPTIONS, "--out", str(whole)]) == 0
    out = capsys.readouterr().out
    assert "resumed after epoch 3 of 3" in out and "accuracy on 40 test images" in out
    assert same(states(whole), before)


def test_without_a_checkpoint_it_begins(example, whole, tmp_path, capsys):
    assert example(["--resume", *OPTIONS, "--out", str(tmp_path)]) == 0
    assert "checkpoint.pt: from the beginning" in capsys.readouterr().out
    assert same(states(tmp_path), states(whole))


@pytest.mark.parametrize(
    ("option", "value", "had"), [("--epochs", "4", 3), ("--batch-size", "64", 32), ("--lr", "0.03", 0.02)]
)
def test_an_option_that_is_not_the_runs_is_refused(example, whole, option, value, had):
    with pytest.raises(ValueError, match=rf"{option}: the run in .*checkpoint\.pt has {had}, not {value}"):
        example(["--resume", option, value, "--out", str(whole)])


@pytest.mark.parametrize("content", [b"", b"PK nothing", None, [1, 2], {"options": {}}])
def test_a_file_that_is_no_checkpoint_is_named(example, tmp_path, content):
    if isinstance(content, bytes):
        (tmp_path / "checkpoint.pt").write_bytes(content)
    else:
        torch.save(content, tmp_path / "checkpoint.pt")
    with pytest.raises(ValueError, match=r"checkpoint\.pt is no checkpoint of this script"):
        example(["--resume", "--out", str(tmp_path)])
