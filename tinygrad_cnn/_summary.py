"""`summary(model, input_size)`: the layers of a model, the shapes between them, parameters and work.

Arguments, columns and ways of counting are those of the package torchinfo, for those who know it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from math import prod
from typing import Any

import tinygrad_cnn as torch
from tinygrad_cnn import Tensor, nn
from tinygrad_cnn._summary_table import COLUMNS, ROW_SETTINGS, table

__all__ = ["ModelStatistics", "Row", "summary"]

_NEED_INPUT = {"input_size", "output_size", "mult_adds"}


def summary(
    model: nn.Module,
    input_size: Any = None,
    input_data: Any = None,
    batch_dim: int | None = None,
    cache_forward_pass: bool | None = None,
    col_names: Iterable[str] | None = None,
    col_width: int = 25,
    depth: int = 3,
    device: Any = None,
    dtypes: list[Any] | None = None,
    mode: str | None = None,
    row_settings: Iterable[str] | None = None,
    verbose: int | None = None,
    **kwargs: Any,
) -> ModelStatistics:
    """Run a model once, print a table of its layers, and return it (`torchinfo.summary`).

    input_size: the shape of the input with its batch, (N, C, H, W), or a list of shapes for several inputs; random
    numbers of `dtypes` (default float32) are made for it, which leaves the default generator as it is. input_data: the
    input itself: a tensor, a list of them, or a dict by the names of `forward`'s arguments. Without either nothing is
    run. batch_dim: the shapes have no batch; one of size 1 is put there. kwargs: further arguments of `forward`.

    col_names: of "input_size", "output_size", "num_params", "params_percent", "kernel_size", "mult_adds", "trainable".
    row_settings: of "depth", "var_names", "ascii_only", "hide_recursive_layers". depth: layers further down are left
    out. mode: "eval" (the default) or "train"; the model's own is put back. verbose: 0 prints nothing, 1 the table (the
    default, but in interactive sessions), 2 also parameters. cache_forward_pass is accepted; the model always runs.

    Multiplications are counted as torchinfo counts them: a convolution's parameters for each pixel of its output, a
    recurrent layer's for each step, others' for each sample. ValueError and TypeError for arguments that do not fit; an
    error of the model comes as it is, with the path of the layer.
    """
    given = input_data is not None or input_size is not None
    columns = _chosen(col_names, ("output_size", "num_params") if given else ("num_params",), COLUMNS, "column")
    rows = _chosen(row_settings, ("depth",), ROW_SETTINGS, "row setting")
    if input_data is not None and input_size is not None:
        raise RuntimeError("Only one of (input_data, input_size) should be specified.")
    if not given and not _NEED_INPUT.isdisjoint(columns):
        needy = sorted(_NEED_INPUT.intersection(columns))
        raise ValueError(f"You must pass input_data or input_size in order to use columns: {needy}")
    if col_width <= 0:
        raise ValueError(f"Column width must be greater than 0: col_width={col_width}")
    if verbose not in (None, 0, 1, 2):
        raise ValueError("Verbose must be either 0 (quiet), 1 (default), or 2 (verbose).")
    if mode not in (None, "eval", "train"):
        raise ValueError(f"mode must be 'eval' or 'train', but got {mode!r}")
    if verbose is None:
        verbose = 0 if hasattr(sys, "ps1") else 1
    if input_size is not None:
        input_data = _random_inputs(_shapes(input_size), batch_dim, dtypes, device)
    if device is not None:
        model.to(device)
    collected = _Collector(model)
    if given:
        inputs = input_data if isinstance(input_data, (list, tuple, Mapping)) else [input_data]
        collected.run(inputs, mode == "train", kwargs)
        statistics = ModelStatistics(collected.rows, sum(tensor.nbytes for tensor in _tensors(inputs)), True)
    else:
        collected.list_all()
        statistics = ModelStatistics(collected.rows, 0, False)
    statistics.text = table(statistics, columns, rows, col_width, depth, verbose == 2)
    if verbose:
        print(statistics)
    return statistics


class Row:
    """A call of a layer, or a container that is not called: where it is (depth, depth_index, var_name), what it has."""

    def __init__(self, module: nn.Module, var_name: str, depth: int, is_recursive: bool) -> None:
        self.module, self.var_name, self.depth, self.is_recursive = module, var_name, depth, is_recursive
        self.class_name = type(module).__name__
        self.depth_index = 0
        self.is_leaf_layer = not any(True for _ in module.children())
        self.children: list[Row] = []
        self.input_size: list[int] = []
        self.output_size: list[int] = []
        self.output_bytes = 0
        self.macs = 0
        self.count_parameters()

    def count_parameters(self) -> None:
        """Count those of the module and of all below it."""
        known = [p for p in self.module.parameters() if not nn.parameter.is_lazy(p)]
        self.num_params = sum(p.numel() for p in known)
        self.trainable_params = sum(p.numel() for p in known if p.requires_grad)
        self.param_bytes = sum(p.numel() * p.element_size() for p in known)

    @property
    def own_params(self) -> int:
        """Parameters that no row below shows."""
        return self.num_params - sum(row.num_params for row in self.children if not row.is_recursive)

    @property
    def kernel_size(self) -> Any:
        """The module's kernel size, a list where it has several, None where it has none."""
        size = getattr(self.module, "kernel_size", None)
        return list(size) if isinstance(size, Iterable) else size

    def finish(self, inputs: Any, outputs: Any) -> None:
        """Note the shapes of a call, and the multiplications that it took."""
        if any(True for _ in self.module.parameters()):
            self.count_parameters()  # lazy ones are known now
        self.input_size = [*next((t.shape for t in _tensors(inputs)), [])]
        first = next(_tensors(outputs), None)
        if first is None:
            return
        self.output_size, self.output_bytes = [*first.shape], first.nbytes
        for name, parameter in self.module.named_parameters():
            self.macs += parameter.numel() * self._times(name)

    def _times(self, name: str) -> int:
        """Return how often the numbers of a parameter are multiplied in the call."""
        size = self.output_size
        if name not in ("weight", "bias"):
            return prod(size[:2]) if "weight" in name or "bias" in name else 0
        return prod(size[:1] + size[2:]) if "Conv" in self.class_name else prod(size[:1])


class _Collector:
    """Makes a row for each call of a module, and for the containers that it is in."""

    def __init__(self, model: nn.Module) -> None:
        self.model = model
        self.rows: list[Row] = []
        self._seen: set[int] = set()
        self._open: list[Row] = []  # the latest row of each depth
        self._calls: list[Row] = []
        self._chains: dict[int, list[tuple[str, nn.Module]]] = {}
        self._find_chains([(type(model).__name__, model)])

    def _find_chains(self, chain: list[tuple[str, nn.Module]]) -> None:
        module = chain[-1][1]
        self._chains[id(module)] = chain
        for name, child in module._modules.items():
            if child is not None:
                self._find_chains([*chain, (name, child)])

    def list_all(self) -> None:
        """Make rows without a call, in the order of definition."""
        for _, module in self.model.named_modules():
            self._add(module)
        self._number()

    def run(self, inputs: Any, training: bool, options: dict[str, Any]) -> None:
        """Call the model, and make rows as its modules are called."""
        modules = list(self.model.modules())
        modes = [module.training for module in modules]
        handles = []
        try:
            for module in modules:
                handles.append(
                    module.register_forward_pre_hook(lambda module, _: self._calls.append(self._add(module)))
                )
                handles.append(module.register_forward_hook(lambda _, i, o: self._calls.pop().finish(i, o)))
            self.model.train(training)
            with torch.no_grad():
                self.model(**inputs, **options) if isinstance(inputs, Mapping) else self.model(*inputs, **options)
        finally:
            for handle in handles:
                handle.remove()
            for module, mode in zip(modules, modes, strict=True):
                module.training = mode
        self._number()

    def _add(self, module: nn.Module) -> Row:
        """Add a row, after one for each container on the way to it that the row before is not in."""
        chain = self._chains[id(module)]
        for depth, (name, part) in enumerate(chain):
            last = depth == len(chain) - 1
            if not last and depth < len(self._open) and self._open[depth].module is part:
                continue
            row = Row(part, name, depth, id(part) in self._seen)
            self._seen.add(id(part))
            del self._open[depth:]
            if self._open:
                self._open[-1].children.append(row)
            self._open.append(row)
            self.rows.append(row)
        return self._open[-1]

    def _number(self) -> None:
        counts: dict[int, int] = {}
        for row in self.rows:
            row.depth_index = counts[row.depth] = counts.get(row.depth, 0) + 1


class ModelStatistics:
    """What `summary` found: totals, `summary_list` (the rows); as text, the table."""

    def __init__(self, rows: list[Row], total_input: int, executed: bool) -> None:
        root, leaves = rows[0], [row for row in rows if row.is_leaf_layer]
        self.summary_list = rows
        self.executed = executed
        self.total_params, self.trainable_params = root.num_params, root.trainable_params
        self.total_mult_adds = sum(row.macs for row in leaves)
        self.total_input = total_input
        self.total_output_bytes = sum(2 * row.output_bytes for row in leaves if row.num_params)  # and their gradients
        self.total_param_bytes = root.param_bytes
        self.text = ""

    def __repr__(self) -> str:
        return self.text


def _chosen(names: Iterable[str] | None, default: tuple[str, ...], known: Iterable[str], what: str) -> tuple[str, ...]:
    chosen = default if names is None else tuple(names)
    for name in chosen:
        if name not in known:
            raise ValueError(f"{name!r} is not a valid {what}: {', '.join(known)}")
    return chosen


def _shapes(input_size: Any) -> list[tuple[int, ...]]:
    """Return the shapes of all inputs."""
    if not isinstance(input_size, (list, tuple)):
        raise TypeError(f"input_size must be a shape or a list of shapes, but got {type(input_size).__name__}")
    several = bool(input_size) and not isinstance(input_size[0], int)
    shapes = [tuple(shape) for shape in input_size] if several else [tuple(input_size)]
    if not input_size or any(size <= 0 for shape in shapes for size in shape):
        raise ValueError(f"input_size has no sizes, or one that is not positive: {input_size}")
    return shapes


def _random_inputs(
    shapes: list[tuple[int, ...]], batch_dim: int | None, dtypes: list[Any] | None, device: Any
) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    tensors = [torch.rand(shape, generator=generator) for shape in shapes]
    if batch_dim is not None:
        tensors = [tensor.unsqueeze(batch_dim) for tensor in tensors]
    kinds = [torch.float32] * len(shapes) if dtypes is None else dtypes
    return [tensor.to(device=device, dtype=dtype) for tensor, dtype in zip(tensors, kinds, strict=True)]


def _tensors(value: Any) -> Iterator[Tensor]:
    """Yield the tensors in nested lists, tuples and dictionaries."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, (list, tuple, Mapping)):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from _tensors(item)
