"""Which names of torchvision are here, with the same parameters and defaults, and old names that scripts still use."""

import copy
import enum
import importlib
import inspect
import pickle
import re

import pytest

import tinygrad_cnn as torch
import tinygrad_cnn.vision
from tests.vision.twin import import_torchvision
from tinygrad_cnn.vision import transforms, utils
from tinygrad_cnn.vision.transforms import v2

# What is not here, by module; scripts that ask for it get an AttributeError.
LACKING = {
    "transforms": set(),
    "transforms.functional": set(),
    "transforms.autoaugment": set(),
    "transforms.transforms": set(),
    "utils": {"flow_to_image"},
    "io": {"decode_avif", "decode_gif", "decode_heic", "decode_webp"},
    "datasets.utils": {"download_file_from_google_drive", "iterable_to_str"},
    "datasets.folder": {"accimage_loader"},
}
# Keywords here that torchvision does not have, or has no more.
MORE = {"make_grid": {"range"}}


def public(module):
    """The classes and functions that a module of torchvision defines or passes on."""
    return {
        name: value
        for name, value in vars(module).items()
        if not name.startswith("_")
        and (inspect.isclass(value) or inspect.isfunction(value))
        and value.__module__.startswith("torchvision")
    }


def parameters(function):
    """Names, kinds and defaults of parameters."""
    found = inspect.signature(function).parameters.values()
    kinds = [
        (p.name, p.kind, re.sub(r"\w+ at 0x\w+", "", repr(p.default)).replace("tinygrad_cnn", "torch")) for p in found
    ]
    return [kind for kind in kinds if kind[0] not in MORE.get(function.__name__, ())]


@pytest.mark.parity
@pytest.mark.parametrize("name", LACKING)
def test_as_torchvision(name):
    import_torchvision()
    theirs = public(importlib.import_module(f"torchvision.{name}"))
    ours = importlib.import_module(f"tinygrad_cnn.vision.{name}")
    assert {known for known in theirs if not hasattr(ours, known)} == LACKING[name]
    wrong = {
        known: (parameters(getattr(ours, known)), parameters(value))
        for known, value in theirs.items()
        if known not in LACKING[name] and parameters(getattr(ours, known)) != parameters(value)
    }
    assert not wrong


@pytest.mark.parity
def test_data_sets_as_torchvision():
    theirs = import_torchvision().datasets
    for name in tinygrad_cnn.vision.datasets.__all__:
        if hasattr(theirs, name):
            assert parameters(getattr(tinygrad_cnn.vision.datasets, name)) == parameters(getattr(theirs, name)), name


def test_what_is_not_here_says_so():
    with pytest.raises(AttributeError, match=r"module 'tinygrad_cnn\.vision' has no attribute 'nothing'"):
        _ = tinygrad_cnn.vision.nothing
    assert tinygrad_cnn.vision.get_image_backend() == "PIL"
    with pytest.raises(ValueError, match="Invalid backend 'x'"):
        tinygrad_cnn.vision.set_image_backend("x")
    with pytest.raises(NotImplementedError, match="accimage"):
        tinygrad_cnn.vision.set_image_backend("accimage")


def test_old_names():
    with pytest.warns(UserWarning, match=r"transforms\.Scale transform is deprecated, please use transforms\.Resize"):
        assert repr(transforms.Scale(3)) == repr(transforms.Resize(3)).replace("Resize", "Scale")
    with pytest.warns(UserWarning, match=r"please use transforms\.RandomResizedCrop instead"):
        assert transforms.RandomSizedCrop(3).size == (3, 3)
    image = torch.rand(1, 3, 4, 4)
    with pytest.warns(UserWarning, match="Please use 'value_range' instead"):
        found = utils.make_grid(image, normalize=True, range=(0.2, 0.7))
    assert found.tolist() == utils.make_grid(image, normalize=True, value_range=(0.2, 0.7)).tolist()


ARGUMENTS = {
    **dict.fromkeys(("Scale", "Resize", "CenterCrop", "Pad", "FiveCrop", "TenCrop", "GaussianBlur"), (3,)),
    **dict.fromkeys(("RandomCrop", "RandomResizedCrop", "RandomSizedCrop", "RandomRotation", "RandomAffine"), (3,)),
    **dict.fromkeys(("RandomPosterize", "RandomSolarize", "RandomAdjustSharpness"), (3,)),
    **dict.fromkeys(("Compose", "RandomApply", "RandomChoice", "RandomOrder"), ([transforms.ToPILImage()],)),
    **dict.fromkeys(("ConvertImageDtype", "ToDtype"), (torch.float32,)),
    "Lambda": (abs,),
    "Normalize": ([0.5], [0.25]),
    "LinearTransformation": (torch.eye(2), torch.zeros(2)),
}


@pytest.mark.parametrize("module", [transforms, v2], ids=["v1", "v2"])
@pytest.mark.filterwarnings("ignore:The (use of the )?transform")
def test_every_transform_survives_pickle_and_copy(module):
    """Workers of a DataLoader get transforms by pickle."""
    for name in module.__all__:
        cls = getattr(module, name)
        if inspect.isclass(cls) and not issubclass(cls, enum.Enum):
            made = cls(*ARGUMENTS.get(name, ()))
            assert repr(pickle.loads(pickle.dumps(made))) == repr(copy.deepcopy(made)) == repr(made)
