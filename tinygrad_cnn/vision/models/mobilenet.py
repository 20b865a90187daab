"""The MobileNets, together as torchvision has them."""

# ruff: noqa: F403
from tinygrad_cnn.vision.models import mobilenetv2, mobilenetv3
from tinygrad_cnn.vision.models.mobilenetv2 import *
from tinygrad_cnn.vision.models.mobilenetv3 import *

__all__ = mobilenetv2.__all__ + mobilenetv3.__all__
