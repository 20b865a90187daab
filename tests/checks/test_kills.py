"""The check that kills: a dozen kills find nothing, and a way of saving that is not safe is found."""

from __future__ import annotations

import argparse
import os
import time

import pytest

import tinygrad_cnn as torch
from checks import kills
from checks._kills.saving import Campaign, Kind

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="forks and kills")


def arguments(*options: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    kills.options(parser)
    return parser.parse_args(options)


def test_a_dozen_kills_in_saves():
    outcome = kills.run(arguments("--count", "12", "--resume-kills", "0", "--data-kills", "0"))
    assert outcome.passed and "12 kills of processes that save (zip, legacy, " in outcome.figures, outcome.figures


def test_a_few_kills_of_trainings_and_downloads(monkeypatch):
    pytest.importorskip("tqdm")
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    outcome = kills.run(arguments("--count", "0", "--resume-kills", "2", "--data-kills", "3"))
    assert outcome.passed and "of the MNIST example, each resumed to the same bits" in outcome.figures, outcome.figures


class InPlace(Kind):
    """Writes over the old file, as `torch.save` does."""

    def save(self, number: int) -> None:
        weight = self.state(number)["weight"]
        with open(self.path, "wb") as file:
            for part in weight.chunk(10):
                file.write(part.numpy().tobytes())
                file.flush()
                time.sleep(0.0005)

    def numbers(self) -> set[float]:
        data = self.path.read_bytes()
        if len(data) != 200_000:
            raise ValueError("a half file")
        return set(torch.frombuffer(bytearray(data), dtype=torch.float32).unique().tolist())


def test_what_is_written_in_place_is_found(tmp_path):
    campaign = Campaign(InPlace("in_place", tmp_path / "in_place"), nameless=True, seed=0)
    for _ in range(20):
        campaign.kill_once()
    assert any("in_place, killed after" in finding for finding in campaign.findings)
