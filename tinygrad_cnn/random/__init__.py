"""Random numbers (`torch.random`, and `torch.rand`, `randn`, `randint`, ...): PyTorch's, after the same seed.

The numbers are those of PyTorch on a CPU where it does not call Intel's MKL: on Intel's own processors its `bernoulli_`
with a number, and `exponential_` with all that uses it (multinomial without replacement), come from MKL's streams.
Dropout masks are drawn from another generator, keyed by this one (see `ops.dropout`), and differ from PyTorch's.
"""

from __future__ import annotations

from .counts import binomial, poisson
from .discrete import bernoulli, multinomial
from .generator import (
    Generator,
    default_generator,
    fork_rng,
    get_rng_state,
    initial_seed,
    manual_seed,
    seed,
    set_rng_state,
)
from .tensors import normal, rand, rand_like, randint, randint_like, randn, randn_like, randperm

__all__ = [
    "Generator",
    "bernoulli",
    "binomial",
    "default_generator",
    "fork_rng",
    "get_rng_state",
    "initial_seed",
    "manual_seed",
    "multinomial",
    "normal",
    "poisson",
    "rand",
    "rand_like",
    "randint",
    "randint_like",
    "randn",
    "randn_like",
    "randperm",
    "seed",
    "set_rng_state",
]
