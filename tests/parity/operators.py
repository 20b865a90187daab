"""One operation of PyTorch's own list (`OpInfo`), run on PyTorch's own inputs with both packages.

`python -m tests.parity.operators NAME...` says what holds for the operations whose names contain one of NAME.
"""

from __future__ import annotations

import re
import sys
import types
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import torch

import tinygrad_cnn as tc

from .lists import op_db
from .translate import DTYPES, Untranslatable, assert_same, leaves, ours

MOST_SAMPLES = 60  # of one operation and dtype; some lists have thousands, of which every n-th is taken
SEED = 42


def title(op: Any) -> str:
    """Return the name by which PyTorch's tests call it."""
    return op.full_name if hasattr(op, "full_name") else op.name


BY_TITLE = {title(op): op for op in op_db}


def resolve(root: Any, dotted: str) -> Any:
    """Return `root.a.b` for 'a.b', or None."""
    for name in dotted.split("."):
        root = getattr(root, name, None)
        if root is None:
            return None
    return root


def function_of(op: Any) -> Callable[..., Any] | None:
    """Return our function for an operation: of the same name, or its lambda with this package for `torch`."""
    if op.name == "nn.functional.embedding":  # the list gives the weight first
        return lambda weight, indices, **options: tc.nn.functional.embedding(indices, weight, **options)
    theirs = resolve(torch, op.name)
    if theirs is not None and (op.op is theirs or not isinstance(op.op, types.FunctionType)):
        return resolve(tc, op.name)
    if isinstance(op.op, types.FunctionType) and op.op.__name__ == "<lambda>":
        names = {**op.op.__globals__, "torch": tc}
        return types.FunctionType(op.op.__code__, names, op.name, op.op.__defaults__, op.op.__closure__)
    found = getattr(tc.Tensor, op.name, None)
    return found.fget if isinstance(found, property) else found


def seeded(function: Callable[..., Any], package: Any, *args: Any, **kwargs: Any) -> Any:
    """Call with the generator as it was for the other package, and no warnings."""
    package.manual_seed(SEED)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return function(*args, **kwargs)


def samples(op: Any, dtype: torch.dtype, requires_grad: bool, most: int | None = MOST_SAMPLES) -> list[Any]:
    """Return PyTorch's inputs for an operation, the same each time."""
    torch.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = list(op.sample_inputs("cpu", dtype, requires_grad=requires_grad))
    return made if most is None else made[:: max(1, -(-len(made) // most))]


class Case:
    """An input of an operation in both worlds."""

    def __init__(self, sample: Any):
        self.theirs = (sample.input, *sample.args), sample.kwargs
        self.ours = ours(self.theirs[0]), ours(sample.kwargs)
        self.process = sample.output_process_fn_grad

    def outcome(self, form: Callable[..., Any], package: Any) -> tuple[Any, Exception | None]:
        """Return (result, None) or (None, exception)."""
        args, kwargs = self.theirs if package is torch else self.ours
        try:
            return seeded(form, package, *args, **kwargs), None
        except Exception as error:
            return None, error

    def __str__(self) -> str:
        args, kwargs = self.theirs
        brief = [_brief(arg) for arg in args] + [f"{key}={_brief(value)}" for key, value in kwargs.items()]
        return f"({', '.join(brief)})"


def _brief(value: Any) -> str:
    if isinstance(value, torch.Tensor):
        dense = "" if value.is_contiguous() else ", strided"
        return f"<{str(value.dtype).removeprefix('torch.')} {list(value.shape)}{dense}>"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_brief, value))}]"
    return repr(value)


def cases(op: Any, dtype: torch.dtype, requires_grad: bool = False, most: int | None = MOST_SAMPLES) -> Iterator[Case]:
    """Yield the inputs that can be expressed here."""
    for sample in samples(op, dtype, requires_grad, most):
        try:
            yield Case(sample)
        except Untranslatable:
            continue


def check_forward(op: Any, dtype: torch.dtype, most: int | None = MOST_SAMPLES) -> int:
    """Compare the results of the function; return how many inputs there were."""
    form, count = function_of(op), 0
    for case in cases(op, dtype, most=most):
        _compare(form, op.op, case, f"{op.name}{case}")
        count += 1
    return count


def _compare(mine: Any, theirs: Any, case: Case, what: str) -> None:
    expected, error = case.outcome(theirs, torch)
    got, mistake = case.outcome(mine, tc)
    if error is not None:
        assert mistake is not None, f"{what}: returned, where PyTorch raises {error!r}"
        return
    if mistake is not None:
        raise AssertionError(f"{what}: {type(mistake).__name__}: {mistake}") from mistake
    if not _complex(expected):
        assert_same(got, expected, what)


def _complex(result: Any) -> bool:
    return any(
        tensor.dtype not in DTYPES or tensor.layout is not torch.strided for tensor in leaves(result, torch.Tensor)
    )


def check_forms(op: Any, dtype: torch.dtype) -> int:
    """Compare the method, the in-place method and `out=` on some of the inputs."""
    count = 0
    for case in list(cases(op, dtype, most=6)):
        for variant, suffix in ((op.method_variant, ""), (op.inplace_variant, "_")):
            name = getattr(variant, "__name__", "")
            if variant is None or not hasattr(torch.Tensor, name) or not isinstance(case.theirs[0][0], torch.Tensor):
                continue
            assert hasattr(tc.Tensor, name), f"Tensor.{name} is missing"
            fresh = Case(_Sample(case))
            _compare(getattr(tc.Tensor, name), variant, fresh, f"Tensor.{name}{case}")
            if suffix:
                assert_same(fresh.ours[0][0], fresh.theirs[0][0], f"the tensor changed by {name}{case}")
            count += 1
        if op.supports_out and "out" not in case.theirs[1]:
            count += _check_out(op, case)
    return count


class _Sample:
    """A sample with memory of its own, for calls that write."""

    def __init__(self, case: Case):
        args, kwargs = case.theirs
        self.input = args[0].clone() if isinstance(args[0], torch.Tensor) else args[0]
        self.args, self.kwargs, self.output_process_fn_grad = args[1:], kwargs, case.process


def _check_out(op: Any, case: Case) -> int:
    expected, error = case.outcome(op.op, torch)
    if error is not None or _complex(expected):
        return 0
    many = not isinstance(expected, torch.Tensor)
    targets = [torch.empty_like(tensor) for tensor in leaves(expected, torch.Tensor)]
    mine = [ours(target) for target in targets]
    args, kwargs = case.ours
    try:
        seeded(function_of(op), tc, *args, **kwargs, out=tuple(mine) if many else mine[0])
    except Exception as mistake:
        raise AssertionError(f"{op.name}{case} with out=: {type(mistake).__name__}: {mistake}") from mistake
    assert_same(mine, leaves(expected, torch.Tensor), f"{op.name}{case} with out=")
    return 1


def check_gradients(op: Any, most: int | None = MOST_SAMPLES) -> int:
    """Compare first gradients, and second ones where PyTorch has them, in float64."""
    form, count = function_of(op), 0
    for case in cases(op, torch.float64, requires_grad=True, most=most):
        expected, error = case.outcome(op.op, torch)
        if error is not None or _complex(expected):
            continue
        got, mistake = case.outcome(form, tc)
        if mistake is not None:
            raise AssertionError(f"{op.name}{case}: {type(mistake).__name__}: {mistake}") from mistake
        theirs = derivatives(torch, case.process(expected), case.theirs, op.supports_gradgrad)
        mine = derivatives(tc, case.process(got), case.ours, theirs[1] is not None and op.supports_gradgrad)
        assert_derivatives(mine, theirs, f"{op.name}{case}")
        count += 1
    return count


def _weighted_sum(package: Any, tensors: list[Any]) -> Any:
    """Return a sum of all elements with weights that differ, so that every element's gradient is seen."""
    total = None
    for k, tensor in enumerate(tensors):
        weights = package.arange(1, tensor.numel() + 1, dtype=package.float64).reshape(tuple(tensor.shape))
        part = (tensor * (weights * 0.37 + k).cos()).sum()
        total = part if total is None else total + part
    return total


def derivatives(package: Any, result: Any, inputs: Any, second: bool) -> tuple[list[Any], list[Any] | None]:
    """Return first and second gradients of a result; None for the second where PyTorch has none for this input."""
    wanted = [tensor for tensor in leaves(inputs, package.Tensor) if tensor.requires_grad]
    outputs = [tensor for tensor in leaves(result, package.Tensor) if tensor.requires_grad]
    if not wanted or not outputs:
        return [], []
    grads = package.autograd.grad(
        _weighted_sum(package, outputs), wanted, create_graph=second, allow_unused=True, materialize_grads=False
    )
    again = [grad for grad in grads if grad is not None and grad.requires_grad]
    if not second:
        return _zeros_for_none(package, grads, wanted), []
    twice: Any = [None] * len(wanted)
    if again:
        try:
            twice = package.autograd.grad(_weighted_sum(package, again), wanted, allow_unused=True)
        except RuntimeError as error:
            if package is torch and "derivative for" in str(error):
                return _zeros_for_none(package, grads, wanted), None
            raise
    return _zeros_for_none(package, grads, wanted), _zeros_for_none(package, twice, wanted)


def assert_derivatives(mine: Any, theirs: Any, what: str) -> None:
    """Compare what `derivatives` returned for both packages."""
    tolerance = (1e-6, 1e-6)
    assert_same(mine[0], theirs[0], f"gradients of {what}", tolerance)
    if theirs[1] is not None:
        assert_same(mine[1], theirs[1], f"second gradients of {what}", tolerance)


def _zeros_for_none(package: Any, grads: Any, inputs: list[Any]) -> list[Any]:
    """Return the gradients, zeros where there is none: whether a zero is made or not is nobody's business."""
    return [package.zeros_like(x) if grad is None else grad.detach() for grad, x in zip(grads, inputs, strict=True)]


def check_errors(op: Any) -> int:
    """Compare what bad inputs raise: PyTorch's type, and its message as its own tests describe it."""
    if op.error_inputs_func is None:
        return 0
    form, count = function_of(op), 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        errors = list(op.error_inputs("cpu"))
    for bad in errors:
        try:
            case = Case(bad.sample_input)
        except Untranslatable:
            continue
        what = f"{op.name}{case}"
        if case.outcome(op.op, torch)[1] is None:
            continue  # the list is out of date
        _, mistake = case.outcome(form, tc)
        assert mistake is not None, f"{what}: returned, where PyTorch raises {bad.error_type} {bad.error_regex!r}"
        assert isinstance(mistake, bad.error_type), f"{what}: {mistake!r}, expected {bad.error_type}"
        if "invalid combination" not in bad.error_regex and "INTERNAL" not in bad.error_regex:
            assert re.search(bad.error_regex, str(mistake)), f"{what}: {mistake!r}, expected {bad.error_regex!r}"
        count += 1
    return count


def dtypes_of(op: Any) -> list[torch.dtype]:
    """Return the dtypes that the operation takes in PyTorch and that exist here."""
    return [dtype for dtype in DTYPES if dtype in op.supported_dtypes("cpu")]


def checks(op: Any, most: int | None = MOST_SAMPLES) -> Iterator[tuple[str, Callable[[], int]]]:
    """Yield what is checked of an operation: (name, function that raises AssertionError)."""
    for dtype in dtypes_of(op):
        name = str(dtype).removeprefix("torch.")
        yield f"forward {name}", lambda dtype=dtype: check_forward(op, dtype, most)
    floats = [dtype for dtype in (torch.float64, torch.int64) if dtype in dtypes_of(op)]
    if floats:
        yield "forms", lambda: check_forms(op, floats[0])
    if op.supports_autograd and torch.float64 in op.supported_backward_dtypes("cpu"):
        yield "gradients", lambda: check_gradients(op, most)
    yield "errors", lambda: check_errors(op)


def report(
    names: list[str], found: dict[str, Any], missing: Callable[[Any], bool], checked: Callable[..., Any]
) -> None:
    """Print what holds, and what does not, of all entries whose titles contain one of the names."""
    good = bad = 0
    for title, entry in found.items():
        if names and not any(name in title for name in names):
            continue
        failures = ["    missing"] if missing(entry) else []
        for name, check in checked(entry) if not failures else ():
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    check()
            except Exception as error:
                failures.append(f"    {name}: {type(error).__name__}: {' '.join(str(error).split())[:300]}")
        good, bad = good + (not failures), bad + bool(failures)
        print(f"{'FAILS  ' if failures else 'ok     '} {title}", *failures, sep="\n" if failures else "")
    print(f"{good} hold, {bad} do not")


if __name__ == "__main__":
    report(sys.argv[1:], BY_TITLE, lambda op: function_of(op) is None, checks)
