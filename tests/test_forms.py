"""Every form that stands beside an operation is offered, and the stubs for type checkers are up to date."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

import tinygrad_cnn as tc
from tests.conftest import ROOT
from tinygrad_cnn._lazy import LAZY
from tinygrad_cnn.ops import forms


def stubs():
    """Return the module that writes them."""
    spec = importlib.util.spec_from_file_location("stubs", Path(ROOT) / "tools" / "stubs.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["functions.pyi", "methods.pyi"])
def test_stubs_are_what_the_tool_writes(name):
    module = stubs()
    installed = Path(tc.__file__).with_name(name)
    assert installed.read_text(encoding="utf-8") == module.STUBS[name](), "run `python tools/stubs.py`"


def test_every_form_is_offered_under_its_name():
    for name, function in forms.FUNCTIONS.items():
        assert getattr(tc, name) is function, name
    for name in forms.METHODS:
        assert callable(getattr(tc.Tensor, name)), name


def test_inplace_forms_write_into_the_tensor():
    x = tc.tensor([1.5, -2.5])
    for name in ("abs_", "round_", "sub_", "clamp_min_"):
        args = (1,) if name in ("sub_", "clamp_min_") else ()
        y = x.clone()
        memory = y.data_ptr()
        assert getattr(y, name)(*args) is y
        assert y.data_ptr() == memory
        assert tc.equal(y, getattr(x, name[:-1])(*args))


def test_layers_functions_at_top_level():
    from tinygrad_cnn.nn.functional import top_level

    assert sorted(name for name, place in LAZY.items() if place == "nn.functional.top_level") == sorted(
        top_level.__all__
    )
    for name in top_level.__all__:
        assert getattr(tc, name) is getattr(top_level, name)


@pytest.mark.parity
def test_layers_functions_take_the_arguments_of_torch():
    torch = pytest.importorskip("torch")
    values = np.random.default_rng(0).standard_normal((2, 4, 6)).astype(np.float32)
    calls = [
        lambda T, x: T.conv1d(x, x[:, :, :3], None, 2, 1),
        lambda T, x: T.adaptive_max_pool1d(x, 3)[1],
        lambda T, x: T.max_pool1d(x, 2),
        lambda T, x: T.batch_norm(x, None, None, None, None, True, 0.1, 1e-5, False),
        lambda T, x: T.instance_norm(x, None, None, None, None, True, 0.1, 1e-5, False),
        lambda T, x: T.layer_norm(x, (6,), None, None, 1e-5, False),
        lambda T, x: T.group_norm(x, 2),
        lambda T, x: T.dropout(x, 0.5, False),
        lambda T, x: T.embedding(x[0], T.tensor([1, 3])),
        lambda T, x: T.binary_cross_entropy_with_logits(x, x.sigmoid(), None, None, 2),
        lambda T, x: T.kl_div(x, x.abs(), 2),
        lambda T, x: T.triplet_margin_loss(x, x + 1, x * 2, reduction=0),
        lambda T, x: T.pixel_shuffle(x.unsqueeze(2), 2),
        lambda T, x: T.cosine_similarity(x, x.flip(0)),
    ]
    for call in calls:
        mine, theirs = call(tc, tc.tensor(values)), call(torch, torch.tensor(values))
        np.testing.assert_allclose(mine.numpy(), theirs.numpy(), 1e-5, 1e-6)
