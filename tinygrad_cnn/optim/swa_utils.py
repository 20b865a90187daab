"""Averages of weights over training (`torch.optim.swa_utils`; Izmailov and others, 2018)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from itertools import chain
from typing import TYPE_CHECKING, Any

from tinygrad_cnn.autograd.grad_mode import no_grad
from tinygrad_cnn.data import tensor
from tinygrad_cnn.dtypes import int64
from tinygrad_cnn.nn.modules.batchnorm import _BatchNorm
from tinygrad_cnn.nn.modules.module import Module
from tinygrad_cnn.optim.lr_scheduler.base import LRScheduler, one_for_each_group
from tinygrad_cnn.optim.optimizer import Optimizer
from tinygrad_cnn.tensor import Tensor

if TYPE_CHECKING:
    Tensors = Sequence[Tensor]
    Average = Callable[[Tensor, Tensor, Any], Tensor]
    MultiAverage = Callable[[Tensors, Tensors, Any], None]

__all__ = [
    "SWALR", "AveragedModel", "get_ema_avg_fn", "get_ema_multi_avg_fn", "get_swa_avg_fn", "get_swa_multi_avg_fn",
    "update_bn",
]  # fmt: skip


def get_swa_avg_fn() -> Average:
    """Return the function of (average, current, how many were averaged) that gives the mean of all."""

    @no_grad()
    def swa_update(averaged_param: Tensor, current_param: Tensor, num_averaged: Any) -> Tensor:
        return averaged_param + (current_param - averaged_param) / (num_averaged + 1)

    return swa_update


def get_ema_avg_fn(decay: float = 0.999) -> Average:
    """Return the function of (average, current, unused) that gives decay * average + (1 - decay) * current.

    ValueError unless decay is in [0, 1].
    """
    if decay < 0.0 or decay > 1.0:
        raise ValueError(f"Invalid decay value {decay} provided. Please provide a value in [0,1] range.")

    @no_grad()
    def ema_update(ema_param: Tensor, current_param: Tensor, num_averaged: Any) -> Tensor:
        return decay * ema_param + (1 - decay) * current_param

    return ema_update


def _in_place(average: Average) -> MultiAverage:
    @no_grad()
    def update(averages: Tensors, currents: Tensors, num_averaged: Any) -> None:
        for averaged, current in zip(averages, currents, strict=True):
            averaged.copy_(average(averaged, current, num_averaged))

    return update


def get_swa_multi_avg_fn() -> MultiAverage:
    """As get_swa_avg_fn, for lists of tensors, in place."""
    return _in_place(get_swa_avg_fn())


def get_ema_multi_avg_fn(decay: float = 0.999) -> MultiAverage:
    """As get_ema_avg_fn, for lists of tensors, in place."""
    return _in_place(get_ema_avg_fn(decay))


class AveragedModel(Module):
    """A copy of a model whose parameters are averages of those that `update_parameters` has seen: the mean, or what
    avg_fn(average, current, count), or multi_avg_fn of lists, in place, makes of them.

    use_buffers: average the buffers, too; otherwise they are copied. AssertionError for both functions.
    """

    n_averaged: Tensor

    def __init__(
        self,
        model: Module,
        device: Any = None,
        avg_fn: Average | None = None,
        multi_avg_fn: MultiAverage | None = None,
        use_buffers: bool = False,
    ) -> None:
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise AssertionError("Only one of avg_fn and multi_avg_fn should be provided")
        self.module = deepcopy(model)
        if device is not None:
            self.module = self.module.to(device)
        self.register_buffer("n_averaged", tensor(0, dtype=int64, device=device))
        self.avg_fn = avg_fn
        self.multi_avg_fn = multi_avg_fn
        self.use_buffers = use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Call the averaged model."""
        return self.module(*args, **kwargs)

    def update_parameters(self, model: Module) -> None:
        """Take the parameters of `model` into the average."""
        mine, theirs = self._averaged(self.module), self._averaged(model)
        with no_grad():
            if self.n_averaged == 0:
                for averaged, current in zip(mine, theirs, strict=True):
                    averaged.copy_(current)
            elif self.multi_avg_fn is not None:
                for _, pairs in _by_dtype(mine, theirs).items():
                    self.multi_avg_fn(*pairs, self.n_averaged)
            else:
                _in_place(self.avg_fn or get_swa_avg_fn())(mine, theirs, self.n_averaged)
            if not self.use_buffers:
                for buffer, current in zip(self.module.buffers(), model.buffers(), strict=True):
                    buffer.copy_(current)
            self.n_averaged += 1

    def _averaged(self, model: Module) -> list[Tensor]:
        tensors: Iterable[Tensor] = model.parameters()
        return [one.detach() for one in (chain(tensors, model.buffers()) if self.use_buffers else tensors)]


def _by_dtype(mine: list[Tensor], theirs: list[Tensor]) -> dict[Any, tuple[list[Tensor], list[Tensor]]]:
    """Sort pairs by dtype: a user's function may use operations on lists of one."""
    groups: dict[Any, tuple[list[Tensor], list[Tensor]]] = {}
    for averaged, current in zip(mine, theirs, strict=True):
        group = groups.setdefault(averaged.dtype, ([], []))
        group[0].append(averaged)
        group[1].append(current)
    return groups


def update_bn(loader: Iterable[Any], model: Module, device: Any = None) -> None:
    """Compute the running statistics of all BatchNorm layers anew, from one pass over `loader`: an average model has
    none of its own. Of a batch that is a list or tuple the first entry is the input."""
    layers = [module for module in model.modules() if isinstance(module, _BatchNorm)]
    if not layers:
        return
    momenta = [layer.momentum for layer in layers]
    was_training = model.training
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None  # then the average over all batches
    model.train()
    with no_grad():
        for batch in loader:
            input = batch[0] if isinstance(batch, (list, tuple)) else batch
            model(input if device is None else input.to(device))
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum
    model.train(was_training)


def _cosine(t: float) -> float:
    return (1 - math.cos(math.pi * t)) / 2


class SWALR(LRScheduler):
    """Takes the rates to swa_lr (one, or a list for the groups) in anneal_epochs epochs, along half a cosine wave or a
    line (anneal_strategy 'cos', 'linear'), and keeps them there. ValueError for other arguments."""

    def __init__(
        self,
        optimizer: Optimizer,
        swa_lr: float | list[float],
        anneal_epochs: int = 10,
        anneal_strategy: str = "cos",
        last_epoch: int = -1,
    ) -> None:
        rates = one_for_each_group("swa_lr", optimizer, swa_lr)
        for rate, group in zip(rates, optimizer.param_groups, strict=True):
            group["swa_lr"] = rate
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}")
        self._anneal_strategy = anneal_strategy
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ValueError(f"anneal_epochs must be equal or greater than 0, got {anneal_epochs}")
        self.anneal_epochs = anneal_epochs
        super().__init__(optimizer, last_epoch)

    def anneal_func(self, t: float) -> float:
        """Return which part of the way to swa_lr is done at the part t of the epochs."""
        return _cosine(t) if self._anneal_strategy == "cos" else t

    def _part(self, step: int) -> float:
        return self.anneal_func(max(0, min(1, step / max(1, self.anneal_epochs))))

    def get_lr(self) -> list[Any]:
        """Compute the next rates: from the present ones the initial ones, from these the next."""
        self._warn_outside_step()
        step = self._step_count - 1
        if self.anneal_epochs == 0:
            step = max(1, step)
        before, now = self._part(step - 1), self._part(step)
        rates = []
        for group in self.optimizer.param_groups:
            target = group["swa_lr"]
            first = target if before == 1 else (group["lr"] - before * target) / (1 - before)
            rates.append(target * now + first * (1 - now))
        return rates
