"""Modules that learn the size of their input from the first one: LazyModuleMixin, and LazyLinear."""

from __future__ import annotations

from itertools import chain
from typing import Any, ClassVar

from tinygrad_cnn.nn.modules._tree import ModuleTree
from tinygrad_cnn.nn.modules.linear import Linear
from tinygrad_cnn.nn.parameter import UninitializedParameter, is_lazy
from tinygrad_cnn.tensor import Tensor

__all__ = ["LazyLinear", "LazyModuleMixin"]


class LazyModuleMixin(ModuleTree):
    """The first base of a module with uninitialized parameters (`torch.nn.modules.lazy.LazyModuleMixin`).

    Before the first forward `initialize_parameters(*args, **kwargs)`, which the module defines, gives them their
    shapes; then the module becomes one of class `cls_to_become`. Loading a state_dict gives them shapes, too.
    """

    cls_to_become: type[Any] | None = None
    _initialize_hook: Any
    _load_hook: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._load_hook = self._register_load_state_dict_pre_hook(self._lazy_load_hook)  # type: ignore[attr-defined]
        self._initialize_hook = self.register_forward_pre_hook(  # type: ignore[attr-defined]
            self._infer_parameters, with_kwargs=True
        )

    def _lazy_load_hook(self, state_dict: Any, prefix: str, *unused: Any) -> None:
        """Give what is uninitialized here and not in `state_dict` the shape that it has there."""
        for name, param in chain(self._parameters.items(), self._buffers.items()):
            value = state_dict.get(prefix + name)
            if is_lazy(param) and value is not None and not is_lazy(value):
                param.materialize(value.shape)  # type: ignore[union-attr]

    def initialize_parameters(self, *args: Any, **kwargs: Any) -> None:
        """Materialize all parameters and buffers for these arguments of forward, and draw them; to be overridden."""
        raise NotImplementedError(f"initialize_parameters is not implemented for {type(self).__name__}")

    def has_uninitialized_params(self) -> bool:
        """Return whether a parameter or buffer has no shape yet."""
        return any(is_lazy(param) for param in chain(self._parameters.values(), self._buffers.values()))

    def _infer_parameters(self, module: Any, args: Any, kwargs: Any = None) -> None:
        """Before the first forward: initialize, remove the hooks, and become an ordinary module."""
        module.initialize_parameters(*args, **(kwargs or {}))
        if module.has_uninitialized_params():
            raise RuntimeError(f"module {self._get_name()} has not been fully initialized")
        module._initialize_hook.remove()
        module._load_hook.remove()
        del module._initialize_hook, module._load_hook
        if module.cls_to_become is not None:
            module.__class__ = module.cls_to_become


class Lazy(LazyModuleMixin):
    """A layer whose attribute `inferred`, the size of its input, is 0 until the first one comes."""

    inferred: ClassVar[str]

    def reset_parameters(self) -> None:
        """Draw all parameters anew, once they have shapes: the constructor calls this before."""
        if not self.has_uninitialized_params() and getattr(self, self.inferred):
            super().reset_parameters()  # type: ignore[misc]

    def _materialize(self, size: int, shapes: dict[str, tuple[int, ...]]) -> None:
        """Set the size, give the parameters and buffers that have none their shapes, and draw them. After a state was
        loaded only the size is missing; PyTorch leaves it 0 then."""
        setattr(self, self.inferred, size)
        if not self.has_uninitialized_params():
            return
        for name, shape in shapes.items():
            param = getattr(self, name)
            if is_lazy(param):
                param.materialize(shape)
        self.reset_parameters()


class LazyLinear(Lazy, Linear):
    """A Linear whose in_features are those of its first input."""

    cls_to_become = Linear
    inferred = "in_features"

    def __init__(self, out_features: int, bias: bool = True, device: Any = None, dtype: Any = None) -> None:
        super().__init__(0, 0, False)
        self.weight = UninitializedParameter(device=device, dtype=dtype)
        self.out_features = out_features
        if bias:
            self.bias = UninitializedParameter(device=device, dtype=dtype)

    def initialize_parameters(self, input: Tensor) -> None:
        """Take in_features from the last dimension of the input."""
        features = input.shape[-1]
        if self.has_uninitialized_params():
            self._materialize(features, {"weight": (self.out_features, features), "bias": (self.out_features,)})
        elif self.in_features == 0:  # the weight was loaded
            if features != self.weight.shape[-1]:
                raise AssertionError(
                    f"The in_features inferred from input: {features} is not equal to in_features from self.weight: "
                    f"{self.weight.shape[-1]}"
                )
            self.in_features = features
