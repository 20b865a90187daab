"""Every function of `transforms.functional` on Pillow images and tensors of all kinds, beside torchvision's.

Values (to the bit on images), dtypes, exceptions with their messages and warnings must agree.
"""

import pytest

from tests.vision.twin import check_each

pytestmark = pytest.mark.parity

CONVERSION = """
F.to_tensor({})
F.pil_to_tensor({})
F.convert_image_dtype({}, torch.float32)
F.convert_image_dtype({}, torch.uint8)
F.convert_image_dtype({}, torch.int32)
F.convert_image_dtype({}, torch.int64)
F.convert_image_dtype({}, torch.float64)
F.convert_image_dtype({}, torch.bool)
F.to_pil_image({})
F.to_pil_image({}, "F")
F.to_pil_image({}, "YCbCr")
F.to_pil_image({}, "L")
F.normalize({}, [0.5], [0.25])
F.normalize({}, (0.1,0.2,0.3), (0.5,0.6,0.7))
F.normalize({}, 0.5, 0.0)
F.get_dimensions({})
F.get_image_size({})
F.get_image_num_channels({})
F.erase({}, 2,3,4,5, torch.tensor([1.0,2.0,3.0])[:,None,None])
F.erase({}, 2,3,4,5, 0.5)
""".strip().splitlines()

GEOMETRY = """
F.hflip({})
F.vflip({})
F.pad({}, 3)
F.pad({}, (1,2))
F.pad({}, [1,2,3,4])
F.pad({}, [2])
F.pad({}, 2, 7)
F.pad({}, 2, (7,))
F.pad({}, 2, (7,8,9))
F.pad({}, 2, padding_mode="edge")
F.pad({}, (1,2,3,4), padding_mode="reflect")
F.pad({}, (1,2,3,4), padding_mode="symmetric")
F.pad({}, (-1,2,3,-4), padding_mode="symmetric")
F.pad({}, (-1,2,3,-4), padding_mode="reflect")
F.pad({}, (-1,2,3,-4))
F.pad({}, (1,2,3))
F.pad({}, "a")
F.pad({}, 1, "x")
F.pad({}, 1, 0, 3)
F.pad({}, 1, 0, "x")
F.crop({}, 2,3,8,9)
F.crop({}, -2,-3,8,9)
F.crop({}, 15,20,30,31)
F.crop({}, 50,60,5,5)
F.center_crop({}, 8)
F.center_crop({}, (9,8))
F.center_crop({}, [40,50])
F.center_crop({}, [41,10])
F.five_crop({}, 8)
F.five_crop({}, 80)
F.five_crop({}, (1,2,3))
F.ten_crop({}, (8,9))
F.ten_crop({}, [8], vertical_flip=True)
""".strip().splitlines()

COLOR = """
F.adjust_brightness({}, 0.5)
F.adjust_brightness({}, 1.7)
F.adjust_brightness({}, -1.0)
F.adjust_contrast({}, 0.5)
F.adjust_contrast({}, 1.7)
F.adjust_saturation({}, 0.5)
F.adjust_saturation({}, 1.7)
F.adjust_hue({}, 0.2)
F.adjust_hue({}, -0.5)
F.adjust_hue({}, 0.7)
F.adjust_gamma({}, 0.7)
F.adjust_gamma({}, 2.2, gain=1.5)
F.adjust_gamma({}, -2)
F.rgb_to_grayscale({})
F.rgb_to_grayscale({}, 3)
F.rgb_to_grayscale({}, 2)
F.to_grayscale({})
F.to_grayscale({}, 3)
F.to_grayscale({}, num_output_channels=5)
F.invert({})
F.posterize({}, 3)
F.posterize({}, 0)
F.posterize({}, 8)
F.posterize({}, 9)
F.solarize({}, 128)
F.solarize({}, 0.5)
F.solarize({}, 300)
F.autocontrast({})
F.equalize({})
""".strip().splitlines()

FILTERS = """
F.adjust_sharpness({}, 0.0)
F.adjust_sharpness({}, 2.5)
F.adjust_sharpness({}, -1)
F.gaussian_blur({}, 3)
F.gaussian_blur({}, [5,3], [0.5,2.0])
F.gaussian_blur({}, [5,3], [0.5])
F.gaussian_blur({}, 5, 1)
F.gaussian_blur({}, 4)
F.gaussian_blur({}, (4,3))
F.gaussian_blur({}, [5])
F.gaussian_blur({}, 5, (0,1))
F.gaussian_blur({}, 5, (1,1,1))
F.gaussian_blur({}, 5, "a")
F.gaussian_blur({}, "a")
""".strip().splitlines()


@pytest.mark.parametrize("call", CONVERSION)
def test_conversion(call):
    check_each(call)


@pytest.mark.parametrize("call", GEOMETRY)
def test_geometry(call):
    check_each(call)


@pytest.mark.parametrize("call", COLOR)
def test_color(call):
    check_each(call)


@pytest.mark.parametrize("call", FILTERS)
def test_filters(call):
    check_each(call)
