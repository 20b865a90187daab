"""Write `docs/names.md`: which of PyTorch's public names are here, module by module, with counts.

`python -m tools.names` (with torch==2.13.0, and torchvision for its part) compares both packages; README sums it up
between two marks. Nobody has to guess whether a script will find what it needs.
"""

from __future__ import annotations

import importlib
import inspect
import re
import types
from pathlib import Path
from typing import Any

from tests.vision.twin import import_torchvision

ROOT = Path(__file__).resolve().parent.parent
MODULES = (
    "torch", "torch.Tensor", "torch.nn", "torch.nn.functional", "torch.nn.init", "torch.nn.utils", "torch.nn.utils.rnn",
    "torch.nn.utils.parametrize", "torch.optim", "torch.optim.lr_scheduler", "torch.optim.swa_utils", "torch.autograd",
    "torch.autograd.functional", "torch.linalg", "torch.utils.data", "torch.cuda", "torch.amp", "torch.jit",
    "torchvision.datasets", "torchvision.transforms", "torchvision.transforms.functional", "torchvision.models",
    "torchvision.utils",
)  # fmt: skip
# Kinds of names that have no counterpart: PyTorch's internals, and hardware and number systems that are not here.
ELSEWHERE = re.compile(
    r"^(cudnn|miopen|mkldnn|fbgemm|quantized|quantize|q_|native|sparse|sym_|sym$|fake_quantize|_|xpu|ipu|mtia|hpu|maia|"
    r"import_ir|parse_|is_vulkan|dequantize|int_repr|qscheme|batch_norm_(stats|elemt|gather|backward|update))|"
    r"(^|_)(ccol|crow|row|col)_indices|to_mkldnn|to_sparse|_sparse|complex|autocast_(in|de)crement"
)


def public(module: Any, package: str) -> set[str]:
    """Return the names that a module offers: `__all__`, or what is defined in the package and has no underscore."""
    listed = getattr(module, "__all__", None)
    if listed and not isinstance(module, type):
        values = {name: getattr(module, name, None) for name in listed}
        return {name for name, value in values.items() if not inspect.ismodule(value) and not _internal(name, value)}
    return {name for name in dir(module) if not name.startswith("_") and _own(getattr(module, name, None), package)}


def _internal(name: str, value: Any) -> bool:
    """Whether a name is a class of the C++ part that Python code has no use for (graphs, types of the compiler)."""
    own = (
        "Generator",
        "Size",
        "Tag",
        "device",
        "dtype",
        "finfo",
        "iinfo",
        "layout",
        "memory_format",
        "qscheme",
        "Stream",
    )
    binding = importlib.import_module("torch._C")
    return isinstance(value, type) and hasattr(binding, name) and name not in own and not name.endswith("Tensor")


def _own(value: Any, package: str) -> bool:
    if inspect.ismodule(value) or value is None:
        return False
    home = getattr(value, "__module__", None) or ""
    kinds = (types.BuiltinFunctionType, types.MethodDescriptorType, types.GetSetDescriptorType, property)
    return home.startswith(package) or isinstance(value, kinds) or type(value).__module__.startswith(package)


def ours(name: str) -> Any:
    """Return what stands for a module of PyTorch here, None if nothing does."""
    own = name.replace("torchvision", "tinygrad_cnn.vision").replace("torch", "tinygrad_cnn", 1)
    if name.startswith("torchvision"):
        own = name.replace("torchvision", "tinygrad_cnn.vision")
    try:
        return importlib.import_module(own)
    except ImportError:
        parent, _, last = own.rpartition(".")
        return getattr(importlib.import_module(parent), last, None)


def theirs(name: str) -> Any:
    """Return a module, or class, of PyTorch; None if it is not installed."""
    try:
        return importlib.import_module(name)
    except (ImportError, RuntimeError):  # RuntimeError: a torchvision whose compiled part finds no CUDA
        parent, _, last = name.rpartition(".")
        try:
            return getattr(importlib.import_module(parent), last, None)
        except (ImportError, RuntimeError):
            return None


def compare() -> dict[str, tuple[list[str], list[str]]]:
    """Return for each module (names that are here, names that are not)."""
    found = {}
    for name in MODULES:
        reference, own = theirs(name), ours(name)
        if reference is None:
            continue
        names = {n for n in public(reference, name.split(".")[0]) if not ELSEWHERE.search(n)}
        here = {n for n in names if own is not None and hasattr(own, n)}
        found[name] = sorted(here), sorted(names - here)
    return found


def summary(found: dict[str, tuple[list[str], list[str]]]) -> str:
    """Return README's table."""
    rows = ["| names of | have | have not |", "|---|---|---|"]
    rows += [f"| `{name}` | {len(here)} | {len(missing)} |" for name, (here, missing) in found.items()]
    return "\n".join(rows)


def listing(found: dict[str, tuple[list[str], list[str]]]) -> str:
    """Return the whole document."""
    parts = [
        "# PyTorch's names, and which of them are here\n",
        "Written by `tools/names.py` from PyTorch 2.13 and torchvision. Left out: names of sparse, quantised\n"
        "and complex tensors, of other devices' kernels and of PyTorch's internals.\n",
        summary(found) + "\n",
    ]
    for name, (here, missing) in found.items():
        parts.append(f"## {name}\n")
        parts.append(f"Here: {', '.join(f'`{n}`' for n in here) or 'none'}.\n")
        parts.append(f"Not here: {', '.join(f'`{n}`' for n in missing) or 'none missing'}.\n")
    return "\n".join(parts)


def main() -> None:
    """Write `docs/names.md`, and the table between README's marks."""
    import_torchvision()
    found = compare()
    (ROOT / "docs").mkdir(exist_ok=True)
    (ROOT / "docs" / "names.md").write_text(listing(found), encoding="utf-8")
    readme = ROOT / "README.md"
    marks = re.compile(r"(<!-- names -->\n).*?(<!-- end of names -->)", re.DOTALL)
    text = marks.sub(lambda m: m[1] + summary(found) + "\n" + m[2], readme.read_text(encoding="utf-8"))
    readme.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
