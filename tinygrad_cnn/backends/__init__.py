"""`torch.backends` on a CPU: scripts that look for a device, or set cuDNN's switches, run unchanged.

`fusion` and `winograd` are ours: what may be computed together, and in fewer multiplications.
"""

from tinygrad_cnn.backends import cudnn, fusion, mps, winograd

__all__ = ["cudnn", "fusion", "mps", "winograd"]
