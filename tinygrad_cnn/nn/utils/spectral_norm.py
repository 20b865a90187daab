"""Spectral normalisation by a hook (`torch.nn.utils.spectral_norm`): the old form of that of `parametrizations`."""

from __future__ import annotations

from typing import Any, TypeVar

from tinygrad_cnn.autograd.grad_mode import no_grad
from tinygrad_cnn.nn.functional import normalize
from tinygrad_cnn.nn.modules.module import Module
from tinygrad_cnn.nn.parameter import Parameter, is_lazy
from tinygrad_cnn.tensor import Tensor

__all__ = ["SpectralNorm", "remove_spectral_norm", "spectral_norm"]

M = TypeVar("M", bound=Module)


def as_matrix(weight: Tensor, dim: int) -> Tensor:
    """Return the weight as a matrix: the rows are the slices along `dim`."""
    if dim != 0:
        weight = weight.permute(dim, *[d for d in range(weight.dim()) if d != dim])
    return weight.reshape(weight.size(0), -1)


def output_dim(module: Any, dim: int | None) -> int:
    """Return `dim`, or if it is None the dimension of a layer's weight that counts its outputs."""
    if dim is not None:
        return dim
    return 1 if getattr(module, "transposed", False) else 0


def random_unit(matrix: Tensor, size: int, eps: float) -> Tensor:
    """Return a vector of length 1 in a random direction, of the matrix' dtype."""
    return normalize(matrix.new_empty(size).normal_(0, 1), dim=0, eps=eps)


class SpectralNorm:
    """The hook that makes the weight `name` of `name`_orig before each forward.

    u and v (buffers `name`_u, `name`_v) are the singular vectors of the largest singular value, followed by the power
    iteration.
    """

    _version = 1

    def __init__(self, name: str = "weight", n_power_iterations: int = 1, dim: int = 0, eps: float = 1e-12) -> None:
        if n_power_iterations <= 0:
            raise ValueError(
                f"Expected n_power_iterations to be positive, but got n_power_iterations={n_power_iterations}"
            )
        self.name = name
        self.dim = dim
        self.n_power_iterations = n_power_iterations
        self.eps = eps

    def compute_weight(self, module: Module, do_power_iteration: bool) -> Tensor:
        """Return the weight divided by its largest singular value; in training, first follow the singular vectors."""
        weight, u, v = (getattr(module, self.name + end) for end in ("_orig", "_u", "_v"))
        matrix = as_matrix(weight, self.dim)
        if do_power_iteration:
            with no_grad():
                for _ in range(self.n_power_iterations):
                    v.copy_(normalize(matrix.t().mv(u), dim=0, eps=self.eps))
                    u.copy_(normalize(matrix.mv(v), dim=0, eps=self.eps))
                # The buffers change again in the next forward; the graph of this one keeps copies.
                u, v = u.clone(), v.clone()
        return weight / u.dot(matrix.mv(v))

    def remove(self, module: Module) -> None:
        """Put the normalised weight in the place of the others."""
        with no_grad():
            weight = self.compute_weight(module, do_power_iteration=False)
        for end in ("", "_u", "_v", "_orig"):
            delattr(module, self.name + end)
        module.register_parameter(self.name, Parameter(weight.detach()))

    def __call__(self, module: Module, inputs: Any) -> None:
        """Before a forward."""
        setattr(module, self.name, self.compute_weight(module, do_power_iteration=module.training))

    @staticmethod
    def apply(module: Module, name: str, n_power_iterations: int, dim: int, eps: float) -> SpectralNorm:
        """Put the hook on a module."""
        if any(isinstance(hook, SpectralNorm) and hook.name == name for hook in module._forward_pre_hooks.values()):
            raise RuntimeError(f"Cannot register two spectral_norm hooks on the same parameter {name}")
        hook = SpectralNorm(name, n_power_iterations, dim, eps)
        weight = module._parameters[name]
        if weight is None:
            raise ValueError(f"`SpectralNorm` cannot be applied as parameter `{name}` is None")
        if is_lazy(weight):
            raise ValueError(
                "The module passed to `SpectralNorm` can't have uninitialized parameters. Make sure to run the dummy "
                "forward before applying spectral normalization"
            )
        with no_grad():
            matrix = as_matrix(weight, dim)
            u, v = (random_unit(matrix, size, eps) for size in matrix.shape)
        delattr(module, name)
        module.register_parameter(f"{name}_orig", weight)
        setattr(module, name, weight.detach())
        module.register_buffer(f"{name}_u", u)
        module.register_buffer(f"{name}_v", v)
        module.register_forward_pre_hook(hook)
        module._register_state_dict_hook(_NoteVersion(hook))
        module._register_load_state_dict_pre_hook(_RefuseOld(hook))
        return hook


class _NoteVersion:
    """Writes the format's version into the metadata of a state_dict, where PyTorch looks for it."""

    def __init__(self, fn: SpectralNorm) -> None:
        self.fn = fn

    def __call__(self, module: Any, state_dict: Any, prefix: str, local_metadata: dict[str, Any]) -> None:
        versions = local_metadata.setdefault("spectral_norm", {})
        key = f"{self.fn.name}.version"
        if key in versions:
            raise RuntimeError(f"Unexpected key in metadata['spectral_norm']: {key}")
        versions[key] = self.fn._version


class _RefuseOld:
    """Says that states of PyTorch before 1.0, which have no v, cannot be loaded."""

    def __init__(self, fn: SpectralNorm) -> None:
        self.fn = fn

    def __call__(self, state_dict: Any, prefix: str, *unused: Any) -> None:
        key = prefix + self.fn.name
        if key in state_dict and f"{key}_orig" in state_dict and f"{key}_v" not in state_dict:
            raise NotImplementedError(f"spectral_norm: the state of '{key}' is of PyTorch before 1.0, without {key}_v")


def spectral_norm(
    module: M, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None
) -> M:
    """Divide the parameter `name` by its largest singular value before each forward (Miyato and others, 2018); return
    the module.

    n_power_iterations: steps of the power iteration in each forward in training. dim: which dimension counts the
    outputs, None: 1 for transposed convolutions, else 0. ValueError if there is no such parameter.
    """
    SpectralNorm.apply(module, name, n_power_iterations, output_dim(module, dim), eps)
    return module


def remove_spectral_norm(module: M, name: str = "weight") -> M:
    """Undo spectral_norm, keeping the normalised weight; return the module. ValueError if there is none."""
    mine = [hook for hook in module._forward_pre_hooks.values() if isinstance(hook, SpectralNorm) and hook.name == name]
    if not mine:
        raise ValueError(f"spectral_norm of '{name}' not found in {module}")
    mine[0].remove(module)
    for hooks in (module._forward_pre_hooks, module._state_dict_hooks, module._load_state_dict_pre_hooks):
        for key, hook in list(hooks.items()):
            if getattr(hook, "fn", hook) is mine[0]:
                del hooks[key]
    return module
