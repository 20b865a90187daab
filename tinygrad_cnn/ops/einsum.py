"""Sums of products by index letters (`einsum`), and contractions by dimensions (`tensordot`), as batched products."""

from __future__ import annotations

import math
from typing import Any

from tinygrad_cnn.tensor import Tensor

from .base import check_tensor, wrap_dim
from .forms import public
from .matmul import bmm

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def _pair(a: Tensor, b: Tensor, left: str, right: str, kept: str) -> tuple[Tensor, str]:
    """Return the product of two operands with the letters `left` and `right`, summed over letters not in `kept`.

    Letters are sorted into batch (in both, kept), contracted (in both, not kept) and free ones; a batched product of
    matrices does all at once. Letters of one operand only that are not kept are summed before.
    """
    a, left = _sum_out(a, left, right + kept)
    b, right = _sum_out(b, right, left + kept)
    batch: list[str] = [c for c in left if c in right and c in kept]
    inner = [c for c in left if c in right and c not in kept]
    rows = [c for c in left if c not in right]
    columns = [c for c in right if c not in left]
    sizes: dict[str, int] = {}
    for letters, shape in ((left, a._array.shape), (right, b._array.shape)):
        for letter, size in zip(letters, shape, strict=True):
            sizes[letter] = max(sizes.get(letter, 1), size) if size != 0 else 0

    def arranged(x: Tensor, letters: str, first: list[str], second: list[str]) -> Tensor:
        order = batch + first + second
        x = x.permute([letters.index(c) for c in order]).expand([sizes[c] for c in order])
        return x.reshape([math.prod([sizes[c] for c in group]) for group in (batch, first, second)])

    product = bmm(arranged(a, left, rows, inner), arranged(b, right, inner, columns))
    result = batch + rows + columns
    return product.reshape([sizes[c] for c in result]), "".join(result)


def _sum_out(x: Tensor, letters: str, wanted: str) -> tuple[Tensor, str]:
    """Return x summed over the letters that nobody wants."""
    dims = [d for d, letter in enumerate(letters) if letter not in wanted]
    return (x.sum(dims, dtype=x.dtype), "".join([c for c in letters if c in wanted])) if dims else (x, letters)


def _diagonals(x: Tensor, letters: str) -> tuple[Tensor, str]:
    """Return x with every letter once: a repeated one names a diagonal."""
    for letter in dict.fromkeys(letters):
        while letters.count(letter) > 1:
            first = letters.index(letter)
            second = letters.index(letter, first + 1)
            x = x.diagonal(0, first, second)
            letters = letters[:first] + letters[first + 1 : second] + letters[second + 1 :] + letter
    return x, letters


def _parsed(equation: str, operands: list[Tensor]) -> tuple[list[str], str]:
    """Return the letters of each operand and of the result; the dimensions of '...' get letters of their own."""
    _check_letters(equation)
    text = equation.replace(" ", "")
    given, arrow, result = text.partition("->")
    terms = given.split(",")
    if len(terms) != len(operands):
        more = "fewer" if len(terms) > len(operands) else "more"
        raise RuntimeError(f"einsum(): {more} operands were provided than specified in the equation")
    for i, (term, operand) in enumerate(zip(terms, operands, strict=True)):
        _check_term(term, operand, i)
    free = [letter for letter in _LETTERS if letter not in text]
    most = max([op._array.ndim - len(t) + 3 for t, op in zip(terms, operands, strict=True) if "..." in t] or [0])
    extra = "".join(free[:most])
    letters = []
    for term, operand in zip(terms, operands, strict=True):
        count = operand._array.ndim - len(term) + 3
        letters.append(term.replace("...", extra[most - count :] if count > 0 else ""))
    if arrow:
        for letter in _check_dots(result, "output"):
            if result.count(letter) > 1:
                raise RuntimeError(f"einsum(): output subscript {letter} appears more than once in the output")
            if not any(letter in term for term in letters):
                raise RuntimeError(
                    f"einsum(): output subscript {letter} does not appear in the equation for any input operand"
                )
        return letters, result.replace("...", extra)
    joined = "".join(terms)
    return letters, extra + "".join(sorted([c for c in set(joined) - {"."} if joined.count(c) == 1]))


def _check_letters(equation: str) -> None:
    for place, letter in enumerate(equation):
        if letter not in _LETTERS and letter not in " .,->":
            raise RuntimeError(
                f"einsum(): invalid subscript given at index {place} in the equation string, subscripts must be in "
                "[a-zA-Z]"
            )


def _check_dots(term: str, owner: str) -> str:
    """Return a term without its dots."""
    plain = term.replace("...", "", 1)
    if "." in plain:
        what = "but an ellipsis (...) was already found" if "..." in term else "that is not part of any ellipsis (...)"
        raise RuntimeError(f"einsum(): found '.' for {owner} {what}")
    return plain


def _check_term(term: str, operand: Tensor, index: int) -> None:
    plain = _check_dots(term, f"operand {index}")
    ndim = operand._array.ndim
    if "..." not in term and len(plain) != ndim:
        raise RuntimeError(
            f"einsum(): the number of subscripts in the equation ({len(plain)}) does not match the number of "
            f"dimensions ({ndim}) for operand {index} and no ellipsis was given"
        )
    if len(plain) > ndim:
        raise RuntimeError(
            f"einsum(): the number of subscripts in the equation ({len(plain)}) is more than the number of dimensions "
            f"({ndim}) for operand {index}"
        )


def _from_lists(args: tuple[Any, ...]) -> tuple[str, list[Tensor]]:
    """Return the equation and operands of einsum's other form: operand, list of numbers, ..., list of the result."""
    parts = list(args)
    result = parts.pop() if len(parts) % 2 else None

    def term(numbers: Any) -> str:
        for n in numbers:
            if n is not ... and not 0 <= n < len(_LETTERS):
                raise ValueError(f"einsum(): subscript in subscript list is not within the valid range [0, 52): {n}")
        return "".join(["..." if n is ... else _LETTERS[n] for n in numbers])

    equation = ",".join([term(numbers) for numbers in parts[1::2]])
    return equation + ("" if result is None else f"->{term(result)}"), parts[::2]


@public(method=False)
def einsum(*args: Any) -> Tensor:
    """Return the sum of products that an equation names (`torch.einsum`).

    `einsum("bij,bjk->bik", x, y)`: a letter names a dimension, letters that the result lacks are summed over, `...`
    stands for any dimensions, broadcast; also with lists of numbers, `einsum(x, [0, 1], y, [1, 2], [0, 2])`. Operands
    are multiplied from left to right. Raises RuntimeError for an equation that does not fit, ValueError without.
    """
    if not args or len(args) < 2:
        raise ValueError("einsum(): must specify the equation string and at least one operand, or at least one operand "
                         "and its subscripts list")  # fmt: skip
    if isinstance(args[0], Tensor):
        equation, operands = _from_lists(args)
    else:
        several = len(args) == 2 and isinstance(args[1], (list, tuple))
        equation, operands = args[0], list(args[1] if several else args[1:])
    for operand in operands:
        check_tensor(operand, "einsum", "operands", 2)
    letters, result = _parsed(equation, operands)
    _check_sizes(letters, operands)
    total, named = _diagonals(operands[0], letters[0])
    for i, (operand, term) in enumerate(zip(operands[1:], letters[1:], strict=True), 1):
        operand, term = _diagonals(operand, term)
        total, named = _pair(total, operand, named, term, result + "".join(letters[i + 1 :]))
    if len(operands) == 1:  # a sum, which makes integers int64; in products they keep their dtype
        dims = [d for d, letter in enumerate(named) if letter not in result]
        total, named = total.sum(dims) if dims else total, "".join([c for c in named if c in result])
    total, named = _sum_out(total, named, result)
    return total.permute([named.index(c) for c in result])


def _check_sizes(letters: list[str], operands: list[Tensor]) -> None:
    sizes: dict[str, int] = {}
    for i, (term, operand) in enumerate(zip(letters, operands, strict=True)):
        for letter, size in zip(term, operand._array.shape, strict=True):
            if term.count(letter) > 1 and size != operand._array.shape[term.index(letter)]:
                raise RuntimeError(
                    f"einsum(): subscript {letter} is repeated for operand {i} but the sizes don't match, {size} != "
                    f"{operand._array.shape[term.index(letter)]}"
                )
            known = sizes.setdefault(letter, size)
            if 1 not in (known, size) and known != size:
                raise RuntimeError(
                    f"einsum(): subscript {letter} has size {size} for operand {i} which does not broadcast with "
                    f"previously seen size {known}"
                )
            sizes[letter] = size if known == 1 else known


@public(method=False, out=True)
def tensordot(a: Tensor, b: Tensor, dims: Any = 2, *, out: Tensor | None = None) -> Tensor:
    """Return the product summed over the last `dims` dimensions of a and the first of b, or over two lists of
    dimensions (`torch.tensordot`).

    Raises RuntimeError where sizes differ.
    """
    check_tensor(a, "tensordot", "a"), check_tensor(b, "tensordot", "b", 2)
    if isinstance(dims, Tensor):
        dims = dims.tolist()
    if isinstance(dims, (tuple, list)):
        first, second = [[d] if isinstance(d, int) else list(d) for d in dims]
    else:
        if dims < 0:
            raise RuntimeError(f"tensordot expects dims >= 0, but got dims={dims}")
        if dims > min(a._array.ndim, b._array.ndim):
            raise RuntimeError("tensordot expects dims < ndim_a or ndim_b, but got dims=" + str(dims))
        first, second = list(range(a._array.ndim - dims, a._array.ndim)), list(range(dims))
    first = [wrap_dim(d, a._array.ndim) for d in first]
    second = [wrap_dim(d, b._array.ndim) for d in second]
    if len(first) != len(second):
        raise RuntimeError("both dimension lists should have the same length")
    for d1, d2 in zip(first, second, strict=True):
        if a._array.shape[d1] != b._array.shape[d2] and 1 not in (a._array.shape[d1], b._array.shape[d2]):
            raise RuntimeError(
                f"contracted dimensions need to match, but first has size {a._array.shape[d1]} in dim {d1} and second "
                f"has size {b._array.shape[d2]} in dim {d2}"
            )
    for d1, d2 in zip(first, second, strict=True):  # what is only repeated is summed before, as in PyTorch
        size_a, size_b = a._array.shape[d1], b._array.shape[d2]
        if size_a != size_b:
            a = a.sum(d1, keepdim=True, dtype=a.dtype) if size_b == 1 else a
            b = b.sum(d2, keepdim=True, dtype=b.dtype) if size_a == 1 else b
    left = _LETTERS[: a._array.ndim]
    fresh = iter(_LETTERS[a._array.ndim :])
    right = "".join([left[first[second.index(d)]] if d in second else next(fresh) for d in range(b._array.ndim)])
    kept = "".join([c for c in left if c not in right] + [c for c in right if c not in left])
    product, named = _pair(a, b, left, right, kept)
    return product.permute([named.index(c) for c in kept])
