"""Hooks of modules: their registers, and the call that runs them around `forward`."""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from tinygrad_cnn.autograd.deferred import compute
from tinygrad_cnn.nn.modules._backward_hooks import BackwardHooks, hook_last_node, only_full
from tinygrad_cnn.nn.modules._tree import ModuleTree
from tinygrad_cnn.utils.hooks import RemovableHandle, register

Hooks = OrderedDict[int, Callable[..., Any]]


class GlobalHooks:
    """The hooks that concern every module; `calls` has an entry for each that makes a call take the long way."""

    def __init__(self) -> None:
        self.forward_pre: Hooks = OrderedDict()
        self.forward: Hooks = OrderedDict()
        self.forward_with_kwargs: OrderedDict[int, bool] = OrderedDict()
        self.forward_always: OrderedDict[int, bool] = OrderedDict()
        self.backward_pre: Hooks = OrderedDict()
        self.backward: Hooks = OrderedDict()
        self.is_full: bool | None = None  # of `backward`: full hooks, or the old ones
        self.calls: OrderedDict[int, bool] = OrderedDict()
        self.buffer_registration: Hooks = OrderedDict()
        self.module_registration: Hooks = OrderedDict()
        self.parameter_registration: Hooks = OrderedDict()


GLOBAL = GlobalHooks()


def run_registration_hooks(hooks: Hooks, module: Any, name: str, value: Any) -> Any:
    """Let each hook of a registration replace the value that is about to be registered."""
    for hook in hooks.values():
        result = hook(module, name, value)
        if result is not None:
            value = result
    return value


class ModuleHooks(ModuleTree):
    """The part of Module that registers hooks and calls `forward` among them."""

    forward: Callable[..., Any]
    _forward_pre_hooks: Hooks
    _forward_pre_hooks_with_kwargs: OrderedDict[int, bool]
    _forward_hooks: Hooks
    _forward_hooks_with_kwargs: OrderedDict[int, bool]
    _forward_hooks_always_called: OrderedDict[int, bool]
    _backward_pre_hooks: Hooks
    _backward_hooks: Hooks
    _is_full_backward_hook: bool | None = None

    # ---------------------------------------------------------------- registering

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Call `hook(module, args)` before forward; what it returns (a tuple, or one value) replaces the arguments.

        with_kwargs: call `hook(module, args, kwargs)`, which returns None or (args, kwargs). prepend: before the hooks
        that are there already.
        """
        flags = (self._forward_pre_hooks_with_kwargs,) if with_kwargs else ()
        return register(self._forward_pre_hooks, hook, prepend, flags)

    def register_forward_hook(
        self,
        hook: Callable[..., Any],
        *,
        prepend: bool = False,
        with_kwargs: bool = False,
        always_call: bool = False,
    ) -> RemovableHandle:
        """Call `hook(module, args, output)` after forward; what it returns, if not None, replaces the output.

        with_kwargs: call `hook(module, args, kwargs, output)`. always_call: also when forward raised.
        """
        flags: tuple[Any, ...] = (self._forward_hooks_with_kwargs,) if with_kwargs else ()
        flags += (self._forward_hooks_always_called,) if always_call else ()
        return register(self._forward_hooks, hook, prepend, flags)

    def register_full_backward_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call `hook(module, grad_output)` when the gradients of the output are known; it may return others."""
        return register(self._backward_pre_hooks, hook, prepend)

    def register_full_backward_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call `hook(module, grad_input, grad_output)` when the gradients of the inputs are known.

        Both are tuples, None for arguments that are no tensors; the hook may return other gradients of the inputs.
        Only positional arguments count. If no input requires a gradient, it is called, with a warning, when the
        gradients of the outputs are known. RuntimeError if there are hooks of register_backward_hook.
        """
        self._is_full_backward_hook = only_full(self._is_full_backward_hook, True, "on a single Module")
        return register(self._backward_hooks, hook, prepend)

    def register_backward_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call `hook(module, grad_input, grad_output)` with the gradients of the last node that forward made.

        The old form of register_full_backward_hook, which sees the module's own inputs only if forward is one
        operation; warnings say what is missing. RuntimeError if there are full hooks.
        """
        self._is_full_backward_hook = only_full(self._is_full_backward_hook, False, "on a single Module")
        return register(self._backward_hooks, hook)

    # ---------------------------------------------------------------- calling

    def _call_impl(self, *args: Any, **kwargs: Any) -> Any:
        """Call forward and the hooks around it; `Module.__call__` has seen that there are some."""
        state = _Call(self, args, kwargs)
        try:
            state.run()
        except Exception:
            state.run_remaining()
            raise
        return state.result


class _Call:
    """One call of a module with hooks: what it got, what came out so far, which always-called hooks have run."""

    def __init__(self, module: ModuleHooks, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.module, self.args, self.kwargs = module, args, kwargs
        self.result: Any = None
        self.done: set[int] = set()

    def run(self) -> None:
        """Pre-hooks, forward, hooks."""
        module = self.module
        for key, hook in (*GLOBAL.forward_pre.items(), *module._forward_pre_hooks.items()):
            self.run_pre_hook(hook, key in module._forward_pre_hooks_with_kwargs)
        backward = None
        full, old = self.backward_hooks()
        pre = [*GLOBAL.backward_pre.values(), *module._backward_pre_hooks.values()]
        if full or pre:
            backward = BackwardHooks(module, full, pre)
            self.args = backward.wrap_inputs(self.args)
        self.result = module.forward(*self.args, **self.kwargs)
        for key, hook in self.forward_hooks():
            self.done.add(key)
            self.run_hook(key, hook)
        if backward is not None:
            self.result = backward.wrap_outputs(self.result)
        if old:
            hook_last_node(module, old, self.args, self.result)

    def backward_hooks(self) -> tuple[list[Callable[..., Any]], list[Callable[..., Any]]]:
        """The full backward hooks, and the old ones."""
        found: tuple[list[Any], list[Any]] = [], []
        for is_full, hooks in (
            (GLOBAL.is_full, GLOBAL.backward),
            (self.module._is_full_backward_hook, self.module._backward_hooks),
        ):
            found[is_full is False].extend(hooks.values())
        return found

    def forward_hooks(self) -> list[tuple[int, Callable[..., Any]]]:
        """The forward hooks in the order in which they run."""
        return [*GLOBAL.forward.items(), *self.module._forward_hooks.items()]

    def run_pre_hook(self, hook: Callable[..., Any], with_kwargs: bool) -> None:
        """Run one pre-hook and take over the arguments that it returns."""
        compute(self.args)
        if not with_kwargs:
            new = hook(self.module, self.args)
            if new is not None:
                self.args = new if isinstance(new, tuple) else (new,)
            return
        new = hook(self.module, self.args, self.kwargs)
        if new is None:
            return
        if not (isinstance(new, tuple) and len(new) == 2):
            raise RuntimeError(
                f"forward pre-hook must return None or a tuple of (new_args, new_kwargs), but got {new}."
            )
        self.args, self.kwargs = new

    def run_hook(self, key: int, hook: Callable[..., Any]) -> None:
        """Run one forward hook and take over the result that it returns."""
        compute(self.args)
        compute((self.result,))
        if key in self.module._forward_hooks_with_kwargs or key in GLOBAL.forward_with_kwargs:
            new = hook(self.module, self.args, self.kwargs, self.result)
        else:
            new = hook(self.module, self.args, self.result)
        if new is not None:
            self.result = new

    def run_remaining(self) -> None:
        """After an exception: run the hooks that are always called and have not been yet."""
        for key, hook in self.forward_hooks():
            is_global = key in GLOBAL.forward_always
            if key in self.done or not (is_global or key in self.module._forward_hooks_always_called):
                continue
            try:
                self.run_hook(key, hook)
            except Exception as error:
                kind = "global module forward hook" if is_global else "module forward hook"
                warnings.warn(
                    f"{kind} with ``always_call=True`` raised an exception that was silenced as another error was "
                    f"raised in forward: {error!s}",
                    stacklevel=2,
                )


# ---------------------------------------------------------------- hooks of every module


def register_module_forward_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call `hook(module, args)` before the forward of every module."""
    return register(GLOBAL.forward_pre, hook, flags=(GLOBAL.calls,))


def register_module_forward_hook(
    hook: Callable[..., Any], *, with_kwargs: bool = False, always_call: bool = False
) -> RemovableHandle:
    """Call `hook(module, args, output)` after the forward of every module."""
    flags: tuple[Any, ...] = (GLOBAL.calls, GLOBAL.forward_with_kwargs) if with_kwargs else (GLOBAL.calls,)
    flags += (GLOBAL.forward_always,) if always_call else ()
    return register(GLOBAL.forward, hook, flags=flags)


def register_module_full_backward_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call `hook(module, grad_output)` in the backward of every module."""
    return register(GLOBAL.backward_pre, hook, flags=(GLOBAL.calls,))


def register_module_full_backward_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call `hook(module, grad_input, grad_output)` in the backward of every module. RuntimeError if there are hooks of
    register_module_backward_hook."""
    GLOBAL.is_full = only_full(GLOBAL.is_full, True, "as a global Module hook")
    return register(GLOBAL.backward, hook, flags=(GLOBAL.calls,))


def register_module_backward_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call `hook(module, grad_input, grad_output)` in the backward of every module's last node, see
    Module.register_backward_hook."""
    GLOBAL.is_full = only_full(GLOBAL.is_full, False, "as a global Module hook")
    return register(GLOBAL.backward, hook, flags=(GLOBAL.calls,))


def register_module_buffer_registration_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call `hook(module, name, buffer)` whenever a buffer is registered; it may return another."""
    return register(GLOBAL.buffer_registration, hook)


def register_module_module_registration_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call `hook(module, name, submodule)` whenever a child is registered; it may return another."""
    return register(GLOBAL.module_registration, hook)


def register_module_parameter_registration_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call `hook(module, name, parameter)` whenever a parameter is registered; it may return another."""
    return register(GLOBAL.parameter_registration, hook)
