"""`torch.backends` on a CPU: scripts that look for a device, or set cuDNN's switches, run unchanged."""

from tinygrad_cnn.backends import cudnn, mps

__all__ = ["cudnn", "mps"]
