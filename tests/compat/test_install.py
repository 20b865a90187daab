"""`install_as_torch()`: PyTorch's names give our modules themselves, in a process of its own."""

from __future__ import annotations

import pytest

from tests.compat.programs import run, with_pytorch

INSTALL = "import tinygrad_cnn; tinygrad_cnn.install_as_torch(force=True)\n"


def test_names_give_the_same_modules(tmp_path):
    code = INSTALL + (
        "import torch, torchvision, torch.nn as nn, torch.nn.functional as F, torchvision.transforms as T\n"
        "import torch.utils.data.sampler, torch.optim.lr_scheduler, torchvision.transforms.functional as TF\n"
        "from torch.utils.data import DataLoader\n"
        "from torch.nn.modules.conv import Conv2d\n"
        "import tinygrad_cnn.vision.transforms\n"
        "assert torch is tinygrad_cnn and torchvision is tinygrad_cnn.vision\n"
        "assert nn is tinygrad_cnn.nn and F is tinygrad_cnn.nn.functional and T is tinygrad_cnn.vision.transforms\n"
        "assert torch.utils.data.sampler is tinygrad_cnn.utils.data.sampler and Conv2d is tinygrad_cnn.nn.Conv2d\n"
        "assert torch.__spec__.name == 'tinygrad_cnn' and nn.__spec__.name == 'tinygrad_cnn.nn'\n"
        "assert isinstance(nn.Linear(1, 1)(torch.ones(1)), tinygrad_cnn.Tensor)\n"
    )
    run("-c", code, folder=tmp_path)


def test_versions_can_be_compared(tmp_path):
    code = INSTALL + "import torch, torchvision; print(torch.__version__, torchvision.__version__)"
    ours, vision = run("-c", code, folder=tmp_path)[0].split()
    assert [int(part) for part in ours.split("+")[0].split(".")] == [2, 13, 0]
    assert vision == "0.28.0"
    version = pytest.importorskip("packaging.version")
    assert version.Version("2.14") > version.Version(ours) >= version.Version("2.13.0")


def test_without_it_torch_stays_unknown_and_the_version_is_ours(tmp_path):
    code = "import sys, tinygrad_cnn, tinygrad_cnn.nn; print('torch' in sys.modules, tinygrad_cnn.__version__ < '1')"
    assert run("-c", code, folder=tmp_path)[0] == "False True\n"


def test_twice_is_once(tmp_path):
    code = "import sys; n = len(sys.meta_path)\n" + INSTALL + INSTALL + "assert len(sys.meta_path) == n + 1"
    run("-c", code, folder=tmp_path)


TRY = """
try:
    tinygrad_cnn.install_as_torch({})
except RuntimeError as error:
    print(error)
"""


def test_pytorch_is_not_hidden_without_force(tmp_path):
    code = "import tinygrad_cnn" + TRY.format("")
    output, _ = run("-c", code, folder=tmp_path, environment=with_pytorch(tmp_path))
    assert output.startswith("PyTorch is installed here (")
    assert "install_as_torch(force=True)" in output


def test_pytorch_that_is_imported_is_not_replaced(tmp_path):
    code = "import torch, tinygrad_cnn" + TRY.format("force=True")
    output, _ = run("-c", code, folder=tmp_path, environment=with_pytorch(tmp_path))
    assert output.startswith("install_as_torch: this process has imported torch already")


WITHOUT_PYTORCH = """
import sys, tinygrad_cnn.optim.lr_scheduler, multiprocessing.spawn
sys.path[:] = ["."]
"""


def test_a_folder_called_torch_is_no_pytorch(tmp_path):
    (tmp_path / "torch").mkdir()
    run("-c", WITHOUT_PYTORCH + "tinygrad_cnn.install_as_torch()\nimport torch.optim.lr_scheduler", folder=tmp_path)


def test_notebooks_load_it_as_an_extension(tmp_path):
    code = "tinygrad_cnn.load_ipython_extension(None)\nimport torch\nassert torch is tinygrad_cnn"
    run("-c", WITHOUT_PYTORCH + code, folder=tmp_path)


def test_a_function_stays_where_a_module_has_its_name(tmp_path):
    code = INSTALL + "import torch, torch.autograd.gradcheck\nassert callable(torch.autograd.gradcheck)"
    run("-c", code, folder=tmp_path)


def test_modules_that_have_no_namesake(tmp_path):
    code = INSTALL + (
        "import torch\n"
        "from torch.nn.modules.distance import PairwiseDistance\n"
        "from torch.nn.modules import distance\n"
        "from torch.functional import einsum\n"
        "assert distance.PairwiseDistance is torch.nn.PairwiseDistance and einsum is torch.einsum\n"
        "torch._C._log_api_usage_once('called by packages')\n"
    )
    run("-c", code, folder=tmp_path)
