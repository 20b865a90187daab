"""Recurrent layers and their cells as functions of their weights: lstm, gru, rnn_tanh, rnn_relu, lstm_cell, ...

`torch.lstm` and the others take what `nn.LSTM` holds; `run_layers` is what both do.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tinygrad_cnn.dtypes import scalar_name
from tinygrad_cnn.nn.functional.dropout import dropout as drop
from tinygrad_cnn.nn.functional.linear import linear
from tinygrad_cnn.ops.joining import cat, stack
from tinygrad_cnn.ops.rnn import Recurrence
from tinygrad_cnn.ops.rnn_cells import CELLS
from tinygrad_cnn.tensor import Tensor

__all__ = ["gru", "gru_cell", "lstm", "lstm_cell", "rnn_relu", "rnn_relu_cell", "rnn_tanh", "rnn_tanh_cell"]


def run_layers(
    mode: str,
    rows: Tensor,
    hx: Any,
    sizes: list[int],
    weights: Sequence[Sequence[Tensor]],
    biases: bool,
    dropped: float,
    bidirectional: bool,
) -> tuple[Tensor, Any]:
    """Send rows (M, features), `sizes` of them at each time, through all layers; `weights` of each layer and direction.

    hx: the first states (layers * directions, N, H), for LSTM (h, c). Returns the last layer's rows and the last
    states. dropped: the probability of dropping between layers.
    """
    cell = CELLS[mode]
    states = hx if cell.has_memory else (hx,)
    directions = 2 if bidirectional else 1
    last: list[tuple[Tensor, ...]] = []
    for layer in range(len(weights) // directions):
        if layer and dropped:
            rows = drop(rows, dropped)
        outputs = []
        for reverse in (False, True)[:directions]:
            first = [state[len(last)] for state in states]
            output, *final = _run_direction(cell, rows, first, weights[len(last)], biases, sizes, reverse)
            outputs.append(output)
            last.append(tuple(final))
        rows = outputs[0] if len(outputs) == 1 else cat(outputs, 1)
    stacked = tuple(stack(layers) for layers in zip(*last, strict=True))
    return rows, stacked if cell.has_memory else stacked[0]


def _run_direction(
    cell: Any,
    rows: Tensor,
    states: list[Tensor],
    weights: Sequence[Tensor],
    biases: bool,
    sizes: list[int],
    reverse: bool,
) -> tuple[Tensor, ...]:
    w_ih, w_hh, *rest = weights
    b_ih, b_hh = (rest[0], rest[1]) if biases else (None, None)
    projection = rest[-1] if len(rest) % 2 else None
    if states[0].dtype != w_hh.dtype or states[-1].dtype != w_hh.dtype:
        wrong = scalar_name(next(state.dtype for state in states if state.dtype != w_hh.dtype))
        raise RuntimeError(f"mat1 and mat2 must have the same dtype, but got {wrong} and {scalar_name(w_hh.dtype)}")
    # One product for the inputs of all steps; what the states give can only come step by step.
    x = linear(rows, w_ih, b_ih)
    h, c = states[0], states[1] if cell.has_memory else None
    return Recurrence.apply(x, h, c, w_hh, b_hh, projection, cell=cell, sizes=sizes, reverse=reverse)


def _layers(name: str, mode: str, args: tuple[Any, ...]) -> tuple[Tensor, ...]:
    """Return (output, *last states) for the arguments of padded input (with `batch_first`) or of packed data."""
    if len(args) != 9:
        raise TypeError(f"{name}() takes 9 arguments, of padded or of packed input, but {len(args)} were given")
    packed = not isinstance(args[3], bool)
    data = args[0]
    hx, params, has_biases, num_layers, dropout, train, bidirectional = args[2:] if packed else args[1:8]
    first = not packed and args[8]
    count = num_layers * (2 if bidirectional else 1)
    if not count or not params or len(params) % count:
        raise RuntimeError(f"{name}: {len(params)} weights are not those of {count} layers and directions")
    each = len(params) // count
    weights = [params[i : i + each] for i in range(0, len(params), each)]
    if packed:
        rows, sizes = data, args[1].tolist()
    else:
        steps = data.transpose(0, 1) if first else data
        rows, sizes = steps.reshape(-1, steps.size(2)), [steps.size(1)] * steps.size(0)
    y, last = run_layers(mode, rows, hx, sizes, weights, has_biases, dropout if train else 0.0, bidirectional)
    if not packed:
        y = y.reshape(len(sizes), -1, y.size(1))
        y = y.transpose(0, 1) if first else y
    return (y, *last) if CELLS[mode].has_memory else (y, last)


def lstm(*args: Any) -> tuple[Tensor, ...]:
    """Return (output, h, c) of `nn.LSTM` with these weights (`torch.lstm`).

    (input, (h, c), params, has_biases, num_layers, dropout, train, bidirectional, batch_first) for padded input, (data,
    batch_sizes, (h, c), params, has_biases, num_layers, dropout, train, bidirectional) for packed; params as in
    `nn.LSTM.all_weights`, in one list. Raises TypeError and RuntimeError for arguments that do not fit.
    """
    return _layers("lstm", "LSTM", args)


def gru(*args: Any) -> tuple[Tensor, ...]:
    """Return (output, h) of `nn.GRU` with these weights (`torch.gru`); arguments as of lstm, with h for (h, c)."""
    return _layers("gru", "GRU", args)


def rnn_tanh(*args: Any) -> tuple[Tensor, ...]:
    """Return (output, h) of `nn.RNN` with these weights (`torch.rnn_tanh`); arguments as of lstm, with h for (h, c)."""
    return _layers("rnn_tanh", "RNN_TANH", args)


def rnn_relu(*args: Any) -> tuple[Tensor, ...]:
    """Return (output, h) of `nn.RNN` with the rectifier (`torch.rnn_relu`); arguments as of lstm, with h for (h, c)."""
    return _layers("rnn_relu", "RNN_RELU", args)


def step(
    mode: str, x: Tensor, states: Sequence[Tensor], w_ih: Tensor, w_hh: Tensor, b_ih: Any, b_hh: Any
) -> tuple[Tensor, ...]:
    """Return the states (N, H) after one step from `states` with input x (N, features)."""
    cell = CELLS[mode]
    new = cell.compose(
        linear(x, w_ih, b_ih), linear(states[0], w_hh, b_hh), states[0], states[1] if cell.has_memory else None
    )
    return tuple([state for state in new if state is not None])


def lstm_cell(
    input: Tensor,
    hx: Sequence[Tensor],
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None = None,
    b_hh: Tensor | None = None,
) -> tuple[Tensor, ...]:
    """Return (h, c) after a step of `nn.LSTMCell` (`torch.lstm_cell`); RuntimeError unless hx is two states."""
    if len(hx) != 2:
        raise RuntimeError("lstm_cell expects two hidden states")
    return step("LSTM", input, hx, w_ih, w_hh, b_ih, b_hh)


def gru_cell(
    input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None
) -> Tensor:
    """Return the state after a step of `nn.GRUCell` (`torch.gru_cell`)."""
    return step("GRU", input, (hx,), w_ih, w_hh, b_ih, b_hh)[0]


def rnn_tanh_cell(
    input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None
) -> Tensor:
    """Return the state after a step of `nn.RNNCell` (`torch.rnn_tanh_cell`)."""
    return step("RNN_TANH", input, (hx,), w_ih, w_hh, b_ih, b_hh)[0]


def rnn_relu_cell(
    input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None
) -> Tensor:
    """Return the state after a step of `nn.RNNCell` with the rectifier (`torch.rnn_relu_cell`)."""
    return step("RNN_RELU", input, (hx,), w_ih, w_hh, b_ih, b_hh)[0]
