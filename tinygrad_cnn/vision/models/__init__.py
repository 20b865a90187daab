"""Architectures of image classifiers, as `torchvision.models` has them: same parameters, names and initial weights."""

# The imports are the exports; the names are in the modules' __all__, and all are imported at once because scripts list
# what `vars(models)` has.
# ruff: noqa: F401, F403
from tinygrad_cnn.vision.models._api import (
    Weights,
    WeightsEnum,
    get_model,
    get_model_builder,
    get_model_weights,
    get_weight,
    list_models,
)
from tinygrad_cnn.vision.models.alexnet import *
from tinygrad_cnn.vision.models.convnext import *
from tinygrad_cnn.vision.models.densenet import *
from tinygrad_cnn.vision.models.efficientnet import *
from tinygrad_cnn.vision.models.googlenet import *
from tinygrad_cnn.vision.models.inception import *
from tinygrad_cnn.vision.models.mnasnet import *
from tinygrad_cnn.vision.models.mobilenet import *
from tinygrad_cnn.vision.models.regnet import *
from tinygrad_cnn.vision.models.resnet import *
from tinygrad_cnn.vision.models.shufflenetv2 import *
from tinygrad_cnn.vision.models.squeezenet import *
from tinygrad_cnn.vision.models.vgg import *
