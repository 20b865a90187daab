"""Importing the package is quick and brings no heavy company; every part is there when it is asked for."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import types

import pytest

import tinygrad_cnn as torch
from tinygrad_cnn.core import runtime

# Standard modules that cost milliseconds and that only some parts need, and what must never come along.
HEAVY = ("torch", "PIL", "matplotlib", "tqdm", "multiprocessing", "urllib.request", "http.client", "ssl", "cffi.api")


def run(code, environment=None):
    # Not in the folder of the sources, which `-c` would import before the installed package.
    command, folder = [sys.executable, "-c", code], tempfile.gettempdir()
    return subprocess.run(command, check=True, capture_output=True, text=True, env=environment, cwd=folder).stdout


def best_time(code, environment, repeats=5):
    """Return the least processor time of several fresh interpreters: what else runs on the machine counts little."""
    best = float("inf")
    for _ in range(repeats):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        run(code, environment)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        best = min(best, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return best


def test_import_costs_little_more_than_numpy(tmp_path):
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(tmp_path)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    run("import tinygrad_cnn", environment)  # the byte code is written, of an installed package it is there
    for _ in range(3):
        numpy, package = best_time("import numpy", environment), best_time("import tinygrad_cnn", environment)
        # 0.1 s on a quiet machine; on a crowded one, where NumPy takes long itself, that much again.
        if package - numpy <= max(0.1, numpy):
            return
    pytest.fail(f"import takes {package - numpy:.3f} s more than NumPy's {numpy:.3f} s")


def test_no_heavy_modules():
    loaded = set(run("import sys, tinygrad_cnn; print(*sys.modules)").split())
    assert not [name for name in HEAVY if name in loaded]
    assert "tinygrad_cnn.optim" not in loaded
    assert "tinygrad_cnn.vision" not in loaded


@pytest.mark.parametrize(
    "expression",
    [
        "torch.nn.Linear",
        "torch.nn.functional.conv2d",
        "torch.optim.SGD",
        "torch.optim.lr_scheduler.StepLR",
        "torch.utils.data.DataLoader",
        "torch.save",
        "torch.load",
        "torch.cuda.is_available",
        "torch.backends.cudnn.is_available",
        "torch.backends.mps.is_available",
        "torch.autograd.Function",
        "torch.autograd.functional.jacobian",
        "torch.random.manual_seed",
        "torch.__config__.show",
        "torch.vision.datasets.MNIST",
    ],
)
def test_parts_are_found_without_an_import_of_their_own(expression):
    assert run(f"import tinygrad_cnn as torch; print(callable({expression}))").strip() == "True"


MODULES = ["nn", "nn.functional", "optim", "utils.data", "vision", "autograd", "tensor", "ops.inplace", "random"]


@pytest.mark.parametrize("module", MODULES)
def test_every_module_can_be_imported_first(module):
    run(f"import tinygrad_cnn.{module}")


def test_unknown_name():
    with pytest.raises(AttributeError, match="module 'tinygrad_cnn' has no attribute 'foo'"):
        torch.foo  # noqa: B018
    assert {"nn", "optim", "Tensor", "zeros"} <= set(dir(torch))


def test_show_config(capsys):
    torch.show_config()
    printed = capsys.readouterr().out
    assert printed == torch.__config__.show()
    for part in (torch.__version__, "compiler", "instruction set", "threads", "NumPy", "cffi"):
        assert part in printed
    assert "threads" in torch.__config__.parallel_info()
    assert runtime.version() == torch.__version__


def test_threads():
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        assert torch.get_num_threads() == 3
        assert "threads: 3" in torch.__config__.show()
    finally:
        torch.set_num_threads(before)
    torch.set_num_interop_threads(torch.get_num_interop_threads())
    with pytest.raises(RuntimeError):
        torch.set_num_interop_threads(0)


def test_every_public_function_has_a_docstring():
    missing = [
        name
        for name in dir(torch)
        if not name.startswith("_") and callable(getattr(torch, name)) and not getattr(torch, name).__doc__
    ]
    assert not missing


@pytest.mark.parity
def test_names_are_pytorchs():
    reference = pytest.importorskip("torch")
    public = {name for name in dir(torch) if not name.startswith("_")}
    public -= {name for name in public if isinstance(getattr(torch, name), types.ModuleType)}
    assert public - set(dir(reference)) == {"show_config", "install_as_torch", "load_ipython_extension", "summary"}
