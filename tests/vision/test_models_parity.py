"""Architectures beside torchvision's: the same text and initial weights, with these the same scores and gradients."""

from __future__ import annotations

import warnings
from collections import OrderedDict

import numpy as np
import pytest

import tinygrad_cnn as ours
from tinygrad_cnn.vision import models

torch = pytest.importorskip("torch")
from tests.vision.twin import import_torchvision  # noqa: E402

theirs = import_torchvision().models
pytestmark = pytest.mark.parity

# One of each family, of the quick ones, and the side of the images.
NAMES = {
    "squeezenet1_0": 48,
    "squeezenet1_1": 48,
    "resnet18": 48,
    "resnext50_32x4d": 48,
    "densenet121": 64,
    "googlenet": 64,
    "inception_v3": 96,
    "mobilenet_v2": 48,
    "mobilenet_v3_small": 48,
    "shufflenet_v2_x0_5": 48,
    "mnasnet0_5": 48,
    "efficientnet_b0": 48,
    "efficientnet_v2_s": 48,
    "regnet_x_400mf": 48,
    "regnet_y_400mf": 48,
    "convnext_tiny": 48,
}


def build(package, name, **options):
    if name in ("googlenet", "inception_v3"):
        options["init_weights"] = True
    return package.get_model(name, num_classes=7, **options)


def copied(state):
    """Return a state dict of PyTorch as one of ours."""
    copy = OrderedDict((key, ours.tensor(value.numpy())) for key, value in state.items())
    copy._metadata = state._metadata
    return copy


@pytest.mark.parametrize("name", NAMES)
def test_text_initial_weights_and_scores(name):
    torch.manual_seed(0)
    ours.manual_seed(0)
    expected, model = build(theirs, name), build(models, name)
    assert repr(model) == repr(expected)
    state = expected.state_dict()
    assert list(model.state_dict()) == list(state)
    for key, value in model.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), state[key].numpy(), err_msg=key)
    generator = torch.Generator().manual_seed(1)
    for key, value in state.items():  # statistics that are not the identity
        if key.endswith("running_mean"):
            value.copy_(torch.randn(value.shape, generator=generator) * 0.1)
        elif key.endswith("running_var"):
            value.copy_(torch.rand(value.shape, generator=generator) + 0.5)
    model.load_state_dict(copied(state))
    x = torch.randn(2, 3, NAMES[name], NAMES[name], generator=generator)
    with torch.no_grad(), ours.no_grad():
        want, got = expected.eval()(x).numpy(), model.eval()(ours.tensor(x.numpy())).numpy()
    np.testing.assert_allclose(got, want, rtol=0, atol=1e-5 * np.abs(want).max())


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v2", "shufflenet_v2_x0_5", "regnet_y_400mf", "googlenet"])
def test_gradients_of_a_training_step(name):
    expected, model = build(theirs, name).double().train(), build(models, name).double().train()
    model.load_state_dict(copied(expected.state_dict()))
    for module in [*expected.modules(), *model.modules()]:
        if type(module).__name__ == "Dropout":
            module.p = 0.0
    x = torch.randn(3, 3, 64, 64, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    for network, images in ((expected, x), (model, ours.tensor(x.numpy()))):
        outputs = network(images)
        sum(part.square().mean() for part in (outputs if isinstance(outputs, tuple) else [outputs])).backward()
    scale = max(float(parameter.grad.abs().max()) for parameter in expected.parameters())
    for (key, want), got in zip(expected.named_parameters(), model.parameters(), strict=True):
        np.testing.assert_allclose(got.grad.numpy(), want.grad.numpy(), rtol=0, atol=1e-8 * scale, err_msg=key)


def test_published_weights_are_described_alike():
    for name in models.list_models():
        enum, expected = models.get_model_weights(name), theirs.get_model_weights(name)
        assert enum.__name__ == expected.__name__
        assert [*enum.__members__] == [*expected.__members__]
        for member, other in zip(enum, expected, strict=True):
            assert member.url == other.url
            for key in ("num_params", "min_size", "categories", "_metrics"):
                assert repr(member.meta[key]) == repr(other.meta[key])  # nan is not nan
            assert repr(member.transforms()) == repr(other.transforms())
            assert member.transforms().describe() == other.transforms().describe()


def test_all_that_it_classifies_with_is_listed():
    known = set(theirs.list_models(module=theirs))
    assert set(models.list_models()) <= known
    assert {name.split("_")[0] for name in known - set(models.list_models())} == {"maxvit", "swin", "vit"}


def test_warnings_of_the_old_ways():
    def said(call):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            call()
        return [str(warning.message) for warning in caught]

    for options in ({"pretrained": False}, {"weights": False}, {"weights": None}):
        assert said(lambda o=options: models.squeezenet1_1(**o)) == said(lambda o=options: theirs.squeezenet1_1(**o))
    assert said(lambda: models.squeezenet1_1(False)) == said(lambda: theirs.squeezenet1_1(False))
