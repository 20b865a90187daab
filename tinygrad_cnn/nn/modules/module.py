"""Module: what a network is made of. Attributes that are parameters, buffers and modules are registered by name."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from types import FunctionType
from typing import TYPE_CHECKING, Any

from tinygrad_cnn.autograd.waiting import calls, settle_all
from tinygrad_cnn.nn.modules import _hooks
from tinygrad_cnn.nn.modules._convert import Convert
from tinygrad_cnn.nn.modules._errors import add_module_path
from tinygrad_cnn.nn.modules._hooks import (
    ModuleHooks,
    register_module_backward_hook,
    register_module_buffer_registration_hook,
    register_module_forward_hook,
    register_module_forward_pre_hook,
    register_module_full_backward_hook,
    register_module_full_backward_pre_hook,
    register_module_module_registration_hook,
    register_module_parameter_registration_hook,
    run_registration_hooks,
)
from tinygrad_cnn.nn.modules._state_dict import StateDict
from tinygrad_cnn.nn.parameter import Buffer, Parameter, typename
from tinygrad_cnn.tensor import Tensor

if TYPE_CHECKING:
    pass

__all__ = [
    "Module",
    "register_module_backward_hook",
    "register_module_buffer_registration_hook",
    "register_module_forward_hook",
    "register_module_forward_pre_hook",
    "register_module_full_backward_hook",
    "register_module_full_backward_pre_hook",
    "register_module_module_registration_hook",
    "register_module_parameter_registration_hook",
]

_HOOK_REGISTERS = (
    "_backward_pre_hooks",
    "_backward_hooks",
    "_forward_hooks",
    "_forward_hooks_with_kwargs",
    "_forward_hooks_always_called",
    "_forward_pre_hooks",
    "_forward_pre_hooks_with_kwargs",
    "_state_dict_hooks",
    "_state_dict_pre_hooks",
    "_load_state_dict_pre_hooks",
    "_load_state_dict_post_hooks",
)


def _forward_unimplemented(self: Any, *input: Any) -> None:
    """Define the computation of the module; every subclass overrides this."""
    raise NotImplementedError(f'Module [{type(self).__name__}] is missing the required "forward" function')


def _renamed(function: FunctionType, qualname: str) -> FunctionType:
    """Return the same function under another name; `super()` in it goes on from the class that it was written in."""
    copy = FunctionType(
        function.__code__, function.__globals__, function.__name__, function.__defaults__, function.__closure__
    )
    copy.__dict__.update(function.__dict__)
    copy.__kwdefaults__, copy.__annotations__ = function.__kwdefaults__, function.__annotations__
    copy.__doc__, copy.__module__, copy.__qualname__ = function.__doc__, function.__module__, qualname
    return copy


class Module(StateDict, ModuleHooks, Convert):
    """The base of all layers and networks (`torch.nn.Module`).

    Assign Parameters, Buffers and Modules as attributes after `super().__init__()`: they are found by `parameters()`,
    `buffers()`, `modules()` and `state_dict()`. Define `forward`, call the module itself. An exception that leaves a
    call tells, in a note, the dotted path of the module in which it arose.
    """

    call_super_init: bool = False
    forward: Callable[..., Any] = _forward_unimplemented

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Give a public layer methods of its own name where a private base defines them: errors of Python's name it."""
        super().__init_subclass__(**kwargs)
        if cls.__name__.startswith("_"):
            return
        for name in ("__init__", "forward"):
            method = getattr(cls, name)
            base = getattr(method, "__qualname__", "").partition(".")[0]
            if name not in cls.__dict__ and base.startswith("_") and isinstance(method, FunctionType):
                setattr(cls, name, _renamed(method, f"{cls.__name__}.{name}"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if not self.call_super_init and kwargs:
            raise TypeError(
                f"{type(self).__name__}.__init__() got an unexpected keyword argument '{next(iter(kwargs))}'"
            )
        if not self.call_super_init and args:
            raise TypeError(
                f"{type(self).__name__}.__init__() takes 1 positional argument but {len(args) + 1} were given"
            )
        # Straight into the dictionary: __setattr__ looks at registers that do not exist yet.
        state: dict[str, Any] = self.__dict__
        state["training"] = True
        state["_parameters"] = {}
        state["_buffers"] = {}
        state["_non_persistent_buffers_set"] = set()
        state["_modules"] = {}
        for name in _HOOK_REGISTERS:
            state[name] = OrderedDict()
        if self.call_super_init:
            super().__init__(*args, **kwargs)

    # ---------------------------------------------------------------- calling

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call `forward` with the hooks around it."""
        hooked = self._forward_pre_hooks or self._forward_hooks or self._backward_pre_hooks or self._backward_hooks
        call = self._call_impl if hooked or _hooks.GLOBAL.calls else self.forward
        try:
            if calls.depth:
                return call(*args, **kwargs)
            calls.depth = 1
            try:
                result = call(*args, **kwargs)
                if calls.waiting:
                    settle_all()
                return result
            finally:
                calls.depth = 0
        except Exception as error:
            add_module_path(error, self, (*args, *kwargs.values()))
            raise

    # ---------------------------------------------------------------- registering

    def _check_name(self, kind: str, name: str, register: dict[str, Any]) -> None:
        if not isinstance(name, str):
            raise TypeError(f"{kind} name should be a string. Got {typename(name)}")
        if kind != "module" and "." in name:
            raise KeyError(f'{kind} name can\'t contain "."')
        if kind != "module" and name == "":
            raise KeyError(f'{kind} name can\'t be empty string ""')
        if hasattr(self, name) and name not in register:
            raise KeyError(f"attribute '{name}' already exists")
        if "." in name:
            raise KeyError(f'{kind} name can\'t contain ".", got: {name}')
        if name == "":
            raise KeyError(f'{kind} name can\'t be empty string ""')

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Register a tensor that is state but no parameter (BatchNorm's running mean), reachable as an attribute.

        persistent: whether it is part of the state_dict. Raises KeyError for a name that is taken, empty or has a dot,
        TypeError if `tensor` is neither a Tensor nor None.
        """
        if "_buffers" not in self.__dict__:
            raise AttributeError("cannot assign buffer before Module.__init__() call")
        self._check_name("buffer", name, self._buffers)
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(
                f"cannot assign '{typename(tensor)}' object to buffer '{name}' (torch Tensor or None required)"
            )
        self._buffers[name] = run_registration_hooks(_hooks.GLOBAL.buffer_registration, self, name, tensor)
        if persistent:
            self._non_persistent_buffers_set.discard(name)
        else:
            self._non_persistent_buffers_set.add(name)

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Register a parameter, reachable as an attribute.

        Raises KeyError for a name that is taken, empty or has a dot, TypeError if `param` is neither a Parameter nor
        None, ValueError if it is the result of an operation.
        """
        if "_parameters" not in self.__dict__:
            raise AttributeError("cannot assign parameter before Module.__init__() call")
        self._check_name("parameter", name, self._parameters)
        if param is None:
            self._parameters[name] = None
            return
        if not isinstance(param, Parameter):
            raise TypeError(
                f"cannot assign '{typename(param)}' object to parameter '{name}' (torch.nn.Parameter or None required)"
            )
        if param.grad_fn is not None:
            raise ValueError(
                f"Cannot assign non-leaf Tensor to parameter '{name}'. Model parameters must be created explicitly. To "
                f"express '{name}' as a function of another Tensor, compute the value in the forward() method."
            )
        self._parameters[name] = run_registration_hooks(_hooks.GLOBAL.parameter_registration, self, name, param)

    def add_module(self, name: str, module: Module | None) -> None:
        """Register a child module, reachable as an attribute.

        Raises TypeError if `module` is neither a Module nor None, KeyError for a name that is taken, empty or has a
        dot.
        """
        if not isinstance(module, Module) and module is not None:
            raise TypeError(f"{typename(module)} is not a Module subclass")
        if "_modules" not in self.__dict__:
            raise AttributeError("cannot assign module before Module.__init__() call")
        self._check_name("module", name, self._modules)
        self._modules[name] = run_registration_hooks(_hooks.GLOBAL.module_registration, self, name, module)

    def register_module(self, name: str, module: Module | None) -> None:
        """Register a child module: another name of add_module."""
        self.add_module(name, module)

    # ---------------------------------------------------------------- attributes

    def __getattr__(self, name: str) -> Any:
        # Written out: a forward reads each of its layers and parameters here. Before __init__ there are no registers.
        state = self.__dict__
        if "_modules" in state:
            found = state["_parameters"]
            if name in found:
                return found[name]
            found = state["_modules"]
            if name in found:
                return found[name]
            found = state["_buffers"]
            if name in found:
                return found[name]
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def _weight_and_bias(self) -> tuple[Any, Any]:
        """Return what `self.weight` and `self.bias` are, for the forward of a layer: without __getattr__, which Python
        calls only after it has looked everywhere else and made an error of it."""
        parameters = self.__dict__["_parameters"]
        try:
            return parameters["weight"], parameters["bias"]
        except KeyError:  # somebody put something else in the place of a parameter
            return self.weight, self.bias

    def _forget(self, name: str, *registers: Any) -> None:
        """Drop `name` wherever it is registered, before it is registered as something else."""
        for register in registers:
            if isinstance(register, dict):
                register.pop(name, None)
            else:
                register.discard(name)

    def __setattr__(self, name: str, value: Any) -> None:
        state = self.__dict__
        parameters, modules, buffers = state.get("_parameters"), state.get("_modules"), state.get("_buffers")
        if isinstance(value, Parameter):
            if parameters is None:
                raise AttributeError("cannot assign parameters before Module.__init__() call")
            self._forget(name, state, self._buffers, self._modules, self._non_persistent_buffers_set)
            self.register_parameter(name, value)
        elif parameters is not None and name in parameters:
            if value is not None:
                raise TypeError(
                    f"cannot assign '{typename(value)}' as parameter '{name}' (torch.nn.Parameter or None expected)"
                )
            self.register_parameter(name, value)
        elif isinstance(value, Module) or (modules is not None and name in modules):
            self._set_module(name, value, modules)
        elif isinstance(value, Buffer) or (buffers is not None and name in buffers):
            self._set_buffer(name, value)
        else:
            object.__setattr__(self, name, value)

    def _set_module(self, name: str, value: Any, modules: dict[str, Any] | None) -> None:
        if modules is None:
            raise AttributeError("cannot assign module before Module.__init__() call")
        if isinstance(value, Module):
            self._forget(name, self.__dict__, self._parameters, self._buffers, self._non_persistent_buffers_set)
        elif value is not None:
            raise TypeError(
                f"cannot assign '{typename(value)}' as child module '{name}' (torch.nn.Module or None expected)"
            )
        modules[name] = run_registration_hooks(_hooks.GLOBAL.module_registration, self, name, value)

    def _set_buffer(self, name: str, value: Any) -> None:
        if value is not None and not isinstance(value, Tensor):
            raise TypeError(
                f"cannot assign '{typename(value)}' as buffer '{name}' (torch.nn.Buffer, torch.Tensor or None expected)"
            )
        persistent = value.persistent if isinstance(value, Buffer) else name not in self._non_persistent_buffers_set
        self.register_buffer(name, value, persistent)

    def __delattr__(self, name: str) -> None:
        for register in (self._parameters, self._buffers, self._modules):
            if name in register:
                del register[name]
                self._non_persistent_buffers_set.discard(name)
                return
        super().__delattr__(name)

    def __dir__(self) -> list[str]:
        names = {*dir(type(self)), *self.__dict__, *self._parameters, *self._modules, *self._buffers}
        return sorted(name for name in names if not name[0].isdigit())

    def __setstate__(self, state: dict[str, Any]) -> None:
        # Modules that an older PyTorch has pickled lack what was added since.
        self.__dict__.update({**Module().__dict__, **state})

    # ---------------------------------------------------------------- printing

    def extra_repr(self) -> str:
        """Return what `repr` prints inside the brackets: the arguments of the layer; override it."""
        return ""

    def __repr__(self) -> str:
        extra = self.extra_repr()
        extra_lines = extra.split("\n") if extra else []
        child_lines = [f"({name}): {indent(repr(module))}" for name, module in self._modules.items()]
        if len(extra_lines) == 1 and not child_lines:
            return f"{self._get_name()}({extra_lines[0]})"
        lines = extra_lines + child_lines
        body = "\n  " + "\n  ".join(lines) + "\n" if lines else ""
        return f"{self._get_name()}({body})"


def indent(text: str, spaces: int = 2) -> str:
    """Return `text` with all lines but the first indented; blank lines stay empty."""
    first, *rest = text.split("\n")
    return "\n".join([first, *(" " * spaces + line if line.strip() else "" for line in rest)])
