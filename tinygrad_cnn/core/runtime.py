"""Version, instruction sets, threads and memory of the core (cpu.c, threads.c, alloc.c)."""

from __future__ import annotations

from .buffers import check, ffi, lib


def _text(value: object) -> str:
    return ffi.string(value).decode()


def version() -> str:
    """Return the version of the C core."""
    return _text(lib.tc_version())


def compiler() -> str:
    """Return the compiler that built the core."""
    return _text(lib.tc_compiler())


def isa() -> str:
    """Return the instruction set in use: generic, avx2, avx512 or neon."""
    return _text(lib.tc_isa())


def isa_available() -> list[str]:
    """Return the instruction sets that this machine can run, the best one last."""
    return _text(lib.tc_isa_available()).split()


def set_isa(name: str) -> None:
    """Use another instruction set from now on (RuntimeError if this machine cannot run it)."""
    check(lib.tc_set_isa(name.encode()))


def get_num_threads() -> int:
    """Return the number of threads that an operation may use (`torch.get_num_threads`)."""
    return lib.tc_get_num_threads()


def set_num_threads(count: int) -> None:
    """Set the number of threads that an operation may use (`torch.set_num_threads`); results do not depend on it.

    Raises RuntimeError for what is not an int, or is below 1.
    """
    if isinstance(count, bool) or not isinstance(count, int):
        raise RuntimeError(f"set_num_threads expects an int, but got {type(count).__name__}")
    if count < 1:
        raise RuntimeError("set_num_threads expects a positive integer")
    lib.tc_set_num_threads(min(count, 2**31 - 1))


def memory_stats() -> dict[str, int]:
    """Return the allocator's counters: bytes `in_use`, `peak`, `cached`; `requests` and cache `hits`."""
    stats = ffi.new("tc_alloc_stats *")
    lib.tc_get_alloc_stats(stats)
    return {name: int(getattr(stats, name)) for name in ("in_use", "peak", "cached", "requests", "hits")}


def reset_peak_memory() -> None:
    """Count the `peak` of `memory_stats` anew, from what is in use now."""
    lib.tc_alloc_reset_peak()


def trim_memory() -> None:
    """Give the memory that the allocator keeps for reuse back to the system."""
    lib.tc_alloc_trim()


if lib.tc_isa_rejected():
    raise RuntimeError(
        f"TINYGRAD_CNN_ISA={_text(lib.tc_isa_rejected())!r} cannot be used: this machine and build have "
        f"{', '.join(isa_available())}"
    )
