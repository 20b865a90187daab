"""transforms.v2 for samples with one image or several, beside torchvision's: values, random numbers, errors."""

import pickle

import numpy as np
import pytest
from PIL import Image

import tinygrad_cnn as torch
from tests.vision.twin import check, check_each, pixels
from tinygrad_cnn.vision.transforms import v2

IMAGE = Image.fromarray(pixels(21, 30, 3))


def test_what_is_no_image_passes_through():
    flip = v2.RandomHorizontalFlip(1)
    label, box = torch.tensor([3]), torch.rand(4)
    sample = {"image": IMAGE, "label": label, "more": (box, "text", None)}
    found = flip(sample)
    assert found["label"] is label and found["more"][0] is box and found["more"][1:] == ("text", None)
    np.testing.assert_array_equal(np.asarray(found["image"]), pixels(21, 30, 3)[:, ::-1])
    image, other = flip(torch.arange(4).view(1, 2, 2), label)  # of tensors the first one is the image
    assert image.tolist() == [[[1, 0], [3, 2]]] and other is label


def test_all_images_of_a_sample_get_the_same_parameters():
    crop = v2.RandomResizedCrop(8)
    for seed in range(5):
        torch.manual_seed(seed)
        first, second, label = crop(IMAGE, IMAGE.copy(), 7)
        after = torch.rand(1)
        np.testing.assert_array_equal(np.asarray(first), np.asarray(second))
        torch.manual_seed(seed)
        crop(IMAGE)
        assert label == 7 and after == torch.rand(1)


def test_all_tensors_that_were_made_images_are_transformed():
    pipeline = v2.Compose([v2.ToImage(), v2.RandomCrop(8), v2.ToDtype(torch.float32, scale=True)])
    sample = pipeline({"label": torch.tensor([1.0]), "image": IMAGE, "mask": IMAGE.copy()})
    assert sample["label"].tolist() == [1.0]
    assert sample["image"].shape == (3, 8, 8) and (sample["image"] == sample["mask"]).all()
    image, mask = pickle.loads(pickle.dumps((sample["image"], sample["mask"])))  # as from a worker
    image, mask, label = v2.Resize(4)(image, mask, sample["label"])
    assert image.shape == mask.shape == (3, 4, 4) and label is sample["label"]


def test_marking_an_image_leaves_the_tensor_that_was_given_alone():
    tensor = torch.zeros(3, 8, 8)
    v2.ToImage()(tensor)
    assert v2.CenterCrop(4)(torch.zeros(3, 8, 8), tensor)[1] is tensor


def test_own_transforms():
    class Shift(v2.Transform):
        def make_params(self, flat_inputs):
            return {"by": len(flat_inputs)}

        def transform(self, inpt, params):
            return inpt + params["by"]

    assert Shift()([torch.zeros(2), 5])[0].tolist() == [1.0, 1.0]


def test_the_usual_pipeline_survives_pickle():
    pipeline = v2.Compose(
        [v2.ToImage(), v2.RandomCrop(8), v2.ToDtype(torch.float32, scale=True), v2.Normalize([0.5] * 3, [0.25] * 3)]
    )
    image, label = pickle.loads(pickle.dumps(pipeline))(IMAGE, 3)
    assert image.shape == (3, 8, 8) and image.dtype is torch.float32 and label == 3


def test_mixing_by_hand():
    images, labels = torch.rand(4, 3, 8, 8), torch.tensor([0, 1, 2, 0])
    torch.manual_seed(0)
    mixed, shares = v2.MixUp(alpha=0.4, num_classes=3)(images, labels)
    share = float(shares[1, 1])
    want = images.numpy() * share + np.roll(images.numpy(), 1, 0) * (1 - share)
    np.testing.assert_allclose(mixed.numpy(), want, atol=1e-6)
    mixed, shares = v2.CutMix(num_classes=3)(images, labels)
    own = (mixed == images).all(dim=1)[1].float().mean()
    np.testing.assert_allclose(float(shares[1, 1]), float(own), atol=1e-6)


ON_EVERYTHING = """
v2.Resize((12, 13), interpolation="nearest")({})
v2.CenterCrop(8)({})
v2.Pad(2, padding_mode="reflect")({})
v2.FiveCrop(7)({})
v2.TenCrop(7)({})
v2.RandomCrop(8, padding=2)({})
v2.RandomCrop((8, 30))({})
v2.RandomCrop((8, 40), pad_if_needed=True)({})
v2.RandomHorizontalFlip(1)({})
v2.RandomVerticalFlip(1)({})
v2.RandomZoomOut(p=1)({})
v2.RandomZoomOut(7, (1.5, 2))({})
v2.ToImage()({})
v2.ToDtype(torch.float32, scale=True)({})
v2.ToDtype(torch.float64)({})
v2.ConvertImageDtype(torch.float32)({})
v2.PILToTensor()({})
v2.ToPILImage()({})
v2.ToTensor()({})
v2.ToPureTensor()({})
v2.Lambda(lambda x: 3)({})
v2.functional.to_image({})
v2.functional.get_size({})
v2.functional.horizontal_flip({})
""".strip().splitlines()

SEEDED = """
v2.RandomResizedCrop(16)(rgb, 3)
v2.RandomResizedCrop((16, 9), (0.2, 0.3), (0.5, 4), "bicubic")(tall)
v2.RandomRotation(30)(rgb)
v2.RandomRotation((10, 20), "bilinear", True, fill=(1, 2, 3))(rgb)
v2.RandomAffine(20, (0.1, 0.2), (0.8, 1.2), 10)({"image": rgb, "label": 3})
v2.RandomPerspective(p=1)(rgb)
v2.RandomPerspective()(rgb)
v2.ElasticTransform()(rgb)
v2.ColorJitter(0.5, 0.5, 0.5, 0.5)(rgb)
v2.ColorJitter(0.5, 0.5, 0.5, 0.5)((rgb, tall))
v2.RandomErasing(1)(unit)
v2.RandomErasing(1, value="random")(unit)
v2.RandomGrayscale(0.5)(rgb)
v2.RandomInvert()(rgb)
v2.RandomPosterize(3)(rgb)
v2.RandomSolarize(100)(rgb)
v2.RandomAdjustSharpness(2)(rgb)
v2.RandomAutocontrast()(rgb)
v2.RandomEqualize()(rgb)
v2.GaussianBlur(5)(unit)
v2.AutoAugment()(rgb)
v2.AutoAugment(v2.AutoAugmentPolicy.CIFAR10)(rgb)
v2.RandAugment()(rgb, 3)
v2.Resize(7)(rgb)
v2.Resize(7)(unit)
v2.Resize(7, interpolation="bicubic", antialias=True)(floats)
v2.TrivialAugmentWide()(rgb)
v2.AugMix()(rgb)
v2.RandomApply([v2.RandomCrop(8)], 0.5)(rgb, 4)
v2.RandomChoice([v2.RandomCrop(8), v2.Resize(9)], [1, 2])(rgb)
v2.RandomOrder([v2.RandomCrop(8), v2.RandomHorizontalFlip(), v2.ColorJitter(0.5)])(rgb, 4)
v2.Compose([v2.ToImage(), v2.RandomHorizontalFlip(), v2.ToDtype(torch.float32, True)])(rgb, 1)
v2.Normalize([0.5], [0.25])(unit, 3)
v2.Grayscale(3)(unit[:1])
v2.Grayscale(3)(unit)
v2.functional.to_grayscale(unit)
v2.RandomEqualize(1)(unit)
v2.RandomPosterize(3, 1)(unit)
v2.RandAugment()(unit)
v2.TrivialAugmentWide()(unit)
v2.Compose([v2.ToImage(), v2.RandomCrop(8), v2.ToDtype(torch.float32, True)])(rgb, rgb)
v2.Compose([v2.ToImage(), v2.RandomHorizontalFlip()])({"label": torch.ones(2), "pair": (rgb, rgb)})
v2.Compose([v2.ToImage(), v2.ToPureTensor(), v2.RandomCrop(8)])(rgb, rgb)
v2.MixUp(num_classes=5)(floats, torch.tensor([1, 4]))
v2.MixUp(alpha=0.3)(floats, torch.eye(2))
v2.CutMix(num_classes=5)({"images": floats, "labels": torch.tensor([1, 4])})
v2.CutMix(alpha=0.3, num_classes=5)(floats, torch.tensor([1, 4]))
""".strip().splitlines()

ERRORS = """
v2.Compose([])
v2.Compose(3)
v2.RandomApply([v2.CenterCrop(3)], 2)
v2.RandomChoice([v2.CenterCrop(3)], [1, 2])
v2.ToDtype("float32")
v2.RandomCrop(100)(rgb)
v2.RandomZoomOut(side_range=(0.5, 2))
v2.MixUp()(floats, torch.tensor([1, 4]))
v2.MixUp(num_classes=5)(unit, torch.tensor([1, 4]))
v2.MixUp(num_classes=5)(floats, torch.tensor([1, 4, 2]))
v2.MixUp(num_classes=5)(floats, torch.eye(2))
v2.MixUp(num_classes=5)(floats, torch.zeros(1, 1, 1))
v2.MixUp(num_classes=5)(rgb, torch.tensor([1]))
v2.MixUp(labels_getter=3)
v2.functional.to_image("a")
""".strip().splitlines()


@pytest.mark.parity
@pytest.mark.parametrize("call", ON_EVERYTHING)
def test_images_and_tensors(call):
    check_each(call, levels=1, but=("plane",))  # images of two dimensions are the first version's


@pytest.mark.parity
@pytest.mark.parametrize("call", SEEDED)
def test_same_draws_after_the_same_seed(call):
    for seed in range(4):
        check(call, 1e-6, 1 if "byte" in call or "AugMix" in call else 0, seed)


@pytest.mark.parity
@pytest.mark.parametrize("call", ERRORS)
def test_errors(call):
    check(call)
