"""Random numbers: PyTorch's CPU generator bit for bit (against torch, and against stored values), Philox, dropout."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from tests.core.raw import Guarded, code, ffi, ptr
from tinygrad_cnn._core import lib


class Generator:
    """A tc_generator and its draws as NumPy arrays."""

    def __init__(self, seed=0):
        self.state = ffi.new("tc_generator *")
        lib.tc_generator_seed(self.state, seed)

    def _fill(self, function, size, dtype, *arguments):
        y = Guarded((size,), dtype)
        function(self.state, code(y.array), size, *arguments, ptr(y.array))
        return y.check()

    def uniform(self, size, dtype=np.float32, low=0.0, high=1.0):
        return self._fill(lib.tc_uniform, size, dtype, low, high)

    def normal(self, size, dtype=np.float32, mean=0.0, std=1.0):
        return self._fill(lib.tc_normal, size, dtype, mean, std)

    def bernoulli(self, size, dtype=np.float32, prob=0.5):
        return self._fill(lib.tc_bernoulli, size, dtype, prob)

    def integers(self, size, low, span):
        y = Guarded((size,), np.int64)
        lib.tc_random_range(self.state, size, low, span, ffi.cast("int64_t *", ptr(y.array)))
        return y.check()

    def permutation(self, size):
        y = Guarded((size,), np.int64)
        lib.tc_randperm(self.state, size, ffi.cast("int64_t *", ptr(y.array)))
        return y.check()


# ---- the generator itself ----


def test_mt19937_known_answers():
    """The reference implementation's first and ten thousandth number from seed 5489 (also in the C++ standard)."""
    g = Generator(5489)
    words = [lib.tc_random32(g.state) for _ in range(10000)]
    assert words[0] == 3499211612
    assert words[-1] == 4123659995


def init_by_array(key):
    """The reference implementation's seeding by several words, mt19937ar.c; returns the 624 words of the state."""
    n, mt = 624, [19650218]
    for i in range(1, n):
        mt.append((1812433253 * (mt[-1] ^ mt[-1] >> 30) + i) % 2**32)
    i = 1
    for k in range(max(n, len(key))):
        mt[i] = ((mt[i] ^ (mt[i - 1] ^ mt[i - 1] >> 30) * 1664525) + key[k % len(key)] + k % len(key)) % 2**32
        i += 1
        if i == n:
            mt[0], i = mt[-1], 1
    for _ in range(n - 1):
        mt[i] = ((mt[i] ^ (mt[i - 1] ^ mt[i - 1] >> 30) * 1566083941) - i) % 2**32
        i += 1
        if i == n:
            mt[0], i = mt[-1], 1
    return [2**31, *mt[1:]]


def test_mt19937_published_output():
    """The first ten and the last of the 1000 integers in mt19937ar.out (Matsumoto and Nishimura, 2002)."""
    g = Generator()
    g.state.state, g.state.next = init_by_array([0x123, 0x234, 0x345, 0x456]), 624
    words = [lib.tc_random32(g.state) for _ in range(1000)]
    assert words[:5] == [1067595299, 955945823, 477289528, 4107218783, 4228976476]
    assert words[5:10] == [3344332714, 3355579695, 227628506, 810200273, 2591290167]
    assert words[-1] == 3460025646


def test_mt19937_against_numpy():
    theirs = np.random.RandomState(12345)
    g = Generator(12345)
    words = theirs.randint(0, 2**32, 3000, dtype=np.uint64)
    assert [lib.tc_random32(g.state) for _ in range(3000)] == words.tolist()


def test_random64_takes_the_high_word_first():
    a, b = Generator(7), Generator(7)
    high, low = lib.tc_random32(a.state), lib.tc_random32(a.state)
    assert lib.tc_random64(b.state) == high << 32 | low


def test_seed_uses_32_bits():
    a, b = Generator(3), Generator(3 + 2**40)
    assert lib.tc_random32(a.state) == lib.tc_random32(b.state)
    assert (a.state.seed, b.state.seed) == (3, 3 + 2**40)


# ---- recipes: one script, run by the core, by torch, and stored ----

FLOATS = (np.float32, np.float64)
SCRIPT = (
    [("uniform", size, dtype, -0.3, 0.7) for size in (1, 5, 1000) for dtype in FLOATS]
    + [("uniform", 100, dtype, 0.0, 1.0) for dtype in FLOATS]
    + [("normal", size, dtype, 0.25, 1.5) for size in (1, 4, 15, 16, 17, 31, 33, 1000, 5007) for dtype in FLOATS]
    + [("normal", 3, np.float32, 0.0, 1.0), ("uniform", 3, np.float32, 0.0, 1.0), ("normal", 2, np.float64, 0.0, 1.0)]
    + [("integers", 50, low, span) for low, span in ((0, 10), (-5, 2**28 - 1), (3, 2**28), (-(2**62), 2**63))]
    + [("integers", 20, -(2**63), 2**64)]
    + [("permutation", size) for size in (0, 1, 2, 10, 1000)]
    + [("bernoulli", 100, np.float32, 0.3), ("bernoulli", 7, np.uint8, 0.9)]
)
# sha256 of all results in a row but f64 normal numbers, from torch 2.13 on x86-64 with AVX2.
GOLDEN = {
    0: "e983dc22076a57229230862e61d3bd1a5dd67e62f7e33585dbf11eb0bfd7f812",
    1: "32b9a60a89face95990fe2b35d50c3724df5bd61c57bbeba17ea6a8b62a78288",
    2**33 + 5: "a0da04a965603f1e3467c0f297bcce68376c281b72c50a8d2b159e30d1110692",
}


def by_c_library(step):
    """Whether the last bits of a step's results are the C library's: its log, sin and cos make f64 normal numbers."""
    return step[0] == "normal" and step[2] is np.float64


STORED_4 = [1.5409961082440433, -0.2934289057609464, -2.1787893820745574, 0.5684312772806678]
STORED_17 = [-0.8840250045832653, -1.4874956356507338, -0.7233897004977882]


def ours(seed):
    """Run the script on the core."""
    g = Generator(seed)
    for kind, *arguments in SCRIPT:
        if kind == "integers":
            arguments[2] %= 2**64  # a full range is passed as 0
        yield getattr(g, kind)(*arguments)


def theirs(torch, seed):
    """Run the script on torch."""
    g = torch.Generator()
    g.manual_seed(seed)
    dtypes = {np.float32: torch.float32, np.float64: torch.float64, np.uint8: torch.uint8}
    for kind, size, *arguments in SCRIPT:
        if kind == "permutation":
            yield torch.randperm(size, generator=g).numpy()
        elif kind == "integers":
            low, span = arguments
            y = torch.empty(size, dtype=torch.int64)
            yield (
                y.random_(low, None, generator=g) if low + span > 2**63 - 1 else y.random_(low, low + span, generator=g)
            ).numpy()
        else:
            method = {"uniform": "uniform_", "normal": "normal_", "bernoulli": "bernoulli_"}[kind]
            y = torch.empty(size, dtype=dtypes[arguments[0]])
            yield getattr(y, method)(*arguments[1:], generator=g).numpy()


@pytest.mark.parametrize("seed", GOLDEN)
def test_same_bits_as_torch(seed, isa):
    torch = pytest.importorskip("torch")
    for step, left, right in zip(SCRIPT, ours(seed), theirs(torch, seed), strict=True):
        np.testing.assert_array_equal(left, right, err_msg=str(step))


@pytest.mark.parametrize("seed", GOLDEN)
def test_same_bits_as_stored(seed, isa, threads):
    digest = hashlib.sha256()
    for step, y in zip(SCRIPT, ours(seed), strict=True):
        if not by_c_library(step):
            digest.update(y.tobytes())
    assert digest.hexdigest() == GOLDEN[seed]


def test_f64_normal_numbers_as_stored(isa):
    """torch.manual_seed(0); torch.randn(4, dtype=torch.float64); then randn(17): its first, ninth and last number."""
    g = Generator(0)
    one_by_one, filled = g.normal(4, np.float64), g.normal(17, np.float64)
    np.testing.assert_allclose(one_by_one, STORED_4, rtol=1e-14)
    np.testing.assert_allclose(filled[[0, 8, 16]], STORED_17, rtol=1e-14)


def test_threads_make_the_same_normal_numbers(isa, dtype):
    lib.tc_set_num_threads(1)
    one = Generator(5).normal(100_007, dtype, 3, 0.5)
    lib.tc_set_num_threads(4)
    np.testing.assert_array_equal(Generator(5).normal(100_007, dtype, 3, 0.5), one)


def test_moments(dtype):
    g = Generator(11)
    x = g.normal(200_000, dtype, -2, 3)
    assert abs(x.mean() + 2) < 0.03 and abs(x.std() - 3) < 0.03
    x = g.uniform(200_000, dtype, 2, 4)
    assert x.min() >= 2 and x.max() < 4 and abs(x.mean() - 3) < 0.01
    assert abs(g.bernoulli(200_000, dtype, 0.2).mean() - 0.2) < 0.005


def test_uniform_never_reaches_the_end():
    """Rounding up to `high` is turned to `low`, as PyTorch does; 3 ulp are few values, so it happens."""
    high = np.float32(1) + np.float32(2) ** -23 * 3
    x = Generator(2).uniform(10_000, np.float32, 1.0, float(high))
    assert x.min() == 1 and x.max() < high


@pytest.mark.parametrize("element", [np.float32, np.float64, np.int64, np.int32, np.uint8, np.bool_])
def test_bernoulli_of_every_dtype(element):
    np.testing.assert_array_equal(
        Generator(4).bernoulli(99, element, 0.4), Generator(4).bernoulli(99, np.float64, 0.4) != 0
    )
    assert not Generator(4).bernoulli(99, element, 0).any()
    assert Generator(4).bernoulli(99, element, 1).all()


# ---- Philox and dropout ----


def philox(counter, key):
    """Philox 4x32-10 in Python integers: counter and key are lists of 32-bit words, first word first."""
    (c0, c1, c2, c3), (k0, k1) = counter, key
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c0, 0xCD9E8D57 * c2
        c0, c1, c2, c3 = (p1 >> 32) ^ c1 ^ k0, p1 & 0xFFFFFFFF, (p0 >> 32) ^ c3 ^ k1, p0 & 0xFFFFFFFF
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return [c0, c1, c2, c3]


def test_philox_known_answers():
    """The vectors published with the paper (Random123, kat_vectors)."""
    ones = 0xFFFFFFFF
    assert philox([0] * 4, [0] * 2) == [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]
    assert philox([ones] * 4, [ones] * 2) == [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]
    pi = [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344], [0xA4093822, 0x299F31D0]
    assert philox(*pi) == [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1]


def dropout(x, p, key):
    """Call tc_dropout; return output and mask."""
    y, mask = Guarded(x.shape, x.dtype), Guarded(x.shape, np.uint8)
    lib.tc_dropout(code(x), x.size, p, key, ptr(x), ptr(y.array), ffi.cast("uint8_t *", ptr(mask.array)))
    return y.check(), mask.check()


def test_philox_of_the_core_gives_the_published_words(isa):
    """Counter and key 0; an element stays if its word reaches p * 2^32, so halving intervals finds the words."""
    low, high = np.zeros(4), np.full(4, 2.0**32)
    for _ in range(32):
        middle = (low + high) / 2
        stays = np.array([dropout(np.ones(4), p / 2**32, 0)[1][i] for i, p in enumerate(middle)], bool)
        low, high = np.where(stays, middle, low), np.where(stays, high, middle)
    assert low.astype(np.int64).tolist() == [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]


@pytest.mark.parametrize("size", [0, 1, 3, 4, 5, 63, 64, 65, 1001])
@pytest.mark.parametrize("p", [0.0, 0.1, 0.5, 0.999])
def test_dropout(size, p, isa, dtype, rng):
    key = 0x123456789ABCDEF0
    x = rng.normal(size=size).astype(dtype)
    words = [word for block in range(size // 4 + 1) for word in philox([block, 0, 0, 0], [key & 0xFFFFFFFF, key >> 32])]
    expected = np.array(words[:size]) >= int(p * 2**32)
    y, mask = dropout(x, p, key)
    np.testing.assert_array_equal(mask, expected)
    np.testing.assert_array_equal(y, np.where(expected, x * dtype(1 / (1 - p)), 0))
    back = Guarded(x.shape, dtype)
    lib.tc_mask_scale(code(x), size, 1 / (1 - p), ffi.cast("uint8_t *", ptr(mask)), ptr(x), ptr(back.array))
    np.testing.assert_array_equal(back.check(), y)


def test_dropout_of_everything(isa, dtype):
    y, mask = dropout(np.ones(100, dtype), 1.0, 9)
    assert not y.any() and not mask.any()


def test_dropout_threads_and_rate(isa, dtype):
    x = np.ones(100_003, dtype)
    lib.tc_set_num_threads(1)
    one, mask = dropout(x, 0.3, 77)
    lib.tc_set_num_threads(4)
    many, again = dropout(x, 0.3, 77)
    np.testing.assert_array_equal(one, many)
    np.testing.assert_array_equal(mask, again)
    assert abs(mask.mean() - 0.7) < 0.005
    assert (dropout(x, 0.3, 78)[1] != mask).mean() > 0.3
