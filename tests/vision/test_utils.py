"""Grids, saved pictures, and what is drawn on images: by hand, and beside torchvision's to the bit."""

import io
import zlib

import numpy as np
import pytest
from PIL import Image

import tinygrad_cnn as torch
from tests.vision.twin import check, pixels
from tinygrad_cnn.vision import utils
from tinygrad_cnn.vision.io import (
    ImageReadMode,
    decode_image,
    encode_jpeg,
    encode_png,
    read_file,
    read_image,
    write_jpeg,
    write_png,
)


def test_grid_by_hand(rng):
    images = rng.random((5, 3, 4, 6), np.float32)
    grid = utils.make_grid(torch.from_numpy(images), nrow=3, padding=1, pad_value=0.5).numpy()
    want = np.full((3, 2 * 5 + 1, 3 * 7 + 1), 0.5, np.float32)
    for k in range(5):
        top, left = k // 3 * 5 + 1, k % 3 * 7 + 1
        want[:, top : top + 4, left : left + 6] = images[k]
    np.testing.assert_array_equal(grid, want)


def test_normalize_leaves_the_images_alone(rng):
    images = torch.from_numpy(rng.standard_normal((2, 1, 3, 3)).astype(np.float32))
    before = images.clone()
    grid = utils.make_grid(images, normalize=True, padding=0)
    assert float(grid.min()) == 0 and float(grid.max()) == 1
    np.testing.assert_array_equal(images.numpy(), before.numpy())


@pytest.mark.parametrize("name", ["a.png", "a.bmp"])
def test_saved_pictures_are_rounded(tmp_path, rng, name):
    image = rng.random((3, 5, 4), np.float32) * 1.2 - 0.1
    utils.save_image(torch.from_numpy(image), tmp_path / name)
    want = np.clip(np.floor(image * np.float32(255) + np.float32(0.5)), 0, 255).transpose(1, 2, 0)
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / name)), want)


def test_png_round_trip(tmp_path):
    for array in (pixels(7, 9, 3).transpose(2, 0, 1), pixels(7, 9)[None]):
        tensor = torch.from_numpy(np.ascontiguousarray(array))
        write_png(tensor, tmp_path / "a.png")
        np.testing.assert_array_equal(read_image(tmp_path / "a.png").numpy(), array)
        np.testing.assert_array_equal(decode_image(encode_png(tensor)).numpy(), array)
        np.testing.assert_array_equal(decode_image(read_file(tmp_path / "a.png")).numpy(), array)


def test_reading_other_channels(tmp_path):
    picture = Image.fromarray(pixels(7, 9, 3))
    picture.convert("P").save(tmp_path / "p.png")
    assert read_image(tmp_path / "p.png").shape == (3, 7, 9)
    picture.save(tmp_path / "a.png")
    for mode, letters in ((ImageReadMode.GRAY, "L"), ("rgb_alpha", "RGBA"), (ImageReadMode.GRAY_ALPHA, "LA")):
        want = np.asarray(picture.convert(letters)).reshape(7, 9, -1).transpose(2, 0, 1)
        np.testing.assert_array_equal(read_image(tmp_path / "a.png", mode).numpy(), want)


def test_turned_pictures(tmp_path):
    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(pixels(7, 9, 3)).save(tmp_path / "a.png", exif=exif)
    assert read_image(tmp_path / "a.png").shape == (3, 7, 9)
    assert read_image(tmp_path / "a.png", apply_exif_orientation=True).shape == (3, 9, 7)


def test_jpeg(tmp_path):
    tensor = torch.from_numpy(np.ascontiguousarray(pixels(32, 32, 3).transpose(2, 0, 1)))
    write_jpeg(tensor, tmp_path / "a.jpg", 95)
    assert np.abs(read_image(tmp_path / "a.jpg").numpy().astype(int) - tensor.numpy()).mean() < 10
    with pytest.raises(ValueError, match="Image quality should be a positive number between 1 and 100"):
        encode_jpeg(tensor, 0)


def test_what_is_no_picture(tmp_path):
    with pytest.raises(RuntimeError, match="Unsupported image file"):
        decode_image(torch.zeros(9, dtype=torch.uint8))
    with pytest.raises(FileNotFoundError):
        read_image(tmp_path / "nothing.png")
    for encode in (encode_png, encode_jpeg):
        whole = encode(torch.from_numpy(np.ascontiguousarray(pixels(32, 32, 3).transpose(2, 0, 1))))
        for length in (60, 150, whole.numel() - 30):
            with pytest.raises(RuntimeError, match="image file"):
                decode_image(whole[:length])
    bomb = encode_png(torch.zeros(1, 1, 1, dtype=torch.uint8)).numpy().tobytes()
    header = bomb[12:16] + (60_000).to_bytes(4, "big") * 2 + bomb[24:29]
    bomb = bomb[:12] + header + zlib.crc32(header).to_bytes(4, "big") + bomb[33:]
    with pytest.raises(RuntimeError, match="decompression bomb"):
        decode_image(torch.frombuffer(bytearray(bomb), dtype=torch.uint8))
    with pytest.raises(RuntimeError, match="Input tensor dtype should be uint8"):
        encode_png(torch.zeros(3, 2, 2))
    with pytest.raises(RuntimeError, match="The number of channels should be 1 or 3, got: 2"):
        encode_png(torch.zeros(2, 2, 2, dtype=torch.uint8))


EXPRESSIONS = """
tv.utils.make_grid(floats)
tv.utils.make_grid(batch, 1, 3, pad_value=7)
tv.utils.make_grid(plane)
tv.utils.make_grid(unit1)
tv.utils.make_grid(unit)
tv.utils.make_grid([unit, unit * 2, unit - 1], normalize=True)
tv.utils.make_grid([unit, unit * 2, unit - 1], normalize=True, scale_each=True)
tv.utils.make_grid([unit, unit * 2, unit - 1], normalize=True, value_range=(0.2, 0.5))
tv.utils.make_grid([unit, unit * 2, unit - 1], normalize=True, value_range=[0.2, 0.5])
tv.utils.make_grid([unit1] * 10, nrow=4)
tv.utils.make_grid((unit, unit))
tv.utils.make_grid([unit, 3])
tv.utils.make_grid(3)
saved(tv.utils.save_image, floats, nrow=1)
saved(tv.utils.save_image, unit1 * 3 - 1, normalize=True)
saved(tv.utils.save_image, [unit] * 9, padding=5, pad_value=0.3)
tv.utils.draw_bounding_boxes(byte, BOXES)
tv.utils.draw_bounding_boxes(unit, BOXES, colors="red", width=2, fill=True)
tv.utils.draw_bounding_boxes(grey1, BOXES, ["a", "bb"], ["blue", (1, 2, 3)])
tv.utils.draw_bounding_boxes(byte, BOXES, ["a", None], fill_labels=True, label_colors="white")
tv.utils.draw_bounding_boxes(byte, BOXES, ["a", "b"], fill_labels=True, label_background_colors=["red", "green"])
tv.utils.draw_bounding_boxes(byte, CORNERS, colors=(9, 8, 7))
tv.utils.draw_bounding_boxes(byte, CORNERS, fill=True, width=3)
tv.utils.draw_bounding_boxes(byte, BOXES[:0])
tv.utils.draw_bounding_boxes(byte, BOXES, ["a"])
tv.utils.draw_bounding_boxes(byte, BOXES, font_size=3)
tv.utils.draw_bounding_boxes(byte, BOXES, colors=["red"])
tv.utils.draw_bounding_boxes(byte, BOXES, colors=3)
tv.utils.draw_bounding_boxes(byte, BOXES, colors=(3, 4))
tv.utils.draw_bounding_boxes(byte, BOXES.flip(1))
tv.utils.draw_bounding_boxes(batch, BOXES)
tv.utils.draw_bounding_boxes(byte.long(), BOXES)
tv.utils.draw_bounding_boxes(3, BOXES)
tv.utils.draw_bounding_boxes(byte[:2], BOXES)
tv.utils.draw_segmentation_masks(byte, byte > 128)
tv.utils.draw_segmentation_masks(unit, unit[0] > 0.5, 0.4, "red")
tv.utils.draw_segmentation_masks(unit, unit[:2] > 0.5, 0.4, ["red", (3, 4, 5)])
tv.utils.draw_segmentation_masks(byte, byte[:0] > 0)
tv.utils.draw_segmentation_masks(byte, byte)
tv.utils.draw_segmentation_masks(byte, byte[:, :3] > 0)
tv.utils.draw_segmentation_masks(byte, batch > 0)
tv.utils.draw_segmentation_masks(grey1, byte > 0)
tv.utils.draw_keypoints(byte, POINTS, colors="red")
tv.utils.draw_keypoints(unit, POINTS, [(0, 1), (2, 0)], (1, 2, 3), 3, 2)
tv.utils.draw_keypoints(byte, POINTS, [(0, 1), (2, 0)], visibility=POINTS[:, :, 0] > 8)
tv.utils.draw_keypoints(byte, POINTS, visibility=POINTS[:, :, :1] > 8)
tv.utils.draw_keypoints(byte, POINTS, visibility=POINTS[0, :, 0] > 8)
tv.utils.draw_keypoints(byte, POINTS, visibility=POINTS[:, :2, 0] > 8)
tv.utils.draw_keypoints(byte, POINTS[0])
""".strip().splitlines()
CONSTANTS = {
    "BOXES": "torch.tensor([[2, 3, 15, 12], [10, 5, 28, 19]])",
    "CORNERS": "torch.tensor([[2, 3, 15, 5, 13, 17, 1, 14], [20, 2, 28, 9, 19, 18, 11, 11]])",
    "POINTS": "torch.tensor([[[3, 4], [20, 10], [9, 18]], [[12, 3], [5, 16], [25, 15]]])",
}


def saved(save_image, tensor, **options):
    """The bytes that save_image writes."""
    file = io.BytesIO()
    save_image(tensor, file, "png", **options)
    return np.frombuffer(file.getvalue(), np.uint8)


@pytest.mark.parity
@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_as_torchvision(expression):
    for name, value in CONSTANTS.items():
        expression = expression.replace(name, value)
    check(expression, 1e-6, saved=saved)
