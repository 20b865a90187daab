"""The old name of `torch.hub`'s downloads (`torch.utils.model_zoo`)."""

from tinygrad_cnn.hub import load_state_dict_from_url as load_url

__all__ = ["load_url"]
