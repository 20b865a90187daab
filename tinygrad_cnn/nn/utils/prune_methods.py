"""Ways of pruning: which elements or slices of a parameter go; see `prune`."""

from __future__ import annotations

import numbers
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, ClassVar

from tinygrad_cnn._absent import abstract
from tinygrad_cnn.like import ones_like, zeros_like
from tinygrad_cnn.nn.modules.module import Module
from tinygrad_cnn.ops.sorting import topk
from tinygrad_cnn.random import rand, rand_like
from tinygrad_cnn.tensor import Tensor

__all__ = [
    "BasePruningMethod", "CustomFromMask", "Identity", "L1Unstructured", "LnStructured", "PruningContainer",
    "RandomStructured", "RandomUnstructured",
]  # fmt: skip


class BasePruningMethod(ABC):
    """A way of pruning. Subclasses define `compute_mask(t, default_mask)` and PRUNING_TYPE: 'unstructured' (elements),
    'structured' (slices along `dim`) or 'global' (all elements of the tensor, those pruned before, too)."""

    PRUNING_TYPE: ClassVar[str]
    _tensor_name: Any = None

    def __call__(self, module: Any, inputs: Any) -> None:
        """Before a forward."""
        setattr(module, self._tensor_name, self.apply_mask(module))

    @abstractmethod
    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """Return the new mask for importance scores t, where `default_mask` was the mask before."""

    def apply_mask(self, module: Module) -> Tensor:
        """Return the original of a module's parameter times the mask."""
        if self._tensor_name is None:
            raise AssertionError(f"Module {module} has to be pruned")
        mask, original = (getattr(module, f"{self._tensor_name}_{end}") for end in ("mask", "orig"))
        return mask.to(dtype=original.dtype) * original

    @classmethod
    def _joined(cls, module: Module, name: str, method: BasePruningMethod) -> BasePruningMethod:
        """Return `method`, or if the parameter was pruned before, a container of that and this; its hook goes."""
        old = [
            (key, hook)
            for key, hook in module._forward_pre_hooks.items()
            if isinstance(hook, BasePruningMethod) and hook._tensor_name == name
        ]
        if len(old) > 1:
            raise AssertionError(
                f"Avoid adding multiple pruning hooks to the same tensor {name} of module {module}. Use a "
                "PruningContainer."
            )
        for key, before in old:
            del module._forward_pre_hooks[key]
            container = before if isinstance(before, PruningContainer) else PruningContainer(before)
            container.add_pruning_method(method)
            return container
        return method

    @classmethod
    def apply(
        cls, module: Module, name: str, *args: Any, importance_scores: Tensor | None = None, **kwargs: Any
    ) -> BasePruningMethod:
        """Prune a module's parameter by a method made of the other arguments, and return the method.

        importance_scores: what to look at instead of the parameter itself, of the same shape.
        """
        method = cls(*args, **kwargs)
        method._tensor_name = name
        method = cls._joined(module, name, method)
        original = getattr(module, name)
        if importance_scores is not None and importance_scores.shape != original.shape:
            raise AssertionError(
                f"importance_scores should have the same shape as parameter {name} of {module}, got "
                f"{importance_scores.shape} vs {original.shape}"
            )
        first = not isinstance(method, PruningContainer)
        default_mask = ones_like(original) if first else getattr(module, f"{name}_mask").detach().clone()
        mask = method.compute_mask(original if importance_scores is None else importance_scores, default_mask)
        if first:
            del module._parameters[name]
            module.register_parameter(f"{name}_orig", original)
        module.register_buffer(f"{name}_mask", mask)
        setattr(module, name, method.apply_mask(module))
        module.register_forward_pre_hook(method)
        return method

    def prune(self, t: Tensor, default_mask: Tensor | None = None, importance_scores: Tensor | None = None) -> Tensor:
        """Return a tensor times the mask that this method computes for it, or for `importance_scores`."""
        if importance_scores is not None and importance_scores.shape != t.shape:
            raise AssertionError(
                f"importance_scores should have the same shape as tensor t, got {importance_scores.shape} vs {t.shape}"
            )
        scores = t if importance_scores is None else importance_scores
        return t * self.compute_mask(scores, ones_like(t) if default_mask is None else default_mask)

    def remove(self, module: Module) -> None:
        """Make one parameter of original and mask, with the zeros; the hook stays."""
        if self._tensor_name is None:
            raise AssertionError(f"Module {module} has to be pruned before pruning can be removed")
        name = self._tensor_name
        weight = self.apply_mask(module)
        if hasattr(module, name):
            delattr(module, name)
        original: Any = module._parameters.pop(f"{name}_orig")
        original.data = weight.detach()
        del module._buffers[f"{name}_mask"]
        setattr(module, name, original)


class PruningContainer(BasePruningMethod):
    """Methods applied one after the other: each new one prunes what those before have left."""

    def __init__(self, *args: Any) -> None:
        self._pruning_methods: tuple[Any, ...] = ()
        if len(args) == 1:
            self._tensor_name = args[0]._tensor_name
        for method in args:
            self.add_pruning_method(method)

    def add_pruning_method(self, method: Any) -> None:
        """Add a method. TypeError if it is none, ValueError if it is for another parameter."""
        if not isinstance(method, BasePruningMethod) and method is not None:
            raise TypeError(f"{type(method)} is not a BasePruningMethod subclass")
        if method is not None and self._tensor_name != method._tensor_name:
            raise ValueError(
                f"Can only add pruning methods acting on the parameter named '{self._tensor_name}' to PruningContainer "
                f"{self}. Found '{method._tensor_name}'"
            )
        self._pruning_methods += (method,)

    def __len__(self) -> int:
        return len(self._pruning_methods)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._pruning_methods)

    def __getitem__(self, idx: Any) -> Any:
        return self._pruning_methods[idx]

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """Return the mask after the last method, which sees only what is left."""
        method = self._pruning_methods[-1]
        left: Any
        if method.PRUNING_TYPE == "unstructured":
            left = default_mask == 1
        elif method.PRUNING_TYPE == "structured":
            if not hasattr(method, "dim"):
                raise AttributeError(
                    'Pruning methods of PRUNING_TYPE "structured" need to have the attribute `dim` defined.'
                )
            dim = method.dim + t.dim() if method.dim < 0 else method.dim
            if dim < 0:
                raise IndexError(f"Index is out of bounds for tensor with dimensions {t.dim()}")
            kept = default_mask.sum([d for d in range(t.dim()) if d != dim]) != 0
            left = (slice(None),) * dim + (kept,)
        elif method.PRUNING_TYPE == "global":
            left = ...
        else:
            raise ValueError(f"Unrecognized PRUNING_TYPE {method.PRUNING_TYPE}")
        mask = default_mask.to(dtype=t.dtype).clone()
        mask[left] = method.compute_mask(t[left], default_mask[left]).to(dtype=t.dtype)
        return mask


class _Part(BasePruningMethod):
    """A method that prunes a given amount."""

    def __init__(self, amount: Any) -> None:
        self.amount = amount
        if not isinstance(amount, numbers.Real):
            raise TypeError(f"Invalid type for amount: {amount}. Must be int or float.")
        if self.amount < 0 or (self._is_part() and self.amount > 1):
            raise ValueError(f"amount={amount} should either be a float in the range [0, 1] or a non-negative integer")

    def _is_part(self) -> bool:
        return not isinstance(self.amount, numbers.Integral)

    def _count(self, size: int) -> int:
        """Return how many of `size` to prune."""
        count = round(self.amount * size) if self._is_part() else int(self.amount)
        if count > size:
            raise ValueError(f"amount={count} should be smaller than the number of parameters to prune={size}")
        return count


class Identity(BasePruningMethod):
    """Prunes nothing; makes the mask."""

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """Return the mask as it was."""
        return default_mask


class _Unstructured(_Part):
    PRUNING_TYPE = "unstructured"

    def _scores(self, t: Tensor) -> tuple[Tensor, bool]:
        """Return a score for each element, and whether the largest shall go."""
        raise abstract(self, "_scores")

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """Set the mask of the elements with the worst scores to 0."""
        count = self._count(t.numel())
        mask = default_mask.clone()
        if count:
            scores, largest = self._scores(t)
            mask.view(-1)[topk(scores.reshape(-1), count, largest=largest)[1]] = 0
        return mask


class RandomUnstructured(_Unstructured):
    """Prunes elements at random."""

    def _scores(self, t: Tensor) -> tuple[Tensor, bool]:
        return rand_like(t), True


class L1Unstructured(_Unstructured):
    """Prunes the elements of the smallest magnitude."""

    def _scores(self, t: Tensor) -> tuple[Tensor, bool]:
        return t.detach().abs(), False


class _Structured(_Part):
    PRUNING_TYPE = "structured"
    dim: int

    def _kept(self, t: Tensor, size: int, count: int) -> Any:
        """Return an index of the slices along `dim` that stay."""
        raise abstract(self, "_kept")

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """Set the mask of whole slices to 0."""
        if t.dim() <= 1:
            raise ValueError(
                "Structured pruning can only be applied to multidimensional tensors. Found tensor of shape "
                f"{t.shape} with {t.dim()} dims"
            )
        if self.dim >= t.dim():
            raise IndexError(f"Invalid index {self.dim} for tensor of size {t.shape}")
        size = t.shape[self.dim]
        count = self._count(size)
        if count == 0:
            return default_mask
        mask = zeros_like(t)
        mask[(slice(None),) * (self.dim % t.dim()) + (self._kept(t.detach(), size, count),)] = 1
        return mask * default_mask.to(dtype=mask.dtype)


class RandomStructured(_Structured):
    """Prunes slices along `dim` at random."""

    def __init__(self, amount: Any, dim: int = -1) -> None:
        super().__init__(amount)
        self.dim = dim

    def _kept(self, t: Tensor, size: int, count: int) -> Any:
        scores = rand(size)
        return scores > scores.kthvalue(count)[0]


class LnStructured(_Structured):
    """Prunes the slices along `dim` with the smallest norms of order n."""

    def __init__(self, amount: Any, n: Any, dim: int = -1) -> None:
        super().__init__(amount)
        self.n = n
        self.dim = dim

    def _kept(self, t: Tensor, size: int, count: int) -> Any:
        norms = t.norm(self.n, [d for d in range(t.dim()) if d != self.dim % t.dim()])
        return topk(norms, size - count)[1]


class CustomFromMask(BasePruningMethod):
    """Prunes by a mask that is given."""

    PRUNING_TYPE = "global"

    def __init__(self, mask: Tensor) -> None:
        self.mask = mask

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """Return the product of the two masks."""
        if default_mask.shape != self.mask.shape:
            raise AssertionError(
                f"default_mask shape {default_mask.shape} must match self.mask shape {self.mask.shape}"
            )
        return default_mask * self.mask.to(dtype=default_mask.dtype)
