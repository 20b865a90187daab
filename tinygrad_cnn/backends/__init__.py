"""`torch.backends` on a CPU: scripts that look for a device, or set cuDNN's switches, run unchanged.

What is not here says that it is not available, and its switches change nothing. `fusion` and `winograd` are ours: what
may be computed together, and in fewer multiplications.
"""

from tinygrad_cnn.backends import cpu, cuda, cudnn, fusion, mkl, mkldnn, mps, openmp, opt_einsum, winograd, xnnpack

__all__ = [
    "cpu",
    "cuda",
    "cudnn",
    "fusion",
    "mkl",
    "mkldnn",
    "mps",
    "openmp",
    "opt_einsum",
    "winograd",
    "xnnpack",
]
