"""Recurrent layers against PyTorch and against their cells, step by step; packed sequences; messages."""

import copy
import pickle

import numpy as np
import pytest

import tinygrad_cnn as tg
from tests.nn.twin import check_twin
from tinygrad_cnn import nn
from tinygrad_cnn.autograd import gradcheck, gradgradcheck

LENGTHS = [4, 2, 1]


def numbers(t, *shape):
    return (t.arange(int(np.prod(shape)), dtype=t.float64).reshape(*shape) * 0.7).sin()


def layer(t, kind, *args, **options):
    t.manual_seed(5)
    return getattr(t.nn, kind)(3, 4, *args, **options).double()


def states(t, kind, count, batch, size=4):
    h = numbers(t, count, batch, size).requires_grad_()
    return (h, (numbers(t, count, batch, 4) * 2).requires_grad_()) if kind == "LSTM" else h


def flat(value):
    if hasattr(value, "batch_sizes"):
        return flat(value.data)
    return [one for item in value for one in flat(item)] if isinstance(value, (list, tuple)) else [value]


def derivatives(t, results, leaves):
    """The results, their gradients, and the gradients of these."""
    loss = sum(((k + 1) * y * y.sin()).sum() for k, y in enumerate(results))
    first = t.autograd.grad(loss, leaves, create_graph=True, allow_unused=True)
    plain = t.autograd.grad(loss, leaves, allow_unused=True, retain_graph=True)
    first, plain = [[g for g in grads if g is not None] for grads in (first, plain)]
    second = t.autograd.grad(sum((g * g).sum() for g in first), leaves, allow_unused=True)
    return [*results, *first, *plain, *[g for g in second if g is not None]]


def run(t, kind, packed=None, with_state=True, **options):
    module = layer(t, kind, **options)
    x = numbers(t, 3, 4, 3) if options.get("batch_first") else numbers(t, 4, 3, 3)
    x.requires_grad_()
    count = options.get("num_layers", 1) * (2 if options.get("bidirectional") else 1)
    hx = states(t, kind, count, 3, options.get("proj_size", 4)) if with_state else None
    given = x
    if packed is not None:
        given = t.nn.utils.rnn.pack_padded_sequence(
            x, packed, options.get("batch_first", False), enforce_sorted=packed == LENGTHS
        )
    leaves = [x, *module.parameters(), *([] if hx is None else flat(hx))]
    return derivatives(t, flat(module(given, hx)), leaves)


OPTIONS = [
    {}, {"bias": False}, {"batch_first": True}, {"num_layers": 2, "bidirectional": True},
    {"packed": LENGTHS}, {"packed": [2, 4, 1], "bidirectional": True, "with_state": False},
    {"packed": [2, 4, 1], "bidirectional": True, "batch_first": True, "num_layers": 2},
]  # fmt: skip


@pytest.mark.parity
@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: "-".join(options) or "plain")
@pytest.mark.parametrize("kind", ["RNN", "RNN-relu", "LSTM", "LSTM-projected", "GRU"])
def test_results_and_gradients_are_torchs(kind, options):
    torch = pytest.importorskip("torch")
    kind, _, extra = kind.partition("-")
    more = {"relu": {"nonlinearity": "relu"}, "projected": {"proj_size": 2}}.get(extra, {})
    ours, theirs = (run(t, kind, **options, **more) for t in (tg, torch))
    assert len(ours) == len(theirs)
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine.detach().numpy(), other.detach().numpy(), rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
def test_layer_does_what_its_cell_does_step_by_step(kind, rng):
    module = layer(tg, kind)
    cell = getattr(nn, f"{kind}Cell")(3, 4).double()
    cell.load_state_dict({name.removesuffix("_l0"): value for name, value in module.state_dict().items()})
    x = tg.from_numpy(rng.standard_normal((5, 2, 3)))
    state, outputs = None, []
    for step in x:
        state = cell(step, state)
        outputs.append(state[0] if kind == "LSTM" else state)
    y, _ = module(x)
    np.testing.assert_allclose(y.detach().numpy(), tg.stack(outputs).detach().numpy(), rtol=1e-12)
    with tg.no_grad():
        np.testing.assert_array_equal(module(x)[0].numpy(), y.detach().numpy())


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
def test_gradients_are_those_of_differences(kind, rng):
    module = layer(tg, kind)
    x = tg.from_numpy(rng.standard_normal((3, 2, 3))).requires_grad_()
    weights = [w.detach().requires_grad_() for w in module.parameters()]

    def function(x, *weights):
        for name, weight in zip([name for name, _ in module.named_parameters()], weights, strict=True):
            module._parameters[name] = weight
        return module(x)[0]

    assert gradcheck(function, (x, *weights))
    assert gradgradcheck(function, (x, *weights))


def test_weight_that_reaches_the_state_is_differentiated_along_both_ways(rng):
    module = layer(tg, "GRU")
    x = tg.from_numpy(rng.standard_normal((2, 1, 3)))

    def loss():
        return (module(x, module(x)[1])[0] ** 2).sum()

    weights = list(module.parameters())
    plain = tg.autograd.grad(loss(), weights)
    for one, other in zip(plain, tg.autograd.grad(loss(), weights, create_graph=True), strict=True):
        np.testing.assert_allclose(one.numpy(), other.detach().numpy(), rtol=1e-10)


def test_packed_sequences_do_not_see_the_padding(rng):
    module = layer(tg, "LSTM", bidirectional=True)
    sequences = [tg.from_numpy(rng.standard_normal((n, 3))) for n in (2, 5, 3)]
    packed, (h, _) = module(nn.utils.rnn.pack_sequence(sequences, enforce_sorted=False))
    for k, (sequence, output) in enumerate(zip(sequences, nn.utils.rnn.unpack_sequence(packed), strict=True)):
        alone, (last, _) = module(sequence)
        np.testing.assert_allclose(output.detach().numpy(), alone.detach().numpy(), rtol=1e-12)
        np.testing.assert_allclose(h[:, k].detach().numpy(), last.detach().numpy(), rtol=1e-12)


def test_copies_and_pickles():
    module = layer(tg, "GRU", num_layers=2)
    x = numbers(tg, 2, 1, 3)
    for other in (copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
        np.testing.assert_array_equal(other(x)[0].detach().numpy(), module(x)[0].detach().numpy())
        assert other.weight_ih_l0 is not module.weight_ih_l0


def test_dropout_between_layers_is_for_training(rng):
    module = layer(tg, "RNN", num_layers=2, dropout=0.5)
    x = tg.from_numpy(rng.standard_normal((2, 3, 3)))
    assert not np.array_equal(module(x)[0].detach().numpy(), module(x)[0].detach().numpy())
    module.eval()
    np.testing.assert_array_equal(module(x)[0].detach().numpy(), module(x)[0].detach().numpy())


def pack(t, lengths, **options):
    return list(t.nn.utils.rnn.pack_padded_sequence(numbers(t, 3, 2, 1), lengths, **options))


def packed(t, **options):
    return t.nn.utils.rnn.pack_padded_sequence(numbers(t, 3, 2, 1), [1, 3], enforce_sorted=False, **options)


CASES = {
    "repr": lambda t: repr(t.nn.LSTM(3, 4, 2, False, True, 0.5, True, 2)),
    "repr_gru": lambda t: repr(t.nn.GRU(3, 4)),
    "repr_cell": lambda t: [repr(t.nn.RNNCell(3, 4, False, "relu")), repr(t.nn.LSTMCell(3, 4))],
    "initial": lambda t: dict(layer(t, "LSTM", 2, bidirectional=True, proj_size=2).state_dict()),
    "initial_cell": lambda t: dict(layer(t, "GRUCell").state_dict()),
    "all_weights": lambda t: [len(w) for w in layer(t, "GRU", 2, bias=False).all_weights],
    "positional": lambda t: repr(t.nn.RNN(3, 4, 2, "relu", False, True)),
    "unbatched": lambda t: list(layer(t, "GRU", batch_first=True)(numbers(t, 5, 3), numbers(t, 1, 4))),
    "unbatched_lstm": lambda t: flat(layer(t, "LSTM")(numbers(t, 5, 3), (numbers(t, 1, 4), numbers(t, 1, 4)))),
    "unbatched_cell": lambda t: layer(t, "RNNCell")(numbers(t, 3), numbers(t, 4)),
    "no_sequence": lambda t: list(layer(t, "GRU")(t.zeros(2, 0, 3).double())),
    "no_step": lambda t: layer(t, "GRU")(t.zeros(0, 2, 3).double()),
    "dims": lambda t: layer(t, "LSTM")(t.zeros(1, 1, 2, 3)),
    "dims_state": lambda t: layer(t, "GRU")(numbers(t, 2, 1, 3), numbers(t, 1, 4)),
    "dims_state_unbatched": lambda t: layer(t, "RNN")(numbers(t, 2, 3), numbers(t, 1, 1, 4)),
    "dims_states": lambda t: layer(t, "LSTM")(numbers(t, 2, 1, 3), (numbers(t, 1, 4), numbers(t, 1, 1, 4))),
    "dims_states_unbatched": lambda t: layer(t, "LSTM")(numbers(t, 2, 3), (numbers(t, 1, 1, 4), numbers(t, 1, 4))),
    "size": lambda t: layer(t, "GRU")(numbers(t, 2, 1, 4)),
    "size_state": lambda t: layer(t, "GRU")(numbers(t, 2, 1, 3), numbers(t, 1, 2, 4)),
    "size_cell": lambda t: layer(t, "LSTM")(numbers(t, 2, 1, 3), (numbers(t, 1, 1, 4), numbers(t, 1, 2, 4))),
    "dtype": lambda t: layer(t, "GRU")(numbers(t, 2, 1, 3).float()),
    "dtype_state": lambda t: layer(t, "GRU")(numbers(t, 2, 1, 3), t.zeros(1, 1, 4)),
    "dropout_warns": lambda t: repr(t.nn.GRU(3, 4, dropout=0.5)),
    "dropout_range": lambda t: t.nn.GRU(3, 4, dropout=1.5),
    "dropout_bool": lambda t: t.nn.GRU(3, 4, dropout=True),
    "bias_type": lambda t: t.nn.GRU(3, 4, bias=1),
    "batch_first_type": lambda t: t.nn.GRU(3, 4, batch_first=1),
    "hidden_type": lambda t: t.nn.GRU(3, 4.0),
    "hidden_zero": lambda t: t.nn.GRU(3, 0),
    "input_zero": lambda t: t.nn.GRU(0, 3),
    "layers_zero": lambda t: t.nn.GRU(3, 3, 0),
    "projection": lambda t: t.nn.GRU(3, 3, proj_size=2),
    "projection_rnn": lambda t: t.nn.RNN(3, 3, proj_size=2),
    "projection_large": lambda t: t.nn.LSTM(3, 3, proj_size=3),
    "projection_negative": lambda t: t.nn.LSTM(3, 3, proj_size=-1),
    "nonlinearity": lambda t: t.nn.RNN(3, 3, nonlinearity="sin"),
    "mode": lambda t: t.nn.RNNBase("sin", 3, 3),
    "cell_dims": lambda t: layer(t, "RNNCell")(numbers(t, 1, 1, 3)),
    "cell_dims_state": lambda t: layer(t, "GRUCell")(numbers(t, 1, 3), numbers(t, 1, 1, 4)),
    "cell_dims_states": lambda t: layer(t, "LSTMCell")(numbers(t, 1, 3), (numbers(t, 1, 4), numbers(t, 1, 1, 4))),
    "cell_state": lambda t: layer(t, "LSTMCell")(numbers(t, 2, 3), numbers(t, 2, 4)),
    "cell_states": lambda t: layer(t, "LSTMCell")(numbers(t, 2, 3), (numbers(t, 2, 4),)),
    "cell_batch": lambda t: layer(t, "LSTMCell")(numbers(t, 2, 3), (numbers(t, 2, 4), numbers(t, 3, 4))),
    "cell_hidden": lambda t: layer(t, "GRUCell")(numbers(t, 2, 3), numbers(t, 2, 5)),
    "cell_input": lambda t: layer(t, "GRUCell")(numbers(t, 2, 4)),
    "cell_nonlinearity": lambda t: t.nn.RNNCell(3, 4, nonlinearity="sin")(t.zeros(1, 3)),
    "pack": lambda t: pack(t, [3, 1]),
    "pack_sort": lambda t: pack(t, t.tensor([1, 3]), enforce_sorted=False),
    "pack_unsorted": lambda t: pack(t, [1, 3]),
    "pack_zero": lambda t: pack(t, [3, 0]),
    "pack_count": lambda t: pack(t, [3]),
    "pack_batch_first": lambda t: pack(t, [2, 1, 1], batch_first=True),
    "pack_dims": lambda t: pack(t, t.tensor([[3, 1]])),
    "pack_empty": lambda t: t.nn.utils.rnn.pack_padded_sequence(t.zeros(0, 2), [1, 1]),
    "pad_packed": lambda t: list(t.nn.utils.rnn.pad_packed_sequence(packed(t), True, -1.0, 4)),
    "pad_packed_short": lambda t: t.nn.utils.rnn.pad_packed_sequence(packed(t), total_length=2),
    "packed_to": lambda t: [packed(t).to("cpu").data, packed(t).float().data, packed(t).long().data, packed(t).is_cuda],
    "packed_parts": lambda t: list(t.nn.utils.rnn.PackedSequence((t.ones(2), t.tensor([1, 1])))),
    "packed_alone": lambda t: t.nn.utils.rnn.PackedSequence(t.ones(2)),
    "packed_repr": lambda t: repr(t.nn.utils.rnn.pack_padded_sequence(t.ones(1, 1), [1])),
    "pad": lambda t: t.nn.utils.rnn.pad_sequence([t.ones(2, 2), t.ones(3, 2)]),
    "pad_left": lambda t: t.nn.utils.rnn.pad_sequence([t.ones(2), t.ones(3)], True, 9.0, "left"),
    "pad_none": lambda t: t.nn.utils.rnn.pad_sequence([]),
    "pad_number": lambda t: t.nn.utils.rnn.pad_sequence(3),
    "pad_side": lambda t: t.nn.utils.rnn.pad_sequence([t.ones(2)], padding_side="top"),
    "pad_shape": lambda t: t.nn.utils.rnn.pad_sequence([t.ones(2, 1), t.ones(3, 2)]),
    "pad_dtype": lambda t: t.nn.utils.rnn.pad_sequence([t.ones(2).long(), t.ones(3)]),
    "unpad": lambda t: t.nn.utils.rnn.unpad_sequence(numbers(t, 2, 3), t.tensor([3, 1]), batch_first=True),
    "unpack": lambda t: t.nn.utils.rnn.unpack_sequence(packed(t)),
    "invert": lambda t: t.nn.utils.rnn.invert_permutation(t.tensor([2, 0, 1])),
}


@pytest.mark.parity
@pytest.mark.parametrize("name", CASES)
def test_as_torch(name):
    pytest.importorskip("torch")
    check_twin(CASES[name], rtol=1e-9, atol=1e-12)
