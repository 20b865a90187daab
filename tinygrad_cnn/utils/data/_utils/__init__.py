"""What the loader is made of, under the names of `torch.utils.data._utils`, which some scripts import."""

from tinygrad_cnn.utils.data._utils import collate, fetch, worker

__all__ = ["collate", "fetch", "worker"]
