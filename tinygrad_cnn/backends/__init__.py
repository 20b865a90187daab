"""`torch.backends` on a CPU: scripts that look for a device, or set cuDNN's switches, run unchanged; `winograd` is ours."""

from tinygrad_cnn.backends import cudnn, mps, winograd

__all__ = ["cudnn", "mps", "winograd"]
