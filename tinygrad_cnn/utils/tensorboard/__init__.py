"""SummaryWriter (`torch.utils.tensorboard`): event files for TensorBoard, written by the package tensorboardX.

Needs `pip install tensorboardX`; to look at the files, TensorBoard itself.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from tinygrad_cnn.tensor import Tensor

try:
    import tensorboardX
except ImportError:
    raise ImportError("SummaryWriter needs the package tensorboardX: pip install tensorboardX") from None

__all__ = ["FileWriter", "SummaryWriter"]

FileWriter = tensorboardX.FileWriter


def _plain(value: Any) -> Any:
    """Turn Tensors into arrays, inside containers too."""
    if isinstance(value, Tensor):
        return value.detach().numpy()
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_plain(item) for item in value) if type(value) in (list, tuple) else value
    return value


def _taking_tensors(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def wrapped(self: Any, *args: Any, **kwargs: Any) -> Any:
        return method(self, *_plain(args), **_plain(kwargs))

    return wrapped


class SummaryWriter(tensorboardX.SummaryWriter):  # type: ignore[misc,unused-ignore]
    """Writes scalars, images, histograms, ... to event files in log_dir (default runs/<date>_<host><comment>).

    The methods are tensorboardX's, which are PyTorch's; tensors are taken everywhere. add_graph raises
    NotImplementedError: there is no recorded graph of a model here.
    """

    def __init__(
        self,
        log_dir: Any = None,
        comment: str = "",
        purge_step: int | None = None,
        max_queue: int = 10,
        flush_secs: int = 120,
        filename_suffix: str = "",
    ) -> None:
        folder = None if log_dir is None else str(log_dir)
        super().__init__(folder, comment, purge_step, max_queue, flush_secs, filename_suffix)
        self.log_dir = self.logdir

    def get_logdir(self) -> str:
        """Return the folder of the event files."""
        return str(self.logdir)

    def add_scalar(
        self,
        tag: str,
        scalar_value: Any,
        global_step: int | None = None,
        walltime: float | None = None,
        new_style: bool = False,
        double_precision: bool = False,
    ) -> None:
        """Add one number; new_style and double_precision, other ways to store it, are not used."""
        super().add_scalar(tag, _plain(scalar_value), global_step, walltime)

    def add_hparams(
        self,
        hparam_dict: dict[str, Any],
        metric_dict: dict[str, Any],
        hparam_domain_discrete: dict[str, list[Any]] | None = None,
        run_name: str | None = None,
        global_step: int | None = None,
    ) -> None:
        """Add the settings of a run and how it ended; hparam_domain_discrete is not written."""
        super().add_hparams(_plain(hparam_dict), _plain(metric_dict), run_name, global_step)

    def add_tensor(self, tag: str, tensor: Any, global_step: int | None = None, walltime: float | None = None) -> None:
        """Raise NotImplementedError: tensorboardX does not write tensors."""
        raise NotImplementedError("SummaryWriter.add_tensor: tensorboardX has no such record; use add_histogram")

    def add_graph(
        self, model: Any, input_to_model: Any = None, verbose: bool = False, use_strict_trace: bool = True
    ) -> None:
        """Raise NotImplementedError."""
        raise NotImplementedError("SummaryWriter.add_graph: models are not recorded as graphs here")


for _name in dir(tensorboardX.SummaryWriter):
    if _name.startswith("add_") and _name not in SummaryWriter.__dict__:
        setattr(SummaryWriter, _name, _taking_tensors(getattr(tensorboardX.SummaryWriter, _name)))
