"""Every kernel gives the same bits on any number of threads, again and again, wherever its buffers lie."""

from __future__ import annotations

import pytest

from tests.bits.calls import differing
from tests.bits.cases import CASES
from tinygrad_cnn._core import lib

# What computes nothing.
RUNTIME = """tc_strerror tc_version tc_compiler tc_isa tc_isa_rejected tc_isa_available tc_set_isa tc_get_num_threads
    tc_set_num_threads tc_alloc tc_free tc_numpy_handler tc_numpy_capsule tc_alloc_trim tc_alloc_set_cap
    tc_get_alloc_stats tc_alloc_reset_peak tc_get_winograd tc_set_winograd tc_ndarray_learn tc_set_asked"""
# And what only test builds have (core_testing.h).
TESTING = "tc_alloc_fail_at tc_pool_fail_at tc_get_alloc_site tc_pool_refused_at tc_alloc_at"


def test_every_kernel_of_the_interface_has_a_case():
    functions = {name for name in dir(lib) if name.startswith("tc_") and callable(getattr(lib, name))}
    runtime = set(RUNTIME.split())
    assert functions - runtime - set(TESTING.split()) == set(CASES)
    assert functions >= runtime


@pytest.mark.parametrize("name", CASES)
def test_the_same_bits(name, isa, dtype):
    assert differing(name, dtype) == [], "(threads, elements off the alignment, no cache) that give other bits"
