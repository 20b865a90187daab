"""Which module of ours a name of PyTorch's stands for."""

from __future__ import annotations

__all__ = ["elsewhere", "own_name", "torch_name"]

# Names of PyTorch whose contents are elsewhere here.
_ELSEWHERE = {
    "torch._C": "tinygrad_cnn.compat.c_names",
    "torch._tensor": "tinygrad_cnn.tensor",
    "torch.autograd.anomaly_mode": "tinygrad_cnn.autograd.anomaly",
    "torch.cuda.amp.autocast_mode": "tinygrad_cnn.cuda.amp",
    "torch.cuda.amp.grad_scaler": "tinygrad_cnn.cuda.amp",
    "torch.functional": "tinygrad_cnn.functions",
    "torch.nn.modules.distance": "tinygrad_cnn.nn.modules.margin_loss",
    "torch.nn.parallel.distributed": "tinygrad_cnn.nn.parallel",
    "torchvision.version": "tinygrad_cnn.vision",
}
_PACKAGES = {"torch": "tinygrad_cnn", "torchvision": "tinygrad_cnn.vision"}


def own_name(name: str) -> str | None:
    """Return the name of our module for `torch...` or `torchvision...`, None for other names."""
    first, _, rest = name.partition(".")
    package = _PACKAGES.get(first)
    if package is None:
        return None
    if name in _ELSEWHERE:
        return _ELSEWHERE[name]
    return f"{package}.{rest}" if rest else package


def elsewhere(name: str) -> str | None:
    """Return the name of our module for PyTorch's name of a module that has no namesake here, None for other names."""
    return _ELSEWHERE.get(name)


def torch_name(name: str) -> str:
    """Return PyTorch's name of our module."""
    for theirs, ours in reversed(_PACKAGES.items()):
        if name == ours or name.startswith(f"{ours}."):
            return theirs + name[len(ours) :]
    return name
