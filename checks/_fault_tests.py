"""Which tests a fault in a file of the core meets, and in which order: those that are most concerned first."""

from __future__ import annotations

from pathlib import Path

CORE, WIDER = "tests/core/", "tests/"
# The core as a C library, compiled anew: the quotas of groups, and what cannot be seen from Python.
QUOTA = "core/test_c_program.py::test_cgroup_quota"
PROGRAM = "core/test_c_program.py::test_core_as_a_c_library[gcc]"
# By the beginning of a file's name, the longest that fits: tests of tests/core, and others of the suite that call it.
CONCERNED: dict[str, tuple[list[str], list[str]]] = {
    "alloc": (["alloc", "memory", "memory_statistics", "runtime"], ["test_memory_failures", "test_steady_state"]),
    "avg_pool": (["avg_pool", "pool"], ["ops/test_pool", "ops/test_pool_dimensions"]),
    "conv": (["conv", "conv_winograd", "ndarray_layers"], ["ops/test_conv", "ops/test_conv_dimensions"]),
    "conv_winograd": (["conv_winograd", "conv"], ["ops/test_conv", "test_winograd_switch"]),
    "copy": (["copy", "ndarray"], ["ops/test_movement", "ops/test_rearrange"]),
    "cpu": (["runtime"], []),
    "cpus": (["runtime"], [QUOTA, PROGRAM]),
    "elementwise": (["elementwise", "ndarray"], ["ops/test_elementwise", "ops/test_inplace"]),
    "fold": (["norm"], ["nn/test_fusion"]),
    "fpstate": (["runtime", "elementwise"], []),
    "gemm": (["gemm", "conv"], ["ops/test_matmul"]),
    "internal": (["runtime", "gemm", "conv", "loss", "norm"], []),
    "isa": (["gemm"], []),
    "kernels": (["gemm"], []),
    "lanes": (["gemm", "softmax", "norm", "loss"], []),
    "loss": (["loss"], ["ops/test_loss"]),
    "math": (["elementwise", "softmax"], ["ops/test_elementwise"]),
    "max_pool": (["pool", "ndarray_layers"], ["ops/test_pool", "ops/test_pool_dimensions"]),
    "ndarray": (["ndarray", "ndarray_layers"], ["ops/test_movement", "ops/test_elementwise", "ops/test_inplace"]),
    "norm": (["norm"], ["ops/test_norm", "ops/test_norm_groups"]),
    "optim": (["optim"], ["optim/test_rules", "optim/test_optimizer"]),
    "pad": (["pad"], ["ops/test_pad", "ops/test_pad_dimensions"]),
    "pool": (["pool", "avg_pool"], ["ops/test_pool", "ops/test_pool_dimensions"]),
    "random": (["random"], ["test_random"]),
    "reduce": (["reduce"], ["ops/test_reduce"]),
    "simd": (["gemm", "elementwise"], []),
    "softmax": (["softmax"], ["ops/test_softmax"]),
    "stop": (["signals"], []),
    "strided": (["copy", "elementwise"], ["ops/test_movement", "ops/test_elementwise"]),
    "threads": (["runtime", "memory", "signals", "gemm"], [PROGRAM, "numbers/test_floating_point_mode"]),
    "wide": (["wide", "elementwise", "random"], ["ops/test_elementwise"]),
}
# Met by every fault in the end: random shapes, buffers between pages that cannot be touched, networks of many layers.
LAST = ["fuzz/test_properties", "remainders/test_remainders", "networks/test_networks"]


def stages(file: str, root: Path) -> list[list[str]]:
    """Return files of tests in three parts: those concerned, the rest of the core's, others that call the core."""
    name = max((name for name in CONCERNED if file.startswith(name)), key=len)
    core, wider = CONCERNED[name]
    first = [f"{CORE}test_{test}.py" for test in core]
    every = sorted(str(path.relative_to(root)) for path in (root / CORE).glob("test_*.py"))
    rest = [path for path in every if path not in first and "c_program" not in path]
    others = [f"{WIDER}{test}" if ".py" in test else f"{WIDER}{test}.py" for test in wider + LAST]
    return [first, rest, others]
