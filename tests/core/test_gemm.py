"""tc_gemm against NumPy: tile remainders, layouts, scaling and bias, batches, blocks of k, threads, lack of memory."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from tests.builds import failing_memory, needs_failing_memory
from tests.core.raw import Guarded, code, ptr
from tinygrad_cnn._core import ffi, lib

# The largest tiles of any ISA are 14 x 32; one past twice that meets every remainder of every table.
ROWS, COLS = 29, 65


def call(a, b, c, alpha=1.0, beta=0.0, bias=None, bias_per_row=False) -> int:
    """Call tc_gemm on (batch, rows, cols) arrays of any strides; a batch of 1 in a or b is broadcast."""
    p = ffi.new("tc_gemm_params *")
    p.batch, p.m, p.n = c.shape
    p.k = a.shape[2]
    for name, array in (("a", a), ("b", b), ("c", c)):
        batch, row, col = (stride // array.itemsize for stride in array.strides)
        setattr(p, f"{name}_batch", 0 if array.shape[0] == 1 else batch)
        setattr(p, f"{name}_row", row)
        setattr(p, f"{name}_col", col)
    p.alpha, p.beta, p.bias_per_row = alpha, beta, bias_per_row
    return lib.tc_gemm(code(c), p, ptr(a), ptr(b), ptr(bias), ptr(c))


def integers(rng, shape, dtype):
    """Small integers: their products sum without rounding, so that results are exact."""
    return rng.integers(-4, 5, shape).astype(dtype)


def product(a, b) -> np.ndarray:
    """Multiply in float64."""
    return np.matmul(a.astype(np.float64), b.astype(np.float64))


def as_layout(array, layout):
    """Return a copy of a (batch, rows, cols) array in a memory layout: rows, columns, with gaps, or reversed."""
    if layout == "N":
        return array.copy()
    if layout == "T":
        return array.transpose(0, 2, 1).copy().transpose(0, 2, 1)
    if layout == "gaps":
        wide = np.full((array.shape[0], array.shape[1] * 2, array.shape[2] * 3), np.nan, array.dtype)
        view = wide[:, ::2, 1::3]
        view[...] = array
        return view
    return array[:, ::-1, ::-1].copy()[:, ::-1, ::-1]


@pytest.mark.parametrize("layouts", ["NN", "NT", "TN", "TT"])
def test_every_remainder_of_the_tiles(isa, dtype, layouts, rng):
    k = 11
    a = integers(rng, (1, ROWS, k), dtype)
    b = integers(rng, (1, k, COLS), dtype)
    expected = product(a, b)
    for m in range(1, ROWS + 1):
        for n in range(1, COLS + 1):
            out = Guarded((1, m, n), dtype, offset=a.itemsize * (n % 3))
            left, right = as_layout(a[:, :m], layouts[0]), as_layout(b[:, :, :n], layouts[1])
            assert call(left, right, out.array) == lib.TC_OK
            assert np.array_equal(out.check(), expected[:, :m, :n]), (m, n)


@pytest.mark.parametrize("k", [*range(1, 20), 31, 33, 63, 65, 255, 256, 257, 511, 513, 1025])
def test_every_length_of_the_sums(isa, dtype, k, rng):
    for m, n in ((1, 1), (1, 40), (3, 2), (15, 1), (17, 37)):
        a, b = integers(rng, (1, m, k), dtype), integers(rng, (1, k, n), dtype)
        for layouts in ("NN", "NT", "TN", "TT"):
            out = Guarded((1, m, n), dtype)
            assert call(as_layout(a, layouts[0]), as_layout(b, layouts[1]), out.array) == lib.TC_OK
            assert np.array_equal(out.check(), product(a, b)), (m, n, layouts)


@pytest.mark.parametrize("c_layout", ["N", "T", "gaps", "reversed"])
@pytest.mark.parametrize("a_layout", ["N", "T", "gaps", "reversed"])
def test_strides_of_all_operands(isa, dtype, threads, a_layout, c_layout, rng):
    for m, n, k in ((20, 35, 18), (1, 50, 9), (50, 1, 9)):
        for b_layout in ("N", "T", "gaps", "reversed"):
            a, b, c = (integers(rng, shape, dtype) for shape in ((1, m, k), (1, k, n), (1, m, n)))
            bias = integers(rng, n, dtype)
            view = as_layout(c, c_layout)
            assert call(as_layout(a, a_layout), as_layout(b, b_layout), view, 2.0, 3.0, bias) == lib.TC_OK
            assert np.array_equal(view, 2 * product(a, b) + 3.0 * c + bias)
            if c_layout == "gaps":
                untouched = np.ones(view.base.shape, bool)
                untouched[:, ::2, 1::3] = False
                assert np.isnan(view.base[untouched]).all(), "written between the elements of C"


@pytest.mark.parametrize("shape", [(20, 70, 300), (1, 70, 30), (70, 1, 30), (5, 9, 0), (130, 270, 3)])
@pytest.mark.parametrize("bias_per_row", [None, False, True])
def test_alpha_beta_bias(isa, dtype, threads, shape, bias_per_row, rng):
    m, n, k = shape
    a, b, c = integers(rng, (1, m, k), dtype), integers(rng, (1, k, n), dtype), integers(rng, (1, m, n), dtype)
    bias = None if bias_per_row is None else integers(rng, m if bias_per_row else n, dtype)
    added = 0 if bias is None else bias[:, None] if bias_per_row else bias
    for alpha, beta in ((1.0, 0.0), (1.0, 1.0), (-0.5, 2.0), (0.0, 1.0)):
        out = Guarded((1, m, n), dtype)
        if beta != 0:
            out.array[...] = c  # else C stays NaN, and must not be read
        assert call(a, b, out.array, alpha, beta, bias, bool(bias_per_row)) == lib.TC_OK
        assert np.array_equal(out.check(), alpha * product(a, b) + (beta * c if beta else 0) + added)


@pytest.mark.parametrize("shape", [(2100, 3, 5), (3, 2100, 5), (2100, 2060, 3), (300, 600, 700)])
def test_several_super_blocks_and_blocks(isa, dtype, threads, shape, rng):
    m, n, k = shape
    a, b = integers(rng, (1, m, k), dtype), integers(rng, (1, k, n), dtype)
    out = Guarded((1, m, n), dtype)
    assert call(a, b, out.array) == lib.TC_OK
    assert np.array_equal(out.check(), product(a, b))


# Rows, columns and length of the sums, for each way through core/gemm_block.c: B in place but for its last panel;
# strips of it packed, for one block of rows and for several; A's lines all in one set of L1 (2048 elements apart); A's
# columns far apart; sums in two blocks and strips of the whole width; one task and many.
BLOCKS = [
    (40, 70, 50),
    (30, 700, 130),
    (700, 90, 200),
    (31, 100, 2048),
    (200, 300, 100),
    (64, 1030, 420),
    (20, 33, 900),
]


@pytest.mark.parametrize("shape", BLOCKS)
def test_blocks_on_their_own(isa, dtype, threads, shape, rng):
    m, n, k = shape
    a, b, c = (integers(rng, (1, *sizes), dtype) for sizes in ((m, k), (k, n), (m, n)))
    bias = integers(rng, n, dtype)
    for layouts in ("NN", "NT", "TN", "TT"):
        out = Guarded((1, m, n), dtype)
        out.array[...] = c
        assert call(as_layout(a, layouts[0]), as_layout(b, layouts[1]), out.array, 1.0, 1.0, bias) == lib.TC_OK
        assert np.array_equal(out.check(), product(a, b) + c + bias), layouts


@pytest.mark.parametrize("m", [2, 5, 7, 12, 13, 18, 19])
def test_few_rows_of_contiguous_sums(isa, dtype, threads, m, rng):
    """Up to three tiles of rows of the dot kernel, whose sums go on in a second block after 1024 elements."""
    a, b = integers(rng, (1, m, 1101), dtype), integers(rng, (1, 1101, 150), dtype)
    bias = integers(rng, m, dtype)
    for c_layout in ("N", "T"):
        view = as_layout(np.zeros((1, m, 150), dtype), c_layout)
        assert call(a, as_layout(b, "T"), view, bias=bias, bias_per_row=True) == lib.TC_OK
        assert np.array_equal(view, product(a, b) + bias[:, None])
        # The same transposed: few columns.
        turned = as_layout(np.zeros((1, 150, m), dtype), c_layout)
        left = as_layout(b, "T").transpose(0, 2, 1)
        assert call(left, a.transpose(0, 2, 1), turned, bias=bias) == lib.TC_OK
        assert np.array_equal(turned, product(a, b).transpose(0, 2, 1) + bias)


@pytest.mark.parametrize(
    "shape", [(7, 5, 6, 4), (40, 30, 20, 17), (3, 200, 210, 190), (2, 300, 290, 280), (90, 1, 30, 20)]
)
def test_batches_and_broadcast_batches(isa, dtype, threads, shape, rng):
    batch, m, n, k = shape
    for a_batch, b_batch in ((batch, batch), (1, batch), (batch, 1)):
        a, b = integers(rng, (a_batch, m, k), dtype), integers(rng, (b_batch, k, n), dtype)
        out = Guarded((batch, m, n), dtype)
        assert call(a, b, out.array) == lib.TC_OK
        assert np.array_equal(out.check(), product(a, b))


def test_broadcast_elements(isa, dtype, rng):
    a = np.broadcast_to(integers(rng, (1, 1, 13), dtype), (1, 20, 13))
    b = np.broadcast_to(integers(rng, (1, 13, 1), dtype), (1, 13, 30))
    out = Guarded((1, 20, 30), dtype)
    assert call(a, b, out.array) == lib.TC_OK
    assert np.array_equal(out.check(), product(a, b))


def test_rounding_stays_within_the_bound(isa, dtype, rng):
    for m, n, k in ((64, 120, 400), (33, 65, 3000), (1, 100, 5000), (100, 1, 5000)):
        a, b = rng.standard_normal((1, m, k)).astype(dtype), rng.standard_normal((1, k, n)).astype(dtype)
        out = Guarded((1, m, n), dtype)
        assert call(a, b, out.array) == lib.TC_OK
        bound = 4 * np.finfo(dtype).eps * np.sqrt(k) * product(np.abs(a), np.abs(b))
        reference = np.matmul(a.astype(np.longdouble), b.astype(np.longdouble))
        assert (np.abs(out.check() - reference) <= bound).all()


def test_nan_and_infinity_reach_their_row_and_column_alone(isa, dtype, rng):
    a, b = integers(rng, (1, 30, 40), dtype), integers(rng, (1, 40, 50), dtype)
    a[0, 7, 3], b[0, 5, 11] = np.nan, np.inf
    out = Guarded((1, 30, 50), dtype)
    assert call(a, b, out.array) == lib.TC_OK
    with np.errstate(invalid="ignore"):
        assert np.array_equal(out.check(), product(a, b), equal_nan=True)


def test_infinity_near_the_end_of_contiguous_sums(isa, dtype, rng):
    """43 is no multiple of a vector, and the vector that ends there covers elements that were added before."""
    places = (27, 31, 38, 39, 41, 42)
    a, b = integers(rng, (1, 3, 43), dtype) ** 2 + 1, integers(rng, (1, 43, 8), dtype) ** 2 + 1
    for column, place in enumerate(places):
        b[0, place, column] = np.inf
    out = Guarded((1, 3, 8), dtype)
    assert call(a, as_layout(b, "T"), out.array) == lib.TC_OK
    assert np.isinf(out.array[..., : len(places)]).all()
    assert np.array_equal(out.check()[..., len(places) :], product(a, b[..., len(places) :]))


def test_an_empty_sum_is_zero_whatever_alpha(isa, dtype):
    out = Guarded((1, 5, 9), dtype)
    assert call(np.empty((1, 5, 0), dtype), np.empty((1, 0, 9), dtype), out.array, np.inf) == lib.TC_OK
    assert (out.check() == 0).all() and not np.signbit(out.check()).any()


SAME_BITS = [
    *((1, 300, 310, 500), (1, 64, 120, 400), (1, 1, 2000, 300), (30, 20, 50, 60)),
    *((1, 100, 100, 100), (1, 8, 500, 1500), (1, 60, 3000, 90), (1, 900, 60, 410)),
]


@pytest.mark.parametrize("layout", ["N", "T"])
@pytest.mark.parametrize("shape", SAME_BITS)
def test_same_bits_for_any_number_of_threads(isa, dtype, shape, layout, rng):
    batch, m, n, k = shape
    a, b = rng.standard_normal((batch, m, k)).astype(dtype), rng.standard_normal((batch, k, n)).astype(dtype)
    b = as_layout(b, layout)
    before = lib.tc_get_num_threads()
    results = []
    for count in (1, 2, 3, 8):
        lib.tc_set_num_threads(count)
        out = Guarded((batch, m, n), dtype)
        assert call(a, b, out.array) == lib.TC_OK
        results.append(out.check().tobytes())
    lib.tc_set_num_threads(before)
    assert len(set(results)) == 1


def test_callers_at_the_same_time(isa, dtype, threads, rng):
    a, b = integers(rng, (1, 100, 80), dtype), integers(rng, (1, 80, 90), dtype)
    outs = [Guarded((1, 100, 90), dtype) for _ in range(32)]
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda out: call(a, b, out.array), outs))
    assert statuses == [lib.TC_OK] * 32
    for out in outs:
        assert np.array_equal(out.check(), product(a, b))


@needs_failing_memory
def test_no_memory_is_reported_and_nothing_leaks(isa, dtype, threads, rng):
    for batch, m, n, k in ((1, 20, 40, 30), (50, 20, 40, 30), (1, 420, 300, 400)):
        a, b = integers(rng, (batch, m, k), dtype), as_layout(integers(rng, (batch, k, n), dtype), "T")
        out = Guarded((batch, m, n), dtype)
        stats = ffi.new("tc_alloc_stats *")
        lib.tc_get_alloc_stats(stats)
        in_use = stats.in_use
        for sticky in (0, 1):
            with failing_memory(1, sticky):
                status = call(a, b, out.array)
            assert status == lib.TC_ENOMEM
        lib.tc_get_alloc_stats(stats)
        assert stats.in_use == in_use
        assert call(a, b, out.array) == lib.TC_OK
        assert np.array_equal(out.check(), product(a, b))


def test_nothing_to_do(isa, dtype):
    for shape in ((0, 3, 4), (2, 0, 4), (2, 3, 0)):
        batch, m, n = shape
        a, b, c = np.ones((batch, m, 5), dtype), np.ones((batch, 5, n), dtype), np.ones(shape, dtype)
        assert call(a, b, c) == lib.TC_OK


@pytest.mark.parity
def test_agrees_with_pytorch(dtype, rng):
    torch = pytest.importorskip("torch")
    for m, n, k in ((64, 120, 400), (200, 300, 250)):
        a, b = rng.standard_normal((1, m, k)).astype(dtype), rng.standard_normal((1, k, n)).astype(dtype)
        out = Guarded((1, m, n), dtype)
        assert call(a, b, out.array) == lib.TC_OK
        expected = (torch.from_numpy(a) @ torch.from_numpy(b)).numpy()
        assert np.allclose(out.check(), expected, rtol=0, atol=k * 8 * np.finfo(dtype).eps)
