"""One call, made with PyTorch and with this package on the same arrays.

Results, dtypes, gradients, errors must agree.
"""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import tinygrad_cnn as tc


def sample(spec, seed=0):
    """Return an array for 'kind:size,size,...'.

    F normal, p positive, u in (-1, 1), i small ints, n ints >= 0, b bool, d double.
    """
    kind, _, sizes = spec.partition(":")
    shape = tuple(int(n) for n in sizes.split(",") if n)
    rng = np.random.default_rng(seed)
    if kind in ("f", "d"):
        array = rng.standard_normal(shape)
    elif kind == "p":
        array = rng.uniform(0.3, 3.0, shape)
    elif kind == "u":
        array = rng.uniform(-0.9, 0.9, shape)
    elif kind == "r":  # rounded: ties, zeros
        array = np.round(rng.standard_normal(shape) * 2)
    elif kind in ("i", "n", "y", "s"):
        array = rng.integers(-4 if kind in ("i", "s") else 0, 5, shape)
        return np.asarray(array, {"y": np.uint8, "s": np.int32}.get(kind, np.int64))
    elif kind == "b":
        return np.asarray(rng.random(shape) < 0.5)
    else:
        raise ValueError(spec)
    return np.asarray(array, np.float64 if kind == "d" else np.float32)


def strided(array):
    """Return the same values in memory that is neither dense nor in order."""
    wide = np.empty([2 * n for n in array.shape[::-1]], array.dtype)
    view = wide[tuple([slice(None, None, 2)] * array.ndim)].T
    view[...] = array
    return view


def leaves(T, arrays, grad, dense):
    """Return tensors on the arrays; those of floats require a gradient."""
    made = []
    for array in arrays:
        tensor = T.from_numpy(strided(array)).detach() if array.ndim and not dense else T.tensor(array)
        made.append(tensor.requires_grad_() if grad and array.dtype.kind == "f" else tensor)
    return made


def flat(result):
    """Return the tensors, and other values, of a result in one list."""
    if isinstance(result, (tuple, list)):
        return [part for item in result for part in flat(item)]
    return [result]


def numpy_of(tensor):
    return np.asarray(tensor.detach().numpy())


def run(T, call, arrays, grad, dense):
    """Return (results, gradients) of a call."""
    tensors = leaves(T, arrays, grad, dense)
    results = flat(call(T, *tensors))
    loss = None
    for k, result in enumerate(results):
        if isinstance(result, T.Tensor) and result.requires_grad:
            weights = sample(f"f:{','.join(map(str, result.shape))}", 100 + k)
            term = (result * T.tensor(weights).to(result.dtype)).sum()
            loss = term if loss is None else loss + term
    if loss is not None:
        loss.backward()
    return results, [tensor.grad for tensor in tensors]


def same(ours, theirs, rtol, atol, what):
    import torch

    if not isinstance(theirs, torch.Tensor):
        assert ours == theirs, what
        return
    assert str(ours.dtype) == str(theirs.dtype), what
    assert tuple(ours.shape) == tuple(theirs.shape), what
    assert type(ours._array) is np.ndarray, what
    np.testing.assert_allclose(numpy_of(ours), numpy_of(theirs), rtol, atol, err_msg=str(what))


def check(call, arrays, grad=True, dense=True, rtol=2e-5, atol=1e-5):
    """Compare one call of both packages."""
    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs, their_grads = run(torch, call, arrays, grad, dense)
        ours, our_grads = run(tc, call, arrays, grad, dense)
    assert len(ours) == len(theirs)
    for k, (a, b) in enumerate(zip(ours, theirs, strict=True)):
        same(a, b, rtol, atol, f"result {k}")
        if isinstance(b, torch.Tensor):
            assert a.requires_grad == b.requires_grad, f"requires_grad of result {k}"
    for k, (a, b) in enumerate(zip(our_grads, their_grads, strict=True)):
        assert (a is None) == (b is None), f"gradient {k}: {a} {b}"
        if a is not None:
            same(a, b, 5 * rtol, 5 * atol, f"gradient {k}")


def check_error(call):
    """Compare type and message of what a call raises in both packages."""
    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(Exception) as theirs:
            call(torch)
        with pytest.raises(theirs.type) as ours:
            call(tc)
    first = str(theirs.value).split("\n")[0]
    if "invalid combination" not in first and "INTERNAL ASSERT" not in first:
        assert str(ours.value).split("\n")[0].startswith(first.removesuffix("."))  # ours may say more


def parametrize(cases):
    """Return a decorator for tests of (name, call, specs)."""
    return pytest.mark.parametrize(("call", "specs"), [pytest.param(*case[1:], id=case[0]) for case in cases])


def gradients(call, specs):
    """Check first and second derivatives numerically, in float64."""
    from tinygrad_cnn.autograd.gradcheck import gradcheck, gradgradcheck

    arrays = [sample(spec, 7 + k) for k, spec in enumerate(specs)]
    tensors = [
        tc.tensor(a.astype(np.float64)).requires_grad_() if a.dtype.kind == "f" else tc.tensor(a) for a in arrays
    ]

    def differentiable(*inputs):
        results = [r for r in flat(call(tc, *inputs)) if isinstance(r, tc.Tensor) and r.requires_grad]
        return tuple(results)

    assert gradcheck(differentiable, tuple(tensors))
    assert gradgradcheck(differentiable, tuple(tensors))
