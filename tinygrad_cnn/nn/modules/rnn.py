"""RNN, LSTM and GRU: recurrent layers over whole sequences, padded or packed."""

from __future__ import annotations

import math
import numbers
import warnings
from typing import Any

from tinygrad_cnn.creation import empty
from tinygrad_cnn.nn import init
from tinygrad_cnn.nn.functional.recurrent import run_layers
from tinygrad_cnn.nn.modules.module import Module
from tinygrad_cnn.nn.parameter import Parameter
from tinygrad_cnn.nn.utils.rnn import PackedSequence
from tinygrad_cnn.ops.rnn_cells import CELLS
from tinygrad_cnn.tensor import Tensor

__all__ = ["GRU", "LSTM", "RNN", "RNNBase"]


class RNNBase(Module):
    """Layers of one kind of cell, in one or both directions, each on what the one before returned.

    Parameters of layer k: weight_ih_lk (gates H, input), weight_hh_lk (gates H, H), bias_ih_lk and bias_hh_lk
    (gates H,), with proj_size P weight_hr_lk (P, H); those of the way back end in _reverse. All start from
    +-1 / sqrt(H). dropout: between layers, in training. Raises TypeError and ValueError for arguments out of range.
    """

    def __init__(
        self,
        mode: str,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.mode = mode
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bias = bias
        self.batch_first = batch_first
        self.dropout = float(dropout)
        self.bidirectional = bidirectional
        self.proj_size = proj_size
        self._check_arguments(dropout)
        rows, state = CELLS[mode].gates * hidden_size, proj_size or hidden_size
        self._all_weights: list[list[str]] = []
        for layer in range(num_layers):
            features = input_size if layer == 0 else state * (2 if bidirectional else 1)
            for suffix in self._suffixes():
                shapes: dict[str, Any] = {"weight_ih": (rows, features), "weight_hh": (rows, state)}
                if bias:
                    shapes |= {"bias_ih": rows, "bias_hh": rows}
                if proj_size:
                    shapes |= {"weight_hr": (proj_size, hidden_size)}
                self._all_weights.append([f"{name}_l{layer}{suffix}" for name in shapes])
                for name, shape in zip(self._all_weights[-1], shapes.values(), strict=True):
                    setattr(self, name, Parameter(empty(shape, device=device, dtype=dtype)))
        self.reset_parameters()

    def _check_arguments(self, dropout: Any) -> None:
        if not isinstance(dropout, numbers.Number) or not 0 <= self.dropout <= 1 or isinstance(dropout, bool):
            raise ValueError(
                "dropout should be a number in range [0, 1] representing the probability of an element being zeroed"
            )
        if self.dropout > 0 and self.num_layers == 1:
            warnings.warn(
                "dropout option adds dropout after all but last recurrent layer, so non-zero dropout expects "
                f"num_layers greater than 1, but got dropout={dropout} and num_layers={self.num_layers}",
                stacklevel=4,
            )
        for name, kind in (("bias", bool), ("batch_first", bool), ("input_size", int), ("hidden_size", int)):
            value = getattr(self, name)
            if not isinstance(value, kind):
                raise TypeError(f"{name} should be of type {kind.__name__}, got: {type(value).__name__}")
            if kind is int and value <= 0:
                raise ValueError(f"{name} must be greater than zero")
        if self.num_layers <= 0:
            raise ValueError("num_layers must be greater than zero")
        if self.proj_size < 0:
            raise ValueError("proj_size should be a positive integer or zero to disable projections")
        if self.proj_size >= self.hidden_size:
            raise ValueError("proj_size has to be smaller than hidden_size")
        if self.mode not in CELLS:
            raise ValueError("Unrecognized RNN mode: " + self.mode)

    def _suffixes(self) -> tuple[str, ...]:
        return ("", "_reverse") if self.bidirectional else ("",)

    def reset_parameters(self) -> None:
        """Draw all parameters anew."""
        bound = 1.0 / math.sqrt(self.hidden_size) if self.hidden_size > 0 else 0
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    def flatten_parameters(self) -> None:
        """Do nothing: it concerns CUDA's memory only."""

    @property
    def all_weights(self) -> list[list[Parameter]]:
        """The parameters of each layer and direction."""
        return [[getattr(self, name) for name in names] for names in self._all_weights]

    def extra_repr(self) -> str:
        """Return the arguments that are not the defaults."""
        text = f"{self.input_size}, {self.hidden_size}"
        defaults = {"proj_size": 0, "num_layers": 1, "bias": True, "batch_first": False, "dropout": 0}
        for name, default in {**defaults, "bidirectional": False}.items():
            if getattr(self, name) != default:
                text += f", {name}={getattr(self, name)}"
        return text

    # ---------------------------------------------------------------- checks

    def check_input(self, input: Tensor, batch_sizes: Tensor | None) -> None:
        """Raise ValueError or RuntimeError for input of another dtype or shape."""
        dtype = self.all_weights[0][0].dtype
        if input.dtype != dtype:
            raise ValueError(
                f"RNN input dtype ({input.dtype}) does not match weight dtype ({dtype}). Convert input: "
                f"input.to({dtype}), or convert model: model.to({input.dtype})"
            )
        dims = 3 if batch_sizes is None else 2
        if input.dim() != dims:
            raise RuntimeError(f"input must have {dims} dimensions, got {input.dim()}")
        if input.size(-1) != self.input_size:
            raise RuntimeError(
                f"input.size(-1) must be equal to input_size. Expected {self.input_size}, got {input.size(-1)}"
            )

    def _state_shape(self, input: Tensor, batch_sizes: Tensor | None, size: int) -> tuple[int, int, int]:
        batch = input.size(0 if self.batch_first else 1) if batch_sizes is None else int(batch_sizes[0])
        return self.num_layers * len(self._suffixes()), batch, size

    def get_expected_hidden_size(self, input: Tensor, batch_sizes: Tensor | None) -> tuple[int, int, int]:
        """Return the shape of h: (layers * directions, N, proj_size or hidden_size)."""
        return self._state_shape(input, batch_sizes, self.proj_size or self.hidden_size)

    def check_hidden_size(
        self, hx: Tensor, expected_hidden_size: tuple[int, int, int], msg: str = "Expected hidden size {}, got {}"
    ) -> None:
        """Raise RuntimeError for a state of another shape."""
        if hx.size() != expected_hidden_size:
            raise RuntimeError(msg.format(expected_hidden_size, list(hx.size())))

    def check_forward_args(self, input: Tensor, hidden: Any, batch_sizes: Tensor | None) -> None:
        """Check the input and the state."""
        self.check_input(input, batch_sizes)
        self.check_hidden_size(hidden, self.get_expected_hidden_size(input, batch_sizes))

    def _check_state_dims(self, hx: Any, batched: bool) -> None:
        if hx is not None and hx.dim() != (3 if batched else 2):
            start = "For batched 3-D input, hx should also be 3-D" if batched else None
            start = start or "For unbatched 2-D input, hx should also be 2-D"
            raise RuntimeError(f"{start} but got {hx.dim()}-D tensor")

    # ---------------------------------------------------------------- states: h, or for LSTM (h, c)

    def _map(self, hx: Any, change: Any) -> Any:
        return change(hx)

    def permute_hidden(self, hx: Any, permutation: Tensor | None) -> Any:
        """Return the state with the batch in another order."""
        return hx if permutation is None else self._map(hx, lambda state: state.index_select(1, permutation))

    def _zeros(self, input: Tensor, batch_sizes: Tensor | None) -> Any:
        return input.new_zeros(self.get_expected_hidden_size(input, batch_sizes))

    # ---------------------------------------------------------------- running

    def forward(self, input: Any, hx: Any = None) -> Any:
        """Return what the last layer gives at each time, and the last states of all layers.

        input (T, N, input_size), (N, T, input_size) with batch_first, (T, input_size), or a PackedSequence; the result
        is alike, with features directions * (proj_size or hidden_size). hx: the first states (layers * directions, N,
        hidden_size), without N for unbatched input, zeros if None; for LSTM (h, c), h of proj_size. Raises ValueError
        and RuntimeError for shapes that do not fit.
        """
        if isinstance(input, PackedSequence):
            data, batch_sizes, order, way_back = input
            hx = self._zeros(data, batch_sizes) if hx is None else self.permute_hidden(hx, order)
            self.check_forward_args(data, hx, batch_sizes)
            output, hx = self._run(data, hx, batch_sizes.tolist())
            return PackedSequence(output, batch_sizes, order, way_back), self.permute_hidden(hx, way_back)
        if input.dim() not in (2, 3):
            raise ValueError(f"{self._get_name()}: Expected input to be 2D or 3D, got {input.dim()}D instead")
        batched, batch_dim = input.dim() == 3, 0 if self.batch_first else 1
        self._check_state_dims(hx, batched)
        if not batched:
            input = input.unsqueeze(batch_dim)
            hx = None if hx is None else self._map(hx, lambda state: state.unsqueeze(1))
        hx = self._zeros(input, None) if hx is None else hx
        self.check_forward_args(input, hx, None)
        steps = input.transpose(0, 1) if self.batch_first else input
        length, batch = steps.size(0), steps.size(1)
        if length == 0:
            raise RuntimeError("Expected sequence length to be larger than 0 in RNN")
        rows = steps.reshape(length * batch, self.input_size)
        output, hx = self._run(rows, hx, [batch] * length)
        output = output.reshape(length, batch, output.size(1))
        output = output.transpose(0, 1) if self.batch_first else output
        return (output, hx) if batched else (output.squeeze(batch_dim), self._map(hx, lambda state: state.squeeze(1)))

    def _run(self, rows: Tensor, hx: Any, sizes: list[int]) -> tuple[Tensor, Any]:
        """Send rows (M, input_size), `sizes` of them at each time, through all layers."""
        dropped = self.dropout if self.training else 0.0
        return run_layers(self.mode, rows, hx, sizes, self.all_weights, self.bias, dropped, self.bidirectional)


def _without_projection(kwargs: dict[str, Any]) -> dict[str, Any]:
    if "proj_size" in kwargs:
        raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")
    return kwargs


class RNN(RNNBase):
    """h_t = tanh(weight_ih x_t + bias_ih + weight_hh h_(t-1) + bias_hh), or the rectifier (nonlinearity='relu').

    Takes (input_size, hidden_size, num_layers=1, nonlinearity='tanh', bias=True, batch_first=False, dropout=0.0,
    bidirectional=False, device=None, dtype=None).
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        _without_projection(kwargs)
        if len(args) > 3:
            nonlinearity, args = args[3], args[:3] + args[4:]
        else:
            nonlinearity = kwargs.pop("nonlinearity", "tanh")
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"Unknown nonlinearity '{nonlinearity}'. Select from 'tanh' or 'relu'.")
        super().__init__(f"RNN_{nonlinearity.upper()}", *args, **kwargs)
        self.nonlinearity = nonlinearity


class LSTM(RNNBase):
    """A long short-term memory, see `ops.rnn_cells.LstmCell`; with proj_size P, h is weight_hr (P, H) times the output.

    Takes (input_size, hidden_size, num_layers=1, bias=True, batch_first=False, dropout=0.0, bidirectional=False,
    proj_size=0, device=None, dtype=None).
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__("LSTM", *args, **kwargs)

    def get_expected_cell_size(self, input: Tensor, batch_sizes: Tensor | None) -> tuple[int, int, int]:
        """Return the shape of c: (layers * directions, N, hidden_size)."""
        return self._state_shape(input, batch_sizes, self.hidden_size)

    def check_forward_args(self, input: Tensor, hidden: Any, batch_sizes: Tensor | None) -> None:
        """Check the input and both states."""
        self.check_input(input, batch_sizes)
        shapes = self.get_expected_hidden_size(input, batch_sizes), self.get_expected_cell_size(input, batch_sizes)
        for k, shape in enumerate(shapes):
            self.check_hidden_size(hidden[k], shape, f"Expected hidden[{k}] size {{}}, got {{}}")

    def _check_state_dims(self, hx: Any, batched: bool) -> None:
        dims = 3 if batched else 2
        if hx is not None and (hx[0].dim() != dims or hx[1].dim() != dims):
            kind = "batched" if batched else "unbatched"
            raise RuntimeError(
                f"For {kind} {dims}-D input, hx and cx should also be {dims}-D but got "
                f"({hx[0].dim()}-D, {hx[1].dim()}-D) tensors"
            )

    def _map(self, hx: Any, change: Any) -> Any:
        return change(hx[0]), change(hx[1])

    def _zeros(self, input: Tensor, batch_sizes: Tensor | None) -> Any:
        shapes = self.get_expected_hidden_size(input, batch_sizes), self.get_expected_cell_size(input, batch_sizes)
        return input.new_zeros(shapes[0]), input.new_zeros(shapes[1])


class GRU(RNNBase):
    """Gated recurrent units, see `ops.rnn_cells.GruCell`.

    Takes (input_size, hidden_size, num_layers=1, bias=True, batch_first=False, dropout=0.0, bidirectional=False,
    device=None, dtype=None).
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__("GRU", *args, **_without_projection(kwargs))
