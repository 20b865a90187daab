"""Gradients checked against finite differences: `torch.autograd.gradcheck` and `gradgradcheck`.

Numerical: central differences of the function, one input element at a time, or (fast_mode) along one random direction.
Analytical: one backward pass for each output element, or one for a random weighting of all outputs. The two must agree
to `atol + rtol * |numerical|`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_cnn.tensor import Tensor, wrap

from .differences import Check, GradcheckError, tensors_of
from .engine import grad

__all__ = ["GradcheckError", "gradcheck", "gradgradcheck"]


def gradcheck(
    func: Callable[..., Any],
    inputs: Any,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_batched_forward_grad: bool = False,
    check_forward_ad: bool = False,
    check_backward_ad: bool = True,
    fast_mode: bool = False,
    masked: bool | None = None,
) -> bool:
    """Return True if the gradients of func(*inputs) by the inputs that require them are right
    (`torch.autograd.gradcheck`).

    Otherwise raises GradcheckError, or returns False without `raise_exception`. Inputs should be float64, or the step
    `eps` is too small: other dtypes get a warning. `nondet_tol`: how much two backward passes may differ. Each output
    is checked by itself, so backward must take None for the gradients of the others (`check_undefined_grad` changes
    nothing). Gradients have their inputs' dtypes: the engine sees to it (`check_grad_dtypes` changes nothing).
    Forward-mode and batched checks raise NotImplementedError. Raises ValueError if no input requires a gradient.
    """
    for name, asked in (
        ("check_batched_grad", check_batched_grad),
        ("check_batched_forward_grad", check_batched_forward_grad),
        ("check_forward_ad", check_forward_ad),
    ):
        if asked:
            raise NotImplementedError(f"gradcheck: {name}=True is not implemented")
    args = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
    try:
        wanted = _check_inputs(args)
        check = Check(func, args, wanted, eps, atol, rtol, nondet_tol)
        check.outputs_without_gradient()
        if check_backward_ad:
            check.fast() if fast_mode else check.slow()
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def _check_inputs(args: tuple[Any, ...]) -> list[int]:
    """Return the positions of the inputs that require gradients."""
    wanted = [i for i, arg in enumerate(args) if isinstance(arg, Tensor) and arg.requires_grad]
    if not wanted:
        raise ValueError(
            "gradcheck expects at least one input tensor to require gradient, but none of the them have "
            "requires_grad=True."
        )
    for i in wanted:
        array = args[i]._array
        if array.dtype != np.float64:
            warnings.warn(
                f"Input #{i} requires gradient and is not a double precision floating point or complex. This check "
                "will likely fail if all the inputs are not of double precision floating point or complex. ",
                stacklevel=3,
            )
        if any(step == 0 and size > 1 for step, size in zip(array.strides, array.shape, strict=True)):
            raise RuntimeError(
                f"The {i}th input has a dimension with stride 0. gradcheck only supports inputs that are "
                "non-overlapping to be able to compute the numerical gradients correctly. You should call .contiguous "
                "on the input before passing it to gradcheck."
            )
    return wanted


def gradgradcheck(
    func: Callable[..., Any],
    inputs: Any,
    grad_outputs: Any = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    gen_non_contig_grad_outputs: bool = False,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_fwd_over_rev: bool = False,
    check_rev_over_rev: bool = True,
    fast_mode: bool = False,
    masked: bool = False,
) -> bool:
    """Return True if the gradients of the gradients are right (`torch.autograd.gradgradcheck`); otherwise as
    `gradcheck`.

    Checked is the function that maps inputs and `grad_outputs` (random if not given) to the first gradients.
    """
    if check_fwd_over_rev:
        raise NotImplementedError("gradgradcheck: check_fwd_over_rev=True is not implemented")
    args = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
    if grad_outputs is None:
        seeds = _random_seeds(tensors_of(func(*args)), gen_non_contig_grad_outputs)
    else:
        seeds = (grad_outputs,) if isinstance(grad_outputs, Tensor) else tuple(grad_outputs)

    def first_gradients(*values: Any) -> tuple[Tensor, ...]:
        arguments, weights = values[: len(args)], values[len(args) :]
        wanted = [value for value in arguments if isinstance(value, Tensor) and value.requires_grad]
        outputs = [out for out in tensors_of(func(*arguments)) if out.requires_grad]
        found = grad(outputs, wanted, weights, create_graph=True, allow_unused=True)
        return tuple([value for value in found if value is not None])

    return gradcheck(
        first_gradients,
        (*args, *seeds),
        eps=eps,
        atol=atol,
        rtol=rtol,
        raise_exception=raise_exception,
        nondet_tol=nondet_tol,
        check_undefined_grad=check_undefined_grad,
        check_grad_dtypes=check_grad_dtypes,
        check_batched_grad=check_batched_grad,
        fast_mode=fast_mode,
        masked=masked,
    )


def _random_seeds(outputs: tuple[Tensor, ...], non_contiguous: bool) -> tuple[Tensor, ...]:
    """Return a random weight, itself to be differentiated by, for each output that has a gradient."""
    rng = np.random.default_rng(1)
    seeds = []
    for out in outputs:
        if not out.requires_grad:
            continue
        values = np.asarray(rng.uniform(-1, 1, out.shape), out._array.dtype)
        if non_contiguous and values.ndim:
            values = np.repeat(values, 2, axis=-1)[..., ::2]
        seed = wrap(values)
        seed._requires_grad = True
        seeds.append(seed)
    return tuple(seeds)
