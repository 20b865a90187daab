"""One pass of a loader: what all kinds have in common, and the one in this process."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from tinygrad_cnn._absent import abstract
from tinygrad_cnn.utils.data._utils.fetch import Fetch, fetcher
from tinygrad_cnn.utils.data.dataset import IterableDataset
from tinygrad_cnn.utils.data.sampler import draw_seed

if TYPE_CHECKING:
    from tinygrad_cnn.utils.data.dataloader import DataLoader

__all__ = ["_BaseDataLoaderIter", "_SingleProcessDataLoaderIter"]


class _BaseDataLoaderIter:
    """One pass of a loader."""

    def __init__(self, loader: DataLoader) -> None:
        self._dataset = loader.dataset
        self._iterable = isinstance(loader.dataset, IterableDataset)
        self._num_workers = loader.num_workers
        self._reported_length = loader._reported_length
        if loader.pin_memory and loader.pin_memory_device:
            warnings.warn(
                "pin_memory_device is deprecated, the current accelerator will be used as the device,"
                f"ignore pin_memory_device='{loader.pin_memory_device}'.",
                stacklevel=4,
            )
        if loader.pin_memory:
            warnings.warn(
                "'pin_memory' argument is set as true but no accelerator is found, then device pinned memory won't be "
                "used.",
                stacklevel=4,
            )
        self._index_sampler = loader._index_sampler
        # PyTorch's order of draws: this seed of the workers first, then what the sampler draws at the first batch.
        self._sampler_iter = iter(self._index_sampler)
        self._base_seed = draw_seed(loader.generator)
        self._fetching = (self._dataset, loader._auto_collation, loader.collate_fn, loader.drop_last)
        self._yielded = 0

    def __iter__(self) -> _BaseDataLoaderIter:
        return self

    def _next_data(self) -> Any:
        raise abstract(self, "_next_data")

    def __next__(self) -> Any:
        data = self._next_data()
        self._yielded += 1
        length = self._reported_length
        if self._iterable and length is not None and self._yielded > length:
            several = (
                "For multiprocessing data-loading, this could be caused by not properly configuring the "
                "IterableDataset replica at each worker. Please see "
                "https://pytorch.org/docs/stable/data.html#torch.utils.data.IterableDataset for examples."
            )
            warnings.warn(
                f"Length of IterableDataset {self._dataset} was reported to be {length}(when accessing "
                f"len(dataloader)), but {self._yielded} samples have been fetched. "
                + (several if self._num_workers else ""),
                stacklevel=2,
            )
        return data

    def __len__(self) -> int:
        return len(self._index_sampler)

    def __getstate__(self) -> Any:
        raise NotImplementedError(f"{type(self).__name__} cannot be pickled")


class _SingleProcessDataLoaderIter(_BaseDataLoaderIter):
    """A pass whose samples are loaded in this process, each batch when it is asked for."""

    def __init__(self, loader: DataLoader) -> None:
        super().__init__(loader)
        if loader.timeout != 0:
            raise AssertionError("_SingleProcessDataLoaderIter requires timeout == 0")
        self._fetch: Fetch = fetcher(*self._fetching)

    def _next_data(self) -> Any:
        return self._fetch(next(self._sampler_iter))
