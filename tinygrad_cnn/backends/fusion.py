"""Whether operations inside a module's call are fused: a convolution with the ReLU behind it, and so on.

`fusion.enabled = False` runs every operation by itself, for instance to compare. What is fused, and why nobody sees a
difference but in time, says `tinygrad_cnn.autograd.deferred`; only a batch normalisation folded into a convolution (in
evaluation, without gradients) is rounded otherwise.
"""

from __future__ import annotations

enabled = True
