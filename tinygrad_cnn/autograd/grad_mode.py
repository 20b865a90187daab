"""Whether operations are recorded: one flag a thread, as in `torch.autograd.grad_mode`."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])
_IS_GENERATOR = 0x20  # inspect.CO_GENERATOR; `inspect` itself takes longer to import than this package's Python files


class _Mode(threading.local):
    """The flag; a class attribute serves threads that have not set it."""

    enabled = True
    inference = False  # whether an inference_mode holds


mode = _Mode()


class _Anomaly:
    """Whether anomaly detection is on: one flag for all threads, as in PyTorch (see `autograd.anomaly`)."""

    enabled = False
    check_nan = True


anomaly = _Anomaly()


def is_grad_enabled() -> bool:
    """Return whether operations are recorded in this thread (`torch.is_grad_enabled`)."""
    return mode.enabled


class _GradMode:
    """A context manager and decorator that sets the flag to `self.value` and restores it."""

    value: bool

    def __enter__(self) -> None:
        self._before = mode.enabled
        mode.enabled = self.value

    def __exit__(self, *exception: object) -> None:
        mode.enabled = self._before

    def _clone(self) -> _GradMode:
        return type(self)()

    def __call__(self, function: F) -> F:
        """Decorate a function, or a generator function (the flag holds while its body runs)."""
        code = getattr(function, "__code__", None)
        if code is not None and code.co_flags & _IS_GENERATOR:

            @functools.wraps(function)
            def generator(*args: Any, **kwargs: Any) -> Any:
                iterator = function(*args, **kwargs)
                sent: Any = None
                while True:
                    with self._clone():
                        try:
                            value = iterator.send(sent)
                        except StopIteration as stop:
                            return stop.value
                    sent = yield value

            return generator  # type: ignore[return-value]

        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            with self._clone():
                return function(*args, **kwargs)

        return wrapper  # type: ignore[return-value]


class no_grad(_GradMode):
    """Record nothing inside (`torch.no_grad`): as `with no_grad():`, `@no_grad()` or `@no_grad`."""

    value = False

    def __new__(cls, function: Any = None) -> Any:
        """Accept the decorator without parentheses, too."""
        self = super().__new__(cls)
        return self(function) if function is not None else self

    def __init__(self, function: Any = None):
        pass


class enable_grad(_GradMode):
    """Record inside, even within `no_grad` (`torch.enable_grad`)."""

    value = True

    def __new__(cls, function: Any = None) -> Any:
        """Accept the decorator without parentheses, too."""
        self = super().__new__(cls)
        return self(function) if function is not None else self

    def __init__(self, function: Any = None):
        pass


class set_grad_enabled(_GradMode):
    """Set the flag at once, and restore it if used as a context manager (`torch.set_grad_enabled`)."""

    def __init__(self, mode: bool):
        if not isinstance(mode, bool):
            raise TypeError(
                f"set_grad_enabled(): argument 'enabled' (position 1) must be bool, not {type(mode).__name__}"
            )
        self.value = mode
        self._before = is_grad_enabled()
        self.__enter__()

    def __enter__(self) -> None:
        mode.enabled = self.value

    def _clone(self) -> _GradMode:
        return set_grad_enabled(self.value)

    def __call__(self, function: F) -> F:
        """Decorate a function: the flag is set only while it runs."""
        mode.enabled = self._before
        return super().__call__(function)


class inference_mode(_GradMode):
    """Record nothing inside (`torch.inference_mode`); tensors made inside are ordinary ones here."""

    def __new__(cls, mode: Any = True) -> Any:
        """Accept the decorator without parentheses, too."""
        return super().__new__(cls) if isinstance(mode, bool) else cls()(mode)

    def __init__(self, mode: bool = True):
        self.value = not mode

    def __enter__(self) -> None:
        super().__enter__()
        self._outer, mode.inference = mode.inference, not self.value

    def __exit__(self, *exception: object) -> None:
        super().__exit__(*exception)
        mode.inference = self._outer

    def _clone(self) -> _GradMode:
        return inference_mode(not self.value)


def is_inference_mode_enabled() -> bool:
    """Return whether this is inside an inference_mode (`torch.is_inference_mode_enabled`)."""
    return mode.inference
