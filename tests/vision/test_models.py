"""Architectures: names and shapes of the parameters as torchvision's, builders, weights, errors."""

from __future__ import annotations

import inspect
import warnings

import pytest

import tinygrad_cnn as torch
from tests.vision.model_tables import FINGERPRINTS, fingerprint
from tinygrad_cnn import hub, nn
from tinygrad_cnn.vision import models

OPTIONS = {"googlenet": {"init_weights": False}, "inception_v3": {"init_weights": False}}


@pytest.fixture
def undrawn(monkeypatch):
    """Leave weights as they are in memory: drawing them is most of the work of building a model."""
    for name in ("uniform_", "normal_", "kaiming_uniform_", "kaiming_normal_", "trunc_normal_"):
        monkeypatch.setattr(nn.init, name, lambda tensor, *arguments, **options: tensor)


def parameters_of(name):
    return models.get_model_weights(name).DEFAULT.meta["num_params"]


def test_every_model_has_a_fingerprint():
    assert sorted(FINGERPRINTS) == models.list_models()


@pytest.mark.parametrize("name", [name for name in FINGERPRINTS if parameters_of(name) < 1e8])
def test_names_and_shapes_of_parameters(name, undrawn):
    model = models.get_model(name, **OPTIONS.get(name, {}))
    assert fingerprint(model) == FINGERPRINTS[name]
    if name != "googlenet":  # whose published number leaves the early guesses out
        assert sum(parameter.numel() for parameter in model.parameters()) == parameters_of(name)


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("squeezenet1_1", 33),
        ("mobilenet_v3_small", 33),
        ("shufflenet_v2_x0_5", 33),
        ("mnasnet0_5", 33),
        ("efficientnet_b0", 33),
        ("regnet_y_400mf", 33),
    ],
)
def test_images_to_scores_and_gradients_back(name, size):
    model = models.get_model(name, num_classes=5)
    scores = model(torch.randn(2, 3, size, size))
    assert scores.shape == (2, 5)
    scores.square().mean().backward()
    assert all(parameter.grad is not None and parameter.grad.isfinite().all() for parameter in model.parameters())
    with torch.no_grad():
        assert model.eval()(torch.randn(1, 3, size, size)).shape == (1, 5)


def test_early_guesses_come_while_training_only():
    model = models.googlenet(num_classes=3, init_weights=False)
    outputs = model(torch.randn(2, 3, 32, 32))
    assert [type(outputs).__name__, *(guess.shape for guess in outputs)] == ["GoogLeNetOutputs", *[(2, 3)] * 3]
    assert model.eval()(torch.randn(1, 3, 32, 32)).shape == (1, 3)
    plain = models.googlenet(num_classes=3, aux_logits=False, init_weights=False)
    assert plain.aux1 is None
    assert plain(torch.randn(2, 3, 32, 32)).shape == (2, 3)


def test_a_changed_last_layer_is_how_scripts_transfer():
    model = models.resnet18(num_classes=2)
    for parameter in model.parameters():
        parameter.requires_grad = False
    model.fc = nn.Linear(model.fc.in_features, 2)
    model(torch.randn(2, 3, 32, 32)).sum().backward()
    assert [name for name, parameter in model.named_parameters() if parameter.grad is not None] == [
        "fc.weight",
        "fc.bias",
    ]


def test_the_example_of_imagenet_finds_the_builders_by_their_names():
    found = sorted(
        name for name in vars(models) if name.islower() and not name.startswith("__") and callable(vars(models)[name])
    )
    assert set(models.list_models()) <= set(found)
    assert isinstance(vars(models)["squeezenet1_0"](num_classes=2), models.SqueezeNet)


def test_models_are_listed_by_patterns():
    assert models.list_models(include="resnet*") == ["resnet101", "resnet152", "resnet18", "resnet34", "resnet50"]
    assert models.list_models(include=["vgg1?", "alex*"], exclude="*9") == ["alexnet", "vgg11", "vgg13", "vgg16"]
    assert models.list_models(module=models) == models.list_models()
    assert models.get_model_builder("ResNet18") is models.resnet18
    with pytest.raises(ValueError, match="Unknown model resnet19"):
        models.get_model("resnet19")


def test_options_that_a_model_fixes_are_refused():
    with pytest.raises(ValueError, match="The parameter 'groups' expected value 32 but got 2 instead"):
        models.resnext50_32x4d(groups=2)
    with pytest.raises(ValueError, match="replace_stride_with_dilation should be None"):
        models.resnet50(replace_stride_with_dilation=[True])
    with pytest.raises(ValueError, match="BasicBlock only supports groups=1"):
        models.resnet18(groups=2)


def test_dilation_keeps_the_size():
    model = models.resnet50(num_classes=2, replace_stride_with_dilation=[False, True, True])
    features = nn.Sequential(*list(model.children())[:-2]).eval()
    with torch.no_grad():
        assert features(torch.randn(1, 3, 64, 64)).shape == (1, 2048, 8, 8)


def test_an_untold_initialisation_warns():
    with pytest.warns(FutureWarning, match="The default weight initialization of GoogleNet will be changed"):
        models.googlenet(num_classes=2)


class TestWeights:
    def test_members(self):
        enum = models.ResNet50_Weights
        assert [member.name for member in enum] == ["IMAGENET1K_V1", "IMAGENET1K_V2"]
        assert enum.DEFAULT is enum.IMAGENET1K_V2
        assert repr(enum.DEFAULT) == "ResNet50_Weights.IMAGENET1K_V2"
        assert enum.DEFAULT.url == "https://download.pytorch.org/models/resnet50-11ad3fa6.pth"
        assert models.get_model_weights("resnet50") is enum is models.get_model_weights(models.resnet50)
        assert models.get_weight("ResNet50_Weights.DEFAULT") is enum.DEFAULT
        assert enum.verify("IMAGENET1K_V1") is enum.verify("ResNet50_Weights.IMAGENET1K_V1") is enum.IMAGENET1K_V1
        with pytest.raises(TypeError, match="expected ResNet50_Weights but received VGG11_Weights"):
            enum.verify(models.VGG11_Weights.DEFAULT)

    def test_facts(self):
        meta = models.AlexNet_Weights.DEFAULT.meta
        assert meta["num_params"] == 61100840
        assert meta["min_size"] == (63, 63)
        assert meta["_metrics"]["ImageNet-1K"] == {"acc@1": 56.522, "acc@5": 79.066}
        names = meta["categories"]
        assert len(names) == 1000
        assert [names[0], names[281], names[999]] == ["tench", "tabby", "toilet tissue"]

    def test_images_are_prepared(self):
        pytest.importorskip("PIL")
        from PIL import Image

        prepare = models.EfficientNet_V2_L_Weights.DEFAULT.transforms()
        assert prepare(Image.new("RGB", (600, 500), (255, 0, 0))).shape == (3, 480, 480)
        assert prepare(torch.zeros(3, 490, 500, dtype=torch.uint8)).unique().tolist() == [-1.0]

    def test_they_are_read_from_a_file(self, tmp_path, monkeypatch):
        monkeypatch.setenv("TORCH_HOME", str(tmp_path))
        folder = tmp_path / "hub" / "checkpoints"
        folder.mkdir(parents=True)
        source = models.squeezenet1_1()
        torch.save(source.state_dict(), folder / "squeezenet1_1-b8a52dc0.pth")
        for given in (models.SqueezeNet1_1_Weights.DEFAULT, "IMAGENET1K_V1"):
            model = models.squeezenet1_1(weights=given)
            assert all((a == b).all() for a, b in zip(source.parameters(), model.parameters(), strict=True))
        with pytest.raises(ValueError, match="'num_classes' expected value 1000 but got 10"):
            models.squeezenet1_1(weights="DEFAULT", num_classes=10)

    def test_the_old_ways_warn(self, tmp_path, monkeypatch):
        monkeypatch.setenv("TORCH_HOME", str(tmp_path))
        folder = tmp_path / "hub" / "checkpoints"
        folder.mkdir(parents=True)
        torch.save(models.squeezenet1_1().state_dict(), folder / "squeezenet1_1-b8a52dc0.pth")
        with pytest.warns(UserWarning) as caught:
            models.squeezenet1_1(pretrained=True)
        assert [str(warning.message).split(" since")[0] for warning in caught] == [
            "The parameter 'pretrained' is deprecated",
            "Arguments other than a weight enum or `None` for 'weights' are deprecated",
        ]
        with pytest.warns(UserWarning) as caught:
            models.squeezenet1_1(False)
        assert "Using 'weights' as positional parameter(s) is deprecated" in str(caught[0].message)
        assert "The current behavior is equivalent to passing `weights=None`." in str(caught[1].message)

    def test_where_they_cannot_be_had_the_error_says_where_to_put_them(self, tmp_path, monkeypatch):
        monkeypatch.setenv("TORCH_HOME", str(tmp_path))

        def fail(*arguments, **options):
            raise RuntimeError("no network")

        monkeypatch.setattr(hub, "download_url_to_file", fail)
        with pytest.raises(RuntimeError, match="put the file into") as caught:
            models.squeezenet1_0(weights="DEFAULT")
        assert "squeezenet1_0-b66bff10.pth" in str(caught.value)
        assert str(tmp_path) in str(caught.value)

    def test_names_of_old_files_of_densenet(self):
        from tinygrad_cnn.vision.models.densenet import _convert

        old = {"features.denseblock1.denselayer12.norm.1.weight": 1, "features.norm0.weight": 2}
        assert _convert(old) == {"features.denseblock1.denselayer12.norm1.weight": 1, "features.norm0.weight": 2}


def test_a_file_of_the_first_mnasnet_makes_it_such_a_one():
    model = models.mnasnet0_5(num_classes=2)
    state = models.MNASNet(0.5, num_classes=2).state_dict()
    state._metadata[""]["version"] = 1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(RuntimeError, match=r"size mismatch for layers\.0\.weight"):
            model.load_state_dict(state)
    assert model.layers[0].out_channels == 32


def test_builders_say_what_they_are():
    for name in models.list_models():
        build = models.get_model_builder(name)
        assert build.__name__ == name
        assert build.__module__.startswith("tinygrad_cnn.vision.models.")
        assert inspect.getdoc(build).startswith("Build ")
