"""`torch.backends.cuda` without CUDA: the switches can be set and read, and change nothing."""

from __future__ import annotations

__all__ = ["is_built", "matmul"]


def is_built() -> bool:
    """Return False."""
    return False


class _Matmul:
    """The switches of cuBLAS."""

    allow_tf32 = False
    allow_fp16_reduced_precision_reduction = True
    allow_bf16_reduced_precision_reduction = True
    allow_fp16_accumulation = False
    fp32_precision = "none"


matmul = _Matmul()


def _switch(kind: str, enabled: bool = True) -> None:
    """Make `<kind>_sdp_enabled()` and `enable_<kind>_sdp(enabled)`, which choose between kernels for attention."""

    def get() -> bool:
        """Return the switch."""
        return enabled

    def put(enabled_: bool) -> None:
        """Set the switch."""
        nonlocal enabled
        enabled = enabled_

    globals().update({f"{kind}_sdp_enabled": get, f"enable_{kind}_sdp": put})


for _kind in ("flash", "mem_efficient", "math", "cudnn"):
    _switch(_kind)
