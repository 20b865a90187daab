"""Transforms: values, reprs and messages of torchvision's."""

import numpy as np
import pytest
from PIL import Image

from tinygrad_cnn import dtypes
from tinygrad_cnn.data import tensor
from tinygrad_cnn.vision.transforms import Compose, Lambda, Normalize, PILToTensor, ToTensor


def test_to_tensor_from_arrays(rng):
    for shape in ((4, 5), (4, 5, 1), (4, 5, 3)):
        pixels = rng.integers(0, 256, shape, np.uint8)
        found = ToTensor()(pixels)
        want = pixels.reshape(4, 5, -1).transpose(2, 0, 1).astype(np.float32) / np.float32(255)
        assert found.dtype is dtypes.float32 and found.is_contiguous()
        np.testing.assert_array_equal(found.numpy(), want)
    for dtype in (np.float32, np.float64, np.int32, np.int64):
        values = rng.integers(0, 1000, (2, 3)).astype(dtype)
        np.testing.assert_array_equal(ToTensor()(values).numpy(), values[None])
    strided = rng.integers(0, 256, (4, 6, 3), np.uint8)[::2, ::-1]
    np.testing.assert_array_equal(ToTensor()(strided).numpy(), strided.transpose(2, 0, 1).astype(np.float32) / 255)


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "1", "I", "F", "P"])
def test_to_tensor_from_images(rng, mode):
    image = Image.fromarray(rng.integers(0, 256, (4, 5, 3), np.uint8)).convert(mode)
    found = ToTensor()(image)
    pixels = np.array(image).reshape(4, 5, -1).transpose(2, 0, 1)
    want = pixels.astype(np.float32) / np.float32(255) if pixels.dtype == np.uint8 else pixels
    if mode == "1":
        want = pixels.astype(np.float32)
    assert str(found.dtype) == f"torch.{want.dtype}"
    np.testing.assert_array_equal(found.numpy(), want)
    raw = PILToTensor()(image)
    np.testing.assert_array_equal(raw.numpy(), pixels)


def test_to_tensor_does_not_alias():
    pixels = np.zeros((2, 2), np.float32)
    found = ToTensor()(pixels)
    assert found.shape == (1, 2, 2)


def test_to_tensor_errors():
    with pytest.raises(TypeError, match=r"pic should be PIL Image or ndarray\. Got <class 'list'>"):
        ToTensor()([1])
    with pytest.raises(TypeError, match=r"pic should be PIL Image or ndarray\. Got .*Tensor"):
        ToTensor()(tensor([1]))
    with pytest.raises(ValueError, match=r"pic should be 2/3 dimensional\. Got 1 dimensions\."):
        ToTensor()(np.zeros(3))
    with pytest.raises(TypeError, match="complex"):
        ToTensor()(np.zeros((2, 2), complex))
    with pytest.raises(TypeError, match=r"pic should be PIL Image\. Got"):
        PILToTensor()(np.zeros((2, 2)))
    deep = np.array([[0, 1], [32767, 65535]], np.uint16)  # torchvision reads them as int16, too
    assert ToTensor()(Image.fromarray(deep)).tolist() == [[[0, 1], [32767, -1]]]
    with pytest.raises(TypeError, match="uint16"):
        PILToTensor()(Image.fromarray(deep))


def test_normalize(rng):
    image = rng.standard_normal((3, 4, 5)).astype(np.float32)
    mean, std = (0.1, 0.2, 0.3), (0.5, 0.6, 0.7)
    x = tensor(image)
    found = Normalize(mean, std)(x)
    want = (image - np.array(mean, np.float32)[:, None, None]) / np.array(std, np.float32)[:, None, None]
    np.testing.assert_array_equal(found.numpy(), want)
    np.testing.assert_array_equal(x.numpy(), image)
    assert Normalize(0.5, 2.0)(tensor(image)).shape == (3, 4, 5)
    assert Normalize((0.5,), (2.0,))(tensor(image[None])).shape == (1, 3, 4, 5)
    Normalize(mean, std, inplace=True)(x)
    np.testing.assert_array_equal(x.numpy(), want)


def test_normalize_errors():
    with pytest.raises(TypeError, match="img should be Tensor Image. Got <class 'numpy.ndarray'>".replace(".", r"\.")):
        Normalize(0, 1)(np.zeros((1, 2, 2)))
    with pytest.raises(TypeError, match=r"Input tensor should be a float tensor\. Got torch\.uint8\."):
        Normalize(0, 1)(tensor(np.zeros((1, 2, 2), np.uint8)))
    with pytest.raises(ValueError, match=r"Expected tensor to be a tensor image of size \(\.\.\., C, H, W\)"):
        Normalize(0, 1)(tensor([[1.0]]))
    with pytest.raises(ValueError, match=r"std evaluated to zero after conversion to torch\.float32"):
        Normalize((0.0,), (0.0,))(tensor([[[1.0]]]))


def test_compose_and_lambda():
    both = Compose([Lambda(lambda x: x + 1), Lambda(abs)])
    assert both(-3) == 2
    assert repr(both) == "Compose(\n    Lambda()\n    Lambda()\n)"
    assert repr(Compose([ToTensor(), Normalize((0.5,), (0.25,))])) == (
        "Compose(\n    ToTensor()\n    Normalize(mean=(0.5,), std=(0.25,))\n)"
    )
    with pytest.raises(TypeError, match="Argument lambd should be callable, got 'int'"):
        Lambda(3)
